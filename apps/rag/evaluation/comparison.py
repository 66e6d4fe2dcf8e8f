"""Two runs over the same questions, metric by metric."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from apps.rag.evaluation.metrics import METRICS, Metric
from apps.rag.evaluation.significance import LEVEL, paired_p_value
from apps.rag.evaluation.types import MetricComparison
from apps.rag.models import EvaluationResult, EvaluationRun

# What decides whether search got worse. Others are shown.
DECISIVE = ("ndcg_10", "recall_20", "page_hit_5")
# With so many questions or more a mean this much lower counts as worse even where chance is not ruled out.
QUESTIONS_MINIMUM = 5
DROP_MAXIMUM = 0.10
_TOLERANCE = 1e-9
# A question's key and the hash of what it was when it was asked.
Asked: TypeAlias = tuple[UUID, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPair:
    """A question of both runs by the metric that decides first."""

    question_id: UUID
    first: float
    second: float


def runs_compare(*, first: EvaluationRun, second: EvaluationRun) -> list[MetricComparison]:
    """Metrics that both runs have for the same questions, in the order of METRICS. Two queries."""
    before, after = results_of(first), results_of(second)
    shared = sorted(before.keys() & after.keys())
    rows = (_compared(metric, [(before[key], after[key]) for key in shared]) for metric in METRICS.values())
    return [row for row in rows if row is not None]


def results_of(run: EvaluationRun) -> dict[Asked, Mapping[str, float]]:
    """What was asked → its metrics, of what counts. A question that was changed is another one. One query."""
    rows = EvaluationResult.objects.filter(run=run).values_list("question_id", "asked_hash", "metrics")
    return {(question_id, asked): metrics for question_id, asked, metrics in rows if metrics}


def question_pairs(*, first: EvaluationRun, second: EvaluationRun, metric: str = "ndcg_10") -> list[QuestionPair]:
    """Questions by how much the second run changed them, the greatest loss first. Two queries."""
    before, after = results_of(first), results_of(second)
    pairs = [
        QuestionPair(question_id=key[0], first=before[key][metric], second=after[key][metric])
        for key in before.keys() & after.keys()
        if metric in before[key] and metric in after[key]
    ]
    return sorted(pairs, key=lambda pair: (pair.second - pair.first, pair.question_id))


def regressions(rows: Iterable[MetricComparison]) -> list[MetricComparison]:
    """The decisive metrics by which the second run is worse: by more than chance, or by more than DROP_MAXIMUM."""
    return [row for row in rows if row.name in DECISIVE and _is_worse(row)]


def regression_said(row: MetricComparison) -> str:
    """In a sentence for people."""
    chance = "" if row.p_value is None else f", p = {row.p_value:.3f}"
    return f"{row.title} falls from {row.first:.3f} to {row.second:.3f} over {row.question_count} questions{chance}"


def _is_worse(row: MetricComparison) -> bool:
    if row.gain >= 0 or row.question_count < QUESTIONS_MINIMUM:
        return False
    return row.gain < -DROP_MAXIMUM or (row.p_value is not None and row.p_value < LEVEL)


def _compared(metric: Metric, pairs: list[tuple[Mapping[str, float], Mapping[str, float]]]) -> MetricComparison | None:
    both = [(a[metric.name], b[metric.name]) for a, b in pairs if metric.name in a and metric.name in b]
    if not both:
        return None
    first, second = [a for a, _ in both], [b for _, b in both]
    sign = -1 if metric.is_lower_better else 1
    moved = [sign * (b - a) for a, b in both]
    return MetricComparison(
        name=metric.name,
        title=metric.title,
        first=sum(first) / len(both),
        second=sum(second) / len(both),
        question_count=len(both),
        won=sum(each > _TOLERANCE for each in moved),
        lost=sum(each < -_TOLERANCE for each in moved),
        p_value=paired_p_value(first, second),
        is_lower_better=metric.is_lower_better,
        is_share=metric.is_share,
    )
