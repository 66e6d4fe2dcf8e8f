"""Search over what a person may see. Runs in workers: the query is embedded here. Pages ask through `rag.remote`."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from uuid import UUID

from django.conf import settings

from apps.accounts.models import User
from apps.llm.services import passages_rerank, texts_embed
from apps.rag.dense import DenseLeg
from apps.rag.fusion import best_first, ranks_fuse, scores_combine
from apps.rag.lexical import lexical_leg
from apps.rag.models import IndexProfile
from apps.rag.scope import Scope, scope_of
from apps.rag.selectors import passages_of, profile_live
from apps.rag.types import Passage, SearchMode, SearchQuery, SearchResult
from chatbot.lib.errors import AppError

logger = logging.getLogger(__name__)

# Each leg's best that take part in the fusion.
CANDIDATES = 100
# What the cross-encoder reads: about 20 ms a passage on two cores.
RERANK_DEPTH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Chunk ids with the fused score and the legs' own."""

    fused: Mapping[UUID, float]
    lexical: Mapping[UUID, float] = field(default_factory=dict)
    dense: Mapping[UUID, float] = field(default_factory=dict)


def search(*, user: User, query: SearchQuery) -> SearchResult:
    """The passages that answer the query best, of current versions of documents that the user may see.

    Without an embedder a hybrid search becomes a keyword search; a semantic one raises its AppError. At most eight
    queries, none while a model works.
    """
    started = perf_counter()
    passages = _passages(user, replace(query, text=query.text.replace("\x00", " ").strip()))
    return SearchResult(passages=passages, took_ms=(perf_counter() - started) * 1000)


def _passages(user: User, query: SearchQuery) -> tuple[Passage, ...]:
    profile = profile_live()
    scope = scope_of(user=user, query=query)
    if profile is None or scope is None or not query.text or query.limit < 1:
        return ()
    found = _found(profile, scope, query)
    is_reranked = settings.RERANK_ENABLED if query.rerank is None else query.rerank
    order = best_first(found.fused)[: max(query.limit, RERANK_DEPTH if is_reranked else 0)]
    rows = passages_of(user=user, chunk_ids=order)
    passages = [
        replace(
            rows[chunk_id],
            score=found.fused[chunk_id],
            bm25=found.lexical.get(chunk_id),
            dense=found.dense.get(chunk_id),
        )
        for chunk_id in order
        if chunk_id in rows
    ]
    if is_reranked:
        passages = _reranked(query.text, passages)
    return tuple(passages[: query.limit])


def _found(profile: IndexProfile, scope: Scope, query: SearchQuery) -> _Found:
    limit = max(CANDIDATES, query.limit)
    vector = None if query.mode is SearchMode.KEYWORD else _query_vector(profile, query)
    if vector is None:
        lexical = lexical_leg(profile_id=profile.pk, scope=scope, text=query.text).best(limit)
        return _Found(fused=lexical, lexical=lexical)
    by_meaning = DenseLeg(profile=profile, scope=scope, vector=vector)
    dense = by_meaning.best(limit)
    if query.mode is SearchMode.SEMANTIC:
        return _Found(fused=dense, dense=dense)
    by_words = lexical_leg(profile_id=profile.pk, scope=scope, text=query.text)
    lexical = by_words.best(limit)
    # What only one leg found gets the other's score too, so that both are compared over the same passages.
    if only_dense := list(dense.keys() - lexical.keys()):
        lexical |= by_words.scores(only_dense)
    if only_lexical := list(lexical.keys() - dense.keys()):
        dense |= by_meaning.scores(only_lexical)
    return _Found(fused=scores_combine(dense=dense, lexical=lexical), lexical=lexical, dense=dense)


def _query_vector(profile: IndexProfile, query: SearchQuery) -> Sequence[float] | None:
    """None where there is no embedder and the query can do without."""
    try:
        return texts_embed(texts=[profile.query_prefix + query.text], model=profile.embedder)[0]
    except AppError as error:
        if query.mode is SearchMode.SEMANTIC:
            raise
        logger.warning(
            "No embedder; searching by keywords only", extra={"action": "search_degraded", "code": error.code}
        )
        return None


def _reranked(text: str, passages: list[Passage]) -> list[Passage]:
    """The first RERANK_DEPTH by the sum of both orders' reciprocal ranks, then the rest as it was."""
    head = passages[:RERANK_DEPTH]
    try:
        logits = passages_rerank(query=text, passages=[passage.text for passage in head], model=settings.RERANKER_MODEL)
    except AppError as error:
        logger.warning("No reranker", extra={"action": "rerank_skipped", "code": error.code})
        return passages
    by_logit = dict(zip((passage.chunk_id for passage in head), logits, strict=True))
    fused = ranks_fuse(rankings=[[passage.chunk_id for passage in passages], best_first(by_logit)])
    by_id = {passage.chunk_id: passage for passage in passages}
    return [
        replace(by_id[chunk_id], score=fused[chunk_id], rerank=by_logit.get(chunk_id)) for chunk_id in best_first(fused)
    ]
