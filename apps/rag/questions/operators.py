"""Operators in a question: `file:`, `collection:`, `type:`, `before:`, `after:`, `tag:` and `"exact words"`. Pure.

A value with spaces stands in quotation marks, as in `file:"annual report"`. A backslash before an operator or a
quotation mark takes its meaning away. What cannot be understood becomes words again and is told.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apps.documents.types import FileKind
from apps.rag.types import SearchFilters

NAMES = ("file", "collection", "type", "before", "after", "tag")
TYPES = {
    "pdf": FileKind.PDF,
    "docx": FileKind.DOCX,
    "word": FileKind.DOCX,
    "md": FileKind.MARKDOWN,
    "markdown": FileKind.MARKDOWN,
    "txt": FileKind.TEXT,
    "text": FileKind.TEXT,
}
# More of them than anybody writes; what is beyond stays words.
OPERATORS_MAXIMUM = 20
VALUE_LENGTH = 255
# A longer quotation is cited to be talked about, not to be found word for word.
PHRASE_WORDS = 12
TAG_LENGTH = 50
_SHOWN_LENGTH = 40

_QUOTED = r'"(?:[^"\\\n]|\\.){0,300}"|“[^”\n]{0,300}”|„[^“”\n]{0,300}[“”]|«[^»\n]{0,300}»'
_NAMES = "|".join(NAMES)
_OPERATOR = re.compile(
    rf"""
    (?<![^\s(\[])(?P<escape>\\)(?:["“„«]|(?:{_NAMES}):)
    | (?<![^\s(\[])(?P<negation>-)?(?P<name>{_NAMES}):(?P<value>{_QUOTED}|[^\s"“„«]\S*|["“„«])
    | (?<!\S)(?P<phrase>{_QUOTED})(?=[\s.,;:!?)\]]|$)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A sentence's own punctuation after a value. A bracket goes with the one that was opened before the operator.
_TRAILING = ".,;:!?)]"
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{0,90}", re.ASCII)
# After these a name belongs to the sentence.
_PREPOSITION_TEXT = """
    in from of about by per to with within inside under does do is the
    aus im von vom zu über laut nach der die das dans de du des sur selon le la les en del sobre según el los las
"""
_PREPOSITIONS = frozenset(_PREPOSITION_TEXT.split())
_SPACES = re.compile(r"[^\S\n]+")
_POINTS = re.compile(r" *[.,;:]+(?= *[.,;:!?])| +(?=[.,;:!?)\]])|[(\[] *[)\]]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuestion:
    """A question with its operators taken out.

    `text`: the words to search for; a file or collection that is named inside a sentence keeps its name there. Without
    any words of its own, the operators' values. `collection_names`: documents of any of them are meant.
    `problems`: sentences for the person about operators that could not be understood.
    """

    text: str
    filters: SearchFilters = field(default_factory=SearchFilters)
    collection_names: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def question_parse(text: str) -> ParsedQuestion:
    """The question's words and what its operators ask for. Never raises."""
    reading = _Reading(text)
    words = _OPERATOR.sub(reading.replacement, text)
    if reading.is_changed:
        # Only then: a piece of program keeps its gaps.
        words = _tidied(words) or " ".join(reading.values)
    return ParsedQuestion(
        text=words,
        filters=reading.filters,
        collection_names=tuple(dict.fromkeys(reading.collection_names)),
        problems=tuple(dict.fromkeys(reading.problems)),
    )


class _Reading:
    """Goes through a question's operators from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0
        self.is_changed = False
        # In a piece of program, quotation marks are the program's.
        self._has_phrases = "```" not in text
        self.filters = SearchFilters()
        self.collection_names: list[str] = []
        self.problems: list[str] = []
        self.values: list[str] = []

    def replacement(self, match: re.Match[str]) -> str:
        """What stands in the text instead of the operator; all of it where it is none."""
        if match["escape"]:
            self.is_changed = True
            return match[0][1:]
        self._count += 1
        if self._count > OPERATORS_MAXIMUM:
            return match[0]
        return self._phrase(match) if match["phrase"] else self._named(match)

    def _phrase(self, match: re.Match[str]) -> str:
        words = _unquoted(match["phrase"])
        if not self._has_phrases or not words:
            return match[0]
        if len(words.split()) > PHRASE_WORDS:
            self.problems.append(
                f"“{_shown(words)}” has more than {PHRASE_WORDS} words; it was looked for as words, not exactly."
            )
        else:
            self.filters = replace(self.filters, phrases=(*self.filters.phrases, words))
        self.is_changed = True
        return words

    def _named(self, match: re.Match[str]) -> str:
        name, value = match["name"].lower(), match["value"]
        rest = ""
        if value[0] not in '"“„«':
            bare = _without_trailing(value)
            value, rest = bare, value[len(bare) :]
        elif len(value) == 1:
            return self._problem(match, "the quotation mark is not closed")
        value = _unquoted(value)[:VALUE_LENGTH].strip()
        if match["negation"]:
            return self._problem(match, "an operator cannot be turned round with a minus")
        if not value:
            return self._problem(match, "it has no value")
        problem = self._take(name, value)
        if problem:
            return self._problem(match, problem)
        self.is_changed = True
        self.values.append(value)
        is_inside = name in ("file", "collection") and self._is_inside_sentence(match)
        return (value if is_inside else "") + rest

    def _take(self, name: str, value: str) -> str:
        """Add the operator to what is asked for, or say what is wrong with it."""
        match name:
            case "file":
                return self._set("filename", value)
            case "collection":
                self.collection_names.append(value)
                return ""
            case "type":
                return self._type(value.lower().lstrip("."))
            case "tag":
                return self._tag(value.lower())
            case _:
                return self._date(name, value)

    def _type(self, value: str) -> str:
        mime = TYPES.get(value) or (value if _MEDIA_TYPE.fullmatch(value) else "")
        return self._set("mime", str(mime)) if mime else "types are pdf, docx, md and txt, or a media type"

    def _tag(self, value: str) -> str:
        if len(value) > TAG_LENGTH:
            return f"a tag has at most {TAG_LENGTH} characters"
        self.filters = replace(self.filters, tags=tuple(dict.fromkeys((*self.filters.tags, value))))
        return ""

    def _date(self, name: str, value: str) -> str:
        moment = date_read(value)
        return self._set(name, moment) if moment else "a date looks like 2024-03-31, 2024-03 or 2024"

    def _set(self, name: str, value: str | datetime) -> str:
        if getattr(self.filters, name) not in ("", None, value):
            return "it can be given only once"
        changes: dict[str, Any] = {name: value}
        self.filters = replace(self.filters, **changes)
        return ""

    def _problem(self, match: re.Match[str], sentence: str) -> str:
        self.problems.append(f"“{_shown(match[0])}” was taken as words: {sentence}.")
        return match[0]

    def _is_inside_sentence(self, match: re.Match[str]) -> bool:
        before = self._text[: match.start()].split()
        after = self._text[match.end() :].lstrip(" ")
        if not before:
            return False
        goes_on = before[-1][-1].isalnum() and after[:1].islower() and not _OPERATOR.match(after)
        return goes_on or before[-1].lower() in _PREPOSITIONS


def date_read(value: str) -> datetime | None:
    """The beginning of the day, month or year in UTC; None if it is no date."""
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    try:
        return datetime(int(match[1]), int(match[2] or 1), int(match[3] or 1), tzinfo=UTC)
    except ValueError:
        return None


def _unquoted(value: str) -> str:
    if value[0] in '"“„«' and len(value) > 1:
        value = value[1:-1]
    return " ".join(value.replace('\\"', '"').replace("\x00", " ").split())


def _without_trailing(value: str) -> str:
    """Without the sentence's punctuation; a bracket stays where the value opened it."""
    while value and value[-1] in _TRAILING:
        if value[-1] in ")]" and {")": "(", "]": "["}[value[-1]] in value:
            break
        value = value[:-1]
    return value


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"


def _tidied(text: str) -> str:
    """Without the gaps that operators leave. Lines stay as they are."""
    text = _POINTS.sub("", _SPACES.sub(" ", text.replace('\\"', '"')))
    text = _SPACES.sub(" ", text).strip(" \n,;:")
    return text if any(character.isalnum() for character in text) else ""
