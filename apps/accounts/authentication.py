"""The one function that says who makes a request: session, bearer token or API key. Activity is checked each time."""

from django.http import HttpRequest
from ninja.utils import check_csrf

from apps.accounts.exceptions import CsrfError, NotAuthenticatedError, TokenError
from apps.accounts.models import User
from apps.accounts.selectors.keys import BEGINNING
from apps.accounts.services.keys import key_authenticate
from apps.accounts.tokens import AccessClaims, access_read, access_user
from chatbot.lib.request_context import client_address

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def authenticate_request(request: HttpRequest) -> User | None:
    """The active person who asks, None for nobody. With an API key its `api_key` is set.

    With an Authorization header only that counts, and no cookie stands in for a bad one. Does not check CSRF, nor
    what a key may (`apps.accounts.scopes`).
    """
    if request.headers.get("Authorization"):
        token = _bearer(request)
        if token.startswith(BEGINNING):
            return key_authenticate(text=token, address=client_address(request))
        claims = access_read(token)
        return access_user(claims) if claims else None
    user = request.user
    return user if isinstance(user, User) and user.is_active else None


def bearer_claims(request: HttpRequest) -> AccessClaims | None:
    """What the access token of the request says, None where there is none. No query."""
    return access_read(_bearer(request))


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


def _bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
