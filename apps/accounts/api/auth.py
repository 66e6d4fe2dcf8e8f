"""Sign-in for programs, and who one is."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables
from ninja import Field, Router, Schema

from apps.accounts.authentication import bearer_claims
from apps.accounts.models import Membership, User, Workspace
from apps.accounts.permissions import permissions_of
from apps.accounts.rate_limit import door_require
from apps.accounts.selectors.workspaces import workspace_current_key, workspaces_open_to
from apps.accounts.services.credentials import credentials_check
from apps.accounts.tokens import family_revoke, tokens_issue, tokens_refresh
from apps.accounts.types import ApiRequest
from chatbot.lib.api_types import Text

auth_router = Router(tags=["auth"])
me_router = Router(tags=["auth"])


class LoginIn(Schema):
    """`otp` is the second factor's code, where one is due."""

    email: Text = Field(max_length=254)
    password: Text = Field(max_length=256)
    otp: Text | None = Field(None, max_length=40)


class TokensOut(Schema):
    """`expires_in`: seconds that `access` lives."""

    access: str
    refresh: str
    expires_in: int


class RefreshIn(Schema):
    refresh: Text = Field(max_length=200)


class MembershipOut(Schema):
    workspace_id: UUID
    workspace: str
    role: str


class MeOut(Schema):
    """`workspace_id`: where I work now. `permissions`: what my role there lets me try."""

    id: UUID
    email: str
    name: str
    is_super_admin: bool
    date_joined: datetime
    workspace_id: UUID | None
    workspaces: list[MembershipOut]
    permissions: list[str]


@auth_router.post("/login", auth=None, response=TokensOut, summary="Sign in")
@sensitive_variables()
def login(request: HttpRequest, body: LoginIn) -> TokensOut:
    user = credentials_check(request=request, email=body.email, password=body.password, otp=body.otp)
    return TokensOut.from_orm(tokens_issue(user=user))


@auth_router.post("/refresh", auth=None, response=TokensOut, summary="New tokens for a refresh token")
def refresh(request: HttpRequest, body: RefreshIn) -> TokensOut:
    """The refresh token is used up by this. Presenting one twice ends the whole sign-in."""
    door_require(request=request, door="refresh")
    return TokensOut.from_orm(tokens_refresh(refresh=body.refresh))


@auth_router.post("/logout", response={204: None}, summary="Sign out")
def sign_out(request: ApiRequest) -> HttpResponse:
    """Ends every token of this sign-in, or the browser's session."""
    claims = bearer_claims(request)
    if claims is None:
        logout(request)
    else:
        family_revoke(user=request.auth, family=claims.family)
        user_logged_out.send(sender=User, request=request, user=request.user)
    return HttpResponse(status=204)


@me_router.get("/me", response=MeOut, summary="Who I am")
def me(request: ApiRequest) -> MeOut:
    user = request.auth
    # With an API key only the key's own.
    mine = Membership.objects.filter(user=user, workspace_id__in=workspaces_open_to(user=user))
    memberships = mine.select_related("workspace").order_by("created_at", "pk")
    current = Workspace.objects.filter(pk=workspace_current_key(user=user)).first()
    workspace_id = current.pk if current else None
    return MeOut(
        id=user.pk,
        email=user.email,
        name=user.name,
        is_super_admin=user.is_super_admin,
        date_joined=user.date_joined,
        workspace_id=workspace_id,
        permissions=sorted(permissions_of(user=user, workspace_id=workspace_id)),
        workspaces=[
            MembershipOut(workspace_id=row.workspace_id, workspace=row.workspace.name, role=row.role)
            for row in memberships
        ],
    )
