"""From the lines of a PDF page to sections: headings, paragraphs, tables. Pure: knows no PDF library."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from apps.documents.parsers.headings import HeadingStack
from apps.documents.parsers.lines import SOFT_HYPHEN, Line
from apps.documents.types import LineBox, ParsedSection

# Ranks of headings found by their letters; the outline's own levels lie far below, so above them in the path.
TYPE_RANK = 50.0
_TYPE_RANK_TOP = 200.0
_BIG = 1.15
_HEADING_CHARACTERS = 160
_BOLD_CHARACTERS = 120
_TABLE_CELL_CHARACTERS = 60
_BREAK_IN_TABLE_CHARACTERS = 80
_MARGIN = 0.1
_LIST_MARK = re.compile(r"(?:[•‣▪◦●○■□➢➤✓*–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)])$")
_LIST_ITEM = re.compile(r"(?:[•‣▪◦●○■□➢➤✓–-]\s?|(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{2,5})\)|\d{1,3}\.)\s)\S")
_NUMBERED_TITLE = re.compile(r"(?:item|note|part|section|chapter|article|\d)[\s\d.].{0,60}$", re.IGNORECASE)
_SENTENCE_END = (".", "!", "?", ":", ";")
_HYPHENS = ("-", "\u2010", SOFT_HYPHEN)
# Beginnings that nearly always keep their hyphen and hardly ever begin a divided word.
_HYPHENATED = {"well-", "self-", "cross-"}
_ROUNDING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStyle:
    """What is usual in the document: size of its letters, lines repeated at the pages' edges, titles by page."""

    body_size: float = 0.0
    is_body_bold: bool = False
    repeated: frozenset[str] = frozenset()
    outline: dict[int, list[tuple[int, str]]] = field(default_factory=dict)


def style_of(pages: Sequence[Sequence[Line]], outline: dict[int, list[tuple[int, str]]]) -> PageStyle:
    """The style, from a sample of pages."""
    sizes: Counter[float] = Counter()
    bold = total = 0
    edges: Counter[str] = Counter()
    for lines in pages:
        for line in lines:
            sizes[_half(line.size)] += len(line.text)
            total += len(line.text)
            bold += len(line.text) * line.is_bold
        edges.update({_edge_key(line) for line in lines if _is_at_edge(line)})
    often = max(3, len(pages) * 0.4)
    return PageStyle(
        body_size=sizes.most_common(1)[0][0] if sizes else 0.0,
        is_body_bold=bold > total / 2,
        repeated=frozenset(key for key, count in edges.items() if count >= often),
        outline=outline,
    )


def sections_of(
    lines: Iterable[Line], *, page: int, style: PageStyle, headings: HeadingStack
) -> tuple[ParsedSection, ...]:
    """The page's sections in reading order; `headings` is left as it is at the page's end.

    A heading's own line begins its section. Each line has its box; boxes cover the text except for the joints.
    """
    kept = _without_repeated(list(lines), page, style)
    writer = _PageWriter(page, style, headings, kept)
    index = 0
    for start, end in _tables(kept):
        writer.prose(kept[index:start])
        writer.table(kept[start:end])
        index = end
    writer.prose(kept[index:])
    return writer.finish()


def _half(size: float) -> float:
    return round(size * 2) / 2


def _is_at_edge(line: Line) -> bool:
    return line.box[3] < _MARGIN or line.box[1] > 1 - _MARGIN


def _edge_key(line: Line) -> str:
    return re.sub(r"\d+|\b[ivxl]+\b", "#", line.text.lower())


def _without_repeated(lines: list[Line], page: int, style: PageStyle) -> list[Line]:
    """Running heads and feet are left out, for they would stand in the middle of sentences; the first page keeps them,
    its foot at the end.
    """
    repeated = [line for line in lines if _is_at_edge(line) and _edge_key(line) in style.repeated]
    if page == 1:
        repeated = [line for line in repeated if line.box[1] > 1 - _MARGIN]
    kept = [line for line in lines if line not in repeated]
    return kept + repeated if page == 1 else kept


