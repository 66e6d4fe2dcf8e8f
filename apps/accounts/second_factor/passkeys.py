"""Passkeys (WebAuthn): what the browser is asked, and whether its answer holds. fido2 does the cryptography.

A question is kept in the session, for one purpose and one answer, for minutes.
"""

import json
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit
from uuid import UUID

from allauth.mfa.models import Authenticator
from cryptography.exceptions import UnsupportedAlgorithm
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from fido2.cose import UnsupportedKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from apps.accounts.exceptions import PasskeyInvalidError
from apps.accounts.models import User
from apps.accounts.second_factor.checking import Proof
from apps.accounts.second_factor.state import PASSKEY

Purpose: TypeAlias = Literal["add", "confirm", "sign-in"]

_SESSION_KEY = "second_factor_passkey"
_ANSWER_SECONDS = 300
# The longest answers are those of keys that attest themselves; a few kilobytes.
ANSWER_LENGTH = 16_384
# All that fido2 and its CBOR reader raise over what is no answer at all.
_NONSENSE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, RecursionError, TypeError,
    UnsupportedAlgorithm, ValueError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who asks for the passkey: the name that it is bound to, and the one origin whose pages may use it."""

    host: str
    origin: str


def site_of(request: HttpRequest) -> Site:
    """CHATBOT_PUBLIC_URL, else the host of the request, which Django has checked."""
    address = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    parts = urlsplit(address)
    return Site(host=parts.hostname or "", origin=f"{parts.scheme}://{parts.netloc}")


def passkey_add_options(request: HttpRequest, *, user: User) -> dict[str, Any]:
    """What `navigator.credentials.create` is given. A key that can find its person by itself is preferred."""
    options, state = _server(request).register_begin(
        user=PublicKeyCredentialUserEntity(id=user.pk.bytes, name=user.email, display_name=user.name or user.email),
        credentials=_credentials(_rows(user)),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
        extensions={"credProps": True},
    )
    _question_keep(request, purpose="add", state=state)
    return dict(options)


def passkey_options(request: HttpRequest, *, user: User | None) -> dict[str, Any]:
    """What `navigator.credentials.get` is given: for one's own passkeys, or for signing in with any.

    To sign in the key must check who holds it (finger, face, PIN): it then stands for password and second factor.
    """
    wanted = UserVerificationRequirement.REQUIRED if user is None else UserVerificationRequirement.PREFERRED
    credentials = _credentials(_rows(user)) if user else None
    options, state = _server(request).authenticate_begin(credentials=credentials, user_verification=wanted)
    _question_keep(request, purpose="confirm" if user else "sign-in", state=state)
    return dict(options)


def passkey_registered(request: HttpRequest, *, answer: str) -> dict[str, Any]:
    """What to keep of a new passkey (`passkey_add`). Raises PasskeyInvalidError."""
    state = _question_take(request, purpose="add")
    try:
        response = RegistrationResponse.from_dict(_parsed(answer))
        data = _server(request).register_complete(state, response)
        credential = cast("AttestedCredentialData", data.credential_data)
        is_unknown = isinstance(credential.public_key, UnsupportedKey)
        properties = (response.client_extension_results or {}).get("credProps")
        # In the form that allauth's own code reads.
        kept = {"id": response.id, "rawId": response.id, "type": "public-key", "response": _kept(response)}
    except _NONSENSE as error:
        raise PasskeyInvalidError from error
    if is_unknown or Authenticator.objects.filter(type=PASSKEY, data__credential__id=kept["id"]).exists():
        raise PasskeyInvalidError
    return {
        "credential": kept,
        "signs_in": isinstance(properties, Mapping) and properties.get("rk") is True,
        "counter": data.counter,
    }


def _kept(response: RegistrationResponse) -> dict[str, str]:
    given = dict(response.response)
    return {name: given[name] for name in ("clientDataJSON", "attestationObject")}


def passkey_check(request: HttpRequest, *, user: User, answer: str) -> Proof | None:
    """Whether the answer comes from a passkey of the person; None if not."""
    try:
        state = _question_take(request, purpose="confirm")
    except PasskeyInvalidError:
        return None
    row = _answered(request, state=state, user=user, answer=answer)
    return Proof(kind=PASSKEY, factor_id=row.pk) if row else None


def passkey_person(request: HttpRequest, *, answer: str) -> tuple[User, Authenticator]:
    """Who signs in with this passkey. Raises PasskeyInvalidError, also for closed accounts."""
    state = _question_take(request, purpose="sign-in")
    user = _holder(answer)
    row = _answered(request, state=state, user=user, answer=answer) if user else None
    if user is None or row is None:
        raise PasskeyInvalidError
    return user, row


@transaction.atomic
def _answered(request: HttpRequest, *, state: Any, user: User, answer: str) -> Authenticator | None:
    """The passkey of the person that gave the answer. It is marked as used."""
    rows = list(_rows(user).select_for_update())
    try:
        response = AuthenticationResponse.from_dict(_parsed(answer))
        credential = _server(request).authenticate_complete(state, _credentials(rows), response)
        counter = response.response.authenticator_data.counter
    except _NONSENSE:
        return None
    row = next(row for row in rows if _credential(row).credential_id == credential.credential_id)
    if not _counts_up(row, counter):
        return None
    row.data["counter"] = counter
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    row.user = user
    return row


def _counts_up(row: Authenticator, counter: int) -> bool:
    """A key that counts its answers and comes with an old number was copied. Many do not count and say 0."""
    before: int = row.data.get("counter", 0)
    return counter > before or (counter == before == 0)


def _holder(answer: str) -> User | None:
    try:
        handle = websafe_decode(_parsed(answer)["response"]["userHandle"])
        key = UUID(bytes=handle)
    except _NONSENSE:
        return None
    return User.objects.filter(pk=key, is_active=True).first()


def _parsed(answer: str) -> Any:
    if len(answer) > ANSWER_LENGTH:
        raise ValueError("too long")
    return json.loads(answer)


def _rows(user: User) -> QuerySet[Authenticator]:
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user.pk, type=PASSKEY).order_by("pk")
    return rows


def _credentials(rows: Any) -> list[AttestedCredentialData]:
    return [_credential(row) for row in rows]


def _credential(row: Authenticator) -> AttestedCredentialData:
    response = RegistrationResponse.from_dict(row.data["credential"])
    return cast("AttestedCredentialData", response.response.attestation_object.auth_data.credential_data)


def _server(request: HttpRequest) -> Fido2Server:
    site = site_of(request)
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=site.host, name="Chatbot"), verify_origin=lambda origin: origin == site.origin
    )


def _question_keep(request: HttpRequest, *, purpose: Purpose, state: Any) -> None:
    request.session[_SESSION_KEY] = {"purpose": purpose, "at": time.time(), **state}


def _question_take(request: HttpRequest, *, purpose: Purpose) -> Any:
    """Each question takes one answer, to its own purpose. Raises PasskeyInvalidError."""
    state = request.session.pop(_SESSION_KEY, None)
    if not state or state["purpose"] != purpose or time.time() - state["at"] > _ANSWER_SECONDS:
        raise PasskeyInvalidError
    return state
