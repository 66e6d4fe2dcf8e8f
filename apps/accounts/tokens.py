"""Tokens of the API: short signed access tokens, and refresh tokens that rotate.

An access token lives for minutes but is checked against the database each time: it ends at once with its family
(sign-out, reuse of a refresh token), with the person's activity and with a change of password.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.accounts.exceptions import TokenError
from apps.accounts.models import RefreshToken, User
from apps.audit.actions import TOKEN_REUSED
from apps.audit.services import event_record
from chatbot.lib.keys import uuid7

_ALGORITHM = "HS256"
_ISSUER = "chatbot"
_MARK_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    user_id: UUID
    family: UUID
    password_mark: str


def tokens_issue(*, user: User, family: UUID | None = None) -> TokenPair:
    """A new pair; without `family` it begins one, as at sign-in."""
    family = family or uuid7()
    refresh = f"{secrets.token_urlsafe(32)}.{password_mark(user)}"
    RefreshToken.objects.create(
        user=user,
        family=family,
        token_hash=_hash(refresh),
        expires_at=timezone.now() + timedelta(seconds=settings.REFRESH_TOKEN_SECONDS),
    )
    return TokenPair(
        access=_access_token(user=user, family=family), refresh=refresh, expires_in=settings.ACCESS_TOKEN_SECONDS
    )


def tokens_refresh(*, refresh: str) -> TokenPair:
    """A new pair for a refresh token, which is used up by that.

    A token presented a second time was stolen or its thief is the one who came first: its whole family ends.
    Raises TokenError for one that is unknown, used, revoked, expired, or of before a change of password.
    """
    with transaction.atomic():
        token = (
            RefreshToken.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(token_hash=_hash(refresh))
            .first()
        )
        if token is not None and token.used_at is None and _is_usable(token, refresh):
            token.used_at = timezone.now()
            token.save(update_fields=["used_at"])
            return tokens_issue(user=token.user, family=token.family)
        if token is not None and token.used_at is not None and token.revoked_at is None:
            family_revoke(family=token.family)
            event_record(action=TOKEN_REUSED, actor=token.user, workspace_id=None, result="refused")
    # Outside the transaction, which must keep the revocation.
    raise TokenError


def family_revoke(*, family: UUID) -> None:
    """End every token of one sign-in, access tokens included."""
    RefreshToken.objects.filter(family=family, revoked_at=None).update(revoked_at=timezone.now())


def tokens_revoke_all(*, user: User) -> None:
    """End every API sign-in of the person."""
    RefreshToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())


def access_read(token: str) -> AccessClaims | None:
    """What a correctly signed, unexpired access token says; None for any other text. No query."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _signing_key(),
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"require": ["exp", "iat", "sub", "fam", "pwm"]},
        )
        return AccessClaims(user_id=UUID(claims["sub"]), family=UUID(claims["fam"]), password_mark=str(claims["pwm"]))
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        return None


def access_user(claims: AccessClaims) -> User | None:
    """The active person whose token it is, unless its family or the password it was made under is gone. One query."""
    user = User.objects.filter(
        pk=claims.user_id,
        is_active=True,
        refresh_tokens__family=claims.family,
        refresh_tokens__used_at=None,
        refresh_tokens__revoked_at=None,
    ).first()
    if user is None or not constant_time_compare(claims.password_mark, password_mark(user)):
        return None
    return user


def password_mark(user: User) -> str:
    """Changes with the password and tells nothing about it."""
    return user.get_session_auth_hash()[:_MARK_LENGTH]


def _is_usable(token: RefreshToken, text: str) -> bool:
    mark = text.rpartition(".")[2]
    return (
        token.revoked_at is None
        and token.expires_at > timezone.now()
        and token.user.is_active
        and constant_time_compare(mark, password_mark(token.user))
    )


def _access_token(*, user: User, family: UUID) -> str:
    now = timezone.now()
    claims = {
        "iss": _ISSUER,
        "sub": str(user.pk),
        "fam": str(family),
        "pwm": password_mark(user),
        "iat": now,
        "exp": now + timedelta(seconds=settings.ACCESS_TOKEN_SECONDS),
    }
    return jwt.encode(claims, _signing_key(), algorithm=_ALGORITHM)


def _signing_key() -> bytes:
    """Derived, so that nothing else signed with the secret key can pass for a token."""
    return salted_hmac("apps.accounts.tokens.access", "key", algorithm="sha256").digest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
