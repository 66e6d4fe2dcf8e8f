"""Collections for programs: make, change, share, delete."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse
from ninja import Field, Query, Router, Schema, Status

from apps.accounts.api.workspaces import GranteeIn, GranteesOut
from apps.accounts.idempotency import idempotent_run
from apps.accounts.permissions import grants_on
from apps.accounts.types import ApiRequest
from apps.documents import collection_writing, selectors
from apps.documents.models import Collection
from chatbot.lib.api_types import PageOut, PageQuery, Text
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.pagination import page_of

router = Router(tags=["collections"])


class CollectionIn(Schema):
    """`visibility`: private, or workspace for all there. `classification`: public, internal, confidential."""

    name: Text = Field(max_length=collection_writing.NAME_MAXIMUM)
    visibility: Collection.Visibility = Collection.Visibility.PRIVATE
    classification: Collection.Classification = Collection.Classification.INTERNAL


class CollectionUpdateIn(Schema):
    """What is left out stays as it is."""

    name: Text | None = Field(None, max_length=collection_writing.NAME_MAXIMUM)
    visibility: Collection.Visibility | None = None
    classification: Collection.Classification | None = None


class CollectionOut(Schema):
    """`is_own`: whether I made it. `can_manage`: whether I may rename and delete it."""

    id: UUID
    workspace_id: UUID
    name: str
    visibility: str
    classification: str
    is_own: bool
    can_manage: bool
    created_at: datetime


@router.get("", response=PageOut[CollectionOut], summary="Collections that I may read, newest first")
def collection_list(request: ApiRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """Of the workspace I work in."""
    rows = selectors.collection_list(user=request.auth)
    page = page_of(rows, order="created_at", cursor=query.cursor, limit=query.limit)
    managed = _managed_ids(request, page.items)
    return {"items": [_out(request, row, managed) for row in page.items], "next": page.next}


@router.post("", response={201: CollectionOut}, summary="Make a collection")
def collection_create(request: ApiRequest, body: CollectionIn) -> Status[Any]:
    def work() -> dict[str, Any]:
        collection = collection_writing.collection_create(actor=request.auth, **_fields(body))
        return {"id": str(collection.pk)}

    made = idempotent_run(request=request, user=request.auth, work=work)
    return Status(201, _one(request, UUID(made["id"])))


@router.get("/{uuid:collection_id}", response=CollectionOut, summary="One collection")
def collection_detail(request: ApiRequest, collection_id: UUID) -> dict[str, Any]:
    return _one(request, collection_id)


@router.put("/{uuid:collection_id}", response=CollectionOut, summary="Change what is given")
def collection_update(request: ApiRequest, collection_id: UUID, body: CollectionUpdateIn) -> dict[str, Any]:
    """Renaming: the owner, or an administrator where it is open to the workspace. Visibility: the owner."""
    selectors.collection_require(user=request.auth, collection_id=collection_id)
    fields = _fields(body)
    empty = [name for name, value in fields.items() if value is None]
    if empty:
        raise ValidationFailedError(errors=dict.fromkeys(empty, "must not be null"))
    collection_writing.collection_update(actor=request.auth, collection_id=collection_id, **fields)
    return _one(request, collection_id)


@router.delete("/{uuid:collection_id}", response={204: None}, summary="Delete; the documents stay")
def collection_delete(request: ApiRequest, collection_id: UUID) -> HttpResponse:
    """Its documents become visible to their owners only."""
    collection_writing.collection_delete(actor=request.auth, collection_id=collection_id)
    return HttpResponse(status=204)


@router.get("/{uuid:collection_id}/grants", response=GranteesOut, summary="Whom it is shared with")
def grant_list(request: ApiRequest, collection_id: UUID) -> dict[str, Any]:
    collection = collection_writing.collection_shareable(user=request.auth, collection_id=collection_id)
    return {"items": grants_on(target=collection)}


@router.post("/{uuid:collection_id}/grants", response={201: GranteesOut}, summary="Share with a person or a group")
def grant_create(request: ApiRequest, collection_id: UUID, body: GranteeIn) -> Status[Any]:
    """Of the same workspace. Sharing twice is no error."""
    collection_writing.collection_share(actor=request.auth, collection_id=collection_id, grantee_id=body.grantee_id)
    return Status(201, grant_list(request, collection_id))


@router.delete("/{uuid:collection_id}/grants/{uuid:grantee_id}", response={204: None}, summary="Stop sharing")
def grant_delete(request: ApiRequest, collection_id: UUID, grantee_id: UUID) -> HttpResponse:
    """`grantee_id`: the key of the person or group. Takes effect at once."""
    collection_writing.collection_unshare(actor=request.auth, collection_id=collection_id, grantee_id=grantee_id)
    return HttpResponse(status=204)


def _fields(body: CollectionIn | CollectionUpdateIn) -> collection_writing.CollectionFields:
    return cast("collection_writing.CollectionFields", body.model_dump(mode="json", exclude_unset=True))


def _one(request: ApiRequest, collection_id: UUID) -> dict[str, Any]:
    row = selectors.collection_require(user=request.auth, collection_id=collection_id)
    return _out(request, row, _managed_ids(request, [row]))


def _managed_ids(request: ApiRequest, rows: Any) -> set[UUID]:
    managed = selectors.collections_managed_by(user=request.auth).filter(pk__in=[row.pk for row in rows])
    return set(managed.values_list("pk", flat=True))


def _out(request: ApiRequest, row: Collection, managed: set[UUID]) -> dict[str, Any]:
    fields = ("workspace_id", "name", "visibility", "classification", "created_at")
    return {
        **{name: getattr(row, name) for name in fields},
        "id": row.pk,
        "is_own": row.owner_id == request.auth.pk,
        "can_manage": row.pk in managed,
    }
