"""What replies cite, as one reader may see it: the one place that decides about names and texts of cited documents.

A conversation can be shared further than the documents in it, and documents are taken back and deleted. So a citation
never reaches a page, the API or a stream as its row, but as a `CitationShown`, which holds nothing that its reader may
not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery, prefetch_related_objects

from apps.accounts.models import User
from apps.conversations.models import Citation, Conversation, Message
from apps.documents.models import DocumentVersion
from apps.documents.selectors import documents_visible_to

CLOSED_NAME = "A document that you may not see"
DELETED_NAME = "A document that was deleted"


class Sight(StrEnum):
    """OPEN: the reader may see the document. DELETED: it is gone. CLOSED: it is there, but not for this reader."""

    OPEN = "open"
    DELETED = "deleted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CitationShown:
    """A citation for one reader. `filename` is always fit to be shown; `quote` and `text` are empty for whoever may not
    read them. `version_current`: the document's newest version, None where it is not open.
    """

    message_id: UUID
    index: int
    sight: Sight
    document_id: UUID | None
    version_id: UUID | None
    chunk_id: UUID | None
    filename: str
    page: int | None
    page_last: int | None
    heading: str
    quote: str
    text: str
    version_number: int | None
    version_current: int | None
    score: float
    support: float | None


def citations_of_reader(*, user: User) -> QuerySet[Any]:
    """Citations with what `citation_shown` needs to know about this reader. Authorise their messages before."""
    current = DocumentVersion.objects.filter(document=OuterRef("document_id"), is_current=True)
    return Citation.objects.annotate(
        is_visible=Exists(documents_visible_to(user=user).filter(pk=OuterRef("document_id"))),
        is_own=Exists(Conversation.objects.filter(messages=OuterRef("message_id"), owner=user)),
        version_current=Subquery(current.values("number")[:1]),
    )


def citations_prefetch(messages: Sequence[Message], *, user: User) -> None:
    """Give the messages their `citations` as this reader may see them. One query; authorise before."""
    prefetch_related_objects(messages, Prefetch("citations", queryset=citations_of_reader(user=user)))


def citations_shown(message: Message) -> list[CitationShown]:
    """Of a message that went through `citations_prefetch`, in their order. No query."""
    return [citation_shown(row) for row in message.citations.all()]


def citation_shown(row: Any) -> CitationShown:
    """A row of `citations_of_reader` without what its reader may not see."""
    sight = _sight(row)
    if sight == Sight.OPEN or (sight == Sight.DELETED and row.is_own):
        return _whole(row, sight)
    return CitationShown(
        message_id=row.message_id,
        index=row.index,
        sight=sight,
        document_id=None,
        version_id=None,
        chunk_id=None,
        filename=DELETED_NAME if sight == Sight.DELETED else CLOSED_NAME,
        page=None,
        page_last=None,
        heading="",
        quote="",
        text="",
        version_number=None,
        version_current=None,
        score=row.score,
        support=row.support,
    )


def _sight(row: Any) -> Sight:
    if row.document_id is None:
        return Sight.DELETED
    return Sight.OPEN if row.is_visible else Sight.CLOSED


def _whole(row: Any, sight: Sight) -> CitationShown:
    return CitationShown(
        message_id=row.message_id,
        index=row.index,
        sight=sight,
        document_id=row.document_id,
        version_id=row.version_id,
        chunk_id=row.chunk_id,
        filename=row.filename,
        page=row.page,
        page_last=row.page_last,
        heading=row.heading,
        quote=row.quote,
        text=row.text or row.quote,
        version_number=row.version_number,
        version_current=row.version_current,
        score=row.score,
        support=row.support,
    )
