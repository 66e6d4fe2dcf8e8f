"""One's API keys. For people only: no key makes or ends another."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Field, Query, Router, Schema, Status

from apps.accounts.models import ApiKey
from apps.accounts.selectors.keys import key_require, keys_of
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.services.keys import DAYS_BY_DEFAULT, DAYS_MAXIMUM, NAME_MAXIMUM, key_create, key_revoke
from apps.accounts.step_up import step_up_require
from apps.accounts.types import ApiRequest
from chatbot.lib.api_types import PageOut, PageQuery, Text
from chatbot.lib.pagination import page_of

router = Router(tags=["keys"])

Scope = Literal["read", "chat", "documents", "admin"]


class KeyIn(Schema):
    """`workspace_id`: the one it acts in, by default where I work. `expires_in_days` null: never.
    `allowed_networks`: addresses and networks (10.1.0.0/16, 2001:db8::/32) it may be used from, none for anywhere."""

    name: Text = Field(max_length=NAME_MAXIMUM)
    scopes: list[Scope] = Field(min_length=1)
    workspace_id: UUID | None = None
    expires_in_days: int | None = Field(DAYS_BY_DEFAULT, ge=1, le=DAYS_MAXIMUM)
    allowed_networks: list[Text] = Field([], max_length=50)


class KeyOut(Schema):
    """`prefix`: what the key begins with, after `cb_`."""

    id: UUID
    name: str
    prefix: str
    workspace_id: UUID
    scopes: list[str]
    allowed_networks: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_address: str | None
    revoked_at: datetime | None


class KeyMadeOut(KeyOut):
    """`key`: the secret itself. It is not shown again."""

    key: str


@router.get("", response=PageOut[KeyOut], summary="My API keys, newest first")
def key_list(request: ApiRequest, query: Query[PageQuery]) -> dict[str, object]:
    """Those that ended go from the list after a month."""
    page = page_of(keys_of(user=request.auth), order="created_at", cursor=query.cursor, limit=query.limit)
    return {"items": list(page.items), "next": page.next}


@router.post("", response={201: KeyMadeOut}, summary="Make an API key")
def key_make(request: ApiRequest, body: KeyIn) -> Status[dict[str, object]]:
    """Needs a sign-in that is minutes old at most (403 `step_up_required`)."""
    step_up_require(request)
    workspace_id = body.workspace_id or workspace_current(user=request.auth).pk
    key, text = key_create(
        actor=request.auth,
        name=body.name,
        workspace_id=workspace_id,
        scopes=body.scopes,
        expires_in_days=body.expires_in_days,
        allowed_networks=body.allowed_networks,
    )
    return Status(201, {**_shown(key), "key": text})


@router.delete("/{uuid:key_id}", response={204: None}, summary="Revoke an API key")
def key_delete(request: ApiRequest, key_id: UUID) -> HttpResponse:
    key_revoke(actor=request.auth, key=key_require(user=request.auth, key_id=key_id))
    return HttpResponse(status=204)


def _shown(key: ApiKey) -> dict[str, object]:
    return {name: getattr(key, name) for name in KeyOut.model_fields}
