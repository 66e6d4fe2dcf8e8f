"""Lines of a page as the layout reads them."""

from dataclasses import dataclass, field

from apps.documents.types import Box

# Stands where a word is divided at a line's end.
SOFT_HYPHEN = "\u00ad"


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    box: Box


@dataclass(slots=True)
class Line:
    """One line of text. `cells` are its parts between wide gaps; the box is in shares of the page from the top left.

    `size`: height of the letters in points, as drawn; `height`: the same as a share of the page.
    """

    cells: list[Cell]
    box: Box
    size: float
    is_bold: bool
    height: float = 0.0
    text: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.text = " ".join(cell.text for cell in self.cells)


def box_union(boxes: list[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
