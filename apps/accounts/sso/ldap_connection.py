"""Connections to the directory: encrypted, bound, with short patience.

ldap3 is loaded on first use: an installation without LDAP does not pay for it.
"""

import logging
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, cast
from urllib.parse import urlsplit

from apps.accounts.sso.configuration import LdapConfiguration

logger = logging.getLogger(__name__)


class LdapError(Exception):
    """The directory cannot be asked; the text says why, for operators."""


@cache
def ldap3_library() -> ModuleType:
    """ldap3 itself."""
    with warnings.catch_warnings():
        # ldap3 2.9.1 reads names that pyasn1 has renamed and still keeps.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="ldap3")
        warnings.filterwarnings("ignore", message=".* is deprecated", category=DeprecationWarning)
        import ldap3
        import ldap3.utils.conv
        import ldap3.utils.dn
    return cast("ModuleType", ldap3)


@contextmanager
def service_connection(configuration: LdapConfiguration) -> Iterator[Any]:
    """A bound, encrypted connection to the first server that answers. Errors of ldap3 leave as LdapError."""
    exceptions = ldap3_library().core.exceptions
    connection = None
    try:
        connection = _connected(configuration)
        yield connection
    except exceptions.LDAPException as error:
        raise LdapError(_sentence(error)) from error
    # Certificates that do not fit and sockets that break come through ldap3 as they are.
    except OSError as error:
        raise LdapError(str(error)) from error
    finally:
        if connection is not None:
            _close(connection)


def _connected(configuration: LdapConfiguration) -> Any:
    failures: list[str] = []
    exceptions = ldap3_library().core.exceptions
    for url in configuration.urls:
        server = _server(configuration, url)
        try:
            connection = _opened(
                server, configuration, user=configuration.bind_dn, password=configuration.bind_password
            )
        except (exceptions.LDAPException, OSError, LdapError) as error:
            failures.append(f"{server.name}: {_sentence(error)}")
            continue
        if connection.bind():
            return connection
        failures.append(f"{server.name}: the service account is not accepted ({connection.result['description']})")
        _close(connection)
    raise LdapError("; ".join(failures) or "no server is named")


def _server(configuration: LdapConfiguration, url: str) -> Any:
    library = ldap3_library()
    parts = urlsplit(url)
    is_ldaps = parts.scheme == "ldaps"
    return library.Server(
        parts.hostname or "",
        port=parts.port or (636 if is_ldaps else 389),
        use_ssl=is_ldaps,
        tls=_tls(configuration),
        get_info=library.NONE,
        connect_timeout=configuration.timeout_seconds,
        allowed_referral_hosts=[],
    )


def _tls(configuration: LdapConfiguration) -> Any:
    """TLS as Python does it by default: ldap3's own check of names needs what Python 3.12 has no more."""

    class Tls(ldap3_library().Tls):  # type: ignore[misc]
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            context = ssl.create_default_context(cadata=configuration.ca or None)
            connection.socket = context.wrap_socket(
                connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
            )

    return Tls(validate=ssl.CERT_REQUIRED)


def _opened(server: Any, configuration: LdapConfiguration, *, user: str, password: str) -> Any:
    """Connected and encrypted, not bound. Nothing is sent in the clear unless the operator switched TLS off."""
    library = ldap3_library()
    connection = library.Connection(
        server,
        user=user or None,
        password=password or None,
        authentication=library.SIMPLE if user else library.ANONYMOUS,
        receive_timeout=configuration.timeout_seconds,
        auto_referrals=False,
        read_only=True,
        raise_exceptions=False,
    )
    try:
        connection.open(read_server_info=False)
        if configuration.has_tls and not server.ssl and not connection.start_tls(read_server_info=False):
            raise LdapError(f"TLS does not start ({connection.last_error})")
    except BaseException:
        _close(connection)
        raise
    return connection


def bind_succeeds(server: Any, configuration: LdapConfiguration, dn: str, password: str) -> bool:
    """Whether the directory takes the password, on a connection of its own."""
    connection = _opened(server, configuration, user=dn, password=password)
    try:
        return bool(connection.bind())
    finally:
        _close(connection)


def _sentence(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _close(connection: Any) -> None:
    try:
        connection.unbind()
    except (ldap3_library().core.exceptions.LDAPException, OSError):
        logger.debug("A connection to the directory could not be closed in good order.")
    finally:
        # ldap3 lets go of a socket that never got as far as a connection, and does not close it.
        if connection.socket is not None:
            connection.socket.close()
