from uuid import UUID

import pytest

from apps.rag.fusion import best_first, scores_blend, scores_combine, scores_mean, scores_normalise

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def test_normalised_scores_go_from_0_to_1():
    assert scores_normalise({A: 2.0, B: 4.0, C: 3.0}) == {A: 0, B: 1, C: 0.5}
    assert scores_normalise({A: 2.0}) == {A: 1}
    assert scores_normalise({}) == {}


def test_combined_scores_weigh_meaning_more():
    dense, lexical = {A: 0.9, B: 0.5}, {B: 7.0, C: 1.0}

    assert scores_combine(dense=dense, lexical=lexical) == pytest.approx({A: 0.65, B: 0.35, C: 0})
    assert scores_combine(dense=dense, lexical=lexical, dense_share=0.2) == pytest.approx({A: 0.2, B: 0.8, C: 0})


def test_blended_scores_count_a_missing_one_as_0():
    assert scores_blend({A: 1.0, B: 0.5}, {B: 1.0, C: 1.0}, share=0.4) == pytest.approx({A: 0.6, B: 0.7, C: 0.4})


def test_formulations_count_alike():
    assert scores_mean([{A: 1.0, B: 0.5}, {B: 1.0}]) == {A: 0.5, B: 0.75}


def test_best_first_breaks_ties_by_key():
    assert best_first({C: 1.0, A: 1.0, B: 2.0}) == [B, A, C]
