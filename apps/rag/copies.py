"""Nearly the same text twice: a fingerprint that is near for near texts, and results in which each text stands once."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from apps.rag.types import Passage

BITS = 64
# Fingerprints of shorter texts differ too much when one word does.
WORDS_MINIMUM = 24
# Bits that may differ, and by how much the longer text may be longer.
DISTANCE = 3
LENGTH_RATIO = 1.1

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
# For each value of a byte its bits, the lowest first, as lanes of 24 bits in one number: adding such numbers counts
# the bits set at all eight places at once.
_LANE = 24
_LANES = [sum(1 << (_LANE * place) for place in range(8) if value >> place & 1) for value in range(256)]


def likeness_of(text: str) -> int | None:
    """A fingerprint of 64 bits as a signed number; None for a text of fewer than WORDS_MINIMUM words.

    Texts that share nearly all words differ in few bits. Single words, because with pairs of them the fingerprint finds
    only a third of the copies in which two words were changed, instead of three quarters.
    Source: Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002.
    """
    words = _WORD.findall(text.casefold())
    if len(words) < WORDS_MINIMUM:
        return None
    counts = [0] * 8
    for word, times in Counter(words).items():
        for place, value in enumerate(blake2b(word.encode(), digest_size=8).digest()):
            counts[place] += times * _LANES[value]
    mask = (1 << _LANE) - 1
    bits = [counts[bit // 8] >> (_LANE * (bit % 8)) & mask for bit in range(BITS)]
    unsigned = sum(1 << bit for bit, count in enumerate(bits) if 2 * count > len(words))
    return unsigned - (1 << BITS) if unsigned >> (BITS - 1) else unsigned


def copies_collapse(passages: Sequence[Passage], likeness: Mapping[UUID, int | None]) -> list[Passage]:
    """Of nearly equal passages of different documents the first one only, with the other files' names in `copies`.

    `passages`: best first, all of them visible to whoever gets the result; nothing else is looked at. `likeness`: by
    chunk id. Texts that differ in a number say something else and both stay, as do two passages of one document.
    """
    kept: list[Passage] = []
    names: dict[UUID, list[str]] = {}
    for passage in passages:
        twin = next((other for other in kept if _is_copy(passage, other, likeness)), None)
        if twin is None:
            kept.append(passage)
            continue
        known = names.setdefault(twin.chunk_id, list(twin.copies))
        known += [name for name in (passage.filename, *passage.copies) if name not in known]
    return [
        replace(passage, copies=tuple(names[passage.chunk_id])) if passage.chunk_id in names else passage
        for passage in kept
    ]


def _is_copy(passage: Passage, other: Passage, likeness: Mapping[UUID, int | None]) -> bool:
    if passage.document_id == other.document_id:
        return False
    if passage.text == other.text:
        return True
    first, second = likeness.get(passage.chunk_id), likeness.get(other.chunk_id)
    if first is None or second is None or _distance(first, second) > DISTANCE:
        return False
    shorter, longer = sorted((len(passage.text), len(other.text)))
    return longer <= LENGTH_RATIO * shorter and _numbers(passage.text) == _numbers(other.text)


def _distance(first: int, second: int) -> int:
    """In how many of the 64 bits they differ."""
    return ((first ^ second) & ((1 << BITS) - 1)).bit_count()


def _numbers(text: str) -> Counter[str]:
    return Counter(_NUMBER.findall(text))
