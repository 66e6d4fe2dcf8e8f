"""Cut a document's sections into passages. Pure: no database, no model library.

Rules: sentences are not cut; a table stays whole where it fits, else it is cut between rows and each piece begins with
the table's caption and head. The passages of a page's tables stand under the title at its top. Text under one heading
is divided evenly, at the ends of pages where these hold enough for a passage. What is small joins its neighbour on the
page, also under another heading: such a passage stands under the heading of its larger part, and the line of each
heading that begins in it is in its text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from math import ceil

from apps.rag.chunk_units import ChunkSizes, SourceSection, Span, Unit, sentences_of, tokens_approximate, units_of

__all__ = [
    "CHUNKER_VERSION",
    "SEPARATOR",
    "ChunkDraft",
    "ChunkSizes",
    "SourceSection",
    "chunks_of",
    "sentences_of",
    "text_indexed",
    "title_of",
    "tokens_approximate",
]

# Raised with every change that gives other passages; profiles made with another version are built anew.
CHUNKER_VERSION = 2
# The embedder reads 512 tokens; a long heading path must not push the passage out.
HEADER_CHARACTERS = 240
_TITLE_CHARACTERS = 120
# What stands at the top of a page is its title up to this length; a line of more words that ends as a sentence is text.
_PAGE_TITLE_CHARACTERS = 220
_SHORT_WORDS = 6
# Between the pieces of a passage that come from different sections, or that do not follow on each other.
SEPARATOR = "\n"

_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkDraft:
    """A passage. `text` is exactly the characters of its spans (section ordinal, start, end), joined by SEPARATOR."""

    text: str
    heading_path: tuple[str, ...]
    page_first: int | None
    page_last: int | None
    spans: tuple[Span, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Units that become one passage."""

    heading_path: tuple[str, ...]
    units: tuple[Unit, ...]

    @property
    def tokens(self) -> int:
        return sum(unit.tokens for unit in self.units)


def title_of(filename: str) -> str:
    """A file's name as words: without extension, underscores and hyphens as spaces."""
    return " ".join(re.sub(r"[_\-]+", " ", _EXTENSION.sub("", filename)).split())


def text_indexed(*, title: str, heading_path: Sequence[str], text: str) -> str:
    """The text that is embedded and whose words are counted: a header with title and headings, then the passage.

    Where the header would become too long the outer headings go. A title that the passage begins with anyway is
    repeated all the same: it says what the text is about, and counting it twice gave better results on each data set
    measured.
    """
    title = title[:_TITLE_CHARACTERS]
    inner = list(dict.fromkeys(part for part in heading_path if part and part != title))
    while len(inner) > 1 and len(" > ".join((title, *inner))) > HEADER_CHARACTERS:
        inner.pop(0)
    header = " > ".join(part for part in (title, *inner) if part)[:HEADER_CHARACTERS]
    return f"{header}\n{text}" if header else text


def chunks_of(sections: Iterable[SourceSection], *, sizes: ChunkSizes | None = None) -> list[ChunkDraft]:
    """The passages of a document in reading order; the same sections always give the same passages."""
    sizes = sizes or ChunkSizes()
    ordered = sorted(sections, key=lambda section: section.ordinal)
    groups = [
        _Group(heading_path=heading_path, units=tuple(packed))
        for heading_path, members in groupby(ordered, key=lambda section: section.heading_path)
        for run in _page_runs(list(units_of(list(members), sizes)), sizes)
        for packed in _packed(run, sizes)
    ]
    by_ordinal = {section.ordinal: section for section in ordered}
    titles = _page_titles(ordered)
    return [_draft(group, by_ordinal, titles) for group in _small_merged(groups, sizes)]


def _page_runs(units: Sequence[Unit], sizes: ChunkSizes) -> list[list[Unit]]:
    """Units by page; a page with too little for a passage goes with the one before or after it."""
    runs: list[list[Unit]] = []
    for _, members in groupby(units, key=lambda unit: unit.page):
        page = list(members)
        size, before = _tokens(page), _tokens(runs[-1]) if runs else 0
        if runs and min(before, size) < sizes.minimum and before + size <= sizes.maximum:
            runs[-1] += page
        else:
            runs.append(page)
    return runs


