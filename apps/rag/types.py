"""Values of search: what is asked and what is found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters:
    """Empty values do not filter. `filename` matches a part of the name in any case; `mime` a prefix."""

    filename: str = ""
    mime: str = ""
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """Empty id lists mean: all that the person may see. `workspace_id`: only there; None: wherever they belong."""

    text: str
    workspace_id: UUID | None = None
    limit: int = 10
    mode: SearchMode = SearchMode.HYBRID
    rerank: bool | None = None
    collection_ids: Sequence[UUID] = ()
    document_ids: Sequence[UUID] = ()
    filters: SearchFilters = field(default_factory=SearchFilters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A found chunk. `score` is the fused one; the legs' own scores are None where a leg did not find it.

    bm25: 0 upwards. dense: cosine similarity, -1 to 1. rerank: the cross-encoder's logit.
    """

    chunk_id: UUID
    document_id: UUID
    version_id: UUID
    filename: str
    page: int | None
    page_last: int | None
    heading_path: tuple[str, ...]
    text: str
    score: float
    bm25: float | None = None
    dense: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Best first."""

    passages: tuple[Passage, ...]
    took_ms: float
