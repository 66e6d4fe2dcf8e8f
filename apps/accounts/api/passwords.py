"""Passwords and registration for programs."""

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables
from ninja import Field, Router, Schema

from apps.accounts.api.auth import TokensOut
from apps.accounts.mail import public_base
from apps.accounts.rate_limit import door_require
from apps.accounts.selectors.workspaces import workspace_bound
from apps.accounts.services.passwords import password_change, password_reset_ask
from apps.accounts.services.registration import registration_ask, registration_require_open
from apps.accounts.tokens import tokens_issue
from apps.accounts.types import ApiRequest
from chatbot.lib.api_types import Text
from chatbot.lib.errors import ForbiddenError
from chatbot.lib.request_context import client_address

router = Router(tags=["auth"])


class ResetIn(Schema):
    email: Text = Field(max_length=254)


class ChangeIn(Schema):
    """`old`: the password now."""

    old: Text = Field(max_length=256)
    new: Text = Field(max_length=256)


class RegisterIn(Schema):
    email: Text = Field(max_length=254)
    password: Text = Field(max_length=256)
    name: Text = Field(min_length=1, max_length=150)


@router.post("/password/reset", auth=None, response={202: None}, summary="Ask for a new password")
def password_reset(request: HttpRequest, body: ResetIn) -> HttpResponse:
    """A link is mailed to whoever has the address; the answer is the same for one that nobody has."""
    door_require(request=request, door="reset")
    password_reset_ask(email=body.email, base_url=public_base(request))
    return HttpResponse(status=202)


@router.put("/password/change", response={200: TokensOut, 204: None}, summary="Change my password")
@sensitive_variables()
def change(request: ApiRequest, body: ChangeIn) -> HttpResponse | TokensOut:
    """Every other sign-in of mine ends. With a token new tokens come back; a browser's session goes on."""
    user = request.auth
    if workspace_bound(user=user):
        raise ForbiddenError("An API key cannot change the password. Sign in for that.")
    password_change(user=user, old=body.old, new=body.new, address=client_address(request))
    if request.headers.get("Authorization"):
        return TokensOut.from_orm(tokens_issue(user=user))
    update_session_auth_hash(request, user)
    return HttpResponse(status=204)


@router.post("/register", auth=None, response={202: None}, summary="Register, where that is open")
@sensitive_variables()
def register(request: HttpRequest, body: RegisterIn) -> HttpResponse:
    """A link that completes it is mailed. The answer is the same for an address that somebody has. 404 where closed."""
    door_require(request=request, door="register")
    registration_require_open()
    registration_ask(email=body.email, password=body.password, name=body.name, base_url=public_base(request))
    return HttpResponse(status=202)
