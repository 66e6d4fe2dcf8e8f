"""How well a passage supports a sentence, by words. Cheap, and language-independent but for the stop words."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from apps.rag.types import Passage

QUOTE_LENGTH = 300
# A claim shares at least this much of its weight with a passage that is said to support it.
SUPPORT_MINIMUM = 0.55
# A further passage is named only if it covers this much more.
SUPPORT_GAIN = 0.2
SUPPORTERS_MAXIMUM = 3
# Words of the question stand in every passage that was found by it and so say little.
QUESTION_WEIGHT = 0.25

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*", re.UNICODE)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")
_STOP_TEXT = """
    a about after all also an and any are as at be because been before being but by can could did do does done each
    for from had has have he her his how i if in into is it its itself just may me more most must my no not of on only
    or other our out over own same she should so some such than that the their them then there these they this those to
    too under until up very was we were what when where which while who whom why will with would you your
    according answer context document documents passage passages provided based mentioned source sources states stated
"""
_STOP_WORDS = frozenset(_STOP_TEXT.split())
_DOES_NOT_KNOW = re.compile(
    r"\b(?:i (?:do not|don['’]t) know|(?:cannot|can['’]t|could not|couldn['’]t) (?:find|answer)"
    r"|(?:does|do|did) ?(?:not|n['’]t) (?:contain|mention|say|specify|provide|include|state)"
    r"|(?:is|are|was|were) ?(?:not|n['’]t) (?:mentioned|specified|provided|stated|contained|given|available)"
    r"|(?:there is )?no (?:information|mention|answer))\b",
    re.IGNORECASE,
)
# Longer answers that contain such a phrase usually say something else too.
_DOES_NOT_KNOW_LENGTH = 300


def words_of(text: str) -> list[str]:
    """The words that carry meaning, in lower case, without the commonest endings."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def sentences_of(text: str) -> list[str]:
    """Sentences and lines, stripped, none empty."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence and sentence.strip()]


def says_unknown(answer: str) -> bool:
    """Whether the answer says that it has none."""
    return len(answer) <= _DOES_NOT_KNOW_LENGTH and _DOES_NOT_KNOW.search(answer) is not None


def quote_of(text: str, *, claim: str) -> str:
    """The sentences of the passage that say most of the claim: neighbours, at most QUOTE_LENGTH characters."""
    sentences = sentences_of(text)
    if not sentences:
        return ""
    wanted = set(words_of(claim))
    scores = [_overlap(sentence, wanted) for sentence in sentences]
    first = last = max(range(len(sentences)), key=lambda index: scores[index])
    length = len(sentences[first])
    while True:
        # Grow to the neighbour that says more, as long as it says anything and there is room.
        neighbours = [index for index in (first - 1, last + 1) if 0 <= index < len(sentences) and scores[index] > 0]
        neighbours = [index for index in neighbours if length + 1 + len(sentences[index]) <= QUOTE_LENGTH]
        if not neighbours:
            break
        best = max(neighbours, key=lambda index: scores[index])
        first, last = min(first, best), max(last, best)
        length += 1 + len(sentences[best])
    return _shortened(" ".join(sentences[first : last + 1]))


def supporters_of(answer: str, *, question: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that the answer was evidently taken from, best first; none if that is not evident.

    Each word of the answer weighs what it tells passages apart (inverse frequency over them).
    """
    if not passages or says_unknown(answer):
        return []
    vocabularies = [set(words_of(passage.text)) for passage in passages]
    weights = _weights(words_of(answer), set(words_of(question)), vocabularies)
    total = sum(weights.values())
    if not total:
        return []
    found: list[int] = []
    covered: set[str] = set()
    while len(found) < SUPPORTERS_MAXIMUM:
        gains = {
            index: sum(weights[word] for word in vocabulary & weights.keys() - covered) / total
            for index, vocabulary in enumerate(vocabularies)
            if index not in found
        }
        # Ties go to the passage that was found first.
        best = max(gains, key=lambda index: (gains[index], -index), default=None)
        if best is None or gains[best] < (SUPPORT_GAIN if found else SUPPORT_MINIMUM):
            break
        found.append(best)
        covered |= vocabularies[best] & weights.keys()
    return [passages[index] for index in found]


def _weights(answer: Iterable[str], question: set[str], vocabularies: Sequence[set[str]]) -> dict[str, float]:
    count = len(vocabularies)
    frequency = Counter(word for vocabulary in vocabularies for word in vocabulary)
    # A word that no passage has weighs as much as the rarest: it speaks against all of them.
    weights = {word: math.log(1 + count / max(frequency[word], 1)) for word in set(answer)}
    return {word: weight * (QUESTION_WEIGHT if word in question else 1) for word, weight in weights.items()}


def _overlap(sentence: str, wanted: set[str]) -> float:
    words = set(words_of(sentence))
    # The length in the denominator prefers the sentence that says it to the one that also says it.
    return len(words & wanted) / (len(words) + 8) if words else 0.0


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    if len(text) <= QUOTE_LENGTH:
        return text
    head, _, _ = text[:QUOTE_LENGTH].rpartition(" ")
    return f"{(head or text)[: QUOTE_LENGTH - 1]}…"


def _stem(word: str) -> str:
    for ending in ("ies", "ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
