"""Rows of the index: passages in, vectors added. Every write is its own short transaction and may come twice."""

import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from time import monotonic
from uuid import UUID

from django.db import connection, transaction

from apps.documents.models import DocumentVersion, Section
from apps.rag.chunking import ChunkDraft, ChunkSizes, SourceSection, chunks_of, text_indexed, title_of
from apps.rag.copies import likeness_of
from apps.rag.dense import vector_text
from apps.rag.languages import languages_of
from apps.rag.models import Chunk, IndexProfile
from apps.rag.statistics import weights_write
from apps.rag.suspicion import flags_of
from chatbot.lib.keys import uuid7

# Passages of one INSERT: the statistics' lock is held for some tens of milliseconds.
INSERT_BATCH = 100

# Whoever deletes a document locks its row first (see receivers). So passages are added either before, and deleted with
# the rest, or not at all; and since the row's lock comes before the statistics' on both sides, nobody waits crosswise.
_DOCUMENT_HOLD = """
SELECT version.is_current FROM documents_documentversion AS version
JOIN documents_document AS document ON document.id = version.document_id
WHERE version.id = %s FOR KEY SHARE OF document
"""

# OFFSET 0 keeps the planner from computing the words twice. Numbers count as words but not to the length: else tables,
# which have the most of them, would come behind the prose that mentions them.
_INSERT = """
INSERT INTO rag_chunk (
    id, workspace_id, profile_id, document_id, version_id, created_at,
    ordinal, text, heading_path, page_first, page_last, spans, language, embedded_hash, likeness, flags, terms, length
)
SELECT draft.id, %s, %s, %s, %s, now(),
       draft.ordinal, draft.text, draft.heading_path, draft.page_first, draft.page_last, draft.spans,
       draft.language, draft.embedded_hash, draft.likeness, draft.flags,
       words.terms,
       (
           SELECT greatest(sum(cardinality(positions)), 1) FROM unnest(words.terms)
           WHERE lexeme !~ '^[-+]?[0-9][0-9.,]*$'
       )
FROM jsonb_to_recordset(%s::jsonb) AS draft(
    id uuid, ordinal int, text text, indexed text, heading_path text[], page_first int, page_last int, spans jsonb,
    language text, embedded_hash uuid, likeness bigint, flags text[]
)
CROSS JOIN LATERAL (SELECT rag_terms(draft.indexed, draft.language::regconfig) AS terms OFFSET 0) AS words
ON CONFLICT (profile_id, version_id, ordinal) DO NOTHING
RETURNING id
"""

_UNEMBEDDED = """
SELECT id, heading_path, text FROM rag_chunk
WHERE profile_id = %s AND version_id = %s AND embedding IS NULL ORDER BY ordinal LIMIT %s
"""
# Rows that somebody else holds are being deleted; waiting for them could be a deadlock.
_EMBED = """
WITH held AS MATERIALIZED (
    SELECT id FROM rag_chunk WHERE id = ANY(%s) AND embedding IS NULL FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE rag_chunk AS chunk SET embedding = given.embedding::vector
FROM unnest(%s::uuid[], %s::text[]) AS given(id, embedding), held
WHERE chunk.id = given.id AND chunk.id = held.id
"""
# The same text was embedded before in this workspace: its vector serves again.
_EMBED_ALIKE = """
WITH held AS MATERIALIZED (
    SELECT chunk.id, twin.embedding FROM rag_chunk AS chunk
    CROSS JOIN LATERAL (
        SELECT other.embedding FROM rag_chunk AS other
        WHERE other.embedded_hash = chunk.embedded_hash AND other.embedded_hash IS NOT NULL
          AND other.profile_id = chunk.profile_id AND other.workspace_id = chunk.workspace_id
          AND other.embedding IS NOT NULL
        LIMIT 1
    ) AS twin
    WHERE chunk.id = ANY(%s) AND chunk.embedding IS NULL FOR NO KEY UPDATE OF chunk SKIP LOCKED
)
UPDATE rag_chunk AS chunk SET embedding = held.embedding FROM held WHERE chunk.id = held.id
RETURNING chunk.id
"""


