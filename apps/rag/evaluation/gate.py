"""Whether another index may become the live one: not where it answers a collection's golden questions worse."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.documents.models import Collection
from apps.rag.evaluation.access import caretaker_of
from apps.rag.evaluation.comparison import QUESTIONS_MINIMUM, regression_said, regressions, runs_compare
from apps.rag.evaluation.runs import questions_approved, run_create, run_measure
from apps.rag.evaluation.types import Configuration
from apps.rag.models import EvaluationRun, GoldenQuestion, IndexProfile
from apps.rag.selectors import profile_live

# A measurement this young, of the same questions, is not repeated.
FRESH = timedelta(hours=1)


def switch_check(*, profile: IndexProfile) -> list[str]:
    """Reasons against making `profile` the live index, as sentences; empty where nothing speaks against it.

    Asks the approved golden questions of every collection that has at least QUESTIONS_MINIMUM of both indexes, each
    with the permissions of the collection's owner, and compares pairwise. Computes in this process, which must be a
    worker or a command: some 0.1 to 0.5 s for each question. What was measured within FRESH is taken as it stands.
    Names collections by key only: whoever looks after indexes may not see them.
    """
    live = profile_live()
    if live is None or live.pk == profile.pk:
        return []
    return [reason for collection in collections_watched() for reason in _reasons(collection, live, profile)]


def collections_watched() -> Iterator[Collection]:
    """Collections with enough approved questions to tell."""
    approved = Count("golden_questions", filter=Q(golden_questions__state=GoldenQuestion.State.APPROVED))
    rows = Collection.objects.annotate(approved=approved).filter(approved__gte=QUESTIONS_MINIMUM)
    yield from rows.select_related("owner", "workspace").order_by("pk")


def _reasons(collection: Collection, live: IndexProfile, candidate: IndexProfile) -> Iterator[str]:
    asker = caretaker_of(collection)
    if asker is None:
        return
    first, second = (_measured(collection, asker, profile) for profile in (live, candidate))
    where = f"Collection {collection.pk} of {collection.workspace.name}"
    for run, name in ((first, "the live index"), (second, "the new index")):
        if run.state != EvaluationRun.State.COMPLETE:
            yield f"{where}: {name} could not be measured. {run.error_detail}".strip()
            return
    for row in regressions(runs_compare(first=first, second=second)):
        yield f"{where}: {regression_said(row)}."


def _measured(collection: Collection, asker: User, profile: IndexProfile) -> EvaluationRun:
    """A run of these questions with this index that is still fresh, or a new one."""
    purpose = EvaluationRun.Purpose.SWITCH
    wanted = set(questions_approved(collection.pk).values_list("pk", flat=True))
    recent = EvaluationRun.objects.filter(
        collection=collection,
        profile=profile,
        purpose=purpose,
        state=EvaluationRun.State.COMPLETE,
        created_at__gte=timezone.now() - FRESH,
    )
    for run in recent.order_by("-pk"):
        if set(run.results.values_list("question_id", flat=True)) == wanted:
            return run
    run = run_create(
        collection=collection,
        asker=asker,
        profile=profile,
        configuration=Configuration(),
        purpose=purpose,
        label=f"Before a switch: {profile}",
        is_enqueued=False,
    )
    return run_measure(run)
