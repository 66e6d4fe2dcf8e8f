"""What stands around the passages that a search found: their sections, as far as a prompt has room for them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from operator import or_
from uuid import UUID

from django.db.models import Q

from apps.accounts.models import User
from apps.documents.models import Section
from apps.rag.chunking import sentences_of, tokens_approximate
from apps.rag.models import Chunk
from apps.rag.selectors import chunks_visible_to
from apps.rag.types import Passage

# Sections read before and after a passage's own; those of a page are seldom more.
NEAR_SECTIONS = 12
# Stands where a surrounding leaves something out.
GAP = "\n[…]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrounding:
    """A run of a document's text around one or more passages. `chunk_ids`: those passages, best first.

    `text` holds the passages' whole text and what stands before and after it, in reading order.
    """

    chunk_ids: tuple[UUID, ...]
    document_id: UUID
    version_id: UUID
    filename: str
    heading_path: tuple[str, ...]
    page_first: int | None
    page_last: int | None
    text: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A sentence or a table's row."""

    section: Section
    start: int
    end: int
    tokens: int


@dataclass(slots=True, kw_only=True)
class _Group:
    """Passages whose pieces touch, by the pieces' numbers in the document's list. `may_grow_into` bounds the growth."""

    passages: list[Passage]
    numbers: set[int]
    may_grow_into: set[int]
    version_id: UUID
    is_grown: bool = field(default=False)


def surroundings_of(*, user: User, passages: Sequence[Passage], tokens: int) -> list[Surrounding]:
    """The passages with the text around them, best first, together of about `tokens` at most.

    First come the passages themselves, in their order, as long as there is room; the first in any case. Then each
    grows evenly, forwards and backwards, within its section and its page. Passages that meet become one surrounding.
    What the user may not see, or what was deleted meanwhile, is left out. Two queries.
    """
    chunks = {
        chunk.pk: chunk
        for chunk in chunks_visible_to(user=user)
        .filter(pk__in=[passage.chunk_id for passage in passages])
        .only("pk", "version_id", "spans", "heading_path")
    }
    pieces = _pieces(chunks.values())
    groups, left = _groups(passages, chunks, pieces, tokens)
    _grow(groups, pieces, left)
    return [_surrounding(group, pieces[group.version_id]) for group in _merged(groups)]


def _pieces(chunks: Iterable[Chunk]) -> Mapping[UUID, list[_Piece]]:
    """The pieces of the sections in and near the chunks, by version, in reading order. One query."""
    near = [
        Q(version_id=chunk.version_id, ordinal__range=(_first(chunk) - NEAR_SECTIONS, _last(chunk) + NEAR_SECTIONS))
        for chunk in chunks
        if chunk.spans
    ]
    found: dict[UUID, list[_Piece]] = defaultdict(list)
    if not near:
        return found
    for section in Section.objects.filter(reduce(or_, near)).order_by("version_id", "ordinal").defer("boxes"):
        found[section.version_id] += [
            _Piece(section=section, start=start, end=end, tokens=tokens_approximate(section.text[start:end]))
            for start, end in sentences_of(section.text, is_table=section.kind == Section.Kind.TABLE)
        ]
    return found


def _first(chunk: Chunk) -> int:
    return min(int(ordinal) for ordinal, _, _ in chunk.spans)


def _last(chunk: Chunk) -> int:
    return max(int(ordinal) for ordinal, _, _ in chunk.spans)