def _tables(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """Runs of at least two lines with several cells; one short line between two such lines belongs to the run."""
    runs: list[tuple[int, int]] = []
    for index, line in enumerate(lines):
        if not _is_row(line):
            continue
        near = runs and (index == runs[-1][1] or (index == runs[-1][1] + 1 and _fits_in_table(lines[index - 1])))
        if near:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return [(start, end) for start, end in runs if sum(_is_row(line) for line in lines[start:end]) > 1]


def _is_row(line: Line) -> bool:
    cells = line.cells
    if len(cells) == 2 and _LIST_MARK.match(cells[0].text):
        return False
    return len(cells) > 1 and len(line.text) / len(cells) <= _TABLE_CELL_CHARACTERS


def _fits_in_table(line: Line) -> bool:
    return len(line.text) <= _BREAK_IN_TABLE_CHARACTERS


class _PageWriter:
    """Builds the page's sections from top to bottom."""

    def __init__(self, page: int, style: PageStyle, headings: HeadingStack, lines: Sequence[Line]) -> None:
        self._page, self._style, self._headings = page, style, headings
        self._outline = list(style.outline.get(page, []))
        self._words = set(re.findall(r"[\w-]+", " ".join(line.text for line in lines).lower()))
        self._sections: list[ParsedSection] = []
        self._text = ""
        self._boxes: list[LineBox] = []
        self._has_body = False
        self._before: Line | None = None
        self._is_heading_open = False
        # Outline entries whose line is not on the page hold from its top.
        found = {_title_key(line.text) for line in lines}
        for level, title in self._outline:
            if _title_key(title) not in found:
                headings.enter(level, title, page)

    def prose(self, lines: Sequence[Line]) -> None:
        edge = max((line.box[2] for line in lines), default=1.0)
        for line in lines:
            rank = self._rank_of(line)
            if rank is not None:
                self._heading(rank, line)
                continue
            if not self._has_body or self._is_heading_open or self._starts_paragraph(line, edge):
                self._append(line, "\n\n")
            else:
                self._join(line)
            self._has_body, self._is_heading_open = True, False
            self._before = line

    def table(self, lines: Sequence[Line]) -> None:
        self._flush()
        for line in lines:
            self._append(line, "\n", " | ".join(cell.text for cell in line.cells))
        self._flush("table")

    def finish(self) -> tuple[ParsedSection, ...]:
        self._flush()
        return tuple(self._sections)

    def _rank_of(self, line: Line) -> float | None:
        for level, title in self._outline:
            if _title_key(title) == _title_key(line.text):
                return level
        if not _is_title_like(line):
            return None
        style = self._style
        if line.size >= style.body_size * _BIG and len(line.text) <= _HEADING_CHARACTERS:
            return max(TYPE_RANK, _TYPE_RANK_TOP - _half(line.size))
        if line.is_bold and not style.is_body_bold and line.size >= style.body_size * 0.95:
            is_title = not line.text.endswith((".", ",", ";")) or _NUMBERED_TITLE.match(line.text)
            return _TYPE_RANK_TOP - style.body_size if is_title and len(line.text) <= _BOLD_CHARACTERS else None
        return None

    def _heading(self, rank: float, line: Line) -> None:
        before = self._before
        if self._is_heading_open and before is not None and _continues_title(before, line) and rank >= TYPE_RANK:
            # A title over several lines is one heading.
            title = f"{self._headings.path[-1]} {line.text}" if self._headings.path else line.text
            self._headings.enter(rank, title, self._page)
            self._join(line)
        else:
            # A heading with nothing under it yet stays with what follows.
            if self._has_body:
                self._flush()
            self._headings.enter(rank, line.text, self._page)
            self._append(line, "\n\n")
        self._before, self._is_heading_open = line, True

    def _starts_paragraph(self, line: Line, edge: float) -> bool:
        before = self._before
        if before is None or abs(before.size - line.size) > 0.12 * max(before.size, line.size):
            return True
        step = (line.box[3] - before.box[3]) / (max(before.height, line.height) or 0.01)
        if not 0.3 < step < 1.75 or _LIST_ITEM.match(line.text):
            return True
        is_short = before.box[2] < edge - 0.15 * (edge - before.box[0])
        return is_short and before.text.endswith(_SENTENCE_END)

    def _append(self, line: Line, joint: str, text: str = "") -> None:
        if self._text:
            self._text += joint
        start = len(self._text)
        self._text += text or line.text
        self._box(start, line)

    def _join(self, line: Line) -> None:
        """Add the line to the paragraph. A word divided at the line's end becomes whole; offsets stay right."""
        if self._text.endswith(_HYPHENS) and line.text[:1].islower() and self._text[-2:-1].isalpha():
            if not self._keeps_hyphen(line):
                self._text = self._text[:-1]
                self._boxes[-1] = self._boxes[-1]._replace(end=len(self._text))
        else:
            self._text += " "
        start = len(self._text)
        self._text += line.text
        self._box(start, line)

    def _keeps_hyphen(self, line: Line) -> bool:
        """A plain hyphen may belong to the word: it stays if the page has the word with it and not without."""
        if self._text.endswith(SOFT_HYPHEN):
            return False
        first = re.search(r"[\w-]+-$", self._text)
        rest = re.match(r"\w+", line.text)
        if first is None or rest is None:
            return True
        head, tail = first.group().lower(), rest.group().lower()
        if head in _HYPHENATED:
            return True
        return f"{head}{tail}" in self._words and f"{head[:-1]}{tail}" not in self._words

    def _box(self, start: int, line: Line) -> None:
        self._boxes.append(LineBox(start, len(self._text), *(round(share, _ROUNDING) for share in line.box)))

    def _flush(self, kind: str = "text") -> None:
        if self._text.strip():
            self._sections.append(
                ParsedSection(
                    # What is left of soft hyphens stands inside a line, where the page shows a hyphen.
                    text=self._text.replace(SOFT_HYPHEN, "-"),
                    heading_path=self._headings.path,
                    kind="table" if kind == "table" else "text",
                    page=self._page,
                    boxes=tuple(self._boxes),
                )
            )
        self._text, self._boxes, self._has_body = "", [], False
        self._before, self._is_heading_open = None, False


def _title_key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _is_title_like(line: Line) -> bool:
    text = line.text
    letters = sum(character.isalpha() for character in text)
    is_upright = line.box[2] - line.box[0] > 0 and line.size > 0
    return is_upright and letters >= 2 and letters >= 0.4 * len(text) and not text[:1].islower()


def _continues_title(before: Line, line: Line) -> bool:
    step = (line.box[3] - before.box[3]) / (before.height or 0.01)
    return before.is_bold == line.is_bold and abs(before.size - line.size) < 0.6 and 0.3 < step < 1.75
