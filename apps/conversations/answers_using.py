"""Which answers were written from a version of a document: for whoever withdraws one.

From stored rows, which stay when the document goes. Whoever manages the document learns how many answers and people;
an administrator of the workspace also who and when, which is recorded. Nobody learns here what was asked or answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet

from apps.accounts.models import User
from apps.accounts.permissions import permission_has
from apps.accounts.selectors.workspaces import workspaces_open_to
from apps.audit.actions import ADMIN_READ
from apps.audit.services import event_record
from apps.conversations.models import Message, RetrievedPassage
from apps.documents.models import Document, DocumentVersion
from apps.documents.selectors import documents_deletable_by
from chatbot.lib.errors import NotFoundError
from chatbot.lib.pagination import page_of

_READ = (RetrievedPassage.Outcome.CITED, RetrievedPassage.Outcome.USED)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionUse:
    """How often answers were written from a version. `number` is None where it is not known any more."""

    version_id: UUID
    number: int | None
    answers: int
    cited: int
    people: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerUse:
    """One answer. `conversation_id` only of one's own; `person` only for administrators."""

    created_at: datetime
    person: str
    message_id: UUID | None
    conversation_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """`document` is None once it was deleted. `answers`: one's own, for an administrator everybody's, newest first."""

    document: Document | None
    versions: Sequence[VersionUse]
    answers: Sequence[AnswerUse]
    next_cursor: str | None
    names_people: bool


@transaction.atomic
def uses_of_document(*, actor: User, document_id: UUID, cursor: str | None = None) -> Uses:
    """For whoever may delete the document. Raises NotFoundError for others."""
    document = documents_deletable_by(user=actor).filter(pk=document_id).first()
    if document is None:
        raise NotFoundError
    numbers: dict[UUID, int | None] = {
        version.pk: version.number for version in document.versions.order_by("number").only("number")
    }
    names_people = permission_has(user=actor, workspace_id=document.workspace_id, permission="document_manage")
    return _uses(actor, document.workspace_id, numbers, cursor, document=document, names_people=names_people)


@transaction.atomic
def uses_of_deleted(*, actor: User, version_id: UUID, cursor: str | None = None) -> Uses:
    """Of a version that is gone, for administrators of the workspace whose answers used it.

    Raises NotFoundError for others, for versions that nobody used, and for those that are still there.
    """
    rows = RetrievedPassage.objects.filter(
        version_id=version_id, retrieval__workspace_id__in=workspaces_open_to(user=actor)
    )
    found = rows.order_by("retrieval_id").values_list("retrieval__workspace_id", "version_number").first()
    if found is None or DocumentVersion.objects.filter(pk=version_id).exists():
        raise NotFoundError
    workspace_id, number = found
    if not permission_has(user=actor, workspace_id=workspace_id, permission="document_manage"):
        raise NotFoundError
    return _uses(actor, workspace_id, {version_id: number}, cursor, document=None, names_people=True)


def _uses(
    actor: User,
    workspace_id: UUID,
    numbers: dict[UUID, int | None],
    cursor: str | None,
    *,
    document: Document | None,
    names_people: bool,
) -> Uses:
    rows = RetrievedPassage.objects.filter(
        version_id__in=list(numbers), outcome__in=_READ, retrieval__workspace_id=workspace_id
    )
    versions = _versions(rows, numbers)
    messages = Message.objects.filter(pk__in=rows.values("retrieval__message_id")).select_related("conversation__owner")
    if not names_people:
        messages = messages.filter(conversation__owner=actor)
    page = page_of(messages, order="created_at", cursor=cursor)
    if names_people:
        event_record(
            action=ADMIN_READ,
            actor=actor,
            workspace_id=workspace_id,
            target=document,
            data={"what": "answers_using", "version_ids": list(numbers), "answers": len(page.items)},
        )
    return Uses(
        document=document,
        versions=versions,
        answers=[_answer(message, actor, names_people=names_people) for message in page.items],
        next_cursor=page.next,
        names_people=names_people,
    )


def _versions(rows: QuerySet[RetrievedPassage], numbers: dict[UUID, int | None]) -> list[VersionUse]:
    """One query; versions that nobody used come along with zeros."""
    message = F("retrieval__message_id")
    counted: dict[UUID, dict[str, Any]] = {
        row["version_id"]: dict(row)
        for row in rows.order_by()
        .values("version_id")
        .annotate(
            answers=Count(message, distinct=True),
            cited=Count(message, distinct=True, filter=Q(outcome=RetrievedPassage.Outcome.CITED)),
            people=Count("retrieval__message__conversation__owner", distinct=True),
            first_at=Min("retrieval__created_at"),
            last_at=Max("retrieval__created_at"),
        )
    }
    empty = {"answers": 0, "cited": 0, "people": 0, "first_at": None, "last_at": None}
    return [
        VersionUse(**{**empty, **counted.get(version_id, {}), "version_id": version_id}, number=number)
        for version_id, number in numbers.items()
    ]


def _answer(message: Message, actor: User, *, names_people: bool) -> AnswerUse:
    owner = message.conversation.owner
    is_own = owner.pk == actor.pk
    return AnswerUse(
        created_at=message.created_at,
        person=str(owner) if names_people else "",
        message_id=message.pk if is_own else None,
        conversation_id=message.conversation_id if is_own else None,
    )
