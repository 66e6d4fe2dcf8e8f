"""The index with its statistics, and what is known about how good it is."""

from apps.rag.models.evaluation import (
    CollectionTuning,
    EvaluationResult,
    EvaluationRun,
    GoldenQuestion,
    ProposalRun,
)
from apps.rag.models.index import Chunk, CorpusStatistics, IndexedVersion, IndexProfile, Lexeme

__all__ = [
    "Chunk",
    "CollectionTuning",
    "CorpusStatistics",
    "EvaluationResult",
    "EvaluationRun",
    "GoldenQuestion",
    "IndexProfile",
    "IndexedVersion",
    "Lexeme",
    "ProposalRun",
]
