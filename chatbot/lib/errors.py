"""Errors for people. Services raise these; one middleware turns them into a page, a toast or problem+json."""

from typing_extensions import override


class AppError(Exception):
    """What happened and what to do, safe to show. Subclasses set `code`, `status` and `title`."""

    code = "error"
    status = 400
    title = "That did not work."

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (self.__class__, (self.detail,))


class NotFoundError(AppError):
    """For what does not exist and for what this person may not see: the same answer."""

    code = "not_found"
    status = 404
    title = "This page or item does not exist, or you may not see it."


class ValidationFailedError(AppError):
    """`errors` maps a field's name to what is wrong with it."""

    code = "invalid"
    status = 422
    title = "Please check what you entered."

    def __init__(self, detail: str = "", *, errors: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or {}


class ForbiddenError(AppError):
    code = "forbidden"
    status = 403
    title = "Your role does not allow this."


class UnavailableError(AppError):
    """A part that the request needs does not answer; trying again makes sense."""

    code = "unavailable"
    status = 503
    title = "A part of the service does not answer. Please try again in a moment."
