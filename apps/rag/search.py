"""Search over what a person may see. Runs in workers: the query is embedded here. Pages ask through `rag.remote`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from apps.accounts.models import User
from apps.rag.candidates import Candidates, candidates_find
from apps.rag.copies import copies_collapse
from apps.rag.evidence import evidence_weigh
from apps.rag.features import Features, features_of
from apps.rag.fusion import best_first, scores_blend, scores_normalise
from apps.rag.places import places_weigh
from apps.rag.questions.measures import measures_spelled_out
from apps.rag.reranking import (
    RERANK_DEPTH,
    RERANK_SHARE,
    distinctions_of,
    likes_lifted,
    logits_read,
    rerank_wanted,
)
from apps.rag.scope import scope_of
from apps.rag.selectors import passages_of, profile_searched, profile_stands
from apps.rag.smoothing import scores_smooth
from apps.rag.stopwatch import Stopwatch
from apps.rag.types import LegTrace, Passage, SearchQuery, SearchResult

# Of the fused order so many are compared with each other.
SMOOTHED = 60
# So many more than asked for are fetched, for those that turn out to be copies of others.
COPIES_SPARE = 10


def search(*, user: User, query: SearchQuery) -> SearchResult:
    """The passages that answer the query best, of current versions of documents that the user may see.

    Without an embedder a hybrid search becomes a keyword search; a semantic one raises its AppError. Nearly equal
    passages of several documents come once. At most sixteen queries, one more where a place is named, six more for
    each further formulation, and those of the models' ledger; none while a model works. All of it anew where the index
    was dropped meanwhile.
    """
    watch = Stopwatch()
    query = replace(query, text=_clean(query.text), formulations=tuple(filter(None, map(_clean, query.formulations))))
    while True:
        result = _search(user, query, watch)
        # Asked after the last read: from here on its passages may be gone. Each round needs another switch in between.
        if query.tuning.profile_id or not result.profile_id or profile_stands(profile_id=result.profile_id):
            return result


def _search(user: User, query: SearchQuery, watch: Stopwatch) -> SearchResult:
    profile = profile_searched(profile_id=query.tuning.profile_id)
    scope = scope_of(user=user, query=query)
    if profile is None or scope is None or not query.text or query.limit < 1:
        return SearchResult(passages=(), took_ms=watch.total_ms)
    spelled_out = tuple(map(measures_spelled_out, (query.text, *query.formulations)))
    to_find = replace(query, text=spelled_out[0], formulations=spelled_out[1:])
    found = candidates_find(profile=profile, scope=scope, query=to_find, watch=watch)
    if found.is_fused:
        with watch.step("fused"):
            fused = evidence_weigh(text=query.text, scores=found.fused)
            fused = places_weigh(text=query.text, scores=fused, may_add=not scope.phrases)
            found = replace(found, fused=fused)
    passages, legs = _ranked(user, query, found, watch)
    return SearchResult(
        passages=tuple(passages), took_ms=watch.total_ms, timings=watch.timings, profile_id=profile.pk, legs=legs
    )


def _clean(text: str) -> str:
    return text.replace("\x00", " ").strip()


def _ranked(
    user: User, query: SearchQuery, found: Candidates, watch: Stopwatch
) -> tuple[list[Passage], tuple[LegTrace, ...]]:
    depth = (query.tuning.rerank_depth or RERANK_DEPTH) if rerank_wanted(query) else 0
    count = max(query.limit, depth) + COPIES_SPARE
    with watch.step("fused"):
        features = features_of(best_first(found.fused)[: max(SMOOTHED, count)])
        scores = _smoothed(found, features)
        if depth and not found.is_fused:
            scores = scores_normalise(scores)
    order = best_first(scores)[:count]
    with watch.step("passages"):
        rows = _rows(user, query, found, order)
    fused = copies_collapse([_scored(rows[key], scores[key]) for key in order if key in rows], features.likeness)
    reranked = fused
    if depth:
        with watch.step("reranked"):
            reranked = _reranked(query, found, features, fused, depth)
    legs = tuple(_legs(query, found, rows, fused, reranked if depth else [], watch)) if query.is_traced else ()
    return reranked[: query.limit], legs


def _smoothed(found: Candidates, features: Features) -> dict[UUID, float]:
    """Scores of one leg alone stay what they are, and those within one document, where all passages are akin."""
    head = best_first(found.fused)[:SMOOTHED]
    if not found.is_fused or len({features.versions[key] for key in head if key in features.versions}) < 2:
        return found.fused
    smoothed = scores_smooth(
        scores={key: found.fused[key] for key in head}, vectors=features.vectors, words=features.words
    )
    return found.fused | smoothed


def _rows(user: User, query: SearchQuery, found: Candidates, order: Sequence[UUID]) -> dict[UUID, Passage]:
    """The passages to show, with the legs' scores; what the user may no longer see is missing."""
    wanted = set(order)
    if query.is_traced:
        wanted.update(best_first(found.lexical)[: query.limit], best_first(found.dense)[: query.limit])
    return {
        key: replace(passage, bm25=found.lexical.get(key), dense=found.dense.get(key))
        for key, passage in passages_of(user=user, chunk_ids=list(wanted)).items()
    }


def _scored(passage: Passage, score: float) -> Passage:
    return replace(passage, score=score)


def _reranked(
    query: SearchQuery, found: Candidates, features: Features, passages: Sequence[Passage], depth: int
) -> list[Passage]:
    """Ordered by a convex combination of score and how much the cross-encoder prefers the passage to the others.

    It speaks before neighbours speak for each other, so that these repeat what it says: on topical sets one passage
    that it likes is often wrong, several that resemble each other seldom are. With a share of 0 nothing changes.
    """
    logits = logits_read(text=query.text, passages=passages[:depth])
    if not logits:
        return list(passages)
    distinctions = distinctions_of(logits)
    share = RERANK_SHARE if query.tuning.rerank_share is None else query.tuning.rerank_share
    before = found.fused if found.is_fused else scores_normalise(found.fused)
    blended = scores_blend(before, distinctions, share=share * max(distinctions.values()))
    smoothed = _smoothed(replace(found, fused=blended), features)
    by_id = {passage.chunk_id: passage for passage in passages}
    scores = {key: smoothed[key] for key in by_id}
    if share:
        scores = likes_lifted(scores=scores, logits=logits, passages=passages)
    return [replace(by_id[key], score=scores[key], rerank=logits.get(key)) for key in best_first(scores)]


def _legs(
    query: SearchQuery,
    found: Candidates,
    rows: Mapping[UUID, Passage],
    fused: Sequence[Passage],
    reranked: Sequence[Passage],
    watch: Stopwatch,
) -> Iterator[LegTrace]:
    """What each step brought, as far as it would be shown; steps that took no part are left out."""
    for name, scores in (("lexical", found.lexical), ("dense", found.dense)):
        first = (key for key in best_first(scores)[: query.limit] if key in rows and scores[key] > 0)
        best = [_scored(rows[key], scores[key]) for key in first]
        if scores:
            yield LegTrace(name=name, took_ms=watch.timings[name], passages=tuple(best))
    for name, passages in (("fused", fused), ("reranked", reranked)):
        if passages:
            yield LegTrace(name=name, took_ms=watch.timings[name], passages=tuple(passages[: query.limit]))
