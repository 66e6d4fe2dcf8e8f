"""Weeks as bars of a small picture. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

# In units of the picture.
HEIGHT = 24
_STEP = 8
_WIDTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: int
    y: int
    width: int
    height: int
    count: int


def bars_of(counts: Sequence[int]) -> list[Bar]:
    """One bar for each week, the highest as high as the picture; weeks with nothing are a line."""
    top = max([*counts, 1])
    heights = [max(1, round(HEIGHT * count / top)) for count in counts]
    return [
        Bar(x=number * _STEP, y=HEIGHT - height, width=_WIDTH, height=height, count=count)
        for number, (height, count) in enumerate(zip(heights, counts, strict=True))
    ]
