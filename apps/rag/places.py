"""What it says for a passage that it stands where the question looks: on page 12, in Table 3, under section 4.2.

Neither leg can tell: a page's number is at best one word among hundreds, and mentions of a table are as good as itself.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from apps.rag.fusion import scores_blend
from apps.rag.questions.places import Part, Places, places_named

# A named page goes before all others, whatever they tell. Parts are named also in passing.
PAGE_SHARE = 0.6
PART_SHARE = 0.3
# Looked at in so many of the best documents: what is on page 12 of all others does not matter.
VERSIONS = 3
# Pages that must agree on how far the printed numbers are from the file's, and their share of all. Several files that
# were made one have several such shifts. Numbers at the ends of lines that are no page's agree by chance on less.
AGREEING_PAGES = 3
AGREEING_SHARE = 0.2

_NEAR = """
WITH best AS MATERIALIZED (
    SELECT chunk.profile_id, chunk.version_id
    FROM unnest(%(ids)s::uuid[], %(scores)s::float8[]) AS given(id, score) JOIN rag_chunk AS chunk USING (id)
    GROUP BY chunk.profile_id, chunk.version_id
    ORDER BY max(given.score) DESC, chunk.version_id
    LIMIT %(versions)s
),
near AS (
    SELECT chunk.id, chunk.version_id, chunk.page_first, chunk.page_last, left(chunk.text, 80) AS head,
        right(chunk.text, 80) AS foot,
        %(captions)s <> '' AND (
            chunk.text ~ %(captions)s OR array_to_string(chunk.heading_path, E'\\n') ~ %(headings)s
        ) AS is_part
    FROM best JOIN rag_chunk AS chunk USING (profile_id, version_id)
)
SELECT * FROM near WHERE %(has_pages)s OR is_part
"""
# A line's number at its beginning or end.
_EDGE = re.compile(r"^\W*(\d{1,4})\b|\b(\d{1,4})\W*$")
_ROMAN = re.compile(r"\W*([ivxl]{1,7})\W*", re.IGNORECASE)


class _Near(NamedTuple):
    """`head`, `foot`: the text's first and last 80 characters."""

    chunk_id: UUID
    version_id: UUID
    page_first: int | None
    page_last: int | None
    head: str
    foot: str
    is_part: bool

    @property
    def pages(self) -> range:
        return range(self.page_first or 0, (self.page_last or self.page_first or -1) + 1)

    @property
    def edges(self) -> list[tuple[int, str]]:
        """The lines where a page's number may stand, each with its page."""
        if not self.pages:
            return []
        return [
            (self.pages[0], self.head.lstrip().split("\n")[0]),
            (self.pages[-1], self.foot.rstrip().split("\n")[-1]),
        ]


def places_weigh(*, text: str, scores: Mapping[UUID, float], may_add: bool = True) -> dict[UUID, float]:
    """The scores (0 to 1) with what named places say for each, 0 to 1 again; as they were where none is named or found.

    `may_add`: passages of these places that nothing else found are added, of the documents with the best passages. The
    chunks must come out of a scope. One query, none where no place is named.
    """
    places = places_named(text)
    weighed = dict(scores)
    if not places or not scores:
        return weighed
    near = _near(places, scores)
    for fitting, share in (
        (_on_pages(places, near), PAGE_SHARE),
        ({row.chunk_id for row in near if row.is_part}, PART_SHARE),
    ):
        evidence = dict.fromkeys(fitting if may_add else fitting & scores.keys(), 1.0)
        if evidence:
            weighed = scores_blend(weighed, evidence, share=share)
    return weighed


def _near(places: Places, scores: Mapping[UUID, float]) -> list[_Near]:
    parameters: dict[str, Any] = {
        "ids": list(scores),
        "scores": list(scores.values()),
        "versions": VERSIONS,
        "captions": _either(map(_caption, places.parts)),
        "headings": _either(pattern for part in places.parts for pattern in _headings(part)),
        "has_pages": places.has_pages,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, parameters)
        return [_Near(*row) for row in cursor.fetchall()]


def _either(patterns: Iterator[str]) -> str:
    """One of Postgres' regular expressions, where ^ and $ are the ends of lines; empty for none."""
    joined = "|".join(patterns)
    return f"(?n){joined}" if joined else ""


def _caption(part: Part) -> str:
    """The part's own line, not a sentence that begins by mentioning it: that goes on in lower case."""
    words = "|".join(re.escape(form) for word in part.words for form in (word, word.capitalize(), word.upper()))
    number = re.escape(part.number)
    end = r"([[:space:]]*[.:)|–—-]|[[:space:]]*$|[[:space:]]+[^[:lower:][:space:]])"
    return rf"^[^[:alnum:]§\n]*({words})[[:space:]]*{number}(?![[:alnum:]]|[.-][[:digit:]]){end}"


def _headings(part: Part) -> Iterator[str]:
    """Of the part, and of what is numbered below it."""
    yield _caption(part)
    if part.is_headed:
        yield rf"^{re.escape(part.number)}([.][[:digit:]]+)*[.:)]?[[:space:]]+[[:alpha:]]"


def _on_pages(places: Places, near: Sequence[_Near]) -> set[UUID]:
    by_version: defaultdict[UUID, list[_Near]] = defaultdict(list)
    for row in near:
        by_version[row.version_id].append(row)
    return {
        row.chunk_id
        for rows in by_version.values()
        for meant in [_pages_meant(places, rows)]
        for row in rows
        if not meant.isdisjoint(row.pages)
    }


def _pages_meant(places: Places, rows: Sequence[_Near]) -> set[int]:
    """Pages of the file. Whether a number is the file's or the printed one, nobody can tell: both."""
    known = sorted({page for row in rows for page in row.pages})
    meant = set(places.numbers)
    if places.numbers:
        shifts = _printed_shifts([edge for row in rows for edge in row.edges], len(known))
        meant.update(number - shift for number in places.numbers for shift in shifts)
    for place in places.nth:
        # Pages without text, such as the back of a cover, count for some.
        meant.add(place)
        meant.update(known[place - 1 : place] if place > 0 else known[place:][:1])
    if places.labels:
        meant.update(page for row in rows for page, line in row.edges if _is_labelled(line, places.labels))
    return meant


def _printed_shifts(edges: Sequence[tuple[int, str]], page_count: int) -> set[int]:
    """What is to be taken from a page's printed number to get the file's."""
    given = {
        (int(number) - page, page) for page, line in edges for pair in _EDGE.findall(line) for number in pair if number
    }
    least = max(AGREEING_PAGES, AGREEING_SHARE * page_count)
    return {shift for shift, count in Counter(shift for shift, _ in given).items() if count >= least}


def _is_labelled(line: str, labels: Collection[str]) -> bool:
    match = _ROMAN.fullmatch(line)
    return match is not None and match[1].lower() in labels
