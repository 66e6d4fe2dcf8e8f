"""PDF: text and places by pdfium, outline by pypdf. A unit is a page."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from apps.documents.exceptions import BrokenFileError, EncryptedFileError, TooComplexError
from apps.documents.parsers.headings import HeadingStack
from apps.documents.parsers.lines import Line
from apps.documents.parsers.pdf_layout import TYPE_RANK, sections_of, style_of
from apps.documents.types import ParsedUnit

PAGES = 5_000
_SAMPLED_PAGES = 12
# A heading found by its letters holds for at most so many pages; so many are read again when reading is taken up in
# the middle, which gives the same headings as reading through.
_HEADING_PAGES = 20
_OUTLINE_ENTRIES = 5_000
_OUTLINE_DEPTH = 6
_ERROR_PASSWORD = 4


def parse(path: Path, *, first: int = 1) -> Generator[ParsedUnit, None, None]:
    """One unit a page. A page that pdfium cannot open is empty. Raises UnreadableFileError."""
    document = _opened(path)
    try:
        total = len(document)
        if not total:
            raise BrokenFileError
        if total > PAGES:
            raise TooComplexError
        yield from _units(document, total, first, _outline(path))
    finally:
        document.close()


def _opened(path: Path) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise (EncryptedFileError if error.err_code == _ERROR_PASSWORD else BrokenFileError) from error


def _units(document: Any, total: int, first: int, outline: dict[int, list[tuple[int, str]]]) -> Iterator[ParsedUnit]:
    step = max(1, total // _SAMPLED_PAGES)
    sample = {number: _lines(document, number) for number in range(1, total + 1, step)}
    style = style_of(list(sample.values()), outline)
    headings = HeadingStack()
    begin = max(1, first - _HEADING_PAGES)
    _outline_enter(headings, outline, before=begin)
    for number in range(begin, total + 1):
        headings.expire(before_page=number - _HEADING_PAGES, from_rank=TYPE_RANK)
        lines = sample.pop(number, None) or _lines(document, number)
        sections = sections_of(lines, page=number, style=style, headings=headings)
        if number >= first:
            yield ParsedUnit(number=number, total=total, sections=sections, is_page=True)


def _outline_enter(headings: HeadingStack, outline: dict[int, list[tuple[int, str]]], *, before: int) -> None:
    for page in sorted(page for page in outline if page < before):
        for level, title in outline[page]:
            headings.enter(level, title, page)


def _lines(document: Any, number: int) -> list[Line]:
    import pypdfium2

    from apps.documents.parsers.pdf_lines import page_lines

    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return []
    try:
        return page_lines(page)
    finally:
        page.close()


def _outline(path: Path) -> dict[int, list[tuple[int, str]]]:
    """Titles of the outline by page: (level from 0, title), in order. Empty where there is none that can be read."""
    import pypdf
    from pypdf.errors import PyPdfError

    entries: dict[int, list[tuple[int, str]]] = {}
    # Outlines of real files are broken in all these ways; the text does not depend on them.
    broken = (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OSError)
    with suppress(*broken), pypdf.PdfReader(path) as reader:
        for page, level, title in islice(_outline_flat(reader, reader.outline, 0), _OUTLINE_ENTRIES):
            entries.setdefault(page, []).append((level, title))
    return entries


def _outline_flat(reader: Any, nodes: Sequence[Any], level: int) -> Iterator[tuple[int, int, str]]:
    for node in nodes:
        if isinstance(node, list):
            if level < _OUTLINE_DEPTH:
                yield from _outline_flat(reader, node, level + 1)
            continue
        index = reader.get_destination_page_number(node)
        title = " ".join(str(node.title or "").replace("\x00", "").split())
        if index is not None and index >= 0 and title:
            yield index + 1, level, title
