"""Drawing a page of a PDF as a picture, in the ingest worker."""

import io
from pathlib import Path
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.documents import page_images
from apps.documents.exceptions import UnreadableFileError
from apps.documents.models import DocumentVersion
from apps.documents.reading import local_file
from apps.documents.types import PageRequest

# A page far longer than wide would become a picture of any size.
_PIXELS = 8_000_000


def page_draw(*, version_id: UUID, page: int) -> bool:
    """Draw the page and keep the picture. False if there is no such page or it cannot be drawn. Twice is harmless."""
    request = PageRequest(version_id=version_id, page=page)
    key = page_images.storage_key(request)
    if default_storage.exists(key):
        return True
    version = DocumentVersion.objects.filter(pk=version_id).first()
    if version is None:
        return False
    try:
        with local_file(version) as path:
            image = _drawn(path, page)
    except UnreadableFileError:
        return False
    if image is None:
        return False
    stored = default_storage.save(key, ContentFile(image))
    # Two workers may draw the same page, and the version may have been deleted meanwhile: nothing is left behind.
    if stored != key or not DocumentVersion.objects.filter(pk=version_id).exists():
        default_storage.delete(stored)
    return True


def _drawn(path: Path, number: int) -> bytes | None:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return None
    try:
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(page_images.WIDTH_PIXELS / max(width, 1), (_PIXELS / max(width * height, 1)) ** 0.5)
        picture = page.render(scale=scale).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, IndexError):
        return None
    finally:
        document.close()
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()
