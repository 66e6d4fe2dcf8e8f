"""Figures as tables on the console and as JSON in the data folder."""

import json
import platform
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from typing import Any

from chatbot.dev.layout import Layout

Row = dict[str, Any]


def folder() -> Path:
    """Where figures go; made if need be."""
    path = Layout.from_environment().data / "bench"
    path.mkdir(parents=True, exist_ok=True)
    return path


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie; the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report_print(name: str, figures: Row) -> None:
    """Lists of rows and dictionaries of rows become tables, the rest lines."""
    print(f"\n== {name} ==")
    plain = {key: value for key, value in figures.items() if not _rows(value)}
    for key, text in _flat(plain).items():
        print(f"{key:<32} {text}")
    for key, value in figures.items():
        if rows := _rows(value):
            print(f"\n{key}")
            print(table(rows))


def report_save(name: str, figures: Row) -> Path:
    """Write `<data folder>/bench/<name>-<time>.json` and give its path."""
    moment = datetime.now(UTC)
    path = folder() / f"{name}-{moment:%Y%m%dT%H%M%S}.json"
    machine = {"system": platform.system(), "machine": platform.machine(), "cores": cpu_count()}
    path.write_text(json.dumps({"name": name, "at": moment.isoformat(), "machine": machine, **figures}, indent=2))
    return path


def table(rows: list[Row]) -> str:
    """Columns in the order they first appear, numbers to the right."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[_text(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[n]) for line in cells)) for n, column in enumerate(columns)]
    is_number = [all(isinstance(row.get(column), int | float) for row in rows) for column in columns]

    def line(texts: list[str]) -> str:
        placed = zip(texts, widths, is_number, strict=True)
        return "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in placed).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, cells)])


def _rows(value: Any) -> list[Row]:
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return value
    if isinstance(value, dict) and value and all(isinstance(row, dict) for row in value.values()):
        rows = [{"": key, **_flat(row)} for key, row in value.items()]
        return rows if len(rows) > 1 else []
    return []


def _flat(value: Row, prefix: str = "") -> Row:
    flat: Row = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = item
    return flat


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1 else f"{value:.1f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
