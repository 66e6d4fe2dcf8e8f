"""The worker's side of the live streams: all replies of the process share one connection and few round trips."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError, ResponseError

from apps.conversations.streams import (
    ENDED_SECONDS,
    LIVE_SECONDS,
    Entry,
    citation_write,
    entry_fields,
    entry_id,
    stop_key,
    stream_key,
)
from apps.conversations.types import CitationEvent
from chatbot.lib.valkey import valkey_async

logger = logging.getLogger(__name__)

# A batch holds at most this much of a reply's time; less than the 50 ms promised, for the way to the subscriber.
BATCH_SECONDS = 0.04
STOP_POLL_SECONDS = 0.1
ANSWER_SECONDS = 2.0
BACK_OFF_SECONDS = 0.25
EXPIRE_EVERY_SECONDS = 60.0


class LiveStream:
    """What one reply adds to its stream. Belongs to the writer's event loop; no call waits.

    `on_stop` is called in the loop when somebody wants the reply stopped.
    """

    def __init__(self, *, message_id: UUID, base: int, on_stop: Callable[[], None]) -> None:
        self.message_id = message_id
        self.key = stream_key(message_id)
        self.stop_key = stop_key(message_id)
        self.on_stop = on_stop
        self.is_ended = False
        self.expires_next = 0.0
        self._base = base
        self._length = 0
        self._parts: list[str] = []
        self._fresh: list[str] = []
        self._citations: list[CitationEvent] = []
        self._entries: list[Entry] = []
        # After a failure nobody knows what arrived: the next batch carries the whole attempt, readers skip what they
        # have.
        self._is_torn = False

    @property
    def sequence(self) -> int:
        return self._base + self._length

    @property
    def is_dirty(self) -> bool:
        return bool(self._fresh or self._entries)

    def status(self, state: str) -> None:
        self._entries.append(Entry(sequence=self.sequence, kind="status", value=state))

    def token(self, text: str) -> None:
        self._fresh.append(text)
        self._parts.append(text)
        self._length += len(text)

    def citation(self, citation: CitationEvent) -> None:
        """Call before the token that carries the marker."""
        self._seal()
        self._citations.append(citation)
        self._entries.append(Entry(sequence=self.sequence, kind="citation", value=citation_write(citation)))

    def end(self) -> None:
        self._seal()
        self._entries.append(Entry(sequence=self.sequence, kind="end"))
        self.is_ended = True

    def take(self) -> list[Entry]:
        """What has come since the last call, in order."""
        self._seal()
        entries, self._entries = self._entries, []
        if self._is_torn and entries:
            entries = self._whole(entries)
            self._is_torn = False
        return entries

    def tear(self) -> None:
        self._is_torn = True

    def _seal(self) -> None:
        if self._fresh:
            self._entries.append(Entry(sequence=self.sequence, kind="token", value="".join(self._fresh)))
            self._fresh = []

    def _whole(self, entries: list[Entry]) -> list[Entry]:
        """The attempt from its beginning, in place of the entries that wait."""
        here = self.sequence
        whole = [Entry(sequence=here, kind="citation", value=citation_write(known)) for known in self._citations]
        if self._parts:
            whole.append(Entry(sequence=here, kind="token", value="".join(self._parts)))
        return whole + [replace(entry, sequence=here) for entry in entries if entry.kind in ("status", "end")]


class StreamWriter:
    """Writes the batches of all live replies of one event loop and looks for stop flags."""

    def __init__(self) -> None:
        self._streams: set[LiveStream] = set()
        self._urgent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop_checked = 0.0

    def open(self, stream: LiveStream) -> None:
        self._streams.add(stream)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._urgent.set()

    def drop(self, stream: LiveStream) -> None:
        """Add nothing more, not even what waits."""
        self._streams.discard(stream)

    def hurry(self) -> None:
        """Write now what waits, not with the next batch."""
        self._urgent.set()

    async def written(self) -> None:
        """Wait until no stream is open any more."""
        while self._task is not None and not self._task.done():
            await self._task

    async def _run(self) -> None:
        while self._streams:
            try:
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            self._urgent.clear()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._flush()
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("Valkey does not take the live replies: %s", type(error).__name__)
                await asyncio.sleep(BACK_OFF_SECONDS)

    async def _flush(self) -> None:
        """One round trip for all. On failure every reply that was in it is torn."""
        now = time.monotonic()
        batches = [(stream, stream.take()) for stream in self._streams if stream.is_dirty]
        asked = self._streams_to_ask(now)
        if not batches and not asked:
            return
        pipeline = valkey_async().pipeline(transaction=False)
        owners: list[LiveStream | None] = []
        for stream, entries in batches:
            for entry in entries:
                pipeline.xadd(stream.key, entry_fields(entry), id=entry_id(entry))
                owners.append(stream)
            if stream.is_ended or now >= stream.expires_next:
                pipeline.expire(stream.key, ENDED_SECONDS if stream.is_ended else LIVE_SECONDS)
                owners.append(None)
                stream.expires_next = now + EXPIRE_EVERY_SECONDS
        if asked:
            pipeline.mget([stream.stop_key for stream in asked])
        written = False
        try:
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
            written = True
        finally:
            if not written:
                self._tear(batches)
        self._answers_read(answers, owners)
        self._streams.difference_update(stream for stream, _ in batches if stream.is_ended and not stream.is_dirty)
        if asked:
            self._stop_checked = now
            self._stops_read(asked, answers[-1])

    def _streams_to_ask(self, now: float) -> list[LiveStream]:
        if now - self._stop_checked < STOP_POLL_SECONDS:
            return []
        return [stream for stream in self._streams if not stream.is_ended]

    def _tear(self, batches: list[tuple[LiveStream, list[Entry]]]) -> None:
        for stream, _ in batches:
            stream.tear()
            if stream.is_ended:
                # Its subscribers lost Valkey too and look at the row.
                self._streams.discard(stream)

    def _answers_read(self, answers: list[Any], owners: list[LiveStream | None]) -> None:
        for answer, stream in zip(answers, owners, strict=False):
            if stream is None or not isinstance(answer, ResponseError):
                continue
            if "equal or smaller" in str(answer):
                # A newer attempt writes this stream; the lease will say the same.
                self._streams.discard(stream)
            else:
                logger.warning("Valkey refused an entry: %s", answer)
                stream.tear()

    def _stops_read(self, asked: list[LiveStream], flags: Any) -> None:
        if isinstance(flags, ResponseError):
            return
        for stream, flag in zip(asked, flags, strict=True):
            if flag:
                stream.on_stop()


_writers: dict[asyncio.AbstractEventLoop, StreamWriter] = {}


def stream_writer() -> StreamWriter:
    """The running event loop's writer."""
    loop = asyncio.get_running_loop()
    if loop not in _writers:
        _writers[loop] = StreamWriter()
    return _writers[loop]
