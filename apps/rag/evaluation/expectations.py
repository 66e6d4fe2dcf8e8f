"""Where the answer to a golden question stands: as stored, as named by people, and as keys to count by."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from uuid import UUID

from apps.rag.evaluation.types import Expected, Place
from apps.rag.types import Passage

PAGES_MAXIMUM = 200
PAGE_MAXIMUM = 1_000_000
_PAGES = re.compile(r"\s*(\d{1,7})(?:\s*[-–]\s*(\d{1,7}))?\s*")


def expected_write(expected: Iterable[Expected]) -> list[dict[str, Any]]:
    """As GoldenQuestion.expected stores it."""
    return [
        {
            **({"document_id": str(each.document_id)} if each.document_id else {}),
            "filename": each.filename,
            "pages": list(each.pages),
            "relevance": each.relevance,
        }
        for each in expected
    ]


def expected_read(stored: Sequence[Mapping[str, Any]]) -> tuple[Expected, ...]:
    """Back from `expected_write`."""
    return tuple(
        Expected(
            document_id=UUID(each["document_id"]) if each.get("document_id") else None,
            filename=each.get("filename", ""),
            pages=tuple(each.get("pages", ())),
            relevance=each.get("relevance", 1.0),
        )
        for each in stored
    )


def pages_read(text: str) -> tuple[int, ...]:
    """`3, 5-7` as (3, 5, 6, 7). Raises ValueError with a sentence for people."""
    pages: list[int] = []
    for part in filter(str.strip, text.split(",")):
        match = _PAGES.fullmatch(part)
        first = int(match[1]) if match else 0
        last = int(match[2] or first) if match else 0
        if not 1 <= first <= last <= PAGE_MAXIMUM or last - first >= PAGES_MAXIMUM:
            raise ValueError(f"“{part.strip()[:40]}” is no page. Write pages like 3, 5-7.")
        pages.extend(range(first, last + 1))
    if len(pages) > PAGES_MAXIMUM:
        raise ValueError(f"A question may name at most {PAGES_MAXIMUM} pages.")
    return tuple(sorted(set(pages)))


def pages_write(pages: Sequence[int]) -> str:
    """`3, 5-7` of (3, 5, 6, 7), which stand in ascending order."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


class Names:
    """The documents of a collection by name: the whole file name, else the name without its ending, in any case."""

    def __init__(self, documents: Iterable[tuple[UUID, str]]) -> None:
        self.filename_of = dict(documents)
        self._whole: dict[str, list[UUID]] = defaultdict(list)
        self._stem: dict[str, list[UUID]] = defaultdict(list)
        for key, filename in self.filename_of.items():
            self._whole[filename.casefold()].append(key)
            self._stem[PurePath(filename).stem.casefold()].append(key)

    def find(self, name: str) -> UUID:
        """Raises ValueError with a sentence for people if it stands for no document or for several."""
        wanted = name.strip().casefold()
        found = self._whole.get(wanted) or self._stem.get(wanted) or []
        if not found:
            raise ValueError(f"No document of this collection is called “{name.strip()[:100]}”.")
        if len(found) > 1:
            raise ValueError(f"{len(found)} documents of this collection are called “{name.strip()[:100]}”.")
        return found[0]

    def resolve(self, expected: Expected) -> Expected:
        """With key and name as they are now. Raises ValueError as `find`."""
        key = expected.document_id
        if key is None or key not in self.filename_of:
            key = self.find(expected.filename)
        return Expected(
            document_id=key, filename=self.filename_of[key], pages=expected.pages, relevance=expected.relevance
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """What counts as found: place → relevance. With pages expected, places are pages; else whole documents.

    `named`: the expected documents by name, to know them among the copies of a passage.
    """

    of: Mapping[Place, float]
    with_pages: bool
    named: Mapping[str, UUID]

    def places(self, *, document_id: UUID, page: int | None, page_last: int | None) -> tuple[Place, ...]:
        """What a passage or citation covers, in the terms of this relevance."""
        if (document_id, None) in self.of or not self.with_pages:
            return ((document_id, None),)
        if page is None:
            return ((document_id, None),)
        last = min(max(page_last or page, page), page + PAGES_MAXIMUM)
        return tuple((document_id, number) for number in range(page, last + 1))

    def of_passage(self, passage: Passage) -> tuple[Place, ...]:
        """With those of its copies, which are not found beside it: they stand on the same page or nearly so."""
        copies = [self.named[name] for name in passage.copies if name in self.named]
        return tuple(
            place
            for document_id in [passage.document_id, *copies]
            for place in self.places(document_id=document_id, page=passage.page, page_last=passage.page_last)
        )


def relevance_of(expected: Iterable[Expected]) -> Relevance:
    """`expected` are resolved."""
    expected = list(expected)
    gains: dict[Place, float] = {}
    with_pages = False
    for each in expected:
        assert each.document_id is not None
        with_pages = with_pages or bool(each.pages)
        for page in each.pages or (None,):
            gains[each.document_id, page] = max(each.relevance, gains.get((each.document_id, page), 0.0))
    named = {each.filename: each.document_id for each in expected if each.document_id}
    return Relevance(of=gains, with_pages=with_pages, named=named)
