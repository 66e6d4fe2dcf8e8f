"""What readers are to be warned of in documents: places that were flagged when they were indexed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.documents.selectors import documents_visible_to
from apps.rag.models import Chunk, IndexProfile
from apps.rag.suspicion import FLAGS

PAGES_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWarning:
    """`text`: "Contains text that gives orders to an assistant (pages 3, 7)"."""

    document_id: UUID
    text: str


def warnings_of(*, user: User, document_ids: Sequence[UUID]) -> list[DocumentWarning]:
    """Of those documents that the person may see, as the live index has them, by document. One query."""
    visible = documents_visible_to(user=user).filter(pk__in=document_ids)
    rows = Chunk.objects.filter(
        document__in=visible.order_by().values("pk"),
        version__is_current=True,
        profile__state=IndexProfile.State.LIVE,
        flags__len__gt=0,
    )
    places: dict[tuple[UUID, str], list[int]] = {}
    for document_id, flags, page in rows.order_by("document_id", "ordinal").values_list(
        "document_id", "flags", "page_first"
    ):
        for flag in flags:
            pages = places.setdefault((document_id, flag), [])
            if page is not None and page not in pages:
                pages.append(page)
    return [
        DocumentWarning(document_id=document_id, text=f"{FLAGS[flag]}{_pages_said(pages)}")
        for (document_id, flag), pages in places.items()
        if flag in FLAGS
    ]


def _pages_said(pages: Sequence[int]) -> str:
    if not pages:
        return ""
    named = ", ".join(map(str, sorted(pages)[:PAGES_NAMED]))
    more = f" and {len(pages) - PAGES_NAMED} more" if len(pages) > PAGES_NAMED else ""
    return f" ({'pages' if len(pages) > 1 else 'page'} {named}{more})"
