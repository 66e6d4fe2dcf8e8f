"""Leases on the rows that are the jobs of judging: evaluations, and proposals of golden questions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from apps.rag.models import EvaluationRun, ProposalRun

# Between slices a worker takes what else waits; replies of people come first.
SLICE_SECONDS = 8
# Steps in a row that never came to an end.
MAXIMUM_ATTEMPTS = 3
# A row that waits longer may have lost its message.
PATIENCE_SECONDS = 60
_RECONCILED_MAXIMUM = 1000
# As the column takes it.
DETAIL_LENGTH = 500

RunT = TypeVar("RunT", EvaluationRun, ProposalRun)


def run_lease_take(model: type[RunT], run_id: UUID, *, seconds: int) -> UUID | None:
    """The token of a lease for so long, or None: gone, ended, or another worker has it. One query.

    Counts as an attempt.
    """
    token = uuid4()
    taken = (
        runs_open(model, run_id)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()))
        .update(
            state=model.State.RUNNING,
            lease_token=token,
            lease_expires_at=lease_end(seconds),
            attempts=F("attempts") + 1,
        )
    )
    return token if taken else None


def runs_open(model: type[RunT], run_id: UUID) -> QuerySet[RunT]:
    """The run, unless it has ended."""
    return model.objects.filter(pk=run_id, state__in=model.OPEN_STATES)


def runs_held(model: type[RunT], run_id: UUID, token: UUID | None) -> QuerySet[RunT]:
    """The run, as long as the lease with this token is on it."""
    return model.objects.filter(pk=run_id, lease_token=token, state=model.State.RUNNING)


def run_rest(model: type[RunT], run_id: UUID, token: UUID | None) -> bool:
    """Give the lease back between two slices. Whether it was on the run."""
    held = runs_held(model, run_id, token)
    return bool(held.update(lease_token=None, lease_expires_at=None, attempts=0, enqueued_at=Now()))


def run_end(model: type[RunT], run_id: UUID, token: UUID | None, **values: Any) -> bool:
    """Write how it ended, `state` among it. Whether the lease was on the run; else nothing is written."""
    held = runs_held(model, run_id, token)
    return bool(held.update(lease_token=None, lease_expires_at=None, finished_at=Now(), **values))


def run_fail(model: type[RunT], run_id: UUID, token: UUID | None, detail: str) -> None:
    run_end(model, run_id, token, state=model.State.FAILED, error_detail=detail[:DETAIL_LENGTH])


def run_stop(model: type[RunT], run_id: UUID) -> None:
    """End it whoever holds it; that worker sees it before it writes again. Without effect once it has ended."""
    ended: dict[str, Any] = {"state": model.State.CANCELLED, "lease_token": None, "lease_expires_at": None}
    runs_open(model, run_id).update(finished_at=Now(), **ended)


def lost_bring_in(model: type[RunT], enqueue: Callable[[UUID], None]) -> int:
    """Enqueue the runs that no worker has: leases that ran out and rows whose message was lost. Returns how many.

    Two queries.
    """
    patience = Now() - timedelta(seconds=PATIENCE_SECONDS)
    lost = list(
        model.objects.filter(state__in=model.OPEN_STATES)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()))
        .filter(Q(enqueued_at=None) | Q(enqueued_at__lt=patience))
        .order_by("pk")
        .values_list("pk", flat=True)[:_RECONCILED_MAXIMUM]
    )
    model.objects.filter(pk__in=lost).update(enqueued_at=Now())
    for run_id in lost:
        enqueue(run_id)
    return len(lost)


def lease_end(seconds: int) -> Any:
    """By the clock of the database."""
    return Now() + timedelta(seconds=seconds)
