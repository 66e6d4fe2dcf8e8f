"""Cut a document's sections into passages. Pure: no database, no model library.

Rules: a passage stands under one heading; it may run over pages; sentences are not cut; a table stays whole where it
fits, else it is cut between rows and each piece begins with the table's head. Text under one heading is divided
evenly, so that no short rest is left at its end. Texts under different headings are never joined: each keeps its own
heading path, which the embedded text carries.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

# Raised with every change that gives other passages; profiles made with another version are built anew.
CHUNKER_VERSION = 1
MINIMUM_TOKENS = 150
IDEAL_TOKENS = 300
MAXIMUM_TOKENS = 350
# A rest below this, such as the sentence before a table, joins a neighbour even if that grows to the second number.
TINY_TOKENS = 60
STRETCHED_TOKENS = 410
# The embedder reads 512 tokens; a long heading path must not push the passage out.
HEADER_CHARACTERS = 240
# Between the pieces of a passage that come from different sections, or that do not follow on each other.
SEPARATOR = "\n"

_TOKEN = re.compile(r"[A-Za-z]+|\d+|[^\W\d_A-Za-z]+|[^\w\s]|_")
# Where a unit ends: an empty line, the line before a list item, the space after a sentence. A full stop with a space
# before it ends a sentence whatever follows; otherwise the next one must not begin with a small letter.
_BREAK = re.compile(
    r"\n[^\S\n]*\n\s*"
    r"|\n(?=[^\S\n]*(?:[-*•‣▪◦–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s)"
    r"|(?<=\s[.!?])\s+"
    r"|(?<=[.!?…])(?<!\s[.!?])[\"'”’»)\]]*\s+(?=[^\sa-z])"
    r"|(?<=[。！？])\s*"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|st|no|nos|fig|figs|eq|sec|ch|vol|pp|p|vs|cf|al|approx|inc|ltd|co|corp|dept|jan|feb|mar"
    r"|apr|jun|jul|aug|sept?|oct|nov|dec|e\.g|i\.e)|\b[A-Z])\.$",
    re.IGNORECASE,
)
# What stands in a cell of figures, and what among it names a column.
_AMOUNT = re.compile(r"[-–—+(]*\s*[$€£¥]?\s*[-–—(]*\d[\d.,'\s]*[%)]*\s*[$€£¥%]?|[-–—]|\$")
_YEAR = re.compile(r"(?:FY\s*)?(?:19|20)\d\d")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSection:
    """What the chunker reads of a section; `ordinal` gives the reading order."""

    ordinal: int
    text: str
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    is_table: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkDraft:
    """A passage. `text` is exactly the characters of its spans (section ordinal, start, end), joined by SEPARATOR."""

    text: str
    heading_path: tuple[str, ...]
    page_first: int | None
    page_last: int | None
    spans: tuple[tuple[int, int, int], ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """Text that is not divided: a sentence, a table or some rows of one."""

    spans: tuple[tuple[int, int, int], ...]
    tokens: int


def tokens_approximate(text: str) -> int:
    """About how many WordPiece tokens the text has, without the tokenizer.

    A word counts 1, 2 above nine letters, 3 above thirteen; four digits 1; each mark of punctuation 1; each letter of
    a script other than Latin 1. On English prose and Markdown this was within 10 % of the real number for nine texts in
    ten; other languages and tables of odd words are estimated up to a third too low, which the distance from
    MAXIMUM_TOKENS to the model's 512 takes in.
    """
    return sum(_token_count(match.group()) for match in _TOKEN.finditer(text))


def _token_count(piece: str) -> int:
    first = piece[0]
    if first.isascii() and first.isalpha():
        return 1 + (len(piece) > 9) + (len(piece) > 13) + max(0, len(piece) - 20) // 4
    if first.isdigit():
        return (len(piece) + 3) // 4
    return len(piece)


def title_of(filename: str) -> str:
    """A file's name as words: without extension, underscores and hyphens as spaces."""
    return " ".join(re.sub(r"[_\-]+", " ", _EXTENSION.sub("", filename)).split())


def text_indexed(*, title: str, heading_path: Sequence[str], text: str) -> str:
    """The text that is embedded and whose words are counted: a header with title and headings, then the passage.

    A title that the passage begins with anyway is repeated all the same: it says what the text is about, and counting
    it twice gave better results on each data set measured.
    """
    header = " > ".join(part for part in dict.fromkeys((title, *heading_path)) if part)[:HEADER_CHARACTERS]
    return f"{header}\n{text}" if header else text


def chunks_of(sections: Iterable[SourceSection]) -> list[ChunkDraft]:
    """The passages of a document in reading order; the same sections always give the same passages."""
    chunks: list[ChunkDraft] = []
    ordered = sorted(sections, key=lambda section: section.ordinal)
    for heading_path, group in groupby(ordered, key=lambda section: section.heading_path):
        members = list(group)
        by_ordinal = {section.ordinal: section for section in members}
        units = [unit for section in members for unit in _units(section)]
        chunks += [_draft(heading_path, packed, by_ordinal) for packed in _packed(units)]
    return chunks


