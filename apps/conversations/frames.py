"""A reply that is being written, as HTML frames for one page: websocket and event stream send the same."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import assert_never
from uuid import UUID

from channels.db import database_sync_to_async
from django.template.loader import render_to_string

from apps.accounts.access_guard import AccessGuard
from apps.accounts.models import User
from apps.conversations.rendering import STATUS_TEXTS, message_html
from apps.conversations.sources import citation_place
from apps.conversations.subscription import reply_events
from apps.conversations.types import (
    CitationEvent,
    DoneEvent,
    ErrorEvent,
    ReplyEvent,
    ResetEvent,
    StatusEvent,
    TokenEvent,
)
from chatbot.lib.markdown import BlockRenderer, Chip

FRAME_SECONDS = 0.05
# Of the event loop's time that rendering may take in all; above it every page gets fewer, larger frames.
RENDER_SHARE = 0.2
# Proxies drop connections that say nothing for a minute.
KEEP_ALIVE_SECONDS = 15
KEEP_ALIVE = ""


class Screen:
    """What a page shows of a reply, and the frames that bring it there."""

    def __init__(self, message_id: UUID) -> None:
        self.is_over = False
        self._message_id = message_id
        self._begin()

    def _begin(self) -> None:
        self._text = ""
        self._status = ""
        self._status_shown: str | None = None
        self._chips: dict[int, Chip] = {}
        self._blocks = BlockRenderer()
        self._is_whole = True

    def take(self, event: ReplyEvent) -> None:
        match event:
            case TokenEvent():
                self._text += event.text
            case StatusEvent():
                place = f", {event.position} before you" if event.position else ""
                self._status = f"{STATUS_TEXTS[event.state]}{place}"
            case CitationEvent():
                # Without an address: the source can be opened when the reply is whole.
                at = citation_place(page=event.page, page_last=None, heading="")
                self._chips[event.index] = Chip(label=f"{event.filename}, {at}" if at else event.filename)
            case ResetEvent():
                self._begin()
            case DoneEvent() | ErrorEvent():
                self.is_over = True
            case _:
                assert_never(event)

    def frame(self) -> str:
        """What is new since the frame before; the first, and the one after a reset, replaces everything."""
        blocks = self._blocks.update(self._text, chips=self._chips)
        status = "" if self._text else self._status
        context = {
            "message_id": self._message_id,
            "is_whole": self._is_whole,
            "finished": blocks.finished,
            "open": blocks.open,
            "status": None if status == self._status_shown else status,
        }
        self._is_whole = False
        self._status_shown = status
        return render_to_string("conversations/_frame.html", context).strip()


class _Pace:
    """Time between frames, from what rendering costs and for how many pages this process renders."""

    def __init__(self) -> None:
        self.pages = 0

    def seconds(self, cost: float) -> float:
        return max(FRAME_SECONDS, self.pages * cost / RENDER_SHARE)


_pace = _Pace()


async def reply_frames(*, user: User, message_id: UUID, guard: AccessGuard) -> AsyncIterator[str]:
    """Frames of the reply from its beginning to its end, at most one in 50 ms; KEEP_ALIVE where nothing happens.

    The last one replaces the message by its final form. Authorise before, and have entered `guard`. Raises
    NotFoundError if the reply goes away, and the guard's error when the access ends.
    """
    screen = Screen(message_id)
    news = asyncio.Event()
    guard.on_end = news.set
    reader = asyncio.create_task(_read(user, message_id, screen, news))
    _pace.pages += 1
    try:
        while await _wait(news) or not reader.done():
            if guard.error is not None:
                raise guard.error
            if not news.is_set():
                yield KEEP_ALIVE
                continue
            news.clear()
            began = time.perf_counter()
            if screen.is_over or reader.done():
                await reader
                break
            frame = screen.frame()
            cost = time.perf_counter() - began
            yield frame
            await asyncio.sleep(_pace.seconds(cost) - (time.perf_counter() - began))
        yield await database_sync_to_async(message_html)(user=user, message_id=message_id)
    finally:
        _pace.pages -= 1
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def _read(user: User, message_id: UUID, screen: Screen, news: asyncio.Event) -> None:
    try:
        async for event in reply_events(user=user, message_id=message_id):
            screen.take(event)
            news.set()
    finally:
        news.set()


async def _wait(news: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            return await news.wait()
    except TimeoutError:
        return False
