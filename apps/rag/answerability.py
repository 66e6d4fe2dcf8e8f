"""Whether passages can answer a question: a score that was calibrated on questions with and without an answer.

The cross-encoder reads the question beside each of the best passages; what it says is corrected by how many of the
question's words stand there. Without a cross-encoder the embedder's similarity takes its place, and without a known
embedder the words alone. The coefficients are logistic regressions over 1,080 questions to eight encyclopedia articles
(SQuAD 2, the answer's article indexed or not), fitted on four articles, checked on the other four and the other way
round; at the threshold 2 % of the answerable questions are refused and 97 % of those about other articles are. Without
the cross-encoder it is 3 % and 91 %.
"""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from uuid import UUID

from django.conf import settings

from apps.llm.services import passages_rerank
from apps.rag.selectors import profile_live
from apps.rag.types import Passage
from chatbot.lib.errors import AppError

logger = logging.getLogger(__name__)

# What the cross-encoder reads if the search did not let it: the answer is hardly ever further down. 20 to 50 ms each.
DEPTH = 5
# Below it the passages cannot answer. See the module's first lines for what it costs.
THRESHOLD = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The logit of a score: `signal` times the model's figure, `coverage` times the share of words found, `bias`."""

    signal: float
    coverage: float
    bias: float


# By the model whose figure it is; other models have other scales.
_RERANKERS = {"ms-marco-MiniLM-L-12-v2": _Line(signal=0.69, coverage=4.5, bias=0.25)}
_EMBEDDERS = {"bge-small-en-v1.5": _Line(signal=30.7, coverage=9.7, bias=-23.8)}
_WORDS_ONLY = _Line(signal=0.0, coverage=13.9, bias=-6.9)

_WORD = re.compile(r"[^\W_]+")
# Words so common that finding them says nothing, in the languages of the index.
_STOP_TEXT = """
    a about after all an and any are as at be because been before being but by can could did do does for from had has
    have he her his how i if in into is it its just many may more most much must my no not of on only or other our out
    over own she should so some such than that the their them then there these they this those to too under until up
    very was we were what when where which while who whom whose why will with would you your
    aber als am an auch auf aus bei bis das dass dem den der des die ein eine einem einen einer es für haben hat ich im
    in ist kann man mein mit nach nicht oder sich sie sind und uns unter vom von vor wann warum was welche welcher
    welches wenn wer werden wie wir wird wo wurde zu zum zur
    au aux avec ce ces cette comment combien dans de des du elle en est et il ils je la le les leur ma mes mon ne nous
    on ont ou où par pas pour pourquoi quand que quel quelle quels quelles qui quoi sa se ses son sont sur un une vous
    al como con cual cuál cuando cuándo cuánto cuánta cuántos cuántas de del donde dónde el ella en es esta este fue ha
    han la las lo los me mi no o para por porque qué que quien quién se ser si sin son su sus tiene un una y
    alla che chi cosa da dal dalla dei del della di dove e è era gli ha hanno i il io la le lo mi nel nella per perché
    più qual quale quali quando quanto quanti si sono su un una uno
    ao aos as até com como da das do dos é em foi não na nas no nos o onde os ou para pela pelo por qual quais quando
    quanto quantos quem são se seu sua um uma
    aan bij dat de deze die dit door een en er het hij hoe hoeveel ik in is je kan met naar niet of om onder ook op over
    te tot uit van voor waar waarom wanneer wat we welke wie wordt zijn
    в и на не что как кто где когда какой какая какие сколько по с из за для это или
"""
_STOP_WORDS = frozenset(_STOP_TEXT.split())
_ENDINGS = ("ies", "ing", "ed", "es", "en", "er", "s", "e")
_STEM_LENGTH = 3
_ROWS_MINIMUM = 3
_CELLS_MINIMUM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerability:
    """`score`: how surely the passages can answer, 0 to 1. `logits`: the cross-encoder's by chunk, where it spoke."""

    score: float
    threshold: float = THRESHOLD
    logits: Mapping[UUID, float] = field(default_factory=dict)
    took_ms: float = 0.0

    @property
    def is_enough(self) -> bool:
        return self.score >= self.threshold


