"""Vectors as the index wants them, whatever a model gave."""

import math
from collections.abc import Sequence

from apps.llm.exceptions import ProviderError


def vectors_fit(vectors: Sequence[Sequence[float]], *, count: int, dimensions: int | None = None) -> list[list[float]]:
    """The first `dimensions` numbers of each vector, to length 1. None: all of them.

    Cutting is for models that were trained to put what matters most first (Matryoshka); of others it loses much.
    Raises ProviderError if there are not `count` vectors, if one is shorter than asked for, or holds no number.
    """
    if len(vectors) != count:
        raise ProviderError("answer_invalid")
    return [_fitted(vector, dimensions or len(vector)) for vector in vectors]


def _fitted(vector: Sequence[float], dimensions: int) -> list[float]:
    if not vector or len(vector) < dimensions:
        raise ProviderError("answer_invalid")
    kept = [float(value) for value in vector[:dimensions]]
    norm = math.sqrt(sum(value * value for value in kept))
    if not math.isfinite(norm):
        raise ProviderError("answer_invalid")
    # A text without words may have no direction; nothing is near to it then.
    return [value / norm for value in kept] if norm else kept
