"""Generated passages: their words and vectors are those of the texts they are made of."""

import random
import re
from collections import Counter

import numpy
import pytest

from chatbot.bench.scale_text import Source, pieces_of

PASSAGES = [
    " ".join(f"Sentence {number} of text {topic} speaks about {thing}." for number in range(12))
    for topic, thing in enumerate(["wings", "pumps", "salaries", "contracts"])
]


def words(text: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, word in enumerate(re.findall(r"\w+", text.casefold()), start=1):
        found.setdefault(word, []).append(place)
    return found


def embed(texts: list[str]) -> numpy.ndarray:
    return numpy.array([[text.count(letter) + 1 for letter in "abcdefgh"] for text in texts], dtype=numpy.float32)


@pytest.fixture
def source() -> Source:
    return Source(PASSAGES, embed=embed, words=words)


def test_pieces_are_whole_sentences_and_lose_nothing():
    pieces = pieces_of(PASSAGES[0])
    assert " ".join(pieces) == PASSAGES[0]
    assert len(pieces) > 1
    assert all(piece.endswith(".") for piece in pieces)
    assert pieces_of("no end") == ["no end"]


def test_chunks_have_the_words_of_their_text_and_title(source):
    for chunk in source.document(random.Random(1), title={"annual": [1]}, count=20):
        expected = Counter(re.findall(r"\w+", chunk.text.casefold())) + Counter(["annual"])
        encoded = source.lexemes.encoded
        assert {encoded[key][:-1].decode(): len(at) // 2 for key, at in chunk.places.items()} == expected
        for places in chunk.places.values():
            positions = numpy.frombuffer(places, dtype=">u2")
            assert (numpy.diff(positions.astype(int)) > 0).all()


def test_vectors_are_of_length_one_and_differ(source):
    vectors = numpy.stack([chunk.vector for chunk in source.document(random.Random(1), title={}, count=30)])
    assert numpy.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert len(numpy.unique(vectors.round(6), axis=0)) == 30
