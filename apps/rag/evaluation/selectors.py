"""What the pages of judging show. Every function takes whoever looks, and shows no document they may not see."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, FloatField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from apps.accounts.models import User
from apps.documents.models import Collection, Document
from apps.documents.selectors import documents_visible_to
from apps.rag.evaluation.access import collections_judged_here
from apps.rag.evaluation.charts import Chart, Measurement, chart_of
from apps.rag.evaluation.configuration import configuration_read, configuration_said
from apps.rag.evaluation.expectations import expected_read, pages_write
from apps.rag.evaluation.metrics import METRICS
from apps.rag.models import EvaluationResult, EvaluationRun, GoldenQuestion, ProposalRun
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.pagination import DEFAULT_LIMIT, Page, page_of

# A chart of more runs could not be read.
CHART_RUNS = 30
_FOUND_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A metric as people read it."""

    title: str
    text: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    question: GoldenQuestion
    expected: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """`found`: names and pages of what was found first. `is_hidden`: some of it the viewer may not see."""

    result: EvaluationResult
    expected: Sequence[str]
    found: Sequence[str]
    values: Sequence[Figure]
    is_hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    rows: Sequence[ResultRow]
    next: str | None


def collections_page(*, user: User, cursor: str | None) -> Page[Collection]:
    """Collections of the current workspace that the person may evaluate, newest first. One query.

    Each with `approved`, `proposed` and `last_metrics` (of the last complete run, None without one).
    """
    state = GoldenQuestion.State
    last = EvaluationRun.objects.filter(collection=OuterRef("pk"), state=EvaluationRun.State.COMPLETE).order_by("-pk")
    rows = collections_judged_here(user=user).annotate(
        approved=Count("golden_questions", filter=Q(golden_questions__state=state.APPROVED)),
        proposed=Count("golden_questions", filter=Q(golden_questions__state=state.PROPOSED)),
        last_metrics=Subquery(last.values("metrics")[:1]),
    )
    return page_of(rows, order="created_at", cursor=cursor)


def headline_of(collection: Collection) -> str:
    """What the last complete run of a collection from `collections_page` says in one number; empty without one."""
    metrics = getattr(collection, "last_metrics", None) or {}
    value = metrics.get("ndcg_10")
    return f"{METRICS['ndcg_10'].title} {value:.3f}" if value is not None else ""


def state_counts(collection: Collection) -> dict[str, int]:
    """State → how many golden questions. One query."""
    rows = collection.golden_questions.order_by().values_list("state").annotate(count=Count("pk"))
    return {state.value: 0 for state in GoldenQuestion.State} | dict(rows)


def proposals_latest(collection: Collection) -> ProposalRun | None:
    """The last time that a model was asked for golden questions of the collection. One query."""
    return ProposalRun.objects.filter(collection=collection).order_by("-pk").first()


def golden_page(
    *, user: User, collection: Collection, state: str, cursor: str | None
) -> tuple[list[GoldenRow], str | None]:
    """Golden questions in a state (empty: in all), newest first, and the next cursor. Two queries."""
    rows = GoldenQuestion.objects.filter(collection=collection)
    if state:
        rows = rows.filter(state=state)
    page = page_of(rows, order="created_at", cursor=cursor)
    names = _names(user, (question.expected for question in page.items))
    return [GoldenRow(question=each, expected=expected_said(each.expected, names)) for each in page.items], page.next


def expected_lines(*, user: User, question: GoldenQuestion) -> list[str]:
    """The expected documents as people write them: `handbook.pdf: 3, 5-7`. One query."""
    return list(expected_said(question.expected, _names(user, [question.expected]), gone=""))


def expected_said(
    stored: Sequence[Mapping[str, Any]],
    names: Mapping[UUID, str],
    *,
    gone: str = "a document that is not here any more",
) -> list[str]:
    """Names with pages; `gone` for a document that the viewer does not see, left out where that is empty."""
    said = []
    for each in expected_read(stored):
        name = names.get(each.document_id, gone) if each.document_id else each.filename
        if name:
            said.append(f"{name}: {pages_write(each.pages)}" if each.pages else name)
    return said


def runs_page(*, collection: Collection, cursor: str | None) -> Page[EvaluationRun]:
    """Runs of a collection that the caller has authorised, newest first. One query."""
    rows = EvaluationRun.objects.filter(collection=collection).select_related("profile")
    page = page_of(rows, order="created_at", cursor=cursor)
    for run in page.items:
        run_describe(run)
    return page


