import math
from uuid import UUID

import numpy
import pytest

from apps.rag.smoothing import WORDS_SHARE, scores_smooth

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def vector(degrees: float) -> numpy.ndarray:
    return numpy.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], dtype="f4")


def words(*dimensions: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    return numpy.array(dimensions, dtype="i4"), numpy.full(len(dimensions), 0.5, dtype="f4")


def test_neighbours_speak_for_each_other_and_a_lonely_passage_for_itself():
    smoothed = scores_smooth(
        scores={A: 1.0, B: 0.5, C: 0.8},
        vectors={A: vector(0), B: vector(10), C: vector(90)},
        words={A: words(1), B: words(2), C: words(3)},
        share=0.4,
    )

    assert smoothed == pytest.approx({A: 0.6 + 0.4 * 0.5, B: 0.6 * 0.5 + 0.4, C: 0.8})


def test_nearer_neighbours_count_more():
    smoothed = scores_smooth(
        scores={A: 0.0, B: 1.0, C: 0.0},
        vectors={A: vector(0), B: vector(30), C: vector(15)},
        words={A: words(1), B: words(2), C: words(3)},
        share=1.0,
    )

    far, near = ((1 - WORDS_SHARE) * math.cos(math.radians(degrees)) - 0.4 for degrees in (30, 15))
    assert smoothed[A] == pytest.approx(far / (far + near), rel=1e-4)
    assert smoothed[C] == pytest.approx(0.5)


def test_words_in_common_make_neighbours_nearer():
    vectors = {A: vector(0), B: vector(20), C: vector(-20)}
    scores = {A: 0.5, B: 1.0, C: 0.0}

    apart = scores_smooth(scores=scores, vectors=vectors, words={A: words(1), B: words(2), C: words(3)})
    common = scores_smooth(scores=scores, vectors=vectors, words={A: words(1, 4), B: words(1, 5), C: words(3)})
    assert apart[A] == pytest.approx(0.5)
    assert common[A] > 0.5


def test_passages_without_vector_keep_their_score():
    known = {A: words(1), B: words(1)}
    assert scores_smooth(scores={A: 1.0, B: 0.5}, vectors={A: vector(0)}, words=known) == {A: 1.0, B: 0.5}
    assert scores_smooth(scores={}, vectors={}, words={}) == {}
