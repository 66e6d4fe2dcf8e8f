"""Workers and subscribers that run beside a test, as they do beside the web process."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections

from apps.accounts.models import User
from apps.conversations.models import Message
from apps.conversations.runtime import Runtime, runtime
from apps.conversations.subscription import reply_events
from apps.conversations.tasks import reply_generate
from apps.conversations.types import DoneEvent, ErrorEvent, ReplyEvent, ResetEvent, TokenEvent
from chatbot.lib.valkey import valkey, valkey_async_close

EventT = TypeVar("EventT")
# Longer than any test: whoever waits so long has hung.
PATIENCE_SECONDS = 30.0
# Subscribers see the end of a reply well within this; what listens on has lost its server.
ENDING_SECONDS = 2.0
_listening: set[Future[None]] = set()


@cache
def web() -> Runtime:
    """The event loop of all subscribers, as in one web process."""
    return Runtime()


def clients_forget() -> None:
    """Let everybody make new connections to Valkey, after its address changed."""
    for loops in (web(), runtime()):
        loops.run(valkey_async_close())
    valkey().close()
    valkey.cache_clear()


class Listener:
    """One subscriber, by default the conversation's owner. `events` grows while the reply does."""

    def __init__(self, message_id: UUID, after: int | None = None, *, user: User | None = None) -> None:
        self.events: list[ReplyEvent] = []
        self._user = user or User.objects.get(conversations__messages=message_id)
        self._changed = threading.Condition()
        self._future: Future[None] = asyncio.run_coroutine_threadsafe(self._listen(message_id, after), web().loop)
        _listening.add(self._future)

    async def _listen(self, message_id: UUID, after: int | None) -> None:
        async for event in reply_events(user=self._user, message_id=message_id, after=after):
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()

    @property
    def text(self) -> str:
        """What a person sees who began to look when this subscriber did."""
        text = ""
        for event in tuple(self.events):
            if isinstance(event, ResetEvent):
                text = ""
            elif isinstance(event, TokenEvent):
                text += event.text
        return text

    @property
    def last(self) -> Any:
        return self.events[-1]

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in tuple(self.events) if isinstance(event, kind)]

    def wait(self, condition: "Callable[[Listener], bool]") -> "Listener":
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), PATIENCE_SECONDS), f"in vain: {self.events}"
        return self

    def wait_text(self, text: str) -> "Listener":
        return self.wait(lambda listener: text in listener.text)

    def wait_end(self) -> "Listener":
        """Until the events end; they end with exactly one Done or Error."""
        self._future.result(PATIENCE_SECONDS)
        assert isinstance(self.last, DoneEvent | ErrorEvent)
        assert len(self.of(DoneEvent)) + len(self.of(ErrorEvent)) == 1
        return self

    def close(self) -> None:
        """As when a browser goes away."""
        self._future.cancel()


def listeners_end() -> None:
    """Before the database is emptied: a subscriber that still reads would be in its way."""
    wait(_listening, ENDING_SECONDS)
    for future in _listening:
        future.cancel()
    _listening.clear()


class Worker:
    """A thread that runs the task once, as a Celery worker would."""

    def __init__(self, message_id: UUID) -> None:
        self._message_id = message_id
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            reply_generate(str(self._message_id))
        finally:
            connections.close_all()

    def join(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()


def answered(reply: Message) -> Message:
    """The reply, as a worker completed it."""
    Worker(reply.pk).join()
    reply.refresh_from_db()
    assert reply.state == "complete", reply.error_detail
    return reply


@contextlib.contextmanager
def listening(message_id: UUID, count: int = 1) -> Iterator[list[Listener]]:
    listeners = [Listener(message_id) for _ in range(count)]
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Look often until the condition holds."""
    stillness = threading.Event()
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        stillness.wait(0.02)
