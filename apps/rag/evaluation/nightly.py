"""What is measured every night, and when reranking is tried again."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actions import EVALUATION_STARTED
from apps.audit.services import event_record
from apps.documents.models import Collection
from apps.rag.evaluation.access import caretaker_of, collection_judge_require
from apps.rag.evaluation.comparison import QUESTIONS_MINIMUM, regressions, runs_compare
from apps.rag.evaluation.gate import collections_watched
from apps.rag.evaluation.runs import questions_approved, run_create
from apps.rag.evaluation.types import Configuration, MetricComparison
from apps.rag.models import CollectionTuning, EvaluationRun, IndexProfile
from apps.rag.selectors import profile_live
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.keys import uuid7

TUNING_AGE = timedelta(days=7)
# A nightly run that is this young stands for the night: the task may come twice.
NIGHT = timedelta(hours=12)


def nightly_start() -> int:
    """Start a run for every collection with enough questions, once a night. Returns how many.

    0 outside of settings.EVALUATION_HOUR and where it is switched off.
    """
    live = profile_live()
    is_time = settings.EVALUATION_NIGHTLY and timezone.now().hour == settings.EVALUATION_HOUR
    if live is None or not is_time:
        return 0
    started = 0
    for collection in collections_watched():
        asker = caretaker_of(collection)
        if asker is not None:
            started += _night_start(collection, asker, live)
    return started


@transaction.atomic
def _night_start(collection: Collection, asker: User, live: IndexProfile) -> bool:
    # Of two tasks at once the second waits here and then sees what the first has begun.
    Collection.objects.select_for_update(no_key=True).get(pk=collection.pk)
    recent = EvaluationRun.objects.filter(collection=collection, created_at__gte=timezone.now() - NIGHT)
    if recent.filter(purpose=EvaluationRun.Purpose.NIGHTLY).exists():
        return False
    run_create(
        collection=collection,
        asker=asker,
        profile=live,
        configuration=Configuration(),
        purpose=EvaluationRun.Purpose.NIGHTLY,
        label="Nightly",
    )
    if tuning_is_due(collection):
        tuning_start(collection=collection, asker=asker, profile=live)
    return True


def tuning_is_due(collection: Collection) -> bool:
    """Whether reranking is left to the measurements and they are old. One query."""
    tuning = CollectionTuning.objects.filter(collection=collection).first()
    if tuning is None:
        return True
    if tuning.rerank != CollectionTuning.Rerank.AUTOMATIC:
        return False
    return tuning.measured_at is None or tuning.measured_at < timezone.now() - TUNING_AGE


def tuning_start(*, collection: Collection, asker: User, profile: IndexProfile) -> list[EvaluationRun]:
    """Two runs, without and with reranking; the end of the second decides. In a transaction; the caller has checked."""
    pair = str(uuid7())
    return [
        run_create(
            collection=collection,
            asker=asker,
            profile=profile,
            configuration=Configuration(rerank=rerank),
            purpose=EvaluationRun.Purpose.TUNING,
            label="With reranking" if rerank else "Without reranking",
            pair=pair,
        )
        for rerank in (False, True)
    ]


@transaction.atomic
def rerank_measure(*, actor: User, collection_id: UUID) -> list[EvaluationRun]:
    """As `tuning_start`, asked for by a person. Raises NotFoundError, ForbiddenError, ValidationFailedError."""
    collection = collection_judge_require(user=actor, collection_id=collection_id)
    live = profile_live()
    if live is None:
        raise ValidationFailedError("There is no search index yet.")
    count = questions_approved(collection.pk).count()
    if count < QUESTIONS_MINIMUM:
        raise ValidationFailedError(f"At least {QUESTIONS_MINIMUM} approved questions are needed; {count} are there.")
    runs = tuning_start(collection=collection, asker=actor, profile=live)
    event_record(
        action=EVALUATION_STARTED,
        actor=actor,
        workspace_id=collection.workspace_id,
        target=runs[-1],
        data={"collection_id": collection.pk, "questions": count, "purpose": EvaluationRun.Purpose.TUNING.value},
    )
    return runs


def run_before(run: EvaluationRun) -> EvaluationRun | None:
    """The complete run before this one that tried the same, whichever index was live then. One query."""
    plain = {name: value for name, value in run.configuration.items() if name != "pair"}
    rows = EvaluationRun.objects.filter(
        collection_id=run.collection_id,
        state=EvaluationRun.State.COMPLETE,
        has_answers=run.has_answers,
        configuration=plain,
        purpose__in=[EvaluationRun.Purpose.MANUAL, EvaluationRun.Purpose.NIGHTLY],
        pk__lt=run.pk,
    )
    return rows.order_by("-pk").first()


def regressions_since(run: EvaluationRun) -> list[MetricComparison]:
    """Where a complete run is worse than the one before it. Three queries."""
    before = run_before(run)
    return regressions(runs_compare(first=before, second=run)) if before else []
