"""A reply's events for one subscriber: every token once, in order, whatever dies meanwhile.

The row says what is true, the stream what is new. A subscriber takes the row's text, then the stream's entries from
there; after anything odd (a gap, a lost connection, a newer attempt, silence) it looks at the row again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from redis.exceptions import RedisError

from apps.accounts.access_guard import AccessGuard
from apps.accounts.models import User
from apps.conversations.cited import CLOSED_NAME
from apps.conversations.follower import Follower
from apps.conversations.hub import Feed, FeedLostError, hub
from apps.conversations.rows import ReplyRow, reply_row
from apps.conversations.streams import Entry, entry_read, stream_key
from apps.conversations.types import CitationEvent, ErrorEvent, ReplyEvent
from apps.documents.selectors import documents_visible_to
from chatbot.lib.valkey import valkey_async

logger = logging.getLogger(__name__)

# Silence after which the row is looked at: the worker may be gone.
SILENCE_SECONDS = 5.0
# How often the row is looked at while Valkey is away or the row has to catch up with the stream.
POLL_SECONDS = 0.5
# A database that is away for longer ends the subscription; the client comes again.
DATABASE_SECONDS = 30.0
ANSWER_SECONDS = 3.0

# Few: a look is one short query, and each thread takes a connection for its length.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="reply-rows")


async def reply_events(*, user: User, message_id: UUID, after: int | None = None) -> AsyncIterator[ReplyEvent]:
    """The reply's events from its beginning, or after the place `after`; ends with Done or Error.

    Authorise before (`message_readable_require`); citations hold what the user may see. `after` in an attempt that was
    given up: Reset, then all of the newest one. Citations come before the first token that carries their marker and may
    repeat. Holds no database connection while it waits.
    """
    async for event in reply_pulses(user=user, message_id=message_id, after=after):
        if event is not None:
            yield event


async def reply_pulses(
    *, user: User, message_id: UUID, after: int | None = None, is_new: bool = False, guard: AccessGuard | None = None
) -> AsyncIterator[ReplyEvent | None]:
    """As `reply_events`, and None now and then (at least every SILENCE_SECONDS) while nothing happens.

    When the access of `guard` ends, the iteration does.
    `is_new`: the user queued the reply a moment ago, so the row has nothing to tell and is not looked at before
    something happens or SILENCE_SECONDS pass.
    """
    sieve = _CitationSieve(user, owner_id=user.pk if is_new else None)
    async for event in _pulses(sieve, message_id, after, is_new, guard):
        yield await sieve.sifted(event) if isinstance(event, CitationEvent) else event


async def _pulses(
    sieve: "_CitationSieve", message_id: UUID, after: int | None, is_new: bool, guard: AccessGuard | None
) -> AsyncIterator[ReplyEvent | None]:
    follower = Follower(after)
    watch = _Watch(message_id)
    if guard is not None:
        guard.on_end = watch.wake
    try:
        if is_new:
            async for event in _begin_new(follower, watch):
                yield event
        while guard is None or guard.error is None:
            # The stream first: what it lacks by then, the row has.
            history = await watch.begin()
            try:
                row = await _patiently(_row_read, message_id, sieve.user)
            except (OperationalError, InterfaceError):
                yield _database_error(follower)
                return
            sieve.owner_id = row.owner_id if row else None
            for event in follower.look(row, history):
                yield event
            if follower.is_done:
                return
            if follower.has_gap or not watch.is_open:
                watch.close()
                await asyncio.sleep(POLL_SECONDS)
                yield None
                continue
            async for live in _live(follower, watch):
                yield live
    finally:
        watch.close()


async def _begin_new(follower: Follower, watch: "_Watch") -> AsyncIterator[ReplyEvent | None]:
    """The events of a reply that nobody has begun, until the row has to be looked at."""
    for event in follower.begin():
        yield event
    watch.begin_new()
    async for live in _live(follower, watch):
        yield live


async def _live(follower: Follower, watch: "_Watch") -> AsyncIterator[ReplyEvent | None]:
    """Events as they come, until the row has to be looked at."""
    while True:
        try:
            entries = await watch.entries(SILENCE_SECONDS)
        except FeedLostError:
            watch.close()
            return
        if not entries:
            yield None
            return
        for event in follower.read(entries):
            yield event
        if follower.has_gap:
            # Entries after the gap were skipped: read them again once the row has come so far.
            watch.close()
        if follower.has_gap or follower.is_stale:
            return


class _Watch:
    """The live stream of one reply, as long as Valkey gives it."""

    def __init__(self, message_id: UUID) -> None:
        self._key = stream_key(message_id)
        self._feed: Feed | None = None

    @property
    def is_open(self) -> bool:
        return self._feed is not None

    async def begin(self) -> list[Entry]:
        """Open the stream unless it is open. Returns the entries it held; none, and closed, while Valkey is away."""
        if self._feed is not None:
            return []
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                history: Any = await valkey_async().xrange(self._key)
        except (RedisError, OSError, TimeoutError):
            return []
        self._feed = hub().open(self._key, history[-1][0] if history else "0-0")
        return [entry_read(identity, fields) for identity, fields in history]

    def begin_new(self) -> None:
        """Open a stream that may not be there yet; whatever it holds by then comes with the first entries."""
        self._feed = hub().open(self._key, "0-0")

    async def entries(self, timeout: float) -> list[Entry]:
        """Raises FeedLostError when some may be missing."""
        if self._feed is None:
            raise FeedLostError
        return await self._feed.entries(timeout)

    def wake(self) -> None:
        if self._feed is not None:
            self._feed.wake()

    def close(self) -> None:
        if self._feed is not None:
            hub().close(self._feed)
            self._feed = None


class _CitationSieve:
    """Takes from a live citation what its reader may not see. Those of a row have gone through `cited` already."""

    def __init__(self, user: User, *, owner_id: UUID | None) -> None:
        self.user = user
        # Once it is known; the owner's own search found the passage a moment ago.
        self.owner_id = owner_id
        self._visible: dict[UUID, bool] = {}

    async def sifted(self, event: CitationEvent) -> CitationEvent:
        if event.document_id is None or self.owner_id == self.user.pk:
            return event
        if event.document_id not in self._visible:
            self._visible[event.document_id] = await _patiently(_document_is_visible, self.user, event.document_id)
        if self._visible[event.document_id]:
            return event
        return replace(event, document_id=None, chunk_id=None, filename=CLOSED_NAME, page=None, quote="")


ResultT = TypeVar("ResultT")


async def _patiently(read: Callable[..., ResultT], *args: object) -> ResultT:
    """What `read` gives: a database that restarts is waited for. Raises OperationalError, InterfaceError."""
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads, read, *args)
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("The database does not answer a subscriber: %s", type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)


def _row_read(message_id: UUID, user: User) -> ReplyRow | None:
    try:
        return reply_row(message_id, user=user)
    finally:
        # Back to the pool: this thread belongs to no request that would do it.
        connection.close()


def _document_is_visible(user: User, document_id: UUID) -> bool:
    try:
        return documents_visible_to(user=user).filter(pk=document_id).exists()
    finally:
        connection.close()


def _database_error(follower: Follower) -> ErrorEvent:
    return ErrorEvent(
        sequence=follower.place or 0,
        code="unavailable",
        detail="The database does not answer. The reply goes on; open the conversation again in a moment.",
        retryable=True,
    )
