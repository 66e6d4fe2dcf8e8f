"""Measures of ranking, citing and abstaining. Pure: over keys, which are documents or (document, page) pairs."""

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`is_share`: between 0 and 1. Others are milliseconds."""

    name: str
    title: str
    is_share: bool = True
    is_lower_better: bool = False


# In the order of tables. Those of answers stand only in runs that ask a model.
METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="ndcg_10", title="nDCG@10"),
        Metric(name="mrr", title="Reciprocal rank"),
        Metric(name="recall_5", title="Recall@5"),
        Metric(name="recall_20", title="Recall@20"),
        Metric(name="page_hit_5", title="Page hit@5"),
        Metric(name="page_hit_20", title="Page hit@20"),
        Metric(name="citation_precision", title="Citation precision"),
        Metric(name="citation_recall", title="Citation recall"),
        Metric(name="support", title="Supported sentences"),
        Metric(name="answer_overlap", title="Words of the expected answer"),
        Metric(name="abstained_right", title="Rightly said to be missing"),
        Metric(name="abstained_wrong", title="Wrongly said to be missing", is_lower_better=True),
        Metric(name="took_ms", title="Search time", is_share=False, is_lower_better=True),
        Metric(name="answer_ms", title="Reply time", is_share=False, is_lower_better=True),
    )
}


def distinct(keys: Iterable[KeyT]) -> list[KeyT]:
    """Each key at its first place."""
    return list(dict.fromkeys(keys))


def recall_at(ranking: Sequence[KeyT], relevant: Collection[KeyT], *, k: int) -> float:
    """Share of the relevant keys among the first `k`. `relevant` is not empty."""
    return len(set(ranking[:k]) & set(relevant)) / len(set(relevant))


def ndcg_at(ranking: Sequence[KeyT], relevance: Mapping[KeyT, float], *, k: int = 10) -> float:
    """Discounted gain over the first `k` as a share of the best order's; gain = relevance, discount = log2(rank + 1).

    Each key counts at its first place. 0 where nothing is relevant. Source: Järvelin & Kekäläinen, TOIS 2002.
    """
    ideal = _discounted(sorted((gain for gain in relevance.values() if gain > 0), reverse=True)[:k])
    found = _discounted([relevance.get(key, 0.0) for key in distinct(ranking)[:k]])
    return found / ideal if ideal else 0.0


def reciprocal_rank(ranking: Sequence[KeyT], relevant: Collection[KeyT]) -> float:
    """1 / rank of the first relevant key, 0 where there is none."""
    wanted = set(relevant)
    return next((1 / rank for rank, key in enumerate(ranking, start=1) if key in wanted), 0.0)


def hit_at(passages: Sequence[Collection[KeyT]], relevant: Collection[KeyT], *, k: int) -> float:
    """1 if any of the first `k` passages covers a relevant key, else 0. A passage may span several pages."""
    wanted = set(relevant)
    return float(any(wanted & set(covered) for covered in passages[:k]))


def citation_precision(cited: Sequence[Collection[KeyT]], relevant: Collection[KeyT]) -> float | None:
    """Share of the citations that point to something relevant; None without citations."""
    if not cited:
        return None
    wanted = set(relevant)
    return sum(bool(wanted & set(covered)) for covered in cited) / len(cited)


def citation_recall(cited: Sequence[Collection[KeyT]], relevant: Collection[KeyT]) -> float:
    """Share of the relevant keys that some citation points to. `relevant` is not empty."""
    pointed = {key for covered in cited for key in covered}
    return len(pointed & set(relevant)) / len(set(relevant))


def percentile(values: Sequence[float], *, share: float) -> float | None:
    """Nearest rank: the smallest value that at least `share` of all do not exceed. None for no values."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def means(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Each metric's mean over the questions that have it."""
    sums: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            sums.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in sums.items()}


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
