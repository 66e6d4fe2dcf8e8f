"""Signing in: the page for the second factor, and the passkey in place of a password."""

from http import HTTPStatus
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.exceptions import OtpInvalidError, PasskeyInvalidError, TooManyAttemptsError
from apps.accounts.models import User
from apps.accounts.rate_limit import door_require
from apps.accounts.second_factor.checking import Proof
from apps.accounts.second_factor.forms import AnswerForm, CodeForm
from apps.accounts.second_factor.passkeys import passkey_options, passkey_person
from apps.accounts.second_factor.proving import proof_of, proof_remember
from apps.accounts.second_factor.stages import SecondFactorStage
from apps.accounts.second_factor.state import PASSKEY, factors_of
from apps.accounts.step_up import next_is_safe
from apps.audit.actions import SECOND_FACTOR_FAILED
from apps.audit.services import event_record
from chatbot.lib.errors import AppError


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@login_stage_required(stage=SecondFactorStage.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
def authenticate(request: Any) -> HttpResponse:
    """After the password: a code, a recovery code or a passkey."""
    stage = request._login_stage
    user: User = stage.login.user
    if stage.is_outdated:
        aborted: HttpResponse = stage.abort()
        return aborted
    if request.method == "POST":
        door_require(request=request, door="sign_in")
        try:
            proof = proof_of(request, user=user, is_signed_in=False)
        except (OtpInvalidError, PasskeyInvalidError, TooManyAttemptsError) as error:
            return _asked(request, user, error)
        proof_remember(request, user=user, proof=proof)
        response: HttpResponse = stage.exit()
        return response
    return _asked(request, user)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """GET asks the browser's question, as JSON; POST takes the answer and signs in."""
    if request.user.is_authenticated:
        return redirect("/")
    door_require(request=request, door="sign_in")
    if request.method == "GET":
        return JsonResponse(passkey_options(request, user=None))
    form = AnswerForm(request.POST)
    try:
        if not form.is_valid():
            raise PasskeyInvalidError
        user, row = passkey_person(request, answer=form.cleaned_data["credential"])
    except PasskeyInvalidError as error:
        event_record(action=SECOND_FACTOR_FAILED, actor=None, workspace_id=None, result="refused")
        messages.error(request, error.title)
        return redirect("account_login")
    proof_remember(request, user=user, proof=Proof(kind=PASSKEY, factor_id=row.pk), passwordless=True)
    target = request.POST.get("next", "")
    login = Login(user=user, redirect_url=target if target and next_is_safe(request, target) else None)
    response: HttpResponse = perform_login(request, login)
    return response


def _asked(request: HttpRequest, user: User, error: AppError | None = None) -> HttpResponse:
    factors = factors_of(user=user)
    context = {
        "factors": factors,
        "form": CodeForm(),
        "error": (error.detail or error.title) if error else "",
        "options": passkey_options(request, user=user) if factors.passkeys else None,
    }
    status = HTTPStatus.OK
    if error:
        is_locked = isinstance(error, TooManyAttemptsError)
        status = HTTPStatus.TOO_MANY_REQUESTS if is_locked else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "mfa/authenticate.html", context, status=status)
