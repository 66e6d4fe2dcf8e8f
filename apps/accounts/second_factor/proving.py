"""What a page was sent as a second factor, and what the session remembers of it."""

from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.http import HttpRequest

from apps.accounts.exceptions import OtpInvalidError, PasskeyInvalidError
from apps.accounts.models import User
from apps.accounts.second_factor.checking import Proof, code_check, counted
from apps.accounts.second_factor.forms import AnswerForm, CodeForm
from apps.accounts.second_factor.passkeys import passkey_check
from apps.accounts.second_factor.recovery import FEW, recovery_codes_left
from apps.accounts.second_factor.state import RECOVERY_CODE


def proof_of(request: HttpRequest, *, user: User, is_signed_in: bool) -> Proof:
    """Check the code or passkey that a form sent.

    Raises OtpInvalidError, PasskeyInvalidError, and TooManyAttemptsError.
    """
    if "credential" in request.POST:
        answer = AnswerForm(request.POST)
        if not answer.is_valid():
            raise PasskeyInvalidError
        text = answer.cleaned_data["credential"]
        return counted(
            user=user,
            check=lambda: passkey_check(request, user=user, answer=text),
            is_signed_in=is_signed_in,
            error=PasskeyInvalidError,
        )
    form = CodeForm(request.POST)
    if not form.is_valid():
        raise OtpInvalidError
    return code_check(user=user, code=form.cleaned_data["code"], is_signed_in=is_signed_in)


def proof_remember(request: HttpRequest, *, user: User, proof: Proof, passwordless: bool = False) -> None:
    """Note in the session that and when the second factor was presented; step-up counts from then."""
    record_authentication(
        request,
        user,
        "mfa",
        type=proof.kind,
        id=proof.factor_id,
        passwordless=True if passwordless else None,
        reauthenticated=None if passwordless else True,
    )
    if proof.kind == RECOVERY_CODE:
        _codes_left_tell(request, user)


def _codes_left_tell(request: HttpRequest, user: User) -> None:
    left = recovery_codes_left(user=user)
    text = f"That recovery code is used up. You have {left} left."
    if left <= FEW:
        text += " Make new ones in the settings, under Security."
    messages.warning(request, text)
