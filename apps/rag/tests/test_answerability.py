"""Whether passages can answer: with a cross-encoder, without one, and over tables."""

from dataclasses import replace
from uuid import UUID

import pytest

from apps.llm import registry
from apps.rag.answerability import DEPTH, answerability_judge, coverage_of, is_tabular
from apps.rag.services import index_profile_ensure
from apps.rag.types import Passage

pytestmark = pytest.mark.django_db

QUESTION = "How long is the warranty period in Norway?"
RERANKER = "ms-marco-MiniLM-L-12-v2"


def passage(text, number=1, **fields):
    return Passage(
        chunk_id=UUID(int=number),
        document_id=UUID(int=number),
        version_id=UUID(int=number),
        filename="terms.pdf",
        page=1,
        page_last=1,
        heading_path=(),
        text=text,
        score=0.5,
        **fields,
    )


class ScriptedReranker:
    """Gives the logits that it was told to; `calls` keeps what it read."""

    def __init__(self, *logits):
        self.logits = logits
        self.calls = []

    def score(self, *, query, passages):
        self.calls.append(list(passages))
        return list(self.logits[: len(passages)])


@pytest.fixture
def reranker():
    fakes = []

    def add(*logits):
        fake = ScriptedReranker(*logits)
        registry.reranker_add(RERANKER, fake)
        fakes.append(fake)
        return fake

    yield add
    if fakes:
        registry.reranker_remove(RERANKER)


def test_cross_encoder_decides(reranker):
    reranker(5.0)
    good = answerability_judge(question=QUESTION, passages=[passage("The warranty period is 24 months.")])
    reranker(-9.0)
    bad = answerability_judge(question=QUESTION, passages=[passage("The warranty period is 24 months.")])
    assert (good.is_enough, bad.is_enough) == (True, False)
    assert 0 <= bad.score < good.score <= 1


def test_best_of_the_passages_counts(reranker):
    reranker(-9.0, 6.0)
    judged = answerability_judge(question=QUESTION, passages=[passage("A"), passage("B", number=2)])
    assert judged.is_enough
    assert judged.logits == {UUID(int=1): -9.0, UUID(int=2): 6.0}


def test_what_the_search_let_read_is_not_read_again(reranker):
    fake = reranker(1.0)
    answerability_judge(question=QUESTION, passages=[passage("A", rerank=3.0), passage("B", number=2)])
    assert fake.calls == [["B"]]
    fake.calls.clear()
    answerability_judge(question=QUESTION, passages=[passage("A", rerank=3.0)])
    assert fake.calls == []


def test_only_the_first_passages_are_read(reranker):
    fake = reranker(*[0.0] * 20)
    answerability_judge(question=QUESTION, passages=[passage("A", number=number) for number in range(20)])
    assert len(fake.calls[0]) == DEPTH


def test_nothing_found_is_not_enough():
    assert not answerability_judge(question=QUESTION, passages=[]).is_enough


def test_without_a_cross_encoder_meaning_and_words_decide(settings):
    index_profile_ensure()
    settings.RERANKER_MODEL = "unknown"
    near = passage("In Norway the warranty period is long.", dense=0.7)
    far = passage("Steam engines need water.", dense=0.45)
    assert answerability_judge(question=QUESTION, passages=[near]).is_enough
    assert not answerability_judge(question=QUESTION, passages=[far]).is_enough


def test_with_another_embedder_the_words_decide(settings):
    profile = index_profile_ensure()
    type(profile).objects.update(embedder="another")
    settings.RERANKER_MODEL = "unknown"
    assert answerability_judge(
        question=QUESTION, passages=[passage("The warranty period in Norway", dense=0.1)]
    ).is_enough
    assert not answerability_judge(question=QUESTION, passages=[passage("Steam engines", dense=0.9)]).is_enough


def test_names_and_figures_weigh_twice():
    assert coverage_of("warranty in Norway", "the warranty") == pytest.approx(1 / 3)
    assert coverage_of("warranty in Norway", "in norway") == pytest.approx(2 / 3)
    assert coverage_of("what is it?", "anything") == 1


def test_table_is_judged_by_its_words_too(reranker, settings):
    reranker(-10.0)
    table = passage("| Team | Period |\n| Norway | long |\n| Warranty | 3 |\n| Oslo | 4 |")
    assert is_tabular(table)
    assert not is_tabular(replace(table, text="A sentence | with a bar.\nAnother one."))
    assert answerability_judge(question=QUESTION, passages=[table]).is_enough
