"""How a reply came by its passages, kept while it is written and stored with its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.rag.types import Passage

# Raised with every change of the instructions that models get.
PROMPT_VERSION = "4"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedPassage:
    """A passage that the search brought. `is_used`: the model read it. `reason`: why not (weak, no_room, copy, …)."""

    passage: Passage
    is_used: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTrace:
    """Everything that `Retrieval` stores; see there. `kind`: search, whole_document, aggregate or none."""

    kind: str = "none"
    searched: str = ""
    formulations: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    profile_id: UUID | None = None
    answerability: float | None = None
    threshold: float | None = None
    is_enough: bool | None = None
    prompt_version: str = PROMPT_VERSION
    params: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    passages: tuple[TracedPassage, ...] = ()
