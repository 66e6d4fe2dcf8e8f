"""A cross-encoder reads question and passage together: dearer than the legs, and right where they are not."""

import logging
import math
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings

from apps.llm.services import passages_rerank
from apps.rag.answerability import text_judged
from apps.rag.chunking import title_of
from apps.rag.fusion import best_first
from apps.rag.models import CollectionTuning
from apps.rag.types import Passage, SearchQuery
from chatbot.lib.errors import AppError

logger = logging.getLogger(__name__)

# How many of the best it reads, where time allows: about 20 ms a passage on two cores.
RERANK_DEPTH = 20
# Its part in the score where it is sure of one passage; as much less as it is less sure. On topical sets, where it
# never is, a constant part of .25 cost .01 nDCG@10. Parts of .3 to .6 are within .005 of each other.
RERANK_SHARE = 0.5
# Of the softmax: so many units of the logit make a passage stand out e times as much.
TEMPERATURE = 1.5
# So many of those that it likes best are among so many first ones. Where it is sure of none it hardly moves any, and
# yet the answer is mostly among its best: one in a hundred questions to paragraphs finds it within the first five only
# by this, and topical sets do not notice. Pages are left out: tables and slides it reads worse than prose, and there
# answers were lost.
LIKED = 3
LIKED_AMONG = 5
# Long descriptions of a topic were ordered worse by it (CISI), and reading is dearest there.
QUESTION_WORDS_MAXIMUM = 24


def rerank_wanted(query: SearchQuery) -> bool:
    """What the query says, else what was chosen for the only collection it asks, else the settings.

    Where all of them leave it open, an evaluation of the collection decides, and without one it is wanted; but not for
    what is longer than a question. One query at most.
    """
    if query.rerank is not None:
        return query.rerank
    tuning = None
    if len(query.collection_ids) == 1:
        tuning = CollectionTuning.objects.filter(collection_id=query.collection_ids[0]).first()
    if tuning is not None and tuning.rerank != CollectionTuning.Rerank.AUTOMATIC:
        return tuning.rerank == CollectionTuning.Rerank.ON
    if settings.RERANK != "auto":
        return bool(settings.RERANK == "on")
    is_question = len(query.text.split()) <= QUESTION_WORDS_MAXIMUM
    return is_question and (tuning is None or tuning.is_rerank_worth is not False)


def distinctions_of(logits: Mapping[UUID, float]) -> dict[UUID, float]:
    """How much each passage stands out among those that were read: shares that sum up to 1.

    Where an answer stands in one place its share is nearly 1. Where many passages have to do with the question, which
    this model cannot tell apart well, all shares are small and hardly change the order.
    """
    if not logits:
        return {}
    highest = max(logits.values())
    powers = {key: math.exp((logit - highest) / TEMPERATURE) for key, logit in logits.items()}
    total = sum(powers.values())
    return {key: power / total for key, power in powers.items()}


def likes_lifted(
    *, scores: Mapping[UUID, float], logits: Mapping[UUID, float], passages: Sequence[Passage]
) -> dict[UUID, float]:
    """The scores; those of the LIKED highest logits as high as they must be to stand among the LIKED_AMONG first.

    Passages of pages keep theirs.
    """
    paged = {passage.chunk_id for passage in passages if passage.page is not None}
    liked = [key for key in best_first(logits)[:LIKED] if key not in paged]
    others = sorted((score for key, score in scores.items() if key not in liked), reverse=True)
    before = LIKED_AMONG - len(liked)
    if len(others) <= before:
        return dict(scores)
    # Between two others, and where these are equal above both.
    place = max((others[before - 1] + others[before]) / 2, math.nextafter(others[before], math.inf))
    return {**scores, **{key: max(scores[key], place) for key in liked}}


def logits_read(*, text: str, passages: Sequence[Passage]) -> dict[UUID, float]:
    """The cross-encoder's logits of the first passages, of as many as it reads in RERANK_SECONDS.

    Empty where there is no reranker.
    """
    try:
        logits = passages_rerank(
            query=text,
            passages=[f"{title_of(passage.filename)}\n{text_judged(passage)}" for passage in passages],
            model=settings.RERANKER_MODEL,
            seconds=settings.RERANK_SECONDS,
        )
    except AppError as error:
        logger.warning("No reranker", extra={"action": "rerank_skipped", "code": error.code})
        return {}
    return {passage.chunk_id: logit for passage, logit in zip(passages, logits, strict=False)}
