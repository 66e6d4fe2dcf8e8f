"""Passages that resemble each other speak for each other: scores smoothed over nearest neighbours. Pure.

A passage that answers a broad question seldom stands alone, while one that a leg brought by a chance of wording does.
Source: Diaz, "Regularizing ad hoc retrieval scores", CIKM 2005.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[numpy.float32]
    # Dimensions and their values.
    Words: TypeAlias = tuple[NDArray[numpy.int32], Floats]

# Neighbours of a passage that are asked, and their part in its score.
NEIGHBOURS = 5
NEIGHBOURS_SHARE = 0.4
# Share of the common words in how much two passages resemble each other; the rest is the cosine of their vectors.
WORDS_SHARE = 0.2
# From this resemblance on, passages have something to do with each other.
RESEMBLANCE_MINIMUM = 0.4


def scores_smooth(
    *,
    scores: Mapping[UUID, float],
    vectors: Mapping[UUID, "Floats"],
    words: Mapping[UUID, "Words"],
    share: float = NEIGHBOURS_SHARE,
) -> dict[UUID, float]:
    """Each score, and for `share` of it instead the mean of its nearest neighbours', weighed by their resemblance.

    `vectors`: unit vectors of one length. `words`: the passages' BM25 weights. A passage that lacks either, or has no
    neighbour, keeps its score. The range of the scores stays: 0 to 1 gives 0 to 1.
    """
    import numpy

    known = [key for key in scores if key in vectors and key in words]
    if len(known) < 2:
        return dict(scores)
    weights = _weights(_resemblance([vectors[key] for key in known], [words[key] for key in known]))
    own = numpy.array([scores[key] for key in known])
    totals = weights.sum(axis=1)
    around = numpy.where(totals > 0, weights @ own / numpy.where(totals > 0, totals, 1.0), own)
    smoothed = (1 - share) * own + share * around
    return {**scores, **dict(zip(known, smoothed.tolist(), strict=True))}


def _resemblance(vectors: Sequence["Floats"], words: Sequence["Words"]) -> "NDArray[Any]":
    import numpy

    return (1 - WORDS_SHARE) * _products(numpy.stack(vectors)) + WORDS_SHARE * _products(_word_vectors(words))


def _products(rows: "NDArray[Any]") -> "NDArray[Any]":
    """Each row times each other. Not by matrix multiplication, whose threads wait for each other on a busy machine."""
    import numpy

    products: NDArray[Any] = numpy.einsum("ik,jk->ij", rows, rows)
    return products


def _word_vectors(words: Sequence["Words"]) -> "NDArray[Any]":
    """Unit vectors of BM25 weights times inverse document frequency among these passages.

    Without the words that only one of them has: these make no two alike.
    """
    import numpy

    dimensions, places = numpy.unique(numpy.concatenate([pair[0] for pair in words]), return_inverse=True)
    rows = numpy.repeat(numpy.arange(len(words)), [len(pair[0]) for pair in words])
    matrix = numpy.zeros((len(words), len(dimensions)), dtype="f4")
    matrix[rows, places] = numpy.concatenate([pair[1] for pair in words])
    frequencies = numpy.count_nonzero(matrix, axis=0)
    matrix *= numpy.log(1 + (len(words) - frequencies + 0.5) / (frequencies + 0.5)).astype("f4")
    lengths = numpy.sqrt((matrix * matrix).sum(axis=1, keepdims=True))
    return matrix[:, frequencies > 1] / numpy.where(lengths > 0, lengths, 1.0)


def _weights(resemblance: "NDArray[Any]") -> "NDArray[Any]":
    """Per row the resemblance beyond the minimum to its NEIGHBOURS nearest, 0 elsewhere."""
    import numpy

    numpy.fill_diagonal(resemblance, -1.0)
    count = min(NEIGHBOURS, len(resemblance) - 1)
    rows = numpy.arange(len(resemblance))[:, None]
    nearest = numpy.argpartition(-resemblance, count - 1, axis=1)[:, :count]
    weights = numpy.zeros_like(resemblance)
    weights[rows, nearest] = numpy.maximum(resemblance[rows, nearest] - RESEMBLANCE_MINIMUM, 0.0)
    return weights
