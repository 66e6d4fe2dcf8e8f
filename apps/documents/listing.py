"""Documents in the form that the templates of lists show them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet

from apps.accounts.models import User
from apps.documents.models import Document, DocumentVersion
from apps.documents.selectors import document_list, documents_deletable_by, documents_visible_to
from chatbot.lib.pagination import page_of

UPLOAD_TYPES = (".pdf", ".docx", ".txt", ".md")
OPEN_STATES = (DocumentVersion.State.UPLOADED, DocumentVersion.State.PROCESSING)
# More open documents than anybody watches at once.
WATCHED = 100
STATE_TEXTS = {
    DocumentVersion.State.UPLOADED: "Waiting",
    DocumentVersion.State.PROCESSING: "Reading",
    DocumentVersion.State.INDEXED: "Ready",
    DocumentVersion.State.FAILED: "Failed",
    DocumentVersion.State.CANCELLED: "Cancelled",
}
# The filters of the page: their value, words, and the states they mean.
FILTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", ()),
    "ready": ("Ready", (DocumentVersion.State.INDEXED,)),
    "open": ("In progress", OPEN_STATES),
    "failed": ("Failed", (DocumentVersion.State.FAILED, DocumentVersion.State.CANCELLED)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document and how far its current version is, so that rendering asks the database nothing."""

    document: Document
    kind: str
    state: str
    state_text: str
    is_open: bool
    can_delete: bool
    size_bytes: int
    pages: int | None
    pages_done: int
    percent: int
    error: str


def upload_limits() -> dict[str, Any]:
    """What people are told before they upload."""
    return {
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "max_megabytes": settings.UPLOAD_MAX_BYTES // 2**20,
        "types": ",".join(UPLOAD_TYPES),
        "types_text": "PDF, Word (.docx), text and Markdown",
    }


def list_context(*, user: User, query: str = "", state: str = "", cursor: str | None = None) -> dict[str, Any]:
    """A page of the person's documents. Two queries."""
    rows = _with_version(document_list(user=user, text=query), user)
    if states := FILTERS.get(state, FILTERS[""])[1]:
        rows = rows.filter(current_state__in=states)
    page = page_of(rows, order="created_at", cursor=cursor)
    return {
        "rows": [_row(document) for document in page.items],
        "next_cursor": page.next,
        "query": query,
        "state": state if state in FILTERS else "",
        "filters": [(value, words) for value, (words, _) in FILTERS.items()],
        "watched": watched_ids(user=user),
    }


def watched_ids(*, user: User) -> str:
    """Keys of the documents that are still being read, for the page to ask about. One query."""
    rows = _with_version(documents_visible_to(user=user), user).filter(current_state__in=OPEN_STATES)
    keys = rows.order_by("-created_at").values_list("pk", flat=True)[:WATCHED]
    return ",".join(str(key) for key in keys)


def rows_of(*, user: User, document_ids: Iterable[UUID]) -> list[DocumentRow]:
    """Rows of those documents that the person may see, newest first. One query."""
    rows = _with_version(documents_visible_to(user=user), user).filter(pk__in=list(document_ids)[: 2 * WATCHED])
    return [_row(document) for document in rows.order_by("-created_at")]


def _with_version(rows: QuerySet[Document], user: User) -> QuerySet[Any]:
    """Only with a current version, whose columns come along as `current_…`: one query for a page of rows."""
    return rows.filter(versions__is_current=True).annotate(
        current_state=F("versions__state"),
        current_size=F("versions__size_bytes"),
        current_pages=F("versions__pages"),
        current_pages_done=F("versions__pages_done"),
        current_progress=F("versions__progress"),
        current_error=F("versions__error_detail"),
        can_delete=Exists(documents_deletable_by(user=user).filter(pk=OuterRef("pk"))),
    )


def _row(document: Any) -> DocumentRow:
    state = DocumentVersion.State(document.current_state)
    return DocumentRow(
        document=document,
        kind=PurePath(document.filename).suffix.lstrip(".").upper()[:4] or "FILE",
        state=state,
        state_text=STATE_TEXTS[state],
        is_open=state in OPEN_STATES,
        can_delete=document.can_delete,
        size_bytes=document.current_size,
        pages=document.current_pages,
        pages_done=document.current_pages_done,
        percent=round(document.current_progress * 100),
        error=document.current_error if state == DocumentVersion.State.FAILED else "",
    )
