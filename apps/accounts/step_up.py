"""Asking again who it is before something sensitive.

Who has a second factor is asked for that, everybody else for the password; who has neither signs in again at their
provider. What was presented counts for CHATBOT_STEP_UP_SECONDS in that session. Signing in with a password alone does
not count; signing in with a second factor does.
"""

import time
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, TypeVar, overload

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from apps.accounts.authentication import bearer_claims
from apps.accounts.exceptions import FactorMissingError, StepUpRequiredError
from apps.accounts.models import RefreshToken, User
from apps.accounts.second_factor.state import has_second_factor
from apps.accounts.types import ApiRequest, UserRequest

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

BY_FACTOR = "factor"
BY_PASSWORD = "password"  # noqa: S105  # a way, not a secret
BY_SIGN_IN = "sign_in"


@overload
def step_up_required(view: View) -> View: ...
@overload
def step_up_required(*, second_factor: bool) -> Callable[[View], View]: ...
def step_up_required(view: Any = None, *, second_factor: bool = False) -> Any:
    """A page that first asks for the second factor or password, unless that was minutes ago.

    With `second_factor` it is open to people who have one only; others are told to set one up.
    """
    if view is None:
        return partial(step_up_required, second_factor=second_factor)

    @wraps(view)
    def page(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if second_factor and not has_second_factor(user=request.user):
            return render(request, "accounts/second_factor_needed.html", status=HTTPStatus.FORBIDDEN)
        if not step_up_is_fresh(request):
            return step_up_redirect(request)
        answer: HttpResponseBase = view(request, *args, **kwargs)
        return answer

    return page


def step_up_require(request: ApiRequest, *, second_factor: bool = False) -> None:
    """The same for the API: with a token, the sign-in that it comes from must be that young. At most two queries.

    Raises StepUpRequiredError, and FactorMissingError with `second_factor` for who has none.
    """
    if second_factor and not has_second_factor(user=request.auth):
        raise FactorMissingError
    claims = bearer_claims(request)
    if claims is None:
        # An API key is not a person who could be asked.
        is_fresh = not request.headers.get("Authorization") and step_up_is_fresh(request)
    else:
        begun = RefreshToken.objects.filter(family=claims.family).aggregate(at=Min("signed_in_at"))["at"]
        is_fresh = begun is not None and begun.timestamp() >= _oldest()
    if not is_fresh:
        raise StepUpRequiredError


def step_up_way(user: User) -> str:
    """What the person is asked for: BY_FACTOR, BY_PASSWORD or BY_SIGN_IN. One query."""
    if has_second_factor(user=user):
        return BY_FACTOR
    return BY_PASSWORD if user.has_usable_password() else BY_SIGN_IN


def step_up_is_fresh(request: HttpRequest) -> bool:
    """Whether this session's person presented what they are asked for, minutes ago. One query."""
    user = request.user
    if not isinstance(user, User):
        return False
    records = [record for record in get_authentication_records(request, user) if record["at"] >= _oldest()]
    way = step_up_way(user)
    if way == BY_FACTOR:
        return any(record["method"] == "mfa" for record in records)
    if way == BY_PASSWORD:
        return any(record["method"] == "password" and record.get("reauthenticated") for record in records)
    return bool(records)


def step_up_redirect(request: UserRequest) -> HttpResponse:
    """To the page that asks, and after it back: to this page, or to the one whose button sent this form.

    What was sent is not kept; it may hold secrets.
    """
    target = request.get_full_path()
    if request.method not in {"GET", "HEAD"} or request.htmx:
        target = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/"
    if not next_is_safe(request, target):
        target = "/"
    address = f"{reverse('accounts:step-up')}?{urlencode({'next': target})}"
    if request.htmx:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
    return redirect(address)


def next_is_safe(request: HttpRequest, target: str) -> bool:
    return url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def _oldest() -> float:
    return time.time() - settings.STEP_UP_SECONDS
