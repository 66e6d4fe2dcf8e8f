"""Whether reranking serves a collection: measured without and with it over the same questions."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actions import TUNING_CHANGED
from apps.audit.services import event_record
from apps.documents.models import Collection
from apps.rag.evaluation.access import collection_judge_require
from apps.rag.evaluation.comparison import QUESTIONS_MINIMUM, runs_compare
from apps.rag.evaluation.significance import LEVEL
from apps.rag.evaluation.types import MetricComparison
from apps.rag.models import CollectionTuning, EvaluationRun

# Reranking pays where it brings at least this much nDCG@10, and as much again for each quarter of a second it costs.
GAIN_MINIMUM = 0.01
GAIN_SECONDS = 0.25
# With fewer questions a gain that cannot be told from chance says nothing; from here on it says that there is little.
QUESTIONS_ENOUGH = 30


@transaction.atomic
def tuning_choose(*, actor: User, collection_id: UUID, rerank: CollectionTuning.Rerank) -> CollectionTuning:
    """Say by hand whether searches in the collection are reranked, or leave it to the measurements.

    Raises NotFoundError, ForbiddenError.
    """
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    tuning, _ = CollectionTuning.objects.update_or_create(
        collection=collection, defaults={"rerank": rerank, "workspace_id": collection.workspace_id}
    )
    event_record(
        action=TUNING_CHANGED,
        actor=actor,
        workspace_id=collection.workspace_id,
        target=collection,
        data={"rerank": rerank.value},
    )
    return tuning


def tuning_of(collection: Collection) -> CollectionTuning:
    """The collection's row, or what holds without one, unsaved. One query."""
    found = CollectionTuning.objects.filter(collection=collection).first()
    return found or CollectionTuning(collection=collection, workspace_id=collection.workspace_id)


def tuning_decide(*, run_id: UUID) -> CollectionTuning | None:
    """After a run of purpose tuning: if its pair is complete too, keep what both say. None if there is nothing to say.

    Called in the transaction that ends the run.
    """
    run = EvaluationRun.objects.get(pk=run_id)
    pair = run.configuration.get("pair")
    if run.purpose != EvaluationRun.Purpose.TUNING or not pair:
        return None
    # Of two that end at once, the second waits here and then sees the first.
    runs = EvaluationRun.objects.select_for_update().filter(
        collection_id=run.collection_id,
        purpose=EvaluationRun.Purpose.TUNING,
        configuration__pair=pair,
        state=EvaluationRun.State.COMPLETE,
    )
    by_rerank = {each.configuration.get("rerank"): each for each in runs}
    if by_rerank.keys() < {True, False}:
        return None
    rows = {row.name: row for row in runs_compare(first=by_rerank[False], second=by_rerank[True])}
    if "ndcg_10" not in rows:
        return None
    cost_ms = max(_median(by_rerank[True]) - _median(by_rerank[False]), 0.0)
    tuning, _ = CollectionTuning.objects.update_or_create(
        collection_id=run.collection_id,
        defaults={
            "workspace_id": run.workspace_id,
            "is_rerank_worth": rerank_is_worth(rows["ndcg_10"], cost_ms=cost_ms),
            "rerank_gain": rows["ndcg_10"].difference,
            "rerank_ms": cost_ms,
            "measured_at": timezone.now(),
        },
    )
    return tuning


def rerank_is_worth(row: MetricComparison, *, cost_ms: float) -> bool | None:
    """True: better by more than chance, and by enough for its time. None: too few questions to tell; settings hold."""
    if row.question_count < QUESTIONS_MINIMUM:
        return None
    wanted = GAIN_MINIMUM * (1 + cost_ms / 1000 / GAIN_SECONDS)
    is_sure = row.p_value is not None and row.p_value < LEVEL
    if is_sure:
        return row.difference >= wanted
    return None if row.question_count < QUESTIONS_ENOUGH else False


def _median(run: EvaluationRun) -> float:
    return float(run.metrics.get("search_p50_ms", 0.0))
