"""Word files: headings by style, paragraphs, lists, tables as rows, footnotes at the end; in the document's order.

The XML is walked here rather than through python-docx's paragraphs, which leave out content controls, tracked
insertions and text boxes.
"""

import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from apps.documents.exceptions import BrokenFileError, UnreadableFileError
from apps.documents.parsers.headings import HeadingStack
from apps.documents.parsers.text import text_clean, texts_cut, units_of
from apps.documents.types import ParsedSection, ParsedUnit

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_EQUATION_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TEXT_BOX = f"{_W}txbxContent"
_LEFT_OUT = {_FALLBACK, _TEXT_BOX, f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr", f"{_W}tbl"}
_MARKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_TITLE_RANK = 0.5
_LIST_DEPTH = 8


def parse(path: Path, *, first: int = 1) -> Generator[ParsedUnit, None, None]:
    """One section a unit. Raises UnreadableFileError."""
    yield from units_of(list(_sections(path)), first=first)


def _sections(path: Path) -> Iterator[ParsedSection]:
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml.etree import XMLSyntaxError  # type: ignore[import-untyped]

    try:
        document = Document(str(path))
    except KeyError as error:
        # A part is missing, or it is the strict variant of the format, which python-docx does not know.
        raise UnreadableFileError from error
    except (OpcError, XMLSyntaxError, zipfile.BadZipFile, ValueError, AttributeError, OSError) as error:
        raise BrokenFileError from error
    writer = _Writer(_heading_ranks(document))
    writer.blocks(document.element.body)
    for note in _footnotes(document):
        writer.paragraph_add(note)
    yield from writer.finish()


class _Writer:
    """Gathers sections while the body is walked."""

    def __init__(self, ranks: dict[str, float]) -> None:
        self._ranks = ranks
        self._headings = HeadingStack()
        self._sections: list[ParsedSection] = []
        self._paragraphs: list[str] = []
        self._has_body = False

    def blocks(self, parent: Any) -> None:
        for child in parent.iterchildren():
            if child.tag == f"{_W}p":
                self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._table(child)
            elif child.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}moveTo", f"{_W}customXml"}:
                self.blocks(child)

    def _paragraph(self, element: Any) -> None:
        text = _text_of(element).strip()
        rank = self._rank_of(element)
        if rank is not None and text:
            self._heading(rank, text)
        elif text:
            self.paragraph_add(_list_mark(element) + text)
        for box in element.iter(_TEXT_BOX):
            if not any(above.tag == _FALLBACK for above in box.iterancestors()):
                self.blocks(box)

    def _heading(self, rank: float, text: str) -> None:
        # A heading with nothing under it yet stays with what follows.
        if self._has_body:
            self._flush()
        self._headings.enter(rank, text)
        self._paragraphs.append(" ".join(text.split()))

    def paragraph_add(self, text: str) -> None:
        self._paragraphs.append(text)
        self._has_body = True

    def _table(self, element: Any) -> None:
        rows = [cells for row in element.iter(f"{_W}tr") if _owner_of(row) is element if (cells := _cells_of(row))]
        if not any(any(cells) for cells in rows):
            return
        if max(len(cells) for cells in rows) == 1:
            # One column is a frame around text.
            for cells in rows:
                self.paragraph_add(cells[0])
            return
        self._flush()
        width = max(len(cells) for cells in rows)
        lines = ["| " + " | ".join([*cells, *[""] * (width - len(cells))]) + " |" for cells in rows]
        lines.insert(1, "|" + " --- |" * width)
        self._add("\n".join(lines), "table")

    def _rank_of(self, element: Any) -> float | None:
        properties = element.pPr
        if properties is None:
            return None
        level = properties.find(f"{_W}outlineLvl")
        if level is not None and (number := _number(level)) is not None and number < 9:
            return number + 1
        return self._ranks.get(properties.style) if properties.style else None

    def _flush(self) -> None:
        for piece in texts_cut("\n\n".join(self._paragraphs)):
            self._add(piece, "text")
        self._paragraphs, self._has_body = [], False

    def _add(self, text: str, kind: Any) -> None:
        self._sections.append(ParsedSection(text=text_clean(text), heading_path=self._headings.path, kind=kind))

    def finish(self) -> list[ParsedSection]:
        self._flush()
        return self._sections


def _text_of(element: Any) -> str:
    """The text of a paragraph: insertions, links and content controls too; deletions and text boxes not."""
    parts: list[str] = []
    for child in element.iterchildren():
        if child.tag in {f"{_W}t", _EQUATION_TEXT}:
            parts.append(child.text or "")
        elif child.tag in _MARKS:
            parts.append(_MARKS[child.tag])
        elif child.tag not in _LEFT_OUT:
            parts.append(_text_of(child))
    return "".join(parts)


def _owner_of(row: Any) -> Any:
    return next(row.iterancestors(f"{_W}tbl"))


def _cells_of(row: Any) -> list[str]:
    cells = [cell for cell in row.iter(f"{_W}tc") if next(cell.iterancestors(f"{_W}tr")) is row]
    return [_cell_text(cell) for cell in cells]


def _cell_text(cell: Any) -> str:
    """The cell on one line; tables inside it too."""
    paragraphs = (" ".join(_text_of(paragraph).split()) for paragraph in cell.iter(f"{_W}p"))
    return " ".join(text for text in paragraphs if text).replace("|", "\\|")


def _list_mark(element: Any) -> str:
    properties = element.pPr
    if properties is None:
        return ""
    numbering = properties.numPr
    if numbering is None and "list" not in (properties.style or "").lower():
        return ""
    level = numbering.ilvl.val if numbering is not None and numbering.ilvl is not None else 0
    return "  " * min(level, _LIST_DEPTH) + "- "


def _number(element: Any) -> int | None:
    value = element.get(f"{_W}val") or ""
    return int(value) if value.isdecimal() else None


def _heading_ranks(document: Any) -> dict[str, float]:
    """Style id to rank, for styles that are headings by name, by outline level, or by the style they build on."""
    elements = {style.get(f"{_W}styleId"): style for style in document.styles.element.iter(f"{_W}style")}
    ranks: dict[str, float] = {}
    for style_id in elements:
        seen: set[str] = set()
        current = style_id
        while current in elements and current not in seen:
            seen.add(current)
            if (rank := _style_rank(elements[current])) is not None:
                ranks[style_id] = rank
                break
            parent = elements[current].find(f"{_W}basedOn")
            current = parent.get(f"{_W}val") if parent is not None else None
    return ranks


def _style_rank(style: Any) -> float | None:
    named = style.find(f"{_W}name")
    name = (named.get(f"{_W}val") if named is not None else "").lower()
    if name == "title":
        return _TITLE_RANK
    if name.startswith("heading ") and name[8:].isdecimal():
        return float(name[8:])
    level = style.find(f"{_W}pPr/{_W}outlineLvl")
    number = _number(level) if level is not None else None
    return number + 1 if number is not None and number < 9 else None


def _footnotes(document: Any) -> Iterator[str]:
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    for part in document.part.package.iter_parts():
        if part.partname not in {"/word/footnotes.xml", "/word/endnotes.xml"}:
            continue
        try:
            root = fromstring(part.blob)
        except (ParseError, DefusedXmlException) as error:
            raise BrokenFileError from error
        for note in root:
            text = " ".join("".join(piece.text or "" for piece in note.iter(f"{_W}t")).split())
            if text:
                yield text