def answerability_judge(*, question: str, passages: Sequence[Passage]) -> Answerability:
    """Judge the best passages of a search, best first. Runs the reranker unless the search did; needs none.

    Where the search let the cross-encoder read, its logits are used as they are.
    """
    started = perf_counter()
    best = passages[:DEPTH]
    if not best:
        return Answerability(score=0.0)
    logits = _logits(question, passages)
    score = _score(question, passages, logits)
    return Answerability(score=score, logits=logits, took_ms=(perf_counter() - started) * 1000)


def coverage_of(question: str, text: str) -> float:
    """The share of the question's words, figures and names counted twice, that the text has; 1 for no words at all."""
    weights = _weights(question)
    if not weights:
        return 1.0
    known = {_stem(word) for word in _WORD.findall(text.lower())}
    return sum(weight for word, weight in weights.items() if word in known) / sum(weights.values())


def is_tabular(passage: Passage) -> bool:
    """Whether the passage is mostly a table, which cross-encoders trained on prose cannot judge."""
    lines = [line for line in passage.text.splitlines() if line.strip()]
    rows = sum(line.count("|") + line.count("\t") >= _CELLS_MINIMUM for line in lines)
    return rows >= _ROWS_MINIMUM and rows * 2 >= len(lines)


def text_judged(passage: Passage) -> str:
    """What the cross-encoder reads of a passage: where it stands, and its text."""
    return "\n".join([*passage.heading_path[-1:], passage.text])


def _logits(question: str, passages: Sequence[Passage]) -> dict[UUID, float]:
    """By chunk; empty where no reranker answers or none whose scale is known."""
    if settings.RERANKER_MODEL not in _RERANKERS:
        return {}
    known = {passage.chunk_id: passage.rerank for passage in passages if passage.rerank is not None}
    unread = [passage for passage in passages[:DEPTH] if passage.chunk_id not in known]
    if not unread:
        return known
    try:
        fresh = passages_rerank(
            query=question, passages=[text_judged(passage) for passage in unread], model=settings.RERANKER_MODEL
        )
    except AppError as error:
        logger.warning("No reranker to judge with", extra={"action": "judge_degraded", "code": error.code})
        return known
    return known | {passage.chunk_id: logit for passage, logit in zip(unread, fresh, strict=True)}


def _score(question: str, passages: Sequence[Passage], logits: Mapping[UUID, float]) -> float:
    read = [passage for passage in passages if passage.chunk_id in logits]
    by_logit = 0.0
    if read:
        best = max(read, key=lambda passage: logits[passage.chunk_id])
        line, signal = _RERANKERS[settings.RERANKER_MODEL], logits[best.chunk_id]
        by_logit = _sigmoid(line, signal, _coverage(question, best))
        # What it cannot judge, the other signals do.
        passages = [passage for passage in passages[:DEPTH] if is_tabular(passage)]
    return max(by_logit, _score_without(question, passages[:DEPTH]))


def _score_without(question: str, passages: Sequence[Passage]) -> float:
    """By the embedder, where its scale is known, and by words."""
    coverage = max((_coverage(question, passage) for passage in passages), default=0.0)
    by_words = _sigmoid(_WORDS_ONLY, 0.0, coverage)
    similarities = [passage.dense for passage in passages if passage.dense is not None]
    profile = profile_live() if similarities else None
    if profile is None or profile.embedder not in _EMBEDDERS:
        return by_words
    # A passage with all the words is enough even where the embedder cannot know them, such as codes and names.
    return max(by_words, _sigmoid(_EMBEDDERS[profile.embedder], max(similarities), coverage))


def _coverage(question: str, passage: Passage) -> float:
    return coverage_of(question, f"{passage.filename} {' '.join(passage.heading_path)} {passage.text}")


def _weights(question: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for place, word in enumerate(_WORD.findall(question)):
        if word.lower() in _STOP_WORDS:
            continue
        is_particular = any(map(str.isdigit, word)) or (place > 0 and word[0].isupper())
        weights[_stem(word.lower())] = 2.0 if is_particular else 1.0
    return weights


def _sigmoid(line: _Line, signal: float, coverage: float) -> float:
    logit = line.signal * signal + line.coverage * coverage + line.bias
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_LENGTH:
            return word[: -len(ending)]
    return word
