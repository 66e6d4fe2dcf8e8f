"""Who writes a reply: leases on message rows. Every write of a worker carries its token and is refused once it lapsed.

All times are the database's own, so workers with wrong clocks do no harm.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.actions import REPLY_WRITTEN
from apps.audit.services import event_record
from apps.conversations.models import Citation, Message
from apps.conversations.provenance import trace_store
from apps.conversations.tracing import ReplyTrace

# A reply whose worker died this often has likely killed it.
ATTEMPTS_MAXIMUM = 5
ERROR_DETAIL_MAXIMUM = 500
# More of them than a reply has passages.
DOCUMENTS_NAMED_MAXIMUM = 50
WORKER_LOST = "worker_lost"
WORKER_LOST_DETAIL = "The reply was interrupted several times. Please ask again."

_TAKE_SQL = """
UPDATE conversations_message m SET
    attempt = m.attempt + CASE WHEN m.state = 'running' THEN 1 ELSE 0 END,
    state = 'running',
    content = '',
    phase = CASE WHEN c.searches AND m.use_documents THEN 'searching' ELSE 'thinking' END,
    lease_token = %(token)s,
    lease_expires_at = now() + make_interval(secs => %(seconds)s)
FROM (
    SELECT c.*, c.use_documents AND EXISTS (
        SELECT 1 FROM documents_documentversion v
        WHERE v.workspace_id = c.workspace_id AND v.is_current AND v.state IN ('uploaded', 'processing', 'indexed')
    ) AS searches
    FROM conversations_conversation c
) c
WHERE m.id = %(id)s AND c.id = m.conversation_id AND m.role = 'assistant' AND NOT m.stop_requested
    AND (m.state = 'queued'
         OR (m.state = 'running' AND m.lease_expires_at < now() AND m.attempt + 1 < %(attempts)s))
RETURNING m.attempt, m.parent_id, m.model_id, m.params::text, m.workspace_id, m.conversation_id,
    c.owner_id, c.system_prompt, c.document_ids, c.collection_ids, c.searches AND m.use_documents, NOT m.use_documents
"""

_RENEW_SQL = """
UPDATE conversations_message m SET
    content = COALESCE(v.content, m.content),
    phase = v.phase,
    lease_expires_at = now() + make_interval(secs => %(seconds)s)
FROM unnest(%(ids)s::uuid[], %(tokens)s::uuid[], %(phases)s::text[], %(contents)s::text[])
    AS v(id, token, phase, content)
WHERE m.id = v.id AND m.lease_token = v.token AND m.state = 'running'
RETURNING m.id, m.stop_requested
"""

_FINISH_SQL = """
UPDATE conversations_message SET
    state = %(state)s,
    content = %(content)s,
    finish_reason = %(finish_reason)s,
    error_code = %(error_code)s,
    error_detail = %(error_detail)s,
    usage = %(usage)s::jsonb,
    model_name = COALESCE(NULLIF(%(model_name)s, ''), model_name),
    is_unanswered = %(is_unanswered)s,
    support_share = %(support_share)s,
    marks = %(marks)s::jsonb,
    phase = '', lease_token = NULL, finished_at = now()
WHERE id = %(id)s AND lease_token = %(token)s AND state = 'running'
"""

_LAPSED_SQL = """
UPDATE conversations_message m SET
    state = CASE WHEN m.stop_requested THEN 'stopped' ELSE 'failed' END,
    finish_reason = CASE WHEN m.stop_requested THEN 'stopped' ELSE '' END,
    error_code = CASE WHEN m.stop_requested THEN '' ELSE %(code)s END,
    error_detail = CASE WHEN m.stop_requested THEN '' ELSE %(detail)s END,
    finished_at = now(), lease_token = NULL
