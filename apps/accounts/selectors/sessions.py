"""Reads: where a person is signed in, by browser and by API."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from apps.accounts.devices import device_name
from apps.accounts.models import BrowserSession, RefreshToken, User
from apps.accounts.secret_hash import secret_hash

MARK_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One place where somebody is signed in. `id`: the session's key, or the family of the API sign-in."""

    id: UUID
    kind: Literal["browser", "api"]
    device: str
    address: str | None
    signed_in_at: datetime
    last_used_at: datetime
    is_current: bool


def session_key_hash(session_key: str) -> str:
    """How a session is found: by the SHA-256 of the key in its cookie."""
    return secret_hash(session_key)


def password_mark(user: User) -> str:
    """Changes with the password and tells nothing about it."""
    return user.get_session_auth_hash()[:MARK_LENGTH]


def sessions_alive() -> QuerySet[BrowserSession]:
    """Neither ended, nor unused for too long, nor too old."""
    now = timezone.now()
    return BrowserSession.objects.filter(
        expires_at__gt=now,
        last_used_at__gt=now - timedelta(seconds=settings.SESSION_IDLE_SECONDS),
        created_at__gt=now - timedelta(seconds=settings.SESSION_MAX_SECONDS),
    )


def sessions_dead() -> QuerySet[BrowserSession]:
    """All others."""
    now = timezone.now()
    return BrowserSession.objects.filter(
        Q(expires_at__lte=now)
        | Q(last_used_at__lte=now - timedelta(seconds=settings.SESSION_IDLE_SECONDS))
        | Q(created_at__lte=now - timedelta(seconds=settings.SESSION_MAX_SECONDS))
    )


def sessions_of(*, user: User) -> QuerySet[BrowserSession]:
    """The person's browser sessions that let them in, the last used first."""
    rows = sessions_alive().filter(user=user, password_mark=password_mark(user))
    return rows.order_by("-last_used_at", "-pk")


def session_user(*, key_hash: str) -> User | None:
    """The active person whose session this is, None once it has ended. One query."""
    row = sessions_alive().filter(key_hash=key_hash, user__is_active=True).select_related("user").first()
    if row is None or row.user is None or not constant_time_compare(row.password_mark, password_mark(row.user)):
        return None
    return row.user


def families_of(*, user: User) -> QuerySet[RefreshToken]:
    """The last link of each of the person's API sign-ins that go on, the last used first."""
    rows = RefreshToken.objects.filter(user=user, used_at=None, revoked_at=None, expires_at__gt=timezone.now())
    return rows.order_by("-last_used_at", "-pk")


def sign_ins_of(*, user: User, session_key: str | None) -> list[SignIn]:
    """Where the person is signed in: this session first, then the others by their last use. Two queries."""
    current = session_key_hash(session_key) if session_key else ""
    found = [_by_browser(row, is_current=row.key_hash == current) for row in sessions_of(user=user).defer("data")]
    found += [_by_api(row) for row in families_of(user=user)]
    return sorted(found, key=lambda one: (one.is_current, one.last_used_at), reverse=True)


def _by_browser(row: BrowserSession, *, is_current: bool) -> SignIn:
    return SignIn(
        id=row.pk,
        kind="browser",
        device=device_name(row.user_agent),
        address=row.address,
        signed_in_at=row.created_at,
        last_used_at=row.last_used_at,
        is_current=is_current,
    )


def _by_api(row: RefreshToken) -> SignIn:
    return SignIn(
        id=row.family,
        kind="api",
        device=device_name(row.user_agent),
        address=row.address,
        signed_in_at=row.signed_in_at,
        last_used_at=row.last_used_at,
        is_current=False,
    )
