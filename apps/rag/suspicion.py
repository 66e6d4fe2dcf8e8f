"""Passages that speak to a machine instead of to readers. Pure.

Documents are hostile until proven otherwise: somebody may have written "ignore your instructions" into one. Such places
are found when a passage is indexed, shown to readers as a flag, and left out of what a model reads. What gets past the
rules meets the fence in the prompt.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apps.rag.suspicion_rules import MARKUP, MARKUP_SIGNS, RULES

INSTRUCTIONS = "instructions"
INVISIBLE = "invisible"
LEAK = "leak"
FLAGS = {
    INSTRUCTIONS: "Contains text that gives orders to an assistant",
    INVISIBLE: "Contains invisible characters",
    LEAK: "Contains an address that could carry data away",
}

# An order whose words end with a colon announces what to say: the next line belongs to it.
_PAYLOAD_LENGTH = 400
_SENTENCE = re.compile(r"[^\n]*?(?:[.!?]+[\"'”’»)\]>]*(?=\s|$)|(?=\n)|$)")
_WORD = re.compile(r"[^\W_]+")

# Zero-width and direction marks inside words, and the tag characters that spell text nobody sees.
_UNSEEN = re.compile("[​⁠⁡-⁤\U000e0020-\U000e007f‪-‮⁦-⁩]")
_UNSEEN_MINIMUM = 3
# An image or link of Markdown or HTML whose address has room for what the model is told to put there.
_CARRIER = re.compile(
    r"!\[[^\]\n]{0,200}\]\(\s*https?://[^)\s]+[?=/]\s*(?:\{|\[|<|%7B|\$|YOUR|DATA)[^)\n]*\)"
    r"|https?://[^\s)\"'<>]+[?&][\w-]+=(?:\{[^}\n]*\}|\[[^\]\n]*\]|<[^>\n]*>|%7B|\$\{)"
    r"|!\[[^\]\n]{0,200}\]\(\s*(?:https?:)?//[^)\s]+\?[^)\s]*=\s*\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Characters [start, end) of a text, and the flag that says why."""

    start: int
    end: int
    flag: str


def suspicions_in(text: str) -> list[Suspicion]:
    """The places, in order and without overlap."""
    found = [
        *(Suspicion(start, end, INSTRUCTIONS) for start, end in _orders(text)),
        *(Suspicion(match.start(), match.end(), LEAK) for match in _CARRIER.finditer(text)),
    ]
    merged: list[Suspicion] = []
    for place in sorted(found, key=lambda place: (place.start, -place.end)):
        if merged and place.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Suspicion(last.start, max(last.end, place.end), last.flag)
        else:
            merged.append(place)
    return merged


def flags_of(text: str) -> tuple[str, ...]:
    """The flags of a passage, in the order of FLAGS."""
    flags = {place.flag for place in suspicions_in(text)}
    if len(_UNSEEN.findall(text)) >= _UNSEEN_MINIMUM:
        flags.add(INVISIBLE)
    return tuple(flag for flag in FLAGS if flag in flags)


def text_defused(text: str) -> str:
    """The text without the suspicious places and without invisible characters: what a model may read."""
    parts, last = [], 0
    for place in suspicions_in(text):
        parts.append(text[last : place.start])
        last = place.end
    parts.append(text[last:])
    return _UNSEEN.sub("", "[…]".join(parts) if len(parts) > 1 else parts[0])


def _orders(text: str) -> Iterator[tuple[int, int]]:
    """Each sentence with an order, to the end of what it announces."""
    for found, found_end in _matches(text):
        start = max(text.rfind("\n", 0, found) + 1, _sentence_start(text, found))
        end = _sentence_end(text, max(found_end, found + 1))
        yield start, _with_payload(text, end)


def _matches(text: str) -> Iterator[tuple[int, int]]:
    """Where rules match. Those of which no trigger stands in the text are not tried."""
    lowered = text.casefold()
    words = set(_WORD.findall(lowered))
    for rule in RULES:
        if not rule.triggers.isdisjoint(words):
            yield from map(_span, rule.pattern.finditer(text))
    if any(sign in lowered for sign in MARKUP_SIGNS):
        yield from map(_span, MARKUP.finditer(text))


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Without the end of the sentence before, which some rules look at."""
    return match.end() - len(match[0].lstrip(" \t\n.!?:")), match.end()


def _sentence_start(text: str, at: int) -> int:
    ends = [match.end() for match in re.finditer(r"[.!?][\"'”’»)\]]*\s+", text[max(0, at - 300) : at])]
    return max(0, at - 300) + ends[-1] if ends else 0 if at <= 300 else at


def _sentence_end(text: str, at: int) -> int:
    match = _SENTENCE.match(text, at)
    return match.end() if match else len(text)


def _with_payload(text: str, end: int) -> int:
    """Beyond a colon, an opening bracket or a quote that is still open."""
    tail = text[max(0, end - 80) : end].rstrip()
    if re.search(r"[\"”’>]\s*:$", tail):
        # What to say stands before the colon already.
        return end
    if tail.endswith((":", ">", "brackets")) or tail.count('"') % 2 or tail.count("“") > tail.count("”"):
        line = text.find("\n", min(len(text), end + 1))
        return min(len(text), end + _PAYLOAD_LENGTH, line if line >= 0 else len(text))
    return end
