"""One golden question: searched, answered if wanted, and scored."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from apps.accounts.models import User
from apps.rag.evaluation import metrics
from apps.rag.evaluation.answering import answerer
from apps.rag.evaluation.configuration import query_of
from apps.rag.evaluation.expectations import Names, Relevance, expected_read, relevance_of
from apps.rag.evaluation.types import Configuration, JudgedReply
from apps.rag.models import EvaluationRun, GoldenQuestion
from apps.rag.types import Passage
from chatbot.lib.errors import AppError

# What a result keeps of the found.
FOUND_KEPT = 20
# Without the name: the document may have been put where not everybody here may see it.
EXPECTED_GONE = "It expects a document that the collection no longer has."
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What EvaluationResult stores. `error_detail`: why the question does not count."""

    metrics: dict[str, float] = field(default_factory=dict)
    found: list[list[object]] = field(default_factory=list)
    answer: str = ""
    took_ms: float = 0.0
    error_detail: str = ""


def question_measure(
    *,
    user: User,
    run: EvaluationRun,
    question: GoldenQuestion,
    names: Names,
    configuration: Configuration,
    profile_id: UUID | None,
) -> Measured:
    """Search with the person's permissions, within the run's collection, and score. `profile_id` None: the live index.

    A question that expects documents which the collection no longer has does not count. Without a model in this
    process's reach AppError is raised.
    """
    from apps.rag.search import search

    try:
        expected = [names.resolve(each) for each in expected_read(question.expected)]
    except ValueError:
        return Measured(error_detail=EXPECTED_GONE)
    relevance = relevance_of(expected)
    query = query_of(
        text=question.question,
        workspace_id=run.workspace_id,
        collection_id=run.collection_id,
        configuration=configuration,
        profile_id=profile_id,
    )
    result = search(user=user, query=query)
    scores = {"took_ms": result.took_ms}
    if not question.is_unanswerable:
        scores |= passages_score(result.passages, relevance)
    reply = _reply(user, run, question, configuration) if run.has_answers else None
    if reply is not None:
        if reply.error_detail:
            return Measured(took_ms=result.took_ms, error_detail=reply.error_detail)
        scores |= reply_score(reply, relevance, question)
    return Measured(
        metrics=scores,
        found=[[str(each.document_id), each.page, round(each.score, 4)] for each in result.passages[:FOUND_KEPT]],
        answer=reply.text if reply else "",
        took_ms=result.took_ms,
    )


def asked_hash(question: GoldenQuestion) -> str:
    """The same for the same question with the same right answer."""
    asked = [question.question, question.expected, question.answer, question.is_unanswerable]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def passages_score(passages: Sequence[Passage], relevance: Relevance) -> dict[str, float]:
    """The measures of ranking. Pages count only where the question expects pages."""
    covered = [relevance.of_passage(passage) for passage in passages]
    ranking = metrics.distinct(place for places in covered for place in places)
    relevant = relevance.of.keys()
    scores = {
        "ndcg_10": metrics.ndcg_at(ranking, relevance.of, k=10),
        "mrr": metrics.reciprocal_rank(ranking, relevant),
        "recall_5": metrics.recall_at(ranking, relevant, k=5),
        "recall_20": metrics.recall_at(ranking, relevant, k=20),
    }
    if relevance.with_pages:
        scores |= {f"page_hit_{k}": metrics.hit_at(covered, relevant, k=k) for k in (5, 20)}
    return scores


def reply_score(reply: JudgedReply, relevance: Relevance, question: GoldenQuestion) -> dict[str, float]:
    """The measures of a whole reply. One that abstained cites nothing and is judged for that alone."""
    scores = {"answer_ms": reply.took_ms}
    abstained = float(reply.is_unanswered)
    if question.is_unanswerable:
        return scores | {"abstained_right": abstained}
    scores["abstained_wrong"] = abstained
    if reply.is_unanswered:
        return scores
    cited = [
        tuple(
            place
            for document_id, page in places
            for place in relevance.places(document_id=document_id, page=page, page_last=page)
        )
        for places in reply.cited
    ]
    if (precision := metrics.citation_precision(cited, relevance.of.keys())) is not None:
        scores["citation_precision"] = precision
    scores["citation_recall"] = metrics.citation_recall(cited, relevance.of.keys())
    if reply.support_share is not None:
        scores["support"] = reply.support_share
    if wanted := _words(question.answer):
        scores["answer_overlap"] = len(wanted & _words(reply.text)) / len(wanted)
    return scores


def _reply(user: User, run: EvaluationRun, question: GoldenQuestion, configuration: Configuration) -> JudgedReply:
    try:
        return answerer()(
            user=user,
            workspace_id=run.workspace_id,
            question=question.question,
            collection_ids=(run.collection_id,),
            model_id=configuration.model_id,
        )
    except AppError as error:
        return JudgedReply(text="", is_unanswered=False, error_detail=error.detail or error.title)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
