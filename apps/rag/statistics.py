"""The counts behind BM25 and the weights made from them.

How the counts stay exact: statement-level triggers on `rag_chunk` (migration 0002) add and subtract each statement's
rows under an advisory lock per workspace and profile, in the transaction of the chunks themselves. That holds for every
path, a cascade from a deleted document or plain SQL included, which a Django signal would not. The triggers also
refuse to change a chunk's words.

What drifts: `bm25` holds the average length at the time of writing. `statistics_rebuild` brings all up to date.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from apps.rag.lexical import DIMENSIONS, K1, B
from apps.rag.models import Chunk

# Rows locked at a time while weights are rebuilt.
REBUILD_BATCH = 500

# The lexeme's id is a subquery and no join: the planner, while it has no statistics, cannot but look words up.
_WEIGHTS_WRITE = f"""
UPDATE rag_chunk AS chunk SET bm25 = weighted.weights
FROM (
    SELECT chunk.id, (
        '{{' || string_agg(
            (
                SELECT lexeme.id FROM rag_lexeme AS lexeme
                WHERE lexeme.text = word.text
                  AND lexeme.workspace_id = chunk.workspace_id AND lexeme.profile_id = chunk.profile_id
            ) || ':' || word.tf / (word.tf + {K1} * (1 - {B} + {B} * chunk.length / corpus.average)), ','
        ) || '}}/{DIMENSIONS}'
    )::sparsevec AS weights
    FROM rag_chunk AS chunk
    JOIN (
        SELECT workspace_id, profile_id, total_length::float8 / nullif(chunk_count, 0) AS average
        FROM rag_corpusstatistics
    ) AS corpus USING (workspace_id, profile_id)
    CROSS JOIN LATERAL (SELECT lexeme AS text, cardinality(positions)::float8 AS tf FROM unnest(chunk.terms)) AS word
    WHERE chunk.id = ANY(%s)
    GROUP BY chunk.id
) AS weighted
WHERE chunk.id = weighted.id
"""  # noqa: S608 - constants of this package only

_COUNTED = """
SELECT word.lexeme AS text, count(*) AS chunks
FROM rag_chunk AS chunk, unnest(chunk.terms) AS word
WHERE chunk.workspace_id = %(workspace)s AND chunk.profile_id = %(profile)s
GROUP BY word.lexeme
"""

_LEXEMES_RECOUNT = f"""
WITH counted AS MATERIALIZED ({_COUNTED}),
recounted AS (
    UPDATE rag_lexeme AS lexeme SET document_frequency = counted.chunks FROM counted
    WHERE lexeme.workspace_id = %(workspace)s AND lexeme.profile_id = %(profile)s AND lexeme.text = counted.text
),
unused AS (
    DELETE FROM rag_lexeme AS lexeme
    WHERE lexeme.workspace_id = %(workspace)s AND lexeme.profile_id = %(profile)s
      AND NOT EXISTS (SELECT 1 FROM counted WHERE counted.text = lexeme.text)
)
INSERT INTO rag_lexeme (workspace_id, profile_id, text, document_frequency)
SELECT %(workspace)s, %(profile)s, counted.text, counted.chunks FROM counted
WHERE NOT EXISTS (
    SELECT 1 FROM rag_lexeme AS known
    WHERE known.workspace_id = %(workspace)s AND known.profile_id = %(profile)s AND known.text = counted.text
)
"""  # noqa: S608 - constants of this package only

_CORPUS_RECOUNT = """
UPDATE rag_corpusstatistics AS statistics
SET chunk_count = counted.chunks, total_length = counted.length
FROM (
    SELECT count(*) AS chunks, coalesce(sum(length), 0) AS length FROM rag_chunk
    WHERE workspace_id = %(workspace)s AND profile_id = %(profile)s
) AS counted
WHERE statistics.workspace_id = %(workspace)s AND statistics.profile_id = %(profile)s
"""


def weights_write(*, chunk_ids: Sequence[UUID]) -> None:
    """Compute `bm25` of these chunks from the counts as they are. One statement.

    The caller's transaction must hold the rows: new ones, or locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WEIGHTS_WRITE, [list(chunk_ids)])


def statistics_rebuild(*, workspace_id: UUID, profile_id: UUID) -> int:
    """Count all words anew and rewrite all weights with today's average length; gives the number of chunks.

    Indexing, deleting and searching go on meanwhile. Must not be called inside a transaction: the counts' lock and
    each batch of rows are to be let go at once.
    """
    _counts_rebuild(workspace_id, profile_id)
    chunks = Chunk.objects.filter(workspace=workspace_id, profile=profile_id).order_by("pk")
    chunk_ids = list(chunks.values_list("pk", flat=True))
    for start in range(0, len(chunk_ids), REBUILD_BATCH):
        batch = chunk_ids[start : start + REBUILD_BATCH]
        # Waiting for a row while holding others could be a deadlock; waiting for one while holding none cannot.
        for chunk_id in set(batch) - _weights_rebuild(batch, is_patient=False):
            _weights_rebuild([chunk_id], is_patient=True)
    return len(chunk_ids)


@transaction.atomic(durable=True)
def _weights_rebuild(chunk_ids: list[UUID], *, is_patient: bool) -> set[UUID]:
    rows = Chunk.objects.filter(pk__in=chunk_ids).select_for_update(no_key=True, skip_locked=not is_patient)
    locked = set(rows.values_list("pk", flat=True))
    weights_write(chunk_ids=list(locked))
    return locked


@transaction.atomic(durable=True)
def _counts_rebuild(workspace_id: UUID, profile_id: UUID) -> None:
    corpus = {"workspace": workspace_id, "profile": profile_id}
    with connection.cursor() as cursor:
        # A statement of its own: those after it see all that was committed before the lock was got.
        cursor.execute("SELECT rag_statistics_lock(%(workspace)s, %(profile)s)", corpus)
        cursor.execute(_LEXEMES_RECOUNT, corpus)
        cursor.execute(_CORPUS_RECOUNT, corpus)
