"""Formulations, tuning, traces and copies: what a search can be asked beside its text."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.documents.models import Collection
from apps.rag.models import IndexProfile
from apps.rag.search import search
from apps.rag.testing import fake_reranker
from apps.rag.tests.factories import indexed, sentences
from apps.rag.types import SearchMode, SearchQuery, SearchTuning
from chatbot.lib.errors import NotFoundError

pytestmark = pytest.mark.django_db
MODES = list(SearchMode)


def result(user, text: str = "turbine", **query):
    return search(user=user, query=SearchQuery(text=text, **query))


@pytest.mark.parametrize("mode", MODES)
def test_other_formulations_are_searched_too(ada, cleo, embedder, mode):
    indexed(ada, "turbine wing")
    indexed(ada, "propeller")
    indexed(cleo, "propeller of cleo")

    tuning = SearchTuning(candidates=1)
    alone = result(ada, "wing", mode=mode, limit=1, tuning=tuning).passages
    both = result(ada, "wing", mode=mode, formulations=("propeller", " "), tuning=tuning, limit=2).passages
    assert [passage.text for passage in alone] == ["turbine wing"]
    assert {passage.text for passage in both} == {"turbine wing", "propeller"}
    # The legs' scores are those of the question as asked.
    [other] = [passage for passage in both if passage.text == "propeller"]
    assert (other.bm25 or 0, other.dense or 0) == pytest.approx((0, 0), abs=0.01)


def test_share_of_the_dense_leg_can_be_tried_out(ada, embedder):
    indexed(ada, "turbine " * 3 + sentences(4, topic="wing"))
    indexed(ada, "turbine blade")
    indexed(ada, "heat")

    by_words = result(ada, tuning=SearchTuning(dense_share=0.0)).passages
    by_meaning = result(ada, tuning=SearchTuning(dense_share=1.0)).passages
    assert by_words[0].bm25 == max(passage.bm25 for passage in by_words)
    assert by_meaning[0].dense == max(passage.dense for passage in by_meaning)


def test_another_profile_can_be_searched_and_an_unknown_one_is_not_found(ada, embedder):
    indexed(ada, "turbine")
    live = IndexProfile.objects.get(state="live")
    beside = IndexProfile.objects.create(embedder=live.embedder, dimensions=384, chunker_version=1, state="ready")

    assert result(ada).profile_id == live.pk
    assert result(ada).passages
    tried = result(ada, tuning=SearchTuning(profile_id=beside.pk))
    assert (tried.passages, tried.profile_id) == ((), beside.pk)
    with pytest.raises(NotFoundError):
        result(ada, tuning=SearchTuning(profile_id=uuid4()))


def test_a_trace_shows_each_leg_of_what_the_person_may_see(ada, cleo, embedder):
    for number in range(4):
        indexed(ada, f"turbine {sentences(1, topic=str(number))}")
        indexed(cleo, f"turbine {sentences(1, topic=str(number))}")
    indexed(ada, "heat")

    with fake_reranker():
        traced = result(ada, is_traced=True, rerank=True, limit=3)
        plain = result(ada, rerank=True, limit=3)
    assert traced.passages == plain.passages
    assert plain.legs == ()
    legs = {leg.name: leg for leg in traced.legs}
    assert list(legs) == ["lexical", "dense", "fused", "reranked"]
    assert legs["reranked"].passages == traced.passages
    for leg in legs.values():
        scores = [passage.score for passage in leg.passages]
        assert 0 < len(scores) <= 3
        assert scores == sorted(scores, reverse=True)
        assert leg.took_ms > 0
    assert [passage.score for passage in legs["lexical"].passages] == [p.bm25 for p in legs["lexical"].passages]
    assert [passage.score for passage in legs["dense"].passages] == [p.dense for p in legs["dense"].passages]
    mine = {passage.document_id for passage in result(ada, limit=100).passages}
    assert {passage.document_id for leg in legs.values() for passage in leg.passages} <= mine


def test_steps_are_timed(ada, embedder):
    indexed(ada, "turbine")

    hybrid = result(ada)
    assert set(hybrid.timings) == {"embed", "lexical", "dense", "fused", "passages"}
    assert 0 < sum(hybrid.timings.values()) <= hybrid.took_ms
    with fake_reranker():
        assert "reranked" in result(ada, rerank=True).timings
    keyword = result(ada, mode=SearchMode.KEYWORD, is_traced=True)
    assert "embed" not in keyword.timings
    assert [leg.name for leg in keyword.legs] == ["lexical", "fused"]


@pytest.mark.parametrize("mode", MODES)
def test_nearly_equal_passages_come_once_with_the_other_names(ada, cleo, workspace, embedder, mode):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="Shelf", visibility="private")
    text = f"turbine {sentences(3)}"
    indexed(ada, text, filename="first.txt")
    indexed(ada, text, filename="second.txt", collection=shelf)
    indexed(cleo, text, filename="hidden.txt")
    indexed(ada, "turbine alone", filename="third.txt")

    found = result(ada, mode=mode).passages
    assert len(found) == 2
    [twin] = [passage for passage in found if passage.copies]
    assert {twin.filename, *twin.copies} == {"first.txt", "second.txt"}
    # Within one document there is nothing to leave out.
    assert not any(passage.copies for passage in result(ada, mode=mode, collection_ids=[shelf.pk]).passages)


def test_a_passage_tells_its_version(ada, embedder):
    version = indexed(ada, "turbine")
    assert result(ada).passages[0].version_number == version.number


@pytest.mark.parametrize(("formulations", "count"), [((), 13), (("wing", "heat"), 25)])
def test_number_of_queries_is_bounded(ada, workspace, embedder, formulations, count):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="Shelf", visibility="private")
    for number in range(12):
        indexed(ada, f"turbine {number} wing", collection=shelf)
        indexed(ada, f"heat {number} {sentences(2)}", collection=shelf)

    with CaptureQueriesContext(connection) as captured, fake_reranker():
        result(
            ada, formulations=formulations, collection_ids=[shelf.pk], rerank=True, tuning=SearchTuning(candidates=3)
        )
    # The ledger of models has its own.
    own = [query["sql"] for query in captured if "llm_" not in query["sql"] and "SAVEPOINT" not in query["sql"]]
    assert len(own) <= count
