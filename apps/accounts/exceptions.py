"""Errors of sign-in and tokens."""

from collections.abc import Mapping
from typing import Any

from chatbot.lib.errors import AppError, ForbiddenError


class NotAuthenticatedError(AppError):
    code = "not_authenticated"
    status = 401
    title = "Please sign in."


class CredentialsError(AppError):
    """One answer for an unknown address, a wrong password and a closed account."""

    code = "invalid_credentials"
    status = 401
    title = "E-mail address or password is not right."


class TokenError(AppError):
    code = "invalid_token"
    status = 401
    title = "The token is not valid any more. Please sign in again."


class TooManyAttemptsError(AppError):
    code = "too_many_attempts"
    status = 429
    title = "Too many failed attempts."


class RateLimitedError(AppError):
    code = "rate_limited"
    status = 429
    title = "Too many requests. Please slow down."


class CsrfError(AppError):
    code = "csrf_failed"
    status = 403
    title = "The request lacks a valid CSRF token."


class IdempotencyMismatchError(AppError):
    code = "idempotency_key_reused"
    status = 422
    title = "This Idempotency-Key was used with another request."


class SetupInvalidError(AppError):
    """Settings of the first administrator that cannot be used."""

    code = "setup_invalid"
    status = 500
    title = "The first administrator cannot be created."


class QuotaExceededError(AppError):
    """`refusal`: what the audit log is told, in the words of `event_record`."""

    code = "quota_exceeded"
    status = 429
    title = "The allowance is used up."

    def __init__(self, detail: str = "", *, refusal: Mapping[str, Any] | None = None, **extra: object) -> None:
        super().__init__(detail, **extra)
        self.refusal = refusal or {}


class BreakGlassRefusedError(AppError):
    code = "break_glass_refused"
    status = 403
    title = "These conversations cannot be opened."


class LastAdminError(AppError):
    code = "last_admin"
    status = 409
    title = "A workspace keeps at least one administrator. Make somebody else one first."


class LastSuperAdminError(AppError):
    code = "last_super_admin"
    status = 409
    title = "At least one super admin stays. Make somebody else one first."


class RoleManagedError(AppError):
    code = "role_managed"
    status = 409
    title = "This role comes from single sign-on. Change it there, or ask a super admin."


class ScimConflictError(AppError):
    code = "conflict"
    status = 409
    title = "Somebody else has this."


class SsoRefusedError(AppError):
    """`reason`: what the audit log is told; the detail is for the person."""

    code = "sso_refused"
    status = 403
    title = "Single sign-on did not let you in."

    def __init__(self, detail: str = "", *, reason: str = "", **extra: object) -> None:
        super().__init__(detail, **extra)
        self.reason = reason


class OtpRequiredError(AppError):
    """The password was right; the person also has a second factor."""

    code = "otp_required"
    status = 401
    title = "Your account asks for a second factor. Send its code as otp."


class OtpInvalidError(AppError):
    code = "otp_invalid"
    status = 401
    title = "This code is not right, or it was used already."


class PasskeyInvalidError(AppError):
    code = "passkey_invalid"
    status = 401
    title = "This passkey was not accepted. Please try again."


class SecondFactorRequiredError(ForbiddenError):
    code = "second_factor_required"
    title = "Your workspace asks for a second factor. Set one up in the settings, under Security."


class StepUpRequiredError(ForbiddenError):
    code = "step_up_required"
    title = "This needs a sign-in that is a few minutes old at most. Please sign in again."


class FactorMissingError(ForbiddenError):
    code = "second_factor_missing"
    title = "This is open to people with a second factor only. Set one up in the settings, under Security."


class FactorNeededError(AppError):
    code = "second_factor_needed"
    status = 409
    title = "Your workspace asks for a second factor. Add another one before you remove this."


class FactorExistsError(AppError):
    code = "second_factor_exists"
    status = 409
    title = "There is an authenticator app already. Remove it first."


class FactorSetupExpiredError(AppError):
    code = "second_factor_setup_expired"
    status = 409
    title = "The set-up took too long. Please begin again."


class ScopeMissingError(ForbiddenError):
    code = "scope_missing"
    title = "This API key may not do that."
