"""Pages and dialogs of collections: make, change, share, delete, and put documents into them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.forms.sharing import ShareForm
from apps.accounts.sharing import share_context
from apps.accounts.types import UserRequest
from apps.documents import collection_writing
from apps.documents.forms import CollectionForm, MoveForm, VisibilityForm
from apps.documents.listing import collection_context, rows_of
from apps.documents.models import Collection
from apps.documents.selectors import (
    collection_require,
    collections_fillable_by,
    collections_managed_by,
    document_require,
    documents_movable_by,
)
from apps.documents.views import list_address
from chatbot.lib.errors import ForbiddenError
from chatbot.lib.forms import posted


@require_http_methods(["GET", "POST"])
def collection_new(request: UserRequest) -> HttpResponse:
    collection_writing.collection_workspace(user=request.user)
    form = CollectionForm(posted(request))
    if form.is_valid():
        collection = collection_writing.collection_create(actor=request.user, **form.cleaned_data)
        return _go(request, collection.pk)
    return _dialog(request, "collection_form", {"form": form, "title": "New collection"}, form)


@require_http_methods(["GET", "POST"])
def collection_edit(request: UserRequest, collection_id: UUID) -> HttpResponse:
    collection = _managed(request, collection_id)
    form = CollectionForm(posted(request), instance=collection)
    if form.is_valid():
        collection_writing.collection_update(actor=request.user, collection_id=collection_id, **form.cleaned_data)
        return _go(request, collection_id)
    context = {"form": form, "title": "Change the collection", "collection": collection}
    return _dialog(request, "collection_form", context, form)


@require_http_methods(["GET", "POST"])
def collection_remove(request: UserRequest, collection_id: UUID) -> HttpResponse:
    if request.method == "POST":
        collection_writing.collection_delete(actor=request.user, collection_id=collection_id)
        return _go(request, None)
    collection = _managed(request, collection_id)
    context = {"collection": collection, "count": collection.documents.count()}
    return _dialog(request, "collection_delete", context)


@require_http_methods(["GET", "POST"])
def collection_share(request: UserRequest, collection_id: UUID) -> HttpResponse:
    """Who reads it, and by POST one more, one less, or everybody in the workspace."""
    if request.method == "POST":
        _share(request, collection_id)
        if not request.htmx:
            return redirect("documents:collection-share", collection_id)
    collection = collection_writing.collection_shareable(user=request.user, collection_id=collection_id)
    address = reverse("documents:collection-share", args=[collection_id])
    is_open = collection.visibility == Collection.Visibility.WORKSPACE
    context = share_context(user=request.user, target=collection, query=request.GET.get("q", ""), address=address)
    context |= collection_context(user=request.user, collection_id=collection_id)
    context |= {"everybody": {"name": collection.workspace.name, "is_open": is_open}}
    if request.htmx.target == "share-found":
        return render(request, "components/_share_found.html", context)
    return _dialog(request, "collection_share", context | {"is_changed": request.method == "POST"})


def _share(request: UserRequest, collection_id: UUID) -> None:
    """What cannot be understood changes nothing; the dialog then stands as it was."""
    visibility, form = VisibilityForm(request.POST), ShareForm(request.POST)
    if visibility.is_valid():
        collection_writing.collection_update(
            actor=request.user, collection_id=collection_id, visibility=visibility.cleaned_data["visibility"]
        )
    elif form.is_valid() and form.cleaned_data["add"]:
        collection_writing.collection_share(
            actor=request.user, collection_id=collection_id, grantee_id=form.cleaned_data["add"]
        )
    elif form.is_valid():
        collection_writing.collection_unshare(
            actor=request.user, collection_id=collection_id, grantee_id=form.cleaned_data["remove"]
        )


@require_http_methods(["GET", "POST"])
def document_move(request: UserRequest, document_id: UUID) -> HttpResponse:
    document = document_require(user=request.user, document_id=document_id)
    if not documents_movable_by(user=request.user).filter(pk=document_id).exists():
        raise ForbiddenError("Only the owner of the document or of its collection can move it.")
    collections = collections_fillable_by(user=request.user).filter(workspace_id=document.workspace_id)
    if document.owner_id != request.user.pk:
        collections = collections.none()
    form = MoveForm(
        posted(request),
        collections=collections.order_by("name"),
        initial={"collection": document.collection_id},
    )
    if not form.is_valid():
        return _dialog(request, "document_move", {"document": document, "form": form}, form)
    chosen = form.cleaned_data["collection"]
    collection_writing.document_move(
        actor=request.user, document_id=document_id, collection_id=chosen.pk if chosen else None
    )
    if not request.htmx:
        return redirect("documents:document-list")
    rows = rows_of(user=request.user, document_ids=[document_id])
    context = {"row": rows[0] if rows else None, "document": document}
    response = render(request, "documents/_document_moved.html", context)
    response["HX-Trigger"] = "dialog-close"
    return response


def _managed(request: UserRequest, collection_id: UUID) -> Collection:
    """The collection, before anything is said about it to somebody who may not change it."""
    collection = collection_require(user=request.user, collection_id=collection_id)
    if not collections_managed_by(user=request.user).filter(pk=collection_id).exists():
        raise ForbiddenError
    return collection


def _dialog(request: UserRequest, name: str, context: dict[str, Any], form: Any = None) -> HttpResponse:
    """The content of the dialog, or a page around it where there is no script."""
    template = f"documents/_{name}.html" if request.htmx else f"documents/{name}.html"
    status = 422 if form is not None and form.errors else 200
    return render(request, template, context | {"section": "documents"}, status=status)


def _go(request: UserRequest, collection_id: UUID | None) -> HttpResponse:
    address = list_address(collection_id)
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.htmx else redirect(address)
