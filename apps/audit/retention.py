"""Deleting what is older than the retention: from the beginning of each chain only, and with a signed checkpoint."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.actions import AUDIT_TRIMMED
from apps.audit.checkpoints import chain_beginning, statement_of
from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.models import Chain, Checkpoint, Link
from apps.audit.partitions import partitions_drop
from apps.audit.services import event_record
from apps.audit.signing import key_id, statement_sign
from apps.audit.types import Flaw
from apps.audit.walk import ChainFlawError, chain_walk

logger = logging.getLogger(__name__)
# Events of one transaction: a few seconds of work.
BATCH = 20_000
ACTOR_LABEL = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """What went of one chain, and the flaw that stopped it, if one did."""

    chain: UUID
    event_count: int
    flaw: Flaw | None


def events_retain() -> list[Trimmed]:
    """Delete what is older than AUDIT_RETENTION_DAYS, chain by chain, then empty months. 0 deletes nothing.

    Every event is checked before it goes: a chain with a flaw is left as it is, because the rest of it is evidence.
    """
    days: int = settings.AUDIT_RETENTION_DAYS
    if not days:
        return []
    before = timezone.now() - timedelta(days=days)
    chains = Chain.objects.order_by("chain").values_list("chain", flat=True)
    trimmed = [_chain_trim(chain, before) for chain in chains]
    partitions_drop()
    return [each for each in trimmed if each.event_count or each.flaw]


def _chain_trim(chain: UUID, before: datetime) -> Trimmed:
    count = 0
    try:
        while gone := _batch_trim(chain, before):
            count += gone
    except ChainFlawError as error:
        logger.error("Retention left a chain with a flaw alone.", extra={"action": AUDIT_TRIMMED, "chain": str(chain)})
        return Trimmed(chain=chain, event_count=count, flaw=error.flaw)
    return Trimmed(chain=chain, event_count=count, flaw=None)


@transaction.atomic
def _batch_trim(chain: UUID, before: datetime) -> int:
    """Put a checkpoint in place of the chain's first events; the database deletes exactly what it says."""
    after, previous = chain_beginning(chain)
    until = _last_before(chain, before, after)
    steps = list(chain_walk(chain=chain, after=after, previous=previous, until=until))
    # The record of the last deletion is not reason enough for another.
    if all(step.action == AUDIT_TRIMMED for step in steps):
        return 0
    moments = [step.created_at for step in steps]
    checkpoint = Checkpoint(
        chain=chain,
        seq=steps[-1].seq,
        hash=steps[-1].hash,
        event_count=len(steps),
        first_at=min(moments),
        last_at=max(moments),
        signed_at=timezone.now(),
        key_id=key_id(),
    )
    checkpoint.signature = statement_sign(statement_of(checkpoint)).value
    checkpoint.save(force_insert=True)
    event_record(
        action=AUDIT_TRIMMED,
        actor=None,
        actor_label=ACTOR_LABEL,
        workspace_id=None if chain == ORGANISATION_CHAIN else chain,
        data={"events": len(steps), "last_number": checkpoint.seq, "last_at": checkpoint.last_at.isoformat()},
    )
    return len(steps)


def _last_before(chain: UUID, before: datetime, after: int) -> int:
    """The number of the last event, at most BATCH on, before which all are older than that."""
    links = Link.objects.filter(chain=chain, seq__gt=after, seq__lte=after + BATCH)
    kept = links.filter(event_at__gte=before).order_by("seq").values_list("seq", flat=True).first()
    if kept is not None:
        return kept - 1
    return links.order_by("-seq").values_list("seq", flat=True).first() or after
