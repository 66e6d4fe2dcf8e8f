"""Documents in the form that the templates of lists show them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet

from apps.accounts.models import User
from apps.accounts.permission_table import PERMISSIONS
from apps.accounts.permissions import grants_on, permissions_of
from apps.accounts.selectors.workspaces import role_shown
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.selectors import (
    collection_list,
    collection_require,
    collections_managed_by,
    document_list,
    documents_deletable_by,
    documents_movable_by,
    documents_visible_to,
)
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
    can_move: bool
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


def list_context(
    *,
    user: User,
    query: str = "",
    state: str = "",
    tag: str = "",
    cursor: str | None = None,
    collection_id: UUID | None = None,
) -> dict[str, Any]:
    """A page of the documents that the person may see, of one collection or of all. Two queries."""
    rows = _with_version(document_list(user=user, text=query, tag=tag, collection_id=collection_id), user)
    if states := FILTERS.get(state, FILTERS[""])[1]:
        rows = rows.filter(current_state__in=states)
    page = page_of(rows, order="created_at", cursor=cursor)
    return {
        "rows": [_row(document) for document in page.items],
        "next_cursor": page.next,
        "query": query,
        "state": state if state in FILTERS else "",
        "tag": tag,
        "collection_id": collection_id or "",
        "filters": [(value, words) for value, (words, _) in FILTERS.items()],
        "watched": watched_ids(user=user),
    }


def shelf_context(*, user: User, collection_id: UUID | None) -> dict[str, Any]:
    """The collections to choose from, the chosen one, and what the person may do there.

    Two queries, six with a collection. Raises NotFoundError for one that may not be seen.
    """
    role = role_shown(user=user)
    context: dict[str, Any] = {
        "collections": list(collection_list(user=user)),
        "collection": None,
        "can_upload": role in PERMISSIONS["document_write"].roles,
        "can_collect": role in PERMISSIONS["collection_write"].roles,
    }
    return context | collection_context(user=user, collection_id=collection_id) if collection_id else context


def collection_context(*, user: User, collection_id: UUID) -> dict[str, Any]:
    """One collection, who reads it, and what the person may do with it. Five queries. Raises NotFoundError."""
    collection = collection_require(user=user, collection_id=collection_id)
    may = permissions_of(user=user, workspace_id=collection.workspace_id)
    is_open = collection.visibility == Collection.Visibility.WORKSPACE
    can_manage = collections_managed_by(user=user).filter(pk=collection_id).exists()
    return {
        "collection": collection,
        "readers": _readers(collection, user),
        "can_upload": "document_write" in may and (is_open or collection.owner_id == user.pk),
        "can_manage": can_manage and "collection_write" in may,
        "can_share": can_manage and "share" in may and collection.owner_id in {None, user.pk},
    }


def _readers(collection: Collection, user: User) -> str:
    """Who reads it, in words."""
    if collection.visibility == Collection.Visibility.WORKSPACE:
        return "Open to everybody in the workspace"
    if collection.owner_id != user.pk:
        return f"Shared with you by {collection.owner}"
    count = len(grants_on(target=collection))
    return f"Shared with {count}" if count else "Only you"


def watched_ids(*, user: User) -> str:
    """Keys of the documents that are still being read, for the page to ask about. One query."""
    rows = _with_version(document_list(user=user), user).filter(current_state__in=OPEN_STATES)
    keys = rows.order_by("-created_at").values_list("pk", flat=True)[:WATCHED]
    return ",".join(str(key) for key in keys)


def rows_of(*, user: User, document_ids: Iterable[UUID]) -> list[DocumentRow]:
    """Rows of those documents that the person may see, newest first. One query."""
    rows = _with_version(documents_visible_to(user=user), user).filter(pk__in=list(document_ids)[: 2 * WATCHED])
    return [_row(document) for document in rows.order_by("-created_at")]


def _with_version(rows: QuerySet[Document], user: User) -> QuerySet[Any]:
    """Only with a current version, whose columns come along as `current_…`: one query for a page of rows."""
    return (
        rows.filter(versions__is_current=True)
        .select_related("collection")
        .annotate(
            current_state=F("versions__state"),
            current_size=F("versions__size_bytes"),
            current_pages=F("versions__pages"),
            current_pages_done=F("versions__pages_done"),
            current_progress=F("versions__progress"),
            current_error=F("versions__error_detail"),
            can_delete=Exists(documents_deletable_by(user=user).filter(pk=OuterRef("pk"))),
            can_move=Exists(documents_movable_by(user=user).filter(pk=OuterRef("pk"))),
        )
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
        can_move=document.can_move,
        size_bytes=document.current_size,
        pages=document.current_pages,
        pages_done=document.current_pages_done,
        percent=round(document.current_progress * 100),
        error=document.current_error if state == DocumentVersion.State.FAILED else "",
    )
