"""The one function that says who makes a request: session or bearer token. Activity is checked each time."""

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.utils import check_csrf

from apps.accounts.exceptions import CsrfError, NotAuthenticatedError, TokenError
from apps.accounts.models import User
from apps.accounts.tokens import AccessClaims, access_read, access_user

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def authenticate_request(request: HttpRequest) -> User | None:
    """The active person who asks, None for nobody.

    With an Authorization header only that counts, and no cookie stands in for a bad one. Does not check CSRF.
    """
    if request.headers.get("Authorization"):
        claims = bearer_claims(request)
        return access_user(claims) if claims else None
    user = request.user
    return user if isinstance(user, User) and user.is_active else None


async def aauthenticate_request(request: HttpRequest) -> User | None:
    """The same on the event loop: one thread hop."""
    return await sync_to_async(authenticate_request)(request)


def bearer_claims(request: HttpRequest) -> AccessClaims | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return access_read(token.strip()) if scheme.lower() == "bearer" else None


def authenticate_api(request: HttpRequest) -> User:
    """The person for the API. A session also needs the CSRF header for what changes things.

    Raises NotAuthenticatedError, TokenError or CsrfError.
    """
    user = authenticate_request(request)
    if user is None:
        raise TokenError if request.headers.get("Authorization") else NotAuthenticatedError
    by_session = not request.headers.get("Authorization")
    if by_session and request.method not in SAFE_METHODS and check_csrf(request) is not None:
        raise CsrfError
    # Pages and services read request.user; with a token it must be the token's person.
    request.user = user
    return user
