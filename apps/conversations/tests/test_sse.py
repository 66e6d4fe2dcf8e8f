"""The event stream of the public API."""

import asyncio
import json
from uuid import UUID

import pytest

from apps.accounts.models import User
from apps.conversations.sse import event_id_read, reply_sse, sse_encode
from apps.conversations.tests.workers import PATIENCE_SECONDS, Worker, web
from apps.conversations.types import (
    CitationEvent,
    DoneEvent,
    ErrorEvent,
    ResetEvent,
    StatusEvent,
    TokenEvent,
)
from apps.llm.testing import Reply
from chatbot.lib.errors import ValidationFailedError

KEY = UUID(int=7)
CITATION = CitationEvent(
    sequence=5,
    index=1,
    document_id=UUID(int=1),
    filename="report.pdf",
    page=3,
    chunk_id=UUID(int=2),
    quote="Q.",
    score=0.91999,
)
CASES = [
    (StatusEvent(sequence=0, state="thinking"), "status", {"state": "thinking"}),
    (StatusEvent(sequence=0, state="queued", position=3), "status", {"state": "queued", "position": 3}),
    (TokenEvent(sequence=5, text='a\n"ü'), "token", {"content": 'a\n"ü', "finish_reason": None}),
    (
        CITATION,
        "citation",
        {
            "index": 1,
            "document_id": str(UUID(int=1)),
            "source": "report.pdf",
            "page": 3,
            "chunk_id": str(UUID(int=2)),
            "quote": "Q.",
            "relevance": 0.92,
        },
    ),
    (ResetEvent(sequence=10_000_000, reason="worker_lost"), "reset", {"reason": "worker_lost"}),
    (
        DoneEvent(
            sequence=9,
            message_id=KEY,
            finish_reason="stop",
            usage={"prompt_tokens": 1, "completion_tokens": 2},
            model="m",
            citations=(),
        ),
        "done",
        {
            "finish_reason": "stop",
            "message_id": str(KEY),
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
            "model": "m",
            "citations": [],
        },
    ),
    (
        ErrorEvent(sequence=9, code="rate_limited", detail="Busy.", retryable=True),
        "error",
        {"error": "Busy.", "code": "rate_limited", "retryable": True},
    ),
]


@pytest.mark.parametrize(("event", "name", "data"), CASES)
def test_events_have_the_shapes_of_the_api(event, name, data):
    identity, kind, payload, *rest = sse_encode(event, KEY).decode().split("\n")
    assert identity == f"id: {KEY}:{event.sequence}"
    assert kind == f"event: {name}"
    assert json.loads(payload.removeprefix("data: ")) == data
    assert rest == ["", ""]


def test_last_event_id_is_read():
    assert event_id_read(f"{KEY}:42") == (KEY, 42)
    for nonsense in ("", "42", f"{KEY}", f"{KEY}:x", "x:1"):
        with pytest.raises(ValidationFailedError):
            event_id_read(nonsense)


async def _collect(user: User, message_id: UUID, *, is_new: bool) -> str:
    stream = reply_sse(user=user, message_id=message_id, is_new=is_new)
    return b"".join([chunk async for chunk in stream]).decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("worker_first", [True, False])
def test_stream_from_queued_to_done(model_server, reply, ada, is_new, worker_first):
    model_server.script(Reply(deltas=["Hello ", "world"], first_seconds=0.05))
    if worker_first:
        Worker(reply.pk).join()
    stream = asyncio.run_coroutine_threadsafe(_collect(ada, reply.pk, is_new=is_new), web().loop)
    if not worker_first:
        Worker(reply.pk).join()
    text = stream.result(PATIENCE_SECONDS)
    tokens = [
        json.loads(line.removeprefix("data: "))["content"]
        for line in text.split("\n")
        if line.startswith('data: {"content')
    ]
    assert "".join(tokens) == "Hello world"
    assert text.count("event: done") == 1


@pytest.mark.django_db(transaction=True)
def test_new_reply_that_was_stopped_in_the_queue_ends(reply, ada):
    from apps.conversations.services import reply_stop

    stream = asyncio.run_coroutine_threadsafe(_collect(ada, reply.pk, is_new=True), web().loop)
    reply_stop(actor=ada, conversation_id=reply.conversation_id)
    assert '"finish_reason":"stopped"' in stream.result(PATIENCE_SECONDS)
