"""Values of documents: what a file is, what parsers give, how far a version has come."""

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple, Protocol
from uuid import UUID


class FileKind(StrEnum):
    """What can be read; the value is the mime type."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    TEXT = "text/plain"
    MARKDOWN = "text/markdown"


class LineBox(NamedTuple):
    """Characters [start, end) of a section's text and their place as shares (0..1) of the page, from the top left."""

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float


Box = tuple[float, float, float, float]
HeadingPath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSection:
    """Text under one heading on one page, as models.Section holds it."""

    text: str
    heading_path: HeadingPath = ()
    kind: Literal["text", "table"] = "text"
    page: int | None = None
    boxes: tuple[LineBox, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedUnit:
    """The smallest piece of reading that is never done in part: a page, or a run of text where there are no pages.

    `number` counts from 1 to `total`; numbers follow without a gap. Without pages, a unit is exactly one section.
    """

    number: int
    total: int
    sections: tuple[ParsedSection, ...]
    is_page: bool = False


class Parser(Protocol):
    def __call__(self, path: Path, *, first: int = 1) -> Generator[ParsedUnit, None, None]:
        """Yield the units from number `first` on. The same file always gives the same units, wherever reading begins.

        Closing the iterator frees the file. Raises UnreadableFileError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """How far reading has come. `progress` goes from 0 to 1; `pages` is None where a document has none."""

    status: str
    progress: float
    pages_done: int
    pages: int | None
    chunk_count: int
    error_code: str = ""
    error_detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A page of a version whose picture the person may see."""

    version_id: UUID
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAmounts:
    """Documents and bytes that one person and that a whole workspace keep."""

    documents_user: int
    documents_workspace: int
    bytes_user: int
    bytes_workspace: int
