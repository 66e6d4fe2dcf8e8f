"""Reads: which documents a person may see, and the pictures of their pages."""

from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.accounts.models import Membership, User
from apps.accounts.permission_table import PERMISSIONS
from apps.accounts.permissions import granted_ids
from apps.accounts.selectors.workspaces import workspace_current_key, workspaces_open_to
from apps.documents import page_images
from apps.documents.exceptions import NoPagesError
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.types import Box, FileKind, PageRequest, StoredAmounts, VersionStatus
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue


def collections_visible_to(*, user: User) -> QuerySet[Collection]:
    """Collections that the person may read: their own, those open to the workspace, those shared with them.

    Never of a workspace they do not belong to; being above every workspace opens no content.
    """
    return Collection.objects.filter(
        Q(owner=user)
        | Q(visibility=Collection.Visibility.WORKSPACE)
        | Q(pk__in=granted_ids(user=user, model=Collection)),
        workspace_id__in=workspaces_open_to(user=user),
    )


def collection_list(*, user: User) -> QuerySet[Collection]:
    """Those of the workspace the person works in, by name."""
    current = workspace_current_key(user=user)
    return collections_visible_to(user=user).filter(workspace_id=current).order_by("name", "pk")


def collection_require(*, user: User, collection_id: UUID) -> Collection:
    """One query. Raises NotFoundError for what does not exist or may not be seen."""
    collection = collections_visible_to(user=user).filter(pk=collection_id).first()
    if collection is None:
        raise NotFoundError
    return collection


def collections_managed_by(*, user: User) -> QuerySet[Collection]:
    """Of what the person sees: their own, and those open to a workspace that they administer."""
    administered = _administered(user).values("workspace_id")
    is_open = Q(visibility=Collection.Visibility.WORKSPACE, workspace_id__in=administered)
    return collections_visible_to(user=user).filter(Q(owner=user) | is_open)


def collections_fillable_by(*, user: User) -> QuerySet[Collection]:
    """Of what the person sees, where they may put documents: all but those they can only read by a grant."""
    return collections_visible_to(user=user).filter(Q(owner=user) | Q(visibility=Collection.Visibility.WORKSPACE))


def documents_visible_to(*, user: User) -> QuerySet[Document]:
    """The person's own documents and those of collections they may read (see `collections_visible_to`).

    Never of a workspace they do not belong to; being above every workspace opens no content.
    """
    return Document.objects.filter(
        Q(owner=user)
        | Q(collection__visibility=Collection.Visibility.WORKSPACE)
        | Q(collection__owner=user)
        | Q(collection_id__in=granted_ids(user=user, model=Collection)),
        workspace_id__in=workspaces_open_to(user=user),
    )


def documents_deletable_by(*, user: User) -> QuerySet[Document]:
    """Of what the person sees: their own, and in workspaces that they administer those open to all there."""
    administered = _administered(user).values("workspace_id")
    is_open = Q(collection__visibility=Collection.Visibility.WORKSPACE, workspace_id__in=administered)
    return documents_visible_to(user=user).filter(Q(owner=user) | is_open)


def documents_movable_by(*, user: User) -> QuerySet[Document]:
    """Of what the person sees: what they may put into another collection, or take out of one."""
    managed = collections_managed_by(user=user).values("pk")
    return documents_visible_to(user=user).filter(Q(owner=user) | Q(collection_id__in=managed))


def _administered(user: User) -> QuerySet[Membership]:
    rows = Membership.objects.filter(user=user, role__in=PERMISSIONS["document_manage"].roles)
    return rows.filter(workspace_id__in=workspaces_open_to(user=user))


def document_require(*, user: User, document_id: UUID) -> Document:
    """One query. Raises NotFoundError for what does not exist or may not be seen."""
    document = documents_visible_to(user=user).filter(pk=document_id).first()
    if document is None:
        raise NotFoundError
    return document


