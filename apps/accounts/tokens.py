"""Tokens of the API: short signed access tokens, and refresh tokens that rotate.

An access token lives for minutes but is checked against the database each time: it ends at once with its family
(sign-out, reuse of a refresh token), with the person's activity and with a change of password.

A refresh token works once, without grace: of two uses one may be a thief's, and which one nobody can tell. So the
second ends the family, also when both come at the same time or the answer to the first was lost; the program signs in
again. Programs that refresh from several places take an API key instead.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.exceptions import TokenError
from apps.accounts.models import RefreshToken, User
from apps.accounts.secret_hash import secret_hash
from apps.accounts.selectors.sessions import password_mark
from apps.accounts.sign_in_use import USE_NOTED_EVERY, use_fields
from apps.audit.actions import TOKEN_REUSED
from apps.audit.services import event_record
from chatbot.lib.keys import uuid7

_ALGORITHM = "HS256"
_ISSUER = "chatbot"


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


def tokens_issue(*, user: User, before: RefreshToken | None = None) -> TokenPair:
    """A new pair: the next of a family after the token `before`, or the first of a new one, as at sign-in.

    However often it is refreshed, a sign-in ends SESSION_MAX_SECONDS after it began.
    """
    now = timezone.now()
    family = before.family if before else uuid7()
    signed_in_at = before.signed_in_at if before else now
    refresh = f"{secrets.token_urlsafe(32)}.{password_mark(user)}"
    RefreshToken.objects.create(
        user=user,
        family=family,
        token_hash=secret_hash(refresh),
        signed_in_at=signed_in_at,
        expires_at=min(
            now + timedelta(seconds=settings.REFRESH_TOKEN_SECONDS),
            signed_in_at + timedelta(seconds=settings.SESSION_MAX_SECONDS),
        ),
        **use_fields(),
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
            .filter(token_hash=secret_hash(refresh))
            .first()
        )
        if token is not None and token.used_at is None and _is_usable(token, refresh):
            token.used_at = timezone.now()
            token.save(update_fields=["used_at"])
            return tokens_issue(user=token.user, before=token)
        if token is not None and token.used_at is not None and token.revoked_at is None:
            family_revoke(user=token.user, family=token.family)
            event_record(action=TOKEN_REUSED, actor=token.user, workspace_id=None, result="refused")
    # Outside the transaction, which must keep the revocation.
    raise TokenError


def family_revoke(*, user: User, family: UUID) -> int:
    """End every token of one sign-in of the person, access tokens included. Gives how many had not ended."""
    return _revoke(user, RefreshToken.objects.filter(family=family))


def tokens_revoke_all(*, user: User, but: UUID | None = None) -> int:
    """End every API sign-in of the person, except the family `but`. Gives how many tokens had not ended."""
    tokens = RefreshToken.objects.all()
    return _revoke(user, tokens if but is None else tokens.exclude(family=but))


def _revoke(user: User, tokens: QuerySet[RefreshToken]) -> int:
    ended = tokens.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    access_ended_announce(user_id=user.pk)
    return ended


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
    """The active person whose token it is, unless its family or the password it was made under is gone.

    One query, and once a minute another that notes the use.
    """
    now = timezone.now()
    rows = RefreshToken.objects.filter(family=claims.family, used_at=None, revoked_at=None, expires_at__gt=now)
    row = rows.filter(user_id=claims.user_id, user__is_active=True).select_related("user").first()
    if row is None or not constant_time_compare(claims.password_mark, password_mark(row.user)):
        return None
    if now - row.last_used_at >= USE_NOTED_EVERY:
        RefreshToken.objects.filter(pk=row.pk).update(last_used_at=now, **use_fields())
    return row.user


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
