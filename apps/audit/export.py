"""Events as rows, JSON Lines and CSV, for exports by command and over HTTP. Memory does not grow with the log."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from apps.audit.content import CONTENT_FIELDS, content_of
from apps.audit.models import Chain, Event, Link

ROW_FIELDS = (*CONTENT_FIELDS, "chain", "seq", "content_hash", "hash")
_BATCH = 1000
# What a spreadsheet takes for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def links_of(events: Iterable[Event]) -> dict[UUID, Link]:
    """The link of each event by the event's id; an event whose transaction has not committed has none. One query."""
    return {link.event_id: link for link in Link.objects.filter(event_id__in=[event.pk for event in events])}


def row_of(event: Event, link: Link | None) -> dict[str, Any]:
    """All of an event, as JSON has it; hashes in hex."""
    return {
        **content_of(event),
        "chain": str(event.chain),
        "seq": link.seq if link else None,
        "content_hash": bytes(event.content_hash).hex(),
        "hash": bytes(link.hash).hex() if link else None,
    }


def rows_of(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """Rows in the order of the events, one query for links per thousand. Give a queryset's `.iterator()`."""
    waiting = iter(events)
    while batch := list(islice(waiting, _BATCH)):
        links = links_of(batch)
        for event in batch:
            yield row_of(event, links.get(event.pk))


def chain_rows(
    *, chain: UUID | None, after: datetime | None = None, before: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of one chain, or of all one after the other, each in its order. No long snapshot."""
    chains = Chain.objects.order_by("chain").values_list("chain", flat=True) if chain is None else [chain]
    for each in chains:
        links = Link.objects.filter(chain=each).order_by("seq")
        if after:
            links = links.filter(event_at__gte=after)
        if before:
            links = links.filter(event_at__lt=before)
        seq = 0
        while batch := list(links.filter(seq__gt=seq)[:_BATCH]):
            seq = batch[-1].seq
            moments = [link.event_at for link in batch]
            events = Event.objects.filter(created_at__gte=min(moments), created_at__lte=max(moments)).in_bulk(
                [link.event_id for link in batch]
            )
            yield from (row_of(events[link.event_id], link) for link in batch if link.event_id in events)


def jsonl_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON object a line. `manage.py audit_verify --file` reads it."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def csv_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A line of names, then one a row. No cell can be a formula."""
    yield _csv_line(list(ROW_FIELDS))
    for row in rows:
        yield _csv_line([csv_cell(row[name]) for name in ROW_FIELDS])


def csv_cell(value: Any) -> str:
    """The value as text; an apostrophe before whatever a spreadsheet would calculate."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
