"""What is known of a version under a profile. Every write is its own short transaction."""

from django.db import transaction
from django.db.models import F

from apps.documents.models import DocumentVersion
from apps.rag.models import Chunk, IndexedVersion, IndexProfile

# A step that kills its process never tells; so many such, and the version is left out.
ATTEMPTS_MAXIMUM = 3


@transaction.atomic
def version_begin(*, profile: IndexProfile, version: DocumentVersion) -> IndexedVersion | None:
    """The row of this version, with one attempt more; None if it is deleted or replaced.

    The document is held: whoever is just deleting it has either done so, or finds the row.
    """
    documents = DocumentVersion.objects.filter(pk=version.pk, is_current=True).select_related("document")
    if documents.select_for_update(no_key=True, of=("document",)).first() is None:
        return None
    row, _ = IndexedVersion.objects.get_or_create(
        profile=profile, version=version, defaults={"workspace_id": version.workspace_id}
    )
    IndexedVersion.objects.filter(pk=row.pk).update(
        attempts=F("attempts") + 1, state=IndexedVersion.State.BUILDING, is_withheld=False
    )
    row.attempts += 1
    return row


def version_progress_note(row: IndexedVersion, *, chunk_count: int, embedded_count: int) -> None:
    """It got further, so the next step begins anew. One query."""
    IndexedVersion.objects.filter(pk=row.pk).update(chunk_count=chunk_count, embedded_count=embedded_count, attempts=0)


def version_finish(row: IndexedVersion, *, chunk_count: int, embedded_count: int, is_withheld: bool) -> None:
    IndexedVersion.objects.filter(pk=row.pk).update(
        state=IndexedVersion.State.DONE,
        chunk_count=chunk_count,
        embedded_count=embedded_count,
        is_withheld=is_withheld,
        attempts=0,
        error_detail="",
    )


def version_give_up(row: IndexedVersion, *, detail: str) -> None:
    IndexedVersion.objects.filter(pk=row.pk).update(
        state=IndexedVersion.State.FAILED, error_detail=detail[:500], attempts=0
    )


def version_indexed_note(*, profile: IndexProfile, version: DocumentVersion, is_withheld: bool) -> None:
    """Live indexing has finished the version: nothing is left under that profile. Older ones are forgotten."""
    row = version_begin(profile=profile, version=version)
    if row is None:
        return
    chunk_count, embedded_count = counts_of(profile=profile, version=version)
    version_finish(row, chunk_count=chunk_count, embedded_count=embedded_count, is_withheld=is_withheld)
    IndexedVersion.objects.filter(version__document_id=version.document_id, version__number__lt=version.number).delete()


def counts_of(*, profile: IndexProfile, version: DocumentVersion) -> tuple[int, int]:
    """How many passages stand, and how many of them have a vector."""
    chunks = Chunk.objects.filter(profile=profile, version=version)
    return chunks.count(), chunks.filter(embedding__isnull=False).count()
