"""Writes that people ask for: upload, delete, cancel; and the sample document."""

import hashlib
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.permissions import role_require
from apps.accounts.selectors.workspaces import workspace_current
from apps.audit.actions import DOCUMENT_DELETED, DOCUMENT_UPLOADED
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
    document_require,
    documents_deletable_by,
    version_current,
)
from apps.documents.sniffing import filename_clean
from chatbot.lib.errors import ForbiddenError
from chatbot.lib.queue import task_enqueue

__all__ = [
    "document_cancel",
    "document_delete",
    "document_upload",
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


def document_upload(
    *,
    actor: User,
    file: "File[bytes]",
    filename: str,
    collection_id: UUID | None = None,
) -> Document:
    """Keep the file and have it read. What it is, and whether it can be read, is found out by the ingest worker.

    Without a collection the document is the actor's alone, in their current workspace. The file is stored before the
    transaction and removed again if that fails.
    Raises UploadTooLargeError, ForbiddenError for a viewer, NotFoundError for a collection that may not be seen.
    """
    collection = collection_require(user=actor, collection_id=collection_id) if collection_id else None
    workspace = collection.workspace if collection else workspace_current(user=actor)
    role_require(user=actor, workspace_id=workspace.pk, at_least=Membership.Role.USER)
    if file.size > settings.UPLOAD_MAX_BYTES:
        raise UploadTooLargeError(
            f"The file has {file.size / _MEGABYTE:.1f} MB; at most {settings.UPLOAD_MAX_BYTES / _MEGABYTE:.0f} MB "
            "may be uploaded. Split it into smaller files."
        )
    return _document_create(workspace=workspace, owner=actor, collection=collection, file=file, filename=filename)


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
    with ExitStack() as undo:
        version.file.save(label, file, save=False)
        undo.callback(default_storage.delete, str(version.file.name))
        with transaction.atomic():
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
        data={"versions": len(versions)},
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
    DocumentVersion.objects.filter(pk=version.pk, state__in=DocumentVersion.OPEN_STATES).update(
        state=DocumentVersion.State.CANCELLED, lease_token=None, lease_expires_at=None, finished_at=timezone.now()
    )


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
