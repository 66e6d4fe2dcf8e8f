"""Whole documents instead of found passages: how much text a search's scope holds, and all of it in reading order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Length

from apps.accounts.models import User
from apps.documents.models import DocumentVersion
from apps.rag.models import Chunk, IndexProfile
from apps.rag.scope import scope_of
from apps.rag.selectors import chunks_visible_to, passages_of
from apps.rag.types import Passage, SearchQuery

# A name shorter than this stands in questions by chance.
NAME_LENGTH = 4
_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSize:
    """A document's current version as it is indexed."""

    document_id: UUID
    version_id: UUID
    filename: str
    characters: int
    passages: int


def text_sizes(*, user: User, query: SearchQuery, maximum: int) -> list[TextSize] | None:
    """The documents that the query's scope and filters let pass, by name; None if they are more than `maximum`.

    Exact words do not matter here. Three queries.
    """
    scope = scope_of(user=user, query=query)
    if scope is None:
        return []
    if scope.version_ids is None or len(scope.version_ids) > maximum:
        return None
    rows = (
        _chunks(user, scope.version_ids)
        .order_by()
        .values("document_id", "version_id", "document__filename")
        .annotate(characters=Sum(Length("text")), passages=Count("pk"))
    )
    sizes = [
        TextSize(
            document_id=row["document_id"],
            version_id=row["version_id"],
            filename=row["document__filename"],
            characters=row["characters"],
            passages=row["passages"],
        )
        for row in rows
    ]
    return sorted(sizes, key=lambda size: (size.filename.casefold(), size.document_id))


def passages_in_order(*, user: User, sizes: Sequence[TextSize]) -> list[Passage]:
    """All passages of these documents under the live profile, document by document, in reading order. Two queries."""
    order = {size.version_id: place for place, size in enumerate(sizes)}
    rows = _chunks(user, list(order)).values_list("pk", "version_id", "ordinal")
    keys = [key for key, *_ in sorted(rows, key=lambda row: (order[row[1]], row[2]))]
    passages = passages_of(user=user, chunk_ids=keys)
    return [passages[key] for key in keys if key in passages]


def documents_named(*, user: User, query: SearchQuery, text: str) -> list[UUID]:
    """The documents in the query's scope whose file name stands in the text, with or without its ending.

    None of a scope that is too large to be gone through by name. Three queries.
    """
    scope = scope_of(user=user, query=query)
    if scope is None or scope.version_ids is None:
        return []
    spoken = f" {_plain(text)} "
    rows = DocumentVersion.objects.filter(pk__in=scope.version_ids).values_list("document_id", "document__filename")
    return [key for key, filename in rows if any(f" {name} " in spoken for name in _names_of(filename))]


def _names_of(filename: str) -> set[str]:
    names = {_plain(filename), _plain(PurePath(filename).stem)}
    return {name for name in names if len(name) >= NAME_LENGTH}


def _plain(text: str) -> str:
    return _SEPARATORS.sub(" ", text).strip().casefold()


def _chunks(user: User, version_ids: Sequence[UUID]) -> QuerySet[Chunk]:
    return chunks_visible_to(user=user).filter(
        version_id__in=version_ids, version__is_current=True, profile__state=IndexProfile.State.LIVE
    )
