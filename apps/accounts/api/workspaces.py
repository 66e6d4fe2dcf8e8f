"""Workspaces for programs: where I work, and whom I can share with there."""

from typing import Any
from uuid import UUID

from ninja import Field, Query, Router, Schema

from apps.accounts.selectors.groups import grantees_matching
from apps.accounts.selectors.workspaces import workspace_choices, workspace_current
from apps.accounts.services.workspaces import workspace_switch
from apps.accounts.types import ApiRequest
from chatbot.lib.api_types import Text

router = Router(tags=["auth"])


class WorkspaceIn(Schema):
    workspace_id: UUID


class WorkspaceOut(Schema):
    """`role` is empty for a super admin who is no member there."""

    id: UUID
    name: str
    role: str


class GranteeOut(Schema):
    """A person or a group (`kind`). `detail`: the address, or how many people the group has."""

    id: UUID
    kind: str
    title: str
    detail: str


class GranteesOut(Schema):
    items: list[GranteeOut]


class GranteeIn(Schema):
    """The key of a person or a group."""

    grantee_id: UUID


class GranteeQuery(Schema):
    """`q`: a part of the name or address."""

    q: Text = Field("", max_length=200)


@router.put("/me/workspace", response=WorkspaceOut, summary="Switch to another workspace")
def workspace_change(request: ApiRequest, body: WorkspaceIn) -> dict[str, Any]:
    """Lists show it from now on, and what I begin goes there."""
    workspace = workspace_switch(actor=request.auth, workspace_id=body.workspace_id)
    roles = {choice.id: choice.role for choice in workspace_choices(user=request.auth)}
    return {"id": workspace.pk, "name": workspace.name, "role": roles.get(workspace.pk, "")}


@router.get("/me/workspace/grantees", response=GranteesOut, summary="People and groups I can share with")
def grantees(request: ApiRequest, query: Query[GranteeQuery]) -> dict[str, Any]:
    """Of the workspace I am in: the first few whose name fits."""
    workspace = workspace_current(user=request.auth)
    return {"items": grantees_matching(user=request.auth, workspace_id=workspace.pk, text=query.q)}
