"""Holds a whole answer against its passages once it has been streamed: which sentences they bear, which values are new.

Small, local and bounded in time: the reply's end waits for it.
"""

import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from django.conf import settings

from apps.conversations.models import Citation
from apps.conversations.replies.matching import words_of
from apps.conversations.replies.values import Value, values_unsupported
from apps.llm.services import passages_rerank
from apps.rag.types import Passage
from chatbot.lib.errors import AppError

logger = logging.getLogger(__name__)

# The end of a reply is told no later than this after its last word; what is not judged by then stays unjudged.
BOX_SECONDS = 1.5
# Pairs in one run of the cross-encoder: between runs the clock is looked at.
PAIRS_RUN = 4
# Below it a sentence is marked as not borne out by what it cites.
SUPPORT_MINIMUM = 0.5
SENTENCES_MAXIMUM = 40

# By the reranker whose logit it is: what a logit, the share of the sentence's words and a value that is nowhere weigh.
# Chosen on the embedded model's right answers over encyclopedia paragraphs: all are above the minimum beside their own
# paragraph, none beside another one of the same article.
_LOGIT_WEIGHT = {"ms-marco-MiniLM-L-12-v2": 0.4}
_WORDS_WEIGHT = 7.0
_VALUE_WEIGHT = 5.0
_BIAS = -5.0
# Where no cross-encoder speaks the words stand alone.
_WORDS_ALONE_WEIGHT, _WORDS_ALONE_BIAS = 12.0, -7.0

_MARKER = re.compile(r"\[(\d{1,2})\]")
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?][\"'”’)\]]*(?:\s*\[\d{1,2}\])*(?=\s|$)|(?=\n)|$)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Characters [start, end) of the answer, and the citations that stand in it."""

    start: int
    end: int
    text: str
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """`unsupported`: sentences with their score. `supports`: citation → the best of its sentences."""

    unsupported: tuple[tuple[int, int, float], ...] = ()
    values: tuple[Value, ...] = ()
    support_share: float | None = None
    supports: Mapping[int, float] = field(default_factory=dict)

    def marks(self) -> dict[str, Any]:
        """As `Message.marks` keeps them; nothing for nothing."""
        marks = {
            "sentences": [list(place) for place in self.unsupported],
            "values": [[value.start, value.end, value.kind] for value in self.values],
        }
        return {name: places for name, places in marks.items() if places}


def answer_assess(
    *, content: str, question: str, passages: Sequence[Passage], citations: Sequence[Citation]
) -> Assessment:
    """Judge the sentences that cite and look for values that stand in no passage. Takes at most about BOX_SECONDS."""
    texts = [passage.text for passage in passages]
    values = tuple(values_unsupported(content, question=question, passages=[*texts, *_names_of(passages)]))
    text_of = {citation.index: citation.text for citation in citations}
    sentences = [sentence for sentence in cited_sentences(content) if any(i in text_of for i in sentence.indexes)]
    scores = _scores(sentences[:SENTENCES_MAXIMUM], text_of, values)
    supports: dict[int, float] = {}
    for sentence, score in scores:
        for index in sentence.indexes:
            supports[index] = max(score, supports.get(index, 0.0))
    weak = [(sentence.start, sentence.end, round(score, 3)) for sentence, score in scores if score < SUPPORT_MINIMUM]
    share = round(1 - len(weak) / len(scores), 4) if scores else None
    return Assessment(unsupported=tuple(weak), values=values, support_share=share, supports=supports)


def cited_sentences(content: str) -> list[Sentence]:
    """The sentences that carry a marker; a marker alone belongs to the sentence before it.

    Where the only markers stand at the very end they speak for the whole answer: a small model writes none itself.
    """
    sentences: list[Sentence] = []
    unmarked: list[tuple[int, int, str]] = []
    last: tuple[int, int, str] | None = None
    for match in _SENTENCE.finditer(content):
        indexes = tuple(dict.fromkeys(int(index) for index in _MARKER.findall(match[0])))
        bare = _MARKER.sub("", match[0]).strip()
        if not bare and indexes and last:
            unmarked = [place for place in unmarked if place != last]
            sentences.append(Sentence(last[0], match.end(), last[2], indexes))
        elif bare:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            last = (start, match.end(), bare)
            if indexes:
                sentences.append(Sentence(*last, indexes))
            else:
                unmarked.append(last)
    if len(sentences) == 1 and sentences[0].end >= len(content.rstrip()):
        sentences = [*(Sentence(*place, sentences[0].indexes) for place in unmarked), *sentences]
    return sentences


def _scores(
    sentences: Sequence[Sentence], text_of: Mapping[int, str], values: Sequence[Value]
) -> list[tuple[Sentence, float]]:
    """Each sentence with how well the passages that it cites together bear it, 0 to 1, as far as time allows."""
    deadline = perf_counter() + BOX_SECONDS
    scored: list[tuple[Sentence, float]] = []
    for sentence in sentences:
        if perf_counter() > deadline:
            break
        texts = [text_of[index] for index in sentence.indexes if index in text_of]
        logit = max(_logits(sentence.text, texts), default=None)
        strange = sum(sentence.start <= value.start < sentence.end for value in values)
        scored.append((sentence, _support(sentence.text, " ".join(texts), logit=logit, strange=strange)))
    return scored


def _support(sentence: str, text: str, *, logit: float | None, strange: int) -> float:
    words = set(words_of(sentence))
    share = len(words & set(words_of(text))) / len(words) if words else 0.0
    if logit is None:
        total = _WORDS_ALONE_WEIGHT * share + _WORDS_ALONE_BIAS
    else:
        total = _LOGIT_WEIGHT[settings.RERANKER_MODEL] * logit + _WORDS_WEIGHT * share + _BIAS
    return 1 / (1 + math.exp(-(total - _VALUE_WEIGHT * strange)))


def _logits(sentence: str, texts: Sequence[str]) -> Iterator[float]:
    """Nothing where no reranker of known scale answers."""
    if settings.RERANKER_MODEL not in _LOGIT_WEIGHT:
        return
    for start in range(0, len(texts), PAIRS_RUN):
        run = texts[start : start + PAIRS_RUN]
        try:
            yield from passages_rerank(query=sentence, passages=run, model=settings.RERANKER_MODEL)
        except AppError as error:
            logger.warning("No reranker to judge support", extra={"action": "support_degraded", "code": error.code})
            return


def _names_of(passages: Sequence[Passage]) -> list[str]:
    return [f"{passage.filename} {' '.join(passage.heading_path)}" for passage in passages]
