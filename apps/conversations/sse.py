"""Replies as server-sent events, in the shapes of the public API."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any, assert_never
from uuid import UUID

from apps.accounts.access_guard import AccessGuard
from apps.accounts.models import User
from apps.conversations.subscription import reply_pulses
from apps.conversations.types import (
    CitationEvent,
    DoneEvent,
    ErrorEvent,
    ReplyEvent,
    ResetEvent,
    StatusEvent,
    TokenEvent,
)
from chatbot.lib.errors import ValidationFailedError

KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": still here\n\n"


async def reply_sse(
    *, user: User, message_id: UUID, after: int | None = None, is_new: bool = False, guard: AccessGuard | None = None
) -> AsyncIterator[bytes]:
    """The reply as an event stream: `reply_events` encoded, and a comment line every 15 s of silence.

    `is_new`: this request queued the reply. Authorise before; when the access of `guard` ends, the stream does.
    Content type `text/event-stream`.
    """
    async with guard or nullcontext():
        sent_at = time.monotonic()
        async for event in reply_pulses(user=user, message_id=message_id, after=after, is_new=is_new, guard=guard):
            if guard is not None and guard.error is not None:
                return
            if event is not None:
                yield sse_encode(event, message_id)
            elif time.monotonic() - sent_at < KEEP_ALIVE_SECONDS - 5:
                continue
            else:
                yield KEEP_ALIVE
            sent_at = time.monotonic()


def sse_encode(event: ReplyEvent, message_id: UUID) -> bytes:
    """One event with `id: <message_id>:<sequence>`, so that Last-Event-ID resumes without loss or repeat."""
    name, data = _named(event)
    payload = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {message_id}:{event.sequence}\nevent: {name}\ndata: {payload}\n\n".encode()


def event_id_read(text: str) -> tuple[UUID, int]:
    """Message and place of a Last-Event-ID. Raises ValidationFailedError for what is not one of ours."""
    message_id, _, sequence = text.partition(":")
    try:
        return UUID(message_id), int(sequence)
    except ValueError as error:
        raise ValidationFailedError(errors={"Last-Event-ID": "not valid"}) from error


def _named(event: ReplyEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case TokenEvent():
            return "token", {"content": event.text, "finish_reason": None}
        case StatusEvent():
            position = {} if event.position is None else {"position": event.position}
            return "status", {"state": event.state, **position}
        case CitationEvent():
            return "citation", {
                "index": event.index,
                "document_id": str(event.document_id) if event.document_id else None,
                "source": event.filename,
                "page": event.page,
                "chunk_id": str(event.chunk_id) if event.chunk_id else None,
                "quote": event.quote,
                "relevance": round(event.score, 4),
            }
        case ResetEvent():
            return "reset", {"reason": event.reason}
        case DoneEvent():
            return "done", {
                "finish_reason": event.finish_reason,
                "message_id": str(event.message_id),
                "usage": dict(event.usage),
                "model": event.model,
                "citations": [dict(citation) for citation in event.citations],
            }
        case ErrorEvent():
            return "error", {"error": event.detail, "code": event.code, "retryable": event.retryable}
        case _:
            assert_never(event)
