"""The websocket of a reply and the event stream that stands in for it, through the whole ASGI app."""

import asyncio
import re
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import AsyncClient
from django.urls import reverse

from apps.conversations.frames import FRAME_SECONDS, Screen
from apps.conversations.models import Message
from apps.conversations.services import conversation_delete, reply_stop
from apps.conversations.tests.factories import message_make
from apps.conversations.tests.workers import Worker
from apps.conversations.types import CitationEvent, ResetEvent, StatusEvent, TokenEvent
from apps.llm.testing import Reply
from chatbot.asgi import application
from chatbot.lib.markdown import render

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = b"http://localhost"


def session_of(client):
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()


@asynccontextmanager
async def socket(message, client=None, origin=ORIGIN):
    headers = [(b"host", b"localhost"), (b"origin", origin)]
    if client:
        headers.append((b"cookie", session_of(client)))
    communicator = WebsocketCommunicator(application, f"/ws/messages/{message.pk}/", headers=headers)
    try:
        yield communicator
    finally:
        await communicator.disconnect()


async def close_code(communicator):
    await communicator.connect()
    sent = await communicator.receive_output(5)
    assert sent["type"] == "websocket.close"
    return sent["code"]


async def connected(communicator):
    is_accepted, _ = await communicator.connect()
    assert is_accepted
    return communicator


class Page:
    """What htmx would make of the frames of one message."""

    PART = re.compile(
        r'<div id="message-[0-9a-f-]+-(\w+)" hx-swap-oob="(\w+)">(.*?)</div>(?=<div id="message-|$)', re.S
    )

    def __init__(self):
        self.parts = {"blocks": "", "open": "", "status": ""}
        self.final = ""
        self.frames = 0

    def show(self, frame):
        self.frames += 1
        if frame.lstrip().startswith("<article"):
            self.final = frame
            return
        for part, way, markup in self.PART.findall(frame):
            self.parts[part] = self.parts[part] + markup if way == "beforeend" else markup

    @property
    def html(self):
        return self.parts["blocks"] + self.parts["open"]

    async def follow(self, communicator, until=None):
        """Show frames until `until` stands in the page, or to the end; gives the close code then."""
        while until is None or until not in self.html:
            sent = await communicator.receive_output(20)
            if sent["type"] == "websocket.close":
                return sent["code"]
            self.show(sent["text"])
        return None


async def test_without_session_it_is_refused(reply):
    async with socket(reply) as communicator:
        assert await close_code(communicator) == 4401


@pytest.mark.parametrize("name", ["client_ben", "client_vera", "client_cleo"])
def test_nobody_else_gets_in(reply, request, name):
    client = request.getfixturevalue(name)

    async def run():
        async with socket(reply, client) as communicator:
            assert await close_code(communicator) == 4404

    asyncio.run(run())


async def test_somebody_who_was_locked_out_is_refused(reply, client_ada, ada):
    ada.is_active = False
    await ada.asave()
    async with socket(reply, client_ada) as communicator:
        assert await close_code(communicator) == 4401


async def test_other_origins_are_refused(reply, client_ada):
    async with socket(reply, client_ada, origin=b"https://evil.example") as communicator:
        connected, _ = await communicator.connect()
        assert not connected


TEXT = """Yes **it** is.

- one
- two

```python
x = 1
```

The end."""


def pieces(text, size=3):
    return [text[at : at + size] for at in range(0, len(text), size)]


async def test_frames_bring_the_whole_reply_and_then_its_final_form(reply, client_ada, model_server):
    model_server.script(Reply(deltas=pieces(TEXT), gap_seconds=0.01, gate_after=12))
    page = Page()
    async with socket(reply, client_ada) as communicator:
        await connected(communicator)
        worker = await sync_to_async(Worker)(reply.pk)
        await page.follow(communicator, until="<li>one</li>")
        assert "<strong>it</strong>" in page.parts["blocks"]
        assert not page.parts["status"].strip()
        model_server.release()
        assert await page.follow(communicator) == 1000
        await sync_to_async(worker.join)()
    assert render(TEXT) in page.final
    assert 'hx-swap-oob="true"' in page.final
    assert "data-stream=" not in page.final


async def test_a_second_connection_begins_with_all_that_is_there(reply, client_ada, model_server):
    model_server.script(Reply(deltas=pieces(TEXT), gate_after=12))
    worker = await sync_to_async(Worker)(reply.pk)
    async with socket(reply, client_ada) as first:
        await connected(first)
        await Page().follow(first, until="<li>one</li>")
    late = Page()
    async with socket(reply, client_ada) as second:
        await connected(second)
        await late.follow(second, until="<li>one</li>")
        assert late.html.count("<strong>it</strong>") == 1
        model_server.release()
        assert await late.follow(second) == 1000
    await sync_to_async(worker.join)()
    assert render(TEXT) in late.final


