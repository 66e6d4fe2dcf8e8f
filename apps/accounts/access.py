"""By what somebody is here, so that a stream that outlives its request can ask later whether it still holds."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from apps.accounts.authentication import bearer_claims
from apps.accounts.models import User
from apps.accounts.selectors.keys import key_user
from apps.accounts.selectors.sessions import session_key_hash, session_user
from apps.accounts.tokens import AccessClaims, access_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A browser's session, an API sign-in or an API key: exactly one of them."""

    user_id: UUID
    session_hash: str = ""
    claims: AccessClaims | None = None
    key_id: UUID | None = None


def access_of(request: HttpRequest, *, user: User) -> Access:
    """Of a request that was authenticated as this person's."""
    if user.api_key is not None:
        return Access(user_id=user.pk, key_id=user.api_key.pk)
    claims = bearer_claims(request)
    if claims is not None:
        return Access(user_id=user.pk, claims=claims)
    return access_by_session(user=user, session_key=request.session.session_key)


def access_by_session(*, user: User, session_key: str | None) -> Access:
    return Access(user_id=user.pk, session_hash=session_key_hash(session_key or ""))


def access_holder(access: Access) -> User | None:
    """The active person, None once the session, token or key has ended. One query."""
    if access.key_id is not None:
        return key_user(key_id=access.key_id)
    if access.claims is not None:
        return access_user(access.claims)
    return session_user(key_hash=access.session_hash)
