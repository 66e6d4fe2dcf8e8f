"""Reads of the index. Vectors and word lists stay in the database."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.documents.models import Section
from apps.documents.selectors import documents_visible_to
from apps.rag.models import Chunk, IndexProfile
from apps.rag.types import Passage
from chatbot.lib.errors import NotFoundError

Box = list[float]


def profile_live() -> IndexProfile | None:
    """The profile that searches use; None before the first document."""
    return IndexProfile.objects.filter(state=IndexProfile.State.LIVE).first()


def profile_searched(*, profile_id: UUID | None) -> IndexProfile | None:
    """The live profile, or the one that is tried out beside it. Raises NotFoundError for an unknown id."""
    if profile_id is None:
        return profile_live()
    profile = IndexProfile.objects.filter(pk=profile_id).first()
    if profile is None:
        raise NotFoundError
    return profile


def profile_stands(*, profile_id: UUID) -> bool:
    """Whether the profile has all its passages still: dropping takes them away in slices."""
    return IndexProfile.objects.filter(pk=profile_id).exclude(state=IndexProfile.State.DROPPING).exists()


def chunks_visible_to(*, user: User) -> QuerySet[Chunk]:
    """Passages of documents that the user may see, without their vectors."""
    return Chunk.objects.filter(document__in=documents_visible_to(user=user).order_by().values("pk")).defer(
        "embedding", "bm25", "terms"
    )


def chunk_require(*, user: User, chunk_id: UUID) -> Chunk:
    """The passage; raises NotFoundError if it does not exist or the user may not see its document."""
    chunk = chunks_visible_to(user=user).filter(pk=chunk_id).first()
    if chunk is None:
        raise NotFoundError
    return chunk


def passages_of(*, user: User, chunk_ids: Sequence[UUID]) -> dict[UUID, Passage]:
    """Passages by chunk id, with score 0; what the user may not see is missing. One query."""
    chunks = Chunk.objects.filter(pk__in=list(chunk_ids))
    # Named here too: else the planner looks at every document that the person may see.
    documents = documents_visible_to(user=user).filter(pk__in=chunks.values("document_id"))
    rows = chunks.filter(document__in=documents.order_by().values("pk")).values_list(
        *("pk", "document_id", "version_id", "document__filename"),
        *("page_first", "page_last", "heading_path", "text", "version__number", "flags"),
    )
    return {
        row[0]: Passage(
            chunk_id=row[0],
            document_id=row[1],
            version_id=row[2],
            filename=row[3],
            page=row[4],
            page_last=row[5],
            heading_path=tuple(row[6]),
            text=row[7],
            score=0.0,
            version_number=row[8],
            flags=tuple(row[9]),
        )
        for row in rows
    }


def chunk_boxes(*, user: User, chunk_id: UUID) -> dict[int, list[Box]]:
    """Where the passage stands: page → boxes [x0, y0, x1, y1] as shares of the page, one per line.

    Empty where the format has no pages. Raises NotFoundError if the user may not see it.
    """
    chunk = chunk_require(user=user, chunk_id=chunk_id)
    ranges: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for ordinal, start, end in chunk.spans:
        ranges[ordinal].append((start, end))
    boxes: dict[int, list[Box]] = defaultdict(list)
    sections = Section.objects.filter(version_id=chunk.version_id, ordinal__in=ranges, page__isnull=False)
    for section in sections.order_by("ordinal"):
        boxes[section.page or 0] += [
            list(box)
            for line_start, line_end, *box in section.boxes
            if any(line_start < end and start < line_end for start, end in ranges[section.ordinal])
        ]
    return {page: found for page, found in boxes.items() if found}
