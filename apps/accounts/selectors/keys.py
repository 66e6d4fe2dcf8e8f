"""Reads: a person's API keys, and what one lets in."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from apps.accounts.models import ApiKey, Membership, User, Workspace
from apps.accounts.secret_hash import secret_hash
from chatbot.lib.errors import NotFoundError

BEGINNING = "cb_"
_TEXT = re.compile(r"cb_(?P<prefix>[a-z0-9]{12})_(?P<secret>[A-Za-z0-9_-]{20,100})")
# How long the page goes on showing a key that has ended.
_ENDED_SHOWN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyText:
    prefix: str
    secret: str


def key_text_read(text: str) -> KeyText | None:
    """The parts of a key, None for what is none of ours."""
    found = _TEXT.fullmatch(text)
    return KeyText(prefix=found["prefix"], secret=found["secret"]) if found else None


def key_found(*, prefix: str) -> ApiKey | None:
    """The key of this prefix, with `user` and `is_in_workspace`. One query."""
    return _with_owner().filter(prefix=prefix).first()


def key_secret_is_right(key: ApiKey | None, secret: str) -> bool:
    """In the same time for a key that does not exist."""
    return constant_time_compare(secret_hash(secret), key.secret_hash if key else "")


def key_refusal(key: ApiKey) -> str:
    """Why the key, found by `key_found`, lets nobody in now; empty if it does."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= timezone.now():
        return "expired"
    if not key.user.is_active:
        return "disabled"
    # A super admin's key may be for a workspace that they are no member of.
    return "" if key.user.is_super_admin or _row(key).is_in_workspace else "not_a_member"


def key_owner(key: ApiKey) -> User:
    """The key's person as who acts: in the key's workspace only."""
    user = key.user
    user.api_key = key
    user.current_workspace_id = key.workspace_id
    return user


def key_user(*, key_id: UUID) -> User | None:
    """The person for whom the key acts, None once it has ended. One query."""
    key = _with_owner().filter(pk=key_id).first()
    return key_owner(key) if key is not None and not key_refusal(key) else None


def keys_of(*, user: User) -> QuerySet[ApiKey]:
    """The person's keys, the newest first; one that has ended only for a while. `workspace` comes along."""
    since = timezone.now() - _ENDED_SHOWN
    rows = ApiKey.objects.filter(user=user).select_related("workspace")
    return rows.exclude(Q(revoked_at__lt=since) | Q(expires_at__lt=since)).order_by("-created_at", "-pk")


def keys_alive() -> QuerySet[ApiKey]:
    """Neither revoked nor expired."""
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def key_require(*, user: User, key_id: UUID) -> ApiKey:
    """One's own key. One query. Raises NotFoundError for another's."""
    key = ApiKey.objects.filter(user=user, pk=key_id).first()
    if key is None:
        raise NotFoundError
    return key


def key_workspaces(*, user: User) -> list[tuple[UUID, str]]:
    """Where the person may have keys: where they belong; a super admin in every workspace. By name. One query."""
    rows = Workspace.objects.all() if user.is_super_admin else Workspace.objects.filter(memberships__user=user)
    return list(rows.order_by("name", "pk").values_list("pk", "name"))


def _with_owner() -> QuerySet[ApiKey]:
    member = Membership.objects.filter(user_id=OuterRef("user_id"), workspace_id=OuterRef("workspace_id"))
    return ApiKey.objects.select_related("user").annotate(is_in_workspace=Exists(member))


def _row(key: ApiKey) -> Any:
    return key
