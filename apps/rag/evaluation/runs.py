"""A run as a job: started, measured question by question in slices, ended. Each step may run twice or die anywhere."""

import logging
from collections.abc import Iterator
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.audit.actions import EVALUATION_STARTED
from apps.audit.services import event_record
from apps.documents.models import Collection
from apps.llm.services import passages_rerank, texts_embed
from apps.rag.evaluation.access import (
    JUDGED_NO_MORE,
    collection_judge_require,
    documents_judged,
    run_require,
    starter_of,
)
from apps.rag.evaluation.configuration import configuration_read, configuration_write
from apps.rag.evaluation.expectations import Names
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
from apps.rag.evaluation.measuring import Measured, asked_hash, question_measure
from apps.rag.evaluation.metrics import means, percentile
from apps.rag.evaluation.tuning import tuning_decide
from apps.rag.evaluation.types import Configuration
from apps.rag.models import EvaluationResult, EvaluationRun, GoldenQuestion, IndexProfile
from apps.rag.selectors import profile_live
from chatbot.lib.errors import AppError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

logger = logging.getLogger(__name__)

# Longer than one question takes: a search, or a whole reply.
LEASE_SECONDS = 60
ANSWER_LEASE_SECONDS = 300
_BATCH = 50


@transaction.atomic
def run_start(
    *,
    actor: User,
    collection_id: UUID,
    configuration: Configuration | None = None,
    profile_id: UUID | None = None,
    has_answers: bool = False,
    label: str = "",
) -> EvaluationRun:
    """Ask all approved questions of the collection with one configuration, as the actor sees its documents.

    Raises NotFoundError, ForbiddenError, ValidationFailedError where there is no question or no such index.
    """
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    profile = IndexProfile.objects.filter(pk=profile_id).first() if profile_id else profile_live()
    if profile is None:
        raise ValidationFailedError("There is no such search index.")
    if not questions_approved(collection.pk).exists():
        raise ValidationFailedError("The collection has no approved golden question yet.")
    run = run_create(
        collection=collection,
        asker=actor,
        profile=profile,
        configuration=configuration or Configuration(),
        has_answers=has_answers,
        label=label,
    )
    event_record(
        action=EVALUATION_STARTED,
        actor=actor,
        workspace_id=collection.workspace_id,
        target=run,
        data={"collection_id": collection.pk, "questions": run.question_count, "has_answers": has_answers},
    )
    return run


def run_create(
    *,
    collection: Collection,
    asker: User,
    profile: IndexProfile,
    configuration: Configuration,
    purpose: EvaluationRun.Purpose = EvaluationRun.Purpose.MANUAL,
    has_answers: bool = False,
    label: str = "",
    pair: str = "",
    is_enqueued: bool = True,
) -> EvaluationRun:
    """The row of a run. The caller has checked who may. `asker`: with whose permissions it searches.

    `pair` marks runs that are to be compared. `is_enqueued` False: the caller measures it itself.
    """
    run = EvaluationRun.objects.create(
        workspace_id=collection.workspace_id,
        collection=collection,
        profile=profile,
        label=label[:100],
        purpose=purpose,
        configuration=configuration_write(configuration) | ({"pair": pair} if pair else {}),
        has_answers=has_answers,
        question_count=questions_approved(collection.pk).count(),
        enqueued_at=Now(),
        started_by=asker,
    )
    if is_enqueued:
        transaction.on_commit(partial(_enqueue, run.pk))
    return run


@transaction.atomic
def run_cancel(*, actor: User, run_id: UUID) -> EvaluationRun:
    """Stop it; a worker sees that before its next question. Without effect once it has ended. Raises NotFoundError."""
    run = run_require(user=actor, run_id=run_id)
    run_stop(EvaluationRun, run.pk)
    run.refresh_from_db()
    return run


def questions_approved(collection_id: UUID) -> QuerySet[GoldenQuestion]:
    return GoldenQuestion.objects.filter(collection_id=collection_id, state=GoldenQuestion.State.APPROVED)


