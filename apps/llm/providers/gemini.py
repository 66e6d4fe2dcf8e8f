"""Google's Gemini, by the official SDK (a second to import, so only when it is called)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import httpx
from typing_extensions import override

from apps.llm.exceptions import ProviderError, provider_error
from apps.llm.types import ChatEvent, ChatRequest, Finished, TextDelta, Usage
from chatbot.lib.net import client_options, stream_client

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

logger = logging.getLogger(__name__)
_opened: ContextVar[list[httpx.Response]] = ContextVar("gemini_responses_opened")


class _Borrowed(httpx.AsyncClient):
    """Sends by the running loop's shared client, with its time limits, and notes the response.

    The SDK would switch time limits off, keep connections of its own, and leave the closing of an abandoned stream
    to the garbage collector.
    """

    @override
    async def send(self, request: httpx.Request, **arguments: Any) -> httpx.Response:
        client = await stream_client()
        request.extensions["timeout"] = client.timeout.as_dict()
        response = await client.send(request, **arguments)
        _opened.get().append(response)
        return response


@contextmanager
def errors_translated() -> Iterator[None]:
    """What the SDK raises in the block, as ProviderError."""
    from google.genai import errors

    try:
        yield
    except errors.APIError as error:
        logger.warning("Gemini answered %s", error.code)
        raise provider_error(error.code or 500, f"{error.status} {error.message}") from error
    except httpx.HTTPError as error:
        logger.warning("Gemini broke off: %s", type(error).__name__)
        raise ProviderError from error
    except (ValueError, errors.UnknownApiResponseError) as error:
        raise ProviderError("answer_invalid") from error


class Gemini:
    """`url` replaces Google's address; empty leaves it."""

    def __init__(self, *, api_key: str, url: str = "") -> None:
        self._api_key = api_key
        self._url = url

    @cached_property
    def _client(self) -> "genai.Client":
        from google import genai
        from google.genai import types

        options = types.HttpOptions(
            base_url=self._url or None,
            httpx_async_client=_Borrowed(**client_options()),
            httpx_client=httpx.Client(**client_options()),
        )
        return genai.Client(api_key=self._api_key, vertexai=False, http_options=options)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        # In a thread, because the import would hold up all other streams of this loop.
        client = await asyncio.to_thread(lambda: self._client)
        opened: list[httpx.Response] = []
        _opened.set(opened)
        finish_reason: Literal["stop", "length"] | None = None
        usage = Usage()
        try:
            with errors_translated():
                answer: Any = await client.aio.models.generate_content_stream(
                    model=request.model, contents=_contents(request), config=_config(request)
                )
                async with aclosing(answer):
                    async for chunk in answer:
                        if text := _text_of(chunk):
                            yield TextDelta(text=text)
                        finish_reason = _finish_reason_of(chunk) or finish_reason
                        usage = _usage_of(chunk) or usage
        finally:
            for response in opened:
                await response.aclose()
        if finish_reason is None:
            raise ProviderError
        yield Finished(finish_reason=finish_reason, usage=usage)


def _contents(request: ChatRequest) -> Any:
    from google.genai import types

    roles = {"user": "user", "assistant": "model"}
    return [
        types.Content(role=roles[message.role], parts=[types.Part(text=message.content)])
        for message in request.messages
        if message.role != "system"
    ]


def _config(request: ChatRequest) -> "types.GenerateContentConfig":
    from google.genai import types

    system = "\n\n".join(message.content for message in request.messages if message.role == "system")
    return types.GenerateContentConfig(
        system_instruction=system or None,
        temperature=request.params.temperature,
        top_p=request.params.top_p,
        max_output_tokens=request.params.max_tokens,
    )


def _text_of(chunk: "types.GenerateContentResponse") -> str:
    """The answer's text alone; the SDK's own `text` warns about every other kind of part."""
    content = chunk.candidates[0].content if chunk.candidates else None
    parts = (content.parts if content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _finish_reason_of(chunk: "types.GenerateContentResponse") -> Literal["stop", "length"] | None:
    if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
        raise ProviderError("content_filtered")
    reason = chunk.candidates[0].finish_reason if chunk.candidates else None
    match reason.value if reason else None:
        case None | "FINISH_REASON_UNSPECIFIED":
            return None
        case "STOP":
            return "stop"
        case "MAX_TOKENS":
            return "length"
        case "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "MODEL_ARMOR":
            raise ProviderError("content_filtered")
        case _:
            raise ProviderError


def _usage_of(chunk: "types.GenerateContentResponse") -> Usage | None:
    """Thoughts are billed as output."""
    facts = chunk.usage_metadata
    if facts is None:
        return None
    return Usage(
        prompt_tokens=facts.prompt_token_count or 0,
        completion_tokens=(facts.candidates_token_count or 0) + (facts.thoughts_token_count or 0),
    )
