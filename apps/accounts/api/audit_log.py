"""The audit log for programs."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponseBase
from ninja import Field, Query, Router, Schema

from apps.accounts.audit_search import search_export, search_of
from apps.accounts.step_up import step_up_require
from apps.accounts.types import ApiRequest
from apps.audit.export import links_of, row_of
from apps.audit.selectors import events_page
from chatbot.lib.api_types import PageOut, Text
from chatbot.lib.pagination import DEFAULT_LIMIT

router = Router(tags=["admin"])


class AuditQuery(Schema):
    """`actor`: a person's key or address; what they did, had done, or had done to them. `target`: `type:id`.

    Without `after`, and without a person, target or request, the last 30 days. With `format` the answer is a file of
    everything found, or of `limit` events; `cursor` is then left aside.
    """

    action: list[Text] = []
    actor: Text = ""
    target: Text = ""
    result: Text = ""
    after: Text = ""
    before: Text = ""
    request_id: Text = ""
    ip: Text = ""
    workspace: Text = ""
    format: Literal["jsonl", "csv"] | None = None
    limit: int | None = Field(None, ge=1)
    cursor: Text | None = None


class EventOut(Schema):
    """`seq` and `hash` are null until the event's transaction has committed."""

    id: UUID
    created_at: datetime
    workspace_id: UUID | None
    actor_id: UUID | None
    actor_label: str
    on_behalf_of_id: UUID | None
    on_behalf_of_label: str
    role: str
    action: str
    result: str
    target_type: str
    target_id: str
    target_label: str
    ip_address: str | None
    user_agent: str
    request_id: str
    data: dict[str, Any]
    chain: UUID
    seq: int | None
    content_hash: str
    hash: str | None


_TYPES = ("application/x-ndjson", "text/csv")
_FILES = {
    "responses": {200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES}}}
}


@router.get("/audit-logs", response=PageOut[EventOut], openapi_extra=_FILES, summary="What was done, newest first")
def audit_logs(request: ApiRequest, query: Query[AuditQuery]) -> dict[str, Any] | HttpResponseBase:
    """A super admin reads everything, an administrator the workspace that they are in. Each look is recorded."""
    search = search_of(user=request.auth, values=request.GET)
    if query.format:
        # A key is no person to be asked again; that it may do this was asked when it was made.
        if getattr(request.auth, "api_key", None) is None:
            step_up_require(request)
        return search_export(request, search, file_format=query.format, limit=query.limit)
    page = events_page(
        scope=search.scope,
        wanted=search.wanted,
        cursor=query.cursor,
        limit=DEFAULT_LIMIT if query.limit is None else query.limit,
    )
    links = links_of(page.items)
    if query.cursor is None:
        search.opened()
    return {"items": [row_of(event, links.get(event.pk)) for event in page.items], "next": page.next}
