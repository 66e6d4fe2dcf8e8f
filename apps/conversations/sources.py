"""What a reply cites, in the words that pages show. Pure."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from apps.conversations.cited import CitationShown, Sight

# Below it a passage is said to support its sentence weakly: the score of the cross-encoder, as a probability.
SUPPORT_GOOD = 0.5
# Of a card, which must not cover the answer; the panel has all of it.
QUOTE_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A line of the list below an answer and the card of its markers. `place` is "page 3" or a heading; `label` has it
    all. `note`: why there is nothing to read, or that the document has changed since.
    """

    index: int
    filename: str
    place: str
    label: str
    href: str
    card_id: str
    quote: str
    support: str
    note: str
    is_open: bool


def source_of(citation: CitationShown) -> Source:
    place = citation_place(page=citation.page, page_last=citation.page_last, heading=citation.heading)
    return Source(
        index=citation.index,
        filename=citation.filename,
        place=place,
        label=f"{citation.filename}, {place}" if place else citation.filename,
        href=citation_address(citation.message_id, citation.index),
        card_id=f"message-{citation.message_id}-source-{citation.index}",
        quote=_shortened(citation.quote),
        support=support_words(citation.support),
        note=sight_note(citation),
        is_open=citation.sight == Sight.OPEN,
    )


def citation_address(message_id: UUID, index: int) -> str:
    return reverse("conversations:citation-detail", args=[message_id, index])


def citation_place(*, page: int | None, page_last: int | None, heading: str) -> str:
    """Where a passage stands, in words."""
    if page is None:
        return heading
    return f"pages {page}–{page_last}" if page_last and page_last > page else f"page {page}"


def support_words(support: float | None) -> str:
    if support is None:
        return ""
    return "Well supported" if support >= SUPPORT_GOOD else "Weakly supported"


def sight_note(citation: CitationShown) -> str:
    """What the reader must know about the document, in a sentence; empty where all is as it was."""
    match citation.sight:
        case Sight.CLOSED:
            return "You may not see this document, so nothing of it is shown."
        case Sight.DELETED if citation.quote:
            return "The document was deleted. This is what the answer was written from."
        case Sight.DELETED:
            return "The document was deleted, so nothing of it is shown."
    return version_note(citation.version_number, citation.version_current)


def version_note(number: int | None, current: int | None) -> str:
    if number is None or current is None or number == current:
        return ""
    return f"From version {number}; the document is at version {current} now."


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    if len(words) <= QUOTE_SHOWN:
        return words
    head, _, _ = words[:QUOTE_SHOWN].rpartition(" ")
    return f"{head or words[:QUOTE_SHOWN]} …"
