"""Servers that speak OpenAI's chat completions: llama.cpp, vLLM, OpenRouter, OpenAI."""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal

import aiohttp
import httpx

from apps.llm.exceptions import ProviderError, provider_error
from apps.llm.types import ChatEvent, ChatRequest, Finished, ServedModel, TextDelta, Usage
from chatbot.lib.net import probe_client, stream_session

logger = logging.getLogger(__name__)

# No delta is as long; what is, is no answer.
LINE_MAXIMUM_BYTES = 1 << 20


class OpenAICompatible:
    """`url` is the base address that `/chat/completions` is added to."""

    def __init__(self, *, url: str, api_key: str = "") -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        url = f"{self._url}/chat/completions"
        session = await stream_session(url)
        call = session.post(url, json=_body(request), headers=self._headers, allow_redirects=False)
        finish_reason: Literal["stop", "length"] | None = None
        usage = Usage()
        try:
            async with call as response:
                if response.status != 200:
                    raise await _error_from(response)
                async for data in _events(response):
                    if data == "[DONE]":
                        # Reading on to the body's end lets the connection be used again.
                        continue
                    chunk = _chunk_from(data)
                    if text := _text_of(chunk):
                        yield TextDelta(text=text)
                    finish_reason = _finish_reason_of(chunk) or finish_reason
                    usage = _usage_of(chunk) or usage
        except UnicodeDecodeError as error:
            raise ProviderError("answer_invalid") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("A model server broke off: %s", type(error).__name__)
            raise ProviderError from error
        if finish_reason is None:
            # The connection ended in good order but the answer did not.
            raise ProviderError
        yield Finished(finish_reason=finish_reason, usage=usage)

    def models_served(self) -> list[ServedModel]:
        try:
            with probe_client() as client:
                response = client.get(f"{self._url}/models", headers=self._headers)
                if response.status_code != 200:
                    raise provider_error(response.status_code, response.text)
                return [_served_from(entry) for entry in response.json()["data"]]
        except httpx.HTTPError as error:
            raise ProviderError from error
        except (ValueError, KeyError, TypeError) as error:
            raise ProviderError("answer_invalid") from error


def _body(request: ChatRequest) -> dict[str, Any]:
    params = request.params
    optional = {"temperature": params.temperature, "top_p": params.top_p, "max_tokens": params.max_tokens}
    return {
        "model": request.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in optional.items() if value is not None},
    }


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[str, None]:
    """The data of each server-sent event. These servers write one line of data per event and no other fields."""
    if response.content_type != "text/event-stream":
        raise ProviderError("answer_invalid")
    rest = b""
    async for piece in response.content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE_MAXIMUM_BYTES:
            raise ProviderError("answer_invalid")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip().decode()


async def _error_from(response: aiohttp.ClientResponse) -> ProviderError:
    error = provider_error(
        response.status,
        await response.text(errors="replace"),
        retry_after_seconds=_seconds_from(response.headers.get("Retry-After", "")),
    )
    logger.warning("A model server answered %s (%s)", response.status, error.code)
    return error


def _seconds_from(header: str) -> float | None:
    return float(header) if header.isdigit() else None


def _chunk_from(data: str) -> Mapping[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError as error:
        raise ProviderError("answer_invalid") from error
    if not isinstance(chunk, dict):
        raise ProviderError("answer_invalid")
    if problem := chunk.get("error"):
        # Errors after the headers come as an event of their own; not every server gives a numeric code.
        code = problem.get("code") if isinstance(problem, dict) else None
        raise provider_error(code if isinstance(code, int) else 500, json.dumps(problem))
    return chunk


def _choice_of(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = chunk.get("choices") or [{}]
    return choices[0] or {}


def _text_of(chunk: Mapping[str, Any]) -> str:
    return (_choice_of(chunk).get("delta") or {}).get("content") or ""


def _finish_reason_of(chunk: Mapping[str, Any]) -> Literal["stop", "length"] | None:
    match _choice_of(chunk).get("finish_reason"):
        case None | "":
            return None
        case "length":
            return "length"
        case "content_filter":
            raise ProviderError("content_filtered")
        case "error":
            raise ProviderError
        case _:
            return "stop"


def _usage_of(chunk: Mapping[str, Any]) -> Usage | None:
    usage = chunk.get("usage")
    if not usage:
        return None
    return Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
    )


def _served_from(entry: Mapping[str, Any]) -> ServedModel:
    """llama.cpp tells the context under `meta`, vLLM as `max_model_len`, OpenRouter as `context_length`."""
    meta = entry.get("meta") or {}
    context = meta.get("n_ctx") or entry.get("max_model_len") or entry.get("context_length")
    return ServedModel(name=entry["id"], context_tokens=context)
