"""People of a workspace for administrators' programs: of the one that the caller works in, or of a key's own."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Field, Query, Router, Schema, Status

from apps.accounts.mail import public_base
from apps.accounts.models import Membership
from apps.accounts.selectors.people import (
    PersonRow,
    account_manage_require,
    member_require,
    members_of,
    person_rows,
    workspace_administered,
)
from apps.accounts.services.accounts import account_delete, name_change
from apps.accounts.services.invitations import invitation_send
from apps.accounts.services.people import member_remove, role_change
from apps.accounts.services.sessions import person_disable, person_enable
from apps.accounts.types import ApiRequest
from chatbot.lib.api_types import PageOut, PageQuery, Text
from chatbot.lib.pagination import page_of

router = Router(tags=["admin"])

Role = Literal["admin", "user", "viewer"]
_PERMISSION = "people_manage"


class PersonOut(Schema):
    """A member. `status`: active, disabled or locked (after failed sign-ins). `groups`: their names."""

    id: UUID
    email: str
    name: str
    role: str
    role_managed_by: str
    status: str
    is_super_admin: bool
    has_second_factor: bool
    groups: list[str]
    member_since: datetime
    last_sign_in: datetime | None


class PeopleQuery(PageQuery):
    """`q`: a part of the name or address."""

    q: Text = Field("", max_length=200)
    role: Role | None = None
    status: Literal["active", "disabled", "locked"] | None = None


class PersonIn(Schema):
    """What is left out stays as it is."""

    role: Role | None = None
    name: Text | None = Field(None, max_length=150)
    is_active: bool | None = None


class DeleteQuery(Schema):
    """`account`: delete the account with all that is its own, in every workspace; for super admins."""

    account: bool = False


class InvitationIn(Schema):
    email: Text = Field(max_length=254)
    role: Role = "user"


class InvitationOut(Schema):
    """`link` lets in whoever opens it, once. It is not shown again."""

    id: UUID
    email: str
    role: str
    expires_at: datetime
    link: str


@router.get("/users", response=PageOut[PersonOut], summary="People of the workspace")
def users(request: ApiRequest, query: Query[PeopleQuery]) -> dict[str, object]:
    """The newest members first."""
    workspace = workspace_administered(user=request.auth, permission=_PERMISSION)
    rows = members_of(workspace_id=workspace.pk, text=query.q, role=query.role or "", status=query.status or "")
    page = page_of(rows, order="created_at", cursor=query.cursor, limit=query.limit)
    people = person_rows(workspace_id=workspace.pk, memberships=page.items)
    return {"items": [_person_out(row) for row in people], "next": page.next}


@router.get("/users/{uuid:user_id}", response=PersonOut, summary="One person")
def user(request: ApiRequest, user_id: UUID) -> PersonOut:
    return _answer(request, user_id)


@router.put("/users/{uuid:user_id}", response=PersonOut, summary="Change somebody's role, name or access")
def user_change(request: ApiRequest, user_id: UUID, body: PersonIn) -> PersonOut:
    """All of it or nothing. `is_active` false ends sessions, tokens and keys at once."""
    workspace = workspace_administered(user=request.auth, permission=_PERMISSION)
    with transaction.atomic():
        membership = member_require(actor=request.auth, workspace_id=workspace.pk, person_id=user_id)
        if body.name is not None:
            account_manage_require(actor=request.auth, person=membership.user)
            name_change(actor=request.auth, person=membership.user, name=body.name.strip())
        if body.is_active is not None:
            change = person_enable if body.is_active else person_disable
            change(actor=request.auth, user=membership.user)
        if body.role is not None:
            role_change(actor=request.auth, workspace_id=workspace.pk, person_id=user_id, role=body.role)
    return _answer(request, user_id)


@router.delete("/users/{uuid:user_id}", response={204: None}, summary="Remove somebody from the workspace")
def user_remove(request: ApiRequest, user_id: UUID, query: Query[DeleteQuery]) -> HttpResponse:
    workspace = workspace_administered(user=request.auth, permission=_PERMISSION)
    if query.account:
        membership = member_require(actor=request.auth, workspace_id=workspace.pk, person_id=user_id)
        account_delete(actor=request.auth, person=membership.user)
    else:
        member_remove(actor=request.auth, workspace_id=workspace.pk, person_id=user_id)
    return HttpResponse(status=204)


@router.post("/invitations", response={201: InvitationOut}, summary="Invite somebody")
def invitation_create(request: ApiRequest, body: InvitationIn) -> Status[InvitationOut]:
    """An earlier invitation of the same address ends."""
    workspace = workspace_administered(user=request.auth, permission=_PERMISSION)
    sent = invitation_send(
        actor=request.auth, workspace=workspace, email=body.email, role=body.role, base_url=public_base(request)
    )
    made = sent.invitation
    out = InvitationOut(id=made.pk, email=made.email, role=made.role, expires_at=made.expires_at, link=sent.link)
    return Status(201, out)


def _answer(request: ApiRequest, user_id: UUID) -> PersonOut:
    workspace = workspace_administered(user=request.auth, permission=_PERMISSION)
    membership = member_require(actor=request.auth, workspace_id=workspace.pk, person_id=user_id)
    return _person_out(person_rows(workspace_id=workspace.pk, memberships=[membership])[0])


def _person_out(row: PersonRow) -> PersonOut:
    membership: Membership = row.membership
    return PersonOut(
        id=row.user.pk,
        email=row.user.email,
        name=row.user.name,
        role=membership.role,
        role_managed_by=membership.managed_by,
        status=row.status,
        is_super_admin=row.user.is_super_admin,
        has_second_factor=row.has_second_factor,
        groups=list(row.groups),
        member_since=membership.created_at,
        last_sign_in=row.user.last_login,
    )
