"""What a passage's document and page say for it.

Which document a question means: the one that names itself, at its start or by its file name, as the question does. A
passage from the middle of a long report seldom says whose report it is, for which year; its first page does. Words that
few of the found documents have in their openings tell most; those that all have tell nothing.

Which page: one on which more than one passage fits is the likelier, such as that of a table in several pieces.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from apps.rag.fusion import scores_blend
from apps.rag.languages import OTHER, language_of

# A document's first passages: cover, title page, summary.
OPENING_PASSAGES = 3
# Their part in a passage's score, and the part of the best other passage of its page. On annual reports .15 to .25 and
# .05 to .15 are within one question in forty of each other.
OPENING_SHARE = 0.2
PAGE_SHARE = 0.12

# Of so many of the best passages the openings are read: those after them hardly come among the first.
READ_FOR = 60

_FOUND = "SELECT id, profile_id, version_id, ordinal, page_first, page_last FROM rag_chunk WHERE id = ANY(%s::uuid[])"

# Comparing words here costs more than sending them: SQL takes arrays apart slowly.
_OPENINGS = """
SELECT version_id, string_agg(array_to_string(tsvector_to_array(terms), chr(31)), chr(31)) FROM rag_chunk
WHERE profile_id = %s AND version_id = ANY(%s::uuid[]) AND ordinal < %s
GROUP BY version_id
"""
_QUESTION = "SELECT tsvector_to_array(rag_terms(%s, %s::regconfig))"
_SEPARATOR = "\x1f"


class _Found(NamedTuple):
    chunk_id: UUID
    profile_id: UUID
    version_id: UUID
    ordinal: int
    page_first: int | None
    page_last: int | None

    @property
    def pages(self) -> list[tuple[UUID, int]]:
        if self.page_first is None:
            return []
        return [(self.version_id, page) for page in range(self.page_first, (self.page_last or self.page_first) + 1)]


def evidence_weigh(*, text: str, scores: Mapping[UUID, float]) -> dict[UUID, float]:
    """The scores (0 to 1) with what document and page say for each, 0 to 1 again.

    As they were where all are of one document: there most pages have several passages among the found, and which one
    fits is told by the passage alone. What openings say is left out where hardly any passage is from beyond one, and
    what pages say for documents without pages. The chunks must come out of a scope. Three queries at most.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [_array(scores)])
        found = [_Found(*row) for row in cursor.fetchall()]
    if len({row.version_id for row in found}) < 2:
        return dict(scores)
    return _pages_weighed(found, _openings_weighed(text, found, dict(scores)))


def _openings_weighed(text: str, found: Sequence[_Found], scores: dict[UUID, float]) -> dict[UUID, float]:
    if sum(row.ordinal >= OPENING_PASSAGES for row in found) * 2 < len(found):
        return scores
    fitting = _fitting(_words_said(text, sorted(found, key=lambda row: -scores[row.chunk_id])[:READ_FOR]))
    if not fitting:
        return scores
    return scores_blend(scores, {row.chunk_id: fitting.get(row.version_id, 0.0) for row in found}, share=OPENING_SHARE)


def _words_said(text: str, found: Sequence[_Found]) -> dict[UUID, set[str]]:
    """By version of those found: which words of the question stand in its opening."""
    with connection.cursor() as cursor:
        cursor.execute(_QUESTION, [text, language_of(text) or OTHER])
        [asked] = cursor.fetchone()
        versions = {row.version_id for row in found}
        cursor.execute(_OPENINGS, [found[0].profile_id, _array(versions), OPENING_PASSAGES])
        return {version_id: set(asked).intersection(words.split(_SEPARATOR)) for version_id, words in cursor.fetchall()}


def _array(ids: Iterable[UUID]) -> str:
    """Postgres' text of an array of them, made faster than by the driver."""
    return "{" + ",".join(key.hex for key in ids) + "}"


def _fitting(words: Mapping[UUID, Set[str]]) -> dict[UUID, float]:
    """By version, 1 for the best; empty where all fit alike. Each word counts the more, the fewer openings have it."""
    frequencies = Counter(word for said in words.values() for word in said)
    weights = {word: math.log((len(words) + 1) / (count + 0.5)) for word, count in frequencies.items()}
    telling = {
        version_id: sum(weights[word] for word in said if frequencies[word] < len(words))
        for version_id, said in words.items()
    }
    best = max(telling.values(), default=0.0)
    return {version_id: value / best for version_id, value in telling.items()} if best > 0 else {}


def _pages_weighed(found: Sequence[_Found], scores: dict[UUID, float]) -> dict[UUID, float]:
    """Where the found passages have pages, each blended with the best other one of its pages, or with 0."""
    by_page: defaultdict[tuple[UUID, int], list[UUID]] = defaultdict(list)
    for row in found:
        for page in row.pages:
            by_page[page].append(row.chunk_id)
    if not by_page:
        return scores
    others = {
        row.chunk_id: max(
            (scores[other] for page in row.pages for other in by_page[page] if other != row.chunk_id), default=0.0
        )
        for row in found
        if row.pages
    }
    # What has no pages has no neighbours on them either: it is not to lose by that.
    own = {key: score for key, score in scores.items() if key not in others}
    return scores_blend(scores, others | own, share=PAGE_SHARE)
