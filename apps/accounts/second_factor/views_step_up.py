"""The page that asks again who it is (apps.accounts.step_up)."""

from http import HTTPStatus

from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth import logout
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.exceptions import CredentialsError, OtpInvalidError, PasskeyInvalidError, TooManyAttemptsError
from apps.accounts.second_factor.checking import password_check
from apps.accounts.second_factor.forms import CodeForm, PasswordForm
from apps.accounts.second_factor.passkeys import passkey_options
from apps.accounts.second_factor.proving import proof_of, proof_remember
from apps.accounts.second_factor.state import factors_of
from apps.accounts.step_up import BY_FACTOR, BY_PASSWORD, next_is_safe, step_up_way
from apps.accounts.types import UserRequest
from chatbot.lib.errors import AppError


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def step_up(request: UserRequest) -> HttpResponse:
    """Second factor or password, then on to `next`."""
    way = step_up_way(request.user)
    if request.method == "POST":
        try:
            _check(request, way)
        except (CredentialsError, OtpInvalidError, PasskeyInvalidError, TooManyAttemptsError) as error:
            return _asked(request, way, error)
        # `redirect` would take a word without a slash for the name of a route.
        return HttpResponseRedirect(_next(request))
    return _asked(request, way)


@require_POST
def step_up_again(request: UserRequest) -> HttpResponse:
    """For people with neither password nor second factor: out, and in again at their provider."""
    target = _next(request)
    logout(request)
    return redirect(f"{resolve_url('account_login')}?{urlencode({'next': target})}")


def _check(request: UserRequest, way: str) -> None:
    if way == BY_FACTOR:
        proof = proof_of(request, user=request.user, is_signed_in=True)
        proof_remember(request, user=request.user, proof=proof)
        return
    form = PasswordForm(request.POST)
    if way != BY_PASSWORD or not form.is_valid():
        raise CredentialsError("Please enter your password.")
    password_check(user=request.user, password=form.cleaned_data["password"])
    record_authentication(request, request.user, "password", reauthenticated=True)


def _asked(request: UserRequest, way: str, error: AppError | None = None) -> HttpResponse:
    factors = factors_of(user=request.user)
    context = {
        "way": way,
        "factors": factors,
        "form": CodeForm() if way == BY_FACTOR else PasswordForm(),
        "error": (error.detail or error.title) if error else "",
        "options": passkey_options(request, user=request.user) if factors.passkeys else None,
        "next": _next(request),
    }
    status = HTTPStatus.OK
    if error:
        is_locked = isinstance(error, TooManyAttemptsError)
        status = HTTPStatus.TOO_MANY_REQUESTS if is_locked else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "accounts/second_factor_step_up.html", context, status=status)


def _next(request: UserRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or "/"
    return target if next_is_safe(request, target) else "/"