def run_measure(run: EvaluationRun) -> EvaluationRun:
    """Measure it to the end in this process, whatever the queue does. Returns it as it then stands."""
    while run_step(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


def run_step(*, run_id: UUID) -> bool:
    """Measure for one slice of time. True: work is left, call again; False: ended, or not ours.

    If the embedder does not answer, the run waits for the reconciler: measured without it, it would say nothing.
    """
    token = _lease_take(run_id)
    if token is None:
        return False
    run = EvaluationRun.objects.select_related("collection", "profile", "started_by").get(pk=run_id)
    asker = starter_of(run)
    if asker is None:
        return _failed(run, token, JUDGED_NO_MORE)
    if run.profile is None:
        return _failed(run, token, "The search index has gone.")
    try:
        _models_check(run, run.profile)
        return _slice(run, asker, run.profile, token)
    except AppError as error:
        logger.warning(
            "An evaluation waits", extra={"action": "evaluation_waits", "run_id": str(run_id), "code": error.code}
        )
        _held(run_id, token).update(lease_token=None, lease_expires_at=None, attempts=0)
        return False


def runs_reconcile() -> int:
    """Bring in again what no worker has: leases that ran out and rows whose message was lost. Returns how many."""
    return lost_bring_in(EvaluationRun, _enqueue)


def _slice(run: EvaluationRun, asker: User, profile: IndexProfile, token: UUID) -> bool:
    deadline = monotonic() + SLICE_SECONDS
    configuration = configuration_read(run.configuration)
    names = Names(documents_judged(user=asker, collection_id=run.collection_id).values_list("pk", "filename"))
    profile_id = None if profile.state == IndexProfile.State.LIVE else profile.pk
    for question in _pending(run):
        measured = question_measure(
            user=asker, run=run, question=question, names=names, configuration=configuration, profile_id=profile_id
        )
        if not _result_write(run, question, measured, token):
            return False
        if monotonic() > deadline:
            return run_rest(EvaluationRun, run.pk, token)
    return _finish(run, token)


def _models_check(run: EvaluationRun, profile: IndexProfile) -> None:
    """Raises ProviderError where a model is away that a search would silently do without."""
    texts_embed(texts=["ready"], model=profile.embedder, provider=profile.provider, dimensions=profile.dimensions)
    if configuration_read(run.configuration).rerank:
        passages_rerank(query="ready", passages=["ready"], model=settings.RERANKER_MODEL)


def _pending(run: EvaluationRun) -> Iterator[GoldenQuestion]:
    """Approved questions, older than the run, that it has no result of yet; in the order in which they were made."""
    rows = questions_approved(run.collection_id).filter(created_at__lte=run.created_at)
    pending = rows.exclude(pk__in=run.results.values("question_id"))
    while batch := list(pending.order_by("pk")[:_BATCH]):
        yield from batch


@transaction.atomic
def _result_write(run: EvaluationRun, question: GoldenQuestion, measured: Measured, token: UUID) -> bool:
    """False if the run is not this worker's any more."""
    if not _held(run.pk, token).update(lease_expires_at=lease_end(_lease_seconds(run.has_answers)), attempts=0):
        return False
    if not GoldenQuestion.objects.select_for_update(no_key=True).filter(pk=question.pk).exists():
        # Deleted while it was asked.
        return True
    EvaluationResult.objects.bulk_create(
        [
            EvaluationResult(
                run=run,
                question=question,
                metrics=measured.metrics,
                asked_hash=asked_hash(question),
                found=measured.found,
                answer=measured.answer.replace("\x00", ""),
                took_ms=measured.took_ms,
                error_detail=measured.error_detail[:DETAIL_LENGTH],
            )
        ],
        ignore_conflicts=True,
    )
    _held(run.pk, token).update(done_count=run.results.count())
    return True


@transaction.atomic
def _finish(run: EvaluationRun, token: UUID) -> bool:
    """Sum up and end it. Always False: nothing is left to do."""
    rows = list(run.results.values_list("metrics", flat=True))
    counted = [row for row in rows if row]
    values: dict[str, Any] = {
        "state": EvaluationRun.State.COMPLETE,
        "metrics": means(counted) | _latencies(counted) | {"counted": len(counted)},
        "question_count": len(rows),
        "done_count": len(rows),
    }
    if not counted:
        values |= {"state": EvaluationRun.State.FAILED, "error_detail": "No question could be measured."}
    if run_end(EvaluationRun, run.pk, token, **values):
        tuning_decide(run_id=run.pk)
    return False


def _latencies(rows: list[dict[str, float]]) -> dict[str, float]:
    """Medians and 95th percentiles in milliseconds."""
    found: dict[str, float] = {}
    for name, short in (("took_ms", "search"), ("answer_ms", "answer")):
        taken = [row[name] for row in rows if name in row]
        for share in (50, 95):
            value = percentile(taken, share=share / 100)
            if value is not None:
                found[f"{short}_p{share}_ms"] = value
    return found


def _failed(run: EvaluationRun, token: UUID, detail: str) -> bool:
    """Always False: nothing is left to do."""
    run_fail(EvaluationRun, run.pk, token, detail)
    return False


def _lease_take(run_id: UUID) -> UUID | None:
    """The right to measure, or None: gone, ended, or another worker has it. Fails what its workers never ended."""
    has_answers = EvaluationRun.objects.filter(pk=run_id).values_list("has_answers", flat=True).first()
    token = run_lease_take(EvaluationRun, run_id, seconds=_lease_seconds(bool(has_answers)))
    if token is None:
        return None
    worn = _held(run_id, token).filter(attempts__gt=MAXIMUM_ATTEMPTS)
    if run := worn.first():
        _failed(run, token, "The evaluation was interrupted several times at the same question.")
        return None
    return token


def _lease_seconds(has_answers: bool) -> int:
    return ANSWER_LEASE_SECONDS if has_answers else LEASE_SECONDS


def _held(run_id: UUID, token: UUID) -> QuerySet[EvaluationRun]:
    return runs_held(EvaluationRun, run_id, token)


def _enqueue(run_id: UUID) -> None:
    from apps.rag.evaluation.tasks import evaluation_step

    task_enqueue(evaluation_step, str(run_id))
