"""What stands signed in place of events that the retention deleted."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.audit.content import CHAIN_START
from apps.audit.models import Checkpoint
from apps.audit.signing import Signature, statement_problem
from apps.audit.types import Flaw


def checkpoint_last(chain: UUID) -> Checkpoint | None:
    """The checkpoint after which the chain's events still stand. One query."""
    return Checkpoint.objects.filter(chain=chain).order_by("-seq").first()


def chain_beginning(chain: UUID) -> tuple[int, bytes]:
    """Number and hash before the first event that still stands. One query."""
    checkpoint = checkpoint_last(chain)
    return (checkpoint.seq, bytes(checkpoint.hash)) if checkpoint else (0, CHAIN_START)


def checkpoints_flaw(chain: UUID) -> Flaw | None:
    """The first checkpoint whose signature is wrong or that does not go on where the one before ended. One query."""
    before = 0
    for checkpoint in Checkpoint.objects.filter(chain=chain).order_by("seq").iterator():
        signature = Signature(key_id=checkpoint.key_id, value=bytes(checkpoint.signature))
        problem = statement_problem(statement_of(checkpoint), signature)
        if not problem and checkpoint.seq - before != checkpoint.event_count:
            problem = f"it does not go on where the one before ended, at {before}"
        if problem:
            text = f"The checkpoint of {checkpoint.signed_at:%Y-%m-%d %H:%M} for deleted events: {problem}."
            return Flaw(text=text, seq=checkpoint.seq)
        before = checkpoint.seq
    return None


def statement_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What is signed."""
    return {
        "kind": "checkpoint",
        "chain": str(checkpoint.chain),
        "seq": checkpoint.seq,
        "hash": bytes(checkpoint.hash).hex(),
        "event_count": checkpoint.event_count,
        "first_at": _moment(checkpoint.first_at),
        "last_at": _moment(checkpoint.last_at),
        "time": _moment(checkpoint.signed_at),
        "key_id": checkpoint.key_id,
    }


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
