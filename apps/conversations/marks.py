"""What is doubtful in an answer, as marks on its words and in a sentence below it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.conversations.models import Message
from chatbot.lib.marking import Mark

SENTENCE_STYLE = "doubt-sentence"
VALUE_STYLE = "doubt-value"
_SENTENCE_SAID = "Not supported by its source"
_KINDS: Mapping[str, tuple[str, str]] = {
    "number": ("This number stands in no passage", "numbers"),
    "date": ("This date stands in no passage", "dates"),
    "name": ("This name stands in no passage", "names"),
    "address": ("This address stands in no passage", "addresses"),
}
_OTHER = ("This stands in no passage", "values")


def marks_of(message: Message) -> list[Mark]:
    """The marks of an ended reply, in order; rows that are no places are left out."""
    if message.is_open:
        return []
    marks = [
        Mark(start, end, SENTENCE_STYLE, _SENTENCE_SAID) for start, end, _ in _rows(message.marks.get("sentences"))
    ]
    marks += [
        Mark(start, end, VALUE_STYLE, _KINDS.get(str(kind), _OTHER)[0])
        for start, end, kind in _rows(message.marks.get("values"))
    ]
    return sorted(marks, key=lambda mark: (mark.start, -mark.end))


def legend_of(message: Message) -> list[str]:
    """What the marks mean, a sentence for each sort; empty without marks."""
    if message.is_open:
        return []
    unsupported = len(list(_rows(message.marks.get("sentences"))))
    legend = [_sentences_said(unsupported, message.support_share)] if unsupported else []
    kinds = [str(kind) for _, _, kind in _rows(message.marks.get("values"))]
    if kinds:
        words = list(dict.fromkeys(_KINDS.get(kind, _OTHER)[1] for kind in kinds))
        legend.append(f"Marked {_listed(words)} stand in no passage of your documents. Check them.")
    return legend


def _sentences_said(unsupported: int, share: float | None) -> str:
    if share is not None and share < 1:
        # The share is of the sentences that cite, so that it says how many there are.
        total = max(unsupported, round(unsupported / (1 - share)))
        words = "is not supported by its" if unsupported == 1 else "are not supported by their"
        return f"{unsupported} of {total} cited sentences {words} source."
    return "The underlined sentences are not supported by their source."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _rows(rows: Any) -> Iterator[tuple[int, int, Any]]:
    """The triples among stored values."""
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, list) and len(row) == 3 and all(isinstance(place, int) for place in row[:2]):
            yield row[0], row[1], row[2]
