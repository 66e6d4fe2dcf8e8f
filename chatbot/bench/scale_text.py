"""Passages without end, made of real ones, with vectors and words that fit their texts.

A source passage of the data sets is cut into pieces of a few sentences, and each is embedded for real. Every document
has a topic, one source passage; each of its chunks joins three pieces of passages near that topic. The chunk's vector
is the mean of its pieces' vectors, by their length, plus noise of a third of its size, normalised: so neighbours in
meaning are neighbours in the text, documents are clusters, and no two vectors are equal. The chunk's words are its
pieces' words as `rag_terms` gives them, so document frequencies grow with the corpus as those of common words do; the
file name of each document adds rare ones.
"""

import random
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy

PIECE_CHARACTERS = 320
PIECES_OF_A_CHUNK = 3
NEAR_PASSAGES = 40
NOISE = 0.33
# Positions of a piece's words begin at a multiple of this; a file name's before the first.
SLOT = 512
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|$)", re.DOTALL)

# Lexeme → its positions, from 1.
Words = dict[str, list[int]]
# Number of a lexeme → its positions, two bytes each, the high one first.
Places = dict[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeChunk:
    text: str
    places: Places
    vector: numpy.ndarray


class Lexemes:
    """Words by number, from 1, and in how many chunks they stand."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.encoded: list[bytes] = [b""]
        self.frequencies = numpy.zeros(1 << 20, dtype=numpy.int64)

    def places(self, words: Words, *, offset: int) -> Places:
        return {
            self._number(word): struct.pack(f">{len(places)}H", *(offset + place for place in places))
            for word, places in words.items()
        }

    def _number(self, word: str) -> int:
        if word not in self.numbers:
            self.numbers[word] = len(self.encoded)
            self.encoded.append(word.encode() + b"\0")
        return self.numbers[word]


class Source:
    """Pieces of passages, and which passages are near which."""

    def __init__(
        self, passages: Sequence[str], *, embed: Callable[[list[str]], numpy.ndarray], words: Callable[[str], Words]
    ) -> None:
        cut = [pieces_of(passage) for passage in passages]
        self.texts = [text for pieces in cut for text in pieces]
        self.lexemes = Lexemes()
        found = [words(text) for text in self.texts]
        self.mean_length = sum(sum(map(len, piece.values())) for piece in found) / len(found)
        # The same piece may stand first, second or third.
        self.places = [
            [self.lexemes.places(piece, offset=SLOT * (slot + 1)) for piece in found]
            for slot in range(PIECES_OF_A_CHUNK)
        ]
        self.vectors = embed(self.texts)
        starts = numpy.cumsum([0, *map(len, cut)])
        self.of_passage = [range(start, end) for start, end in pairwise(starts.tolist())]
        means = _units(numpy.stack([self.vectors[own.start : own.stop].mean(axis=0) for own in self.of_passage]))
        self.near = numpy.argsort(-(means @ means.T), axis=1)[:, :NEAR_PASSAGES].tolist()

    def document(self, chooser: random.Random, *, title: Words, count: int) -> Iterator[MadeChunk]:
        """The chunks of one document about a topic chosen at random."""
        near = self.near[chooser.randrange(len(self.near))]
        chosen = [[self._piece(chooser, near) for _ in range(PIECES_OF_A_CHUNK)] for _ in range(count)]
        weights = numpy.array([[len(self.texts[piece]) for piece in pieces] for pieces in chosen], dtype=numpy.float32)
        means = _units(numpy.einsum("cp,cpd->cd", weights, self.vectors[numpy.array(chosen)]))
        noise = numpy.random.default_rng(chooser.getrandbits(32)).standard_normal(means.shape, dtype=numpy.float32)
        vectors = _units(means + NOISE * _units(noise))
        first = self.lexemes.places(title, offset=0)
        for pieces, vector in zip(chosen, vectors, strict=True):
            places = dict(first)
            for slot, piece in enumerate(pieces):
                for number, more in self.places[slot][piece].items():
                    places[number] = places.get(number, b"") + more
            yield MadeChunk(text=" ".join(self.texts[piece] for piece in pieces), places=places, vector=vector)

    def _piece(self, chooser: random.Random, near: Sequence[int]) -> int:
        """Rather of a passage that is very near."""
        return chooser.choice(self.of_passage[near[int(len(near) * chooser.random() ** 2)]])


def pieces_of(passage: str) -> list[str]:
    """Whole sentences, about PIECE_CHARACTERS together; at least one piece."""
    pieces = [""]
    for sentence in _SENTENCE.findall(passage):
        if len(pieces[-1]) > PIECE_CHARACTERS / 2 and len(pieces[-1]) + len(sentence) > PIECE_CHARACTERS * 1.2:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]} {sentence}".strip()
    return pieces


def _units(vectors: numpy.ndarray) -> numpy.ndarray:
    return numpy.asarray(vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True))
