"""Pages of the retrieval laboratory."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.models import Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.types import UserRequest
from apps.documents.types import FileKind
from apps.rag.laboratory import laboratory_form, laboratory_search
from apps.rag.models import Chunk
from apps.rag.selectors import chunk_require

PERMISSION = "evaluation_manage"
SECTION = {"settings_section": "laboratory"}
_PAGE = "rag/laboratory.html"


@never_cache
@require_GET
def laboratory(request: UserRequest) -> HttpResponse:
    """The query, the knobs and what each step finds; by htmx only the last."""
    workspace = _workspace(request)
    form = laboratory_form(user=request.user, values=request.GET)
    template = f"{_PAGE}#found" if request.htmx else _PAGE
    context: dict[str, Any] = {"form": form, "asked": "", **SECTION}
    if not form.is_valid():
        return render(request, template, context, status=422)
    query = form.query(workspace_id=workspace.pk)
    if query.text:
        context |= {"asked": query.text, **laboratory_search(user=request.user, query=query)}
    return render(request, template, context)


@require_GET
def laboratory_passage(request: UserRequest, chunk_id: UUID) -> HttpResponse:
    """One passage: its words, and the page with it marked."""
    _workspace(request)
    chunk = chunk_require(user=request.user, chunk_id=chunk_id)
    context = {"chunk": chunk, "document": chunk.document, "pictures": _pictures(chunk)}
    return render(request, "rag/laboratory_passage.html", context | SECTION)


def _workspace(request: UserRequest) -> Workspace:
    workspace = workspace_current(user=request.user)
    permission_require(user=request.user, workspace_id=workspace.pk, permission=PERMISSION)
    return workspace


def _pictures(chunk: Chunk) -> list[tuple[int, str]]:
    """The passage's pages and the addresses of their pictures; none where the format has no pages to draw."""
    version = chunk.version
    if version.mime != FileKind.PDF or not version.is_current or chunk.page_first is None:
        return []
    last = min(chunk.page_last or chunk.page_first, version.pages or 0)
    return [
        (page, f"{reverse('api:page', args=[chunk.document_id, page])}?chunk={chunk.pk}")
        for page in range(chunk.page_first, last + 1)
    ]
