"""BEIR-form data sets, and a workspace that holds one for the length of a `with` block.

Nothing of Django is imported before `database()` has set the environment.
"""

import contextlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatbot.dev.layout import ROOT

if TYPE_CHECKING:
    from apps.accounts.models import User, Workspace

DATA_DEFAULT = ROOT.parent / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """`corpus`: document id → title and text. `qrels`: query id → document id → relevance above 0."""

    name: str
    corpus: dict[str, tuple[str, str]]
    queries: dict[str, str]
    qrels: dict[str, dict[str, float]]

    @property
    def is_single(self) -> bool:
        """Whether each question has one right document: then it either is among the first or is not."""
        return all(len(relevant) == 1 for relevant in self.qrels.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An indexed corpus. `documents`: our document id → the corpus' own."""

    user: "User"
    documents: dict[UUID, str]
    chunk_count: int
    seconds: float


def data_dir() -> Path:
    return Path(os.environ.get("CHATBOT_BENCH_DATA", DATA_DEFAULT))


def datasets_available() -> list[str]:
    return sorted(path.parent.name for path in data_dir().glob("*/corpus.jsonl"))


def dataset_folder(name: str) -> Path:
    """A folder, or a name under the data folder."""
    return Path(name) if Path(name).is_dir() else data_dir() / name


def dataset_read(name: str) -> Dataset:
    """Judgements: qrels/test.tsv, else the first there is, else the one document that each question names as `doc`."""
    folder = dataset_folder(name)
    if not (folder / "corpus.jsonl").is_file():
        raise SystemExit(f"{folder} is no BEIR-form folder: it has no corpus.jsonl.")
    judged = sorted((folder / "qrels").glob("*.tsv"), key=lambda path: (path.stem != "test", path.stem))
    named = folder / f"queries_{judged[0].stem}.jsonl" if judged else folder / "queries.jsonl"
    queries = _lines(named if named.is_file() else sorted(folder.glob("queries*.jsonl"))[0])
    qrels = _judgements(judged[0]) if judged else {row["_id"]: {row["doc"]: 1.0} for row in queries if row.get("doc")}
    return Dataset(
        name=folder.name,
        corpus={row["_id"]: (row.get("title") or "", row["text"]) for row in _lines(folder / "corpus.jsonl")},
        queries={row["_id"]: row["text"] for row in queries if row["_id"] in qrels},
        qrels=qrels,
    )


def _judgements(path: Path) -> dict[str, dict[str, float]]:
    qrels: dict[str, dict[str, float]] = {}
    for line in path.read_text().splitlines():
        query_id, document_id, relevance = line.split("\t")[:3]
        if query_id != "query-id" and float(relevance) > 0:
            qrels.setdefault(query_id, {})[document_id] = float(relevance)
    return qrels


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


@contextlib.contextmanager
def database(*, fsync: bool = False) -> Iterator[None]:
    """Django on the configured servers, or on some of its own that end with the block; with `fsync` these wait for
    the disk."""
    with contextlib.ExitStack() as stack:
        is_own = not {"CHATBOT_DATABASE_URL", "CHATBOT_VALKEY_URL"} <= os.environ.keys()
        if is_own:
            from chatbot.dev.embedded import servers

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chatbot-bench-"))
            os.environ.update(stack.enter_context(servers(Path(folder), fsync=fsync)))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        stack.callback(connections.close_all)
        if is_own:
            # The servers' addresses are gone afterwards; another bench of this process starts its own.
            stack.callback(lambda: [os.environ.pop(f"CHATBOT_{name}_URL") for name in ("DATABASE", "VALKEY")])
            call_command("migrate", verbosity=0)
        yield


@contextlib.contextmanager
def indexed(corpus: dict[str, tuple[str, str]]) -> Iterator[Loaded]:
    """The corpus in a workspace of its own, indexed by the product's services; deleted at the end."""
    from apps.accounts.models import Membership, User, Workspace

    label = f"bench-{secrets.token_hex(6)}"
    workspace = Workspace.objects.create(name=label, slug=label)
    user = User.objects.create_user(f"{label}@example.org")
    Membership.objects.create(user=user, workspace=workspace)
    try:
        yield _load(workspace, user, corpus)
    finally:
        workspace.delete()
        user.delete()


def _load(workspace: "Workspace", user: "User", corpus: dict[str, tuple[str, str]]) -> Loaded:
    from django.db import connection

    from apps.documents.models import DocumentVersion
    from apps.rag.models import Chunk
    from apps.rag.services import document_index_step

    documents = {}
    versions = []
    for corpus_id, (title, text) in corpus.items():
        version = _version_create(workspace, user, title or f"document {corpus_id}", text)
        documents[version.document_id] = corpus_id
        versions.append(version)
    started = time.monotonic()
    for version in versions:
        while document_index_step(version_id=version.pk):
            pass
    seconds = time.monotonic() - started
    waiting = DocumentVersion.objects.filter(workspace=workspace).exclude(state=DocumentVersion.State.INDEXED).count()
    if waiting:
        raise SystemExit(f"{waiting} documents were not indexed. Is the embedding model in CHATBOT_MODEL_DIR?")
    with connection.cursor() as cursor:
        # As autovacuum does within a minute or so; until then the planner guesses.
        cursor.execute("ANALYZE")
    chunk_count = Chunk.objects.filter(workspace=workspace).count()
    return Loaded(user=user, documents=documents, chunk_count=chunk_count, seconds=seconds)


def _version_create(workspace: "Workspace", user: "User", title: str, text: str) -> Any:
    from apps.documents.models import Document, DocumentVersion, Section

    document = Document.objects.create(workspace=workspace, owner=user, filename=title[:255])
    version = DocumentVersion.objects.create(
        workspace=workspace,
        document=document,
        sha256="",
        size_bytes=len(text),
        mime="text/plain",
        state=DocumentVersion.State.PROCESSING,
        stage=DocumentVersion.Stage.INDEX,
    )
    Section.objects.create(workspace=workspace, version=version, ordinal=0, text=text)
    return version
