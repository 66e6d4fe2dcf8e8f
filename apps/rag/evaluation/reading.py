"""Files of golden questions: CSV, JSON Lines, and the queries and judgements of a BEIR set.

CSV has a header with `question` and any of `documents`, `pages`, `answer`, `unanswerable`, `id`. Several documents are
separated by semicolons, and their pages in the same order: `a.pdf; b.pdf` and `3, 5-7; 12`.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeAlias

from apps.rag.evaluation.expectations import pages_read
from apps.rag.evaluation.types import Expected, GoldenFields, LineError
from chatbot.lib.errors import ValidationFailedError

BYTES_MAXIMUM = 10 * 1024 * 1024
# Characters of one line; longer ones are no questions.
LINE_MAXIMUM = 100_000
LINES_MAXIMUM = 200_000
DOCUMENTS_MAXIMUM = 1000
RELEVANCE_MAXIMUM = 100.0

# With its line's number where it can be read at all.
Line: TypeAlias = tuple[int, GoldenFields] | LineError

_COLUMNS = {
    "question": "question",
    "query": "question",
    "text": "question",
    "documents": "documents",
    "document": "documents",
    "filename": "documents",
    "pages": "pages",
    "page": "pages",
    "answer": "answer",
    "unanswerable": "unanswerable",
    "is_unanswerable": "unanswerable",
    "id": "id",
    "_id": "id",
}
_YES = frozenset({"1", "yes", "y", "true", "x"})
_NO = frozenset({"", "0", "no", "n", "false"})


def golden_read(*, content: bytes, filename: str, qrels: bytes | None = None) -> list[Line]:
    """The lines of the file, in its order. Raises ValidationFailedError for what is no such file at all."""
    text = text_decode(content)
    if qrels is not None:
        return list(_beir_read(text, text_decode(qrels)))
    if PurePath(filename).suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        return list(_json_lines_read(text))
    return list(_csv_read(text))


def text_decode(content: bytes) -> str:
    """UTF-8 with or without mark, or UTF-16 with one, as spreadsheets write it."""
    if len(content) > BYTES_MAXIMUM:
        raise ValidationFailedError(f"The file is larger than {BYTES_MAXIMUM // 1024 // 1024} MB.")
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValidationFailedError("The file is not UTF-8 text. Save it as “CSV UTF-8” and try again.") from error
    if not text.strip():
        raise ValidationFailedError("The file is empty.")
    if text.count("\n") > LINES_MAXIMUM:
        raise ValidationFailedError(f"The file has more than {LINES_MAXIMUM} lines.")
    return text


def _csv_read(text: str) -> Iterator[Line]:
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            # Where a quotation mark is open nobody knows where the next line begins.
            yield LineError(line=line, detail=f"From here on this is no CSV: {error}.")
            return
        if row is None:
            break
        if not any(map(str.strip, row)):
            continue
        if columns is None:
            columns = _columns(row)
        elif len(row) > len(columns):
            yield LineError(line=line, detail=f"The line has {len(row)} columns, the header {len(columns)}.")
        elif sum(map(len, row)) > LINE_MAXIMUM:
            yield _too_long(line)
        else:
            yield _parsed(line, {name: cell for name, cell in zip(columns, row, strict=False) if name})


def _columns(row: Sequence[str]) -> list[str]:
    columns = [_COLUMNS.get(cell.strip().lower(), "") for cell in row]
    if "question" not in columns:
        raise ValidationFailedError(
            "The first line must name the columns, and one of them “question”. "
            "Others: documents, pages, answer, unanswerable, id."
        )
    return columns


def _json_lines_read(text: str) -> Iterator[Line]:
    for number, row in _json_rows(text):
        if isinstance(row, LineError):
            yield row
            continue
        yield _parsed(number, {_COLUMNS[name]: value for name, value in row.items() if name in _COLUMNS})


def _json_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | LineError]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(line) > LINE_MAXIMUM:
            yield number, _too_long(number)
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield number, LineError(line=number, detail="This is no JSON. Write one object on each line.")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            yield number, LineError(line=number, detail="This is JSON, but no object with a question.")


def _beir_read(queries: str, qrels: str) -> Iterator[Line]:
    """Questions that the judgements name; their documents are the corpus ids with a score above 0."""
    wanted: dict[str, list[Expected]] = defaultdict(list)
    for number, line in enumerate(qrels.splitlines(), start=1):
        cells = line.split("\t")
        if not line.strip() or (number == 1 and cells[-1].strip() == "score"):
            continue
        try:
            query, document, score = (cell.strip() for cell in cells)
            relevance = float(score)
        except ValueError:
            yield LineError(line=number, detail="A judgement is a line of query-id, corpus-id and score, tabs between.")
            continue
        if relevance > 0 and len(wanted[query]) < DOCUMENTS_MAXIMUM:
            wanted[query].append(Expected(filename=document, relevance=min(relevance, RELEVANCE_MAXIMUM)))
    for number, row in _json_rows(queries):
        if isinstance(row, LineError):
            yield row
        elif expected := wanted.get(str(row.get("_id", ""))):
            yield (
                number,
                GoldenFields(
                    question=str(row.get("text", "")), expected=tuple(expected), external_id=f"beir:{row['_id']}"
                ),
            )


def _parsed(line: int, row: Mapping[str, Any]) -> Line:
    try:
        return line, _fields(row)
    except (ValueError, TypeError, AttributeError) as error:
        detail = str(error) if type(error) is ValueError else "A value has the wrong form."
        return LineError(line=line, detail=detail)


def _fields(row: Mapping[str, Any]) -> GoldenFields:
    documents, pages = row.get("documents") or "", row.get("pages") or ""
    return GoldenFields(
        question=_text(row.get("question")),
        expected=tuple(_expected(documents, pages)),
        answer=_text(row.get("answer")),
        is_unanswerable=_truth(row.get("unanswerable")),
        external_id=_text(row.get("id")),
    )


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueError("A text was expected where a list or an object stands.")
    return "" if value is None else str(value)


def _truth(value: Any) -> bool:
    word = _text(value).strip().lower()
    if word not in _YES | _NO:
        raise ValueError("“unanswerable” is yes or no.")
    return word in _YES


def _expected(documents: Any, pages: Any) -> Iterator[Expected]:
    """Documents as `a.pdf; b.pdf`, as a list of names, or as a list of objects with pages of their own."""
    named = documents.split(";") if isinstance(documents, str) else documents
    if not isinstance(named, list) or len(named) > DOCUMENTS_MAXIMUM:
        raise ValueError("“documents” is a list of file names.")
    named = [each for each in named if not isinstance(each, str) or each.strip()]
    shares = _pages_for(pages, len(named))
    for each, own in zip(named, shares, strict=True):
        if isinstance(each, dict):
            yield Expected(
                filename=_text(each.get("filename") or each.get("document")).strip(),
                pages=_pages(each.get("pages", ())),
                relevance=_relevance(each.get("relevance", 1.0)),
            )
        else:
            yield Expected(filename=_text(each).strip(), pages=own)


def _relevance(value: Any) -> float:
    relevance = float(value)
    if not 0 < relevance <= RELEVANCE_MAXIMUM:
        raise ValueError("A relevance is a number above 0, at most 100.")
    return relevance


def _pages_for(pages: Any, count: int) -> list[tuple[int, ...]]:
    """The pages of each of `count` documents."""
    parts = pages.split(";") if isinstance(pages, str) else [pages]
    given = [_pages(part) for part in parts]
    if count == 0:
        if any(given):
            raise ValueError("Pages are named, but no document.")
        return []
    if len(given) > count:
        raise ValueError(f"There are pages for {len(given)} documents, but {count} are named.")
    return given + [()] * (count - len(given))


def _pages(value: Any) -> tuple[int, ...]:
    if isinstance(value, list | tuple):
        return pages_read(",".join(map(_text, value)))
    return pages_read(_text(value))


def _too_long(line: int) -> LineError:
    return LineError(line=line, detail=f"The line is longer than {LINE_MAXIMUM} characters.")
