"""The configured sources, read from the settings each time."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from apps.accounts.models import SignInSource

# What people call the sources that rules are written for.
SOURCE_NAMES = {
    SignInSource.OIDC.value: "OpenID Connect",
    SignInSource.SAML.value: "SAML",
    SignInSource.LDAP.value: "LDAP",
}
ALWAYS, VERIFIED, NEVER = "always", "verified", "never"
ACTIVE_DIRECTORY = "active_directory"

# Usual attributes of mail addresses and names in SAML, the first that is there counts.
SAML_EMAIL_ATTRIBUTES = (
    "email",
    "mail",
    "emailAddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
)
SAML_NAME_ATTRIBUTES = (
    "displayName",
    "name",
    "cn",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "urn:oid:2.5.4.3",
)

_GENERIC = {
    "user_filter": "(mail={login})",
    "id": "entryUUID",
    "email": "mail",
    "name": "cn",
    "group_filter": "(|(member={dn})(uniqueMember={dn}))",
}
# 1.2.840.113556.1.4.1941 (LDAP_MATCHING_RULE_IN_CHAIN) finds groups of groups too.
_ACTIVE_DIRECTORY = {
    "user_filter": "(&(objectCategory=person)(objectClass=user)(|(userPrincipalName={login})(mail={login})))",
    "id": "objectGUID",
    "email": "mail",
    "name": "displayName",
    "group_filter": "(member:1.2.840.113556.1.4.1941:={dn})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A way to sign in from elsewhere that has a button of its own. `address`: where the button leads."""

    code: str
    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapConfiguration:
    """`ca`: certificates in PEM that the directory's must come from; empty for those of the system."""

    urls: tuple[str, ...]
    has_tls: bool
    ca: str
    timeout_seconds: int
    bind_dn: str
    bind_password: str
    user_base: str
    user_filter: str
    id_attribute: str
    email_attribute: str
    name_attribute: str
    groups_attribute: str
    group_base: str
    group_filter: str


def button_sources() -> list[Source]:
    """The sources that are on and are reached by leaving our pages, for the sign-in page."""
    sources = []
    if settings.OIDC:
        sources.append(Source(code=SignInSource.OIDC, name=settings.OIDC_NAME, address=reverse("oidc-login")))
    if settings.SAML:
        sources.append(Source(code=SignInSource.SAML, name=settings.SAML_NAME, address=reverse("saml-login")))
    return sources


def sources_on() -> list[str]:
    """Codes of all sources that are on."""
    switches = {SignInSource.OIDC: settings.OIDC, SignInSource.SAML: settings.SAML, SignInSource.LDAP: settings.LDAP}
    return [code.value for code, is_on in switches.items() if is_on]


def groups_claim(source: str) -> str:
    """The claim that usually tells the groups."""
    names = {SignInSource.OIDC: settings.OIDC_GROUPS_CLAIM, SignInSource.SAML: settings.SAML_GROUPS_ATTRIBUTE}
    return str(names.get(SignInSource(source), "groups"))


def link_by_email(source: str) -> str:
    """`always`, `verified` or `never`: which addresses of the source may find or make an account."""
    return str(getattr(settings, f"{source.upper()}_LINK_BY_EMAIL"))


def ldap_configuration() -> LdapConfiguration:
    usual = _ACTIVE_DIRECTORY if settings.LDAP_DIRECTORY == ACTIVE_DIRECTORY else _GENERIC
    return LdapConfiguration(
        urls=tuple(settings.LDAP_URLS),
        has_tls=settings.LDAP_TLS,
        ca=settings.LDAP_CA,
        timeout_seconds=settings.LDAP_TIMEOUT_SECONDS,
        bind_dn=settings.LDAP_BIND_DN,
        bind_password=settings.LDAP_BIND_PASSWORD,
        user_base=settings.LDAP_USER_BASE,
        user_filter=settings.LDAP_USER_FILTER or usual["user_filter"],
        id_attribute=settings.LDAP_ID_ATTRIBUTE or usual["id"],
        email_attribute=settings.LDAP_EMAIL_ATTRIBUTE or usual["email"],
        name_attribute=settings.LDAP_NAME_ATTRIBUTE or usual["name"],
        groups_attribute=settings.LDAP_GROUPS_ATTRIBUTE,
        group_base=settings.LDAP_GROUP_BASE,
        group_filter=settings.LDAP_GROUP_FILTER or usual["group_filter"],
    )
