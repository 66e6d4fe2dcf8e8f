"""Plain text: paragraphs, gathered into sections of readable length."""

import re
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path

from apps.documents.exceptions import TooComplexError
from apps.documents.sniffing import text_decode
from apps.documents.types import ParsedSection, ParsedUnit

# Reading takes the whole text at once; more than this is no document that a person reads.
TEXT_BYTES = 32 * 1024 * 1024
SECTION_CHARACTERS = 8_000
_BLANK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def parse(path: Path, *, first: int = 1) -> Generator[ParsedUnit, None, None]:
    """One section a unit. Raises UnreadableFileError."""
    yield from units_of([ParsedSection(text=text) for text in texts_cut(text_read(path))], first=first)


def units_of(sections: list[ParsedSection], *, first: int) -> Iterator[ParsedUnit]:
    """The sections of a document without pages, one a unit, from unit `first` on."""
    for number, section in islice(enumerate(sections, 1), first - 1, None):
        yield ParsedUnit(number=number, total=len(sections), sections=(section,))


def text_read(path: Path) -> str:
    """The file as text with plain newlines and without control characters. Raises UnreadableFileError."""
    if path.stat().st_size > TEXT_BYTES:
        raise TooComplexError
    text = text_decode(path.read_bytes())
    return text_clean(text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\v", "\n"))


def text_clean(text: str) -> str:
    """Without NUL, which Postgres does not store, and other characters that are not text."""
    return _CONTROL.sub("", text)


def texts_cut(text: str) -> Iterator[str]:
    """The text in pieces of at most about SECTION_CHARACTERS, cut between paragraphs, else lines, else words."""
    gathered: list[str] = []
    size = 0
    for paragraph in (piece for block in _BLANK.split(text) for piece in _pieces(block.strip("\n"))):
        if gathered and size + len(paragraph) > SECTION_CHARACTERS:
            yield "\n\n".join(gathered)
            gathered, size = [], 0
        gathered.append(paragraph)
        size += len(paragraph) + 2
    if gathered:
        yield "\n\n".join(gathered)


def _pieces(paragraph: str) -> Iterator[str]:
    start = 0
    while len(paragraph) - start > SECTION_CHARACTERS:
        end = start + SECTION_CHARACTERS
        cut = max(paragraph.rfind("\n", start, end), paragraph.rfind(" ", start, end))
        cut = cut if cut > start else end
        yield paragraph[start:cut]
        start = cut
    rest = paragraph[start:]
    if rest.strip():
        yield rest
