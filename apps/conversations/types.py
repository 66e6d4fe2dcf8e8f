"""Values of conversations: what a question finds, and a reply's events as every subscriber gets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """What the reply is doing before its first token."""

    sequence: int
    state: Literal["queued", "searching", "thinking"]
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEvent:
    """Text that follows what came before; `sequence` is the place after it."""

    sequence: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CitationEvent:
    """A passage cited as [index]. Sent before the first token that carries the marker; the same index may repeat.

    `document_id` and `chunk_id` are None where the document is gone or the reader may not see it.
    """

    sequence: int
    index: int
    document_id: UUID | None
    filename: str
    page: int | None
    chunk_id: UUID | None
    quote: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetEvent:
    """The reply is begun anew: what was shown is replaced."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneEvent:
    """The reply is whole. Read from the message row, so it is right for every subscriber at any time."""

    sequence: int
    message_id: UUID
    finish_reason: Literal["stop", "length", "stopped"]
    usage: Mapping[str, int]
    model: str
    citations: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEvent:
    """The reply failed; the text so far is kept."""

    sequence: int
    code: str
    detail: str
    retryable: bool


ReplyEvent: TypeAlias = StatusEvent | TokenEvent | CitationEvent | ResetEvent | DoneEvent | ErrorEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A message's place in its tree. `use_documents`: see `Message`."""

    message_id: UUID
    parent_id: UUID | None
    role: str
    state: str
    use_documents: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedConversation:
    """What a new question needs of its conversation. `role`: the person's in the workspace."""

    conversation_id: UUID
    workspace_id: UUID
    role: str
    title: str
    params: Mapping[str, Any]
    model_id: UUID | None
    leaf: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    role: str
    content: str
