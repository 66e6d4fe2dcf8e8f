"""Verifying an exported file without the database."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.audit.content import CHAIN_START, content_hash, link_hash
from apps.audit.types import Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """`links_checked`: rows whose predecessor stands in the file, too. `flaw_line` counts from 1."""

    row_count: int
    links_checked: int
    flaw: Flaw | None
    flaw_line: int


def lines_verify(lines: Iterable[str]) -> FileReport:
    """Check every row's content, and its hash wherever its predecessor is the row before or after it in the file.

    An export may be a selection and in either direction. Memory grows with the number of chains only.
    """
    last: dict[str, dict[str, Any]] = {}
    count = links = 0
    for line in lines:
        count += 1
        try:
            row = json.loads(line)
            text = _content_text(row)
            linked, link_text = (False, "") if text or row["seq"] is None else _link(row, last.get(row["chain"]))
        except (ValueError, KeyError, TypeError, OverflowError):
            flaw = Flaw(text="The line is no exported event.")
            return FileReport(row_count=count, links_checked=links, flaw=flaw, flaw_line=count)
        links += linked
        if text or link_text:
            flaw = Flaw(text=text or link_text, seq=row["seq"], event_id=row["id"], action=row["action"])
            return FileReport(row_count=count, links_checked=links, flaw=flaw, flaw_line=count)
        last[row["chain"]] = row
    return FileReport(row_count=count, links_checked=links, flaw=None, flaw_line=0)


def _content_text(row: dict[str, Any]) -> str:
    is_same = content_hash(row).hex() == row["content_hash"]
    return "" if is_same else "The content was changed: it does not give the content hash."


def _link(row: dict[str, Any], neighbour: dict[str, Any] | None) -> tuple[bool, str]:
    """Whether two rows of the file follow each other, and what is wrong if they do."""
    if row["seq"] == 1:
        return True, _link_text(row, CHAIN_START.hex())
    if neighbour is not None and neighbour["seq"] == row["seq"] - 1:
        return True, _link_text(row, neighbour["hash"])
    if neighbour is not None and neighbour["seq"] == row["seq"] + 1:
        return True, _link_text(neighbour, row["hash"])
    if neighbour is not None and neighbour["seq"] == row["seq"]:
        return False, f"The number {row['seq']} stands twice."
    return False, ""


def _link_text(row: dict[str, Any], previous: str) -> str:
    expected = link_hash(previous=bytes.fromhex(previous), seq=row["seq"], content=bytes.fromhex(row["content_hash"]))
    return (
        "" if expected.hex() == row["hash"] else f"The hash of event {row['seq']} does not follow from the one before."
    )
