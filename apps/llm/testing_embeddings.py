"""What the fake model server answers to requests for embeddings, in OpenAI's, Ollama's and Gemini's formats."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

DIMENSIONS = 8
Note = Callable[[web.Request], Awaitable[web.Response | None]]


def fake_vector(text: str) -> list[float]:
    """Numbers that depend on the text, of no particular length."""
    return [float(byte) - 100 for byte in hashlib.sha256(text.encode()).digest()[:DIMENSIONS]]


def embedding_routes(note: Note) -> Sequence[web.RouteDef]:
    """`note` is called with each request first; what it gives, such as an error, is answered instead."""

    def answering(answer: Callable[[Any], dict[str, Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            return await note(request) or web.json_response(answer(await request.json()))

        return handler

    return [
        web.post("/v1/embeddings", answering(_openai)),
        web.post("/api/embed", answering(_ollama)),
        web.post("/{version:v1|v1beta}/models/{model}:batchEmbedContents", answering(_gemini)),
    ]


def _openai(body: Any) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": index, "embedding": fake_vector(text)}
        for index, text in enumerate(body["input"])
    ]
    # The order of an answer is the server's affair; the index says what belongs to what.
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "model": body["model"], "data": data[::-1], "usage": usage}


def _ollama(body: Any) -> dict[str, Any]:
    return {"model": body["model"], "embeddings": [fake_vector(text) for text in body["input"]]}


def _gemini(body: Any) -> dict[str, Any]:
    def values(request: Any) -> list[float]:
        vector = fake_vector(request["content"]["parts"][0]["text"])
        return vector[: request.get("outputDimensionality") or None]

    return {"embeddings": [{"values": values(request)} for request in body["requests"]]}
