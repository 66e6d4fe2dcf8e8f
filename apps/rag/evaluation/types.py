"""Values of judging, and what asks a whole reply for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from apps.accounts.models import User
from apps.rag.types import SearchMode

# A document, or one page of it.
Place = tuple[UUID, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A document that answers a question, by key or by name. `pages` empty: the document as a whole."""

    document_id: UUID | None = None
    filename: str = ""
    pages: tuple[int, ...] = ()
    relevance: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenFields:
    """A golden question as written or imported."""

    question: str
    expected: tuple[Expected, ...] = ()
    answer: str = ""
    is_unanswerable: bool = False
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """What is wrong with a line of an imported file, for people. Lines count from 1."""

    line: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a run tries; None leaves what the product does. `model_id`: who answers, None: the person's default."""

    mode: SearchMode = SearchMode.HYBRID
    rerank: bool | None = None
    dense_share: float | None = None
    candidates: int | None = None
    rerank_depth: int | None = None
    rerank_share: float | None = None
    model_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedReply:
    """A whole reply to a golden question. `cited`: the places behind its citations, one tuple for each citation.

    `support_share`: as Message.support_share. `is_unanswered`: it says that the documents do not tell.
    """

    text: str
    is_unanswered: bool
    cited: tuple[tuple[Place, ...], ...] = ()
    support_share: float | None = None
    took_ms: float = 0.0
    error_detail: str = ""


class Answerer(Protocol):
    """Asks the whole reply path once and leaves nothing behind for the person."""

    def __call__(
        self, *, user: User, workspace_id: UUID, question: str, collection_ids: Sequence[UUID], model_id: UUID | None
    ) -> JudgedReply:
        """Blocks until the reply has ended. In a worker or a command. Raises AppError where there is no model."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricComparison:
    """A metric of two runs over the questions that both have. `p_value` None: too few questions, or nothing differs.

    `won` and `lost`: on how many questions the second is better and worse.
    """

    name: str
    title: str
    first: float
    second: float
    question_count: int
    won: int
    lost: int
    p_value: float | None
    is_lower_better: bool = False
    is_share: bool = True

    @property
    def difference(self) -> float:
        return self.second - self.first

    @property
    def gain(self) -> float:
        """Positive where the second is better."""
        return -self.difference if self.is_lower_better else self.difference
