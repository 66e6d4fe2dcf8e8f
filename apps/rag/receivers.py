"""News from documents."""

from typing import Any
from uuid import UUID

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from apps.documents.models import Document, DocumentVersion
from apps.documents.signals import document_parsed
from apps.rag.tasks import document_index_enqueue


@receiver(document_parsed)
def version_index_enqueue(*, version_id: UUID, **_: Any) -> None:
    """The signal is sent on commit, and again by the reconciler."""
    document_index_enqueue(version_id)


@receiver(pre_delete, sender=Document)
def document_hold(*, instance: Document, **_: Any) -> None:
    """Lock the row before anything is deleted: a worker that is just indexing it must not add passages in between."""
    _row_lock(instance.pk)


@receiver(pre_delete, sender=DocumentVersion)
def version_hold(*, instance: DocumentVersion, **_: Any) -> None:
    """As `document_hold`; it is the document's row that workers hold."""
    _row_lock(instance.document_id)


def _row_lock(document_id: UUID) -> None:
    Document.objects.select_for_update(of=("self",)).filter(pk=document_id).order_by().values_list("pk").first()
