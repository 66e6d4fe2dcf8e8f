"""Start-up checks of single sign-on: what is switched on must be complete. Nothing is asked over the network."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from apps.accounts.models import Membership
from apps.accounts.sso.configuration import ACTIVE_DIRECTORY, ALWAYS, NEVER, VERIFIED, ldap_configuration


@register()
def single_sign_on_is_complete(**_: Any) -> list[CheckMessage]:
    """One sentence for each thing that is missing or makes no sense."""
    problems = [*_general(), *(_oidc() if settings.OIDC else ()), *(_saml() if settings.SAML else ())]
    messages: list[CheckMessage] = [Error(text, id="accounts.E001") for text in problems]
    if settings.LDAP:
        messages += [Error(text, id="accounts.E001") for text in _ldap()]
        if not settings.LDAP_TLS and any(url.startswith("ldap://") for url in settings.LDAP_URLS):
            messages.append(Warning("CHATBOT_LDAP_TLS is off: passwords travel unencrypted.", id="accounts.W001"))
    return messages


def _general() -> Iterator[str]:
    if settings.SSO_DEFAULT_ROLE not in Membership.Role.values:
        yield f"CHATBOT_SSO_DEFAULT_ROLE must be one of {', '.join(Membership.Role.values)}."
    if not settings.PASSWORD_SIGN_IN and not (settings.OIDC or settings.SAML or settings.LDAP):
        yield "CHATBOT_PASSWORD_SIGN_IN is off, and so is every other way to sign in."


def _oidc() -> Iterator[str]:
    needed = {"CHATBOT_OIDC_ISSUER": settings.OIDC_ISSUER, "CHATBOT_OIDC_CLIENT_ID": settings.OIDC_CLIENT_ID}
    yield from _missing(needed, switch="CHATBOT_OIDC")
    if not _is_private_enough(settings.OIDC_ISSUER):
        yield "CHATBOT_OIDC_ISSUER must start with https://."
    if "openid" not in settings.OIDC_SCOPES:
        yield "CHATBOT_OIDC_SCOPES must have openid."
    yield from _choice("CHATBOT_OIDC_LINK_BY_EMAIL", settings.OIDC_LINK_BY_EMAIL, {VERIFIED, ALWAYS, NEVER})


def _saml() -> Iterator[str]:
    if bool(settings.SAML_IDP_METADATA_URL) == bool(settings.SAML_IDP_METADATA):
        yield "CHATBOT_SAML needs CHATBOT_SAML_IDP_METADATA_URL or CHATBOT_SAML_IDP_METADATA, and not both."
    if not _is_private_enough(settings.SAML_IDP_METADATA_URL):
        yield "CHATBOT_SAML_IDP_METADATA_URL must start with https://: whoever changes metadata signs in as anybody."
    if settings.SAML_IDP_METADATA and "EntityDescriptor" not in settings.SAML_IDP_METADATA:
        yield "CHATBOT_SAML_IDP_METADATA holds the XML itself; for a file set CHATBOT_SAML_IDP_METADATA_FILE."
    if bool(settings.SAML_CERTIFICATE) != bool(settings.SAML_PRIVATE_KEY):
        yield "Set CHATBOT_SAML_CERTIFICATE and CHATBOT_SAML_PRIVATE_KEY, or neither."
    yield from _choice("CHATBOT_SAML_LINK_BY_EMAIL", settings.SAML_LINK_BY_EMAIL, {ALWAYS, NEVER})


def _ldap() -> Iterator[str]:
    needed = {"CHATBOT_LDAP_URL": settings.LDAP_URLS, "CHATBOT_LDAP_USER_BASE": settings.LDAP_USER_BASE}
    yield from _missing(needed, switch="CHATBOT_LDAP")
    for url in settings.LDAP_URLS:
        if urlsplit(url).scheme not in {"ldap", "ldaps"} or not urlsplit(url).hostname:
            yield f"CHATBOT_LDAP_URL must start with ldap:// or ldaps://, not {url!r}."
    if bool(settings.LDAP_BIND_DN) != bool(settings.LDAP_BIND_PASSWORD):
        yield "Set CHATBOT_LDAP_BIND_DN and CHATBOT_LDAP_BIND_PASSWORD, or neither."
    if settings.LDAP_CA and "BEGIN CERTIFICATE" not in settings.LDAP_CA:
        yield "CHATBOT_LDAP_CA holds certificates in PEM; for a file set CHATBOT_LDAP_CA_FILE."
    yield from _ldap_filters()
    yield from _choice("CHATBOT_LDAP_DIRECTORY", settings.LDAP_DIRECTORY, {"generic", ACTIVE_DIRECTORY})
    yield from _choice("CHATBOT_LDAP_LINK_BY_EMAIL", settings.LDAP_LINK_BY_EMAIL, {ALWAYS, NEVER})


def _ldap_filters() -> Iterator[str]:
    configuration = ldap_configuration()
    filters = {
        "CHATBOT_LDAP_USER_FILTER": (configuration.user_filter, "{login}"),
        "CHATBOT_LDAP_GROUP_FILTER": (configuration.group_filter, "{dn}"),
    }
    for name, (text, slot) in filters.items():
        is_filter = text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")")
        if slot not in text or not is_filter:
            yield f"{name} must be a filter in parentheses that holds {slot}, not {text!r}."


def _missing(values: Mapping[str, object], *, switch: str) -> Iterator[str]:
    missing = [name for name, value in values.items() if not value]
    if missing:
        yield f"{switch} is on and needs {' and '.join(missing)}."


def _choice(name: str, value: str, choices: set[str]) -> Iterator[str]:
    if value not in choices:
        yield f"{name} must be {' or '.join(sorted(choices))}, not {value!r}."


def _is_private_enough(url: str) -> bool:
    """Over TLS, or to this machine. An address that is not set is complained about elsewhere."""
    parts = urlsplit(url)
    if not url or parts.scheme == "https":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
