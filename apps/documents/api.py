"""Documents for programs: upload, look after, fetch, delete."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse, HttpResponseBase
from ninja import Field, File, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile

from apps.accounts.idempotency import idempotent_run
from apps.accounts.types import ApiRequest
from apps.documents import selectors
from apps.documents.collection_writing import document_move
from apps.documents.exceptions import UploadTooLargeError
from apps.documents.models import Document, DocumentVersion
from apps.documents.services import document_delete, document_download, documents_upload
from apps.documents.tagging import document_tag, tag_normal
from chatbot.lib.api_types import PageOut, PageQuery, Text, content_description
from chatbot.lib.downloads import attachment_response
from chatbot.lib.errors import NotFoundError
from chatbot.lib.pagination import page_of

router = Router(tags=["documents"])
# More than are kept, so that the service can say how many are.
_TAGS_MAXIMUM = 100


class DocumentErrorOut(Schema):
    code: str
    detail: str


class DocumentStatusOut(Schema):
    """`status`: uploaded, processing, indexed, failed or cancelled. `progress` runs from 0 to 1."""

    status: str
    progress: float
    pages_done: int
    pages: int | None
    chunk_count: int
    error: DocumentErrorOut | None


class DocumentOut(DocumentStatusOut):
    """`mime` is found out from the content and empty until then."""

    id: UUID
    filename: str
    collection_id: UUID | None
    mime: str
    size: int
    tags: list[str]
    created_at: datetime


class UploadedOut(Schema):
    id: UUID
    filename: str
    status: str


class UploadsOut(Schema):
    items: list[UploadedOut]


class CollectionChoiceIn(Schema):
    """Null: no collection, so that the document is its owner's alone."""

    collection_id: UUID | None


class DocumentChangeIn(Schema):
    """`tags` replace those that the document has; they are kept in lower case."""

    tags: list[Text] = Field(max_length=_TAGS_MAXIMUM)


class DocumentQuery(PageQuery):
    """`q`: a part of the file name. `tag`: one that it has. Without `collection` those of the workspace I work in."""

    collection: UUID | None = None
    status: Text | None = None
    q: Text | None = None
    tag: Text | None = None


@router.post("/upload", response={202: UploadsOut}, summary="Upload files")
def upload(
    request: ApiRequest, files: File[list[UploadedFile]], collection_id: Form[UUID | None] = None
) -> Status[Any]:
    """Answers as soon as the files are kept; reading goes on, see `status`."""

    # Before the first is kept, so that an upload is taken whole or not at all.
    for file in files:
        if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
            raise UploadTooLargeError(f"{file.name} is larger than {settings.UPLOAD_MAX_BYTES:,} bytes.")

    def work() -> dict[str, Any]:
        named = [(file.name or "", file) for file in files]
        documents = documents_upload(actor=request.auth, files=named, collection_id=collection_id)
        return {"ids": [str(document.pk) for document in documents]}

    made = idempotent_run(request=request, user=request.auth, work=work, fingerprint=_fingerprint(files, collection_id))
    rows = selectors.documents_visible_to(user=request.auth).filter(pk__in=made["ids"])
    found = {str(row.pk): row for row in _with_version(rows)}
    items = [
        {"id": key, "filename": found[key].filename, "status": _version_of(found[key]).state}
        for key in made["ids"]
        if key in found
    ]
    return Status(202, {"items": items})


@router.get("", response=PageOut[DocumentOut], summary="Documents that I may see, newest first")
def document_list(request: ApiRequest, query: Query[DocumentQuery]) -> dict[str, Any]:
    rows = selectors.document_list(
        user=request.auth,
        collection_id=query.collection,
        status=query.status or "",
        text=query.q or "",
        tag=tag_normal(query.tag or ""),
    )
    page = page_of(_with_version(rows), order="created_at", cursor=query.cursor, limit=query.limit)
    return {"items": [_document_out(row) for row in page.items], "next": page.next}


@router.get("/{uuid:document_id}", response=DocumentOut, summary="One document")
def document_detail(request: ApiRequest, document_id: UUID) -> dict[str, Any]:
    return _document_out(_one(request, document_id))


@router.get("/{uuid:document_id}/status", response=DocumentStatusOut, summary="How far reading has come")
def document_status(request: ApiRequest, document_id: UUID) -> dict[str, Any]:
    return _status_out(_version_of(_one(request, document_id)))


@router.get(
    "/{uuid:document_id}/content",
    response={200: None},
    openapi_extra=content_description("application/octet-stream"),
    summary="The original file",
)
def document_content(request: ApiRequest, document_id: UUID) -> HttpResponseBase:
    """As an attachment, byte for byte."""
    document, version = document_download(actor=request.auth, document_id=document_id)
    return attachment_response(
        request,
        version.file.open("rb"),
        filename=document.filename,
        content_type=version.mime,
        size=version.size_bytes,
    )


@router.put("/{uuid:document_id}/collection", response={204: None}, summary="Put into a collection or out of one")
def document_change_collection(request: ApiRequest, document_id: UUID, body: CollectionChoiceIn) -> HttpResponse:
    """No document in the answer: who takes another person's out of a collection may not see it any more."""
    document_move(actor=request.auth, document_id=document_id, collection_id=body.collection_id)
    return HttpResponse(status=204)


@router.patch("/{uuid:document_id}", response=DocumentOut, summary="Change the tags")
def document_change(request: ApiRequest, document_id: UUID, body: DocumentChangeIn) -> dict[str, Any]:
    document_tag(actor=request.auth, document_id=document_id, tags=body.tags)
    return _document_out(_one(request, document_id))


@router.delete("/{uuid:document_id}", response={204: None}, summary="Delete with all that was made of it")
def document_remove(request: ApiRequest, document_id: UUID) -> HttpResponse:
    document_delete(actor=request.auth, document_id=document_id)
    return HttpResponse(status=204)


def _with_version(rows: QuerySet[Document]) -> QuerySet[Document]:
    current = DocumentVersion.objects.filter(is_current=True)
    return rows.prefetch_related(Prefetch("versions", queryset=current, to_attr="current_versions"))


def _one(request: ApiRequest, document_id: UUID) -> Document:
    document = _with_version(selectors.documents_visible_to(user=request.auth)).filter(pk=document_id).first()
    if document is None:
        raise NotFoundError
    return document


def _version_of(document: Document) -> DocumentVersion:
    versions: list[DocumentVersion] = vars(document)["current_versions"]
    if not versions:
        raise NotFoundError
    return versions[0]


def _document_out(document: Document) -> dict[str, Any]:
    version = _version_of(document)
    return {
        **_status_out(version),
        "id": document.pk,
        "filename": document.filename,
        "collection_id": document.collection_id,
        "mime": version.mime,
        "size": version.size_bytes,
        "tags": document.tags,
        "created_at": document.created_at,
    }


def _status_out(version: DocumentVersion) -> dict[str, Any]:
    status = selectors.version_status(version)
    error = {"code": status.error_code, "detail": status.error_detail} if status.error_code else None
    return {**asdict(status), "error": error}


def _fingerprint(files: list[UploadedFile], collection_id: UUID | None) -> bytes:
    """The upload's content; its body will not do, because every client draws a new boundary each time."""
    digest = hashlib.sha256(str(collection_id).encode())
    for file in files:
        digest.update(f"\n{file.name}\n{file.size}\n".encode())
        for piece in file.chunks():
            digest.update(piece)
        file.seek(0)
    return digest.digest()
