"""Whether the answer of a small model stands in its passages and fits the question: before anybody sees it. Pure.

Such a model answers questions whose premise the passages do not share: it swaps in the name, the year or the "not" of
the question. What is looked for is what such answers have in common.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from apps.conversations.replies.matching import sentences_of, words_of
from apps.conversations.replies.premises import swaps_of
from apps.conversations.replies.quantities import numbers_in
from apps.conversations.replies.spelling import is_any_of, plain
from apps.conversations.replies.values import values_unsupported
from apps.conversations.replies.wording import language_of
from apps.rag.types import Passage

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|without|neither|nor|cannot|except|unable|instead|least"
    r"|nicht|kein\w*|nie|ohne|außer|pas|jamais|sans|aucune?|sauf|nunca|sin|ningun[oa]?|excepto|non|mai|senza|nessun[oa]?"
    r"|não|sem|nenhuma?|exceto|niet|geen|nooit|zonder|behalve)\b|n['’]t\b",
    re.IGNORECASE,
)
# Prefixes that turn a word into its opposite.
_NO_NEGATION = re.compile(
    r"\b(?:whether or not|or not|not only|no longer than|at least|last but not least)\b", re.IGNORECASE
)
_OPPOSITE = re.compile(
    r"\b(?:un(?!der|til|ited|ion|ique|iver|its?\b)|dis(?!c|t|h|p|e)|non-?)(?=[a-z]{5})|(?<=[a-z]{4})less\b"
    r"|\b(?:fail|lack|refus|reject|den(?:y|i))",
    re.IGNORECASE,
)
_OPPOSITE_TEXT = """
    least most|less more|fewer more|before after|first last|highest lowest|higher lower|best worst|better worse
    |maximum minimum|largest smallest|larger smaller|oldest youngest|earliest latest|longest shortest|fastest slowest
    |increase decrease|increased decreased|increasing decreasing|rise fall|rose fell|gain loss|gained lost|win lose
    |won lost|victorious defeated|strength weakness|strong weak|success failure|succeed fail|succeeded failed
    |north south|northern southern|east west|eastern western|allow forbid|allowed forbidden|allowed prohibited
    |permitted prohibited|include exclude|included excluded|accept reject|accepted rejected|accepted refused
    |import export|imports exports|buying selling|bought sold|friend enemy|ally enemy|allies enemies
    |majority minority|internal external|inside outside|easy difficult|faster slower|longer shorter|rich poor
    |supported opposed|agree disagree|agreed disagreed|agreed refused|create destroy|created destroyed
    |built destroyed|born died|attack defend|attacked defended|male female|husband wife|father mother|son daughter
    |brother sister|positive negative|advantage disadvantage|advantages disadvantages|domestic foreign|legal illegal
    |join leave|joined left|entered left|raised lowered|appoint dismiss|appointed dismissed|united divided
    |strengthen weaken|strengthened weakened|expand shrink