def run_describe(run: EvaluationRun) -> EvaluationRun:
    """The run with `said` (its configuration) and `values` (its means) for the page."""
    described: Any = run
    described.said = configuration_said(configuration_read(run.configuration))
    described.values = values_of(run.metrics)
    return run


def history_of(collection: Collection) -> tuple[Chart | None, list[EvaluationRun]]:
    """The chart of what searches did as they are done for people, and its runs, newest first. One query."""
    usual = {"mode": "hybrid"}
    rows = EvaluationRun.objects.filter(
        collection=collection, state=EvaluationRun.State.COMPLETE, configuration=usual
    ).exclude(purpose=EvaluationRun.Purpose.SWITCH)
    runs = [run_describe(run) for run in rows.order_by("-pk")[:CHART_RUNS]]
    points = [Measurement(moment=run.created_at, metrics=run.metrics) for run in reversed(runs)]
    return chart_of(points), runs


def values_of(metrics: Mapping[str, Any]) -> list[Figure]:
    """What is there, in the order of METRICS."""
    return [
        Figure(
            name=name,
            title=metric.title,
            text=f"{metrics[name]:.3f}" if metric.is_share else f"{metrics[name]:.0f} ms",
        )
        for name, metric in METRICS.items()
        if name in metrics
    ]


def results_page(*, user: User, run: EvaluationRun, cursor: str | None, limit: int = DEFAULT_LIMIT) -> ResultPage:
    """Results of a run that the caller has authorised: what could not be measured, then the worst first. Two queries.

    Names only documents that the person may see. Raises ValidationFailedError for a cursor that makes no sense.
    """
    rows = _results_ranked(run)
    if cursor:
        worst, key = _cursor_read(cursor)
        rows = rows.filter(Q(rank__gt=worst) | Q(rank=worst, pk__gt=key))
    found = list(rows.select_related("question").order_by("rank", "pk")[: limit + 1])
    shown: list[Any] = found[:limit]
    names = _names(user, (result.question.expected for result in shown), found=(result.found for result in shown))
    is_last = len(found) <= limit
    return ResultPage(
        rows=[_result_row(result, names) for result in shown],
        next=None if is_last else _cursor_write(shown[-1].rank, shown[-1].pk),
    )


def _results_ranked(run: EvaluationRun) -> QuerySet[Any, Any]:
    """With `rank`: -1 for what could not be measured, else how good it is, 1 for the best."""
    score = Coalesce(
        Cast(KT("metrics__ndcg_10"), FloatField()), Cast(KT("metrics__abstained_right"), FloatField()), Value(1.0)
    )
    rank = Case(When(error_detail="", then=score), default=Value(-1.0), output_field=FloatField())
    return EvaluationResult.objects.filter(run=run).annotate(rank=rank)


def _result_row(result: EvaluationResult, names: Mapping[UUID, str]) -> ResultRow:
    found = [(UUID(document_id), page) for document_id, page, _ in result.found]
    seen = [(names[document_id], page) for document_id, page in found if document_id in names]
    return ResultRow(
        result=result,
        expected=expected_said(result.question.expected, names),
        found=[f"{name}: {page}" if page else name for name, page in seen[:_FOUND_SHOWN]],
        values=values_of(result.metrics),
        is_hidden=len(seen) < len(found),
    )


def _names(
    user: User, expected: Iterable[Sequence[Mapping[str, Any]]], found: Iterable[Sequence[Sequence[Any]]] = ()
) -> dict[UUID, str]:
    """Names of those documents that the person may see. One query."""
    keys = {each.document_id for stored in expected for each in expected_read(stored) if each.document_id}
    keys |= {UUID(row[0]) for rows in found for row in rows}
    visible: QuerySet[Document] = documents_visible_to(user=user).filter(pk__in=keys)
    return dict(visible.values_list("pk", "filename"))


def _cursor_write(rank: float, key: UUID) -> str:
    return base64.urlsafe_b64encode(json.dumps([rank, str(key)]).encode()).decode().rstrip("=")


def _cursor_read(cursor: str) -> tuple[float, UUID]:
    try:
        rank, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(rank), UUID(key)
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ValidationFailedError("The cursor is not one of ours.", errors={"cursor": "not valid"}) from error
