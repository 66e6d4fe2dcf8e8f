"""Replies as server-sent events, with a real worker beside the test."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.conversations.models import Message
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.workers import Worker
from apps.llm.testing import Reply
from chatbot.tests.api import async_client_of, sse_parse, sse_read

pytestmark = pytest.mark.django_db(transaction=True)
SSE = {"Accept": "text/event-stream"}


@pytest.fixture
def talk(transactional_db, ada, chat_model):
    return conversation_make(ada, model=chat_model)


@pytest.fixture
def path(talk):
    return f"/api/v1/conversations/{talk.pk}"


@pytest.fixture
async def api(ada):
    return await async_client_of(ada)


async def ask(api, path, **headers):
    return await api.post(
        f"{path}/messages", {"content": "Hello?"}, content_type="application/json", headers={**SSE, **headers}
    )


async def reply_of(talk):
    return await talk.messages.filter(role="assistant").alatest("pk")


async def work(talk):
    """Let a worker write the open reply."""
    worker = await sync_to_async(Worker)((await reply_of(talk)).pk)
    await sync_to_async(worker.join)()


async def test_a_question_streams_its_reply(api, path, talk):
    answer = await ask(api, path)
    assert (answer.status_code, answer["Cache-Control"], answer["X-Accel-Buffering"]) == (200, "no-cache", "no")
    events, _ = await asyncio.gather(sse_read(answer), work(talk))
    reply = await reply_of(talk)
    tokens = [event for event in events if event.event == "token"]
    assert "".join(event.data["content"] for event in tokens) == reply.content == "Hello world!"
    assert all(event.data["finish_reason"] is None for event in tokens)
    assert {event.id.partition(":")[0] for event in events} == {str(reply.pk)}
    done = events[-1]
    assert (done.event, done.data["finish_reason"], done.data["message_id"]) == ("done", "stop", str(reply.pk))
    assert set(done.data["usage"]) >= {"prompt_tokens", "completion_tokens"}
    assert (done.data["model"], done.data["citations"]) == ("fake-model", [])


async def test_a_stream_is_taken_up_after_any_place(api, path, talk):
    await ask(api, path)
    await work(talk)
    reply = await reply_of(talk)
    whole = await sse_read(await api.get(f"{path}/stream"))
    place = next(event for event in whole if event.event == "token")
    cut = reply.content[: place.sequence]
    for query, headers in [
        (f"?message_id={reply.pk}&after={place.sequence}", {}),
        ("", {"Last-Event-ID": place.id}),
        (f"?message_id={reply.pk}", {"Last-Event-ID": place.id}),
    ]:
        rest = await sse_read(await api.get(f"{path}/stream{query}", headers=headers))
        text = "".join(event.data["content"] for event in rest if event.event == "token")
        assert cut + text == reply.content
        assert rest[-1].event == "done"


async def test_a_failed_reply_ends_in_an_error_event(api, path, talk, model_server):
    model_server.default = Reply(status=401)
    answer = await ask(api, path)
    events, _ = await asyncio.gather(sse_read(answer), work(talk))
    assert events[-1].event == "error"
    assert set(events[-1].data) == {"error", "code", "retryable"}


async def test_a_repeated_key_streams_the_same_reply(api, path, talk):
    first = await ask(api, path, **{"Idempotency-Key": "k"})
    again = await ask(api, path, **{"Idempotency-Key": "k"})
    one, two, _ = await asyncio.gather(sse_read(first), sse_read(again), work(talk))
    assert one[-1].data == two[-1].data
    assert await talk.messages.acount() == 2
    late = await sse_read(await ask(api, path, **{"Idempotency-Key": "k"}))
    assert late[-1].data == one[-1].data


async def test_hanging_up_stops_nothing_and_leaks_nothing(ada, path, talk, model_server):
    """Through the ASGI application itself, whose disconnect the test client does not have."""
    from django.test import Client

    from chatbot.asgi import application

    browser = Client()
    await sync_to_async(browser.force_login)(ada, backend="django.contrib.auth.backends.ModelBackend")
    model_server.default = Reply(gate_after=1)
    cookie = f"sessionid={browser.cookies['sessionid'].value}; csrftoken={'a' * 32}"
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": f"{path}/messages", "query_string": b"",
        "headers": [
            (b"host", b"testserver"), (b"cookie", cookie.encode()), (b"x-csrftoken", b"a" * 32),
            (b"content-type", b"application/json"), (b"accept", b"text/event-stream"),
        ],
    }  # fmt: skip
    incoming: asyncio.Queue[Any] = asyncio.Queue()
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    await incoming.put({"type": "http.request", "body": b'{"content": "Hello?"}'})
    request = asyncio.create_task(application(scope, incoming.get, outgoing.put))
    assert (await outgoing.get())["status"] == 200
    worker = await sync_to_async(Worker)((await reply_of(talk)).pk)
    while not any(event.event == "token" for event in sse_parse((await outgoing.get())["body"].decode())):
        pass
    await incoming.put({"type": "http.disconnect"})
    await asyncio.wait_for(request, 5)
    assert not {task for task in asyncio.all_tasks() if "process_request" in repr(task) or "reply_sse" in repr(task)}
    model_server.release()
    await sync_to_async(worker.join)()
    assert (await reply_of(talk)).content == "Hello world!"
    assert (await reply_of(talk)).state == Message.State.COMPLETE


async def test_a_stream_of_a_conversation_without_replies_is_not_found(api, path):
    answer = await api.get(f"{path}/stream")
    assert answer.status_code == 404


async def test_a_question_can_be_no_stream(api, path, talk):
    await sync_to_async(reply_make)(talk, state=Message.State.COMPLETE)
    question = await talk.messages.filter(role="user").afirst()
    assert (await api.get(f"{path}/stream?message_id={question.pk}")).status_code == 404
