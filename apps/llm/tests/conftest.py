"""Fixtures of the model tests."""

from collections.abc import Iterator

import pytest

from apps.llm.testing import FakeModelServer


@pytest.fixture
def model_server() -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        yield server
