"""Before an index goes live: a worse one is refused, an equal one is not."""

import pytest
from django.urls import reverse

from apps.rag.evaluation.gate import switch_check
from apps.rag.models import EvaluationRun
from apps.rag.selectors import profile_live
from apps.rag.testing import fake_embedder
from apps.rag.tests.golden import MisledEmbedder, candidate_built, golden, judged_shelf, shelf


@pytest.fixture
def collection(ada, embedder):
    return judged_shelf(ada, name="Secret plans")


@pytest.fixture
def worse(collection):
    with fake_embedder(MisledEmbedder(), model="misled"):
        yield candidate_built("misled")


@pytest.fixture
def equal(collection):
    with fake_embedder(model="equal"):
        yield candidate_built("equal")


def test_a_worse_index_is_refused(worse, collection):
    (first, *_) = reasons = switch_check(profile=worse)
    assert any("nDCG@10 falls from 1.000 to" in reason for reason in reasons)
    assert str(collection.pk) in first
    # Who looks after indexes may not see the collection.
    assert "Secret plans" not in "".join(reasons)


def test_an_equal_index_is_not(equal):
    assert switch_check(profile=equal) == []
    assert EvaluationRun.objects.filter(purpose="switch", profile=equal, state="complete").count() == 1


def test_what_was_measured_a_moment_ago_is_taken_as_it_stands(equal, collection):
    switch_check(profile=equal)
    switch_check(profile=equal)
    assert EvaluationRun.objects.count() == 2
    golden(collection, "Who founded it?")
    switch_check(profile=equal)
    assert EvaluationRun.objects.count() == 4


def test_few_questions_decide_nothing(worse, collection):
    for question in collection.golden_questions.all()[:2]:
        question.delete()
    assert switch_check(profile=worse) == []
    assert not EvaluationRun.objects.exists()


def test_the_live_index_needs_no_check(collection):
    live = profile_live()
    assert live is not None
    assert switch_check(profile=live) == []


def test_a_collection_that_nobody_may_see_does_not_block(worse, collection, ada):
    ada.is_active = False
    ada.save()
    assert switch_check(profile=worse) == []


def test_both_can_be_compared_on_the_page(worse, collection, client_ada):
    switch_check(profile=worse)
    first, second = EvaluationRun.objects.order_by("pk")
    page = client_ada.get(
        reverse("rag:evaluation-compare", args=[collection.pk]), {"first": first.pk, "second": second.pk}
    ).content.decode()
    assert "The second is worse" in page
    assert "When does the canteen serve soup?" in page


def test_runs_of_another_collection_cannot_be_compared(equal, collection, client_ada, ada):
    switch_check(profile=equal)
    first, second = EvaluationRun.objects.order_by("pk")
    other = reverse("rag:evaluation-compare", args=[shelf(ada, name="Other").pk])
    assert client_ada.get(other, {"first": first.pk, "second": second.pk}).status_code == 404
    assert client_ada.get(other).status_code == 302
