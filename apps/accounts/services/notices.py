"""Telling a person something in the portal."""

from uuid import UUID

from django.utils import timezone

from apps.accounts.models import Notice, User
from apps.accounts.selectors.notices import notices_unread
from chatbot.lib.errors import NotFoundError

_LENGTH = 1000


def notice_create(*, user: User, text: str) -> Notice:
    """Shown on every page of the person until they say that they have seen it."""
    return Notice.objects.create(user=user, text=text[:_LENGTH])


def notice_read(*, actor: User, notice_id: UUID) -> None:
    """The actor has seen it. Raises NotFoundError for another's notice and one seen before."""
    if not notices_unread(user=actor).filter(pk=notice_id).update(read_at=timezone.now()):
        raise NotFoundError
