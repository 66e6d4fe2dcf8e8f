"""Measures and the significance test against values computed by hand."""

import math

import pytest

from apps.rag.evaluation import metrics
from apps.rag.evaluation.significance import paired_p_value


def test_recall_counts_relevant_keys_among_the_first():
    assert metrics.recall_at(["a", "x", "b", "y", "c"], {"a", "b", "c", "d"}, k=3) == 0.5
    assert metrics.recall_at(["a", "x", "b", "y", "c"], {"a", "b", "c", "d"}, k=5) == 0.75
    assert metrics.recall_at([], {"a"}, k=5) == 0


def test_ndcg_with_graded_relevance():
    # DCG = 3/log2(2) + 0 + 1/log2(4) = 3.5; ideal = 3/log2(2) + 2/log2(3) + 1/log2(4).
    ideal = 3 + 2 / math.log2(3) + 0.5
    assert metrics.ndcg_at(["a", "x", "c"], {"a": 3, "b": 2, "c": 1}, k=10) == pytest.approx(3.5 / ideal)


def test_ndcg_is_one_for_the_best_order_and_looks_no_further_than_k():
    assert metrics.ndcg_at(["b", "a"], {"a": 1, "b": 1}) == 1
    assert metrics.ndcg_at(["x", "y", "a"], {"a": 1}, k=2) == 0
    assert metrics.ndcg_at(["a"], {}) == 0


def test_a_key_found_again_neither_counts_nor_takes_a_place():
    assert metrics.ndcg_at(["a", "a", "b"], {"a": 1, "b": 1}) == 1


def test_reciprocal_rank():
    assert metrics.reciprocal_rank(["x", "y", "a", "b"], {"a", "b"}) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank(["x"], {"a"}) == 0


def test_a_passage_over_two_pages_hits_either():
    passages = [{("d", 1)}, {("d", 4), ("d", 5)}]
    assert metrics.hit_at(passages, {("d", 5)}, k=2) == 1
    assert metrics.hit_at(passages, {("d", 5)}, k=1) == 0


def test_citations():
    cited = [{("d", 1)}, {("d", 2)}, {("e", 1)}]
    assert metrics.citation_precision(cited, {("d", 1), ("d", 3)}) == pytest.approx(1 / 3)
    assert metrics.citation_recall(cited, {("d", 1), ("d", 3)}) == 0.5
    assert metrics.citation_precision([], {("d", 1)}) is None


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (1.0, 100), (0.01, 1)])
def test_percentiles_by_nearest_rank(share, expected):
    assert metrics.percentile(list(range(100, 0, -1)), share=share) == expected


def test_percentile_of_nothing():
    assert metrics.percentile([], share=0.5) is None


def test_means_count_only_who_has_the_metric():
    assert metrics.means([{"a": 1.0}, {"a": 0.0, "b": 0.5}]) == {"a": 0.5, "b": 0.5}


# Darwin's plants: crossed and self-fertilised heights in eighths of an inch, as Fisher tested them (1935). Of the 2^15
# assignments of signs 1,726 are as far out as the one seen.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_the_randomisation_test_finds_fishers_value():
    p_value = paired_p_value([0.0] * len(DARWIN), [float(value) for value in DARWIN])
    assert p_value == pytest.approx(1726 / 2**15, abs=0.006)


def test_the_test_is_exact_for_few_pairs():
    # All five better: only all signs + and all signs - are as far out, 2 of 32.
    assert paired_p_value([0, 0, 0, 0, 0], [1, 2, 3, 4, 5]) == 2 / 32
    assert paired_p_value([0, 0], [1, -1]) == 1


def test_pairs_that_do_not_differ_say_nothing():
    assert paired_p_value([0.5, 0.5, 1], [0.5, 0.5, 1]) is None
    assert paired_p_value([], []) is None


def test_the_same_results_give_the_same_value_and_order_does_not_matter():
    first = [0.1 * (number % 7) for number in range(40)]
    second = [0.1 * (number % 5) for number in range(40)]
    assert paired_p_value(first, second) == paired_p_value(first, second) == paired_p_value(second, first)


def test_a_clear_gain_over_many_questions_is_significant():
    assert paired_p_value([0.5] * 40, [0.6] * 40) < 0.001
