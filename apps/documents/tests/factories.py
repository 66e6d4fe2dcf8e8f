"""Files and documents for tests."""

import io
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.documents.jobs import version_lease_take
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.reading import version_parse_step
from apps.documents.services import document_upload


def pdf_bytes(*pages: str, title_size: int = 20, encrypt: Any = None) -> bytes:
    """A PDF with one page per text. A line that begins with `# ` is a title; `a | b` is a table's row."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), encrypt=encrypt, invariant=1)
    for text in pages:
        height = 780
        for line in text.split("\n"):
            is_title = line.startswith("# ")
            canvas.setFont("Helvetica-Bold" if is_title else "Helvetica", title_size if is_title else 11)
            for column, cell in enumerate(line.removeprefix("# ").split(" | ")):
                canvas.drawString(72 + column * 150, height, cell)
            height -= 40 if is_title or not line else 14
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def docx_bytes(build: Any) -> bytes:
    """A Word file; `build` gets the empty python-docx document."""
    from docx import Document as WordDocument

    document = WordDocument()
    build(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def upload(actor: Any, content: bytes, filename: str = "notes.txt", collection: Collection | None = None) -> Document:
    return document_upload(
        actor=actor,
        file=ContentFile(content),
        filename=filename,
        collection_id=collection.pk if collection else None,
    )


def version_of(document: Document) -> DocumentVersion:
    return document.versions.get(is_current=True)


def parsed(document: Document) -> DocumentVersion:
    """The version after every slice has been read."""
    while version_parse_step(version_id=version_of(document).pk):
        pass
    return version_of(document)


def read(actor: Any, content: bytes, filename: str = "notes.txt") -> DocumentVersion:
    return parsed(upload(actor, content, filename))


def lease(version: DocumentVersion, stage: str = "parse") -> UUID:
    """A lease that must be there to take."""
    token = version_lease_take(version_id=version.pk, stage=stage)
    assert token is not None
    return token


def file_key(version: DocumentVersion) -> str:
    return str(version.file.name)


def file_lose(version: DocumentVersion) -> None:
    default_storage.delete(file_key(version))
