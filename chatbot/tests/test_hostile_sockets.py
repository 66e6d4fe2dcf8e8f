"""Hostile text on the way to a websocket: it is refused, and nothing fails."""

from urllib.parse import quote
from uuid import uuid4

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings

from chatbot.asgi import application
from chatbot.testing.hostile.payloads import PAYLOADS

TEXTS = [payload.text[:2000] for payload in PAYLOADS]
ORIGIN = b"http://testserver"


async def outcome(path="/ws/messages/x/", query=b"", origin=ORIGIN, cookie=b""):
    """Whether it opened; what fails inside is raised here."""
    headers = [(b"host", b"testserver"), (b"origin", origin), (b"cookie", cookie)]
    communicator = WebsocketCommunicator(application, "/", headers=headers)
    communicator.scope |= {"path": path, "query_string": query, "raw_path": quote(path).encode()}
    is_open, code = await communicator.connect()
    if is_open:
        said = await communicator.receive_output(5)
        is_open, code = said["type"] != "websocket.close", said.get("code")
    await communicator.disconnect()
    return is_open, code


def _bytes(text):
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.django_db(transaction=True)
async def test_no_text_opens_or_breaks_a_socket():
    known = f"/ws/messages/{uuid4()}/"
    opened = []
    for text in TEXTS:
        plain = _bytes(text).decode("utf-8", "replace")
        found = [
            await outcome(path=f"/ws/{plain}"),
            await outcome(path=plain or "/"),
            await outcome(path=known, query=_bytes(text)),
            await outcome(path=known, origin=_bytes(text)),
            await outcome(path=known, origin=b"http://testserver" + _bytes(text)),
            await outcome(path=known, cookie=_bytes(text)),
            await outcome(path=known, cookie=settings.SESSION_COOKIE_NAME.encode() + b"=" + _bytes(text)),
        ]
        opened += [text for is_open, _ in found if is_open]
    assert opened == []


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/messages/x/", "/documents/"])
async def test_a_socket_that_there_is_not_is_said(path):
    assert await outcome(path=path) == (False, 4404)
