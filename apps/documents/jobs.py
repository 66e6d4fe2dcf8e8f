"""The life of a version as a job: lease, progress, end. Used by reading here and by indexing in rag.

A step takes the lease, works, and tells what it did; each call after the first says by its return value whether the
version is still this worker's. A step that kills its process never gives its lease back; after three such the version
fails.
"""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Case, F, PositiveSmallIntegerField, Q, QuerySet, When
from django.db.models.functions import Now

from apps.documents.exceptions import UnreadableFileError
from apps.documents.models import DocumentVersion
from apps.documents.signals import document_parsed
from chatbot.lib.errors import AppError
from chatbot.lib.queue import task_enqueue

# Longer than the hard time limit of every task that takes a lease.
LEASE_SECONDS = 60
MAXIMUM_ATTEMPTS = 3
# The part of the whole work that reading is, as people see it.
PARSE_SHARE = 0.3
# A row that waits longer may have lost its message.
PATIENCE_SECONDS = 30
_DETAIL_LENGTH = 500


def version_lease_take(*, version_id: UUID, stage: str) -> UUID | None:
    """Begin a step: the lease's token, or None if the version has gone, ended, stands in another stage or is leased.

    The version fails here when its last three steps never came to an end. Three queries at most.
    """
    token = uuid4()
    taken = (
        DocumentVersion.objects.filter(pk=version_id, stage=stage, state__in=DocumentVersion.OPEN_STATES)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()))
        .update(
            lease_token=token,
            lease_expires_at=lease_end(),
            state=DocumentVersion.State.PROCESSING,
            attempts=F("attempts") + 1,
        )
    )
    if not taken:
        return None
    attempts = DocumentVersion.objects.filter(pk=version_id).values_list("attempts", flat=True).first()
    if attempts is not None and attempts > MAXIMUM_ATTEMPTS:
        error = UnreadableFileError()
        version_failed(version_id=version_id, code=error.code, detail=error.title, token=token)
        return None
    return token


def version_progress(*, version_id: UUID, token: UUID, share: float, chunk_count: int | None = None) -> bool:
    """In stage index: `share` (0..1) of the passages are done. Renews the lease.

    False if the version is not this worker's any more: stop. One query.
    """
    values: dict[str, Any] = {} if chunk_count is None else {"chunk_count": chunk_count}
    progress = PARSE_SHARE + (1 - PARSE_SHARE) * min(max(share, 0.0), 1.0)
    # A step that only says again what stood before it has not shown yet that it survives its work.
    attempts = Case(
        When(progress__lt=progress, then=0), default=F("attempts"), output_field=PositiveSmallIntegerField()
    )
    return bool(
        _held(version_id, token).update(progress=progress, lease_expires_at=lease_end(), attempts=attempts, **values)
    )


def version_slice_end(*, version_id: UUID, token: UUID) -> bool:
    """End a step that made progress and left some work: give the lease back. The caller enqueues the next on True.

    False if the version was not this worker's any more. One query.
    """
    return bool(_held(version_id, token).update(lease_token=None, lease_expires_at=None, attempts=0, enqueued_at=Now()))


@transaction.atomic
def version_parsed(*, version_id: UUID, token: UUID) -> bool:
    """The text is read: move on to stage index and send `document_parsed` on commit. One query."""
    moved = _held(version_id, token).update(
        stage=DocumentVersion.Stage.INDEX,
        progress=PARSE_SHARE,
        lease_token=None,
        lease_expires_at=None,
        attempts=0,
        enqueued_at=Now(),
    )
    if moved:
        transaction.on_commit(partial(document_parsed.send, sender=DocumentVersion, version_id=version_id))
    return bool(moved)


def version_indexed(*, version_id: UUID, chunk_count: int, token: UUID | None = None) -> bool:
    """All passages stand and can be found. Without a token, whoever holds the lease. False if it had ended already."""
    return _ended(version_id, token, state=DocumentVersion.State.INDEXED, progress=1.0, chunk_count=chunk_count)


def version_failed(*, version_id: UUID, code: str, detail: str, token: UUID | None = None) -> bool:
    """The work cannot be done; `detail` tells people what to do. False if it had ended already."""
    return _ended(
        version_id,
        token,
        state=DocumentVersion.State.FAILED,
        error_code=code,
        error_detail=detail[:_DETAIL_LENGTH].replace("\x00", ""),
    )


def version_failed_by(*, version_id: UUID, error: AppError, token: UUID | None = None) -> bool:
    return version_failed(version_id=version_id, code=error.code, detail=error.detail or error.title, token=token)


def versions_reconcile() -> int:
    """Bring in again what no worker has: leases that ran out and rows whose message was lost. Returns how many.

    Nothing is done while messages wait in the queue: the rows' own may be among them, and repeating them would make the
    queue grow as long as it stands still.
    """
    from apps.documents.tasks import document_parse, ingest_queue_is_empty

    if not ingest_queue_is_empty():
        return 0
    patience = Now() - timedelta(seconds=PATIENCE_SECONDS)
    lost = list(
        DocumentVersion.objects.filter(state__in=DocumentVersion.OPEN_STATES)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()))
        .filter(Q(enqueued_at=None) | Q(enqueued_at__lt=patience))
        .values_list("pk", "stage")
    )
    DocumentVersion.objects.filter(pk__in=[pk for pk, _ in lost]).update(enqueued_at=Now())
    for version_id, stage in lost:
        if stage == DocumentVersion.Stage.PARSE:
            task_enqueue(document_parse, str(version_id))
        else:
            document_parsed.send(sender=DocumentVersion, version_id=version_id)
    return len(lost)


def held_version(*, version_id: UUID, token: UUID) -> DocumentVersion | None:
    """The version, locked until the transaction's end, if it is still this worker's."""
    return _held(version_id, token).select_for_update(no_key=True).first()


def lease_end() -> Any:
    """When a lease that is taken or renewed now runs out, by the database's clock."""
    return Now() + timedelta(seconds=LEASE_SECONDS)


def _held(version_id: UUID, token: UUID) -> QuerySet[DocumentVersion]:
    return DocumentVersion.objects.filter(pk=version_id, lease_token=token, state=DocumentVersion.State.PROCESSING)


def _ended(version_id: UUID, token: UUID | None, **values: Any) -> bool:
    versions = DocumentVersion.objects.filter(pk=version_id, state__in=DocumentVersion.OPEN_STATES)
    if token is not None:
        versions = versions.filter(lease_token=token)
    return bool(versions.update(lease_token=None, lease_expires_at=None, finished_at=Now(), **values))
