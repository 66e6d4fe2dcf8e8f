"""A large index in minutes: rows go in by COPY in binary form, indexes and counts come afterwards."""

import contextlib
import random
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy

from chatbot.bench.scale_text import PIECES_OF_A_CHUNK, Lexemes, MadeChunk, Places, Source, Words

if TYPE_CHECKING:
    from apps.accounts.models import Workspace
    from apps.documents.models import Document, DocumentVersion
    from apps.rag.models import IndexProfile

DOCUMENTS = 20_000
COLLECTIONS = 100
# Of these the asker sees: five collections of 200 documents each.
VISIBLE_COLLECTIONS = 5
BUILD_MEMORY = "3GB"
# Of a file name.
TITLE_WORDS = 3

_COLUMNS = (
    "id, workspace_id, profile_id, document_id, version_id, ordinal, text, heading_path, spans, language, likeness,"
    " flags, created_at, length, terms, bm25, embedding"
)
_EMPTY_ARRAY = struct.pack(">iiI", 0, 0, 1043)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def load(source: Source, *, rows: int) -> dict[str, float]:
    """Fill an empty database: people, documents, `rows` chunks, their counts and indexes. Gives seconds by step.

    The database's user must be a super user.
    """
    from django.db import connection, transaction

    timings: dict[str, float] = {}
    with _timed(timings, "documents"), transaction.atomic():
        profile, workspace, versions = _library(rows)
    with connection.cursor() as cursor:
        # The role of the application may not do this. Triggers and foreign keys rest; the counts are written below.
        cursor.execute("SELECT quote_ident(current_setting('role'))")
        [role] = cursor.fetchone()
        cursor.execute("SET ROLE NONE; SET session_replication_role = replica")
        cursor.execute(f"SET maintenance_work_mem = '{BUILD_MEMORY}'; SET max_parallel_maintenance_workers = 1")
        indexes = _indexes_drop(cursor)
        with _timed(timings, "rows"):
            total = _rows_copy(cursor, source, versions, profile, rows)
            _counts_write(cursor, workspace, profile, source.lexemes, rows, total)
        for name, definition in indexes.items():
            with _timed(timings, name):
                cursor.execute(definition)
        with _timed(timings, "vacuum, analyze"):
            cursor.execute("VACUUM ANALYZE")
        cursor.execute(f"SET session_replication_role = origin; SET ROLE {role}")
    return timings


