"""The subscribers' side of the live streams: one reader per event loop, however many replies are watched."""

import asyncio
import logging
from typing import Any
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from apps.conversations.streams import Entry, entry_read
from chatbot.lib.valkey import valkey_async

logger = logging.getLogger(__name__)

# How long a newly watched stream waits at most until the blocked reader includes it.
BLOCK_MILLISECONDS = 40
# Entries that come within this time share a round trip.
GATHER_SECONDS = 0.008
ANSWER_SECONDS = 3.0
BACK_OFF_SECONDS = 0.3
# More than a slow subscriber should hold in memory; it reads the row instead.
BACKLOG_MAXIMUM = 2000


class FeedLostError(Exception):
    """Entries may be missing: look at the row."""


class Feed:
    """One subscriber's view of one stream, from `last_id` on."""

    def __init__(self, key: str, last_id: str) -> None:
        self.key = key
        self.last_id = last_id
        self._entries: list[Entry] = []
        self._is_lost = False
        self._news = asyncio.Event()

    def put(self, entries: list[tuple[str, dict[str, str]]]) -> None:
        here = _place(self.last_id)
        fresh = [(identity, fields) for identity, fields in entries if _place(identity) > here]
        if not fresh:
            return
        self.last_id = fresh[-1][0]
        self._entries += [entry_read(identity, fields) for identity, fields in fresh]
        if len(self._entries) > BACKLOG_MAXIMUM:
            self._entries.clear()
            self._is_lost = True
        self._news.set()

    def lose(self) -> None:
        self._is_lost = True
        self._news.set()

    def wake(self) -> None:
        """Have the subscriber look up, though nothing came."""
        self._news.set()

    async def entries(self, timeout: float) -> list[Entry]:
        """What has come; empty after `timeout` seconds without anything, or when woken. Raises FeedLostError once per
        loss.
        """
        if not self._news.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._news.wait()
            except TimeoutError:
                return []
        self._news.clear()
        if self._is_lost:
            self._is_lost = False
            raise FeedLostError
        entries, self._entries = self._entries, []
        return entries


class Hub:
    """Reads all watched streams with one command at a time."""

    def __init__(self) -> None:
        self._feeds: dict[str, set[Feed]] = {}
        self._task: asyncio.Task[None] | None = None

    def open(self, key: str, last_id: str) -> Feed:
        """Follow the stream after the entry `last_id` ("0-0": from the beginning). Close it when done."""
        feed = Feed(key, last_id)
        self._feeds.setdefault(key, set()).add(feed)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return feed

    def close(self, feed: Feed) -> None:
        feeds = self._feeds.get(feed.key, set())
        feeds.discard(feed)
        if not feeds:
            self._feeds.pop(feed.key, None)

    async def _run(self) -> None:
        while self._feeds:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._read()
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("Valkey does not give the live replies: %s", type(error).__name__)
                self._lose_all()
                await asyncio.sleep(BACK_OFF_SECONDS)

    async def _read(self) -> None:
        positions: dict[Any, Any] = {
            key: min((feed.last_id for feed in feeds), key=_place) for key, feeds in self._feeds.items()
        }
        answer: Any = await valkey_async().xread(positions, block=BLOCK_MILLISECONDS)
        for key, entries in answer or ():
            for feed in tuple(self._feeds.get(key, ())):
                feed.put(entries)
        if answer:
            await asyncio.sleep(GATHER_SECONDS)

    def _lose_all(self) -> None:
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.lose()


def _place(identity: str) -> tuple[int, int]:
    first, _, second = identity.partition("-")
    return int(first), int(second or 0)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The running event loop's hub."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
