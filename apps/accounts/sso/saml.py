"""SAML 2.0: requests by redirect, signed assertions by POST.

python3-saml, lxml and xmlsec are loaded on first use: an installation without SAML does not pay for them.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import SignInSource
from apps.accounts.sso.configuration import SAML_EMAIL_ATTRIBUTES, SAML_NAME_ATTRIBUTES
from apps.accounts.sso.types import ExternalPerson, external_person
from chatbot.lib.net import client_options

_READ_SECONDS = 8.0
_METADATA_SECONDS = 4 * 3600
# How long the last good metadata stand in for a metadata address that does not answer.
_METADATA_KEPT_SECONDS = 7 * 86_400
# An answer with some hundred groups has 50 kB.
_RESPONSE_LENGTH = 512 * 1024
# python3-saml lets clocks differ by five minutes; an assertion is remembered for as long as it could count.
_CLOCK_SECONDS = 600
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


class SamlError(Exception):
    """The identity provider cannot be used or its answer is not right; the text is for operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A proved answer. `request_id`: the request of ours that it answers."""

    request_id: str
    person: ExternalPerson


def saml_depart(request: HttpRequest) -> tuple[str, str]:
    """Where to send the browser, and the id of the request. Raises SamlError."""
    from onelogin.saml2.auth import OneLogin_Saml2_Auth
    from onelogin.saml2.errors import OneLogin_Saml2_Error

    try:
        auth = OneLogin_Saml2_Auth(_request_data(request), _configuration(request))
        # Nothing travels in RelayState: where to go afterwards is kept here.
        address = auth.login(return_to="")
    except OneLogin_Saml2_Error as error:
        raise SamlError(str(error)) from error
    return str(address), str(auth.get_last_request_id())


def saml_arrive(request: HttpRequest) -> Arrival:
    """What the posted answer proves. Each assertion counts once. Raises SamlError."""
    from lxml.etree import LxmlError  # type: ignore[import-untyped]
    from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
    from onelogin.saml2.response import OneLogin_Saml2_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings
    from xmlsec import Error as XmlsecError

    text = request.POST.get("SAMLResponse", "")
    if not text or len(text) > _RESPONSE_LENGTH:
        raise SamlError("There is no answer, or one of nonsensical length.")
    try:
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(_configuration(request)), text)
        response.is_valid(_request_data(request), raise_exceptions=True)
        request_id = _request_answered(response)
        _once(response)
        return Arrival(request_id=request_id, person=_external(response))
    except (
        OneLogin_Saml2_Error,
        OneLogin_Saml2_ValidationError,
        LxmlError,
        XmlsecError,
        # Text that is no base64, no XML, no time.
        ValueError,
    ) as error:
        raise SamlError(str(error)) from error


def saml_metadata(request: HttpRequest) -> bytes:
    """What the identity provider needs to know of us, as XML. Raises SamlError."""
    from onelogin.saml2.errors import OneLogin_Saml2_Error
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    try:
        found = OneLogin_Saml2_Settings(_own_configuration(request), sp_validation_only=True).get_sp_metadata()
    except OneLogin_Saml2_Error as error:
        raise SamlError(str(error)) from error
    return found if isinstance(found, bytes) else str(found).encode()


def saml_probe() -> str:
    """One sentence about what worked: metadata, address, certificates. Raises SamlError."""
    identity = _identity_provider(is_fresh=True)
    certificates = _certificates(identity)
    if not certificates:
        raise SamlError("The metadata hold no certificate for signing.")
    return f"{identity['entityId']} is known, with {len(certificates)} certificates."


def _configuration(request: HttpRequest) -> dict[str, Any]:
    return {**_own_configuration(request), "idp": _identity_provider()}


def _own_configuration(request: HttpRequest) -> dict[str, Any]:
    has_key = bool(settings.SAML_PRIVATE_KEY)
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": settings.SAML_ENTITY_ID or request.build_absolute_uri(reverse("saml-metadata")),
            "assertionConsumerService": {
                "url": request.build_absolute_uri(reverse("saml-acs")),
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
            },
            "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            "x509cert": settings.SAML_CERTIFICATE,
            "privateKey": settings.SAML_PRIVATE_KEY,
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantAttributeStatement": False,
            "wantNameId": False,
            "authnRequestsSigned": has_key,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
        },
    }


def _identity_provider(*, is_fresh: bool = False) -> dict[str, Any]:
    from lxml.etree import LxmlError
    from onelogin.saml2.errors import OneLogin_Saml2_Error
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

    text = settings.SAML_IDP_METADATA or _metadata_fetched(is_fresh=is_fresh)
    try:
        found = OneLogin_Saml2_IdPMetadataParser.parse(text, entity_id=settings.SAML_IDP_ENTITY_ID or None)
    except (OneLogin_Saml2_Error, LxmlError, ValueError) as error:
        raise SamlError(f"The identity provider's metadata cannot be read: {error}") from error
    identity: dict[str, Any] = found.get("idp", {})
    if not identity.get("entityId") or not identity.get("singleSignOnService"):
        raise SamlError("The metadata name no identity provider that is reached by redirect.")
    return identity


def _metadata_fetched(*, is_fresh: bool) -> str:
    address = settings.SAML_IDP_METADATA_URL
    key = f"saml-metadata:{address}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept and not is_fresh and time.time() - kept["at"] < _METADATA_SECONDS:
        return str(kept["text"])
    try:
        with httpx.Client(**client_options(read_seconds=_READ_SECONDS)) as client:
            answer = client.get(address)
            answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if kept and not is_fresh:
            return str(kept["text"])
        raise SamlError(f"{address} does not answer ({error}).") from error
    cache.set(key, {"at": time.time(), "text": answer.text}, _METADATA_KEPT_SECONDS)
    return answer.text


def _certificates(identity: dict[str, Any]) -> list[str]:
    several = identity.get("x509certMulti", {}).get("signing", [])
    return list(several) or ([identity["x509cert"]] if identity.get("x509cert") else [])


def _request_data(request: HttpRequest) -> dict[str, Any]:
    return {
        "https": "on" if request.is_secure() else "off",
        "http_host": request.get_host(),
        "script_name": request.path,
        "get_data": {},
        "post_data": {},
    }


def _request_answered(response: Any) -> str:
    """The id of our request, which the signed part must name too: the envelope alone may not be signed.

    Also sees that the assertion names whom it is for: python3-saml lets one pass that is for everybody.
    """
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    request_id = response.get_in_response_to()
    if not request_id:
        raise SamlError("Nobody asked for this answer; sign-in begins here, not at the identity provider.")
    document = response.decrypted_document if response.encrypted else response.document
    confirmations = OneLogin_Saml2_XML.query(document, "//saml:Assertion//saml:SubjectConfirmationData")
    if not confirmations or any(node.get("InResponseTo") != request_id for node in confirmations):
        raise SamlError("The assertion does not name the request that it answers.")
    if not response.get_audiences():
        raise SamlError("The assertion does not say for whom it is.")
    return str(request_id)


def _once(response: Any) -> None:
    name = f"{','.join(response.get_issuers())} {response.get_assertion_id()}"
    key = f"saml-assertion:{hashlib.sha256(name.encode()).hexdigest()}"
    until = response.get_assertion_not_on_or_after() or time.time() + 86_400
    if not cache.add(key, 1, max(60, int(until - time.time()) + _CLOCK_SECONDS)):
        raise SamlError("This assertion was used before.")


def saml_person(claims: dict[str, Any], *, uid: str = "", name_id_email: str = "") -> ExternalPerson:
    """Who the attributes speak of. `name_id_email`: the name identifier, where that is an address."""
    return external_person(
        source=SignInSource.SAML,
        uid=uid,
        email=_first(claims, settings.SAML_EMAIL_ATTRIBUTE, SAML_EMAIL_ATTRIBUTES) or name_id_email,
        email_is_trusted=True,
        name=_first(claims, settings.SAML_NAME_ATTRIBUTE, SAML_NAME_ATTRIBUTES),
        claims=claims,
    )


def _external(response: Any) -> ExternalPerson:
    claims: dict[str, Any] = {**response.get_friendlyname_attributes(), **response.get_attributes()}
    name_id = response.get_nameid() or ""
    name_id_format = response.get_nameid_format() or ""
    claims["name_id"] = name_id
    uid = f"{_issuer_mark(response)}:{_uid(claims, name_id, name_id_format)}"
    return saml_person(claims, uid=uid, name_id_email=name_id if name_id_format == _EMAIL else "")


def _issuer_mark(response: Any) -> str:
    """Names are unique at one provider only; another one that is configured later must not meet them."""
    return hashlib.sha256(",".join(sorted(set(response.get_issuers()))).encode()).hexdigest()[:8]


def _uid(claims: dict[str, Any], name_id: str, name_id_format: str) -> str:
    if settings.SAML_ID_ATTRIBUTE:
        found = _first(claims, settings.SAML_ID_ATTRIBUTE, ())
        if not found:
            raise SamlError(f"The assertion has no attribute {settings.SAML_ID_ATTRIBUTE} (CHATBOT_SAML_ID_ATTRIBUTE).")
        return found
    if not name_id or name_id_format == _TRANSIENT:
        raise SamlError(
            "The assertion's name identifier is not lasting. Have the provider send a persistent one, "
            "or set CHATBOT_SAML_ID_ATTRIBUTE."
        )
    return name_id.lower() if name_id_format == _EMAIL else name_id


def _first(claims: dict[str, Any], named: str, usual: tuple[str, ...]) -> str:
    """The first value of the attribute that is configured, else of the first usual one that is there."""
    for name in (named,) if named else usual:
        values = claims.get(name)
        if values:
            return str(values[0] if isinstance(values, list) else values).strip()
    return ""
