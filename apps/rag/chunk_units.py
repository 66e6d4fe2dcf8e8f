"""What passages are put together from: sentences, list items, tables, not divided without need. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
_ROW = re.compile(r"[^\n]*\S[^\n]*")
# Of the text before a table so much, counted from its end, is repeated where the table is cut.
_CAPTION_TOKENS = 60

Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSizes:
    """How large passages become, in tokens. The defaults leave room for the header in the 512 that embedders read."""

    minimum: int = 150
    ideal: int = 300
    maximum: int = 350

    @property
    def tiny(self) -> int:
        """A rest below this, such as the sentence before a table, joins a neighbour that has no room left."""
        return self.minimum * 2 // 5

    @property
    def stretched(self) -> int:
        """What a passage with a tiny rest may grow to."""
        return self.maximum + self.tiny


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSection:
    """What the chunker reads of a section; `ordinal` gives the reading order."""

    ordinal: int
    text: str
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    is_table: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Text that is not divided: a sentence, a table or some rows of one. `spans`: section ordinal, start, end."""

    spans: tuple[Span, ...]
    tokens: int
    page: int | None


def tokens_approximate(text: str) -> int:
    """About how many WordPiece tokens the text has, without the tokenizer.

    A word counts 1, 2 above nine letters, 3 above thirteen; four digits 1; each mark of punctuation 1; each letter of
    a script other than Latin 1. On English prose and Markdown this was within 10 % of the real number for nine texts in
    ten; other languages and tables of odd words are estimated up to a third too low, which the distance from the
    maximum to the model's 512 takes in.
    """
    return sum(_token_count(match.group()) for match in _TOKEN.finditer(text))


def _token_count(piece: str) -> int:
    first = piece[0]
    if first.isascii() and first.isalpha():
        return 1 + (len(piece) > 9) + (len(piece) > 13) + max(0, len(piece) - 20) // 4
    if first.isdigit():
        return (len(piece) + 3) // 4
    return len(piece)


def sentences_of(text: str, *, is_table: bool = False) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence or list item, or of each row of a table, without the space around it."""
    if is_table:
        yield from (match.span() for match in _ROW.finditer(text))
    else:
        yield from _sentences(text)


def units_of(sections: Sequence[SourceSection], sizes: ChunkSizes) -> Iterator[Unit]:
    """The units of sections that follow on each other under one heading.

    A table that no passage holds is cut between rows. Each further piece begins with what stands before the table on
    its page, such as its title, and with the rows that name its columns.
    """
    before: list[Unit] = []
    for section in sections:
        if section.is_table:
            yield from _table_units(section, _caption(before, section), sizes)
            before = []
        else:
            found = list(_text_units(section, sizes))
            before += found
            yield from found


def _text_units(section: SourceSection, sizes: ChunkSizes) -> Iterator[Unit]:
    for start, end in _sentences(section.text):
        for first, last in _pieces(section.text, start, end, sizes):
            yield _unit(section, (section.ordinal, first, last))


def _unit(section: SourceSection, *spans: Span, repeated: int = 0) -> Unit:
    """`repeated`: tokens of spans of other sections, which come before those of this one."""
    own = [span for span in spans if span[0] == section.ordinal]
    tokens = repeated + sum(tokens_approximate(section.text[start:end]) for _, start, end in own)
    return Unit(spans=spans, tokens=tokens, page=section.page)


def _caption(before: Sequence[Unit], table: SourceSection) -> Sequence[Unit]:
    """The last units before the table on its page that are short enough to be repeated."""
    caption: list[Unit] = []
    tokens = 0
    for unit in reversed(before):
        tokens += unit.tokens
        if tokens > _CAPTION_TOKENS or unit.page != table.page:
            break
        caption.insert(0, unit)
    return caption


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _sentences(text: str) -> Iterator[tuple[int, int]]:
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


def _pieces(text: str, start: int, end: int, sizes: ChunkSizes) -> Iterator[tuple[int, int]]:
    """The range itself, or, where a passage cannot hold it, parts cut between words or, in what has none, anywhere."""
    if end - start <= sizes.maximum or tokens_approximate(text[start:end]) <= sizes.maximum:
        yield start, end
        return
    begin, size, last = start, 0, start
    for match in re.compile(rf"\S{{1,{sizes.maximum}}}").finditer(text, start, end):
        tokens = tokens_approximate(match.group())
        if size and size + tokens > sizes.ideal:
            yield _trimmed(text, begin, last)
            begin, size = match.start(), 0
        size, last = size + tokens, match.end()
    yield _trimmed(text, begin, end)


def _table_units(section: SourceSection, caption: Sequence[Unit], sizes: ChunkSizes) -> Iterator[Unit]:
    start, end = _trimmed(section.text, 0, len(section.text))
    if start == end:
        return
    whole = _unit(section, (section.ordinal, start, end))
    if whole.tokens <= sizes.maximum:
        yield whole
        return
    yield from _row_units(section, [match.span() for match in _ROW.finditer(section.text)], caption, sizes)


def _row_units(
    section: SourceSection, rows: list[tuple[int, int]], caption: Sequence[Unit], sizes: ChunkSizes
) -> Iterator[Unit]:
    text, ordinal = section.text, section.ordinal
    head_end = _head_rows(text, rows)
    head = (ordinal, rows[0][0], rows[head_end - 1][1] if head_end else rows[0][0])
    head_tokens = tokens_approximate(text[head[1] : head[2]])
    # What is as long as a third of a passage is no head: repeating it would leave no room for rows.
    if head_tokens > sizes.maximum // 3:
        head_end = head_tokens = 0
    repeated = sum(unit.tokens for unit in caption)
    caption_spans = tuple(span for unit in caption for span in unit.spans)
    head_spans = (head,) if head_end else ()
    groups = _row_groups(text, rows[head_end:], sizes, first=head_tokens, others=head_tokens + repeated)
    for number, (start, end) in enumerate(groups):
        # The first piece follows on its caption anyway.
        if number:
            yield _unit(section, *caption_spans, *head_spans, (ordinal, start, end), repeated=repeated)
        else:
            yield _unit(section, *head_spans, (ordinal, start, end))


def _row_groups(
    text: str, rows: Sequence[tuple[int, int]], sizes: ChunkSizes, *, first: int, others: int
) -> list[tuple[int, int]]:
    """Runs of rows that fill a passage; `first` and `others`: the tokens that come before them in it."""
    groups: list[tuple[int, int]] = []
    size = sizes.maximum
    for start, end in (piece for row in rows for piece in _pieces(text, *row, sizes)):
        tokens = tokens_approximate(text[start:end])
        if not groups or size + tokens > sizes.maximum:
            size = others if groups else first
            groups.append((start, end))
        groups[-1] = (groups[-1][0], end)
        size += tokens
    return groups


def _head_rows(text: str, rows: Sequence[tuple[int, int]]) -> int:
    """How many rows say what the columns hold: two where Markdown's line of dashes is the second; none if there are
    amounts in the first, as where a table goes on from the page before.
    """
    if len(rows) > 1 and not text[slice(*rows[1])].strip("|-: \t"):
        return 2
    cells = re.split(r"[|\t]", text[slice(*rows[0])])
    return 0 if any(_AMOUNT.fullmatch(cell.strip()) and not _YEAR.fullmatch(cell.strip()) for cell in cells) else 1
