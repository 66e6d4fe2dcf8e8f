"""Merge the scores that legs and models gave. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

# Share of the dense leg. On Cranfield, CISI and SQuAD paragraphs .6 to .7 are within .005 of each other, .65 is best.
DENSE_SHARE = 0.65


def scores_normalise(scores: Mapping[UUID, float]) -> dict[UUID, float]:
    """The lowest becomes 0, the highest 1; all 1 where they are equal."""
    if not scores:
        return {}
    lowest, highest = min(scores.values()), max(scores.values())
    span = highest - lowest
    return {key: (score - lowest) / span if span else 1.0 for key, score in scores.items()}


def scores_combine(
    *, dense: Mapping[UUID, float], lexical: Mapping[UUID, float], dense_share: float = DENSE_SHARE
) -> dict[UUID, float]:
    """Convex combination of the normalised scores, 0 to 1; a missing score counts as the lowest."""
    return scores_blend(scores_normalise(lexical), scores_normalise(dense), share=dense_share)


def scores_blend(first: Mapping[UUID, float], second: Mapping[UUID, float], *, share: float) -> dict[UUID, float]:
    """Of each key's two scores the second for `share`, the first for the rest; a missing one counts 0."""
    return {
        key: (1 - share) * first.get(key, 0.0) + share * second.get(key, 0.0) for key in first.keys() | second.keys()
    }


def scores_mean(parts: Sequence[Mapping[UUID, float]]) -> dict[UUID, float]:
    """The mean over all parts; a missing score counts 0."""
    keys = {key for part in parts for key in part}
    return {key: sum(part.get(key, 0.0) for part in parts) / len(parts) for key in keys}


def best_first(scores: Mapping[UUID, float]) -> list[UUID]:
    """Keys by falling score, ties by key."""
    return sorted(scores, key=lambda key: (-scores[key], key))