def _units(section: SourceSection) -> Iterator[_Unit]:
    if section.is_table:
        yield from _table_units(section)
        return
    for start, end in _sentences(section.text):
        for first, last in _pieces(section.text, start, end):
            yield _Unit(((section.ordinal, first, last),), tokens_approximate(section.text[first:last]))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence or list item, without the space around it."""
    begin = 0
    for match in _BREAK.finditer(text):
        # An initial or a short form ends no sentence, except where a line or paragraph ends with it.
        if "\n" not in match.group() and _ABBREVIATION.search(text, max(begin, match.start() - 8), match.start()):
            continue
        start, end = _trimmed(text, begin, match.end())
        if start < end:
            yield start, end
            begin = match.end()
    start, end = _trimmed(text, begin, len(text))
    if start < end:
        yield start, end


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range itself, or, where a passage cannot hold it, parts cut between words or, in what has none, anywhere."""
    if end - start <= MAXIMUM_TOKENS or tokens_approximate(text[start:end]) <= MAXIMUM_TOKENS:
        yield start, end
        return
    begin, size, last = start, 0, start
    for match in re.compile(rf"\S{{1,{MAXIMUM_TOKENS}}}").finditer(text, start, end):
        tokens = tokens_approximate(match.group())
        if size and size + tokens > IDEAL_TOKENS:
            yield _trimmed(text, begin, last)
            begin, size = match.start(), 0
        size, last = size + tokens, match.end()
    yield _trimmed(text, begin, end)


def _table_units(section: SourceSection) -> Iterator[_Unit]:
    text, ordinal = section.text, section.ordinal
    start, end = _trimmed(text, 0, len(text))
    if start == end:
        return
    tokens = tokens_approximate(text[start:end])
    if tokens <= MAXIMUM_TOKENS:
        yield _Unit(((ordinal, start, end),), tokens)
        return
    yield from _row_units(text, ordinal, [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", text)])


def _row_units(text: str, ordinal: int, rows: list[tuple[int, int]]) -> Iterator[_Unit]:
    head_end = _head_rows(text, rows)
    head = (ordinal, rows[0][0], rows[head_end - 1][1] if head_end else rows[0][0])
    head_tokens = tokens_approximate(text[head[1] : head[2]])
    # What is as long as a third of a passage is no head: repeating it would leave no room for rows.
    if head_tokens > MAXIMUM_TOKENS // 3:
        head_end = head_tokens = 0
    size = MAXIMUM_TOKENS
    groups: list[tuple[int, int]] = []
    for start, end in (piece for row in rows[head_end:] for piece in _pieces(text, *row)):
        tokens = tokens_approximate(text[start:end])
        if size + tokens > MAXIMUM_TOKENS:
            groups.append((start, end))
            size = head_tokens
        groups[-1] = (groups[-1][0], end)
        size += tokens
    for start, end in groups:
        spans = (head, (ordinal, start, end)) if head_end else ((ordinal, start, end),)
        yield _Unit(spans, head_tokens + tokens_approximate(text[start:end]))


def _head_rows(text: str, rows: Sequence[tuple[int, int]]) -> int:
    """How many rows say what the columns hold: two where Markdown's line of dashes is the second; none if there are
    amounts in the first, as where a table goes on from the page before.
    """
    if len(rows) > 1 and not text[slice(*rows[1])].strip("|-: \t"):
        return 2
    cells = re.split(r"[|\t]", text[slice(*rows[0])])
    return 0 if any(_AMOUNT.fullmatch(cell.strip()) and not _YEAR.fullmatch(cell.strip()) for cell in cells) else 1


def _packed(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """Units in groups of nearly equal size, none above MAXIMUM_TOKENS but for tiny rests."""
    total = sum(unit.tokens for unit in units)
    if not units:
        return
    if total <= MAXIMUM_TOKENS:
        yield list(units)
        return
    ideal = total / ceil(total / IDEAL_TOKENS)
    groups: list[list[_Unit]] = [[]]
    size = 0
    for unit in units:
        if groups[-1] and (size + unit.tokens > MAXIMUM_TOKENS or size + unit.tokens / 2 > ideal):
            groups.append([])
            size = 0
        groups[-1].append(unit)
        size += unit.tokens
    yield from _small_joined(groups)


def _small_joined(groups: list[list[_Unit]]) -> list[list[_Unit]]:
    """Small groups go to a neighbour that has room for them."""
    joined: list[list[_Unit]] = []
    sizes: list[int] = []
    for group in groups:
        size = sum(unit.tokens for unit in group)
        if joined and size + sizes[-1] <= _room_for(min(size, sizes[-1])):
            joined[-1] = [*joined[-1], *group]
            sizes[-1] += size
        else:
            joined.append(group)
            sizes.append(size)
    return joined


def _room_for(smaller: int) -> int:
    """How large two neighbours may become together, by the size of the smaller one."""
    if smaller < TINY_TOKENS:
        return STRETCHED_TOKENS
    return MAXIMUM_TOKENS if smaller < MINIMUM_TOKENS else 0


def _draft(heading_path: tuple[str, ...], units: Sequence[_Unit], by_ordinal: dict[int, SourceSection]) -> ChunkDraft:
    spans: list[tuple[int, int, int]] = []
    for ordinal, start, end in (span for unit in units for span in unit.spans):
        follows = spans and spans[-1][0] == ordinal and spans[-1][2] <= start
        if follows and not by_ordinal[ordinal].text[spans[-1][2] : start].strip():
            spans[-1] = (ordinal, spans[-1][1], end)
        else:
            spans.append((ordinal, start, end))
    pages = [page for ordinal, _, _ in spans if (page := by_ordinal[ordinal].page) is not None]
    return ChunkDraft(
        text=SEPARATOR.join(by_ordinal[ordinal].text[start:end] for ordinal, start, end in spans),
        heading_path=heading_path,
        page_first=min(pages, default=None),
        page_last=max(pages, default=None),
        spans=tuple(spans),
        tokens=sum(unit.tokens for unit in units),
    )
