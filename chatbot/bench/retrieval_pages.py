"""Quality of the real search over PDFs with judged pages: upload, parser, chunker, index and search() of the product.

A data set folder holds PDFs anywhere below it and questions.jsonl: `id`, `question`, `doc` (a file's name), and the
pages that answer, counted from 1, as `pages1` or as `evidence` with `doc` and `page1`. With `evidence` every question
searches the whole store, with `pages1` only its document. Questions without judged pages are left out.
"""

import argparse
import contextlib
import json
import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatbot.bench.report import Row, folder, percentile

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.rag.types import Passage

# Passages asked for; their pages are more than the twenty that are judged.
DEPTH = 60
HIT_DEPTHS = (1, 5, 10, 20)
DOCUMENT_DEPTH = 10

# A document's name without extension and a page, counted from 1.
Page = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuestion:
    """`document`: None where the whole store is searched."""

    id: str
    text: str
    document: str | None
    pages: frozenset[Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Indexed PDFs. `names`: our document id → name without extension."""

    user: "User"
    names: dict[UUID, str]
    page_count: int
    chunk_count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The pages found, best first, each once, and milliseconds."""

    pages: list[Page]
    took_ms: float


def pages_measure(data: Path, args: argparse.Namespace) -> Mapping[str, list[Row]]:
    """One row per way to search. Writes the pages found beside the other figures, for other scorers to check."""
    questions = list(islice(questions_read(data), args.limit or None))
    rows = []
    with _indexed(sorted(data.rglob("*.pdf"))) as store:
        for way, rerank in (("hybrid", False), ("hybrid, reranked", True)):
            if rerank and not args.rerank:
                continue
            answers = {question.id: _answer(store, question, rerank=rerank) for question in questions}
            _run_save(data.name, way, answers)
            took = [answer.took_ms for answer in answers.values()]
            rows.append(
                {
                    "dataset": data.name,
                    "search": way,
                    **page_metrics(questions, {key: answer.pages for key, answer in answers.items()}),
                    "p50_ms": round(statistics.median(took), 1),
                    "p95_ms": round(percentile(took, 0.95), 1),
                    "questions": len(questions),
                    "pages": store.page_count,
                    "passages": store.chunk_count,
                    "indexed_s": round(store.seconds, 1),
                }
            )
    return {"pages": rows}


def questions_read(data: Path) -> Iterator[PageQuestion]:
    for line in (data / "questions.jsonl").read_text().splitlines():
        row = json.loads(line)
        document = _name(row["doc"])
        if "evidence" in row:
            pages = {(_name(given["doc"]), given["page1"]) for given in row["evidence"] if given.get("page1")}
        else:
            pages = {(document, page) for page in row["pages1"]}
        if pages:
            scope = None if "evidence" in row else document
            yield PageQuestion(id=row["id"], text=row["question"], document=scope, pages=frozenset(pages))


def page_metrics(questions: Sequence[PageQuestion], found: Mapping[str, Sequence[Page]]) -> dict[str, float]:
    """Shares of the questions with a judged page among the first k, and the mean share of their pages found there."""
    sums: defaultdict[str, float] = defaultdict(float)
    for question in questions:
        pages = found.get(question.id, ())
        for depth in HIT_DEPTHS:
            hits = len(question.pages & set(pages[:depth]))
            sums[f"page_hit@{depth}"] += hits > 0
            sums[f"page_recall@{depth}"] += hits / len(question.pages)
        documents = {document for document, _ in question.pages}
        sums[f"document_hit@{DOCUMENT_DEPTH}"] += any(document in documents for document, _ in pages[:DOCUMENT_DEPTH])
    names = [f"page_hit@{depth}" for depth in HIT_DEPTHS] + [f"page_recall@{depth}" for depth in (5, 20)]
    return {name: round(sums[name] / max(len(questions), 1), 4) for name in (*names, f"document_hit@{DOCUMENT_DEPTH}")}


def pages_of(passages: "Sequence[Passage]", names: Mapping[UUID, str]) -> list[Page]:
    """The passages' pages in their order, each once; of a passage over several pages the first comes first."""
    pages = (
        (names[passage.document_id], page)
        for passage in passages
        if passage.page is not None
        for page in range(passage.page, (passage.page_last or passage.page) + 1)
    )
    return list(dict.fromkeys(pages))


def _name(filename: str) -> str:
    return filename.removesuffix(".pdf")


def _answer(store: Store, question: PageQuestion, *, rerank: bool) -> Answer:
    from apps.rag.search import search
    from apps.rag.types import SearchQuery

    ids = [key for key, name in store.names.items() if name == question.document]
    started = time.perf_counter()
    result = search(
        user=store.user,
        query=SearchQuery(text=question.text, limit=DEPTH, rerank=rerank, document_ids=ids),
    )
    took_ms = (time.perf_counter() - started) * 1000
    return Answer(pages=pages_of(result.passages, store.names), took_ms=took_ms)


@contextlib.contextmanager
def _indexed(paths: Sequence[Path]) -> Iterator[Store]:
    """The files in a workspace of their own, read and indexed by the product; deleted at the end."""
    from apps.accounts.models import Membership, User, Workspace
    from apps.documents.services import document_delete

    label = f"bench-{secrets.token_hex(6)}"
    workspace = Workspace.objects.create(name=label, slug=label)
    user = User.objects.create_user(f"{label}@example.org")
    Membership.objects.create(user=user, workspace=workspace)
    names: dict[UUID, str] = {}
    try:
        yield _load(user, workspace.pk, paths, names)
    finally:
        for document_id in names:
            document_delete(actor=user, document_id=document_id)
        workspace.delete()
        user.delete()


def _load(user: "User", workspace_id: UUID, paths: Sequence[Path], names: dict[UUID, str]) -> Store:
    """Upload and index; `names` is filled as the documents come. What has no text cannot be found and is said."""
    from django.core.files import File
    from django.db import connection

    from apps.documents.models import DocumentVersion
    from apps.documents.reading import version_parse_step
    from apps.documents.services import document_upload
    from apps.rag.models import Chunk
    from apps.rag.services import document_index_step

    started = time.monotonic()
    for path in paths:
        with path.open("rb") as stream:
            document = document_upload(actor=user, file=File(stream), filename=path.name, workspace_id=workspace_id)
        names[document.pk] = path.stem
    versions = DocumentVersion.objects.filter(document__in=names)
    for version in versions:
        while version_parse_step(version_id=version.pk):
            pass
        while document_index_step(version_id=version.pk):
            pass
    seconds = time.monotonic() - started
    for version in versions.exclude(state=DocumentVersion.State.INDEXED):
        print(f"{names[version.document_id]}: {version.state} {version.error_code}")
    with connection.cursor() as cursor:
        # As autovacuum does within a minute or so; until then the planner guesses.
        cursor.execute("ANALYZE")
    return Store(
        user=user,
        names=names,
        page_count=sum(version.pages or 0 for version in versions.all()),
        chunk_count=Chunk.objects.filter(workspace_id=workspace_id).count(),
        seconds=seconds,
    )


def _run_save(dataset: str, way: str, answers: Mapping[str, Answer]) -> None:
    """As lines of {"id", "retrieved": [[document, page], …]}."""
    name = f"retrieval-{dataset}-{way.replace(', ', '-')}-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
    lines: list[dict[str, Any]] = [{"id": key, "retrieved": answer.pages} for key, answer in answers.items()]
    (folder() / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
