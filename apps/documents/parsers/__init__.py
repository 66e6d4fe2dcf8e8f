"""From a file's kind to the parser that reads it. Parser libraries are loaded on first use, in the ingest worker."""

from importlib import import_module
from typing import cast

from apps.documents.types import FileKind, Parser

_MODULES = {
    FileKind.PDF: "pdf",
    FileKind.DOCX: "docx",
    FileKind.TEXT: "text",
    FileKind.MARKDOWN: "markdown",
}


def parser_for(kind: FileKind) -> Parser:
    return cast("Parser", import_module(f"apps.documents.parsers.{_MODULES[kind]}").parse)
