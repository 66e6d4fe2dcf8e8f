"""The security page and what hangs on it: authenticator app, passkeys, recovery codes."""

import base64
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.exceptions import FactorExistsError, FactorSetupExpiredError, OtpInvalidError, PasskeyInvalidError
from apps.accounts.exceptions import TooManyAttemptsError as Locked
from apps.accounts.second_factor.changing import (
    Here,
    factor_remove,
    passkey_add,
    passkey_rename,
    recovery_codes_make,
    totp_add,
    totp_setup,
)
from apps.accounts.second_factor.checking import Proof
from apps.accounts.second_factor.forms import NameForm, PasskeyForm, TotpForm
from apps.accounts.second_factor.passkeys import passkey_add_options, passkey_registered
from apps.accounts.second_factor.proving import proof_remember
from apps.accounts.second_factor.state import PASSKEY, TOTP, Passkey, factors_of, second_factor_state
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from chatbot.lib.errors import AppError, NotFoundError, ValidationFailedError
from chatbot.lib.forms import posted

_SECTION = {"settings_section": "security"}


@never_cache
@require_GET
def security(request: UserRequest) -> HttpResponse:
    context = {
        **_SECTION,
        "factors": factors_of(user=request.user),
        "state": second_factor_state(user=request.user),
        "has_password": request.user.has_usable_password(),
    }
    return render(request, "accounts/second_factor.html", context)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@step_up_required
def totp(request: UserRequest) -> HttpResponse:
    """Shows the secret; a code of the app that took it makes it a second factor."""
    form = TotpForm(posted(request))
    try:
        if form.is_valid():
            codes = totp_add(actor=request.user, code=form.cleaned_data["code"], here=_here(request))
            proof_remember(request, user=request.user, proof=Proof(kind=TOTP))
            return _done(request, codes, "Your authenticator app is set up.")
    except (OtpInvalidError, Locked) as error:
        form.add_error("code", error.detail or error.title)
    except FactorSetupExpiredError as error:
        messages.error(request, error.title)
        return redirect("accounts:totp-add")
    except FactorExistsError:
        return redirect("accounts:security")
    return _totp_page(request, form)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@step_up_required
def passkey(request: UserRequest) -> HttpResponse:
    """Asks the browser for a new passkey and keeps it."""
    form = PasskeyForm(posted(request))
    if request.method == "POST":
        try:
            return _passkey_kept(request, form)
        except (PasskeyInvalidError, ValidationFailedError) as error:
            form.add_error(None, _words(error))
    context = {**_SECTION, "form": form, "options": passkey_add_options(request, user=request.user)}
    return render(request, "accounts/second_factor_passkey.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
def passkey_name(request: UserRequest, passkey_id: int) -> HttpResponse:
    shown = _own_passkey(request, passkey_id)
    form = NameForm(posted(request), initial={"name": shown.name})
    if form.is_valid():
        passkey_rename(actor=request.user, passkey_id=passkey_id, name=form.cleaned_data["name"])
        messages.success(request, "The passkey has its new name.")
        return redirect("accounts:security")
    context = {**_SECTION, "form": form, "passkey": shown}
    return render(request, "accounts/second_factor_rename.html", context, status=_status(form))


@never_cache
@require_http_methods(["GET", "POST"])
@step_up_required
def remove(request: UserRequest, factor_id: int) -> HttpResponse:
    """Asks first; by POST takes the authenticator app or passkey away."""
    factors = factors_of(user=request.user)
    shown = next((one.name for one in factors.passkeys if one.id == factor_id), "")
    if not shown and (factors.totp is None or factors.totp.pk != factor_id):
        raise NotFoundError
    if request.method == "POST":
        factor_remove(actor=request.user, factor_id=factor_id)
        messages.success(request, f"The passkey {shown} is removed." if shown else "The authenticator app is removed.")
        return redirect("accounts:security")
    is_last = len(factors.passkeys) + (factors.totp is not None) == 1
    context = {
        **_SECTION,
        "title": f"Remove the passkey {shown}?" if shown else "Remove the authenticator app?",
        "text": "It is your last second factor: from then on the password alone opens your account, "
        "and your recovery codes end."
        if is_last
        else "You keep your other second factors.",
        "button": "Remove",
        "is_danger": True,
        "back": reverse("accounts:security"),
    }
    return render(request, "accounts/confirm.html", context)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@step_up_required
def recovery_codes(request: UserRequest) -> HttpResponse:
    """Asks first; by POST makes new codes and shows them, this once."""
    factors = factors_of(user=request.user)
    if not factors.has_any:
        return redirect("accounts:security")
    if request.method == "POST":
        return _codes_shown(request, recovery_codes_make(actor=request.user))
    context = {
        **_SECTION,
        "title": "Make new recovery codes?",
        "text": f"The {factors.codes_left} codes that you have left stop working."
        if factors.codes_left
        else "You have no code left that works.",
        "button": "Make new codes",
        "back": reverse("accounts:security"),
    }
    return render(request, "accounts/confirm.html", context)


def _passkey_kept(request: UserRequest, form: PasskeyForm) -> HttpResponse:
    if not form.is_valid():
        raise PasskeyInvalidError
    data = passkey_registered(request, answer=form.cleaned_data["credential"])
    codes = passkey_add(actor=request.user, name=form.cleaned_data["name"], data=data, here=_here(request))
    proof_remember(request, user=request.user, proof=Proof(kind=PASSKEY))
    return _done(request, codes, "The passkey is added.")


def _totp_page(request: UserRequest, form: TotpForm) -> HttpResponse:
    setup = totp_setup(user=request.user)
    picture = base64.b64encode(setup.svg.encode()).decode("ascii")
    context = {**_SECTION, "form": form, "setup": setup, "picture": f"data:image/svg+xml;base64,{picture}"}
    return render(request, "accounts/second_factor_totp.html", context, status=_status(form))


def _done(request: UserRequest, codes: list[str], told: str) -> HttpResponse:
    if codes:
        return _codes_shown(request, codes, told=told)
    messages.success(request, told)
    return redirect("accounts:security")


def _codes_shown(request: UserRequest, codes: list[str], *, told: str = "") -> HttpResponse:
    text = "\n".join(codes) + "\n"
    context = {
        **_SECTION,
        "codes": codes,
        "told": told,
        "text": text,
        "file": f"data:text/plain;base64,{base64.b64encode(text.encode()).decode('ascii')}",
    }
    return render(request, "accounts/second_factor_codes.html", context)


def _here(request: UserRequest) -> Here:
    return Here(session_key=request.session.session_key)


def _own_passkey(request: UserRequest, passkey_id: int) -> Passkey:
    for one in factors_of(user=request.user).passkeys:
        if one.id == passkey_id:
            return one
    raise NotFoundError


def _words(error: AppError) -> str:
    errors = list(error.errors.values()) if isinstance(error, ValidationFailedError) else []
    return " ".join(errors) or error.detail or error.title


def _status(form: TotpForm | PasskeyForm | NameForm) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
