"""Finding a passage again by its words: in a document that was indexed anew, and a quote in its passage."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.documents.models import Section
from apps.documents.selectors import document_require, version_current
from apps.rag.selectors import Box

# Pages before and after the one where the passage stood.
NEAR_PAGES = 2
# Shorter lines stand in many places.
LINE_MINIMUM = 20
_LINE = re.compile(r"[^\n]+")
_SENTENCE = re.compile(r"[^\n.!?…]+[.!?…]*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a passage's text; `is_quote`: what the answer was taken from."""

    text: str
    is_quote: bool


def quote_marked(text: str, quote: str) -> list[Piece]:
    """The text in pieces, those of the quote marked: the quote as a whole, else as many of its sentences as are found.

    However white space and line breaks differ.
    """
    places = _found(text, quote) or [
        place
        for match in _SENTENCE.finditer(quote)
        if len(match[0].strip()) > 1
        for place in _found(text, match[0])[:1]
    ]
    pieces, last = [], 0
    for start, end in sorted(places):
        if start < last:
            continue
        pieces += [Piece(text[last:start], False), Piece(text[start:end], True)]
        last = end
    pieces.append(Piece(text[last:], False))
    return [piece for piece in pieces if piece.text]


def passage_boxes(*, user: User, document_id: UUID, text: str, page: int) -> dict[int, list[Box]]:
    """Where the words of a passage stand in the document's current version: page → boxes as of `chunk_boxes`.

    Looks near `page`; empty where the words are not found there. Three queries. Raises NotFoundError if the user may
    not see the document.
    """
    version = version_current(document=document_require(user=user, document_id=document_id))
    near = (page - NEAR_PAGES, page + NEAR_PAGES)
    sections = Section.objects.filter(version=version, page__range=near).order_by("ordinal")
    lines = list(_lines(text))
    boxes: dict[int, list[Box]] = defaultdict(list)
    for section in sections:
        places = [place for line in lines for place in _found(section.text, line)] or _held(section.text, text)
        boxes[section.page or 0] += [
            list(box)
            for start, end, *box in section.boxes
            if any(start < place_end and place_start < end for place_start, place_end in places)
        ]
    return {number: found for number, found in boxes.items() if found}


def _lines(text: str) -> Iterator[str]:
    """Sentences and lines that are long enough to be known by."""
    for match in _LINE.finditer(text):
        whole = match[0].strip()
        parts = [part[0].strip() for part in _SENTENCE.finditer(whole)]
        long = [part for part in parts if len(part) >= LINE_MINIMUM]
        if long:
            yield from long
        elif len(whole) >= LINE_MINIMUM:
            yield whole


def _found(text: str, wanted: str) -> list[tuple[int, int]]:
    """All places of the wanted words in the text, whatever space is between them."""
    words = _SPACE.split(wanted.strip(" \n\t…"))
    if not any(words):
        return []
    pattern = r"\s+".join(map(re.escape, words))
    return [match.span() for match in re.finditer(pattern, text)]


def _held(text: str, passage: str) -> Sequence[tuple[int, int]]:
    """All of a section that the passage holds as a whole, be it short."""
    bare = _SPACE.sub(" ", text).strip()
    is_held = len(bare) >= LINE_MINIMUM // 2 and bare in _SPACE.sub(" ", passage)
    return [(0, len(text))] if is_held else []
