"""Stand-ins for models, for tests and the benchmark: a chat provider in this process, and a model server over HTTP.

`python -m apps.llm.testing --port 8081 --tokens 100 --gap-ms 20 --first-ms 50` serves until it is terminated.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Self

from aiohttp import web

from apps.llm.exceptions import ProviderError
from apps.llm.types import ChatEvent, ChatRequest, Finished, TextDelta, Usage

MODEL = "fake-model"
CONTEXT_TOKENS = 4096
PROMPT_TOKENS = 10
# Longer than any test: whoever waits so long has hung.
PATIENCE_SECONDS = 20.0


class FakeChat:
    """A ChatProvider that says what it is told to: `deltas`, then Finished, or `error` instead of Finished.

    `requests` keeps what it was asked. With `hold`, it waits after the deltas until the iterator is closed; `closed`
    counts iterators that were closed before their end.
    """

    def __init__(
        self,
        deltas: Sequence[str] = ("Hello", " world"),
        *,
        error: ProviderError | None = None,
        finish_reason: Literal["stop", "length"] = "stop",
        usage: Usage | None = None,
        gap_seconds: float = 0,
        hold: bool = False,
    ) -> None:
        self.deltas = list(deltas)
        self.error = error
        self.finished = Finished(
            finish_reason=finish_reason,
            usage=usage or Usage(prompt_tokens=PROMPT_TOKENS, completion_tokens=len(self.deltas)),
        )
        self.gap_seconds = gap_seconds
        self.hold = hold
        self.requests: list[ChatRequest] = []
        self.closed = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        self.requests.append(request)
        try:
            for delta in self.deltas:
                if self.gap_seconds:
                    await asyncio.sleep(self.gap_seconds)
                yield TextDelta(text=delta)
            if self.hold:
                await asyncio.Event().wait()
        except (GeneratorExit, asyncio.CancelledError):
            self.closed += 1
            raise
        if self.error:
            raise self.error
        yield self.finished


@contextmanager
def fake_endpoint(name: str, provider: FakeChat) -> Iterator[FakeChat]:
    """Let the endpoint be served by the fake inside the block."""
    from apps.llm import registry

    registry.provider_add(name, provider)
    try:
        yield provider
    finally:
        registry.provider_remove(name)


@dataclass(kw_only=True)
class Reply:
    """What the server does with one chat request.

    `status` other than 200 answers that, with `body`. `cut` drops the connection after the deltas. `garbage` sends what
    is no answer. `gate_after`: how many deltas go out before `FakeModelServer.release()` lets the rest follow.
    `hold` sends the deltas and then nothing more until the client goes away. `stamped` deltas carry their sending time.
    """

    deltas: Sequence[str] = ("Hello", " ", "world", "!")
    finish_reason: Literal["stop", "length", "filtered"] = "stop"
    first_seconds: float = 0
    gap_seconds: float = 0
    status: int = 200
    body: str = '{"error": {"message": "no", "type": "error"}}'
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    garbage: bool = False
    gate_after: int | None = None
    hold: bool = False
    stamped: bool = False


def stamped_reply(*, tokens: int, gap_seconds: float, first_seconds: float) -> Reply:
    """A reply whose every token tells when it was sent: `w12@1700000000.1234 `."""
    deltas = [f"w{number}" for number in range(tokens)]
    return Reply(deltas=deltas, gap_seconds=gap_seconds, first_seconds=first_seconds, stamped=True)


@dataclass(kw_only=True)
class Format:
    """How one kind of server writes a stream."""

    content_type: str
    delta: Callable[[str], bytes]
    end: Callable[[Reply, int], bytes]


class FakeModelServer:
    """A model server on a port of 127.0.0.1 that speaks OpenAI's, Ollama's and Gemini's formats. A context manager.

    `script()` queues replies for the next chat requests; without any, `default` is given. `requests` keeps the bodies
    of chat requests, `active` counts streams under way, `aborted` those whose client went away before their end.
    """

    def __init__(self, *, default: Reply | None = None, models: Sequence[str] = (MODEL,), port: int = 0) -> None:
        self.default = default or Reply()
        self.models = list(models)
        self.is_loading = False
        self.list_requests = 0
        self._loads_at = 0
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.active = 0
        self.peak = 0
        self.aborted = 0
        self.connections: set[Any] = set()
        self._script: deque[Reply] = deque()
        self._port = port
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        # Without cancellation a handler would learn of a client's going only at its next write.
        self._runner = web.AppRunner(_application(self), handler_cancellation=True, access_log=None, shutdown_timeout=0)
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-model-server", daemon=True)

    @property
    def url(self) -> str:
        """The address without a path, as Ollama and Gemini want it; OpenAI's paths are under `/v1`."""
        return f"http://127.0.0.1:{self._port}"

    def script(self, *replies: Reply) -> None:
        self._script.extend(replies)

    def load_after(self, *, list_requests: int) -> None:
        """Say that the model is loading for so many more requests for the list."""
        self.is_loading = True
        self._loads_at = self.list_requests + list_requests + 1

    def release(self) -> None:
        """Open the gate for all replies that wait at it."""
        self._loop.call_soon_threadsafe(self._gate.set)

    def wait_until(self, condition: Callable[[Self], bool]) -> None:
        """Block until the condition holds for this server. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), PATIENCE_SECONDS):
                raise TimeoutError("The fake model server waited in vain.")

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(PATIENCE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    def _note(self, *, active: int = 0, aborted: int = 0) -> None:
        with self._changed:
            self.active += active
            self.aborted += aborted
            self.peak = max(self.peak, self.active)
            self._changed.notify_all()

    async def note_whole(self, request: web.Request) -> web.Response | None:
        """Keep a request whose answer comes in one piece; what the next reply of the script says instead, if any."""
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        reply = self._script.popleft() if self._script else Reply()
        if self.is_loading:
            return _loading()
        if reply.garbage:
            return web.Response(text="<html>not an answer", content_type="text/html")
        if reply.cut:
            assert request.transport
            request.transport.abort()
        if reply.status == 200:
            return None
        return web.Response(
            status=reply.status, text=reply.body, headers=reply.headers, content_type="application/json"
        )

    async def answer(self, request: web.Request, form: Format) -> web.StreamResponse:
        """Play the next reply of the script in the given format."""
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        self.connections.add(request.transport and request.transport.get_extra_info("peername"))
        reply = self._script.popleft() if self._script else self.default
        if self.is_loading:
            return _loading()
        if reply.status != 200:
            return web.Response(
                status=reply.status, text=reply.body, headers=reply.headers, content_type="application/json"
            )
        self._note(active=1)
        try:
            return await self._play(request, reply, form)
        except (ConnectionResetError, asyncio.CancelledError):
            self._note(aborted=1)
            raise
        finally:
            self._note(active=-1)

    async def _play(self, request: web.Request, reply: Reply, form: Format) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html" if reply.garbage else form.content_type})
        await response.prepare(request)
        if reply.garbage:
            await response.write(b"data: <html>\nnot {an answer\n\n")
            await response.write_eof()
            return response
        async for delta in self._deltas(reply):
            await response.write(form.delta(delta))
        if reply.hold:
            await asyncio.Event().wait()
        if reply.cut:
            assert request.transport
            request.transport.abort()
            return response
        await response.write(form.end(reply, len(reply.deltas)))
        await response.write_eof()
        return response

    async def _deltas(self, reply: Reply) -> AsyncIterator[str]:
        await asyncio.sleep(reply.first_seconds)
        begun = time.monotonic()
        for number, delta in enumerate(reply.deltas):
            if number == reply.gate_after:
                await self._gate.wait()
            yield f"{delta}@{time.time():.4f} " if reply.stamped else delta
            pause = begun + (number + 1) * reply.gap_seconds - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)


def _sse(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps({"model": MODEL, "created_at": "2026-01-01T00:00:00Z", **content}).encode() + b"\n"


def _openai_chunk(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}


def _openai_end(reply: Reply, count: int) -> bytes:
    reason = {"stop": "stop", "length": "length", "filtered": "content_filter"}[reply.finish_reason]
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": count, "total_tokens": PROMPT_TOKENS + count}
    last = {**_openai_chunk({}), "choices": [], "usage": usage}
    return _sse(_openai_chunk({}, reason)) + _sse(last) + b"data: [DONE]\n\n"


def _ollama_end(reply: Reply, count: int) -> bytes:
    return _line(
        {
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": reply.finish_reason,
            "prompt_eval_count": PROMPT_TOKENS,
            "eval_count": count,
        }
    )


def _gemini_chunk(text: str, **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **candidate}]}


def _gemini_end(reply: Reply, count: int) -> bytes:
    reason = {"stop": "STOP", "length": "MAX_TOKENS", "filtered": "SAFETY"}[reply.finish_reason]
    usage = {"promptTokenCount": PROMPT_TOKENS, "candidatesTokenCount": count}
    return _sse({**_gemini_chunk("", finishReason=reason), "usageMetadata": usage})


OPENAI = Format(
    content_type="text/event-stream",
    delta=lambda text: _sse(_openai_chunk({"content": text})),
    end=_openai_end,
)
OLLAMA = Format(
    content_type="application/x-ndjson",
    delta=lambda text: _line({"message": {"role": "assistant", "content": text}, "done": False}),
    end=_ollama_end,
)
GEMINI = Format(content_type="text/event-stream", delta=lambda text: _sse(_gemini_chunk(text)), end=_gemini_end)


def _loading() -> web.Response:
    error = {"message": "Loading model", "type": "unavailable_error", "code": 503}
    return web.json_response({"error": error}, status=503)


def _application(server: FakeModelServer) -> web.Application:
    from apps.llm.testing_embeddings import embedding_routes

    async def openai_models(_: web.Request) -> web.Response:
        server.list_requests += 1
        if server.is_loading and server.list_requests != server._loads_at:
            return _loading()
        server.is_loading = False
        listed = [{"id": name, "object": "model", "meta": {"n_ctx": CONTEXT_TOKENS}} for name in server.models]
        return web.json_response({"object": "list", "data": listed})

    async def ollama_tags(_: web.Request) -> web.Response:
        server.list_requests += 1
        listed = [{"name": name, "model": name, "size": 1, "digest": "0", "details": {}} for name in server.models]
        return web.json_response({"models": listed})

    async def ollama_show(request: web.Request) -> web.Response:
        name = (await request.json())["model"]
        abilities = ["embedding"] if "embed" in name else ["completion"]
        facts = {"fake.context_length": CONTEXT_TOKENS}
        return web.json_response({"details": {}, "model_info": facts, "capabilities": abilities})

    async def statistics(_: web.Request) -> web.Response:
        facts = {"requests": len(server.requests), "active": server.active, "peak": server.peak}
        return web.json_response({**facts, "aborted": server.aborted})

    application = web.Application(client_max_size=1 << 26)
    application.add_routes(embedding_routes(server.note_whole))
    application.add_routes(
        [
            web.get("/v1/models", openai_models),
            web.post("/v1/chat/completions", partial(server.answer, form=OPENAI)),
            web.get("/api/tags", ollama_tags),
            web.post("/api/show", ollama_show),
            web.post("/api/chat", partial(server.answer, form=OLLAMA)),
            web.post("/{version:v1|v1beta}/models/{call}", partial(server.answer, form=GEMINI)),
            web.get("/stats", statistics),
        ]
    )
    return application


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m apps.llm.testing", description="A model server that fakes.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--gap-ms", type=float, default=20)
    parser.add_argument("--first-ms", type=float, default=50)
    options = parser.parse_args(arguments)
    reply = stamped_reply(
        tokens=options.tokens, gap_seconds=options.gap_ms / 1000, first_seconds=options.first_ms / 1000
    )
    with FakeModelServer(default=reply, port=options.port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