def document_list(
    *, user: User, collection_id: UUID | None = None, status: str = "", text: str = "", tag: str = ""
) -> QuerySet[Document]:
    """Of what the person sees: in the collection, with the status and tag, with `text` in the file name (in any case).

    Without a collection those of the workspace the person works in.
    Raises ValidationFailedError for a status that does not exist.
    """
    documents = documents_visible_to(user=user)
    if collection_id is not None:
        documents = documents.filter(collection_id=collection_id)
    else:
        documents = documents.filter(workspace_id=workspace_current_key(user=user))
    if status:
        if status not in DocumentVersion.State.values:
            raise ValidationFailedError(errors={"status": f"must be one of {', '.join(DocumentVersion.State.values)}"})
        documents = documents.filter(versions__is_current=True, versions__state=status)
    if text:
        documents = documents.filter(filename__icontains=text.replace("\x00", ""))
    if tag:
        documents = documents.filter(tags__contains=[tag.replace("\x00", "").lower()])
    return documents


def stored_amounts(*, user: User, workspace_id: UUID) -> StoredAmounts:
    """What the person, and what all of the workspace, keep there: documents and bytes of all versions. One query."""
    versions = DocumentVersion.objects.filter(workspace_id=workspace_id)
    mine = Q(document__owner=user)
    return StoredAmounts(
        **versions.aggregate(
            documents_user=Count("document", distinct=True, filter=mine),
            documents_workspace=Count("document", distinct=True),
            bytes_user=Coalesce(Sum("size_bytes", filter=mine), 0),
            bytes_workspace=Coalesce(Sum("size_bytes"), 0),
        )
    )


def version_current(*, document: Document) -> DocumentVersion:
    """The version that is shown and searched. One query. Raises NotFoundError if the document has gone meanwhile."""
    version = document.versions.filter(is_current=True).first()
    if version is None:
        raise NotFoundError
    return version


def document_status(*, user: User, document_id: UUID) -> VersionStatus:
    """How far reading has come. Two queries. Raises NotFoundError."""
    return version_status(version_current(document=document_require(user=user, document_id=document_id)))


def version_status(version: DocumentVersion) -> VersionStatus:
    return VersionStatus(
        status=version.state,
        progress=round(version.progress, 4),
        pages_done=version.pages_done,
        pages=version.pages,
        chunk_count=version.chunk_count,
        error_code=version.error_code,
        error_detail=version.error_detail,
    )


def page_image(*, user: User, document_id: UUID, page: int, boxes: list[Box] | None = None) -> bytes:
    """A PNG of the page, with the boxes (shares of the page) marked. Waits for a worker if it is not made yet.

    Raises NotFoundError for what may not be seen and pages that do not exist, UnavailableError if no worker answers.
    """
    request = _page_require(user=user, document_id=document_id, page=page)
    image = page_images.stored(request)
    if image is None:
        answer_key = _page_enqueue(request)
        page_images.answer_wait(answer_key)
        image = page_images.stored_require(request)
    return page_images.marked(image, boxes or [])


async def page_image_async(*, user: User, document_id: UUID, page: int, boxes: list[Box] | None = None) -> bytes:
    """As `page_image`, without holding a thread while the worker draws."""
    request = await sync_to_async(_page_require)(user=user, document_id=document_id, page=page)
    image = await sync_to_async(page_images.stored)(request)
    if image is None:
        answer_key = await sync_to_async(_page_enqueue)(request)
        await page_images.answer_wait_async(answer_key)
        image = await sync_to_async(page_images.stored_require)(request)
    return await sync_to_async(page_images.marked)(image, boxes or [])


def _page_require(*, user: User, document_id: UUID, page: int) -> PageRequest:
    version = version_current(document=document_require(user=user, document_id=document_id))
    if version.mime != FileKind.PDF:
        raise NoPagesError
    if not 1 <= page <= (version.pages or 0):
        raise NotFoundError(f"The document has {version.pages or 0} pages.")
    return PageRequest(version_id=version.pk, page=page)


def _page_enqueue(request: PageRequest) -> str:
    from apps.documents.tasks import page_render

    answer_key = page_images.answer_key_new()
    page_images.wanted_mark(answer_key)
    # Nothing was written, so there is no commit to wait for.
    task_enqueue(page_render, str(request.version_id), request.page, answer_key)
    return answer_key
