"""Errors of sign-in and tokens."""

from chatbot.lib.errors import AppError


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
    title = "Too many attempts. Please wait a few minutes."


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