def _library(rows: int) -> "tuple[IndexProfile, Workspace, list[DocumentVersion]]":
    """The asker reads their own collection, one open to all, and three by grants: two to them, one to their group."""
    from apps.accounts.models import Group, Membership, User, Workspace
    from apps.accounts.permissions import grant_add
    from apps.documents.models import Collection, Document, DocumentVersion
    from apps.rag.services import index_profile_ensure

    workspace = Workspace.objects.create(name="Scale", slug="scale")
    asker, owner = (User.objects.create_user(f"{name}@example.org") for name in ("asker", "owner"))
    for person in (asker, owner):
        Membership.objects.create(user=person, workspace=workspace)
    group = Group.objects.create(name="readers", workspace=workspace, title="Readers")
    group.user_set.add(asker)
    collections = [
        Collection.objects.create(workspace=workspace, owner=owner, name=f"Shelf {number}")
        for number in range(COLLECTIONS)
    ]
    Collection.objects.filter(pk=collections[0].pk).update(owner=asker)
    Collection.objects.filter(pk=collections[1].pk).update(visibility=Collection.Visibility.WORKSPACE)
    grantees: tuple[User | Group, ...] = (asker, asker, group)
    for grantee, collection in zip(grantees, collections[2:VISIBLE_COLLECTIONS], strict=True):
        grant_add(to=grantee, target=collection)
    documents = Document.objects.bulk_create(
        (
            Document(workspace=workspace, owner=owner, collection=collections[number % COLLECTIONS], filename=name)
            for number, name in enumerate(_names())
        ),
        batch_size=2000,
    )
    versions = DocumentVersion.objects.bulk_create(
        (_version(document, rows // DOCUMENTS) for document in documents), batch_size=2000
    )
    return index_profile_ensure(), workspace, versions


def _names() -> Iterator[str]:
    chooser = random.Random(7)
    for number in range(DOCUMENTS):
        yield f"{chooser.choice(('report', 'minutes', 'study', 'manual'))} {number:05d} K{chooser.randrange(10**6)}.txt"


def _version(document: "Document", chunks: int) -> "DocumentVersion":
    from apps.documents.models import DocumentVersion

    return DocumentVersion(
        workspace=document.workspace,
        document=document,
        sha256="",
        size_bytes=1,
        mime="text/plain",
        state=DocumentVersion.State.INDEXED,
        chunk_count=chunks,
    )


def _indexes_drop(cursor: Any) -> dict[str, str]:
    """Drop what is quicker made afterwards; gives name → definition."""
    cursor.execute("""
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = 'rag_chunk'::regclass AND NOT indisunique
    """)
    indexes = dict(cursor.fetchall())
    for name in indexes:
        cursor.execute(f"DROP INDEX {name}")
    # The graph last: by then nothing else wants the memory.
    return dict(sorted(indexes.items(), key=lambda item: "hnsw" in item[1]))


def _rows_copy(
    cursor: Any, source: Source, versions: "list[DocumentVersion]", profile: "IndexProfile", rows: int
) -> int:
    """Gives the length of all chunks together. Their weights are computed by the expected average length."""
    from apps.rag.chunking import title_of

    chooser = random.Random(11)
    writer = _RowWriter(source.lexemes, average=TITLE_WORDS + PIECES_OF_A_CHUNK * source.mean_length)
    with cursor.copy(f"COPY rag_chunk ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
        for version in versions:
            title = _title(title_of(version.document.filename))
            chunks = source.document(chooser, title=title, count=rows // len(versions))
            copy.write(b"".join(writer.row(chunk, version, profile.pk, place) for place, chunk in enumerate(chunks)))
        copy.write(struct.pack(">h", -1))
    return writer.length


def _title(text: str) -> Words:
    return {word: [place] for place, word in enumerate(text.casefold().split(), start=1)}


class _RowWriter:
    """Rows in COPY's binary form; counts words and lengths as they pass."""

    def __init__(self, lexemes: Lexemes, *, average: float) -> None:
        self.lexemes = lexemes
        self.average = average
        self.length = 0

    def row(self, chunk: MadeChunk, version: "DocumentVersion", profile_id: UUID, ordinal: int) -> bytes:
        from chatbot.lib.keys import uuid7

        key = uuid7().bytes
        numbers = numpy.fromiter(chunk.places.keys(), dtype=numpy.int32, count=len(chunk.places))
        counts = numpy.fromiter(map(len, chunk.places.values()), dtype=numpy.float32, count=len(chunk.places)) / 2
        length = int(counts.sum())
        self.length += length
        self.lexemes.frequencies[numbers] += 1
        fields = (
            *(key, version.workspace_id.bytes, profile_id.bytes, version.document_id.bytes, version.pk.bytes),
            struct.pack(">i", ordinal),
            chunk.text.encode(),
            *(_EMPTY_ARRAY, b"\x01[]", b"english", key[8:], _EMPTY_ARRAY),
            struct.pack(">q", int((datetime.now(UTC) - _EPOCH).total_seconds() * 1e6)),
            struct.pack(">i", length),
            self._tsvector(chunk.places),
            self._weights(numbers, counts, length),
            struct.pack(">hh", len(chunk.vector), 0) + chunk.vector.astype(">f4").tobytes(),
        )
        return struct.pack(">h", len(fields)) + b"".join(struct.pack(">i", len(data)) + data for data in fields)

    def _tsvector(self, places: Places) -> bytes:
        encoded = self.lexemes.encoded
        entries = (encoded[number] + (len(at) // 2).to_bytes(2, "big") + at for number, at in places.items())
        return struct.pack(">i", len(places)) + b"".join(entries)

    def _weights(self, numbers: numpy.ndarray, counts: numpy.ndarray, length: int) -> bytes:
        """As `statistics.weights_write` computes them."""
        from apps.rag.lexical import DIMENSIONS, K1, B

        order = numpy.argsort(numbers)
        values = counts / (counts + K1 * (1 - B + B * length / self.average))
        # pgvector's own form counts dimensions from 0.
        dimensions = (numbers[order] - 1).astype(">i4")
        head = struct.pack(">iii", DIMENSIONS, len(numbers), 0)
        return head + dimensions.tobytes() + values[order].astype(">f4").tobytes()


def _counts_write(
    cursor: Any, workspace: "Workspace", profile: "IndexProfile", lexemes: Lexemes, rows: int, total: int
) -> None:
    with cursor.copy("COPY rag_lexeme (id, workspace_id, profile_id, text, document_frequency) FROM STDIN") as copy:
        for word, number in lexemes.numbers.items():
            copy.write_row((number, workspace.pk, profile.pk, word, int(lexemes.frequencies[number])))
    cursor.execute("SELECT setval(pg_get_serial_sequence('rag_lexeme', 'id'), %s)", [len(lexemes.numbers)])
    cursor.execute(
        "INSERT INTO rag_corpusstatistics"
        " (id, workspace_id, profile_id, chunk_count, total_length, languages, weights_average)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, '{english}', %s)",
        [workspace.pk, profile.pk, rows, total, total / rows],
    )


@contextlib.contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    timings[name] = round(time.monotonic() - started, 1)
    print(f"{name}: {timings[name]} s", flush=True)
