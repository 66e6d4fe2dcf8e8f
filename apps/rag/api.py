"""Search for programs, and pages with the found passage marked."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Field, Router, Schema
from pydantic import StringConstraints

from apps.accounts.models import User
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.types import ApiRequest
from apps.documents.selectors import page_image_async
from apps.documents.types import Box
from apps.rag.questions.resolving import ResolvedQuestion, question_resolve
from apps.rag.remote import asearch_remote
from apps.rag.selectors import chunk_boxes, chunk_require
from apps.rag.types import Passage, SearchFilters, SearchMode, SearchQuery
from chatbot.lib.api_types import Text, content_description
from chatbot.lib.errors import NotFoundError, ValidationFailedError

router = Router(tags=["documents"])

_QUERY_MAXIMUM = 2000
_IDS_MAXIMUM = 1000
_TAGS_MAXIMUM = 20
_PHRASES_MAXIMUM = 5
Tag: TypeAlias = Annotated[Text, StringConstraints(max_length=50)]
Phrase: TypeAlias = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class FiltersIn(Schema):
    """`filename`: a part of the name. `type`: the beginning of the media type. Times: when it was uploaded.

    `tags`: all of them. `phrases`: each must stand in the passage.
    """

    filename: Text = Field("", max_length=255)
    type: Text = Field("", max_length=100)
    after: datetime | None = None
    before: datetime | None = None
    tags: list[Tag] = Field(default_factory=list, max_length=_TAGS_MAXIMUM)
    phrases: list[Phrase] = Field(default_factory=list, max_length=_PHRASES_MAXIMUM)


class SearchIn(Schema):
    """`query` may hold operators: file:, collection:, type:, before:, after:, tag: and "exact words"."""

    query: Text = Field(max_length=_QUERY_MAXIMUM)
    limit: int = Field(10, ge=1, le=100)
    mode: SearchMode = SearchMode.HYBRID
    rerank: bool | None = None
    collection_ids: list[UUID] = Field(default_factory=list, max_length=_IDS_MAXIMUM)
    document_ids: list[UUID] = Field(default_factory=list, max_length=_IDS_MAXIMUM)
    filters: FiltersIn = FiltersIn(filename="", type="")


class ScoresOut(Schema):
    """Null where that way of searching did not find the passage or was not asked."""

    bm25: float | None
    dense: float | None
    rerank: float | None


class PassageOut(Schema):
    """`page` is the first page, `pages` first and last; null and empty where the format has no pages."""

    chunk_id: UUID
    document_id: UUID
    filename: str
    page: int | None
    pages: list[int]
    heading: str
    text: str
    score: float
    scores: ScoresOut


class SearchOut(Schema):
    """Best first. `notices`: operators in the query that were not understood, collections that are unknown."""

    items: list[PassageOut]
    took_ms: float
    notices: list[str]


@router.post("/search", response=SearchOut, summary="Search in the documents that I may see")
async def search(request: ApiRequest, body: SearchIn) -> dict[str, Any]:
    """Of the workspace that I work in."""
    if not body.query.strip():
        raise ValidationFailedError(errors={"query": "Write what you look for."})
    resolved = await sync_to_async(_resolved)(request.auth, body)
    if resolved.is_empty:
        return {"items": [], "took_ms": 0.0, "notices": resolved.notices}
    result = await asearch_remote(user=request.auth, query=resolved.query)
    items = [_passage_out(passage) for passage in result.passages]
    return {"items": items, "took_ms": result.took_ms, "notices": resolved.notices}


@router.get(
    "/{uuid:document_id}/pages/{int:page}.png",
    response={200: None},
    openapi_extra=content_description("image/png"),
    summary="A page as an image",
)
async def page(request: ApiRequest, document_id: UUID, page: int, chunk: UUID | None = None) -> HttpResponse:
    """With `chunk` the passage is marked where it stands on this page."""
    boxes = await sync_to_async(_boxes)(request.auth, document_id, chunk, page) if chunk else None
    image = await page_image_async(user=request.auth, document_id=document_id, page=page, boxes=boxes)
    # An image of one version and passage never changes, but who may see it can: the browser asks again each time.
    tag = f'"{hashlib.sha256(image).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": "sandbox"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(image, content_type="image/png", headers=headers)


def _boxes(user: User, document_id: UUID, chunk_id: UUID, page: int) -> list[Box]:
    if chunk_require(user=user, chunk_id=chunk_id).document_id != document_id:
        raise NotFoundError
    boxes = chunk_boxes(user=user, chunk_id=chunk_id).get(page, [])
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes]


def _resolved(user: User, body: SearchIn) -> ResolvedQuestion:
    query = replace(_query(body), workspace_id=workspace_current(user=user).pk)
    return question_resolve(user=user, query=query)


def _query(body: SearchIn) -> SearchQuery:
    filters = body.filters
    return SearchQuery(
        text=body.query,
        limit=body.limit,
        mode=body.mode,
        rerank=body.rerank,
        collection_ids=tuple(body.collection_ids),
        document_ids=tuple(body.document_ids),
        filters=SearchFilters(
            filename=filters.filename,
            mime=filters.type,
            after=filters.after,
            before=filters.before,
            tags=tuple(filters.tags),
            phrases=tuple(filters.phrases),
        ),
    )


def _passage_out(passage: Passage) -> dict[str, Any]:
    ends = (passage.page, passage.page_last or passage.page)
    return {
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "filename": passage.filename,
        "page": passage.page,
        "pages": sorted({number for number in ends if number is not None}),
        "heading": " > ".join(passage.heading_path),
        "text": passage.text,
        "score": passage.score,
        "scores": {"bm25": passage.bm25, "dense": passage.dense, "rerank": passage.rerank},
    }
