"""Writes that people ask for: upload, delete, cancel; and the sample document."""

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.quotas import Limits, quota_limits
from apps.accounts.selectors.workspaces import workspace_current, workspaces_open_to
from apps.accounts.services.quotas import quota_refusals_recorded, quota_upload_check
from apps.audit.actions import DOCUMENT_CANCELLED, DOCUMENT_DELETED, DOCUMENT_DOWNLOADED, DOCUMENT_UPLOADED
from apps.audit.services import event_record
from apps.documents import page_images
from apps.documents.exceptions import UploadTooLargeError
from apps.documents.jobs import (
    version_failed,
    version_indexed,
    version_lease_take,
    version_parsed,
    version_progress,
    version_slice_end,
    versions_reconcile,
)
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.page_images import page_is_wanted
from apps.documents.selectors import (
    collection_require,
    collections_fillable_by,
    document_require,
    documents_deletable_by,
    stored_amounts,
    version_current,
)
from apps.documents.sniffing import filename_clean
from chatbot.lib.errors import ForbiddenError, NotFoundError
from chatbot.lib.queue import task_enqueue

__all__ = [
    "document_cancel",
    "document_delete",
    "document_download",
    "document_upload",
    "documents_upload",
    "page_is_wanted",
    "sample_load",
    "version_failed",
    "version_indexed",
    "version_lease_take",
    "version_parsed",
    "version_progress",
    "version_slice_end",
    "versions_reconcile",
]

SAMPLE_COLLECTION = "Getting started"
SAMPLE_FILENAME = "Welcome handbook.pdf"
_SAMPLE_PATH = Path(__file__).parent / "sample" / "handbook.pdf"
_MEGABYTE = 1024 * 1024
# In an event; a document seldom has more.
VERSIONS_NAMED_MAXIMUM = 50


@quota_refusals_recorded
def document_upload(
    *,
    actor: User,
    file: "File[bytes]",
    filename: str,
    collection_id: UUID | None = None,
    workspace_id: UUID | None = None,
) -> Document:
    """Keep the file and have it read. What it is, and whether it can be read, is found out by the ingest worker.

    Without a collection the document is the actor's alone, in the workspace given, else in the one they work in. The
    file is stored before the transaction and removed again if that fails.
    Raises UploadTooLargeError, QuotaExceededError, ForbiddenError for a viewer and for a collection that is theirs to
    read only, NotFoundError for one that may not be seen.
    """
    collection = _collection_to_fill(actor, collection_id) if collection_id else None
    workspace = _workspace_for(actor, collection, workspace_id)
    permission_require(user=actor, workspace_id=workspace.pk, permission="document_write")
    if file.size > settings.UPLOAD_MAX_BYTES:
        raise UploadTooLargeError(
            f"The file has {file.size / _MEGABYTE:.1f} MB; at most {settings.UPLOAD_MAX_BYTES / _MEGABYTE:.0f} MB "
            "may be uploaded. Split it into smaller files."
        )
    return _document_create(workspace=workspace, owner=actor, collection=collection, file=file, filename=filename)


@quota_refusals_recorded
def documents_upload(
    *, actor: User, files: Iterable[tuple[str, "File[bytes]"]], collection_id: UUID | None = None
) -> list[Document]:
    """Keep all of the files, given with their names, or none. Raises as `document_upload`."""
    documents: list[Document] = []
    with ExitStack() as undo:
        with transaction.atomic():
            for filename, file in files:
                document = document_upload(actor=actor, file=file, filename=filename, collection_id=collection_id)
                # The rows go with the transaction; what is stored beside them would stay.
                undo.callback(default_storage.delete, str(document.versions.get().file.name))
                documents.append(document)
        undo.pop_all()
    return documents


def _collection_to_fill(actor: User, collection_id: UUID) -> Collection:
    collection = collection_require(user=actor, collection_id=collection_id)
    if not collections_fillable_by(user=actor).filter(pk=collection.pk).exists():
        raise ForbiddenError("This collection is shared with you to read. Only its owner can add documents.")
    return collection


def _workspace_for(actor: User, collection: Collection | None, workspace_id: UUID | None) -> Workspace:
    if collection is not None:
        return collection.workspace
    if workspace_id is None:
        return workspace_current(user=actor)
    workspace = Workspace.objects.filter(pk=workspace_id, pk__in=workspaces_open_to(user=actor)).first()
    if workspace is None:
        raise NotFoundError
    return workspace


