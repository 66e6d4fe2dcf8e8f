"""Reads: which documents a person may see, and the pictures of their pages."""

from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet

from apps.accounts.models import Membership, User
from apps.documents import page_images
from apps.documents.exceptions import NoPagesError
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.types import Box, FileKind, PageRequest, VersionStatus
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue


def collections_visible_to(*, user: User) -> QuerySet[Collection]:
    """The person's own collections and those open to a workspace they belong to; never of another workspace."""
    return Collection.objects.filter(
        Q(owner=user) | Q(visibility=Collection.Visibility.WORKSPACE), workspace__memberships__user=user
    )


def collection_require(*, user: User, collection_id: UUID) -> Collection:
    """One query. Raises NotFoundError for what does not exist or may not be seen."""
    collection = collections_visible_to(user=user).filter(pk=collection_id).first()
    if collection is None:
        raise NotFoundError
    return collection


def documents_visible_to(*, user: User) -> QuerySet[Document]:
    """The person's own documents and those in collections open to a workspace they belong to.

    Never of a workspace they do not belong to; being above every workspace opens no content.
    """
    return Document.objects.filter(
        Q(owner=user) | Q(collection__visibility=Collection.Visibility.WORKSPACE),
        workspace__memberships__user=user,
    )


def documents_deletable_by(*, user: User) -> QuerySet[Document]:
    """Of what the person sees: their own, and all in workspaces that they administer."""
    administered = Membership.objects.filter(user=user, role=Membership.Role.ADMIN).values("workspace_id")
    return documents_visible_to(user=user).filter(Q(owner=user) | Q(workspace_id__in=administered))


def document_require(*, user: User, document_id: UUID) -> Document:
    """One query. Raises NotFoundError for what does not exist or may not be seen."""
    document = documents_visible_to(user=user).filter(pk=document_id).first()
    if document is None:
        raise NotFoundError
    return document


def document_list(
    *, user: User, collection_id: UUID | None = None, status: str = "", text: str = ""
) -> QuerySet[Document]:
    """Of what the person sees: in the collection, with the status, with `text` in the file name (in any case).

    Raises ValidationFailedError for a status that does not exist.
    """
    documents = documents_visible_to(user=user)
    if collection_id is not None:
        documents = documents.filter(collection_id=collection_id)
    if status:
        if status not in DocumentVersion.State.values:
            raise ValidationFailedError(errors={"status": f"must be one of {', '.join(DocumentVersion.State.values)}"})
        documents = documents.filter(versions__is_current=True, versions__state=status)
    if text:
        documents = documents.filter(filename__icontains=text.replace("\x00", ""))
    return documents


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
