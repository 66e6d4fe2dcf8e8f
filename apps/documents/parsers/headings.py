"""The heading path while a document is read from top to bottom."""

from typing import NamedTuple

from apps.documents.types import HeadingPath

HEADING_LENGTH = 300
DEPTH = 8


class _Open(NamedTuple):
    rank: float
    title: str
    page: int


class HeadingStack:
    """Headings that are open at a place; a new one closes those of its own rank and below. Low rank is high up."""

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def enter(self, rank: float, title: str, page: int = 0) -> None:
        while self._open and self._open[-1].rank >= rank:
            self._open.pop()
        clean = " ".join(title.split())[:HEADING_LENGTH]
        if clean:
            self._open.append(_Open(rank, clean, page))

    def expire(self, *, before_page: int, from_rank: float) -> None:
        """Close headings of `from_rank` and below that were entered before that page."""
        self._open = [entry for entry in self._open if entry.rank < from_rank or entry.page >= before_page]

    @property
    def path(self) -> HeadingPath:
        return tuple(entry.title for entry in self._open[:DEPTH])