def _packed(units: Sequence[Unit], sizes: ChunkSizes) -> Iterator[list[Unit]]:
    """Units in groups of nearly equal size, none above the maximum but for tiny rests."""
    total = _tokens(units)
    if not total:
        return
    ideal = total / ceil(total / sizes.ideal)
    groups: list[list[Unit]] = [[]]
    size = 0
    for unit in units:
        if groups[-1] and (size + unit.tokens > sizes.maximum or size + unit.tokens / 2 > ideal):
            groups.append([])
            size = 0
        groups[-1].append(unit)
        size += unit.tokens
    yield from _small_joined(groups, sizes)


def _small_joined(groups: Sequence[list[Unit]], sizes: ChunkSizes) -> list[list[Unit]]:
    """Small groups go to a neighbour that has room for them."""
    joined: list[list[Unit]] = []
    for group in groups:
        size, before = _tokens(group), _tokens(joined[-1]) if joined else 0
        if joined and size + before <= _room_for(min(size, before), sizes):
            joined[-1] = [*joined[-1], *group]
        else:
            joined.append(group)
    return joined


def _room_for(smaller: int, sizes: ChunkSizes) -> int:
    """How large two neighbours may become together, by the size of the smaller one."""
    if smaller < sizes.tiny:
        return sizes.stretched
    return sizes.maximum if smaller < sizes.minimum else 0


def _tokens(units: Iterable[Unit]) -> int:
    return sum(unit.tokens for unit in units)


def _small_merged(groups: Iterable[_Group], sizes: ChunkSizes) -> list[_Group]:
    """Small neighbours under different headings of a page made one."""
    merged: list[_Group] = []
    for group in groups:
        if merged and _may_merge(merged[-1], group, sizes):
            before = merged.pop()
            path = (group if group.tokens > before.tokens else before).heading_path
            group = _Group(heading_path=path, units=before.units + group.units)
        merged.append(group)
    return merged


def _may_merge(before: _Group, group: _Group, sizes: ChunkSizes) -> bool:
    if before.units[-1].page != group.units[0].page:
        return False
    smaller = min(before.tokens, group.tokens)
    room = sizes.stretched if smaller < sizes.tiny else sizes.ideal
    return smaller < sizes.minimum and before.tokens + group.tokens <= room


def _page_titles(sections: Iterable[SourceSection]) -> dict[int, str]:
    """The lines at the top of a page that title it, such as the name of a statement and its unit, as one."""
    titles: dict[int, str] = {}
    for page, members in groupby(sections, key=lambda section: section.page):
        first = next(members)
        if page is not None and not first.is_table:
            lines = (line.strip() for line in first.text.split("\n") if line.strip())
            title = " ".join(takewhile(_is_title_like, lines))
            titles[page] = title if len(title) <= _PAGE_TITLE_CHARACTERS else ""
    return titles


def _is_title_like(line: str) -> bool:
    is_sentence = line.endswith((".", ",", ";")) and len(line.split()) > _SHORT_WORDS
    letters = sum(character.isalpha() for character in line)
    return not is_sentence and not line[0].islower() and letters >= max(3, 0.4 * len(line))


def _titled(draft: ChunkDraft, title: str) -> ChunkDraft:
    """With its page's title above the last heading, unless the passage or its headings have it."""
    key = _letters(title)
    known = [_letters(heading) for heading in draft.heading_path]
    if not key or key in _letters(draft.text) or any(key in heading or heading in key for heading in known):
        return draft
    return replace(draft, heading_path=(*draft.heading_path[:-1], title, *draft.heading_path[-1:]))


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _draft(group: _Group, by_ordinal: Mapping[int, SourceSection], titles: Mapping[int, str]) -> ChunkDraft:
    spans: list[Span] = []
    for ordinal, start, end in (span for unit in group.units for span in unit.spans):
        follows = spans and spans[-1][0] == ordinal and spans[-1][2] <= start
        if follows and not by_ordinal[ordinal].text[spans[-1][2] : start].strip():
            spans[-1] = (ordinal, spans[-1][1], end)
        else:
            spans.append((ordinal, start, end))
    pages = [page for ordinal, _, _ in spans if (page := by_ordinal[ordinal].page) is not None]
    draft = ChunkDraft(
        text=SEPARATOR.join(by_ordinal[ordinal].text[start:end] for ordinal, start, end in spans),
        heading_path=group.heading_path,
        page_first=min(pages, default=None),
        page_last=max(pages, default=None),
        spans=tuple(spans),
        tokens=group.tokens,
    )
    # Of a table that fills a page the later passages would not say what it is a table of.
    has_table = any(by_ordinal[ordinal].is_table for ordinal, _, _ in spans)
    return _titled(draft, titles.get(pages[0], "")) if has_table and pages else draft
