import logging
from collections.abc import Iterator
from uuid import UUID

import pytest

from apps.documents.models import Collection
from apps.llm.services import RERANK_BATCH
from apps.rag.models import CollectionTuning
from apps.rag.reranking import LIKED_AMONG, RERANK_DEPTH
from apps.rag.search import search
from apps.rag.testing import FakeReranker, fake_reranker
from apps.rag.tests.factories import indexed, section, sentences
from apps.rag.types import Passage, SearchQuery, SearchTuning

pytestmark = pytest.mark.django_db
QUESTION = "turbine blade cost heat wing"


@pytest.fixture
def reranker() -> Iterator[FakeReranker]:
    with fake_reranker() as fake:
        yield fake


@pytest.fixture
def shelf(workspace, ada) -> Collection:
    return Collection.objects.create(workspace=workspace, owner=ada, name="Shelf", visibility="workspace")


def found(user, **query) -> tuple[Passage, ...]:
    return search(user=user, query=SearchQuery(text=QUESTION, **query)).passages


def test_the_best_are_read_and_ordered_anew(ada, embedder, reranker):
    for number in range(RERANK_DEPTH + 6):
        indexed(ada, f"turbine {sentences(1, topic=str(number))}")
    indexed(ada, f"{QUESTION} {sentences(1)}")

    reranked = found(ada, rerank=True, limit=40)
    assert reranked[0].rerank == 5
    assert [passage.score for passage in reranked] == sorted((passage.score for passage in reranked), reverse=True)
    assert sum(passage.rerank is not None for passage in reranked) == RERANK_DEPTH
    tuned = found(ada, rerank=True, limit=40, tuning=SearchTuning(rerank_depth=3))
    assert sum(passage.rerank is not None for passage in tuned) == 3
    assert all(passage.rerank is None for passage in found(ada, rerank=False))


def test_its_share_decides_between_what_it_says_and_the_legs(ada, embedder, reranker):
    indexed(ada, "turbine turbine")
    # Has two words more, among many others.
    indexed(ada, f"blade cost turbine {sentences(12)}")

    for share, first in ((0.0, 1.0), (1.0, 3.0)):
        passages = found(ada, rerank=True, tuning=SearchTuning(rerank_share=share))
        assert passages[0].rerank == first


def test_what_it_says_of_a_passage_counts_for_those_that_resemble_it(ada, embedder, reranker):
    shared = "ocean tide coral reef lagoon island harbour sailor anchor compass"
    indexed(ada, f"{QUESTION} {shared}")
    kin = indexed(ada, f"turbine {shared}")
    lonely = indexed(ada, "turbine blade cost violin cello trumpet organ flute piano guitar")

    def order(**query) -> list[UUID]:
        return [passage.document_id for passage in found(ada, **query)[1:]]

    assert order(rerank=False) == [lonely.document_id, kin.document_id]
    # Only the first is read.
    assert order(rerank=True, tuning=SearchTuning(rerank_depth=1, rerank_share=0.9)) == [
        kin.document_id,
        lonely.document_id,
    ]


@pytest.mark.parametrize(("pages", "is_lifted"), [({}, True), ({"page": 1}, False)])
def test_what_it_likes_best_is_among_the_first_five_however_unsure_it_is(ada, embedder, reranker, pages, is_lifted):
    for number in range(8):
        indexed(ada, f"turbine turbine {number}")
    liked = indexed(ada, section(f"blade cost turbine {sentences(12)}", **pages))

    def place(**tuning) -> int:
        passages = found(ada, rerank=True, tuning=SearchTuning(**tuning))
        assert [passage.score for passage in passages] == sorted((p.score for p in passages), reverse=True)
        return [passage.document_id for passage in passages].index(liked.document_id)

    assert place(rerank_share=0.0) == 8
    assert (place(rerank_share=0.1) < LIKED_AMONG) == is_lifted


def test_the_less_sure_it_is_the_less_it_weighs(ada, embedder, reranker):
    indexed(ada, "turbine turbine")
    indexed(ada, f"blade cost turbine {sentences(12)}")
    sure = found(ada, rerank=True, tuning=SearchTuning(rerank_share=1.0))
    # Read, and no better than the others.
    for number in range(12):
        indexed(ada, f"blade cost wing {sentences(12, topic=str(number))}")
    unsure = found(ada, rerank=True, tuning=SearchTuning(rerank_share=1.0))

    assert [passage.rerank for passage in sure] == [3.0, 1.0]
    assert unsure[0].rerank == 1.0


def test_when_time_is_up_what_was_read_counts(ada, embedder, reranker, settings):
    for number in range(12):
        indexed(ada, f"turbine {sentences(1, topic=str(number))}")
    settings.RERANK_SECONDS = 0

    passages = found(ada, rerank=True, limit=12)
    assert len(passages) == 12
    assert [len(call) for call in reranker.calls] == [RERANK_BATCH]
    assert sum(passage.rerank is not None for passage in passages) == RERANK_BATCH
    settings.RERANK_SECONDS = 60
    assert all(passage.rerank is not None for passage in found(ada, rerank=True, limit=12))


def test_a_missing_reranker_leaves_the_order(ada, embedder, settings, caplog, tmp_path):
    for number in range(3):
        indexed(ada, f"turbine {sentences(number)}")
    settings.MODEL_DIR = tmp_path

    with caplog.at_level(logging.WARNING):
        assert found(ada, rerank=True) == found(ada, rerank=False)
    assert "reranker" in caplog.text
    assert "turbine" not in caplog.text


@pytest.mark.parametrize(
    ("setting", "chosen", "is_worth", "is_read"),
    [
        ("auto", None, None, True),
        ("auto", "automatic", None, True),
        ("auto", "automatic", True, True),
        ("auto", "automatic", False, False),
        ("auto", "on", False, True),
        ("auto", "off", True, False),
        ("on", "automatic", False, True),
        ("on", "off", True, False),
        ("off", None, None, False),
        ("off", "automatic", True, False),
        ("off", "on", False, True),
    ],
)
def test_collection_and_settings_decide(
    ada, workspace, shelf, embedder, reranker, settings, setting, chosen, is_worth, is_read
):
    indexed(ada, "turbine", collection=shelf)
    settings.RERANK = setting
    if chosen:
        CollectionTuning.objects.create(workspace=workspace, collection=shelf, rerank=chosen, is_rerank_worth=is_worth)

    [passage] = found(ada, collection_ids=[shelf.pk])
    assert (passage.rerank is not None) == is_read
    # Over several collections only the setting counts.
    [passage] = found(ada)
    assert (passage.rerank is not None) == (setting != "off")
    for asked in (True, False):
        [passage] = found(ada, collection_ids=[shelf.pk], rerank=asked)
        assert (passage.rerank is not None) == asked
