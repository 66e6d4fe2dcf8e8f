"""What goes into models and what comes out. Providers translate to and from these; no SDK type passes."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatParams:
    """None leaves the choice to the model's server."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """`model` is the provider's own name for it.

    `context_tokens`: the context to reserve, for servers that choose it by request; None leaves it to them.
    """

    model: str
    messages: Sequence[ChatMessage]
    params: ChatParams = field(default_factory=ChatParams)
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of every stream. `length`: the token limit was reached.

    `model`: the name of the model that answered, which is another than the chosen one after a fallback. Empty where a
    provider speaks; the services fill it in.
    """

    finish_reason: Literal["stop", "length"]
    usage: Usage
    model: str = ""


ChatEvent: TypeAlias = TextDelta | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model that a server has. `context_tokens` is None where the server does not tell."""

    name: str
    context_tokens: int | None = None
    abilities: tuple[str, ...] = ("chat",)


class ModelState(StrEnum):
    """`failing`: the last call to a remote model failed. `off`: switched off, not configured, or gone."""

    READY = "ready"
    LOADING = "loading"
    UNREACHABLE = "unreachable"
    FAILING = "failing"
    OFF = "off"


class ChatProvider(Protocol):
    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Yield deltas in order, then one Finished. Closing the iterator closes the connection.

        Raises ProviderError; `retryable` says whether another attempt makes sense.
        """
        ...


class ModelLister(Protocol):
    def models_served(self) -> list[ServedModel]:
        """The models that the server has now, asked with a short timeout. Raises ProviderError."""
        ...


class Embedder(Protocol):
    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text, in order, all of the model's dimension. Raises ProviderError."""
        ...


class Reranker(Protocol):
    def score(self, *, query: str, passages: Sequence[str]) -> list[float]:
        """How well each passage answers the query, in order; higher is better, no fixed range. Raises ProviderError."""
        ...
