"""Files to the browser, piece by piece, in a form that it cannot run."""

from collections.abc import AsyncIterator, Iterator
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

_CHUNK_BYTES = 256 * 1024


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
