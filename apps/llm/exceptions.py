"""What can go wrong with a model. Details are our own sentences: a server's text may repeat a key or a prompt."""

from typing import Literal, TypeAlias

from typing_extensions import override

from chatbot.lib.errors import AppError

ErrorCode: TypeAlias = Literal[
    "model_unavailable",
    "model_loading",
    "model_missing",
    "rate_limited",
    "context_too_long",
    "auth_failed",
    "request_refused",
    "content_filtered",
    "answer_invalid",
    "library_missing",
]

_STATUS: dict[ErrorCode, int] = {"rate_limited": 429, "context_too_long": 422, "request_refused": 422}
_TITLES: dict[ErrorCode, str] = {
    "model_unavailable": "The model does not answer. Please try again in a moment.",
    "model_loading": "The model is still being loaded. Please try again in a moment.",
    "model_missing": "The model server does not have this model any more. Please choose another one.",
    "rate_limited": "The model is busy. Please try again in a moment.",
    "context_too_long": "The conversation is too long for this model. Start a new one or choose a larger model.",
    "auth_failed": "The model server refused the key. An administrator has to correct it.",
    "request_refused": "The model server refused the request. Please choose another model or other settings.",
    "content_filtered": "The model's provider withheld the answer.",
    "answer_invalid": "The model server did not send an answer. An administrator has to check its address.",
    "library_missing": "This installation lacks the library for this model. An administrator has to install it.",
}
_RETRYABLE: frozenset[ErrorCode] = frozenset({"model_unavailable", "model_loading", "rate_limited"})
_CONTEXT_HINTS = (
    "exceed_context",
    "context_length",
    "context length",
    "context size",
    "maximum number of tokens",
    "too many tokens",
)


class ProviderError(AppError):
    """A model gave no whole answer. `retryable`: the same call may work soon. `code` is an ErrorCode."""

    status = 503

    def __init__(self, code: ErrorCode = "model_unavailable", *, retry_after_seconds: float | None = None) -> None:
        self.code: ErrorCode = code
        self.title = _TITLES[code]
        self.status = _STATUS.get(code, 503)
        self.retryable = code in _RETRYABLE
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.title)

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (ProviderError, (self.code,))


class NoModelError(AppError):
    code = "no_model"
    status = 503
    title = "No language model is set up yet. An administrator has to add one."


def provider_error(status: int, message: str = "", *, retry_after_seconds: float | None = None) -> ProviderError:
    """The error for a server's HTTP status. `message` (its body or error code) only decides between codes."""
    lowered = message.lower()
    if status in {400, 413, 422, 500} and any(hint in lowered for hint in _CONTEXT_HINTS):
        return ProviderError("context_too_long")
    if status in {401, 403} or (status == 400 and "api key" in lowered):
        return ProviderError("auth_failed")
    if status == 404:
        return ProviderError("model_missing")
    if status == 429:
        return ProviderError("rate_limited", retry_after_seconds=retry_after_seconds)
    if status == 503 and "loading" in lowered:
        return ProviderError("model_loading")
    if status >= 500 or status == 408:
        return ProviderError("model_unavailable")
    return ProviderError("request_refused")
