"""Reading a chain in its order and checking each event, in constant memory and without a long transaction.

A long snapshot would keep every old version of the chain's end alive, and each new event would have to step over them;
so the walk reads batches of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.audit.content import CONTENT_FIELDS, content_hash, content_plain, link_hash
from apps.audit.models import Event, Link
from apps.audit.types import Flaw

BATCH = 2000
_COLUMNS = (*CONTENT_FIELDS, "chain", "content_hash")


class ChainFlawError(Exception):
    """The walk met a flaw; what comes after it cannot be trusted either."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.text)
        self.flaw = flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An event that was found as it was written."""

    seq: int
    hash: bytes
    event_id: UUID
    created_at: datetime
    action: str


def chain_walk(*, chain: UUID, after: int, previous: bytes, until: int) -> Iterator[Step]:
    """The chain's events from number `after` + 1 to `until`. `previous`: the hash at `after`.

    Raises ChainFlawError at the first event that is missing, changed or out of its place.
    """
    seq = after
    while seq < until:
        links = list(
            Link.objects.filter(chain=chain, seq__gt=seq, seq__lte=until)
            .order_by("seq")
            .values_list("seq", "hash", "event_id", "event_at")[:BATCH]
        )
        if not links:
            raise ChainFlawError(Flaw(text=f"Events {seq + 1} to {until} are missing.", seq=seq + 1))
        events = _events(links)
        for number, stored, event_id, event_at in links:
            if number != seq + 1:
                raise ChainFlawError(Flaw(text=f"Events {seq + 1} to {number - 1} are missing.", seq=seq + 1))
            row = events.get(event_id)
            if row is None:
                text = "The event was deleted; its link still stands."
                raise ChainFlawError(Flaw(text=text, seq=number, event_id=event_id, created_at=event_at))
            previous = _checked(row, chain=chain, seq=number, previous=previous, stored=bytes(stored))
            seq = number
            yield Step(seq=seq, hash=previous, event_id=event_id, created_at=row["created_at"], action=row["action"])


def _events(links: Sequence[tuple[int, object, UUID, datetime]]) -> dict[UUID, dict[str, Any]]:
    moments = [link[3] for link in links]
    rows = Event.objects.filter(
        pk__in=[link[2] for link in links], created_at__gte=min(moments), created_at__lte=max(moments)
    ).values_list(*_COLUMNS)
    return {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in rows}


def _checked(row: dict[str, Any], *, chain: UUID, seq: int, previous: bytes, stored: bytes) -> bytes:
    """The event's hash. Raises ChainFlawError if the event does not give the stored one."""
    content = content_hash({name: content_plain(name, row[name]) for name in CONTENT_FIELDS})
    text = ""
    if row["chain"] != chain:
        text = "The event belongs to another chain."
    elif content != bytes(row["content_hash"]):
        text = "The content was changed: it does not give the stored content hash."
    elif link_hash(previous=previous, seq=seq, content=content) != stored:
        text = "The hash does not follow from the event before: this event, its hash or its place was changed."
    if text:
        raise ChainFlawError(
            Flaw(text=text, seq=seq, event_id=row["id"], created_at=row["created_at"], action=row["action"])
        )
    return stored
