"""Files to the browser, piece by piece, in a form that it cannot run."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

_CHUNK_BYTES = 256 * 1024
# Lines that go out together: a hop between threads for each would take longer than making it.
_CHUNK_LINES = 500


def attachment_response(
    request: HttpRequest, file: IO[bytes], *, filename: str, content_type: str, size: int
) -> StreamingHttpResponse:
    """The file as a download. Whatever is in it, no script of it runs under this site's address."""
    pieces = _pieces_async(file) if isinstance(request, ASGIRequest) else _pieces(file)
    response = StreamingHttpResponse(pieces, content_type=content_type or "application/octet-stream")
    response["Content-Length"] = str(size)
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


def lines_response(
    request: HttpRequest, lines: Iterator[str], *, filename: str, content_type: str
) -> StreamingHttpResponse:
    """Text that is made while it is sent, as a download. The lines are taken in the request's own thread."""
    pieces = _joined_async(lines) if isinstance(request, ASGIRequest) else _joined(lines)
    response = StreamingHttpResponse(pieces, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


def _joined(lines: Iterator[str]) -> Iterator[str]:
    while piece := "".join(islice(lines, _CHUNK_LINES)):
        yield piece


async def _joined_async(lines: Iterator[str]) -> AsyncIterator[str]:
    # What reads the database must stay in one thread, whose connection is closed when the request ends.
    take = sync_to_async(lambda: "".join(islice(lines, _CHUNK_LINES)))
    while piece := await take():
        yield piece


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK_BYTES):
            yield piece


async def _pieces_async(file: IO[bytes]) -> AsyncIterator[bytes]:
    # A synchronous iterator would be read whole into memory before the first byte is sent.
    read = sync_to_async(file.read, thread_sensitive=False)
    try:
        while piece := await read(_CHUNK_BYTES):
            yield piece
    finally:
        file.close()
