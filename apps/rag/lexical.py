"""BM25 with pgvector alone: a chunk's `bm25` times the query's inverse document frequencies, as one inner product.

Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; idf with 1 added, as
in Lucene. How the numbers are kept: see `statistics`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from apps.rag.languages import OTHER, language_of
from apps.rag.scope import Scope

K1 = 1.2
B = 0.75
# Both sides of an inner product need the same dimension; pgvector allows up to a thousand million.
DIMENSIONS = 1_000_000_000
# Passages with the question's rarer words are candidates; its commoner words, once so many passages, or this share of
# the workspace's, are selected, only add to the score. Reading a candidate takes about 6 µs.
CANDIDATES = 5000
CANDIDATES_SHARE = 0.02
# Where the scope is a part of the workspace, of which the versions' index tells, so many of it are worth reading.
CANDIDATES_VISIBLE = 600

_WORDS = """
WITH corpus AS MATERIALIZED (
    SELECT workspace_id, profile_id, chunk_count, languages FROM rag_corpusstatistics
    WHERE profile_id = %s AND workspace_id = ANY(%s)
)
SELECT lexeme.workspace_id, lexeme.id, lexeme.text, lexeme.document_frequency, corpus.chunk_count
FROM corpus JOIN rag_lexeme AS lexeme USING (workspace_id, profile_id)
WHERE lexeme.text = ANY((
    SELECT rag_question_terms(%s, %s::regconfig, ARRAY(SELECT DISTINCT unnest(languages) FROM corpus))
)::text[])
  AND lexeme.document_frequency > 0
ORDER BY lexeme.workspace_id, lexeme.document_frequency, lexeme.text
"""

# The question's words stand in the statement as constants, so that the planner knows how many candidates there will be.
_LEG = """
SELECT chunk.id, -(chunk.bm25 <#> %s::sparsevec) AS score
FROM rag_chunk AS chunk
WHERE chunk.profile_id = %s AND chunk.workspace_id = ANY(%s)
  AND chunk.terms @@ %s::tsquery
  AND chunk.bm25 IS NOT NULL
  AND {condition}
ORDER BY chunk.bm25 <#> %s::sparsevec, chunk.id
LIMIT %s
"""

_SCORES = "SELECT id, coalesce(-(bm25 <#> %s::sparsevec), 0) FROM rag_chunk WHERE id = ANY(%s)"


class _Word(NamedTuple):
    workspace_id: UUID
    dimension: int
    text: str
    document_frequency: int
    chunk_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalLeg:
    """BM25 over what the scope lets be seen. Inverse document frequencies are those of each chunk's whole workspace.

    `weights` and `candidates` are Postgres' texts of the query's sparsevec and tsquery; empty without a known word.
    """

    profile_id: UUID
    scope: Scope
    weights: str
    candidates: str

    def best(self, limit: int) -> dict[UUID, float]:
        """The best chunks and their scores, above 0. One query."""
        if not self.candidates:
            return {}
        corpus = self.profile_id, list(self.scope.workspace_ids)
        condition, given = self.scope.condition("chunk")
        return _run(
            _LEG.format(condition=condition),
            [self.weights, *corpus, self.candidates, *given, self.weights, limit],
        )

    def scores(self, chunk_ids: Sequence[UUID]) -> dict[UUID, float]:
        """The scores of chunks found otherwise; 0 where no word agrees. One query."""
        if not self.candidates:
            return dict.fromkeys(chunk_ids, 0.0)
        return _run(_SCORES, [self.weights, list(chunk_ids)])


def lexical_leg(*, profile_id: UUID, scope: Scope, text: str) -> LexicalLeg:
    """The leg for a question. One query, for its words.

    They are looked up by the rules of every language that the workspaces' passages are in, so that a name or number is
    found in documents of another language. That a stem of one language is another word's of a second one costs no more
    than a passage too many among the candidates.
    """
    own = language_of(text) or OTHER
    with connection.cursor() as cursor:
        cursor.execute(_WORDS, [profile_id, list(scope.workspace_ids), text, own])
        words = [_Word(*row) for row in cursor.fetchall()]
    weights = ",".join(f"{word.dimension}:{_idf(word)!r}" for word in words)
    return LexicalLeg(
        profile_id=profile_id,
        scope=scope,
        weights=f"{{{weights}}}/{DIMENSIONS}",
        candidates=" | ".join(sorted({_quoted(text) for text in _selective(words, scope)})),
    )


def _idf(word: _Word) -> float:
    return math.log(1 + (word.chunk_count - word.document_frequency + 0.5) / (word.document_frequency + 0.5))


def _selective(words: Sequence[_Word], scope: Scope) -> Iterable[str]:
    """Of each workspace the rarest word and those after it that keep the candidates few. `words`: rarest first."""
    corpus = sum({word.workspace_id: word.chunk_count for word in words}.values())
    share = 1.0 if scope.chunk_count is None else min(1.0, max(scope.chunk_count, 1) / max(corpus, 1))
    for _, group in groupby(words, key=lambda word: word.workspace_id):
        selected = 0
        for number, word in enumerate(group):
            selected += word.document_frequency
            most = max(CANDIDATES, CANDIDATES_SHARE * word.chunk_count, CANDIDATES_VISIBLE / share)
            if number and selected > most:
                break
            yield word.text


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _run(statement: str, parameters: Sequence[Any]) -> dict[UUID, float]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {chunk_id: float(score) for chunk_id, score in cursor.fetchall()}
