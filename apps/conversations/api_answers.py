"""Which answers used a document, for programs that withdraw one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Router, Schema

from apps.accounts.types import ApiRequest
from apps.conversations.answers_using import Uses, uses_of_deleted, uses_of_document
from chatbot.lib.api_types import Text

router = Router(tags=["documents"])


class VersionUseOut(Schema):
    """`answers` were written from the version, `cited` of them cite it; asked by `people`."""

    version_id: UUID
    number: int | None
    answers: int
    cited: int
    people: int
    first_at: datetime | None
    last_at: datetime | None


class AnswerUseOut(Schema):
    """`person`: for administrators. `message_id` and `conversation_id`: of my own."""

    created_at: datetime
    person: str
    message_id: UUID | None
    conversation_id: UUID | None


class UsesOut(Schema):
    versions: list[VersionUseOut]
    answers: list[AnswerUseOut]
    next: str | None


@router.get("/{uuid:document_id}/answers", response=UsesOut, summary="Which answers used a document that I manage")
def document_answers(request: ApiRequest, document_id: UUID, cursor: Text | None = None) -> dict[str, Any]:
    """My own answers; for administrators everybody's with names and times, which is recorded. Never what was said."""
    return _uses_out(uses_of_document(actor=request.auth, document_id=document_id, cursor=cursor))


@router.get("/versions/{uuid:version_id}/answers", response=UsesOut, summary="Which answers used a deleted version")
def version_answers(request: ApiRequest, version_id: UUID, cursor: Text | None = None) -> dict[str, Any]:
    """For administrators, once the document is gone."""
    return _uses_out(uses_of_deleted(actor=request.auth, version_id=version_id, cursor=cursor))


def _uses_out(uses: Uses) -> dict[str, Any]:
    return {
        "versions": [{name: getattr(row, name) for name in VersionUseOut.model_fields} for row in uses.versions],
        "answers": [{name: getattr(row, name) for name in AnswerUseOut.model_fields} for row in uses.answers],
        "next": uses.next_cursor,
    }
