"""What the legs find: passages that may answer the question, each with every leg's score."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

from apps.llm.beside import computed_beside
from apps.rag.dense import DenseLeg
from apps.rag.fusion import DENSE_SHARE, scores_combine, scores_mean
from apps.rag.lexical import lexical_leg
from apps.rag.models import IndexProfile
from apps.rag.profiles.embedding import texts_embed_for
from apps.rag.scope import Scope
from apps.rag.stopwatch import Stopwatch
from apps.rag.types import SearchMode, SearchQuery
from chatbot.lib.errors import AppError

logger = logging.getLogger(__name__)

# Each leg's best that take part in the fusion.
CANDIDATES = 100
# Of the dense leg where it walks the graph: each visible passage costs a walk over those that are not.
WALKED = 50

Scores = dict[UUID, float]


class _Leg(Protocol):
    def best(self, limit: int) -> Scores: ...

    def scores(self, chunk_ids: Sequence[UUID]) -> Scores: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """By chunk id. `fused`: what to order by. `lexical`, `dense`: the legs' own scores for the question as asked.

    Where both legs took part `fused` goes from 0 to 1, else it is the one leg's score.
    """

    fused: Scores
    lexical: Scores = field(default_factory=dict)
    dense: Scores = field(default_factory=dict)

    @property
    def is_fused(self) -> bool:
        return bool(self.dense) and bool(self.lexical)


def candidates_find(*, profile: IndexProfile, scope: Scope, query: SearchQuery, watch: Stopwatch) -> Candidates:
    """Each leg's best for the question and its other formulations, over all of which each leg's scores are compared.

    Two queries a leg and formulation, one more for the words of each. The embedder works beside the leg of words.
    Without an embedder a hybrid search becomes a keyword search; a semantic one raises its AppError.
    """
    texts = (query.text, *query.formulations)
    limit = max(query.tuning.candidates or CANDIDATES, query.limit)
    with computed_beside(partial(_query_vectors, profile, query, texts, watch)) as vectors_of:
        with watch.step("lexical"):
            worded = () if query.mode is SearchMode.SEMANTIC else texts
            by_words = [lexical_leg(profile_id=profile.pk, scope=scope, text=text) for text in worded]
            lexical = [leg.best(limit) for leg in by_words]
        vectors = vectors_of()
    with watch.step("dense"):
        by_meaning = [DenseLeg(profile=profile, scope=scope, vector=vector) for vector in vectors]
        dense = [leg.best(limit if leg.is_exact else max(query.limit, min(limit, WALKED))) for leg in by_meaning]
    # What another leg or formulation found is scored too, so that all are compared over the same passages.
    found = {chunk_id for scores in (*lexical, *dense) for chunk_id in scores}
    lexical = _completed(by_words, lexical, found, watch.step("lexical"))
    dense = _completed(by_meaning, dense, found, watch.step("dense"))
    return Candidates(
        fused=_fused(lexical, dense, query.tuning.dense_share),
        lexical=lexical[0] if lexical else {},
        dense=dense[0] if dense else {},
    )


def _completed(
    legs: Sequence[_Leg], found: list[Scores], wanted: set[UUID], step: AbstractContextManager[None]
) -> list[Scores]:
    with step:
        return [
            scores | leg.scores(missing) if (missing := list(wanted - scores.keys())) else scores
            for leg, scores in zip(legs, found, strict=True)
        ]


def _fused(lexical: Sequence[Scores], dense: Sequence[Scores], dense_share: float | None) -> Scores:
    if not lexical or not dense:
        return scores_mean(lexical or dense)
    share = DENSE_SHARE if dense_share is None else dense_share
    return scores_mean(
        [
            scores_combine(dense=meaning, lexical=words, dense_share=share)
            for words, meaning in zip(lexical, dense, strict=True)
        ]
    )


def _query_vectors(
    profile: IndexProfile, query: SearchQuery, texts: Sequence[str], watch: Stopwatch
) -> Sequence[Sequence[float]]:
    """Empty where the query can do without, and must because there is no embedder. Does not use the database."""
    if query.mode is SearchMode.KEYWORD:
        return ()
    try:
        with watch.step("embed"):
            return texts_embed_for(profile, texts, is_query=True)
    except AppError as error:
        if query.mode is SearchMode.SEMANTIC:
            raise
        logger.warning(
            "No embedder; searching by keywords only", extra={"action": "search_degraded", "code": error.code}
        )
        return ()