def _document_create(
    *,
    workspace: Workspace,
    owner: User | None,
    collection: Collection | None,
    file: "File[bytes]",
    filename: str,
) -> Document:
    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    label = filename_clean(filename)
    document = Document(workspace=workspace, owner=owner, collection=collection, filename=label)
    version = DocumentVersion(
        workspace=workspace,
        document=document,
        sha256=digest.hexdigest(),
        size_bytes=file.size,
        enqueued_at=timezone.now(),
    )
    limits = quota_limits(user=owner, workspace_id=workspace.pk) if owner else None
    with ExitStack() as undo:
        version.file.save(label, file, save=False)
        undo.callback(default_storage.delete, str(version.file.name))
        with transaction.atomic():
            if owner and limits and limits.has_upload_limit:
                _quota_check(owner, workspace.pk, limits, size_bytes=version.size_bytes)
            document.save()
            version.save()
            event_record(
                action=DOCUMENT_UPLOADED,
                actor=owner,
                workspace_id=workspace.pk,
                target=document,
                data={"size_bytes": version.size_bytes, "sha256": version.sha256},
            )
            transaction.on_commit(partial(_parse_enqueue, version.pk))
        undo.pop_all()
    return document


def _quota_check(owner: User, workspace_id: UUID, limits: Limits, *, size_bytes: int) -> None:
    """Count what is stored, with this file. Of two uploads to a workspace the second waits here for the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"uploads:{workspace_id}"])
    stored = stored_amounts(user=owner, workspace_id=workspace_id)
    quota_upload_check(
        user=owner,
        workspace_id=workspace_id,
        limits=limits,
        documents_user=stored.documents_user + 1,
        documents_workspace=stored.documents_workspace + 1,
        bytes_user=stored.bytes_user + size_bytes,
        bytes_workspace=stored.bytes_workspace + size_bytes,
    )


def _parse_enqueue(version_id: UUID) -> None:
    from apps.documents.tasks import document_parse

    task_enqueue(document_parse, str(version_id))


@transaction.atomic
def document_delete(*, actor: User, document_id: UUID) -> None:
    """Delete the document with its text, passages, files and page pictures. The files go on commit.

    Raises NotFoundError for what the actor may not see, ForbiddenError for what is neither theirs nor in a workspace
    they administer.
    """
    document = document_require(user=actor, document_id=document_id)
    if not documents_deletable_by(user=actor).filter(pk=document.pk).exists():
        raise ForbiddenError("Only the owner or an administrator of the workspace may delete this document.")
    versions = list(document.versions.values_list("pk", "file"))
    event_record(
        action=DOCUMENT_DELETED,
        actor=actor,
        workspace_id=document.workspace_id,
        target=document,
        # Which answers used a version can be asked by its key after it is gone.
        data={"versions": len(versions), "version_ids": [key for key, _ in versions[:VERSIONS_NAMED_MAXIMUM]]},
    )
    document.delete()
    transaction.on_commit(partial(_files_delete, versions))


def _files_delete(versions: list[tuple[UUID, str]]) -> None:
    for version_id, name in versions:
        default_storage.delete(name)
        page_images.remove_all(version_id)


@transaction.atomic
def document_cancel(*, actor: User, document_id: UUID) -> None:
    """Stop reading the document; a worker sees it before its next step. Without effect once reading has ended.

    Raises NotFoundError and ForbiddenError as `document_delete`.
    """
    document = document_require(user=actor, document_id=document_id)
    if not documents_deletable_by(user=actor).filter(pk=document.pk).exists():
        raise ForbiddenError("Only the owner or an administrator of the workspace may cancel this.")
    version = version_current(document=document)
    cancelled = DocumentVersion.objects.filter(pk=version.pk, state__in=DocumentVersion.OPEN_STATES).update(
        state=DocumentVersion.State.CANCELLED, lease_token=None, lease_expires_at=None, finished_at=timezone.now()
    )
    if cancelled:
        event_record(action=DOCUMENT_CANCELLED, actor=actor, workspace_id=document.workspace_id, target=document)


@transaction.atomic
def document_download(*, actor: User, document_id: UUID) -> tuple[Document, DocumentVersion]:
    """The document and the version whose file is about to be sent; recorded before it is.

    Raises NotFoundError for what the actor may not see.
    """
    document = document_require(user=actor, document_id=document_id)
    version = version_current(document=document)
    event_record(
        action=DOCUMENT_DOWNLOADED,
        actor=actor,
        workspace_id=document.workspace_id,
        target=document,
        data={"version": version.number, "size_bytes": version.size_bytes},
    )
    return document, version


def sample_load(*, workspace: Workspace) -> None:
    """Put our sample handbook on a shelf that the whole workspace reads.

    Without effect if the shelf is there already, so that a sample which somebody deleted does not come back.
    """
    if Collection.objects.filter(workspace=workspace, name=SAMPLE_COLLECTION).exists():
        return
    with transaction.atomic(), _SAMPLE_PATH.open("rb") as stream:
        collection = Collection.objects.create(
            workspace=workspace,
            name=SAMPLE_COLLECTION,
            visibility=Collection.Visibility.WORKSPACE,
            classification=Collection.Classification.PUBLIC,
        )
        _document_create(
            workspace=workspace, owner=None, collection=collection, file=File(stream), filename=SAMPLE_FILENAME
        )
