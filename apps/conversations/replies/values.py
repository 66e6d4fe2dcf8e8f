"""Numbers, dates, names and addresses of an answer that stand in no passage. Pure.

A model that invents mostly invents these, and they are what people carry on. Values are compared by what they mean
(1,000 is 1000 is one thousand, 3 March is 03.03.), names by their words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from apps.conversations.replies.quantities import DATE, FIGURES, dates_in, numbers_in, numbers_of

Kind: TypeAlias = Literal["number", "date", "name", "address"]

_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_PATH = r"[^\s<>()\[\]\"'`]"
_DOMAINS = r"com|org|net|edu|gov|eu|de|fr|es|it|pt|nl|ch|at|uk|io|info"
_WEB = rf"(?:https?://|www\.){_PATH}+|\b(?:[a-z\d-]+\.)+(?:{_DOMAINS})\b(?:/{_PATH}*)?"
_STREET = (
    r"\d{1,5}[a-z]? (?:[A-ZÀ-Ý][\w.'-]+ ){1,4}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Square|Place|Court)\b\.?"
    r"|[A-ZÀ-Ý][\w.-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|plein) \d{1,4}[a-z]?\b"
    r"|\d{1,4},? (?:rue|avenue|boulevard|place) [^\s,.]+(?: [A-ZÀ-Ý][\w'-]+){0,3}"
    r"|(?:calle|via|rua|avenida|piazza|plaza) (?:[A-ZÀ-Ý][\w'-]+ ?){1,4},? \d{1,4}\b"
)
_ADDRESS = re.compile(f"(?P<mail>{_EMAIL})|(?P<web>{_WEB})|(?P<street>{_STREET})")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MARKER = re.compile(r"\[\d{1,2}\]|^\s*(?:\d{1,3}[.)]|[*+-]|#{1,6})\s", re.MULTILINE)
_SCALE = r"(?:%|percent\b|per cent\b|thousand\b|million\b|billion\b|trillion\b|bn\b|[kKmM]\b)"
_NUMBER = re.compile(rf"(?<![\w.,])[-−–]?[$€£¥]?\s?{FIGURES}(?:\s?{_SCALE})?")
_NAME_WORD = r"[A-ZÀ-ÝА-Я][\w'’&-]*"
_NAME = re.compile(rf"{_NAME_WORD}(?:(?: (?:of|the|de|la|le|del|van|von|der|den|da|di|do|dos|y|and|&))? {_NAME_WORD})*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
# Words that begin sentences or are written large without being names.
_COMMON_TEXT = """
    a an the this that these those it its he she they we you i in on at by for from to of with as if when while where
    after before during since until although though because but and or nor so yet however therefore moreover also thus
    there here then according yes no not note answer context passage passages document documents source question unknown
    what who which how why whose his her their our my your one two three four five six seven eight nine ten first second
    third some many most all both each every other another more less few several such only
    january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday mr mrs ms dr prof
    der die das ein eine es er sie wir ich im in am auf und oder aber wenn nach vor laut le la les un une des il
    elle ils nous en dans selon el los las una en según lo gli nel secondo o os as um uma no na segundo de het
    een volgens
"""
_COMMON = frozenset(_COMMON_TEXT.split())
_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|nicht|ein|eine|wird|mit|von|für)\b")


@dataclass(frozen=True, slots=True)
class Value:
    """Characters [start, end) of a text."""

    start: int
    end: int
    kind: Kind


def values_unsupported(answer: str, *, question: str, passages: Sequence[str]) -> list[Value]:
    """The values of the answer that stand neither in a passage nor in the question, in order."""
    known = _Known([question, *passages])
    text = _blanked(answer)
    found: list[Value] = []
    for start, end, kind, is_known in _values(text, known):
        if not is_known and not any(start < value.end and value.start < end for value in found):
            found.append(Value(start, end, kind))
    return sorted(found, key=lambda value: value.start)


class _Known:
    """What the passages and the question hold."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._flat = "\n".join(texts).casefold()
        self.words = {_word_key(word) for word in _WORD.findall(self._flat)}
        self.dates = dates_in(self._flat)
        self.numbers = numbers_in(self._flat) | {part for date in self.dates for part in _parts(date)}

    def has_text(self, text: str) -> bool:
        return text.casefold() in self._flat

    def has_date(self, text: str) -> bool:
        """Whether a date that fits stands there: the answer's may be coarser, not finer."""
        return any(
            all(mine is None or mine == theirs for mine, theirs in zip(wanted, date, strict=True))
            for wanted in dates_in(text.casefold())
            for date in self.dates
        )


def _values(text: str, known: _Known) -> Iterator[tuple[int, int, Kind, bool]]:
    """All values with whether they are known. What one kind took, the later ones do not see."""
    taken = [False] * len(text)

    def free(match: re.Match[str]) -> bool:
        is_free = not any(taken[match.start() : match.end()])
        if is_free:
            taken[match.start() : match.end()] = [True] * (match.end() - match.start())
        return is_free

    for match in filter(free, _ADDRESS.finditer(text)):
        yield match.start(), _trimmed(match), "address", _is_address_known(match, known)
    for match in filter(free, DATE.finditer(text)):
        yield match.start(), match.end(), "date", known.has_date(match[0])
    for match in filter(free, _NUMBER.finditer(text)):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        yield start, match.end(), "number", bool(numbers_of(match[0].casefold()) & known.numbers)
    is_german = len(_GERMAN.findall(text)) > len(text) / 80
    for match in filter(free, _NAME.finditer(text)):
        yield from _name(match, known, is_german=is_german, is_first=_begins_sentence(text, match.start()))


def _name(
    match: re.Match[str], known: _Known, *, is_german: bool, is_first: bool
) -> Iterator[tuple[int, int, Kind, bool]]:
    """The part of a name whose words nobody wrote."""
    words = [word for word in _WORD.finditer(match[0]) if word[0][0].isupper() and word[0].casefold() not in _COMMON]
    strange = [word for word in words if not _is_word_known(word[0], known)]
    if not strange:
        return
    # The first word of a sentence and any German noun are written large too.
    is_certain = len(words) > 1 if is_german or is_first else True
    if is_first and len(words) > 1 and strange == words[:1]:
        is_certain = False
    if is_certain:
        yield match.start() + strange[0].start(), match.start() + strange[-1].end(), "name", False


def _is_word_known(word: str, known: _Known) -> bool:
    key = _word_key(word.casefold())
    return key in _COMMON or len(key) < 2 or key in known.words or known.has_text(key)


def _is_address_known(match: re.Match[str], known: _Known) -> bool:
    text = match[0].rstrip(".,;:!?")
    if match["street"]:
        return all(_word_key(word.casefold()) in known.words for word in _WORD.findall(text))
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", text.casefold()).rstrip("/")
    return known.has_text(bare)


def _trimmed(match: re.Match[str]) -> int:
    return match.start() + len(match[0].rstrip(".,;:!?"))


def _blanked(answer: str) -> str:
    """The answer, as long as before, without code, markers and the numbers of lists."""
    for pattern in (_CODE, _MARKER):
        answer = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), answer)
    return answer


def _begins_sentence(text: str, at: int) -> bool:
    before = text[:at].rstrip(" \"'“„«(*_")
    return not before or before[-1] in ".!?:\n"


def _word_key(word: str) -> str:
    word = re.sub(r"['’]s?$|['’]s\b", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _parts(date: Iterable[int | None]) -> Iterator[float]:
    yield from (float(part) for part in date if part is not None)
