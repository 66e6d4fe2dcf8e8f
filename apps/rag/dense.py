"""Nearest vectors: exact where few passages may be seen, HNSW where many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.rag.models import IndexProfile
from apps.rag.scope import Scope

# Up to here comparing with every visible passage is fast and misses nothing: about 1 µs for a short vector in the row,
# 5 µs for a whole one beside it.
EXACT_CHUNKS = {IndexProfile.VectorType.HALFVEC: 20_000, IndexProfile.VectorType.VECTOR: 4000}
# Candidates kept while walking the graph; more find more and take longer.
EF_SEARCH = 120
# Where filters leave out most of what the walk finds, it goes on until so many passages were looked at.
SCAN_TUPLES = 40_000
# Dimensions that an HNSW index takes; longer vectors are compared one by one.
DIMENSIONS_MAXIMUM = {IndexProfile.VectorType.VECTOR: 2000, IndexProfile.VectorType.HALFVEC: 4000}

# What is compared: `near` holds the embedding in two bytes a dimension, in the row itself.
_COMPARED = {
    IndexProfile.VectorType.HALFVEC: "near::halfvec({dimensions})",
    IndexProfile.VectorType.VECTOR: "embedding::vector({dimensions})",
}
# The inner part finds the nearest by what is compared; the scores are those of the whole vectors. The graph's walk
# delivers the nearest first and stops at the limit. A sum keeps it out, because no index serves one.
_LEG = """
SELECT id, 1 - (embedding::vector({dimensions}) <=> %s::vector({dimensions})) AS score
FROM (
    SELECT chunk.id, chunk.embedding
    FROM rag_chunk AS chunk
    WHERE chunk.profile_id = '{profile}' AND chunk.embedding IS NOT NULL AND {condition}
    ORDER BY (chunk.{compared} <=> %s::{vector}({dimensions})){sum}
    LIMIT %s
) AS nearest
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

    @property
    def is_exact(self) -> bool:
        """Whether the vector is compared with every passage in scope: with phrases the words' index leaves few."""
        size, most = self.scope.chunk_count, EXACT_CHUNKS[IndexProfile.VectorType(self.profile.vector_type)]
        return bool(self.scope.phrases) or (size is not None and size <= most)

    def best(self, limit: int) -> dict[UUID, float]:
        """The nearest chunks and their similarity. One query, in a transaction for its planner settings."""
        if self.is_exact:
            return self.best_exactly(limit)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL hnsw.iterative_scan = relaxed_order;"
                f"SET LOCAL hnsw.ef_search = {EF_SEARCH};"
                f"SET LOCAL hnsw.max_scan_tuples = {SCAN_TUPLES}"
            )
            return self._nearest(limit, is_walk=True)

    def best_exactly(self, limit: int) -> dict[UUID, float]:
        """As `best`, and certain to be the nearest, however long that takes."""
        return self._nearest(limit, is_walk=False)

    def scores(self, chunk_ids: Sequence[UUID]) -> dict[UUID, float]:
        """The similarity of chunks found otherwise; those not embedded yet are left out. One query."""
        return self._run(_SCORES, [vector_text(self.vector), list(chunk_ids)])

    def _nearest(self, limit: int, *, is_walk: bool) -> dict[UUID, float]:
        vector = vector_text(self.vector)
        condition, given = self.scope.condition("chunk", one_by_one=is_walk)
        return self._run(_LEG, [vector, *given, vector, limit], condition=condition, sum="" if is_walk else " + 0")

    def _run(self, template: str, parameters: Sequence[Any], **parts: str) -> dict[UUID, float]:
        # The profile stands in the text because the planner must see that the partial index of this profile applies.
        statement = template.format(
            profile=UUID(str(self.profile.pk)),
            dimensions=int(self.profile.dimensions),
            vector=IndexProfile.VectorType(self.profile.vector_type).value,
            compared=_compared(self.profile),
            **parts,
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return dict(cursor.fetchall())


def hnsw_index_create(*, profile: IndexProfile, concurrently: bool = False) -> None:
    """Build the profile's graph over the vectors that it has, or nothing if vectors of that length have none.

    `concurrently`: indexing goes on meanwhile; must not be called inside a transaction then, and what an earlier call
    left half done is replaced.
    """
    if profile.dimensions > DIMENSIONS_MAXIMUM[IndexProfile.VectorType(profile.vector_type)]:
        return
    if concurrently:
        hnsw_index_drop(profile=profile, concurrently=True)
    vector = IndexProfile.VectorType(profile.vector_type).value
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {_concurrently(concurrently)} {hnsw_index_name(profile)} ON rag_chunk "
            f"USING hnsw (({_compared(profile)}) {vector}_cosine_ops) "
            f"WHERE profile_id = '{profile.pk}'"
        )


def hnsw_index_drop(*, profile: IndexProfile, concurrently: bool = False) -> None:
    """Drop the profile's graph if it is there. `concurrently`: as in `hnsw_index_create`."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {_concurrently(concurrently)} IF EXISTS {hnsw_index_name(profile)}")


def hnsw_index_name(profile: IndexProfile) -> str:
    return f"chunk_nearest_{profile.pk.hex}"


def _compared(profile: IndexProfile) -> str:
    return _COMPARED[IndexProfile.VectorType(profile.vector_type)].format(dimensions=int(profile.dimensions))


def _concurrently(wanted: bool) -> str:
    return "CONCURRENTLY" if wanted else ""


def vector_text(vector: Sequence[float]) -> str:
    """pgvector's text form."""
    return "[" + ",".join(map(repr, map(float, vector))) + "]"
