"""What a search may look at, as SQL that every leg carries inside itself."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.accounts.selectors.workspaces import workspaces_open_to
from apps.documents.models import Document, DocumentVersion
from apps.documents.selectors import collections_visible_to, documents_visible_to
from apps.rag.types import SearchQuery

# So many versions are named one by one, which lets the planner start from them; of more the legs ask the rules.
NAMED_VERSIONS = 2000

_NAMING = "SELECT count(*), array_agg(id)::text, sum(chunk_count) FROM ({statement} LIMIT %s) AS visible"
_NAMED = "{alias}.version_id = ANY(%s::uuid[])"
_VISIBLE = "{alias}.version_id IN (SELECT id FROM ({statement}) AS visible)"
# IS TRUE keeps the planner from joining, and so from another order than that of the graph; OFFSET 0 from hashing all
# that is visible, of which the walk asks for a few hundred.
_NAMED_EACH = "({alias}.version_id IN (SELECT unnest(%s::uuid[]))) IS TRUE"
_VISIBLE_EACH = "EXISTS (SELECT 1 FROM ({statement}) AS visible WHERE visible.id = {alias}.version_id OFFSET 0) IS TRUE"

# The words' index leads to passages with all words of the phrase; the text decides. Line breaks are as good as spaces.
_PHRASE = """
 AND {alias}.terms @@ (
    SELECT rag_phrase_terms(%s, ARRAY(
        SELECT DISTINCT unnest(languages) FROM rag_corpusstatistics WHERE workspace_id = ANY(%s)
    ))
 )
 AND regexp_replace({alias}.text, '\\s+', ' ', 'g') ILIKE %s"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`statement` selects id and chunk_count of the versions that may be searched, all of them in `workspace_ids`.

    `named`: these versions, where they are NAMED_VERSIONS at most, as Postgres' text of an array, with `chunk_count`
    passages together; of more both are None. The text is what legs are given: a thousand ids made into Python's objects
    and back cost a leg as much as half its work.
    """

    statement: str
    parameters: tuple[Any, ...]
    workspace_ids: tuple[UUID, ...]
    named: str | None
    chunk_count: int | None
    phrases: tuple[str, ...]

    @property
    def version_ids(self) -> tuple[UUID, ...] | None:
        return None if self.named is None else tuple(map(UUID, self.named.strip("{}").split(",")))

    def condition(self, alias: str, *, one_by_one: bool = False) -> tuple[str, list[Any]]:
        """SQL with its parameters, true for chunks (under this alias) that may be found.

        `one_by_one`: in a form that the planner cannot but ask for each chunk that another order brings.
        """
        parameters: list[Any] = list(self.parameters)
        if self.named is not None:
            parameters = [self.named]
            condition = (_NAMED_EACH if one_by_one else _NAMED).format(alias=alias)
        elif one_by_one:
            condition = _VISIBLE_EACH.format(alias=alias, statement=self.statement)
        else:
            condition = _VISIBLE.format(alias=alias, statement=self.statement)
        for phrase in self.phrases:
            condition += _PHRASE.format(alias=alias)
            parameters += [phrase, list(self.workspace_ids), f"%{_like(phrase)}%"]
        return condition, parameters


def scope_of(*, user: User, query: SearchQuery) -> Scope | None:
    """The current versions of what the user may see and the query's filters let pass; None if that is surely nothing.

    Three queries: the user's workspaces, because words are counted by workspace, their collections, and the versions if
    they are few.
    """
    memberships = workspaces_open_to(user=user)
    if query.workspace_id is not None:
        memberships = memberships.filter(workspace_id=query.workspace_id)
    workspace_ids = tuple(memberships.values_list("workspace_id", flat=True))
    collections = collections_visible_to(user=user).filter(workspace__in=workspace_ids)
    # The second condition follows from the rules, but it is one that indexes serve: the rules are then asked of what it
    # leaves, not of every document of the workspace.
    documents = documents_visible_to(user=user).filter(
        Q(owner=user) | Q(collection__in=list(collections.values_list("pk", flat=True))), workspace__in=workspace_ids
    )
    versions = _versions(_documents(documents, query), query)
    try:
        statement, parameters = versions.order_by().values("id", "chunk_count").query.sql_with_params()
    except EmptyResultSet:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_NAMING.format(statement=statement), [*parameters, NAMED_VERSIONS + 1])
        count, named, chunk_count = cursor.fetchone()
    if not count:
        return None
    is_few = count <= NAMED_VERSIONS
    return Scope(
        statement=statement,
        parameters=tuple(parameters),
        workspace_ids=workspace_ids,
        named=named if is_few else None,
        chunk_count=chunk_count if is_few else None,
        phrases=tuple(" ".join(phrase.replace("\x00", "").split()) for phrase in query.filters.phrases),
    )


def _documents(documents: QuerySet[Document], query: SearchQuery) -> QuerySet[Document]:
    filters = query.filters
    if query.collection_ids:
        documents = documents.filter(collection__in=query.collection_ids)
    if query.document_ids:
        documents = documents.filter(pk__in=query.document_ids)
    if filters.filename:
        documents = documents.filter(filename__icontains=filters.filename.replace("\x00", ""))
    if filters.tags:
        documents = documents.filter(tags__contains=[tag.replace("\x00", "").lower() for tag in filters.tags])
    if filters.after:
        documents = documents.filter(created_at__gte=filters.after)
    if filters.before:
        documents = documents.filter(created_at__lt=filters.before)
    return documents


def _versions(documents: QuerySet[Document], query: SearchQuery) -> QuerySet[DocumentVersion]:
    state = DocumentVersion.State
    versions = DocumentVersion.objects.filter(
        document__in=documents.order_by().values("pk"), is_current=True, state__in=[state.PROCESSING, state.INDEXED]
    )
    if query.filters.mime:
        versions = versions.filter(mime__startswith=query.filters.mime.replace("\x00", ""))
    return versions


def _like(text: str) -> str:
    """As it stands inside a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
