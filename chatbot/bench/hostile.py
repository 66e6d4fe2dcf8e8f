"""The lists of hostile texts through the doors of the product: sign-in, search, names, next=, links, keys, headers.

Every line goes through the doors of most weight, and through some of the others by turns, so that each of these gets
every hundredth line. What a visit changes is taken back, and so is the world that it happens in.
"""

import argparse
import json
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.bench.corpus import data_dir, database

if TYPE_CHECKING:
    from chatbot.testing.hostile.types import Door
    from chatbot.testing.hostile.world import World

OWN = "own"
# Lines of each list where all benches run, and one in how many lines a door of less weight and the search get.
FEW = 40
TURNS, TURNS_PASSAGES = 100, 4
SHOWN = 200
TELL_SECONDS = 60
# Where the lists name a file to get at.
_FILE = "etc/passwd"
_FIELDS = ("payload", "text", "attack", "document")
PASSAGES = "passages"
MAIN = frozenset(
    {
        "API sign-in: address", "sign-in page: address", "step-up", "/conversations/ q, htmx",
        "/api/v1/documents q (ada)", "/api/v1/admin/audit-logs target (anna)", "conversation, htmx", "file, htmx", "/…",
    }
)  # fmt: skip


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Counts by list and group of doors, and every failure. `--limit N`: only so many lines of each list."""
    limit = args.limit or (FEW if args.name == "all" else 0)
    lists = {name: lines_read(name)[:: _stride(name, limit)] for name in _names(args)}
    with database():
        from django.db import transaction

        from chatbot.testing.hostile.doors import DOORS
        from chatbot.testing.hostile.world import doors_open, world_make

        logging.disable(logging.CRITICAL)
        try:
            with doors_open(), transaction.atomic():
                figures = _walk(world_make(), lists, getattr(args, "doors", DOORS))
                transaction.set_rollback(True)
        finally:
            logging.disable(logging.NOTSET)
    return figures


def lines_read(name: str) -> list[str]:
    """The texts of a list, each once. `own`: the product's short list, which has line breaks and ways off the site."""
    if name == OWN:
        from chatbot.testing.hostile.payloads import PAYLOADS

        return [payload.text for payload in PAYLOADS]
    # Not `splitlines`: some lines hold what it takes for the end of one.
    content = (_folder() / f"{name}.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in content.split("\n") if line.strip()]
    texts = (next(str(row[field]) for field in _FIELDS if field in row) for row in rows)
    return list(dict.fromkeys(text.replace("{FILE}", _FILE) for text in texts))


def _names(args: argparse.Namespace) -> list[str]:
    if args.name != "all" and args.datasets:
        return list(args.datasets)
    return [OWN, *sorted(path.stem for path in _folder().glob("*.jsonl"))]


def _folder() -> Path:
    return data_dir() / "security"


def _stride(name: str, limit: int) -> int:
    return max(1, len(lines_read(name)) // limit) if limit else 1


def _walk(world: "World", lists: dict[str, list[str]], doors: "Sequence[Door]") -> dict[str, Any]:
    from chatbot.testing.hostile.searching import passages_flaws, passages_of

    groups = {door.name: door.group for door in doors} | {PASSAGES: PASSAGES}
    failures: list[dict[str, str]] = []
    for door in doors:
        if (status := world.learn(door)) != door.expects:
            failures.append(_failure("harmless", door.name, door.harmless, f"{status}, not {door.expects}"))
    rows = []
    started = told = time.monotonic()
    with passages_of(world.ada):
        for name, lines in lists.items():
            counts: dict[str, Counter[str]] = {}
            for number, line in enumerate(lines):
                for door in _doors_for(name, number, doors):
                    status, flaws = world.visit(door, line)
                    counts.setdefault(door.group, Counter()).update(["visits", f"{status // 100}xx"])
                    failures += [_failure(name, door.name, line, flaw) for flaw in flaws]
                if name == OWN or number % TURNS_PASSAGES == 0:
                    counts.setdefault(PASSAGES, Counter()).update(["visits"])
                    failures += [_failure(name, PASSAGES, line, flaw) for flaw in passages_flaws(world.ada, line)]
                if time.monotonic() - told > TELL_SECONDS:
                    told = time.monotonic()
                    print(f"{name}: {number + 1} of {len(lines)} lines, {len(failures)} failures", flush=True)
            failed = Counter(groups[row["door"]] for row in failures if row["list"] == name)
            rows += [_row(name, len(lines), group, counts[group], failed[group]) for group in sorted(counts)]
    seconds = time.monotonic() - started
    return {
        "doors": len(doors),
        "lines": sum(map(len, lists.values())),
        "visits": sum(row["visits"] for row in rows),
        "seconds": round(seconds),
        "failed": len(failures),
        "by_list_and_group": rows,
        "failures": failures[:SHOWN],
    }


def _doors_for(name: str, number: int, doors: "Sequence[Door]") -> "Iterator[Door]":
    """The product's own list goes through all of them."""
    for place, door in enumerate(doors):
        if name == OWN or door.name in MAIN or (number + place) % TURNS == 0:
            yield door


def _row(name: str, lines: int, group: str, count: Counter[str], failed: int) -> dict[str, Any]:
    statuses = {status: count[status] for status in ("2xx", "3xx", "4xx", "5xx")}
    return {"list": name, "lines": lines, "group": group, "visits": count["visits"], **statuses, "failed": failed}


def _failure(name: str, door: str, line: str, flaw: str) -> dict[str, str]:
    return {"list": name, "door": door, "flaw": flaw, "sent": ascii(line[:120])}
