"""Makes handbook.pdf from handbook.md: `python apps/documents/sample/make.py`. Needs the development requirements."""

import re
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageBreak, PageTemplate, Paragraph, Spacer, Table
from typing_extensions import override

_FOLDER = Path(__file__).parent
_INK = colors.HexColor("#1d2a33")
_ACCENT = colors.HexColor("#0b6e75")
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=11, leading=16, spaceAfter=8, textColor=_INK)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=10, leading=13, spaceAfter=0)
_HEADINGS = {
    1: ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=24, leading=30, spaceAfter=14, textColor=_ACCENT),
    2: ParagraphStyle(
        "h2", fontName="Helvetica-Bold", fontSize=14, leading=20, spaceBefore=10, spaceAfter=4, textColor=_INK
    ),
}


class _Handbook(BaseDocTemplate):  # type: ignore[misc]
    """Puts every heading into the outline."""

    @override
    def afterFlowable(self, flowable: Flowable) -> None:
        level = getattr(flowable, "outline_level", None)
        if level is not None:
            key = f"heading-{flowable.getPlainText()}"
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key, level)


def _footer(canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.setFillColor(colors.grey)
    canvas.drawString(25 * mm, 12 * mm, "Harbour & Field Ltd., an invented company")
    canvas.drawRightString(A4[0] - 25 * mm, 12 * mm, f"Page {canvas.getPageNumber()}")


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(text.replace("&", "&amp;"), style)


def _table(lines: list[str]) -> Table:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not set(line) <= set("|- ")]
    cells = [
        [_paragraph(f"<b>{cell}</b>" if not number else cell, _CELL) for cell in row] for number, row in enumerate(rows)
    ]
    width = (A4[0] - 50 * mm) / len(rows[0])
    return Table(
        cells,
        colWidths=[width] * len(rows[0]),
        style=[
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.lightgrey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8f1f2")),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ],
    )


def _flowables(text: str) -> list[Flowable]:
    flowables: list[Flowable] = []
    for block in re.split(r"\n{2,}", text.strip()):
        if block == "---":
            flowables.append(PageBreak())
        elif match := re.match(r"(#+) (.+)", block):
            heading = _paragraph(match[2], _HEADINGS[len(match[1])])
            heading.outline_level = len(match[1]) - 1
            flowables.append(heading)
        elif block.startswith("|"):
            flowables += [Spacer(0, 4), _table(block.split("\n")), Spacer(0, 8)]
        else:
            flowables.append(_paragraph(block, _BODY))
    return flowables


def main() -> None:
    """Write handbook.pdf; the same text always gives the same bytes."""
    handbook = _Handbook(
        str(_FOLDER / "handbook.pdf"), pagesize=A4, title="Welcome handbook", author="Harbour & Field Ltd.", invariant=1
    )
    frame = Frame(25 * mm, 22 * mm, A4[0] - 50 * mm, A4[1] - 45 * mm, id="page")
    handbook.addPageTemplates(PageTemplate(frames=[frame], onPage=_footer))
    handbook.build(_flowables((_FOLDER / "handbook.md").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
