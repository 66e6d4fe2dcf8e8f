"""Checking what somebody presents as a second factor: counted by the guard, audited when wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.accounts.exceptions import CredentialsError, OtpInvalidError
from apps.accounts.models import Membership, User
from apps.accounts.second_factor.cipher import secret_decrypt
from apps.accounts.second_factor.recovery import recovery_code_use, recovery_codes_left
from apps.accounts.second_factor.state import RECOVERY_CODE, TOTP
from apps.accounts.second_factor.totp import DIGITS, totp_counter
from apps.accounts.sign_in_guard import attempt_failed, attempt_require, attempt_succeeded
from apps.audit.actions import RECOVERY_CODE_USED, SECOND_FACTOR_FAILED, SIGN_IN_FAILED
from apps.audit.services import event_record
from chatbot.lib.errors import AppError
from chatbot.lib.request_context import request_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was presented and was right. `factor_id` is the authenticator's; None for a recovery code."""

    kind: str
    factor_id: int | None = None


@sensitive_variables("code")
def code_check(*, user: User, code: str, is_signed_in: bool = False) -> Proof:
    """Use up a code of the person's authenticator app or one of their recovery codes.

    Outside a transaction. Raises OtpInvalidError for a wrong or used code, TooManyAttemptsError while the account or
    the network address is locked.
    """
    return counted(user=user, check=lambda: _code_use(user, code), is_signed_in=is_signed_in)


def counted(
    *, user: User, check: Callable[[], Proof | None], is_signed_in: bool, error: type[AppError] = OtpInvalidError
) -> Proof:
    """What `check` finds, as one attempt of the guard; a wrong one is recorded.

    Raises `error` where `check` finds None, and TooManyAttemptsError.
    """
    attempt = attempt_require(email=user.email, address=request_context().ip_address, is_signed_in=is_signed_in)
    proof = check()
    if proof is None:
        attempt_failed(attempt)
        _failure_record(SECOND_FACTOR_FAILED, user, is_signed_in=is_signed_in)
        raise error
    attempt_succeeded(attempt)
    return proof


@sensitive_variables("password")
def password_check(*, user: User, password: str) -> None:
    """The password of somebody who is signed in, asked for again.

    Outside a transaction. Raises CredentialsError, and TooManyAttemptsError.
    """
    attempt = attempt_require(email=user.email, address=request_context().ip_address, is_signed_in=True)
    if not user.check_password(password):
        attempt_failed(attempt)
        _failure_record(SIGN_IN_FAILED, user, is_signed_in=True)
        raise CredentialsError("The password is not right.")
    attempt_succeeded(attempt)


def audit_workspace_of(user: User) -> Any:
    """The workspace in whose log an event about the person's account stands: the one they work in, else their first."""
    keys = Membership.objects.filter(user=user).order_by("created_at", "pk").values_list("workspace_id", flat=True)
    mine = list(keys)
    return user.current_workspace_id if user.current_workspace_id in mine else next(iter(mine), None)


def _code_use(user: User, code: str) -> Proof | None:
    digits = "".join(code.split()).replace("-", "")
    if len(digits) == DIGITS and digits.isdecimal() and digits.isascii():
        return _totp_use(user, digits)
    return _recovery_code_use(user, code)


@transaction.atomic
def _totp_use(user: User, code: str) -> Proof | None:
    # Locked, so that of two who send the same code at once the second finds it used.
    row = Authenticator.objects.select_for_update().filter(user_id=user.pk, type=TOTP).first()
    secret = secret_decrypt(row.data["secret"]) if row else None
    if row is None or secret is None:
        return None
    counter = totp_counter(secret=secret, code=code, after=row.data.get("counter", -1))
    if counter is None:
        return None
    row.data["counter"] = counter
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return Proof(kind=TOTP, factor_id=row.pk)


@transaction.atomic
def _recovery_code_use(user: User, code: str) -> Proof | None:
    if not recovery_code_use(user=user, code=code):
        return None
    event_record(
        action=RECOVERY_CODE_USED,
        actor=user,
        workspace_id=audit_workspace_of(user),
        target=user,
        data={"left": recovery_codes_left(user=user)},
    )
    return Proof(kind=RECOVERY_CODE)


def _failure_record(action: str, user: User, *, is_signed_in: bool) -> None:
    event_record(
        action=action,
        actor=user if is_signed_in else None,
        actor_label="" if is_signed_in else user.email,
        workspace_id=audit_workspace_of(user),
        target=user,
        data={"again": is_signed_in},
        result="refused",
    )
