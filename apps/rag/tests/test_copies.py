"""Near-duplicates: indexed once, and shown once among what may be seen."""

import random
from dataclasses import replace

import pytest

from apps.llm.exceptions import ProviderError
from apps.rag.copies import copies_collapse, likeness_of
from apps.rag.models import Chunk
from apps.rag.testing import FakeEmbedder, fake_embedder
from apps.rag.tests.factories import indexed, sentences
from apps.rag.types import Passage
from chatbot.lib.keys import uuid7

TEXT = sentences(9)
SIGNED = range(-(1 << 63), 1 << 63)


def passage(text: str, filename: str = "a.txt", **fields) -> Passage:
    return Passage(
        chunk_id=uuid7(), document_id=uuid7(), version_id=uuid7(), filename=filename, page=None, page_last=None,
        heading_path=(), text=text, score=1.0, **fields,
    )  # fmt: skip


def collapse(*passages: Passage) -> list[Passage]:
    return copies_collapse(passages, {given.chunk_id: likeness_of(given.text) for given in passages})


def test_likeness_is_a_signed_number_of_64_bits_or_nothing():
    values = [likeness_of(sentences(9, f"topic{number}")) or 0 for number in range(30)]

    assert all(value in SIGNED and value for value in values)
    assert min(values) < 0 < max(values)
    assert likeness_of("too short to tell") is None
    assert likeness_of("") is None
    assert likeness_of(TEXT.upper()) == likeness_of(TEXT)


def test_the_best_of_near_equal_passages_stays_and_names_the_others():
    best, near, same, other = (
        passage(TEXT, "best.txt"),
        passage(TEXT.replace("something", "anything", 1), "near.txt"),
        passage(TEXT, "same.txt"),
        passage(sentences(9, "contract").replace("parts", "clauses"), "other.txt"),
    )

    kept = collapse(best, other, near, same)

    found = [(kept_one.filename, kept_one.copies) for kept_one in kept]
    assert found == [("best.txt", ("near.txt", "same.txt")), ("other.txt", ())]
    assert replace(kept[0], copies=()) == best


def test_short_texts_are_copies_only_if_equal():
    assert len(collapse(passage("turbine one"), passage("turbine one"), passage("turbine two"))) == 2


def test_another_number_is_another_statement():
    assert len(collapse(passage(f"{TEXT} Revenue was 17 million."), passage(f"{TEXT} Revenue was 18 million."))) == 2


def test_passages_of_one_document_and_much_longer_ones_stay():
    first = passage(TEXT)
    assert len(collapse(first, replace(passage(TEXT), document_id=first.document_id))) == 2
    assert len(collapse(passage(TEXT), passage(f"{TEXT} {TEXT}"))) == 2


def test_unlike_texts_are_never_taken_for_copies():
    randomness = random.Random(5)
    words = [f"word{number}" for number in range(400)]
    passages = [passage(" ".join(randomness.choices(words, k=120))) for _ in range(120)]

    assert collapse(*passages) == passages


@pytest.mark.django_db
def test_the_same_text_is_embedded_once_in_a_workspace(ada, ben, cleo, embedder):
    indexed(ada, TEXT)
    calls = len(embedder.calls)

    indexed(ben, TEXT)
    assert len(embedder.calls) == calls
    indexed(cleo, TEXT)
    assert len(embedder.calls) == calls + 1
    rows = Chunk.objects.values_list("embedding", "embedded_hash", "likeness")
    assert len({(tuple(map(float, vector or ())), text_hash, likeness) for vector, text_hash, likeness in rows}) == 1


@pytest.mark.django_db
def test_the_same_text_twice_in_a_document_is_embedded_once(ada, embedder):
    indexed(ada, *[{"text": TEXT, "page": page, "heading_path": [f"Part {page // 2}"]} for page in range(6)])

    [texts] = embedder.calls
    assert len(texts) == len(set(texts))
    assert not Chunk.objects.filter(embedding=None).exists()


@pytest.mark.django_db
def test_known_texts_need_no_embedder(ada, ben):
    with fake_embedder():
        indexed(ada, TEXT)
    with fake_embedder(FakeEmbedder(error=ProviderError("model_unavailable"))):
        assert indexed(ben, TEXT).state == "indexed"
