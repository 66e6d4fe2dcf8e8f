"""Whoever must have a second factor and has none by the deadline reaches nothing but its set-up.

Costs no query for people who are fine: that is remembered in the process for a minute. For the others it is looked up
each time, so that a factor counts at once. Changes of workspaces and memberships are noticed at once in the process
that made them (apps.accounts.second_factor.receivers) and within the minute in others.
"""

import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse

from apps.accounts.exceptions import SecondFactorRequiredError
from apps.accounts.models import User
from apps.accounts.second_factor.state import SecondFactorState, second_factor_state

# What is open without a second factor that is due: setting one up, and leaving.
OPEN_ROUTES = frozenset(
    {
        "accounts:security",
        "accounts:step-up",
        "accounts:step-up-again",
        "accounts:totp-add",
        "accounts:passkey-add",
        "accounts:recovery-codes",
        "api:me",
        "api:sign_out",
        "api:second-factor-setup",
        "api:second-factor-verify",
    }
)
_REMEMBERED_SECONDS = 60
_REMEMBERED_MOST = 50_000
# Until when (monotonic clock) a person is taken to be fine.
_fine: dict[UUID, float] = {}


def second_factor_missing(*, user: User) -> SecondFactorState | None:
    """The state of who must get a second factor, None for who is fine. No query for the latter within a minute."""
    now = time.monotonic()
    if _fine.get(user.pk, 0.0) > now:
        return None
    state = second_factor_state(user=user)
    if state.is_missing:
        return state
    if len(_fine) >= _REMEMBERED_MOST:
        _fine.clear()
    _fine[user.pk] = now + _REMEMBERED_SECONDS
    return None


def state_forget(*, user_id: UUID | None = None) -> None:
    """Look again at the person's next request; without `user_id` at everybody's. In this process."""
    if user_id is None:
        _fine.clear()
    else:
        _fine.pop(user_id, None)


def second_factor_gate(request: HttpRequest) -> HttpResponse | None:
    """The way to the set-up page for who is overdue, None for who may pass.

    Leaves `second_factor_due` on the request while the person still has time, for the banner.
    """
    user = _user(request)
    state = second_factor_missing(user=user)
    if state is None or sso_suffices(request.session, user=user):
        return None
    request.second_factor_due = state  # type: ignore[attr-defined]
    if not state.is_overdue or _is_open(request):
        return None
    return _to_setup(request)


def second_factor_require(request: HttpRequest, *, user: User) -> None:
    """For the API: raises SecondFactorRequiredError for who is overdue, except for setting one up."""
    if not _is_open(request):
        second_factor_session_require(request.session, user=user)


def second_factor_session_require(session: Any, *, user: User) -> None:
    """For sockets, which have a session and no request. Raises SecondFactorRequiredError for who is overdue."""
    state = second_factor_missing(user=user)
    if state is not None and state.is_overdue and not sso_suffices(session, user=user):
        raise SecondFactorRequiredError


def sso_suffices(session: Any, *, user: User) -> bool:
    """Whether the session was begun by a single sign-on whose second factor is trusted."""
    if not settings.SSO_TRUSTS_SECOND_FACTOR:
        return False
    # Of the request, allauth reads the session only.
    records = get_authentication_records(SimpleNamespace(session=session), user)
    return any(record.get("method") == "socialaccount" for record in records)


def _to_setup(request: HttpRequest) -> HttpResponse:
    address = reverse("accounts:security")
    if request.headers.get("HX-Request") != "true":
        return redirect(address)
    # A set-up page's own fragments must not have it load itself again and again.
    if _leads_to_open_route(request.headers.get("HX-Current-URL", "")):
        return HttpResponse(status=204)
    return HttpResponse(status=204, headers={"HX-Redirect": address})


def _is_open(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.view_name in OPEN_ROUTES


def _leads_to_open_route(address: str) -> bool:
    try:
        return resolve(urlsplit(address).path).view_name in OPEN_ROUTES
    except (Resolver404, ValueError):
        return False


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)
    return user
