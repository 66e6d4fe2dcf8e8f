"""Marks on places of a Markdown text, carried through its rendering.

Invisible characters stand for each mark's two ends while the text is rendered and sanitised; afterwards they become
elements around the words between them. A mark whose characters would change anything else in the page is dropped.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe

from chatbot.lib.markdown import CACHED_TEXTS, Chip, render

# More marks than that tell nobody anything, and each may cost a rendering.
MARKS_MAXIMUM = 100
# The private plane's end: two characters a mark. A text that has them itself is shown without marks.
_FIRST = 0x10F000
_SENTINEL = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + 2 * MARKS_MAXIMUM)}]")
_TAG = re.compile(r"""<(/?)([a-z0-9]+)((?:[^>"']|"[^"]*"|'[^']*')*)>""")
# What begins a line or a phrase in Markdown and is no word of it.
_BEFORE = re.compile(r"(?:\s|[#>*+|~_-]|\d{1,3}[.)]\s|\[[ xX]\]\s)*")
# Markers of sources and closing marks of Markdown behind a sentence.
_AFTER = re.compile(r"(?:\s|\[\d{1,3}\]|[*_~|])*\Z")


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters [start, end) of the text. `style` is a class of the element; `said` is read out behind the words and
    shown when one points at them.
    """

    start: int
    end: int
    style: str
    said: str


def render_marked(text: str, *, marks: Sequence[Mark], chips: Mapping[int, Chip] | None = None) -> SafeString:
    """As `markdown.render`, with the marks' words in <mark> elements. Marks in blocks of code are left out."""
    known = tuple(sorted((chips or {}).items(), key=lambda item: item[0]))
    return mark_safe(_marked(text, known, tuple(marks)))  # noqa: S308


@lru_cache(maxsize=CACHED_TEXTS)
def _marked(text: str, chips: tuple[tuple[int, Chip], ...], marks: tuple[Mark, ...]) -> str:
    known = dict(chips)
    plain = render(text, chips=known)
    placed = list(_placed(text, marks))
    if not placed or _SENTINEL.search(text):
        return plain
    markup = _with_sentinels(text, placed, known)
    if _SENTINEL.sub("", markup) != plain:
        placed = [mark for mark in placed if _SENTINEL.sub("", _with_sentinels(text, [mark], known)) == plain]
        markup = _with_sentinels(text, placed, known)
    return "".join(_elements(markup, placed)) if _SENTINEL.sub("", markup) == plain else plain


def _placed(text: str, marks: Sequence[Mark]) -> Iterator[Mark]:
    """The marks around words only; what lies outside the text or holds no word is left out."""
    for mark in marks[:MARKS_MAXIMUM]:
        if not 0 <= mark.start < mark.end <= len(text):
            continue
        words = text[mark.start : mark.end]
        words = words[: len(words) - len(_AFTER.search(words)[0])]  # type: ignore[index]  # matches the empty end
        before = _BEFORE.match(words)
        start = mark.start + (before.end() if before else 0)
        if start < mark.start + len(words):
            yield Mark(start, mark.start + len(words), mark.style, mark.said)


def _with_sentinels(text: str, marks: Sequence[Mark], chips: Mapping[int, Chip]) -> str:
    ends = [(mark.start, 1, _opening(number)) for number, mark in enumerate(marks)]
    ends += [(mark.end, 0, _closing(number)) for number, mark in enumerate(marks)]
    parts, last = [], 0
    for place, _, sentinel in sorted(ends):
        parts += [text[last:place], sentinel]
        last = place
    return render("".join([*parts, text[last:]]), chips=chips)


def _opening(number: int) -> str:
    return chr(_FIRST + 2 * number)


def _closing(number: int) -> str:
    return chr(_FIRST + 2 * number + 1)


def _elements(markup: str, marks: Sequence[Mark]) -> Iterator[str]:
    """The markup with elements for the sentinels. Each run of text between two tags gets its own, so that all nest."""
    is_open: list[int] = []
    # Inside these no element may begin: a block of code, the chip of a source, a button.
    closed = ""
    place = 0
    for tag in [*_TAG.finditer(markup), None]:
        end = tag.start() if tag else len(markup)
        yield from _text(markup[place:end], marks, is_open, is_closed=bool(closed))
        if tag is None:
            return
        yield _SENTINEL.sub("", tag[0])
        place = tag.end()
        if not closed and not tag[1] and (tag[2] in {"pre", "button"} or 'class="citation"' in tag[3]):
            closed = tag[2]
        elif tag[1] and tag[2] == closed:
            closed = ""


def _text(text: str, marks: Sequence[Mark], is_open: list[int], *, is_closed: bool) -> Iterator[str]:
    place = 0
    for sentinel in [*_SENTINEL.finditer(text), None]:
        run = text[place : sentinel.start() if sentinel else len(text)]
        yield _element(run, [marks[number] for number in is_open]) if run.strip() and not is_closed else run
        if sentinel is None:
            return
        place = sentinel.end()
        number, is_closing = divmod(ord(sentinel[0]) - _FIRST, 2)
        if not is_closing:
            is_open.append(number)
        elif number in is_open:
            is_open.remove(number)
            if not is_closed:
                yield f'<span class="visually-hidden"> ({html.escape(marks[number].said)})</span>'


def _element(run: str, marks: Sequence[Mark]) -> str:
    if not marks:
        return run
    styles = " ".join(dict.fromkeys(mark.style for mark in marks))
    return f'<mark class="{styles}" title="{html.escape(marks[-1].said)}">{run}</mark>'
