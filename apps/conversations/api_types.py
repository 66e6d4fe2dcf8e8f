"""Shapes of conversations and messages in the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Field, Schema

from apps.accounts.models import User
from apps.conversations.cited import citations_shown
from apps.conversations.models import Conversation, Message
from apps.conversations.rows import citation_public
from chatbot.lib.api_types import PageQuery, Text

_TITLE_MAXIMUM = 200
_IDS_MAXIMUM = 1000


class ParamsIn(Schema):
    """What is left out or null is the model server's choice."""

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=1_000_000)


class ConversationIn(Schema):
    """`model`: id or name. Without document_ids and collection_ids: all documents that I may see."""

    title: Text | None = Field(None, max_length=_TITLE_MAXIMUM)
    model: Text | None = None
    system_prompt: Text | None = None
    use_documents: bool | None = None
    collection_ids: list[UUID] | None = Field(None, max_length=_IDS_MAXIMUM)
    document_ids: list[UUID] | None = Field(None, max_length=_IDS_MAXIMUM)
    params: ParamsIn | None = None


class ConversationUpdateIn(ConversationIn):
    """What is left out stays as it is."""

    is_pinned: bool | None = None
    is_archived: bool | None = None


class ConversationQuery(PageQuery):
    """`q`: words of the title or of a message. `shared`: other people's instead of mine."""

    q: Text | None = None
    shared: bool = False
    pinned: bool | None = None
    archived: bool | None = None


class StreamQuery(Schema):
    message_id: UUID | None = None
    after: int | None = Field(None, ge=0)


class MessageIn(Schema):
    """`parent_id`: the reply that the question follows, by default the last one shown."""

    content: Text
    parent_id: UUID | None = None
    model: Text | None = None


class RegenerateIn(Schema):
    """`use_documents`: false to have this one reply written without documents, true as the conversation is set; left
    out, as the reply `message_id` was. The conversation stays as it is.
    """

    message_id: UUID
    model: Text | None = None
    use_documents: bool | None = None


class StopOut(Schema):
    """The replies that were being written."""

    stopped: list[UUID]


class ConversationOut(Schema):
    """`is_own`: false for one that is shared with me, which I can read and not change."""

    id: UUID
    workspace_id: UUID
    is_own: bool
    title: str
    model: UUID | None
    system_prompt: str
    use_documents: bool
    collection_ids: list[UUID]
    document_ids: list[UUID]
    params: dict[str, Any]
    is_pinned: bool
    is_archived: bool
    created_at: datetime
    updated_at: datetime


class CitationOut(Schema):
    """`page` counts from 1; null where the format has no pages. `version`: of the document, as cited.

    `access`: `open`; `deleted`: the document is gone; `closed`: I may not see it. Where it is not open, ids and what
    was cited are null or empty; only a conversation's owner still sees what was cited from a deleted document.
    `support`: how well the passage supports what cites it, 0 to 1; null where that was not measured.
    """

    index: int
    document_id: UUID | None
    source: str
    page: int | None
    page_last: int | None
    version: int | None
    chunk_id: UUID | None
    quote: str
    relevance: float
    support: float | None
    access: Literal["open", "deleted", "closed"]


class MessageErrorOut(Schema):
    code: str
    detail: str


class MarksOut(Schema):
    """Places in `content`, as characters from and to. `sentences`: [from, to, support] of those that their passages do
    not support. `values`: [from, to, kind] of numbers, dates, names and addresses that stand in no passage.
    """

    sentences: list[tuple[int, int, float]] = []
    values: list[tuple[int, int, str]] = []


class MessageOut(Schema):
    """`state`: queued, running, complete, stopped or failed. `sequence`: the place in the reply's stream.

    `use_documents`: false for a reply that was asked for without documents. `is_unanswered`: the documents do not tell.
    `support_share`: of the sentences that cite, how many are supported.
    """

    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    role: str
    content: str
    state: str
    sequence: int
    model: str
    use_documents: bool
    usage: dict[str, int]
    finish_reason: str | None
    error: MessageErrorOut | None
    is_unanswered: bool
    support_share: float | None
    marks: MarksOut | None
    citations: list[CitationOut]
    created_at: datetime
    finished_at: datetime | None


class SentOut(Schema):
    user_message: MessageOut
    reply: MessageOut


class ConversationWithMessagesOut(ConversationOut):
    messages: list[MessageOut]


def conversation_out(row: Conversation, *, reader: User) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ConversationOut.model_fields if name not in {"model", "is_own"}},
        "model": row.model_id,
        "is_own": row.owner_id == reader.pk,
    }


def conversation_with_messages_out(row: Conversation, messages: Sequence[Message], *, reader: User) -> dict[str, Any]:
    return {**conversation_out(row, reader=reader), "messages": [message_out(message) for message in messages]}


def message_out(row: Message) -> dict[str, Any]:
    error = {"code": row.error_code, "detail": row.error_detail} if row.error_code else None
    return {
        "id": row.pk,
        "conversation_id": row.conversation_id,
        "parent_id": row.parent_id,
        "role": row.role,
        "content": row.content,
        "state": row.state,
        "sequence": row.sequence,
        "model": row.model_name,
        "use_documents": row.use_documents,
        "usage": row.usage,
        "finish_reason": row.finish_reason or None,
        "error": error,
        "is_unanswered": row.is_unanswered,
        "support_share": row.support_share,
        "marks": row.marks or None,
        "citations": [citation_public(citation) for citation in citations_shown(row)],
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }
