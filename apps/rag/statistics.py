"""The counts behind BM25 and the weights made from them.

How the counts stay exact: statement-level triggers on `rag_chunk` (migration 0002) add and subtract each statement's
rows under an advisory lock per workspace and profile, in the transaction of the chunks themselves. That holds for every
path, a cascade from a deleted document or plain SQL included, which a Django signal would not. The triggers also
refuse to change a chunk's words.

All chunks' `bm25` hold the same average length, the corpus' `weights_average`, so that they compare. Where today's
average has moved away from it by more than DRIFT, `weights_refresh_step` rewrites them, a slice at a time.
`statistics_rebuild` counts everything anew, too.
"""

from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from apps.rag.lexical import DIMENSIONS, K1, B
from apps.rag.models import Chunk, CorpusStatistics

# Rows locked at a time while weights are rebuilt.
REBUILD_BATCH = 500
# By how much of itself the average length may move before the weights are computed anew.
DRIFT = 0.1

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
        SELECT workspace_id, profile_id, greatest(coalesce(weights_target, weights_average), 1) AS average
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
SET chunk_count = counted.chunks, total_length = counted.length, languages = counted.languages
FROM (
    SELECT count(*) AS chunks, coalesce(sum(length), 0) AS length,
           coalesce(array_agg(DISTINCT language ORDER BY language), '{}') AS languages
    FROM rag_chunk
    WHERE workspace_id = %(workspace)s AND profile_id = %(profile)s
) AS counted
WHERE statistics.workspace_id = %(workspace)s AND statistics.profile_id = %(profile)s
"""


def weights_write(*, chunk_ids: Sequence[UUID]) -> None:
    """Compute `bm25` of these chunks by the average length that their corpus' weights have or shall get. One statement.

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
    corpus = CorpusStatistics.objects.filter(workspace=workspace_id, profile=profile_id).first()
    if corpus is None or not corpus.chunk_count:
        return 0
    _target_set(corpus)
    while _weights_rewrite(corpus):
        pass
    return corpus.chunk_count


def weights_refresh_step(*, deadline: float) -> bool:
    """Rewrite weights where the average length has drifted, until `deadline` (of the monotonic clock).

    True: work is left. Interrupted anywhere, the next call goes on from the last batch. As `statistics_rebuild` in all
    else.
    """
    for corpus in _corpora_drifted():
        if corpus.weights_target is None:
            _target_set(corpus)
        while _weights_rewrite(corpus):
            if monotonic() > deadline:
                return True
    return False


def _corpora_drifted() -> list[CorpusStatistics]:
    """Those in the middle of it first."""
    ratio = F("total_length") * 1.0 / F("chunk_count") / F("weights_average")
    corpora = CorpusStatistics.objects.filter(chunk_count__gt=0, weights_average__gt=0).annotate(ratio=ratio)
    drifted = corpora.filter(Q(weights_target__isnull=False) | ~Q(ratio__range=(1 - DRIFT, 1 + DRIFT)))
    return list(drifted.order_by(F("weights_target").asc(nulls_last=True), "pk"))


def _target_set(corpus: CorpusStatistics) -> None:
    """From now on new chunks are weighted by today's average, and the others follow in the order of their keys."""
    corpus.weights_target = corpus.total_length / corpus.chunk_count
    corpus.weights_reached = None
    corpus.save(update_fields=["weights_target", "weights_reached"])


def _weights_rewrite(corpus: CorpusStatistics) -> bool:
    """The next batch of the corpus; False when all are done."""
    chunks = Chunk.objects.filter(workspace=corpus.workspace_id, profile=corpus.profile_id).order_by("pk")
    if corpus.weights_reached is not None:
        chunks = chunks.filter(pk__gt=corpus.weights_reached)
    batch = list(chunks.values_list("pk", flat=True)[:REBUILD_BATCH])
    if not batch:
        corpus.weights_average, corpus.weights_target, corpus.weights_reached = corpus.weights_target, None, None
    else:
        # Waiting for a row while holding others could be a deadlock; waiting for one while holding none cannot.
        for chunk_id in set(batch) - _batch_rewrite(batch, is_patient=False):
            _batch_rewrite([chunk_id], is_patient=True)
        corpus.weights_reached = batch[-1]
    corpus.save(update_fields=["weights_average", "weights_target", "weights_reached"])
    return bool(batch)


@transaction.atomic(durable=True)
def _batch_rewrite(chunk_ids: list[UUID], *, is_patient: bool) -> set[UUID]:
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
