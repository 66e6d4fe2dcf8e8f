"""The lines of a PDF page with their places, as pdfium orders them. Works on one page at a time."""

import ctypes
import re
from collections.abc import Iterator
from statistics import median
from typing import Any

import pypdfium2.raw as pdfium_c

from apps.documents.parsers.lines import Cell, Line, box_union
from apps.documents.parsers.text import text_clean
from apps.documents.types import Box

# Grid that pdfium maps page places to; it gives whole numbers.
_GRID = 20_000
_NEWLINES = {10, 13}
# What pdfium puts, without a newline, for a hyphen at a line's end.
_DIVIDERS = {0x02: "-", 0xFFFE: "-"}
_BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy|semibd|-bd", re.IGNORECASE)
# Wider than any space of a justified line, in heights of letters.
_CELL_GAP = 1.1
_CURRENCY = {"$", "€", "£", "¥", "US$", "(", "$("}
_AFTER = {")", "%", ")%"}
# A page with more characters than this is a drawing or an attack, not writing.
PAGE_CHARACTERS = 200_000
_FONT_NAME_BYTES = 128


def page_lines(page: Any) -> list[Line]:
    """The page's lines in reading order; pieces on one base line, side by side, are one line with several cells."""
    textpage = page.get_textpage()
    try:
        reader = _PageReader(page, textpage)
        return _joined([line for start, end in reader.ranges() if (line := reader.line(start, end))])
    finally:
        textpage.close()


class _PageReader:
    def __init__(self, page: Any, textpage: Any) -> None:
        self._page = page.raw
        self._text = textpage.raw
        self._height_points = page.get_height() or 1.0
        count = min(pdfium_c.FPDFText_CountChars(self._text), PAGE_CHARACTERS)
        self._codes = [pdfium_c.FPDFText_GetUnicode(self._text, index) for index in range(count)]

    def ranges(self) -> Iterator[tuple[int, int]]:
        start = 0
        for index, code in enumerate([*self._codes, 10]):
            if code in _NEWLINES or code in _DIVIDERS:
                end = index + (code in _DIVIDERS)
                if end > start:
                    yield start, end
                start = index + 1

    def line(self, start: int, end: int) -> Line | None:
        while start < end and self._is_space(start):
            start += 1
        while start < end and self._is_space(end - 1):
            end -= 1
        if start == end:
            return None
        size, is_bold = self._font(start, end)
        cells = [cell for piece in self._cell_ranges(start, end, size) if (cell := self._cell(*piece))]
        if not cells:
            return None
        return Line(
            cells=_signs_joined(cells),
            box=box_union([cell.box for cell in cells]),
            size=size,
            is_bold=is_bold,
            height=size / self._height_points,
        )

    def _cell(self, start: int, end: int) -> Cell | None:
        boxes = self._rectangles(start, end)
        text = self._string(start, end)
        return Cell(text, box_union(boxes)) if boxes and text else None

    def _cell_ranges(self, start: int, end: int, size: float) -> Iterator[tuple[int, int]]:
        """The line divided where the gap between two words is far wider than a space."""
        left, right, low, high = (ctypes.c_double() for _ in range(4))
        begin = index = start
        while index < end:
            if not self._is_space(index):
                index += 1
                continue
            before = index - 1
            while index < end and self._is_space(index):
                index += 1
            pdfium_c.FPDFText_GetCharBox(self._text, before, left, right, low, high)
            edge = right.value
            pdfium_c.FPDFText_GetCharBox(self._text, index, left, right, low, high)
            if left.value - edge > _CELL_GAP * size > 0:
                yield begin, before + 1
                begin = index
        yield begin, end

    def _is_space(self, index: int) -> bool:
        return self._codes[index] in {32, 9, 0xA0, 0}

    def _string(self, start: int, end: int) -> str:
        characters = (_DIVIDERS.get(code) or chr(min(code, 0x10FFFF)) for code in self._codes[start:end])
        # Letters beyond the first plane come as two halves.
        joined = "".join(characters).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return " ".join(text_clean(joined).split())

    def _rectangles(self, start: int, end: int) -> list[Box]:
        left, top, right, bottom = (ctypes.c_double() for _ in range(4))
        boxes = []
        for number in range(pdfium_c.FPDFText_CountRects(self._text, start, end - start)):
            if pdfium_c.FPDFText_GetRect(self._text, number, left, top, right, bottom):
                boxes.append(self._place(left.value, top.value, right.value, bottom.value))
        return boxes

    def _place(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Page units to shares; turned pages and crop boxes are minded by pdfium."""
        x, y = ctypes.c_int(), ctypes.c_int()
        corners = []
        for across, up in ((left, top), (right, bottom)):
            pdfium_c.FPDF_PageToDevice(self._page, 0, 0, _GRID, _GRID, 0, across, up, x, y)
            corners.append((min(max(x.value / _GRID, 0.0), 1.0), min(max(y.value / _GRID, 0.0), 1.0)))
        (x0, y0), (x1, y1) = corners
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def _font(self, start: int, end: int) -> tuple[float, bool]:
        rectangle = pdfium_c.FS_RECTF()
        sizes = []
        places = sorted({start, (start + end) // 2, end - 1})
        for index in places:
            if pdfium_c.FPDFText_GetLooseCharBox(self._text, index, rectangle):
                sizes.append(abs(rectangle.top - rectangle.bottom))
        return round(median(sizes) if sizes else 0.0, 1), all(self._is_bold(index) for index in places)

    def _is_bold(self, index: int) -> bool:
        # A space between two fonts counts for neither.
        if self._is_space(index) or pdfium_c.FPDFText_GetFontWeight(self._text, index) >= _BOLD_WEIGHT:
            return True
        name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
        pdfium_c.FPDFText_GetFontInfo(self._text, index, name, _FONT_NAME_BYTES, None)
        return bool(_BOLD_NAME.search(name.value))


def _signs_joined(cells: list[Cell]) -> list[Cell]:
    """Signs of currency and brackets, which tables set apart from their number, put back to it."""
    joined: list[Cell] = []
    for cell in cells:
        if joined and (joined[-1].text in _CURRENCY or cell.text in _AFTER):
            before = joined[-1]
            joined[-1] = Cell(f"{before.text} {cell.text}", box_union([before.box, cell.box]))
        else:
            joined.append(cell)
    return joined


def _joined(lines: list[Line]) -> list[Line]:
    """Pieces that stand side by side on one base line, one after the other in the page's order, made one line."""
    joined: list[Line] = []
    for line in lines:
        if joined and _is_beside(joined[-1], line):
            before = joined[-1]
            joined[-1] = Line(
                cells=[*before.cells, *line.cells],
                box=box_union([before.box, line.box]),
                size=max(before.size, line.size),
                is_bold=before.is_bold and line.is_bold,
                height=max(before.height, line.height),
            )
        else:
            joined.append(line)
    return joined


def _is_beside(before: Line, line: Line) -> bool:
    overlap = min(before.box[3], line.box[3]) - max(before.box[1], line.box[1])
    lower = min(before.box[3] - before.box[1], line.box[3] - line.box[1])
    return overlap > 0.5 * lower and line.box[0] >= before.box[2] - 0.005
