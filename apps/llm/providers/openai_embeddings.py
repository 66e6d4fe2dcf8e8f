"""Embeddings of servers that speak OpenAI's API: llama.cpp, vLLM, OpenRouter, OpenAI."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import httpx

from apps.llm.exceptions import ProviderError, provider_error
from apps.llm.vectors import vectors_fit
from chatbot.lib.net import client_options

logger = logging.getLogger(__name__)

# Texts of one request; servers allow from some hundred to 2048.
BATCH = 64
READ_SECONDS = 60.0


class OpenAIEmbedder:
    """`url` is the base address that `/embeddings` is added to. Longer vectors are cut to `dimensions` here.

    The server is not asked to cut them: many refuse the very question.
    """

    def __init__(self, *, url: str, api_key: str = "", model: str, dimensions: int | None = None) -> None:
        self._url = f"{url}/embeddings"
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._model = model
        self._dimensions = dimensions

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(**client_options(read_seconds=READ_SECONDS), headers=self._headers)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            vectors += self._batch(texts[start : start + BATCH])
        return vectors

    def close(self) -> None:
        self._client.close()

    def _batch(self, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            response = self._client.post(self._url, json=body)
            if response.status_code != 200:
                error = _error_from(response)
                logger.warning("An embedding server answered %s (%s)", response.status_code, error.code)
                raise error
            return vectors_fit(_vectors_of(response.json()), count=len(texts), dimensions=self._dimensions)
        except httpx.HTTPError as error:
            logger.warning("An embedding server broke off: %s", type(error).__name__)
            raise ProviderError from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderError("answer_invalid") from error


def _vectors_of(answer: Mapping[str, Any]) -> list[list[float]]:
    """In the order of the texts, which is not always the order of the answer."""
    entries = sorted(answer["data"], key=lambda entry: entry["index"])
    return [entry["embedding"] for entry in entries]


def _error_from(response: httpx.Response) -> ProviderError:
    # llama.cpp calls a text longer than its batch "too large to process".
    if "too large to process" in response.text:
        return ProviderError("context_too_long")
    seconds = response.headers.get("Retry-After", "")
    return provider_error(
        response.status_code, response.text, retry_after_seconds=float(seconds) if seconds.isdigit() else None
    )
