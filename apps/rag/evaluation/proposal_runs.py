"""Proposing golden questions as a job: a row that workers read passage by passage, and that no dead worker loses."""

import logging
from functools import partial
from time import monotonic
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.llm.exceptions import ProviderError
from apps.llm.selectors import model_default
from apps.rag.evaluation.access import JUDGED_NO_MORE, collection_judge_require, proposals_require, starter_of
from apps.rag.evaluation.leases import (
    DETAIL_LENGTH,
    MAXIMUM_ATTEMPTS,
    SLICE_SECONDS,
    lease_end,
    lost_bring_in,
    run_end,
    run_fail,
    run_lease_take,
    run_rest,
    run_stop,
    runs_held,
)
from apps.rag.evaluation.proposing import PROPOSALS_MAXIMUM, passage_question, passages_spread
from apps.rag.evaluation.questions import golden_propose
from apps.rag.evaluation.types import GoldenFields
from apps.rag.models import GoldenQuestion, ProposalRun
from chatbot.lib.errors import AppError, UnavailableError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

logger = logging.getLogger(__name__)

# Longer than a large model on a busy machine takes for one short answer.
LEASE_SECONDS = 300
# What a model says of one passage and not of the next.
_OF_PASSAGE = frozenset({"content_filtered", "context_too_long"})
_UNDER_WAY = "Questions are being proposed for this collection already."


@transaction.atomic
def proposals_start(*, actor: User, collection_id: UUID, count: int) -> ProposalRun:
    """Have questions proposed from at most `count` passages spread over the collection's documents.

    Raises NotFoundError, ForbiddenError, ValidationFailedError (also while a run is open), NoModelError.
    """
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    if not 1 <= count <= PROPOSALS_MAXIMUM:
        raise ValidationFailedError(errors={"count": f"must be between 1 and {PROPOSALS_MAXIMUM}"})
    model_default(user=actor)
    chunk_ids = passages_spread(user=actor, collection_id=collection.pk, count=count)
    if not chunk_ids:
        raise ValidationFailedError("The collection has no document yet from which questions could be taken.")
    run = ProposalRun(
        workspace_id=collection.workspace_id,
        collection=collection,
        chunk_ids=chunk_ids,
        enqueued_at=Now(),
        started_by=actor,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        raise ValidationFailedError(_UNDER_WAY) from error
    transaction.on_commit(partial(_enqueue, run.pk))
    return run


@transaction.atomic
def proposals_retry(*, actor: User, run_id: UUID) -> ProposalRun:
    """Go on with a run that failed, in the actor's name, from the passage at which it stood. Else without effect.

    Raises NotFoundError, NoModelError, ValidationFailedError while another run of the collection is open.
    """
    run = proposals_require(user=actor, run_id=run_id)
    model_default(user=actor)
    try:
        with transaction.atomic():
            again = ProposalRun.objects.filter(pk=run_id, state=ProposalRun.State.FAILED).update(
                state=ProposalRun.State.QUEUED,
                started_by=actor,
                attempts=0,
                error_detail="",
                enqueued_at=Now(),
                finished_at=None,
            )
    except IntegrityError as error:
        raise ValidationFailedError(_UNDER_WAY) from error
    if again:
        transaction.on_commit(partial(_enqueue, run_id))
    run.refresh_from_db()
    return run


@transaction.atomic
def proposals_cancel(*, actor: User, run_id: UUID) -> ProposalRun:
    """Stop it; what was proposed stays. A worker sees that before it writes the next. Raises NotFoundError."""
    run = proposals_require(user=actor, run_id=run_id)
    run_stop(ProposalRun, run_id)
    run.refresh_from_db()
    return run


def proposals_step(*, run_id: UUID) -> bool:
    """Read passages for one slice of time. True: work is left, call again; False: ended, waiting, or not ours.

    Where the model or the search does not answer, the run waits for the reconciler, and fails when that has happened
    MAXIMUM_ATTEMPTS times at the same passage.
    """
    run = _lease_take(run_id)
    if run is None:
        return False
    asker = starter_of(run)
    if asker is None:
        return _failed(run, JUDGED_NO_MORE)
    deadline = monotonic() + SLICE_SECONDS
    try:
        for chunk_id in run.chunk_ids[run.done_count :]:
            if not _passage_done(run, _fields(asker, run, chunk_id)):
                return False
            if monotonic() > deadline:
                return run_rest(ProposalRun, run.pk, run.lease_token)
    except AppError as error:
        return _stalled(run, error)
    run_end(ProposalRun, run.pk, run.lease_token, state=ProposalRun.State.COMPLETE)
    return False


def proposals_reconcile() -> int:
    """Bring in again what no worker has: leases that ran out and rows whose message was lost. Returns how many."""
    return lost_bring_in(ProposalRun, _enqueue)


def _fields(asker: User, run: ProposalRun, chunk_id: UUID) -> GoldenFields | None:
    try:
        return passage_question(user=asker, collection=run.collection, chunk_id=chunk_id)
    except ProviderError as error:
        if error.code not in _OF_PASSAGE:
            raise
        logger.info("A passage was refused", extra={"action": "proposal_refused", "code": error.code})
        return None


@transaction.atomic
def _passage_done(run: ProposalRun, fields: GoldenFields | None) -> bool:
    """Keep the question and the place in one. False if the run is not this worker's any more: nothing is written."""
    held = _held(run).update(
        done_count=F("done_count") + 1,
        proposed_count=F("proposed_count") + int(fields is not None),
        lease_expires_at=lease_end(LEASE_SECONDS),
        attempts=0,
        error_detail="",
    )
    if held and fields is not None:
        golden_propose(
            actor=run.started_by, collection=run.collection, fields=fields, origin=GoldenQuestion.Origin.MODEL
        )
    return bool(held)


def _stalled(run: ProposalRun, error: AppError) -> bool:
    """Wait where waiting may help, else fail with what the error says. Always False."""
    detail = error.detail or error.title
    may_pass = error.retryable if isinstance(error, ProviderError) else isinstance(error, UnavailableError)
    logger.warning("Proposing is held up", extra={"action": "proposals_wait", "code": error.code})
    worn = _held(run).filter(attempts__gte=MAXIMUM_ATTEMPTS)
    if not may_pass or worn.exists():
        return _failed(run, detail)
    _held(run).update(lease_token=None, lease_expires_at=None, enqueued_at=Now(), error_detail=detail[:DETAIL_LENGTH])
    return False


def _failed(run: ProposalRun, detail: str) -> bool:
    """Always False: nothing is left to do."""
    run_fail(ProposalRun, run.pk, run.lease_token, detail)
    return False


def _lease_take(run_id: UUID) -> ProposalRun | None:
    """The run under a lease of ours, or None: gone, ended, or another worker has it. Fails what kills its workers."""
    token = run_lease_take(ProposalRun, run_id, seconds=LEASE_SECONDS)
    rows = ProposalRun.objects.select_related("collection", "started_by")
    run = rows.filter(pk=run_id, lease_token=token).first() if token else None
    if run is not None and run.attempts > MAXIMUM_ATTEMPTS:
        _failed(run, "It was interrupted several times at the same passage.")
        return None
    return run


def _held(run: ProposalRun) -> QuerySet[ProposalRun]:
    return runs_held(ProposalRun, run.pk, run.lease_token)


def _enqueue(run_id: UUID) -> None:
    from apps.rag.evaluation.tasks import proposals_continue

    task_enqueue(proposals_continue, str(run_id))
