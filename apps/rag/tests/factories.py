"""Documents as the parser leaves them, and their index."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from apps.accounts.models import User, Workspace
from apps.documents.models import Collection, Document, DocumentVersion, Section
from apps.rag.services import document_index_step


def section(text: str, **fields: Any) -> dict[str, Any]:
    return {"text": text, **fields}


def parsed_version(
    owner: User | None,
    *sections: str | dict[str, Any],
    workspace: Workspace | None = None,
    filename: str = "notes.txt",
    collection: Collection | None = None,
    mime: str = "text/plain",
    document: Document | None = None,
) -> DocumentVersion:
    """A version whose sections stand and which waits to be indexed; a further one of `document` if given."""
    if document is None:
        workspace = workspace or (owner.workspaces.first() if owner else None)
        assert workspace
        document = Document.objects.create(workspace=workspace, owner=owner, collection=collection, filename=filename)
    number = document.versions.count() + 1
    document.versions.update(is_current=False)
    version = DocumentVersion.objects.create(
        workspace=document.workspace,
        document=document,
        number=number,
        file="documents/none",
        sha256="0" * 64,
        size_bytes=1,
        mime=mime,
        state=DocumentVersion.State.PROCESSING,
        stage=DocumentVersion.Stage.INDEX,
    )
    sections_add(version, sections)
    return version


def sections_add(version: DocumentVersion, sections: Sequence[str | dict[str, Any]]) -> None:
    Section.objects.bulk_create(
        Section(
            workspace=version.workspace,
            version=version,
            ordinal=ordinal,
            **(given if isinstance(given, dict) else {"text": given}),
        )
        for ordinal, given in enumerate(sections)
    )


def index(version: DocumentVersion) -> DocumentVersion:
    """Index to the end, slice by slice."""
    while document_index_step(version_id=version.pk):
        pass
    version.refresh_from_db()
    return version


def indexed(owner: User | None, *sections: str | dict[str, Any], **fields: Any) -> DocumentVersion:
    return index(parsed_version(owner, *sections, **fields))


def sentences(count: int, topic: str = "turbine") -> str:
    """Prose of `count` sentences, about 14 tokens each."""
    return " ".join(
        f"Sentence number {number} tells something about the {topic} and its many parts." for number in range(count)
    )


def at_once(*works: Callable[[], object]) -> None:
    """Run all in threads with connections of their own and raise the first error."""

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result()
