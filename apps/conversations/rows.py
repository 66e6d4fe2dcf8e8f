"""A reply as its row says: what subscriptions and pages are built from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.models import User
from apps.conversations.cited import CitationShown, citation_shown, citations_of_reader
from apps.conversations.models import Message
from apps.conversations.types import CitationEvent

# What another attempt would not change.
_FINAL_CODES = frozenset({"auth_failed", "content_filtered", "context_too_long", "not_found", "request_refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """`citations`, as the reader may see them, are complete once the reply has ended and empty before."""

    message_id: UUID
    state: str
    phase: str
    attempt: int
    content: str
    finish_reason: str
    error_code: str
    error_detail: str
    usage: Mapping[str, int]
    model_name: str
    owner_id: UUID
    citations: tuple[CitationShown, ...]

    @property
    def base(self) -> int:
        return self.attempt * Message.SEQUENCE_SPAN

    @property
    def sequence(self) -> int:
        return self.base + len(self.content)

    @property
    def is_open(self) -> bool:
        return self.state in Message.OPEN_STATES

    @property
    def is_retryable(self) -> bool:
        return self.error_code not in _FINAL_CODES


# By hand, because every subscriber looks when its reply ends, and compiling the query takes longer than running it.
_ROW_SQL = """
SELECT m.state, m.phase, m.attempt, m.content, m.finish_reason, m.error_code, m.error_detail, m.usage::text,
    m.model_name, c.owner_id
FROM conversations_message m JOIN conversations_conversation c ON c.id = m.conversation_id WHERE m.id = %s
"""


def reply_row(message_id: UUID, *, user: User) -> ReplyRow | None:
    """The reply as it stands, None if it is gone. One query, two for an ended one that cites. Authorise before."""
    with connection.cursor() as cursor:
        cursor.execute(_ROW_SQL, [message_id])
        row = cursor.fetchone()
    if row is None:
        return None
    state, phase, attempt, content, finish_reason, error_code, error_detail, usage, model_name, owner_id = row
    # A citation without its marker in the text does not exist.
    cites = state not in Message.OPEN_STATES and "[" in content
    return ReplyRow(
        message_id=message_id,
        state=state,
        phase=phase,
        attempt=attempt,
        content=content,
        finish_reason=finish_reason,
        error_code=error_code,
        error_detail=error_detail,
        usage=json.loads(usage),
        model_name=model_name,
        owner_id=owner_id,
        citations=_citations(message_id, user) if cites else (),
    )


def _citations(message_id: UUID, user: User) -> tuple[CitationShown, ...]:
    return tuple(map(citation_shown, citations_of_reader(user=user).filter(message_id=message_id)))


def citation_event(citation: CitationShown, *, sequence: int) -> CitationEvent:
    return CitationEvent(
        sequence=sequence,
        index=citation.index,
        document_id=citation.document_id,
        filename=citation.filename,
        page=citation.page,
        chunk_id=citation.chunk_id,
        quote=citation.quote,
        score=citation.score,
    )


def citation_public(citation: CitationShown) -> dict[str, Any]:
    """The citation as the public API names its parts; keys are texts."""
    return {
        "index": citation.index,
        "document_id": str(citation.document_id) if citation.document_id else None,
        "source": citation.filename,
        "page": citation.page,
        "page_last": citation.page_last,
        "version": citation.version_number,
        "chunk_id": str(citation.chunk_id) if citation.chunk_id else None,
        "quote": citation.quote,
        "relevance": round(citation.score, 4),
        "support": None if citation.support is None else round(citation.support, 4),
        "access": str(citation.sight),
    }
