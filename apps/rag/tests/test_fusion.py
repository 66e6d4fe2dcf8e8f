from uuid import UUID

import pytest

from apps.rag.fusion import best_first, ranks_fuse, scores_combine, scores_normalise

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def test_normalised_scores_go_from_0_to_1():
    assert scores_normalise({A: 2.0, B: 4.0, C: 3.0}) == {A: 0, B: 1, C: 0.5}
    assert scores_normalise({A: 2.0}) == {A: 1}
    assert scores_normalise({}) == {}


def test_combined_scores_weigh_meaning_more():
    assert scores_combine(dense={A: 0.9, B: 0.5}, lexical={B: 7.0, C: 1.0}) == pytest.approx({A: 0.65, B: 0.35, C: 0})


def test_best_first_breaks_ties_by_key():
    assert best_first({C: 1.0, A: 1.0, B: 2.0}) == [B, A, C]


def test_ranks_are_summed_reciprocally():
    assert ranks_fuse(rankings=[[A, B], [B]], offset=10) == pytest.approx({A: 1 / 11, B: 1 / 12 + 1 / 11})
