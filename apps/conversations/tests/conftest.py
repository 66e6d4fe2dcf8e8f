"""Fixtures of the conversation tests: a model on a fake server, and ada's conversation with it."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.workers import listeners_end
from apps.llm.models import ModelProfile
from apps.llm.testing import MODEL, FakeModelServer


@pytest.fixture
def model_server(settings) -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        settings.MODEL_SERVER_URL = server.url
        yield server


@pytest.fixture
def model(db: None) -> Iterator[ModelProfile]:
    yield ModelProfile.objects.create(
        endpoint="embedded", name=MODEL, title="Fake", abilities=["chat"], context_tokens=4096, is_default=True
    )
    listeners_end()


@pytest.fixture
def conversation(ada: User, model: ModelProfile) -> Conversation:
    return conversation_make(ada, model=model)


@pytest.fixture
def reply(conversation: Conversation) -> Message:
    """Queued, to the question "Why?"."""
    return reply_make(conversation)
