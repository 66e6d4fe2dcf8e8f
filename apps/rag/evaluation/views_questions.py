"""Pages of golden questions: the list, one question, import, proposals."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected
from apps.documents.models import Collection
from apps.rag.evaluation import selectors
from apps.rag.evaluation.access import (
    collection_judge_require,
    documents_judged,
    proposals_require,
    question_require,
)
from apps.rag.evaluation.forms import DecideForm, GoldenForm, ImportForm, ProposeForm
from apps.rag.evaluation.proposal_runs import proposals_cancel, proposals_retry, proposals_start
from apps.rag.evaluation.questions import golden_decide, golden_delete, golden_import, golden_write
from apps.rag.evaluation.views import SECTION
from apps.rag.models import GoldenQuestion
from chatbot.lib.errors import AppError, ValidationFailedError
from chatbot.lib.forms import posted

# Suggestions under the field; others can be typed.
_NAMES_SHOWN = 50
_ERRORS_SHOWN = 100


@require_GET
def golden_list(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Golden questions of a collection, in one state or in all."""
    return _list(request, collection_judge_require(user=request.user, collection_id=collection_id), ProposeForm())


@require_http_methods(["GET", "POST"])
def golden_new(request: UserRequest, collection_id: UUID) -> HttpResponse:
    collection = collection_judge_require(user=request.user, collection_id=collection_id)
    return _form(request, collection, GoldenForm(posted(request)), None)


@require_http_methods(["GET", "POST"])
def golden_edit(request: UserRequest, golden_id: UUID) -> HttpResponse:
    question = question_require(user=request.user, question_id=golden_id)
    initial = {
        "question": question.question,
        "documents": "\n".join(selectors.expected_lines(user=request.user, question=question)),
        "answer": question.answer,
        "is_unanswerable": question.is_unanswerable,
    }
    return _form(request, question.collection, GoldenForm(posted(request), initial=initial), question)


@require_http_methods(["GET", "POST"])
def golden_remove(request: UserRequest, golden_id: UUID) -> HttpResponse:
    question = question_require(user=request.user, question_id=golden_id)
    if request.method == "POST":
        golden_delete(actor=request.user, question_id=golden_id)
        return redirected(request, "rag:golden-list", question.collection_id, text="The question is deleted.")
    return asked(
        request,
        section="evaluation",
        back=reverse("rag:golden-edit", args=[golden_id]),
        title="Delete the question?",
        text="Its results in earlier evaluations go with it.",
        button="Delete",
    )


