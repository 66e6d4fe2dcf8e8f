"""Stand-ins for the small models, for tests without weights: words are hashed, so texts that share words are near."""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from apps.llm import registry
from apps.llm.exceptions import ProviderError

DIMENSIONS = 384


class FakeEmbedder:
    """An Embedder whose vectors are hashed words. `error` is raised instead; `calls` keeps the texts of each call."""

    def __init__(self, *, error: ProviderError | None = None, fail_after: int | None = None) -> None:
        self.error = error
        self.fail_after = fail_after
        self.calls: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.calls.append(list(texts))
        if self.error or (self.fail_after is not None and len(self.calls) > self.fail_after):
            raise self.error or ProviderError("model_unavailable")
        return [vector_of(text) for text in texts]


class FakeReranker:
    """A Reranker that counts the query's words in the passage. `calls` keeps the passages of each call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def score(self, *, query: str, passages: Sequence[str]) -> list[float]:
        self.calls.append(list(passages))
        words = set(_words(query))
        return [float(len(words & set(_words(passage)))) for passage in passages]


def vector_of(text: str) -> list[float]:
    """A unit vector: each word adds one to a dimension chosen by its hash."""
    vector = [0.0] * DIMENSIONS
    for word in _words(text) or [""]:
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % DIMENSIONS] += 1.0
    norm = math.sqrt(sum(value * value for value in vector))
    return [value / norm for value in vector]


@contextmanager
def fake_embedder(embedder: FakeEmbedder | None = None, *, model: str = "bge-small-en-v1.5") -> Iterator[FakeEmbedder]:
    """Let the model's name stand for the fake inside the block."""
    fake = embedder or FakeEmbedder()
    registry.embedder_add(model, fake)
    try:
        yield fake
    finally:
        registry.embedder_remove(model)


@contextmanager
def fake_reranker(*, model: str = "ms-marco-MiniLM-L-12-v2") -> Iterator[FakeReranker]:
    """As `fake_embedder`."""
    fake = FakeReranker()
    registry.reranker_add(model, fake)
    try:
        yield fake
    finally:
        registry.reranker_remove(model)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
