"""Single replies for programs: what one thinks of them, and how they came about."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Field, Router, Schema

from apps.accounts.types import ApiRequest
from apps.conversations.explaining import Explanation, PassageExplained, explanation_of
from apps.conversations.feedback import REASON_MAXIMUM, feedback_give, feedback_withdraw
from chatbot.lib.api_types import Text

router = Router(tags=["messages"])


class FeedbackIn(Schema):
    """`rating`: 1 for a good answer, -1 for a bad one."""

    rating: int
    reason: Text | None = Field(None, max_length=REASON_MAXIMUM)


class FeedbackOut(Schema):
    rating: int
    reason: str


class PassageOut(Schema):
    """A passage that was found. `outcome`: cited, used or left_out. What I may not see any more is null or empty.

    Scores are null where a leg did not find it. `flags`: what readers are to be warned of.
    """

    rank: int
    document_id: UUID | None
    source: str
    page: int | None
    page_last: int | None
    version: int | None
    chunk_id: UUID | None
    score: float
    bm25: float | None
    dense: float | None
    rerank: float | None
    outcome: str
    reason: str
    flags: list[str]
    text: str


class ProvenanceOut(Schema):
    """`kind`: search, whole_document, aggregate, none; null for replies from before this was kept. `timings`: ms."""

    message_id: UUID
    question: str
    kind: str | None
    searched: str
    formulations: list[str]
    filters: dict[str, Any]
    answerability: float | None
    threshold: float | None
    is_enough: bool | None
    model: str
    prompt_version: str
    params: dict[str, Any]
    timings: dict[str, Any]
    support_share: float | None
    passages: list[PassageOut]


@router.put("/{uuid:message_id}/feedback", response=FeedbackOut, summary="Rate a reply to me")
def feedback_put(request: ApiRequest, message_id: UUID, body: FeedbackIn) -> dict[str, Any]:
    feedback = feedback_give(actor=request.auth, message_id=message_id, rating=body.rating, reason=body.reason or "")
    return {"rating": feedback.rating, "reason": feedback.reason}


@router.delete("/{uuid:message_id}/feedback", response={204: None}, summary="Take my rating back")
def feedback_delete(request: ApiRequest, message_id: UUID) -> HttpResponse:
    feedback_withdraw(actor=request.auth, message_id=message_id)
    return HttpResponse(status=204)


@router.get("/{uuid:message_id}/provenance", response=ProvenanceOut, summary="Why a reply to me is as it is")
def provenance_detail(request: ApiRequest, message_id: UUID) -> dict[str, Any]:
    return _provenance_out(explanation_of(user=request.auth, message_id=message_id))


def _provenance_out(explanation: Explanation) -> dict[str, Any]:
    found = explanation.retrieval
    return {
        "message_id": explanation.message.pk,
        "question": explanation.question,
        "kind": found.kind if found else None,
        "searched": found.searched if found else "",
        "formulations": found.formulations if found else [],
        "filters": found.filters if found else {},
        "answerability": found.answerability if found else None,
        "threshold": found.threshold if found else None,
        "is_enough": found.is_enough if found else None,
        "model": found.model_name if found else explanation.message.model_name,
        "prompt_version": found.prompt_version if found else "",
        "params": found.params if found else {},
        "timings": found.timings if found else {},
        "support_share": explanation.message.support_share,
        "passages": [_passage_out(passage) for passage in explanation.passages],
    }


def _passage_out(passage: PassageExplained) -> dict[str, Any]:
    row = passage.row
    scores = {name: getattr(row, name) for name in ("score", "bm25", "dense", "rerank")}
    place = {"page": row.page, "page_last": row.page_last, "version": row.version_number, "chunk_id": row.chunk_id}
    return {
        "rank": row.rank,
        "document_id": row.document_id if passage.is_visible else None,
        "source": passage.filename,
        **(place if passage.is_visible else dict.fromkeys(place)),
        **scores,
        "outcome": row.outcome,
        "reason": row.reason,
        "flags": row.flags,
        "text": passage.text,
    }