def chunks_write(*, version: DocumentVersion, profile: IndexProfile, deadline: float) -> bool:
    """Insert the passages of the version that are not there yet, ready for keyword search. True when all are there.

    Stops at `deadline` (of the monotonic clock). Of a version that is deleted or replaced meanwhile none are inserted.
    """
    chunks = Chunk.objects.filter(profile=profile, version=version)
    # Vectors are added only after all passages.
    if chunks.filter(embedding__isnull=False).exists():
        return True
    known = set(chunks.values_list("ordinal", flat=True))
    title = title_of(version.document.filename)
    drafts = chunks_of(_sources(version), sizes=ChunkSizes(**profile.chunking))
    languages = languages_of([draft.text for draft in drafts])
    missing = [
        _row(ordinal, draft, title, language)
        for ordinal, (draft, language) in enumerate(zip(drafts, languages, strict=True))
        if ordinal not in known
    ]
    for start in range(0, len(missing), INSERT_BATCH):
        if monotonic() > deadline:
            return False
        _rows_insert(version, profile, missing[start : start + INSERT_BATCH])
    return True


def _sources(version: DocumentVersion) -> list[SourceSection]:
    return [
        SourceSection(
            ordinal=section.ordinal,
            text=section.text,
            page=section.page,
            heading_path=tuple(section.heading_path),
            is_table=section.kind == Section.Kind.TABLE,
        )
        for section in version.sections.order_by("ordinal").defer("boxes")
    ]


def _row(ordinal: int, draft: ChunkDraft, title: str, language: str) -> dict[str, object]:
    indexed = text_indexed(title=title, heading_path=draft.heading_path, text=draft.text)
    return {
        "id": str(uuid7()),
        "ordinal": ordinal,
        "text": draft.text,
        "indexed": indexed,
        "heading_path": draft.heading_path,
        "page_first": draft.page_first,
        "page_last": draft.page_last,
        "spans": draft.spans,
        "language": language,
        "embedded_hash": str(_text_hash(indexed)),
        "likeness": likeness_of(draft.text),
        "flags": flags_of(draft.text),
    }


def _text_hash(text: str) -> UUID:
    return UUID(bytes=blake2b(text.encode(), digest_size=16).digest())


@transaction.atomic
def _rows_insert(version: DocumentVersion, profile: IndexProfile, rows: Sequence[dict[str, object]]) -> None:
    owner = [version.workspace_id, profile.pk, version.document_id, version.pk]
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENT_HOLD, [version.pk])
        if cursor.fetchone() != (True,):
            return
        cursor.execute(_INSERT, [*owner, json.dumps(rows)])
        inserted: list[UUID] = [row[0] for row in cursor.fetchall()]
    weights_write(chunk_ids=inserted)


def chunks_embed(
    *, version: DocumentVersion, profile: IndexProfile, limit: int, embed: Callable[[list[str]], list[list[float]]]
) -> int:
    """Embed up to `limit` passages that have no vector yet; gives how many there were.

    A text that the workspace's index has already is not embedded again, nor is one that comes twice. No transaction is
    open while the model works.
    """
    title = title_of(version.document.filename)
    with connection.cursor() as cursor:
        cursor.execute(_UNEMBEDDED, [profile.pk, version.pk, limit])
        found = cursor.fetchall()
        if not found:
            return 0
        cursor.execute(_EMBED_ALIKE, [[row[0] for row in found]])
        known = {row[0] for row in cursor.fetchall()}
    texts = {
        chunk_id: text_indexed(title=title, heading_path=heading_path, text=text)
        for chunk_id, heading_path, text in found
        if chunk_id not in known
    }
    _vectors_write(texts, embed)
    return len(found)


def _vectors_write(texts: dict[UUID, str], embed: Callable[[list[str]], list[list[float]]]) -> None:
    if not texts:
        return
    once = list(dict.fromkeys(texts.values()))
    vectors = dict(zip(once, map(vector_text, embed(once)), strict=True))
    ids = list(texts)
    with connection.cursor() as cursor:
        cursor.execute(_EMBED, [ids, ids, [vectors[text] for text in texts.values()]])


@transaction.atomic
def superseded_delete(*, version: DocumentVersion) -> None:
    """Delete the passages of the document's older versions."""
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENT_HOLD, [version.pk])
    Chunk.objects.filter(document_id=version.document_id, version__number__lt=version.number).delete()
