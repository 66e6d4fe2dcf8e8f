"""Markdown: sections by heading, the text as written, tables apart."""

from collections.abc import Generator, Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

from apps.documents.parsers.headings import HeadingStack
from apps.documents.parsers.text import text_read, texts_cut, units_of
from apps.documents.types import HeadingPath, ParsedSection, ParsedUnit

# The tokens of a longer text would weigh many times as much; it is read as plain text.
MARKDOWN_CHARACTERS = 4_000_000


def parse(path: Path, *, first: int = 1) -> Generator[ParsedUnit, None, None]:
    """One section a unit. Raises UnreadableFileError."""
    yield from units_of(list(sections_of(text_read(path))), first=first)


def sections_of(text: str) -> Iterator[ParsedSection]:
    """The sections in order. A heading's own line begins its section, without the marks."""
    if len(text) > MARKDOWN_CHARACTERS:
        yield from (ParsedSection(text=piece) for piece in texts_cut(text))
        return
    lines = text.split("\n")
    headings = HeadingStack()
    pending = ""
    start = 0
    for kind, begin, end, level, title in _marks(text):
        yield from _texts(pending, lines[start:begin], headings.path, is_last=kind == "table")
        pending = "" if kind == "table" or "".join(lines[start:begin]).strip() else pending
        if kind == "table":
            yield ParsedSection(text="\n".join(lines[begin:end]).strip(), heading_path=headings.path, kind="table")
        else:
            headings.enter(level, title)
            pending = f"{pending}\n\n{title}".strip()
        start = end
    yield from _texts(pending, lines[start:], headings.path, is_last=True)


def _marks(text: str) -> Iterator[tuple[str, int, int, int, str]]:
    """Headings and tables at the top level: kind, first line, line after the last, level, title."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for token, following in pairwise(tokens):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open":
            yield "heading", token.map[0], token.map[1], int(token.tag[1:]), _plain(following.children or [])
        elif token.type == "table_open":
            yield "table", token.map[0], token.map[1], 0, ""


def _plain(children: list) -> str:  # type: ignore[type-arg]
    return "".join(child.content if child.content else " " * (child.type == "softbreak") for child in children)


def _texts(pending: str, lines: list[str], path: HeadingPath, *, is_last: bool) -> Iterator[ParsedSection]:
    """The text under a heading. A heading with nothing under it waits for what follows, unless nothing may."""
    body = "\n".join(lines).strip("\n")
    if not body.strip():
        body = ""
    if body or (is_last and pending):
        for piece in texts_cut(f"{pending}\n\n{body}" if pending else body):
            yield ParsedSection(text=piece, heading_path=path)
