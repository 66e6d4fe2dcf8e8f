"""The embedder and the reranker: their contract with the real weights, and the wiring around them."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from apps.llm import registry
from apps.llm.exceptions import ProviderError
from apps.llm.models import Inference
from apps.llm.providers.onnx import BATCH_TOKENS, batches_of
from apps.llm.services import passages_rerank, texts_embed
from apps.llm.tests.factories import profile_make

STORE = Path(os.environ.get("CHATBOT_MODEL_DIR") or django_settings.MODEL_DIR)
EMBEDDER, RERANKER = "bge-small-en-v1.5", "ms-marco-MiniLM-L-12-v2"


def needs(name):
    return pytest.mark.skipif(
        not (STORE / name / "model.onnx").is_file(), reason=f"CHATBOT_MODEL_DIR has no weights of {name}"
    )


@pytest.fixture
def store(settings):
    settings.MODEL_DIR = STORE


@pytest.fixture
def embedder(store):
    return registry.embedder(EMBEDDER)


@pytest.fixture
def reranker(store):
    return registry.reranker(RERANKER)


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


@needs(EMBEDDER)
class TestEmbedder:
    def test_one_unit_vector_per_text(self, embedder):
        vectors = embedder.embed(["A cat.", "", "word " * 2000, "Käse \U0001f9c0"])
        assert [len(vector) for vector in vectors] == [384] * 4
        assert [dot(vector, vector) for vector in vectors] == pytest.approx([1] * 4, abs=1e-5)

    def test_nothing_gives_nothing(self, embedder):
        assert embedder.embed([]) == []

    def test_near_meanings_are_near(self, embedder):
        cat, kitten, revenue = embedder.embed(
            ["A cat sits on the mat.", "A kitten lies on the rug.", "Revenue rose by 5 %."]
        )
        assert dot(cat, kitten) > dot(cat, revenue) + 0.2

    def test_order_and_neighbours_do_not_matter(self, embedder):
        texts = [f"Sentence {number} " * (number % 7 + 1) * 5 for number in range(40)]
        together = embedder.embed(texts)
        for position in (0, 6, 39):
            alone = embedder.embed([texts[position]])[0]
            # int8 weights: padding moves the last digits.
            assert dot(alone, together[position]) > 0.99


@needs(RERANKER)
class TestReranker:
    def test_the_answer_scores_highest(self, reranker):
        passages = ["New York is a city.", "Berlin has 3.5 million inhabitants.", "Berlin is known for its museums."]
        scores = reranker.score(query="How many people live in Berlin?", passages=passages)
        assert len(scores) == 3
        assert max(scores) == scores[1]
        assert min(scores) == scores[0]

    def test_nothing_gives_nothing(self, reranker):
        assert reranker.score(query="anything", passages=[]) == []

    def test_long_passages_are_cut(self, reranker):
        assert len(reranker.score(query="word", passages=["word " * 3000, "word"])) == 2


@needs(EMBEDDER)
@needs(RERANKER)
@pytest.mark.django_db
def test_calls_are_written_down(store, ada, workspace):
    profile = profile_make("onnx", EMBEDDER, abilities=["embed"])
    texts_embed(texts=["one", "two"], model=EMBEDDER, workspace_id=workspace.pk, user_id=ada.pk)
    passages_rerank(query="one", passages=["two"], model=RERANKER)
    embedded, reranked = Inference.objects.order_by("pk")
    assert (embedded.purpose, embedded.model_name, embedded.profile) == ("embed", EMBEDDER, profile)
    assert (embedded.state, embedded.user, embedded.workspace) == ("ok", ada, workspace)
    assert (reranked.purpose, reranked.model_name, reranked.profile) == ("rerank", RERANKER, None)


@pytest.mark.django_db
def test_without_weights_the_error_says_so(settings, tmp_path):
    settings.MODEL_DIR = tmp_path
    with pytest.raises(ProviderError) as caught:
        texts_embed(texts=["one"], model=EMBEDDER)
    assert caught.value.code == "model_missing"
    with pytest.raises(ProviderError):
        passages_rerank(query="one", passages=["two"], model=RERANKER)
    assert set(Inference.objects.values_list("state", "error_code")) == {("failed", "model_missing")}


def test_one_model_per_name_and_process(settings, tmp_path):
    settings.MODEL_DIR = tmp_path
    assert registry.embedder("a") is registry.embedder("a")
    assert registry.embedder("a") is not registry.embedder("b")


@pytest.mark.parametrize(
    "lengths", [[], [5], [512] * 9, [3, 500, 7, 512, 1, 80], list(range(1, 200))], ids=lambda value: len(value)
)
def test_batches_hold_every_text_once_and_are_bounded(lengths):
    batches = list(batches_of(lengths))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) * max(lengths[position] for position in batch) <= BATCH_TOKENS
    widths = [max(lengths[position] for position in batch) for batch in batches]
    assert all(one <= other for one, other in pairwise(widths))
