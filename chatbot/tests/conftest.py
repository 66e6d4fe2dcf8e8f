"""Fixtures of tests that go through the whole product."""

from collections.abc import Iterator

import pytest

from apps.llm import status
from apps.llm.models import ModelProfile
from apps.llm.testing import MODEL, FakeModelServer


@pytest.fixture
def model_server(settings) -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        settings.MODEL_SERVER_URL = server.url
        yield server


@pytest.fixture
def chat_model(db: None, model_server: FakeModelServer) -> Iterator[ModelProfile]:
    """The default model, at a fake server that answers."""
    status._answers.clear()
    yield ModelProfile.objects.create(
        endpoint="embedded", name=MODEL, title="Fake", abilities=["chat"], context_tokens=4096, is_default=True
    )
    status._answers.clear()
