"""What a search may look at, as SQL that every leg carries inside itself."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.selectors.workspaces import workspaces_open_to
from apps.documents.models import Document, DocumentVersion
from apps.documents.selectors import documents_visible_to
from apps.rag.types import SearchQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`statement` selects id and chunk_count of the versions that may be searched, all of them in `workspace_ids`."""

    statement: str
    parameters: tuple[Any, ...]
    workspace_ids: tuple[UUID, ...]


def scope_of(*, user: User, query: SearchQuery) -> Scope | None:
    """The current versions of what the user may see and the query's filters let pass; None if that is surely nothing.

    One query, for the user's workspaces: words are counted by workspace.
    """
    memberships = workspaces_open_to(user=user)
    if query.workspace_id is not None:
        memberships = memberships.filter(workspace_id=query.workspace_id)
    workspace_ids = tuple(memberships.values_list("workspace_id", flat=True))
    documents = documents_visible_to(user=user).filter(workspace__in=workspace_ids)
    versions = _versions(_documents(documents, query), query)
    try:
        statement, parameters = versions.order_by().values("id", "chunk_count").query.sql_with_params()
    except EmptyResultSet:
        return None
    return Scope(statement=statement, parameters=tuple(parameters), workspace_ids=workspace_ids)


def _documents(documents: QuerySet[Document], query: SearchQuery) -> QuerySet[Document]:
    filters = query.filters
    if query.collection_ids:
        documents = documents.filter(collection__in=query.collection_ids)
    if query.document_ids:
        documents = documents.filter(pk__in=query.document_ids)
    if filters.filename:
        documents = documents.filter(filename__icontains=filters.filename.replace("\x00", ""))
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
