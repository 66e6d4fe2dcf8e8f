"""What replies cite: the panel with a passage, and pictures of pages with passages marked."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET

from apps.accounts.types import UserRequest
from apps.conversations.cited import CitationShown, Sight
from apps.conversations.contexts import citation_context, sidebar_context
from apps.conversations.forms import CitationPageForm, PageForm
from apps.conversations.selectors import citation_require, message_readable_require
from apps.documents.selectors import page_image
from apps.rag.locating import passage_boxes
from apps.rag.selectors import Box, chunk_boxes
from chatbot.lib.errors import NotFoundError

# A page picture with its marks never changes: a changed document has other passages.
PICTURE_SECONDS = 3600


@never_cache
@require_GET
def citation_detail(request: UserRequest, message_id: UUID, index: int) -> HttpResponse:
    """The cited passage; `?page=` chooses one of those that it spans."""
    form = CitationPageForm(request.GET)
    citation = citation_require(user=request.user, message_id=message_id, index=index)
    context = citation_context(citation, page=form.cleaned_data["page"] if form.is_valid() else None)
    if request.htmx:
        return render(request, "conversations/_citation.html", context)
    message = message_readable_require(user=request.user, message_id=message_id)
    context |= sidebar_context(user=request.user, current_id=message.conversation_id)
    return render(request, "conversations/citation_detail.html", context | {"message": message})


@require_GET
@cache_control(private=True, max_age=PICTURE_SECONDS)
def citation_page(request: UserRequest, message_id: UUID, index: int, page: int) -> HttpResponse:
    """A page of the cited document as a picture, with the cited passage marked where it still stands."""
    citation = citation_require(user=request.user, message_id=message_id, index=index)
    if citation.document_id is None or citation.sight != Sight.OPEN:
        raise NotFoundError
    boxes = _cited_boxes(request, citation, citation.document_id).get(page, [])
    return _picture(request, citation.document_id, page, boxes)


def _cited_boxes(request: UserRequest, citation: CitationShown, document_id: UUID) -> dict[int, list[Box]]:
    """Where the passage stands; after the document was indexed anew, where the same words stand now."""
    if citation.version_number == citation.version_current or citation.version_number is None:
        try:
            return chunk_boxes(user=request.user, chunk_id=citation.chunk_id) if citation.chunk_id else {}
        except NotFoundError:
            pass
    return passage_boxes(user=request.user, document_id=document_id, text=citation.text, page=citation.page or 1)


@require_GET
@cache_control(private=True, max_age=PICTURE_SECONDS)
def document_page(request: UserRequest, document_id: UUID, page: int) -> HttpResponse:
    """A page as a picture; `?chunk=` marks a passage. Here because passages lie above documents."""
    form = PageForm(request.GET)
    chunk_id = form.cleaned_data["chunk"] if form.is_valid() else None
    boxes = chunk_boxes(user=request.user, chunk_id=chunk_id).get(page, []) if chunk_id else []
    return _picture(request, document_id, page, boxes)


def _picture(request: UserRequest, document_id: UUID, page: int, boxes: list[Box]) -> HttpResponse:
    marks = [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes]
    picture = page_image(user=request.user, document_id=document_id, page=page, boxes=marks)
    return HttpResponse(picture, content_type="image/png")
