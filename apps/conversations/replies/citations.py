"""Citation markers in a streamed answer: every [n] that people see names a passage that was retrieved."""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from apps.conversations.replies.matching import quote_of, sentences_of, supporters_of
from apps.rag.types import Passage

# Longer than any list of markers that makes sense; what grows beyond it is text.
_MARKER_LENGTH = 48
_SPACES_LENGTH = 8
# How much of the answer before a marker is looked at for the claim that it stands behind.
_CLAIM_LENGTH = 400
_RANGE_LENGTH = 10

_LIST = re.compile(r"\s*\d{1,2}(?:\s*[,;–-]\s*\d{1,2})*\s*")
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_OPENING = "[【"
_INSIDE = frozenset("0123456789 ,;–-")
# Nothing in a text without these is a marker, a code mark or the space before a marker.
_SPECIAL = re.compile(r"[\[【`~\n ]")
_MARKED = re.compile(r"\s*\[\d{1,2}\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """From here on [index] stands for the passage; `quote` are its sentences that carry the claim."""

    index: int
    passage: Passage
    quote: str


Piece: TypeAlias = str | Cited


class CitationFilter:
    """Lets an answer through piece by piece and holds back only what may become a marker.

    Accepts [1], [1, 2], [1-3], [1][2] and 【1】 (also 【1†source】). A marker that names no passage is dropped with the
    space before it; the others are renumbered in order of appearance. Code and links such as [1](address) stay.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._index_of: dict[int, int] = {}
        self._code = _CodeTracker()
        self._held = ""
        self._recent = ""
        # Markers that stand side by side, for [1][1].
        self._chain: set[int] = set()

    @property
    def has_cited(self) -> bool:
        return bool(self._index_of)

    def feed(self, text: str) -> Iterator[Piece]:
        """What can be shown now: texts, and before the first use of each number the Cited that explains it."""
        if not self._held and not _SPECIAL.search(text) and not self._code.has_run:
            yield self._text(text)
            return
        ready: list[str] = []
        for character in text:
            for piece in self._character(character):
                if isinstance(piece, Cited):
                    if ready:
                        yield "".join(ready)
                        ready = []
                    yield piece
                else:
                    ready.append(piece)
        if ready:
            yield "".join(ready)

    def finish(self) -> Iterator[Piece]:
        """What was held back at the end of the answer. A marker that was cut off is dropped."""
        held, self._held = self._held, ""
        bare = held.lstrip(" ")
        if not bare:
            if held:
                yield held
        elif bare[-1] in "]】":
            yield from self._marker(held)
        elif len(bare) == 1:
            yield self._text(held)

    def attribute(self, *, answer: str, question: str) -> Iterator[Piece]:
        """Markers for an answer that has none: the passages that it was evidently taken from."""
        if self.has_cited:
            return
        markers = []
        for passage in supporters_of(answer, question=question, passages=self._passages):
            index = self._index_of.setdefault(self._passages.index(passage), len(self._index_of) + 1)
            yield Cited(index=index, passage=passage, quote=quote_of(passage.text, claim=f"{answer} {question}"))
            markers.append(f"[{index}]")
        if markers:
            yield f"{'' if answer.endswith((' ', chr(10))) else ' '}{''.join(markers)}"

    def _character(self, character: str) -> Iterator[Piece]:
        if self._held:
            taken = yield from self._continued(character)
            if taken:
                return
        if character in "[【 " and not self._code.is_code_before(character):
            self._held = character
            return
        yield self._text(character)

    def _continued(self, character: str) -> Generator[Piece, None, bool]:
        """Try the character as part of what is held. Returns whether it was used up."""
        held = self._held
        bare = held.lstrip(" ")
        if not bare:
            if character in _OPENING or (character == " " and len(held) < _SPACES_LENGTH):
                self._held += character
                return True
        elif bare[-1] == "]":
            # Only now is it known that no address follows.
            self._held = ""
            if character == "(":
                yield self._text(held)
            else:
                yield from self._marker(held)
            return False
        elif self._is_inside(bare, character):
            self._held += character
            if character == "】":
                self._held = ""
                yield from self._marker(held + character)
            return True
        self._held = ""
        yield self._text(held)
        return False

    def _is_inside(self, bare: str, character: str) -> bool:
        if len(bare) >= _MARKER_LENGTH:
            return False
        if bare[0] == "【":
            is_named = character == "†" or ("†" in bare and character != "\n")
            return is_named or character in _INSIDE or character == "】"
        if character == "]":
            return _LIST.fullmatch(bare[1:]) is not None
        return character in _INSIDE

    def _marker(self, held: str) -> Iterator[Piece]:
        """A whole marker with the spaces before it, in the numbers that people see."""
        bare = held.lstrip(" ")
        listed = bare[1:-1].partition("†")[0]
        if _LIST.fullmatch(listed) is None:
            yield self._text(held)
            return
        shown: list[int] = []
        for number in _numbers(listed):
            if not 1 <= number <= len(self._passages):
                continue
            position = number - 1
            if position not in self._index_of:
                self._index_of[position] = len(self._index_of) + 1
                passage = self._passages[position]
                quote = quote_of(passage.text, claim=self._claim())
                yield Cited(index=self._index_of[position], passage=passage, quote=quote)
            index = self._index_of[position]
            if index not in shown and index not in self._chain:
                shown.append(index)
        if shown:
            spaces = held[: len(held) - len(bare)]
            self._chain.update(shown)
            yield spaces + "".join(f"[{index}]" for index in shown)

    def _claim(self) -> str:
        sentences = sentences_of(self._recent)
        return sentences[-1] if sentences else ""

    def _text(self, text: str) -> str:
        self._code.read(text)
        self._recent = (self._recent + text)[-_CLAIM_LENGTH:]
        if self._chain and text.strip():
            self._chain.clear()
        return text


class _CodeTracker:
    """Whether the place in a Markdown text is inside a fenced block or inline code."""

    def __init__(self) -> None:
        self._fence = ""
        self._span = 0
        self._run = ""
        self._line = ""

    @property
    def has_run(self) -> bool:
        return bool(self._run)

    def read(self, text: str) -> None:
        for character in text:
            self._read(character)

    def is_code_before(self, character: str) -> bool:
        """Whether `character`, which comes next, stands in code."""
        if self._run and character != self._run[0]:
            self._run_ended()
        return bool(self._fence or self._span or self._run)

    def _read(self, character: str) -> None:
        if self._run and character != self._run[0]:
            self._run_ended()
        if character == "\n":
            if not self._line.strip():
                # Inline code does not go beyond its paragraph.
                self._span = 0
            self._line = ""
            return
        if character in "`~":
            self._run += character
        self._line += character

    def _run_ended(self) -> None:
        run, self._run = self._run, ""
        stands_first = self._line.strip() == run
        if self._fence:
            if stands_first and run.startswith(self._fence):
                self._fence = ""
        elif stands_first and len(run) >= 3:
            self._fence = run
        elif run[0] == "`" and len(run) == (self._span or len(run)):
            self._span = 0 if self._span else len(run)


def markers_strip(text: str) -> str:
    """The text without markers, as a model shall see its own earlier answers: old numbers mean other passages."""
    return _MARKED.sub("", text)


def _numbers(listed: str) -> Iterator[int]:
    for match in _RANGE.finditer(listed):
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if first <= last < first + _RANGE_LENGTH:
            yield from range(first, last + 1)
        else:
            yield from (first, last)
