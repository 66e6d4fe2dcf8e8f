"""Nearest vectors: exact where few passages may be seen, HNSW where many."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from apps.rag.models import IndexProfile
from apps.rag.scope import Scope

# Up to here comparing with every visible passage is fast and misses nothing.
EXACT_DOCUMENTS = 1000
EXACT_CHUNKS = 4000
# Candidates kept while walking the graph; more find more and take longer.
EF_SEARCH = 120
# Where filters leave out most of what the walk finds, it goes on until so many passages were looked at.
SCAN_TUPLES = 40_000

# Two plans in one statement; the size of the visible part, of which no more than needed is counted, switches one off.
# The exact branch orders by a sum, which no index serves. In the other one the scope is asked passage by passage: the
# walk delivers the nearest first and stops at the limit.
_LEG = """
WITH few AS MATERIALIZED (
    SELECT id, chunk_count FROM ({scope}) AS visible LIMIT %s
),
size AS MATERIALIZED (
    SELECT count(*) <= %s AND coalesce(sum(chunk_count), 0) <= %s AS is_small FROM few
)
(
    SELECT chunk.id, 1 - (chunk.embedding::vector({dimensions}) <=> %s::vector({dimensions})) AS score
    FROM rag_chunk AS chunk
    WHERE (SELECT is_small FROM size)
      AND chunk.profile_id = '{profile}' AND chunk.version_id IN (SELECT id FROM few)
      AND chunk.embedding IS NOT NULL
    ORDER BY (chunk.embedding::vector({dimensions}) <=> %s::vector({dimensions})) + 0
    LIMIT %s
)
UNION ALL
(
    SELECT chunk.id, 1 - (chunk.embedding::vector({dimensions}) <=> %s::vector({dimensions})) AS score
    FROM rag_chunk AS chunk
    WHERE NOT (SELECT is_small FROM size)
      AND chunk.profile_id = '{profile}' AND chunk.embedding IS NOT NULL
      AND EXISTS (SELECT 1 FROM ({scope}) AS visible WHERE visible.id = chunk.version_id) IS TRUE
    ORDER BY chunk.embedding::vector({dimensions}) <=> %s::vector({dimensions})
    LIMIT %s
)
"""

_SCORES = """
SELECT id, 1 - (embedding::vector({dimensions}) <=> %s::vector({dimensions})) FROM rag_chunk
WHERE id = ANY(%s) AND embedding IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseLeg:
    """Cosine similarity to the query's vector over what the scope lets be seen."""

    profile: IndexProfile
    scope: Scope
    vector: Sequence[float]

    def best(self, limit: int) -> dict[UUID, float]:
        """The nearest chunks and their similarity. One query, in a transaction for its planner settings."""
        vector = vector_text(self.vector)
        parameters = [
            *(*self.scope.parameters, EXACT_DOCUMENTS + 1, EXACT_DOCUMENTS, EXACT_CHUNKS),
            *(vector, vector, limit),
            *(vector, *self.scope.parameters, vector, limit),
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL hnsw.iterative_scan = relaxed_order;"
                f"SET LOCAL hnsw.ef_search = {EF_SEARCH};"
                f"SET LOCAL hnsw.max_scan_tuples = {SCAN_TUPLES}"
            )
            cursor.execute(self._statement(_LEG), parameters)
            return dict(cursor.fetchall())

    def scores(self, chunk_ids: Sequence[UUID]) -> dict[UUID, float]:
        """The similarity of chunks found otherwise; those not embedded yet are left out. One query."""
        with connection.cursor() as cursor:
            cursor.execute(self._statement(_SCORES), [vector_text(self.vector), list(chunk_ids)])
            return dict(cursor.fetchall())

    def _statement(self, template: str) -> str:
        # The profile stands in the text because the planner must see that the partial index of this profile applies.
        return template.format(
            scope=self.scope.statement, profile=UUID(str(self.profile.pk)), dimensions=int(self.profile.dimensions)
        )


def vector_text(vector: Sequence[float]) -> str:
    """pgvector's text form."""
    return "[" + ",".join(map(repr, map(float, vector))) + "]"
