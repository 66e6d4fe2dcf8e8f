from collections.abc import Iterator

import pytest

from apps.rag.testing import FakeEmbedder, fake_embedder


@pytest.fixture
def embedder() -> Iterator[FakeEmbedder]:
    with fake_embedder() as fake:
        yield fake
