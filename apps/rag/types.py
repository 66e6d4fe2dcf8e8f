"""Values of search: what is asked and what is found."""

from collections.abc import Mapping, Sequence
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
    """Empty values do not filter. `filename` matches a part of the name in any case; `mime` a prefix.

    `tags`: all of them, in lower case. `phrases`: each must stand in the passage, in any case.
    """

    filename: str = ""
    mime: str = ""
    after: datetime | None = None
    before: datetime | None = None
    tags: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTuning:
    """What the laboratory and evaluations try out; None leaves what the product does.

    `dense_share`: 0 to 1 of the fused score. `candidates`: how many of each leg take part. `rerank_depth`: how many the
    cross-encoder reads. `rerank_share`: its part in the final score where it is sure of one passage, 0 to 1.
    `profile_id`: another index than the live.
    """

    dense_share: float | None = None
    candidates: int | None = None
    rerank_depth: int | None = None
    rerank_share: float | None = None
    profile_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """Empty id lists mean: all that the person may see. `workspace_id`: only there; None: wherever they belong.

    `formulations`: the same question in other words, searched too. `rerank`: None leaves it to the collection's tuning
    and the settings. `is_traced`: the result shall carry what each leg found.
    """

    text: str
    workspace_id: UUID | None = None
    limit: int = 10
    mode: SearchMode = SearchMode.HYBRID
    rerank: bool | None = None
    collection_ids: Sequence[UUID] = ()
    document_ids: Sequence[UUID] = ()
    filters: SearchFilters = field(default_factory=SearchFilters)
    formulations: tuple[str, ...] = ()
    tuning: SearchTuning = field(default_factory=SearchTuning)
    is_traced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A found chunk. `score` is the fused one; the legs' own scores are None where a leg did not find it.

    bm25: 0 upwards. dense: cosine similarity, -1 to 1. rerank: the cross-encoder's logit. `flags`: what readers are to
    be warned of, see `rag.suspicion`. `copies`: names of other visible documents in which nearly the same stands.
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
    version_number: int | None = None
    flags: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTrace:
    """What one step brought, best first; `score` is the step's. `name`: lexical, dense, fused, reranked."""

    name: str
    took_ms: float
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Best first. `timings`: step → milliseconds. `legs`: for a traced query only."""

    passages: tuple[Passage, ...]
    took_ms: float
    timings: Mapping[str, float] = field(default_factory=dict)
    profile_id: UUID | None = None
    legs: tuple[LegTrace, ...] = ()
