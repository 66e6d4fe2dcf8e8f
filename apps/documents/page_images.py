"""Pictures of pages: where they are kept, how a worker's answer is awaited, how passages are marked."""

import io
import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import redis
from django.core.files.storage import default_storage

from apps.documents.types import Box, PageRequest
from chatbot.lib.errors import NotFoundError, UnavailableError
from chatbot.lib.keys import uuid7
from chatbot.lib.valkey import valkey, valkey_async

WIDTH_PIXELS = 1_100
WAIT_SECONDS = 10
# Long enough for a slow reader, short enough that answers nobody fetches do not gather.
ANSWER_SECONDS = 60
# One wait is shorter than the client's own time-out for an answer.
_POLL_SECONDS = 2
_WANTED_KEY = "pages-wanted"
_DONE = "done"
_FAILED = "failed"
_MARK_COLOUR = (255, 235, 120)
# A little air around the letters.
_MARK_MARGIN = 0.003


def folder_key(version_id: UUID) -> str:
    return f"pages/{version_id}"


def storage_key(request: PageRequest) -> str:
    return f"{folder_key(request.version_id)}/{request.page}.png"


def stored(request: PageRequest) -> bytes | None:
    """The PNG, None if it is not made yet."""
    try:
        with default_storage.open(storage_key(request)) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def stored_require(request: PageRequest) -> bytes:
    image = stored(request)
    if image is None:
        raise NotFoundError("This page cannot be shown. Open the original file instead.")
    return image


def answer_key_new() -> str:
    return f"page-answer:{uuid7()}"


def wanted_mark(answer_key: str) -> None:
    """Say that somebody waits for a page, so that long work in the same worker pauses. Silent if Valkey is away."""
    with suppress(redis.RedisError), valkey().pipeline() as pipe:
        pipe.zadd(_WANTED_KEY, {answer_key: time.time() + WAIT_SECONDS})
        pipe.expire(_WANTED_KEY, ANSWER_SECONDS)
        pipe.execute()


def page_is_wanted() -> bool:
    """Whether somebody waits for a page now: a slice of long work should end after what it is at."""
    try:
        return bool(valkey().zcount(_WANTED_KEY, time.time(), "+inf"))
    except redis.RedisError:
        return False


def answer_send(answer_key: str, *, is_done: bool) -> None:
    """Tell who waits that the picture stands, or that there will be none.

    Silent if Valkey is away: who waits is told by their own time-out, and the picture stands for the next try.
    """
    with suppress(redis.RedisError), valkey().pipeline() as pipe:
        pipe.zrem(_WANTED_KEY, answer_key)
        pipe.rpush(answer_key, _DONE if is_done else _FAILED)
        pipe.expire(answer_key, ANSWER_SECONDS)
        pipe.execute()


def answer_wait(answer_key: str) -> None:
    """Block until the worker answers. Raises UnavailableError when none does in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while time.monotonic() < deadline:
            if valkey().blpop([answer_key], timeout=_POLL_SECONDS):
                return
    except redis.RedisError as error:
        raise _unavailable() from error
    raise _unavailable()


async def answer_wait_async(answer_key: str) -> None:
    """As `answer_wait`, on the event loop."""
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while time.monotonic() < deadline:
            if await valkey_async().blpop([answer_key], timeout=_POLL_SECONDS):
                return
    except redis.RedisError as error:
        raise _unavailable() from error
    raise _unavailable()


def _unavailable() -> UnavailableError:
    return UnavailableError("The page is not drawn yet. Please try again in a few seconds.")


def marked(image: bytes, boxes: Sequence[Box]) -> bytes:
    """The PNG with the boxes (shares of the page from the top left) as if marked with a highlighter."""
    if not boxes:
        return image
    from PIL import Image, ImageChops, ImageDraw

    with Image.open(io.BytesIO(image)) as page:
        base = page.convert("RGB")
    layer = Image.new("RGB", base.size, "white")
    draw = ImageDraw.Draw(layer)
    width, height = base.size
    for x0, y0, x1, y1 in boxes:
        corners = (
            (x0 - _MARK_MARGIN) * width,
            (y0 - _MARK_MARGIN) * height,
            (x1 + _MARK_MARGIN) * width,
            (y1 + _MARK_MARGIN) * height,
        )
        draw.rectangle(corners, fill=_MARK_COLOUR)
    out = io.BytesIO()
    # Multiplying keeps black letters black.
    ImageChops.multiply(base, layer).save(out, "PNG", compress_level=3)
    return out.getvalue()


def remove_all(version_id: UUID) -> None:
    """Delete every picture of the version's pages."""
    folder = folder_key(version_id)
    try:
        _, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        default_storage.delete(f"{folder}/{name}")
    # On a disk the empty folder goes too; object stores have none.
    with suppress(FileNotFoundError, NotImplementedError):
        default_storage.delete(folder)
