"""Values of the audit log."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """The first thing that is wrong with a chain. What is not known of the row is None."""

    text: str
    seq: int | None = None
    event_id: UUID | None = None
    created_at: datetime | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """`event_count`: those that were read. `first_seq`: of the first that still stands; 0 without events."""

    chain: UUID
    event_count: int
    first_seq: int
    last_seq: int
    heads_checked: int
    flaw: Flaw | None
