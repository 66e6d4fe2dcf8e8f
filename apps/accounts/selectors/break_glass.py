"""Reads: who may look at whose conversations for the moment."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import BreakGlass, User
from apps.accounts.permissions import permission_has
from chatbot.lib.errors import NotFoundError


def break_glass_open_of(*, user: User) -> QuerySet[BreakGlass]:
    """The person's accesses that still hold, newest first; `owner` and `workspace` come along."""
    rows = BreakGlass.objects.filter(actor=user, expires_at__gt=timezone.now(), ended_at=None)
    return rows.select_related("owner", "workspace").order_by("-pk")


def break_glass_require(*, user: User, access_id: UUID) -> BreakGlass:
    """Two queries. Raises NotFoundError for another's access and for one that has ended.

    It ends, too, with the role under which it was asked for.
    """
    access = break_glass_open_of(user=user).filter(pk=access_id).first()
    if access is None or not permission_has(user=user, workspace_id=access.workspace_id, permission="break_glass"):
        raise NotFoundError("This access does not exist or has ended. Ask for it again if you still need it.")
    return access
