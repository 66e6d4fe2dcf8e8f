"""Merge the orders that the legs found. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

# Share of the dense leg. On Cranfield, CISI and SQuAD paragraphs .6 to .7 are within .005 of each other, .65 is best.
DENSE_SHARE = 0.65
# Rank fusion: 10 serves small pools better than the customary 60.
RANK_OFFSET = 10


def scores_normalise(scores: Mapping[UUID, float]) -> dict[UUID, float]:
    """The lowest becomes 0, the highest 1; all 1 where they are equal."""
    if not scores:
        return {}
    lowest, highest = min(scores.values()), max(scores.values())
    span = highest - lowest
    return {key: (score - lowest) / span if span else 1.0 for key, score in scores.items()}


def scores_combine(*, dense: Mapping[UUID, float], lexical: Mapping[UUID, float]) -> dict[UUID, float]:
    """Convex combination of the normalised scores, 0 to 1; a missing score counts as the lowest."""
    dense_shares, lexical_shares = scores_normalise(dense), scores_normalise(lexical)
    return {
        key: DENSE_SHARE * dense_shares.get(key, 0.0) + (1 - DENSE_SHARE) * lexical_shares.get(key, 0.0)
        for key in dense_shares.keys() | lexical_shares.keys()
    }


def best_first(scores: Mapping[UUID, float]) -> list[UUID]:
    """Keys by falling score, ties by key."""
    return sorted(scores, key=lambda key: (-scores[key], key))


def ranks_fuse(*, rankings: Sequence[Sequence[UUID]], offset: int = RANK_OFFSET) -> dict[UUID, float]:
    """Merge rankings by reciprocal rank: score(d) = sum over rankings of 1 / (offset + rank).

    `rankings`: keys, best first, rank from 1; a key may be missing from some. Source: Cormack et al., SIGIR 2009.
    """
    scores: dict[UUID, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (offset + rank)
    return scores