async def test_a_fast_reply_is_shown_in_few_frames(reply, client_ada, model_server):
    model_server.script(Reply(deltas=[f"word{n} " for n in range(400)], gap_seconds=0.002))
    page = Page()
    loop = asyncio.get_running_loop()
    async with socket(reply, client_ada) as communicator:
        await connected(communicator)
        worker = await sync_to_async(Worker)(reply.pk)
        begun = loop.time()
        assert await page.follow(communicator) == 1000
        took = loop.time() - begun
        await sync_to_async(worker.join)()
    # The first and the last come at once.
    assert page.frames <= took / FRAME_SECONDS + 3
    assert "word399" in page.final


async def test_a_reply_that_is_whole_comes_at_once(reply, client_ada):
    await Message.objects.filter(pk=reply.pk).aupdate(state=Message.State.COMPLETE, content="Done.")
    page = Page()
    async with socket(reply, client_ada) as communicator:
        await connected(communicator)
        assert await page.follow(communicator) == 1000
    assert "<p>Done.</p>" in page.final


async def test_a_stopped_reply_ends(reply, client_ada, ada):
    page = Page()
    async with socket(reply, client_ada) as communicator:
        await connected(communicator)
        await communicator.receive_output(5)
        await sync_to_async(reply_stop)(actor=ada, conversation_id=reply.conversation_id)
        assert await page.follow(communicator) == 1000
    assert "You stopped this reply." in page.final


async def test_a_deleted_conversation_ends_as_not_found(reply, client_ada, ada, model_server):
    model_server.script(Reply(deltas=["Hello "] * 5, gate_after=2))
    worker = await sync_to_async(Worker)(reply.pk)
    page = Page()
    async with socket(reply, client_ada) as communicator:
        await connected(communicator)
        await page.follow(communicator, until="Hello")
        await sync_to_async(conversation_delete)(actor=ada, conversation_id=reply.conversation_id)
        model_server.release()
        assert await page.follow(communicator) == 4404
    await sync_to_async(worker.join)()


async def test_the_event_stream_sends_the_same(reply, ada, model_server):
    model_server.script(Reply(deltas=pieces(TEXT)))
    client = AsyncClient()
    await client.aforce_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    response: Any = await client.get(reverse("conversations:message-frames", args=[reply.pk]))
    assert response["Content-Type"] == "text/event-stream"
    assert response["X-Accel-Buffering"] == "no"
    worker = await sync_to_async(Worker)(reply.pk)
    body = "".join([piece.decode() async for piece in response.streaming_content])
    await sync_to_async(worker.join)()
    page = Page()
    for event in body.split("\n\n"):
        if event.startswith("data: "):
            page.show("\n".join(line.removeprefix("data: ") for line in event.split("\n")))
    assert render(TEXT) in page.final


def test_what_was_shown_is_replaced_when_the_reply_is_begun_anew():
    screen, page = Screen(uuid4()), Page()
    screen.take(StatusEvent(sequence=0, state="queued", position=2))
    page.show(screen.frame())
    assert "Waiting for a free model, 2 before you" in page.parts["status"]
    screen.take(TokenEvent(sequence=9, text="Old one.\n\nOld two."))
    page.show(screen.frame())
    screen.take(ResetEvent(sequence=10_000_000, reason="worker_lost"))
    screen.take(TokenEvent(sequence=10_000_004, text="New."))
    page.show(screen.frame())
    assert page.html == "<p>New.</p>\n"


def test_chips_cannot_be_opened_before_the_reply_is_whole():
    screen, page = Screen(uuid4()), Page()
    place = {"document_id": uuid4(), "chunk_id": uuid4()}
    screen.take(CitationEvent(sequence=0, score=1.0, index=1, filename="a.pdf", page=3, quote="q", **place))
    screen.take(TokenEvent(sequence=8, text="See [1] [2]"))
    page.show(screen.frame())
    assert '<span class="citation" title="Source 1: a.pdf, page 3">1</span> [2]' in page.html


async def test_a_question_has_no_frames_of_its_own(conversation, client_ada):
    question = await sync_to_async(message_make)(conversation)
    page = Page()
    async with socket(question, client_ada) as communicator:
        await connected(communicator)
        assert await page.follow(communicator) in {1000, 4404}


async def test_without_a_second_factor_that_is_due_there_are_no_frames(client_ada, workspace, reply):
    workspace.second_factor_roles, workspace.second_factor_grace_days = ["user"], 0
    await sync_to_async(workspace.save)()
    async with socket(reply, client_ada) as communicator:
        assert await close_code(communicator) == 4403
