"""What a file is, by its content. The name only decides between plain text and Markdown."""

import re
import unicodedata
import zipfile
from pathlib import Path, PurePath

from apps.documents.exceptions import (
    BrokenFileError,
    EmptyFileError,
    EncryptedFileError,
    TooComplexError,
    UnsupportedTypeError,
)
from apps.documents.types import FileKind

# How far into a file readers of PDF look for its mark.
_PDF_MARK_WITHIN = 1024
_SAMPLE_BYTES = 64 * 1024
_WORD_PART = "word/document.xml"
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# Bounds of what an archive may unpack to: real Word files stay far below, a bomb does not.
_ARCHIVE_ENTRIES = 10_000
_ARCHIVE_BYTES = 300 * 1024 * 1024
_ENTRY_BYTES = 64 * 1024 * 1024
_RATIO = 200
_RATIO_FROM_BYTES = 8 * 1024 * 1024

_BINARY_TYPES: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"{\\rtf", "an RTF file"),
    (b"%!PS", "a PostScript file"),
    (b"SQLite format 3", "a database"),
)
_ZIP_TYPES: tuple[tuple[str, str], ...] = (
    ("xl/", "an Excel workbook"),
    ("ppt/", "a PowerPoint presentation"),
    ("content.xml", "an OpenDocument file"),
    ("META-INF/container.xml", "an EPUB book"),
)
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_MARKDOWN_SUFFIXES = {".md", ".markdown", ".mdown", ".mkd"}
_TEXT_SUFFIXES = {".txt", ".text", ".log", ".csv", ".tsv", ".py", ".json", ".xml", ".yaml", ".yml", ".toml", ".ini"}
_MARKDOWN_SIGNS = re.compile(r"^(?:#{1,6} \S|```|\|.+\||\s*[-*] \[[ x]\] )", re.MULTILINE)
_BYTE_ORDER_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_FILENAME_LENGTH = 255
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def filename_clean(name: str) -> str:
    """The person's file name as a label: no folders, no control or direction characters, at most 255 characters."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(" " if character.isspace() else character for character in last)
    visible = "".join(character for character in visible if unicodedata.category(character) not in _INVISIBLE)
    label = " ".join(visible.split())
    if not label.strip("."):
        return "document"
    if len(label) > _FILENAME_LENGTH:
        suffix = PurePath(label).suffix[:20]
        label = label[: _FILENAME_LENGTH - len(suffix)] + suffix
    return label


def kind_of(path: Path, *, filename: str) -> FileKind:
    """What the file is. Raises UnreadableFileError with a sentence for what cannot be read."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
    if not head.strip(b"\x00\t\n\r\f\v "):
        raise EmptyFileError
    if b"%PDF-" in head[:_PDF_MARK_WITHIN] and not head.startswith(b"MZ"):
        return FileKind.PDF
    if head.startswith(b"PK"):
        return _kind_of_archive(path)
    if head.startswith(_OLE_MARK):
        raise _ole_error(path)
    for mark, name in _BINARY_TYPES:
        if head.startswith(mark):
            raise _unsupported(name)
    if _HTML.match(head):
        raise _unsupported("a web page")
    return _kind_of_text(head, PurePath(filename).suffix.lower())


def _unsupported(name: str) -> UnsupportedTypeError:
    return UnsupportedTypeError(
        f"The content of this file is {name}, which cannot be read. Upload a PDF, Word (.docx), text or Markdown file."
    )


def _kind_of_archive(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BrokenFileError from error
    names = {entry.filename for entry in entries[:_ARCHIVE_ENTRIES]}
    if _WORD_PART not in names:
        kind = next((kind for mark, kind in _ZIP_TYPES if any(name.startswith(mark) for name in names)), "an archive")
        raise _unsupported(kind)
    archive_check(entries)
    return FileKind.DOCX


def archive_check(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse what unpacks to far more than it weighs. zipfile never reads more of an entry than the size told here.

    Raises TooComplexError or, for an entry with a password, EncryptedFileError.
    """
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    if (
        len(entries) > _ARCHIVE_ENTRIES
        or total > _ARCHIVE_BYTES
        or any(entry.file_size > _ENTRY_BYTES for entry in entries if entry.filename.endswith((".xml", ".rels")))
        or (total > _RATIO_FROM_BYTES and total / packed > _RATIO)
    ):
        raise TooComplexError
    if any(entry.flag_bits & 1 for entry in entries):
        raise EncryptedFileError


def _ole_error(path: Path) -> Exception:
    mark = "EncryptedPackage".encode("utf-16-le")
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(1024 * 1024):
            if mark in tail + piece:
                return EncryptedFileError()
            tail = piece[-len(mark) :]
    return UnsupportedTypeError(
        "This is a file of an old Office version. Open it in Word, save it as .docx or PDF, and upload that."
    )


def _kind_of_text(head: bytes, suffix: str) -> FileKind:
    text = text_decode(head, is_part=True)
    if suffix in _MARKDOWN_SUFFIXES:
        return FileKind.MARKDOWN
    if suffix not in _TEXT_SUFFIXES and len(_MARKDOWN_SIGNS.findall(text)) > 1:
        return FileKind.MARKDOWN
    return FileKind.TEXT


def text_decode(content: bytes, *, is_part: bool = False) -> str:
    """Text from UTF-8, UTF-16 or UTF-32 with a byte order mark, else Windows-1252.

    `is_part`: the content may end inside a character. Raises UnsupportedTypeError for what is not text.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = _decode(content, encoding, is_part)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        if text.count("\ufffd") > len(text) // 200:
            raise UnsupportedTypeError from None
    # Neither occurs in writing; a few stray ones in a long file are forgiven.
    odd = sum(1 for character in text if character < " " and character not in "\t\n\r\f\v\x1b")
    if odd > max(2, len(text) // 1000):
        raise UnsupportedTypeError
    return text


def _decode(content: bytes, encoding: str, is_part: bool) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if is_part and error.start >= len(content) - 4:
            return content[: error.start].decode(encoding)
        raise