"""
# "At least" and "at most" say nothing about the other.
_ONE_WAY = frozenset({"least", "less", "fewer"})
_PAIRS = [tuple(listed.split()) for listed in _OPPOSITE_TEXT.split("|")]
_OPPOSITES = frozenset([*_PAIRS, *(pair[::-1] for pair in _PAIRS if pair[0] not in _ONE_WAY)])
# Prefixes that negate, and words that only look as if they had one.
_NEGATED = ("un", "non", "dis")
_NOT_NEGATED = frozenset(
    {"cover", "covered", "close", "closed", "play", "played", "course", "count", "tribute", "solve"}
)
_NEGATED_LENGTH = 5
_YES_NO = re.compile(
    r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may)\b", re.IGNORECASE
)
_OR = re.compile(r"\b(?:or|oder|ou|или)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,;:'’\")] )(?!I\b)[A-ZÀ-Ý][\w'’.&-]*|\b\w*\d[\w.,]*")
# An answer shares at least this much of its words with the passages.
_SHARE_MINIMUM = 0.4
# Of fewer new words the share says nothing.
_SHARE_WORDS_MINIMUM = 3
_YEAR = re.compile(r"(?<![\d.,])(?:1\d|20)\d\d(?=s?\b)(?![.,]\d)")
# The sentence with another year has this share of the question's words, and this much more than any with its own.
_YEAR_SHARE = 0.5
_YEAR_MARGIN = 0.1
_YEAR_WORDS_MINIMUM = 2
_HEADING_LENGTH = 80
_NAME_LENGTH = 3
_ACRONYM_LENGTH = 4
# "The three reasons" need not be numbered.
_COUNT_MAXIMUM = 13
_REPEATED_MINIMUM = 2


def answer_is_doubtful(*, question: str, answer: str, passages: Sequence[Passage]) -> bool:
    """Whether the answer is likely none: it only repeats the question, brings in what no passage has, or the question
    names what no passage knows.
    """
    texts = [f"{passage.filename} {' '.join(passage.heading_path)}\n{passage.text}" for passage in passages]
    return (
        _is_echo(question, answer)
        or bool(strangers_of(question, texts))
        or bool(opposites_of(question, texts))
        or bool(years_elsewhere(question, texts))
        or bool(swaps_of(question, texts))
        or _is_negated_otherwise(question, answer, texts)
        or _has_new_values(answer, question, texts)
        or _share(answer, question, texts) < _SHARE_MINIMUM
    )


def strangers_of(question: str, texts: Iterable[str]) -> list[str]:
    """The names and figures of the question that stand nowhere in the texts, small differences in spelling aside.

    In German every noun is written like a name: there only figures count.
    """
    is_german = language_of(question) == "de"
    flat = plain("\n".join(texts))
    words = set(re.findall(r"[^\W_]+", flat))
    numbers = numbers_in(flat)
    strangers = []
    for match in _NAME.finditer(question):
        name = plain(re.sub(r"['’]s?$", "", match[0].strip(".,'’\"")))
        if any(map(str.isdigit, name)):
            figures = numbers_in(name)
            is_known = not figures.isdisjoint(numbers) or max(figures, default=0) < _COUNT_MAXIMUM
        else:
            is_known = is_german or len(name) < _NAME_LENGTH or _is_acronym(match[0]) or is_any_of(name, words)
        if name not in flat and not is_known:
            strangers.append(match[0])
    return strangers


def opposites_of(question: str, texts: Iterable[str]) -> list[str]:
    """Words of the question that the texts lack while they have the opposite: most for least, uninvited for invited."""
    known = set(re.findall(r"[^\W_]+", "\n".join(texts).casefold()))
    # "How long" does not say that it is.
    asked = [word for word in re.findall(r"(?<!how )\b[^\W_]+", question.casefold()) if word not in known]
    return [
        word
        for word in asked
        if any((word, other) in _OPPOSITES for other in known) or not known.isdisjoint(_turned(word))
    ]


def years_elsewhere(question: str, texts: Iterable[str]) -> list[str]:
    """Years of the question that the texts have, but elsewhere: the sentence that says most of what is asked names
    another year.

    A line that is no sentence, such as a heading, dates the lines after it; nothing else is carried over.
    """
    asked = list(dict.fromkeys(_YEAR.findall(question)))
    wanted = {word for word in words_of(question) if not any(map(str.isdigit, word))}
    if not asked or not wanted:
        return []
    dated = [
        (len(wanted & set(words_of(sentence))), years, own) for text in texts for sentence, years, own in _dated(text)
    ]
    return [year for year in asked if _is_elsewhere(year, dated, count=len(wanted))]


def _dated(text: str) -> Iterator[tuple[str, set[str], set[str]]]:
    """Each sentence with the years that it is about, and those that it names itself."""
    heading: set[str] = set()
    for line in text.splitlines():
        if len(line) <= _HEADING_LENGTH and not line.rstrip("\"'”’) ").endswith((".", "!", "?", ";", ",")):
            heading = set(_YEAR.findall(line)) or heading
        for sentence in sentences_of(line):
            own = set(_YEAR.findall(sentence))
            yield sentence, own | heading, own


def _is_elsewhere(year: str, dated: Sequence[tuple[int, set[str], set[str]]], *, count: int) -> bool:
    here = [shared for shared, years, _ in dated if year in years]
    others = [(shared, own) for shared, years, own in dated if year not in years]
    if not here or not others:
        return False
    shared, own = max(others, key=lambda other: other[0])
    is_about = shared >= max(_YEAR_WORDS_MINIMUM, _YEAR_SHARE * count)
    return bool(own) and is_about and (shared - max(here)) / count > _YEAR_MARGIN


def _turned(word: str) -> set[str]:
    """The word with and without a prefix that negates it."""
    bare = {word.removeprefix(prefix) for prefix in _NEGATED if word.startswith(prefix)} - _NOT_NEGATED
    long = {other for other in bare if len(other) >= _NEGATED_LENGTH}
    if len(word) < _NEGATED_LENGTH or word in _NOT_NEGATED:
        return long
    return long | {f"{prefix}{word}" for prefix in _NEGATED}


def _is_echo(question: str, answer: str) -> bool:
    # The answer to "is it this or that" stands in the question.
    offers = _YES_NO.match(question) or _OR.search(question)
    return not offers and set(words_of(answer)) <= set(words_of(question))


def _is_negated_otherwise(question: str, answer: str, texts: Sequence[str]) -> bool:
    """Whether the question asks what is not so, and the answer or the place that it is from says what is."""
    if not _NEGATION.search(_NO_NEGATION.sub(" ", question)):
        return False
    if not _is_negative(answer) and len(set(words_of(answer)) & set(words_of(question))) >= _REPEATED_MINIMUM:
        # It says the question's words back, without the "not".
        return True
    wanted = set(words_of(answer)) | set(words_of(question))
    sentences = [sentence for text in texts for sentence in sentences_of(text)]
    return not _is_negative(max(sentences, key=lambda sentence: len(wanted & set(words_of(sentence))), default=""))


def _is_negative(text: str) -> bool:
    return bool(_NEGATION.search(text) or _OPPOSITE.search(text))


def _has_new_values(answer: str, question: str, texts: Sequence[str]) -> bool:
    """Figures, dates, addresses and whole names of which the passages know nothing; a word of a name may be changed."""
    values = values_unsupported(answer, question=question, passages=texts)
    return any(value.kind != "name" or " " in answer[value.start : value.end] for value in values)


def _share(answer: str, question: str, texts: Sequence[str]) -> float:
    """How much of what the answer adds to the question stands in the passages."""
    words = set(words_of(answer)) - set(words_of(question))
    known = set(words_of("\n".join(texts)))
    return len(words & known) / len(words) if len(words) >= _SHARE_WORDS_MINIMUM else 1.0


def _is_acronym(word: str) -> bool:
    """Whether it is short for something that the texts may write out."""
    return len(word) <= _ACRONYM_LENGTH and sum(map(str.isupper, word)) > 1
