"""OpenID Connect: authorization code flow with state, nonce and PKCE, by the provider's discovery document."""

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt
from django.conf import settings
from django.core.cache import cache

from apps.accounts.models import SignInSource
from apps.accounts.sso.configuration import ALWAYS
from apps.accounts.sso.types import ExternalPerson, external_person
from chatbot.lib.net import client_options

logger = logging.getLogger(__name__)

# Whoever waits here looks at a blank page.
_READ_SECONDS = 8.0
_DISCOVERY_SECONDS = 600
_LEEWAY_SECONDS = 60
# Only what needs the provider's private key: with HS256 the client's secret could sign, and `none` needs nothing.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_REQUIRED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcError(Exception):
    """The provider cannot be used or its answer is not right; the text is for operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where to send the browser, and what to keep for its return."""

    address: str
    state: str
    nonce: str
    verifier: str


def oidc_depart(*, return_address: str) -> Departure:
    """Raises OidcError if the provider's discovery document cannot be had."""
    provider = oidc_discover()
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode(
        {
            "response_type": "code",
            "client_id": settings.OIDC_CLIENT_ID,
            "redirect_uri": return_address,
            "scope": " ".join(settings.OIDC_SCOPES),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    endpoint = provider["authorization_endpoint"]
    joint = "&" if urlsplit(endpoint).query else "?"
    return Departure(address=f"{endpoint}{joint}{query}", state=state, nonce=nonce, verifier=verifier)


def oidc_arrive(*, code: str, nonce: str, verifier: str, return_address: str) -> ExternalPerson:
    """Who came back with this code. Raises OidcError for whatever is not as it must be."""
    provider = oidc_discover()
    with httpx.Client(**client_options(read_seconds=_READ_SECONDS)) as client:
        tokens = _json(
            client,
            "POST",
            provider["token_endpoint"],
            **_client_proof(provider),
            form={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": return_address,
                "code_verifier": verifier,
            },
        )
        claims = _id_token_read(client, provider, tokens.get("id_token"))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise OidcError("The ID token's nonce is not the one that was sent.")
        info = _user_info(client, provider, tokens.get("access_token"), subject=claims["sub"])
        claims = oidc_claims_joined(claims, info)
    return oidc_person(claims)


def oidc_discover(*, is_fresh: bool = False) -> dict[str, Any]:
    """The provider's discovery document, at most ten minutes old. Raises OidcError."""
    key = f"oidc-discovery:{settings.OIDC_ISSUER}"
    found: dict[str, Any] | None = None if is_fresh else cache.get(key)
    if found is None:
        with httpx.Client(**client_options(read_seconds=_READ_SECONDS)) as client:
            found = _json(client, "GET", f"{settings.OIDC_ISSUER}/.well-known/openid-configuration")
        _discovery_check(found)
        cache.set(key, found, _DISCOVERY_SECONDS)
    return found


def oidc_probe() -> str:
    """One sentence about what worked: discovery, keys, the client's secret. Raises OidcError."""
    provider = oidc_discover(is_fresh=True)
    with httpx.Client(**client_options(read_seconds=_READ_SECONDS)) as client:
        keys = _keys(client, provider, is_fresh=True)
        if not keys:
            raise OidcError(f"{provider['jwks_uri']} lists no key.")
        proof = _client_proof(provider)
        # No such code exists; what matters is whether the client itself is turned away.
        answer = client.post(
            provider["token_endpoint"],
            data={"grant_type": "authorization_code", "code": "sso-check", **proof["extra"]},
            headers=proof["headers"],
        )
    if answer.status_code == httpx.codes.UNAUTHORIZED or "invalid_client" in answer.text[:2000]:
        raise OidcError("The provider does not accept CHATBOT_OIDC_CLIENT_ID with CHATBOT_OIDC_CLIENT_SECRET.")
    return f"{settings.OIDC_ISSUER} answers, lists {len(keys)} keys and does not turn the client away."


def _discovery_check(found: dict[str, Any]) -> None:
    missing = [name for name in _REQUIRED if not isinstance(found.get(name), str)]
    if missing:
        raise OidcError(f"The discovery document lacks {', '.join(missing)}.")
    if found["issuer"].rstrip("/") != settings.OIDC_ISSUER:
        raise OidcError(f"The discovery document is of {found['issuer']}, not of {settings.OIDC_ISSUER}.")
    scheme = urlsplit(settings.OIDC_ISSUER).scheme
    names = [name for name in (*_REQUIRED[1:], "userinfo_endpoint") if found.get(name)]
    insecure = [name for name in names if urlsplit(str(found[name])).scheme not in {"https", scheme}]
    if insecure:
        raise OidcError(f"The discovery document leads out of https: {', '.join(insecure)}.")


def _client_proof(provider: dict[str, Any]) -> dict[str, Any]:
    """How the client proves itself: in the form where the provider takes that, else as Basic (RFC 6749, 2.3.1)."""
    client_id, secret = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
    methods = provider.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if not secret or "client_secret_post" in methods:
        extra = {"client_id": client_id, **({"client_secret": secret} if secret else {})}
        return {"extra": extra, "headers": {}}
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"extra": {}, "headers": {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}}


def _id_token_read(client: httpx.Client, provider: dict[str, Any], token: object) -> dict[str, Any]:
    if not isinstance(token, str):
        raise OidcError("The provider sent no ID token.")
    try:
        header = jwt.get_unverified_header(token)
        key = _key_of(client, provider, header)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            audience=settings.OIDC_CLIENT_ID,
            issuer=provider["issuer"],
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise OidcError(f"The ID token is not valid: {error}") from error
    if claims.get("azp") not in {None, settings.OIDC_CLIENT_ID}:
        raise OidcError("The ID token was issued to another client.")
    return claims


def _key_of(client: httpx.Client, provider: dict[str, Any], header: dict[str, Any]) -> jwt.PyJWK:
    """The key that the token names; fetched anew once, as providers change theirs."""
    if header.get("alg") not in _ALGORITHMS:
        raise OidcError(f"The ID token is signed by {header.get('alg')}, which is not accepted.")
    for is_fresh in (False, True):
        keys = _keys(client, provider, is_fresh=is_fresh)
        named = [key for key in keys if key.key_id == header.get("kid")] if "kid" in header else keys
        if len(named) == 1:
            return named[0]
    raise OidcError("The provider does not list the key of the ID token.")


def _keys(client: httpx.Client, provider: dict[str, Any], *, is_fresh: bool) -> list[jwt.PyJWK]:
    name = f"oidc-keys:{provider['jwks_uri']}"
    listed = None if is_fresh else cache.get(name)
    if listed is None:
        listed = _json(client, "GET", provider["jwks_uri"])
        cache.set(name, listed, _DISCOVERY_SECONDS)
    try:
        return [key for key in jwt.PyJWKSet.from_dict(listed).keys if key.public_key_use in {None, "sig"}]
    except jwt.PyJWTError as error:
        raise OidcError(f"{provider['jwks_uri']} lists no usable key: {error}") from error


def _user_info(client: httpx.Client, provider: dict[str, Any], token: object, *, subject: str) -> dict[str, Any]:
    endpoint = provider.get("userinfo_endpoint")
    if not endpoint or not isinstance(token, str):
        return {}
    found = _json(client, "GET", str(endpoint), headers={"Authorization": f"Bearer {token}"})
    # OpenID Connect Core 5.3.2: an answer about somebody else must not be used.
    if found.get("sub") != subject:
        raise OidcError("The userinfo endpoint speaks of somebody else than the ID token.")
    return found


def oidc_claims_joined(token: dict[str, Any], info: dict[str, Any]) -> dict[str, Any]:
    """The ID token's claims and, going before them, those of the userinfo endpoint.

    What one says of its address does not vouch for another address that the other one names.
    """
    if "email" in info and info["email"] != token.get("email"):
        token = {name: value for name, value in token.items() if name != "email_verified"}
    return {**token, **info}


def oidc_person(claims: dict[str, Any]) -> ExternalPerson:
    """Who the claims of the ID token and the userinfo endpoint, put together, speak of."""
    mark = hashlib.sha256(settings.OIDC_ISSUER.encode()).hexdigest()[:8]
    is_verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    name = claims.get("name") or f"{claims.get('given_name') or ''} {claims.get('family_name') or ''}"
    return external_person(
        source=SignInSource.OIDC,
        # Subjects are unique at one issuer only; another one that is configured later must not meet them.
        uid=f"{mark}:{claims.get('sub', '')}",
        email=claims.get("email"),
        email_is_trusted=is_verified or settings.OIDC_LINK_BY_EMAIL == ALWAYS,
        name=name,
        claims=claims,
    )


def _json(
    client: httpx.Client,
    method: str,
    address: str,
    *,
    form: dict[str, str] | None = None,
    extra: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object at the address. Errors name the address, never what was sent."""
    data = {**form, **(extra or {})} if form else None
    try:
        answer = client.request(method, address, data=data, headers={"Accept": "application/json", **(headers or {})})
        answer.raise_for_status()
        found = answer.json()
    except httpx.HTTPStatusError as error:
        raise OidcError(f"{address} answers {error.response.status_code}{_reason(error.response)}.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OidcError(f"{address} does not answer ({type(error).__name__}: {error}).") from error
    except ValueError as error:
        raise OidcError(f"{address} does not answer in JSON.") from error
    if not isinstance(found, dict):
        raise OidcError(f"{address} does not answer with a JSON object.")
    return found


def _reason(answer: httpx.Response) -> str:
    """The standard's error code, if there is one."""
    try:
        code = answer.json().get("error", "")
    except (ValueError, AttributeError):
        return ""
    return f" ({code})" if isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha() else ""
