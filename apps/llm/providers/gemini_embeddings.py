"""Embeddings of Google's Gemini, by the official SDK."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from apps.llm.providers.gemini import errors_translated
from apps.llm.vectors import vectors_fit
from chatbot.lib.net import client_options

if TYPE_CHECKING:
    from google import genai

# What the API takes at once.
BATCH = 100
READ_SECONDS = 60.0


class GeminiEmbedder:
    """`url` replaces Google's address; empty leaves it. The model is told whether texts are questions or passages."""

    def __init__(
        self, *, api_key: str, url: str = "", model: str, dimensions: int | None = None, is_query: bool = False
    ) -> None:
        self._api_key = api_key
        self._url = url
        self._model = model
        self._dimensions = dimensions
        self._task = "RETRIEVAL_QUERY" if is_query else "RETRIEVAL_DOCUMENT"

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(**client_options(read_seconds=READ_SECONDS))

    @cached_property
    def _client(self) -> "genai.Client":
        from google import genai
        from google.genai import types

        http_options = types.HttpOptions(base_url=self._url or None, httpx_client=self._http)
        return genai.Client(api_key=self._api_key, vertexai=False, http_options=http_options)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            vectors += self._batch(texts[start : start + BATCH])
        return vectors

    def close(self) -> None:
        self._http.close()

    def _batch(self, texts: Sequence[str]) -> list[list[float]]:
        client = self._client
        from google.genai import types

        config = types.EmbedContentConfig(task_type=self._task, output_dimensionality=self._dimensions)
        contents: list[types.ContentUnionDict] = [types.Content(parts=[types.Part(text=text)]) for text in texts]
        with errors_translated():
            answer = client.models.embed_content(model=self._model, contents=contents, config=config)
        vectors = [embedding.values or [] for embedding in answer.embeddings or []]
        return vectors_fit(vectors, count=len(texts), dimensions=self._dimensions)
