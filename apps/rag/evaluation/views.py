"""Pages of judging: collections, one collection, its runs, and two runs side by side."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.permissions import permission_require
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import redirected
from apps.rag.evaluation import selectors
from apps.rag.evaluation.access import PERMISSION, collection_judge_require, question_texts, run_require
from apps.rag.evaluation.comparison import question_pairs, regression_said, regressions, runs_compare
from apps.rag.evaluation.forms import CompareForm, RunForm, TuningForm
from apps.rag.evaluation.nightly import regressions_since, rerank_measure
from apps.rag.evaluation.runs import run_cancel, run_start
from apps.rag.evaluation.statistics import reply_statistics
from apps.rag.evaluation.tuning import tuning_choose, tuning_of
from apps.rag.models import CollectionTuning, EvaluationRun
from chatbot.lib.errors import NotFoundError, ValidationFailedError

SECTION = {"settings_section": "evaluation"}
# Questions that moved most, on the page of a comparison.
PAIRS_SHOWN = 20


@require_GET
def evaluation_list(request: UserRequest) -> HttpResponse:
    """Collections of the workspace that the person may evaluate."""
    workspace = workspace_current(user=request.user)
    permission_require(user=request.user, workspace_id=workspace.pk, permission=PERMISSION)
    page = selectors.collections_page(user=request.user, cursor=request.GET.get("cursor"))
    rows = [(collection, selectors.headline_of(collection)) for collection in page.items]
    context = {"rows": rows, "next_cursor": page.next, "workspace": workspace}
    return render(request, "rag/evaluation_list.html", context | SECTION)


@require_GET
def evaluation_detail(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """How well the collection is searched: history, runs, reranking, and how its documents served in replies."""
    return _detail(request, collection_id, RunForm())


@require_POST
def evaluation_start(request: UserRequest, collection_id: UUID) -> HttpResponse:
    collection_judge_require(user=request.user, collection_id=collection_id)
    form = RunForm(request.POST)
    if not form.is_valid():
        return _detail(request, collection_id, form)
    profile = form.cleaned_data["profile"]
    try:
        run = run_start(
            actor=request.user,
            collection_id=collection_id,
            configuration=form.configuration(),
            profile_id=profile.pk if profile else None,
            has_answers=form.cleaned_data["has_answers"],
            label=form.cleaned_data["label"],
        )
    except ValidationFailedError as error:
        form.add_error(None, error.detail)
        return _detail(request, collection_id, form)
    return redirected(request, "rag:evaluation-run", run.pk, text="The evaluation has begun.")


@require_GET
def run_detail(request: UserRequest, run_id: UUID) -> HttpResponse:
    """One run: its means, and question by question what was found, the worst first."""
    run = selectors.run_describe(run_require(user=request.user, run_id=run_id))
    page = selectors.results_page(user=request.user, run=run, cursor=request.GET.get("cursor"))
    is_complete = run.state == EvaluationRun.State.COMPLETE
    context = {
        "run": run,
        "collection": run.collection,
        "page": page,
        "is_open": run.is_open,
        "worse": [regression_said(row) for row in regressions_since(run)] if is_complete else [],
    }
    return render(request, "rag/evaluation_run.html", context | SECTION)


@require_POST
def run_stop(request: UserRequest, run_id: UUID) -> HttpResponse:
    run = run_cancel(actor=request.user, run_id=run_id)
    return redirected(request, "rag:evaluation-run", run.pk, text="The evaluation has been stopped.")


@require_GET
def run_compare(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Two runs of the collection side by side: means, difference, chance, and the questions that moved most."""
    collection = collection_judge_require(user=request.user, collection_id=collection_id)
    form = CompareForm(request.GET)
    if not form.is_valid():
        # Two are chosen there.
        return redirect("rag:evaluation-detail", collection_id)
    first, second = (
        selectors.run_describe(run_require(user=request.user, run_id=form.cleaned_data[name]))
        for name in ("first", "second")
    )
    if {first.collection_id, second.collection_id} != {collection.pk}:
        raise NotFoundError
    rows = runs_compare(first=first, second=second)
    pairs = [pair for pair in question_pairs(first=first, second=second) if pair.first != pair.second]
    moved = pairs[:PAIRS_SHOWN] + pairs[PAIRS_SHOWN:][-PAIRS_SHOWN:]
    texts = question_texts([pair.question_id for pair in moved])
    context = {
        "collection": collection,
        "first": first,
        "second": second,
        "rows": rows,
        "worse": [regression_said(row) for row in regressions(rows)],
        "pairs": [(texts.get(pair.question_id, ""), pair) for pair in moved],
    }
    return render(request, "rag/evaluation_compare.html", context | SECTION)


@require_POST
def tuning_change(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Whether searches in the collection are reranked."""
    collection_judge_require(user=request.user, collection_id=collection_id)
    form = TuningForm(request.POST)
    if not form.is_valid():
        raise ValidationFailedError
    rerank = CollectionTuning.Rerank(form.cleaned_data["rerank"])
    tuning_choose(actor=request.user, collection_id=collection_id, rerank=rerank)
    return redirected(request, "rag:evaluation-detail", collection_id, text="Saved.")


@require_POST
def tuning_measure(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Measure without and with reranking."""
    try:
        rerank_measure(actor=request.user, collection_id=collection_id)
    except ValidationFailedError as error:
        return redirected(request, "rag:evaluation-detail", collection_id, text=error.detail, kind=messages.ERROR)
    return redirected(request, "rag:evaluation-detail", collection_id, text="Two evaluations have begun.")


def _detail(request: UserRequest, collection_id: UUID, form: RunForm) -> HttpResponse:
    collection = collection_judge_require(user=request.user, collection_id=collection_id)
    chart, history = selectors.history_of(collection)
    page = selectors.runs_page(collection=collection, cursor=request.GET.get("cursor"))
    tuning = tuning_of(collection)
    counts = selectors.state_counts(collection)
    proposals = selectors.proposals_latest(collection)
    context: dict[str, Any] = {
        "collection": collection,
        "counts": counts,
        # What ended well and was decided on is news no more.
        "proposals": proposals if proposals and (proposals.is_news or counts["proposed"]) else None,
        "chart": chart,
        "history": history,
        "runs": page.items,
        "next_cursor": page.next,
        "complete": [run for run in page.items if run.state == EvaluationRun.State.COMPLETE],
        "tuning": tuning,
        "tuning_form": TuningForm(initial={"rerank": tuning.rerank}, auto_id="tuning_%s"),
        "replies": reply_statistics(collection.pk),
        "form": form,
    }
    return render(request, "rag/evaluation_detail.html", context | SECTION, status=422 if form.errors else 200)