WHERE m.id IN (
    SELECT id FROM conversations_message
    WHERE state = 'running' AND lease_expires_at < now() AND (stop_requested OR attempt + 1 >= %(attempts)s)
    FOR UPDATE SKIP LOCKED
)
RETURNING m.id
"""

_DUE_SQL = """
UPDATE conversations_message m SET enqueued_at = now()
WHERE m.id IN (
    SELECT id FROM conversations_message
    WHERE (state = 'queued' AND enqueued_at < now() - make_interval(secs => %(queued)s))
       OR (state = 'running' AND lease_expires_at < now()
           AND enqueued_at < now() - make_interval(secs => %(again)s))
    ORDER BY id LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
RETURNING m.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A reply that this worker may write, with what it needs of its conversation."""

    message_id: UUID
    token: UUID
    attempt: int
    parent_id: UUID
    model_id: UUID | None
    params: dict[str, Any]
    workspace_id: UUID
    conversation_id: UUID
    owner_id: UUID
    system_prompt: str
    document_ids: tuple[UUID, ...]
    collection_ids: tuple[UUID, ...]
    # Conversation and reply use documents and the workspace has some; whether the owner may see them is for the search.
    searches: bool
    # This one reply was asked for without documents.
    is_plain: bool = False

    @property
    def base(self) -> int:
        """The sequence number of this attempt's beginning."""
        return self.attempt * Message.SEQUENCE_SPAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """`content` None: as it was."""

    message_id: UUID
    token: UUID
    phase: str
    content: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a reply ended. `model_name` empty: as it was. The last three: see `Message`."""

    state: Message.State
    content: str
    finish_reason: str = ""
    model_name: str = ""
    error_code: str = ""
    error_detail: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    is_unanswered: bool = False
    support_share: float | None = None
    marks: dict[str, Any] = field(default_factory=dict)


def lease_take(message_id: UUID) -> Lease | None:
    """The right to write this reply, or None: it is gone, ended, or another worker has it. One query.

    A running reply whose lease lapsed begins anew as the next attempt.
    """
    token = uuid4()
    parameters: dict[str, Any] = {
        "id": message_id,
        "token": token,
        "seconds": settings.REPLY_LEASE_SECONDS,
        "attempts": ATTEMPTS_MAXIMUM,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_SQL, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    attempt, parent_id, model_id, params, workspace_id, conversation_id, *rest = row
    owner_id, system_prompt, document_ids, collection_ids, searches, is_plain = rest
    return Lease(
        message_id=message_id,
        token=token,
        attempt=attempt,
        parent_id=parent_id,
        model_id=model_id,
        params=json.loads(params),
        workspace_id=workspace_id,
        conversation_id=conversation_id,
        owner_id=owner_id,
        system_prompt=system_prompt,
        searches=searches,
        is_plain=is_plain,
        document_ids=tuple(document_ids),
        collection_ids=tuple(collection_ids),
    )


def leases_renew(renewals: Sequence[Renewal]) -> dict[UUID, bool]:
    """Write texts and prolong leases, all in one query. Returns message -> stop requested.

    A message that is missing from the answer is not this worker's any more.
    """
    parameters: dict[str, Any] = {
        "seconds": settings.REPLY_LEASE_SECONDS,
        "ids": [renewal.message_id for renewal in renewals],
        "tokens": [renewal.token for renewal in renewals],
        "phases": [renewal.phase for renewal in renewals],
        "contents": [renewal.content for renewal in renewals],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RENEW_SQL, parameters)
        return dict(cursor.fetchall())


def lease_finish(
    lease: Lease,
    outcome: Outcome,
    citations: Sequence[Citation] = (),
    *,
    documents: Sequence[UUID] = (),
    owner: User | None = None,
    trace: ReplyTrace | None = None,
    timings: Mapping[str, float] | None = None,
) -> bool:
    """End the reply in one transaction, with its citations, how it came by its passages, and an event that names the
    `documents` it was written from and the `owner` for whom.

    `timings`: what was measured after the search. False: the lease was lost and nothing is written. One query where
    there is nothing but the reply.
    """
    if not citations and not documents and trace is None:
        return _finish(lease, outcome)
    with transaction.atomic():
        if not _finish(lease, outcome):
            return False
        Citation.objects.bulk_create(citations)
        if trace is not None:
            trace_store(
                message_id=lease.message_id,
                workspace_id=lease.workspace_id,
                trace=trace,
                cited=[citation.chunk_id for citation in citations],
                model_name=outcome.model_name,
                timings=timings or {},
            )
        if documents:
            _written_record(lease, outcome, owner, documents, len(citations))
    return True


def _written_record(
    lease: Lease, outcome: Outcome, owner: User | None, documents: Sequence[UUID], citation_count: int
) -> None:
    event_record(
        action=REPLY_WRITTEN,
        actor=owner,
        workspace_id=lease.workspace_id,
        target=Message(pk=lease.message_id, role=Message.Role.ASSISTANT, state=outcome.state),
        data={
            "conversation_id": lease.conversation_id,
            "document_ids": documents[:DOCUMENTS_NAMED_MAXIMUM],
            "documents": len(documents),
            "citations": citation_count,
            "model": outcome.model_name or str(lease.model_id),
        },
    )


def _finish(lease: Lease, outcome: Outcome) -> bool:
    parameters: dict[str, Any] = {
        "id": lease.message_id,
        "token": lease.token,
        "state": outcome.state,
        "content": outcome.content,
        "finish_reason": outcome.finish_reason,
        "error_code": outcome.error_code,
        "error_detail": outcome.error_detail[:ERROR_DETAIL_MAXIMUM],
        "usage": json.dumps(outcome.usage),
        "model_name": outcome.model_name,
        "is_unanswered": outcome.is_unanswered,
        "support_share": outcome.support_share,
        "marks": json.dumps(outcome.marks),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH_SQL, parameters)
        return bool(cursor.rowcount)


def leases_lapsed_end() -> list[UUID]:
    """End lapsed replies that nobody shall begin anew: stopped meanwhile, or begun too often. Returns their keys."""
    parameters: dict[str, Any] = {"code": WORKER_LOST, "detail": WORKER_LOST_DETAIL, "attempts": ATTEMPTS_MAXIMUM}
    with connection.cursor() as cursor:
        cursor.execute(_LAPSED_SQL, parameters)
        return [key for (key,) in cursor.fetchall()]


def replies_due(*, queued_seconds: float, again_seconds: float) -> list[UUID]:
    """Replies that wait for a worker, marked as enqueued now: two callers never get the same one.

    Queued ones enqueued longer ago than `queued_seconds`; running ones whose lease lapsed, at most every
    `again_seconds`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE_SQL, {"queued": queued_seconds, "again": again_seconds})
        return [key for (key,) in cursor.fetchall()]
