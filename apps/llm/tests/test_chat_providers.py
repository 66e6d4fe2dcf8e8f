"""One contract for all chat providers, against a server that speaks each one's format."""

import asyncio
import socket
from contextlib import aclosing

import pytest

from apps.llm.exceptions import ProviderError
from apps.llm.providers.gemini import Gemini
from apps.llm.providers.ollama import Ollama
from apps.llm.providers.openai_compatible import OpenAICompatible
from apps.llm.testing import MODEL, PROMPT_TOKENS, Reply
from apps.llm.types import ChatMessage, ChatParams, ChatRequest, Finished, TextDelta, Usage

MAKERS = {
    "openai_compatible": lambda url: OpenAICompatible(url=f"{url}/v1", api_key="key-of-the-test"),
    "ollama": lambda url: Ollama(url=url),
    "gemini": lambda url: Gemini(api_key="key-of-the-test", url=url),
}
REQUEST = ChatRequest(
    model=MODEL,
    messages=[
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="Hello?"),
        ChatMessage(role="assistant", content="Yes?"),
        ChatMessage(role="user", content="What is new?"),
    ],
    params=ChatParams(temperature=0.25, top_p=0.5, max_tokens=7),
    context_tokens=2048,
)


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


@pytest.fixture
def provider(make, model_server):
    return make(model_server.url)


async def events_of(provider):
    async with aclosing(provider.stream(REQUEST)) as events:
        return [event async for event in events]


async def test_deltas_come_in_order_and_end_with_one_finished(provider):
    *deltas, finished = await events_of(provider)
    assert deltas == [TextDelta(text=text) for text in ("Hello", " ", "world", "!")]
    usage = Usage(prompt_tokens=PROMPT_TOKENS, completion_tokens=4)
    assert finished == Finished(finish_reason="stop", usage=usage)


async def test_text_outside_ascii_arrives_whole(provider, model_server):
    texts = ["naïve ", "日本", "\u2028 line\nbreak", " \U0001f600"]
    model_server.script(Reply(deltas=texts))
    *deltas, _ = await events_of(provider)
    assert [delta.text for delta in deltas] == texts


async def test_length_is_told(provider, model_server):
    model_server.script(Reply(finish_reason="length"))
    assert (await events_of(provider))[-1].finish_reason == "length"


async def test_messages_and_params_reach_the_server(provider, model_server):
    await events_of(provider)
    body = str(model_server.requests[0])
    for text in ("Be brief.", "Hello?", "Yes?", "What is new?", "0.25", "0.5", "7"):
        assert text in body


async def test_closing_early_closes_the_connection(provider, model_server):
    model_server.script(Reply(deltas=["one", "two"], hold=True))
    async with aclosing(provider.stream(REQUEST)) as events:
        assert await anext(events) == TextDelta(text="one")
    await asyncio.to_thread(model_server.wait_until, lambda server: server.aborted == 1 and server.active == 0)


async def test_cancelling_closes_the_connection(provider, model_server):
    model_server.script(Reply(deltas=["one"], hold=True))
    task = asyncio.create_task(events_of(provider))
    await asyncio.to_thread(model_server.wait_until, lambda server: server.active == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(model_server.wait_until, lambda server: server.aborted == 1 and server.active == 0)


async def listen(provider, texts):
    async with aclosing(provider.stream(REQUEST)) as events:
        async for event in events:
            texts.append(event.text)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(status=401), "auth_failed", False),
        (Reply(status=403), "auth_failed", False),
        (Reply(status=404), "model_missing", False),
        (Reply(status=429), "rate_limited", True),
        (Reply(status=400), "request_refused", False),
        (Reply(status=500), "model_unavailable", True),
        (Reply(status=502, body="<html>Bad gateway</html>"), "model_unavailable", True),
        (Reply(status=503, body='{"error": {"message": "Loading model"}}'), "model_loading", True),
        (Reply(status=400, body='{"error": {"message": "exceeds the context size"}}'), "context_too_long", False),
        (Reply(garbage=True), "answer_invalid", False),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, Reply) else str(value),
)
async def test_failures_before_the_first_token(provider, model_server, reply, code, retryable):
    model_server.script(reply)
    with pytest.raises(ProviderError) as caught:
        await events_of(provider)
    assert (caught.value.code, caught.value.retryable) == (code, retryable)


async def test_a_dropped_connection_is_an_error_after_the_text(provider, model_server):
    model_server.script(Reply(deltas=["one", "two"], cut=True))
    texts: list[str] = []
    with pytest.raises(ProviderError) as caught:
        await listen(provider, texts)
    assert texts == ["one", "two"]
    assert (caught.value.code, caught.value.retryable) == ("model_unavailable", True)


async def test_nobody_listens(make):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderError) as caught:
            await events_of(make(f"http://127.0.0.1:{bound.getsockname()[1]}"))
    assert (caught.value.code, caught.value.retryable) == ("model_unavailable", True)


async def test_errors_repeat_nothing_that_the_server_said(provider, model_server):
    model_server.script(Reply(status=401, body='{"error": {"message": "Incorrect API key: key-of-the-test"}}'))
    with pytest.raises(ProviderError) as caught:
        await events_of(provider)
    assert "key-of-the-test" not in f"{caught.value} {caught.value.detail} {caught.value.title}"


async def test_connections_are_kept_alive(provider, model_server):
    for _ in range(3):
        await events_of(provider)
    assert len(model_server.connections) == 1


@pytest.mark.parametrize("make", [MAKERS["openai_compatible"], MAKERS["gemini"]])
async def test_the_providers_filter_is_told(make, model_server):
    model_server.script(Reply(finish_reason="filtered"))
    with pytest.raises(ProviderError) as caught:
        await events_of(make(model_server.url))
    assert caught.value.code == "content_filtered"


async def test_ollama_is_asked_for_the_context(model_server):
    await events_of(Ollama(url=model_server.url))
    assert model_server.requests[0]["options"]["num_ctx"] == 2048


async def test_openai_waits_as_long_as_it_is_told(model_server):
    model_server.script(Reply(status=429, headers={"Retry-After": "2"}))
    with pytest.raises(ProviderError) as caught:
        await events_of(OpenAICompatible(url=f"{model_server.url}/v1"))
    assert caught.value.retry_after_seconds == 2
