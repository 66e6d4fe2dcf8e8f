"""Is the log as it was written? Every chain, its end, its signed heads and the checkpoints in place of what is gone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from apps.audit.checkpoints import chain_beginning, checkpoints_flaw
from apps.audit.content import CHAIN_START
from apps.audit.heads import RecordedHead, heads_recorded
from apps.audit.models import Chain, Checkpoint, Link
from apps.audit.types import ChainReport, Flaw
from apps.audit.walk import ChainFlawError, Step, chain_walk

# Chains whose numbers of events and links differ, seen at one instant: a walk over links meets no event without one.
_UNEQUAL = """
WITH event AS (
    SELECT chain, count(*) AS number FROM audit_event WHERE %(chain)s::uuid IS NULL OR chain = %(chain)s GROUP BY 1
), link AS (
    SELECT chain, count(*) AS number FROM audit_link WHERE %(chain)s::uuid IS NULL OR chain = %(chain)s GROUP BY 1
)
SELECT chain FROM event FULL JOIN link USING (chain) WHERE event.number IS DISTINCT FROM link.number
"""
_UNLINKED = """
SELECT id, created_at, action FROM audit_event AS event
WHERE chain = %s
    AND NOT EXISTS (SELECT FROM audit_link AS link WHERE link.event_id = event.id AND link.chain = event.chain)
ORDER BY created_at, id LIMIT 1
"""


def log_verify(*, chain: UUID | None = None) -> Iterator[ChainReport]:
    """A report for each chain, or for the one given, as each is done. Raises HeadsDamagedError.

    Events may be written and deleted by retention meanwhile; what was written after the start is not read.
    """
    # Heads first: whatever is signed later lies beyond the end that is read then.
    heads = heads_recorded(chain)
    unequal = _unequal(chain)
    for each in sorted(_chains(heads) | unequal) if chain is None else [chain]:
        yield _chain_verify(each, heads.get(each, []), is_unequal=each in unequal)


def _chains(heads: Mapping[UUID, list[RecordedHead]]) -> set[UUID]:
    known = set(Chain.objects.values_list("chain", flat=True))
    return known | set(Checkpoint.objects.values_list("chain", flat=True).distinct()) | set(heads)


def _unequal(chain: UUID | None) -> set[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_UNEQUAL, {"chain": chain})
        return {row[0] for row in cursor.fetchall()}


@dataclass(slots=True)
class _Reading:
    """Where a walk is and which heads it has met."""

    chain: UUID
    first: int = 0
    last: int = 0
    hash: bytes = CHAIN_START
    count: int = 0
    heads: dict[int, list[RecordedHead]] = field(default_factory=lambda: defaultdict(list))
    heads_checked: int = 0
    # The number of the last head that agreed: whatever was rewritten comes after it.
    agreed: int = 0

    def begin(self, seq: int, hash_: bytes) -> None:
        self.first, self.last, self.hash = 0, seq, hash_
        self.heads_meet()

    def step(self, step: Step) -> None:
        self.first = self.first or step.seq
        self.last, self.hash = step.seq, step.hash
        self.count += 1
        self.heads_meet(step)

    def heads_meet(self, step: Step | None = None) -> None:
        """Raises ChainFlawError where a signed head says something else than the chain."""
        for head in self.heads.pop(self.last, ()):
            if head.hash != self.hash:
                text = (
                    f"The log was rewritten between event {self.agreed + 1} and this one: the head signed on "
                    f"{head.signed_at:%Y-%m-%d %H:%M} ({head.source}) has another hash."
                )
                raise ChainFlawError(
                    Flaw(
                        text=text,
                        seq=self.last,
                        event_id=step.event_id if step else None,
                        created_at=step.created_at if step else None,
                        action=step.action if step else None,
                    )
                )
            self.heads_checked += 1
            self.agreed = self.last


def _chain_verify(chain: UUID, heads: list[RecordedHead], *, is_unequal: bool) -> ChainReport:
    reading = _Reading(chain)
    for head in heads:
        reading.heads[head.seq].append(head)
    flaw = _walk_flaw(reading) or _heads_flaw(heads, reading) or checkpoints_flaw(chain)
    if flaw is None and is_unequal:
        flaw = _unlinked_flaw(chain)
    return ChainReport(
        chain=chain,
        event_count=reading.count,
        first_seq=reading.first,
        last_seq=reading.last,
        heads_checked=reading.heads_checked,
        flaw=flaw,
    )


def _walk_flaw(reading: _Reading) -> Flaw | None:
    """Walk to the end that the chain has now. Where retention deletes meanwhile, go on after it."""
    row = Chain.objects.filter(chain=reading.chain).first()
    end = (row.seq, bytes(row.hash)) if row else (0, CHAIN_START)
    beginning = chain_beginning(reading.chain)
    try:
        reading.begin(*beginning)
        while True:
            try:
                steps = chain_walk(chain=reading.chain, after=reading.last, previous=reading.hash, until=end[0])
                for step in steps:
                    reading.step(step)
                break
            except ChainFlawError:
                # Only if a later checkpoint explains what is missing.
                beginning, before = chain_beginning(reading.chain), beginning
                if beginning[0] <= max(reading.last, before[0]):
                    raise
                reading.begin(*beginning)
    except ChainFlawError as error:
        return error.flaw
    return _end_flaw(reading, *end)


def _end_flaw(reading: _Reading, seq: int, stored: bytes) -> Flaw | None:
    if seq < reading.last:
        return Flaw(text=f"The chain's end says {seq} events; there was a number {reading.last}.", seq=reading.last)
    if stored != reading.hash:
        return Flaw(text="The chain's end has another hash than its last event.", seq=seq)
    beyond = Link.objects.filter(chain=reading.chain, seq__gt=seq).order_by("seq").first()
    # More events may have come meanwhile; then the end has moved, too.
    if beyond and not Chain.objects.filter(chain=reading.chain, seq__gte=beyond.seq).exists():
        return Flaw(text="The event stands after the chain's end.", seq=beyond.seq, event_id=beyond.event_id)
    return None


def _heads_flaw(heads: list[RecordedHead], reading: _Reading) -> Flaw | None:
    for head in heads:
        when = f"The head signed on {head.signed_at:%Y-%m-%d %H:%M} ({head.source})"
        if head.problem:
            return Flaw(text=f"{when}: {head.problem}.", seq=head.seq)
        if head.seq > reading.last:
            return Flaw(text=f"{when} says {head.seq} events; the chain ends at {reading.last}.", seq=reading.last + 1)
    return None


def _unlinked_flaw(chain: UUID) -> Flaw | None:
    with connection.cursor() as cursor:
        cursor.execute(_UNLINKED, [chain])
        row = cursor.fetchone()
    if row is None:
        return None
    text = "The event was put in past the triggers: it has no place in the chain."
    return Flaw(text=text, event_id=row[0], created_at=row[1], action=row[2])
