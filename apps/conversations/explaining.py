"""Why a reply is as it is: how it came by its passages, from stored rows alone.

The rows hold no text of documents. Names and texts are read when somebody looks, as far as that person may see them by
then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import User
from apps.conversations.cited import CLOSED_NAME, DELETED_NAME
from apps.conversations.models import Message, Retrieval, RetrievedPassage
from apps.conversations.selectors import message_require
from apps.conversations.sources import citation_place
from apps.documents.selectors import collections_visible_to, documents_visible_to
from apps.rag.selectors import passages_of
from apps.rag.suspicion import FLAGS
from apps.rag.types import Passage
from chatbot.lib.errors import NotFoundError

NEAREST_SHOWN = 3
KINDS = {
    "search": "Searched in the documents",
    "whole_document": "Read whole documents, because they fit",
    "aggregate": "Read whole documents, because the question asks for all of something",
    "none": "Answered without documents",
}
OUTCOMES = {
    RetrievedPassage.Outcome.CITED: "Cited",
    RetrievedPassage.Outcome.USED: "Read, not cited",
    RetrievedPassage.Outcome.LEFT_OUT: "Left out",
}
REASONS = {
    "weak": "too weak",
    "no_room": "no room in the prompt",
    "copy": "a copy of another passage",
    "other_document": "another document fits better",
    "orders": "gives orders to an assistant",
    "not_asked": "nothing was asked of the documents",
}
_FILTERS = {
    "file": "File name",
    "type": "Type",
    "after": "After",
    "before": "Before",
    "tags": "Tags",
    "phrases": "Exact words",
    "collections": "Collections",
    "documents": "Documents",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageExplained:
    """A passage that was found. `row` holds ranks and scores; the name and the text are what the person may see."""

    row: RetrievedPassage
    filename: str
    place: str
    is_visible: bool
    outcome: str
    reason: str
    flags: Sequence[str]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`retrieval` is None for replies from before such rows were kept. `steps`: (words, milliseconds), slowest first.
    `filters`: (words, value).
    """

    message: Message
    question: str
    retrieval: Retrieval | None
    kind: str
    filters: Sequence[tuple[str, str]]
    steps: Sequence[tuple[str, float]]
    passages: Sequence[PassageExplained]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """A passage that came close to an answer."""

    message_id: UUID
    rank: int
    filename: str
    place: str


def explanation_of(*, user: User, message_id: UUID) -> Explanation:
    """For whose reply it is. Six queries at most. Raises NotFoundError, ForbiddenError for mere readers."""
    message = message_require(user=user, message_id=message_id)
    if message.role != Message.Role.ASSISTANT:
        raise NotFoundError
    retrieval = Retrieval.objects.filter(message=message).first()
    rows = list(_passages_seen_by(user, RetrievedPassage.objects.filter(retrieval=retrieval))) if retrieval else []
    texts = passages_of(user=user, chunk_ids=[row.chunk_id for row in rows]) if rows else {}
    return Explanation(
        message=message,
        question=Message.objects.filter(children=message).values_list("content", flat=True).first() or "",
        retrieval=retrieval,
        kind=KINDS.get(retrieval.kind, retrieval.kind) if retrieval else "",
        filters=_filters_said(retrieval.filters, user) if retrieval else [],
        steps=_steps(retrieval.timings) if retrieval else [],
        passages=[_explained(row, texts.get(row.chunk_id)) for row in rows],
    )


def passage_explained(*, user: User, message_id: UUID, rank: int) -> PassageExplained:
    """One passage that was found for one's own reply. Three queries. Raises NotFoundError, ForbiddenError."""
    message = message_require(user=user, message_id=message_id)
    rows = RetrievedPassage.objects.filter(retrieval__message=message, rank=rank)
    row = _passages_seen_by(user, rows).first()
    if row is None:
        raise NotFoundError
    return _explained(row, passages_of(user=user, chunk_ids=[row.chunk_id]).get(row.chunk_id))


def nearest_of(messages: Sequence[Message], *, user: User) -> dict[UUID, list[Nearest]]:
    """Message -> the best passages found for it, for answers that the documents do not give.

    Only of documents that the person may see. One query, none where there are no such messages.
    """
    keys = [message.pk for message in messages if message.is_unanswered]
    if not keys:
        return {}
    rows = _passages_seen_by(user, RetrievedPassage.objects.filter(retrieval__message__in=keys))
    found: dict[UUID, list[Nearest]] = {}
    for row in rows.filter(is_visible=True).select_related("retrieval").order_by("retrieval_id", "rank"):
        nearest = found.setdefault(row.retrieval.message_id, [])
        if len(nearest) < NEAREST_SHOWN:
            place = citation_place(page=row.page, page_last=row.page_last, heading="")
            nearest.append(
                Nearest(message_id=row.retrieval.message_id, rank=row.rank, filename=row.filename, place=place)
            )
    return found


def _passages_seen_by(user: User, rows: QuerySet[RetrievedPassage]) -> QuerySet[Any]:
    visible = documents_visible_to(user=user).filter(pk=OuterRef("document_id"))
    return rows.annotate(is_visible=Exists(visible))


def _explained(row: Any, passage: Passage | None) -> PassageExplained:
    is_visible = row.is_visible
    hidden = DELETED_NAME if row.document_id is None else CLOSED_NAME
    return PassageExplained(
        row=row,
        filename=row.filename if is_visible else hidden,
        place=citation_place(page=row.page, page_last=row.page_last, heading="") if is_visible else "",
        is_visible=is_visible,
        outcome=OUTCOMES[row.outcome],
        reason=REASONS.get(row.reason, row.reason.replace("_", " ")),
        flags=[FLAGS[flag] for flag in row.flags if flag in FLAGS],
        text=passage.text if passage and is_visible else "",
    )


def _filters_said(filters: Mapping[str, Any], user: User) -> list[tuple[str, str]]:
    """The filters in words; of documents and collections the names of those that the person may see."""
    said = []
    for name, value in filters.items():
        if not value:
            continue
        if name == "documents":
            words = _names(
                documents_visible_to(user=user).filter(pk__in=value).values_list("filename", flat=True), value
            )
        elif name == "collections":
            words = _names(collections_visible_to(user=user).filter(pk__in=value).values_list("name", flat=True), value)
        else:
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        said.append((_FILTERS.get(name, name.replace("_", " ").capitalize()), words))
    return said


def _names(found: Iterable[str], keys: Sequence[Any]) -> str:
    names = list(found)
    hidden = len(keys) - len(names)
    return ", ".join([*names, *([f"{hidden} that you may not see"] if hidden else [])])


def _steps(timings: Mapping[str, Any]) -> list[tuple[str, float]]:
    steps = [(name, float(value)) for name, value in timings.items() if isinstance(value, int | float)]
    said = [(name.removesuffix("_ms").replace("_", " ").capitalize(), value) for name, value in steps]
    return sorted(said, key=lambda step: -step[1])
