"""Pages and fragments of documents."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.types import UserRequest
from apps.documents.forms import PlaceForm, TagsForm, UploadForm, WatchForm
from apps.documents.listing import list_context, rows_of, shelf_context, upload_limits, watched_ids
from apps.documents.selectors import document_require
from apps.documents.services import document_delete, document_download, document_upload
from apps.documents.tagging import document_tag, document_taggable, tag_normal
from chatbot.lib.downloads import attachment_response
from chatbot.lib.errors import NotFoundError

ATTACHMENTS = "attachments"


@require_http_methods(["GET", "POST"])
def document_list(request: UserRequest) -> HttpResponse:
    """The documents that the person may see, of a collection or of all, or by POST new ones."""
    place = PlaceForm(request.GET)
    if not place.is_valid():
        raise NotFoundError
    collection_id, workspace_id = place.cleaned_data["collection"], place.cleaned_data["workspace"]
    if request.method == "POST":
        return _upload(request, collection_id, workspace_id)
    context = list_context(
        user=request.user,
        query=request.GET.get("q", ""),
        state=request.GET.get("state", ""),
        tag=tag_normal(request.GET.get("tag", "")),
        cursor=request.GET.get("cursor") or None,
        collection_id=collection_id,
    )
    if request.htmx:
        partial = "more" if "cursor" in request.GET else "list"
        return render(request, f"documents/document_list.html#{partial}", context)
    return _list_page(request, context, collection_id)


def _list_page(
    request: UserRequest, context: dict[str, Any], collection_id: UUID | None, *, status: int = 200
) -> HttpResponse:
    context |= {"section": "documents", "upload": upload_limits()}
    context |= shelf_context(user=request.user, collection_id=collection_id)
    return render(request, "documents/document_list.html", context, status=status)


def _upload(request: UserRequest, collection_id: UUID | None, workspace_id: UUID | None) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        context: dict[str, Any] = {"errors": form.errors["files"]}
        if request.htmx:
            return render(request, "documents/_upload_error.html", context, status=422)
        context |= list_context(user=request.user, collection_id=collection_id)
        return _list_page(request, context, collection_id, status=422)
    documents = [
        document_upload(
            actor=request.user,
            file=file,
            filename=file.name,
            collection_id=collection_id,
            workspace_id=workspace_id,
        )
        for file in form.cleaned_data["files"]
    ]
    if not request.htmx:
        messages.success(request, "Your files were uploaded and are being read.")
        return redirect(list_address(collection_id))
    context = {"rows": rows_of(user=request.user, document_ids=[document.pk for document in documents])}
    if request.htmx.target == ATTACHMENTS:
        return render(request, "documents/_attachments.html", context)
    return render(request, "documents/_uploaded.html", context | {"watched": watched_ids(user=request.user)})


def list_address(collection_id: UUID | None) -> str:
    address = reverse("documents:document-list")
    return f"{address}?collection={collection_id}" if collection_id else address


@never_cache
@require_GET
def document_states(request: UserRequest) -> HttpResponse:
    """How far the named documents are; the page asks while some are open."""
    form = WatchForm(request.GET)
    rows = rows_of(user=request.user, document_ids=form.cleaned_data["ids"] if form.is_valid() else [])
    return render(request, "documents/_states.html", {"rows": rows, "watched": watched_ids(user=request.user)})


@never_cache
@require_GET
def document_chip(request: UserRequest, document_id: UUID) -> HttpResponse:
    """How far a document is, as the box for questions shows it."""
    document_require(user=request.user, document_id=document_id)
    return render(
        request, "documents/_attachments.html", {"rows": rows_of(user=request.user, document_ids=[document_id])}
    )


@require_http_methods(["GET", "POST"])
def document_remove(request: UserRequest, document_id: UUID) -> HttpResponse:
    if request.method == "POST":
        document_delete(actor=request.user, document_id=document_id)
        if request.htmx:
            return HttpResponse(headers={"HX-Trigger": "dialog-close"})
        return redirect("documents:document-list")
    context: dict[str, Any] = {"document": document_require(user=request.user, document_id=document_id)}
    template = "_document_delete" if request.htmx else "document_delete"
    return render(request, f"documents/{template}.html", context | {"section": "documents"})


@require_http_methods(["GET", "POST"])
def document_tags(request: UserRequest, document_id: UUID) -> HttpResponse:
    """The tags of a document, to be changed."""
    document = document_taggable(user=request.user, document_id=document_id)
    form = TagsForm(request.POST if request.method == "POST" else None, initial={"tags": ", ".join(document.tags)})
    if not form.is_valid():
        template = "_document_tags" if request.htmx else "document_tags"
        context: dict[str, Any] = {"document": document, "form": form, "section": "documents"}
        return render(request, f"documents/{template}.html", context, status=422 if form.errors else 200)
    document_tag(actor=request.user, document_id=document_id, tags=form.cleaned_data["tags"])
    if not request.htmx:
        return redirect("documents:document-list")
    rows = rows_of(user=request.user, document_ids=[document_id])
    response = render(
        request, "documents/_document_moved.html", {"row": rows[0] if rows else None, "document": document}
    )
    response["HX-Trigger"] = "dialog-close"
    return response


@require_GET
def document_content(request: UserRequest, document_id: UUID) -> HttpResponseBase:
    """The original file."""
    document, version = document_download(actor=request.user, document_id=document_id)
    return attachment_response(
        request,
        version.file.open("rb"),
        filename=document.filename,
        content_type=version.mime,
        size=version.size_bytes,
    )
