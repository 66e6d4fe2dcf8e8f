"""The LDAP directory: finding a person, proving their password, reading their groups."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from apps.accounts.models import SignInSource
from apps.accounts.sso.configuration import LdapConfiguration, ldap_configuration
from apps.accounts.sso.ldap_connection import LdapError, bind_succeeds, ldap3_library, service_connection
from apps.accounts.sso.types import ExternalPerson, external_person

_GUID_BYTES = 16
_LOGIN_LENGTH = 254
# More groups than this nobody has; a directory that answers with more is asked wrongly.
_GROUPS_LIMIT = 5000
# Result codes: success, and size limit exceeded, which means several entries where one was asked for.
_SEARCHED = frozenset({0, 4})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the directory holds about one person. `attributes`: lists of texts, by name as configured."""

    dn: str
    uid: str
    attributes: dict[str, list[str]]
    groups: list[str]


def ldap_authenticate(*, login: str, password: str) -> ExternalPerson | None:
    """The person of this login, if the directory takes the password; None for everything else.

    Both for known and unknown logins there is one search and one bind, so that time tells nothing.
    Raises LdapError when the directory cannot be asked.
    """
    # A bind without a password succeeds in many directories, as nobody in particular (RFC 4513, 5.1.2).
    if not _is_usable(login) or not _is_usable(password):
        return None
    configuration = ldap_configuration()
    with service_connection(configuration) as connection:
        entry = _entry_find(connection, configuration, login)
        dn = entry.dn if entry else f"cn={uuid4()},{configuration.user_base}"
        if not bind_succeeds(connection.server, configuration, dn, password) or entry is None:
            return None
        return _external(configuration, _with_groups(connection, configuration, entry))


def ldap_look_up(*, login: str) -> ExternalPerson | None:
    """The person of this login without a password: for the dry run. Raises LdapError."""
    if not _is_usable(login):
        return None
    configuration = ldap_configuration()
    with service_connection(configuration) as connection:
        entry = _entry_find(connection, configuration, login)
        return _external(configuration, _with_groups(connection, configuration, entry)) if entry else None


def ldap_person(claims: dict[str, Any]) -> ExternalPerson:
    """Whom attributes speak of that somebody typed in: for the dry run."""
    return _person(ldap_configuration(), claims, uid="")


def ldap_probe() -> str:
    """One sentence about what worked: connection, encryption, service account, user base. Raises LdapError."""
    configuration = ldap_configuration()
    with service_connection(configuration) as connection:
        library = ldap3_library()
        # Only the base entry itself, without attributes: it has to exist.
        is_there = connection.search(
            configuration.user_base, "(objectClass=*)", search_scope=library.BASE, attributes=[library.NO_ATTRIBUTES]
        )
        if not is_there:
            raise LdapError(
                f"The user base {configuration.user_base} was not found ({connection.result['description']})."
            )
        how = "encrypted" if connection.tls_started or connection.server.ssl else "not encrypted"
        return f"{connection.server.name} answers ({how}), takes the service account and has the user base."


def _is_usable(text: str) -> bool:
    return bool(text.strip()) and "\x00" not in text


def _entry_find(connection: Any, configuration: LdapConfiguration, login: str) -> Entry | None:
    """The one entry of this login; None for none, and for several, which prove nobody."""
    library = ldap3_library()
    wanted = {configuration.id_attribute, configuration.email_attribute, configuration.name_attribute}
    if configuration.groups_attribute:
        wanted.add(configuration.groups_attribute)
    text = library.utils.conv.escape_filter_chars(login.strip()[:_LOGIN_LENGTH])
    connection.search(
        configuration.user_base,
        configuration.user_filter.replace("{login}", text),
        attributes=["*", *wanted],
        size_limit=2,
        time_limit=configuration.timeout_seconds,
    )
    rows = _rows(connection)
    if len(rows) != 1 or not rows[0]["dn"]:
        return None
    row = rows[0]
    raw = {name.lower(): values for name, values in row["raw_attributes"].items()}
    uid = _uid(raw.get(configuration.id_attribute.lower(), []))
    if not uid:
        raise LdapError(f"The entry {row['dn']} has no {configuration.id_attribute} (CHATBOT_LDAP_ID_ATTRIBUTE).")
    attributes = {name: [text for value in values if (text := _text(value))] for name, values in raw.items()}
    attributes.pop("userpassword", None)
    groups = attributes.get(configuration.groups_attribute.lower(), []) if configuration.groups_attribute else []
    return Entry(dn=row["dn"], uid=uid, attributes=attributes, groups=groups)


def _with_groups(connection: Any, configuration: LdapConfiguration, entry: Entry) -> Entry:
    """With the groups that name the person, where a base for groups is configured."""
    if not configuration.group_base:
        return entry
    library = ldap3_library()
    dn = library.utils.conv.escape_filter_chars(entry.dn)
    connection.search(
        configuration.group_base,
        configuration.group_filter.replace("{dn}", dn),
        attributes=[library.NO_ATTRIBUTES],
        size_limit=_GROUPS_LIMIT,
        time_limit=configuration.timeout_seconds,
    )
    found = [row["dn"] for row in _rows(connection)]
    return Entry(
        dn=entry.dn, uid=entry.uid, attributes=entry.attributes, groups=list(dict.fromkeys([*entry.groups, *found]))
    )


def _rows(connection: Any) -> list[Any]:
    """What a search found. Raises LdapError if it was refused, as for a base that is not there."""
    if connection.result["result"] not in _SEARCHED:
        raise LdapError(f"{connection.server.name} refuses the search ({connection.result['description']}).")
    return [row for row in connection.response or [] if row.get("type") == "searchResEntry"]


def _external(configuration: LdapConfiguration, entry: Entry) -> ExternalPerson:
    claims: dict[str, Any] = {**entry.attributes, "dn": entry.dn, "groups": entry.groups}
    claims["group_names"] = [name for dn in entry.groups if (name := _group_name(dn))]
    return _person(configuration, claims, uid=entry.uid)


def _person(configuration: LdapConfiguration, claims: dict[str, Any], *, uid: str) -> ExternalPerson:
    def first(name: str) -> str:
        found = claims.get(name.lower()) or claims.get(name) or ""
        return str(found[0] if isinstance(found, list) else found)

    return external_person(
        source=SignInSource.LDAP,
        uid=uid,
        email=first(configuration.email_attribute),
        email_is_trusted=True,
        name=first(configuration.name_attribute),
        claims=claims,
    )


def _group_name(dn: str) -> str:
    library = ldap3_library()
    try:
        parts = library.utils.dn.parse_dn(dn)
    except library.core.exceptions.LDAPInvalidDnError:
        return ""
    return str(parts[0][1]) if parts else ""


def _uid(values: list[bytes]) -> str:
    """entryUUID is text, Active Directory's objectGUID sixteen bytes in Microsoft's order."""
    if not values or not values[0]:
        return ""
    text = _text(values[0])
    if text:
        return text.lower()
    return str(UUID(bytes_le=values[0])) if len(values[0]) == _GUID_BYTES else values[0].hex()


def _text(value: Any) -> str:
    """Empty for what is no text: pictures, certificates, security identifiers."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""
