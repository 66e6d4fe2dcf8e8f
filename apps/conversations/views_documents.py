"""Pages about documents that only this app can fill: which answers used one, and what in it is to be warned of."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.types import UserRequest
from apps.conversations.answers_using import Uses, uses_of_deleted, uses_of_document
from apps.conversations.forms import DocumentsForm
from apps.rag.warnings import warnings_of


@never_cache
@require_GET
def document_answers(request: UserRequest, document_id: UUID) -> HttpResponse:
    """Which answers were written from the document."""
    uses = uses_of_document(actor=request.user, document_id=document_id, cursor=request.GET.get("cursor") or None)
    warnings = warnings_of(user=request.user, document_ids=[document_id])
    return _answers_page(request, uses, warnings=warnings)


@never_cache
@require_GET
def version_answers(request: UserRequest, version_id: UUID) -> HttpResponse:
    """Which answers were written from a version that was deleted."""
    uses = uses_of_deleted(actor=request.user, version_id=version_id, cursor=request.GET.get("cursor") or None)
    return _answers_page(request, uses)


def _answers_page(request: UserRequest, uses: Uses, **context: Any) -> HttpResponse:
    return render(request, "conversations/document_answers.html", context | {"uses": uses, "section": "documents"})


@never_cache
@require_GET
def document_warnings(request: UserRequest) -> HttpResponse:
    """What is to be warned of in the documents of a list: the list asks once it is shown."""
    form = DocumentsForm(request.GET)
    ids = form.cleaned_data["ids"] if form.is_valid() else []
    return render(
        request, "conversations/_document_warnings.html", {"warnings": warnings_of(user=request.user, document_ids=ids)}
    )
