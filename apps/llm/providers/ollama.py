"""Ollama, by its official client."""

import logging
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from apps.llm.exceptions import ProviderError, provider_error
from apps.llm.types import ChatEvent, ChatRequest, Finished, ServedModel, TextDelta, Usage
from apps.llm.vectors import vectors_fit
from chatbot.lib.net import PROBE_SECONDS, client_options, loop_resource

if TYPE_CHECKING:
    import ollama

logger = logging.getLogger(__name__)

# Of embeddings; the first of a model waits until that is loaded.
EMBED_READ_SECONDS = 60.0


@contextmanager
def _errors_translated() -> Iterator[None]:
    """What the client raises in the block, as ProviderError."""
    import ollama

    try:
        yield
    except ollama.ResponseError as error:
        logger.warning("Ollama answered %s", error.status_code)
        # Errors in mid-stream come without a status.
        raise provider_error(error.status_code if error.status_code > 0 else 500, str(error.error)) from error
    except (httpx.HTTPError, ConnectionError) as error:
        logger.warning("Ollama broke off: %s", type(error).__name__)
        raise ProviderError from error
    except (ValueError, TypeError, AttributeError) as error:
        # The client parses without checks; these are what JSON of another shape ends in.
        raise ProviderError("answer_invalid") from error


class Ollama:
    """`url` is the server's address without a path."""

    def __init__(self, *, url: str) -> None:
        self._url = url

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        import ollama

        client: ollama.AsyncClient = await loop_resource(
            f"ollama {self._url}",
            make=lambda: ollama.AsyncClient(self._url, **client_options()),
            close=_close,
        )
        with _errors_translated():
            answer: Any = await client.chat(
                request.model,
                messages=[{"role": message.role, "content": message.content} for message in request.messages],
                options=_options(request),
                stream=True,
            )
            finished: Finished | None = None
            async with aclosing(answer):
                async for part in answer:
                    if text := part.message.content:
                        yield TextDelta(text=text)
                    if part.done:
                        finished = _finished_from(part)
        if finished is None:
            raise ProviderError
        yield finished

    def models_served(self) -> list[ServedModel]:
        import ollama

        client = ollama.Client(self._url, **client_options(read_seconds=PROBE_SECONDS))
        try:
            names = [entry.model for entry in client.list().models if entry.model]
            return [_served_from(name, client.show(name)) for name in names]
        except ollama.ResponseError as error:
            raise provider_error(error.status_code, str(error.error)) from error
        except (httpx.HTTPError, ConnectionError) as error:
            raise ProviderError from error
        except (ValueError, TypeError, AttributeError) as error:
            raise ProviderError("answer_invalid") from error
        finally:
            client.close()  # type: ignore[no-untyped-call]  # the client's own lack of types


class OllamaEmbedder:
    """Longer vectors than `dimensions` are cut here: servers before 0.9 would not do it."""

    def __init__(self, *, url: str, model: str, dimensions: int | None = None) -> None:
        self._url = url
        self._model = model
        self._dimensions = dimensions

    @cached_property
    def _client(self) -> "ollama.Client":
        import ollama

        return ollama.Client(self._url, **client_options(read_seconds=EMBED_READ_SECONDS))

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the client's own lack of types

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if not texts:
            return []
        with _errors_translated():
            # The server cuts texts that are too long by itself.
            vectors = self._client.embed(self._model, input=list(texts)).embeddings
        return vectors_fit(vectors, count=len(texts), dimensions=self._dimensions)


async def _close(client: "ollama.AsyncClient") -> None:
    await client.close()  # type: ignore[no-untyped-call]  # the client's own lack of types


def _options(request: ChatRequest) -> dict[str, Any]:
    optional = {
        "temperature": request.params.temperature,
        "top_p": request.params.top_p,
        "num_predict": request.params.max_tokens,
        # Ollama cuts what is longer than its own default without a word.
        "num_ctx": request.context_tokens,
    }
    return {name: value for name, value in optional.items() if value is not None}


def _finished_from(part: "ollama.ChatResponse") -> Finished:
    return Finished(
        finish_reason="length" if part.done_reason == "length" else "stop",
        usage=Usage(prompt_tokens=part.prompt_eval_count or 0, completion_tokens=part.eval_count or 0),
    )


def _served_from(name: str, shown: "ollama.ShowResponse") -> ServedModel:
    facts: Mapping[str, Any] = shown.modelinfo or {}
    context = next((value for key, value in facts.items() if key.endswith(".context_length")), None)
    # Servers before 0.6.4 name no capabilities.
    capabilities = shown.capabilities if shown.capabilities is not None else ["completion"]
    abilities = {"completion": "chat", "embedding": "embed"}
    return ServedModel(
        name=name,
        context_tokens=context,
        abilities=tuple(abilities[name] for name in capabilities if name in abilities),
    )
