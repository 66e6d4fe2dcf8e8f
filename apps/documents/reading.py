"""Reading a version, a slice of time at a run, so that a long document does not keep others waiting."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import UUID

from billiard.exceptions import SoftTimeLimitExceeded
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Length

from apps.documents.exceptions import EmptyFileError, FileLostError, NoTextError, TooComplexError, UnreadableFileError
from apps.documents.jobs import (
    PARSE_SHARE,
    held_version,
    lease_end,
    version_failed_by,
    version_lease_take,
    version_parsed,
    version_slice_end,
)
from apps.documents.models import DocumentVersion, Section
from apps.documents.page_images import page_is_wanted
from apps.documents.parsers import parser_for
from apps.documents.sniffing import kind_of
from apps.documents.types import FileKind, ParsedUnit

SLICE_SECONDS = 8.0
SLICE_UNITS = 200
# Written to the database together; what a killed process loses is at most this.
BATCH_UNITS = 20
# About ten thousand printed pages.
TEXT_CHARACTERS = 30_000_000


def version_parse_step(*, version_id: UUID) -> bool:
    """Read the next slice of the version. True if more is left to read: enqueue again.

    Runs twice without harm. A file that cannot be read ends the version as failed with a sentence for people.
    """
    token = version_lease_take(version_id=version_id, stage=DocumentVersion.Stage.PARSE)
    if token is None:
        return False
    try:
        return _slice(version_id, token)
    except UnreadableFileError as error:
        version_failed_by(version_id=version_id, error=error, token=token)
    except (MemoryError, RecursionError, SoftTimeLimitExceeded):
        version_failed_by(version_id=version_id, error=TooComplexError(), token=token)
    return False


def _slice(version_id: UUID, token: UUID) -> bool:
    version = DocumentVersion.objects.select_related("document").filter(pk=version_id).first()
    if version is None:
        return False
    with local_file(version) as path:
        kind = FileKind(version.mime) if version.mime else kind_of(path, filename=version.document.filename)
        is_finished = _units_store(version, token, kind, path)
    if is_finished is None:
        return False
    if not is_finished:
        return version_slice_end(version_id=version_id, token=token)
    if not version.sections.exists():
        raise NoTextError if kind == FileKind.PDF else EmptyFileError
    version_parsed(version_id=version_id, token=token)
    return False


def _units_store(version: DocumentVersion, token: UUID, kind: FileKind, path: Path) -> bool | None:
    """Read and write until the slice's time is up. True: to the end; None: the lease is lost."""
    deadline = time.monotonic() + SLICE_SECONDS
    written = version.sections.aggregate(last=Max("ordinal"), characters=Sum(Length("text")))
    ordinal = 0 if written["last"] is None else written["last"] + 1
    budget = TEXT_CHARACTERS - (written["characters"] or 0)
    done = version.pages_done if version.pages else ordinal
    units = parser_for(kind)(path, first=done + 1)
    with closing(units):
        for batch, is_last in _batches(units, deadline):
            budget -= sum(len(section.text) for unit in batch for section in unit.sections)
            if budget < 0:
                raise TooComplexError
            if not _batch_write(version.pk, token, kind, batch, ordinal):
                return None
            ordinal += sum(len(unit.sections) for unit in batch)
            if batch[-1].number == batch[-1].total:
                return True
            if is_last:
                return False
    return True


def _batches(units: Iterator[ParsedUnit], deadline: float) -> Iterator[tuple[list[ParsedUnit], bool]]:
    """Units in batches, each with whether the slice ends with it."""
    batch: list[ParsedUnit] = []
    for count, unit in enumerate(units, 1):
        batch.append(unit)
        is_last = time.monotonic() >= deadline or count >= SLICE_UNITS
        if is_last or len(batch) >= BATCH_UNITS or unit.number == unit.total:
            yield batch, is_last or page_is_wanted()
            batch = []


@transaction.atomic
def _batch_write(version_id: UUID, token: UUID, kind: FileKind, batch: list[ParsedUnit], ordinal: int) -> bool:
    """Sections, count of pages and progress stand together or not at all. False if the lease is lost."""
    version = held_version(version_id=version_id, token=token)
    if version is None:
        return False
    sections = [section for unit in batch for section in unit.sections]
    Section.objects.bulk_create(
        Section(
            workspace_id=version.workspace_id,
            version=version,
            ordinal=number,
            kind=section.kind,
            page=section.page,
            heading_path=list(section.heading_path),
            text=section.text,
            boxes=[list(box) for box in section.boxes],
        )
        for number, section in enumerate(sections, ordinal)
    )
    last = batch[-1]
    DocumentVersion.objects.filter(pk=version_id).update(
        mime=kind.value,
        pages=last.total if last.is_page else None,
        pages_done=last.number if last.is_page else 0,
        progress=PARSE_SHARE * last.number / last.total,
        attempts=0,
        lease_expires_at=lease_end(),
    )
    return True


@contextmanager
def local_file(version: DocumentVersion) -> Iterator[Path]:
    """The version's file as a path on this machine, copied there if its storage is elsewhere. Raises FileLostError."""
    path = _path_here(version)
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="chatbot-") as copy:
        try:
            with version.file.open("rb") as source:
                shutil.copyfileobj(source, copy)
        except FileNotFoundError as error:
            raise FileLostError from error
        copy.flush()
        yield Path(copy.name)


def _path_here(version: DocumentVersion) -> Path | None:
    with suppress(NotImplementedError):
        path = Path(default_storage.path(str(version.file.name)))
        return path if path.is_file() else None
    return None