def _groups(
    passages: Sequence[Passage], chunks: Mapping[UUID, Chunk], pieces: Mapping[UUID, list[_Piece]], tokens: int
) -> tuple[list[_Group], int]:
    """One group a passage, and how many tokens are left."""
    groups: list[_Group] = []
    taken: dict[UUID, set[int]] = defaultdict(set)
    for passage in passages:
        chunk = chunks.get(passage.chunk_id)
        if chunk is None:
            continue
        own = pieces[chunk.version_id]
        numbers = {number for number, piece in enumerate(own) if _is_in(piece, chunk)}
        cost = sum(own[number].tokens for number in numbers - taken[chunk.version_id])
        if not numbers or (groups and cost > tokens):
            continue
        tokens -= cost
        taken[chunk.version_id] |= numbers
        bounds = {number for number, piece in enumerate(own) if _is_around(piece, chunk, [own[n] for n in numbers])}
        groups.append(_Group(passages=[passage], numbers=numbers, may_grow_into=bounds, version_id=chunk.version_id))
    return groups, tokens


def _is_in(piece: _Piece, chunk: Chunk) -> bool:
    return any(
        ordinal == piece.section.ordinal and start < piece.end and piece.start < end
        for ordinal, start, end in chunk.spans
    )


def _is_around(piece: _Piece, chunk: Chunk, own: Sequence[_Piece]) -> bool:
    """Under the passage's heading or below it, or on a page of it."""
    path = chunk.heading_path
    if piece.section.heading_path[: len(path)] == path:
        return True
    return piece.section.page is not None and piece.section.page in {other.section.page for other in own}


def _grow(groups: Sequence[_Group], pieces: Mapping[UUID, list[_Piece]], tokens: int) -> None:
    """Add to each group in turn the next piece after it and the one before it, until nothing fits any more."""
    taken: dict[UUID, set[int]] = defaultdict(set)
    for group in groups:
        taken[group.version_id] |= group.numbers
    while not all(group.is_grown for group in groups):
        for group in groups:
            own, before = pieces[group.version_id], len(group.numbers)
            for number in (max(group.numbers) + 1, min(group.numbers) - 1):
                is_free = number in group.may_grow_into and number not in taken[group.version_id]
                if is_free and own[number].tokens <= tokens:
                    tokens -= own[number].tokens
                    group.numbers.add(number)
                    taken[group.version_id].add(number)
            group.is_grown = len(group.numbers) == before


def _merged(groups: Sequence[_Group]) -> list[_Group]:
    """Groups that overlap or follow on each other made one, in the place of the better."""
    merged: list[_Group] = []
    for group in groups:
        touching = [other for other in merged if _touches(group, other)]
        if not touching:
            merged.append(group)
            continue
        first = touching[0]
        for other in (*touching[1:], group):
            first.passages += other.passages
            first.numbers |= other.numbers
        merged = [other for other in merged if other not in touching[1:]]
    return merged


def _touches(group: _Group, other: _Group) -> bool:
    reach = {number + step for number in group.numbers for step in (-1, 0, 1)}
    return group.version_id == other.version_id and not reach.isdisjoint(other.numbers)


def _surrounding(group: _Group, pieces: Sequence[_Piece]) -> Surrounding:
    numbers = sorted(group.numbers)
    best = group.passages[0]
    pages = [page for number in numbers if (page := pieces[number].section.page) is not None]
    return Surrounding(
        chunk_ids=tuple(passage.chunk_id for passage in group.passages),
        document_id=best.document_id,
        version_id=best.version_id,
        filename=best.filename,
        heading_path=best.heading_path,
        page_first=min(pages, default=None),
        page_last=max(pages, default=None),
        text="".join(_texts(numbers, pieces)),
        tokens=sum(pieces[number].tokens for number in numbers),
    )


def _texts(numbers: Sequence[int], pieces: Sequence[_Piece]) -> Iterator[str]:
    """The pieces with what stands between them: their own space, a newline between sections, a mark at a gap."""
    yield pieces[numbers[0]].section.text[pieces[numbers[0]].start : pieces[numbers[0]].end]
    for before, number in pairwise(numbers):
        last, piece = pieces[before], pieces[number]
        if number != before + 1:
            yield GAP
        elif piece.section.ordinal == last.section.ordinal:
            yield piece.section.text[last.end : piece.start]
        else:
            yield "\n"
        yield piece.section.text[piece.start : piece.end]
