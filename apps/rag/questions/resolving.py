"""From a question as it was typed to the search that it asks for, with the permissions of who asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from apps.accounts.models import User
from apps.documents.selectors import collections_visible_to
from apps.rag.questions.operators import ParsedQuestion, question_parse
from apps.rag.types import SearchFilters, SearchQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedQuestion:
    """`query`: the search to do. `is_empty`: what it names does not exist for the person, so it must find nothing.

    `notices`: sentences for the person: operators that were not understood, collections that are unknown.
    """

    query: SearchQuery
    parsed: ParsedQuestion
    notices: tuple[str, ...] = ()
    is_empty: bool = False


def question_resolve(*, user: User, query: SearchQuery) -> ResolvedQuestion:
    """Take the operators out of the query's text and add what they ask for to what the query asks for anyway.

    Both hold: operators only ever narrow a search. One query where a collection is named, else none.
    """
    parsed = question_parse(query.text)
    filters, conflicts = _filters_merged(query.filters, parsed.filters)
    collection_ids, unknown = _collections(user, query, parsed.collection_names)
    is_empty = bool(conflicts) or (bool(parsed.collection_names) and not collection_ids)
    return ResolvedQuestion(
        query=replace(query, text=parsed.text, filters=filters, collection_ids=collection_ids),
        parsed=parsed,
        notices=(*parsed.problems, *conflicts, *unknown),
        is_empty=is_empty,
    )


def _collections(user: User, query: SearchQuery, names: Sequence[str]) -> tuple[Sequence[UUID], list[str]]:
    """The collections to search and a sentence for each name that means none of them."""
    if not names:
        return query.collection_ids, []
    visible = collections_visible_to(user=user)
    if query.workspace_id is not None:
        visible = visible.filter(workspace_id=query.workspace_id)
    if query.collection_ids:
        visible = visible.filter(pk__in=query.collection_ids)
    known = [(key, name.casefold()) for key, name in visible.order_by("name", "pk").values_list("pk", "name")]
    found: dict[UUID, None] = {}
    unknown = []
    for name in names:
        wanted = name.casefold()
        keys = [key for key, known_name in known if known_name == wanted]
        keys = keys or [key for key, known_name in known if wanted in known_name]
        found |= dict.fromkeys(keys)
        if not keys:
            unknown.append(f"There is no collection “{name}” here that you can read.")
    return tuple(found), unknown


def _filters_merged(given: SearchFilters, asked: SearchFilters) -> tuple[SearchFilters, list[str]]:
    """Both at once, and a sentence for each pair that excludes each other."""
    filename, file_conflict = _narrower(given.filename, asked.filename, is_prefix=False)
    mime, type_conflict = _narrower(given.mime, asked.mime, is_prefix=True)
    conflicts = []
    if file_conflict:
        conflicts.append(
            f"Nothing is searched: “{given.filename}” is chosen and the question names “{asked.filename}”."
        )
    if type_conflict:
        conflicts.append(f"Nothing is searched: the type {given.mime} is chosen and the question names {asked.mime}.")
    merged = SearchFilters(
        filename=filename,
        mime=mime,
        after=_latest(given.after, asked.after),
        before=_earliest(given.before, asked.before),
        tags=tuple(dict.fromkeys((*given.tags, *asked.tags))),
        phrases=tuple(dict.fromkeys((*given.phrases, *asked.phrases))),
    )
    return merged, conflicts


def _narrower(given: str, asked: str, *, is_prefix: bool) -> tuple[str, bool]:
    """The one that lets less pass, and whether they exclude each other."""
    shorter, longer = sorted((given, asked), key=len)
    is_inside = longer.lower().startswith(shorter.lower()) if is_prefix else shorter.lower() in longer.lower()
    return longer, not is_inside


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)
