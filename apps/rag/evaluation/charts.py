"""The history of runs as lines in an SVG: numbers for the template, no text of documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.rag.evaluation.metrics import METRICS

# In units of the picture, which scales with its frame.
WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 36, 12, 12, 26
SHOWN = ("ndcg_10", "recall_20", "page_hit_5")
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A complete run, oldest first in a chart. `metrics`: name → mean."""

    moment: datetime
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`number`: which of the styles of lines. `points`: as a polyline wants them."""

    number: int
    title: str
    points: str
    dots: Sequence[Dot]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridLine:
    y: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    width: int
    height: int
    left: int
    right: int
    grid: Sequence[GridLine]
    lines: Sequence[Line]
    first: datetime
    last: datetime
    baseline: int


def chart_of(measurements: Sequence[Measurement]) -> Chart | None:
    """None for less than two runs: there is no history yet. Runs stand at equal distances."""
    if len(measurements) < 2:
        return None
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        grid=[GridLine(y=_y(value), label=f"{value:g}") for value in GRID],
        lines=[line for number, name in enumerate(SHOWN, start=1) if (line := _line(number, name, measurements))],
        first=measurements[0].moment,
        last=measurements[-1].moment,
        baseline=HEIGHT - 6,
    )


def _line(number: int, name: str, measurements: Sequence[Measurement]) -> Line | None:
    step = (WIDTH - LEFT - RIGHT) / (len(measurements) - 1)
    title = METRICS[name].title
    dots = [
        Dot(
            x=round(LEFT + place * step, 1),
            y=_y(each.metrics[name]),
            title=f"{title} {each.metrics[name]:.3f}, {each.moment:%Y-%m-%d}",
        )
        for place, each in enumerate(measurements)
        if name in each.metrics
    ]
    if not dots:
        return None
    return Line(number=number, title=title, points=" ".join(f"{dot.x},{dot.y}" for dot in dots), dots=dots)


def _y(value: float) -> float:
    return round(TOP + (1 - min(max(value, 0.0), 1.0)) * (HEIGHT - TOP - BOTTOM), 1)
