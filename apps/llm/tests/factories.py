"""Makes rows of this app for tests."""

from typing import Any

from apps.llm.models import ModelProfile
from apps.llm.testing import MODEL


def profile_make(endpoint: str = "embedded", name: str = MODEL, **fields: Any) -> ModelProfile:
    """A chat model; in tests of fallbacks, give each one its own endpoint."""
    return ModelProfile.objects.create(
        endpoint=endpoint, name=name, **{"title": name, "abilities": ["chat"], "context_tokens": 4096, **fields}
    )
