"""Second factors for programs: setting up an authenticator app, and turning all of them off."""

from django.http import HttpResponse
from django.views.decorators.debug import sensitive_variables
from ninja import Field, Router, Schema

from apps.accounts.authentication import bearer_claims
from apps.accounts.second_factor.changing import Here, second_factor_disable, totp_add, totp_setup
from apps.accounts.second_factor.checking import code_check, password_check
from apps.accounts.step_up import step_up_require
from apps.accounts.types import ApiRequest
from chatbot.lib.api_types import Text

router = Router(tags=["auth"])


class SetupOut(Schema):
    """`qr_svg` is a picture of `otpauth_url`; `secret` is for typing."""

    secret: str
    otpauth_url: str
    qr_svg: str


class VerifyIn(Schema):
    otp: Text = Field(max_length=40)


class CodesOut(Schema):
    """Each works once, and they are not shown again. Empty if there were codes already."""

    recovery_codes: list[str]


class DisableIn(Schema):
    password: Text = Field(max_length=256)
    otp: Text = Field(max_length=40)


@router.post("/setup", response=SetupOut, url_name="second-factor-setup", summary="Begin with an authenticator app")
def setup(request: ApiRequest) -> SetupOut:
    """Needs a sign-in that is five minutes old at most, else 403 with code=step_up_required.

    The secret counts once /auth/2fa/verify got a code made from it; until then asking again gives the same one.
    """
    step_up_require(request)
    made = totp_setup(user=request.auth)
    return SetupOut(secret=made.secret, otpauth_url=made.url, qr_svg=made.svg)


@router.post("/verify", response=CodesOut, url_name="second-factor-verify", summary="Finish with an authenticator app")
@sensitive_variables()
def verify(request: ApiRequest, body: VerifyIn) -> CodesOut:
    """From then on signing in asks for a code. If it is the first second factor, every other sign-in ends."""
    step_up_require(request)
    claims = bearer_claims(request)
    here = Here(family=claims.family) if claims else Here(session_key=request.session.session_key)
    return CodesOut(recovery_codes=totp_add(actor=request.auth, code=body.otp, here=here))


@router.post("/disable", response={204: None}, url_name="second-factor-disable", summary="Turn the second factor off")
@sensitive_variables()
def disable(request: ApiRequest, body: DisableIn) -> HttpResponse:
    """Takes the authenticator app, passkeys and recovery codes away. `otp` is a code of the app or a recovery code."""
    password_check(user=request.auth, password=body.password)
    code_check(user=request.auth, code=body.otp, is_signed_in=True)
    second_factor_disable(actor=request.auth)
    return HttpResponse(status=204)