@require_POST
def golden_decision(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Approve or reject questions."""
    form = DecideForm(request.POST)
    collection_judge_require(user=request.user, collection_id=collection_id)
    if not form.is_valid():
        return redirected(request, "rag:golden-list", collection_id, text="Choose questions first.")
    is_approved = form.cleaned_data["decision"] == "approve"
    count = golden_decide(
        actor=request.user,
        collection_id=collection_id,
        question_ids=form.cleaned_data["question"],
        is_approved=is_approved,
    )
    words = "1 question" if count == 1 else f"{count} questions"
    return redirected(
        request, "rag:golden-list", collection_id, text=f"{words} {'approved' if is_approved else 'rejected'}."
    )


@require_http_methods(["GET", "POST"])
def golden_upload(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Golden questions out of a file; what is wrong is told line by line."""
    collection = collection_judge_require(user=request.user, collection_id=collection_id)
    form = ImportForm(posted(request), request.FILES if request.method == "POST" else None)
    outcome = None
    if form.is_valid():
        file, qrels = form.cleaned_data["file"], form.cleaned_data["qrels"]
        try:
            outcome = golden_import(
                actor=request.user,
                collection_id=collection_id,
                content=file.read(),
                filename=file.name,
                qrels=qrels.read() if qrels else None,
                is_valid_kept=form.cleaned_data["is_valid_kept"],
            )
        except ValidationFailedError as error:
            form.add_error("file", error.detail)
        if outcome and not outcome.errors:
            text = f"{outcome.added} imported, {outcome.unchanged} were there already."
            return redirected(request, "rag:golden-list", collection_id, text=text)
    context = {"collection": collection, "form": form, "outcome": outcome}
    if outcome:
        context["errors"] = outcome.errors[:_ERRORS_SHOWN]
    has_errors = bool(form.errors or outcome)
    return render(request, "rag/golden_import.html", context | SECTION, status=422 if has_errors else 200)


@require_POST
def golden_proposals(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Have the model propose questions."""
    collection = collection_judge_require(user=request.user, collection_id=collection_id)
    form = ProposeForm(request.POST)
    if form.is_valid():
        try:
            run = proposals_start(actor=request.user, collection_id=collection_id, count=form.cleaned_data["count"])
        except AppError as error:
            form.add_error("count", error.detail or error.title)
        else:
            words = "1 passage is" if run.passage_count == 1 else f"{run.passage_count} passages are"
            text = f"{words} being read. Good questions appear here as proposals."
            return redirected(request, "rag:golden-list", collection_id, text=text)
    return _list(request, collection, form)


@never_cache
@require_GET
def proposals_progress(request: UserRequest, proposals_id: UUID) -> HttpResponse:
    """How far proposing has come; without htmx the page of the questions."""
    run = proposals_require(user=request.user, run_id=proposals_id)
    if not request.htmx:
        return redirect("rag:golden-list", run.collection_id)
    return render(request, "rag/_proposals.html", {"run": run})


@require_POST
def proposals_again(request: UserRequest, proposals_id: UUID) -> HttpResponse:
    run = proposals_require(user=request.user, run_id=proposals_id)
    try:
        run = proposals_retry(actor=request.user, run_id=proposals_id)
    except AppError as error:
        text = error.detail or error.title
        return redirected(request, "rag:golden-list", run.collection_id, text=text, kind=messages.ERROR)
    text = "Proposing goes on." if run.is_open else "There is nothing to try again."
    return redirected(request, "rag:golden-list", run.collection_id, text=text)


@require_POST
def proposals_stop(request: UserRequest, proposals_id: UUID) -> HttpResponse:
    run = proposals_cancel(actor=request.user, run_id=proposals_id)
    return redirected(request, "rag:golden-list", run.collection_id, text="Proposing has been stopped.")


def _list(request: UserRequest, collection: Collection, form: ProposeForm) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in GoldenQuestion.State.values else ""
    rows, next_cursor = selectors.golden_page(
        user=request.user, collection=collection, state=state, cursor=request.GET.get("cursor")
    )
    counts = selectors.state_counts(collection)
    context = {
        "collection": collection,
        "rows": rows,
        "next_cursor": next_cursor,
        "state": state,
        "filters": [("", "All", sum(counts.values()))]
        + [(each.value, each.label, counts[each.value]) for each in GoldenQuestion.State],
        "form": form,
        "proposals": selectors.proposals_latest(collection),
    }
    return render(request, "rag/golden_list.html", context | SECTION, status=422 if form.errors else 200)


def _form(
    request: UserRequest, collection: Collection, form: GoldenForm, question: GoldenQuestion | None
) -> HttpResponse:
    if form.is_valid():
        try:
            golden_write(
                actor=request.user,
                collection_id=collection.pk,
                fields=form.fields_read(),
                question_id=question.pk if question else None,
            )
        except ValidationFailedError as error:
            form.add_error("documents", error.detail)
        else:
            return redirect("rag:golden-list", collection.pk)
    names = documents_judged(user=request.user, collection_id=collection.pk).order_by("filename")
    context = {
        "collection": collection,
        "form": form,
        "question": question,
        "names": names.values_list("filename", flat=True)[:_NAMES_SHOWN],
    }
    return render(request, "rag/golden_form.html", context | SECTION, status=422 if form.errors else 200)
