"""The one check of address and password: local ones, and those of the directory."""

import logging
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from apps.accounts.exceptions import SsoRefusedError
from apps.accounts.models import User
from apps.accounts.sso.ldap import ldap_authenticate
from apps.accounts.sso.ldap_connection import LdapError
from apps.accounts.sso.signing_in import sign_in_apply

logger = logging.getLogger(__name__)


class PasswordBackend(ModelBackend):
    """Checks a password once, whoever's it is.

    Every attempt that fails costs the same: one hash, and with LDAP one question to the directory. So time does not
    tell whether an address is known, or which kind of account it has. A super admin's own password opens before the
    directory is asked, so that they get in whatever has become of it.
    """

    @override
    @sensitive_variables("password")
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The person, or PermissionDenied: then Django asks no further backend, which would hash a second time.

        Raises SsoRefusedError for somebody whom the directory knows and who has no place here.
        """
        login = username or kwargs.get(User.USERNAME_FIELD)
        if not login or not password:
            return None
        local = super().authenticate(request, username=str(login).strip().lower(), password=password)
        if local is not None and _local_password_counts(local):
            return local
        person = _directory_person(str(login), password) if settings.LDAP else None
        if person is None:
            raise PermissionDenied
        return person

    @override
    async def aauthenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        return await sync_to_async(self.authenticate)(request, username=username, password=password, **kwargs)


def _local_password_counts(person: User) -> bool:
    return settings.PASSWORD_SIGN_IN or person.is_super_admin


def _directory_person(login: str, password: str) -> User | None:
    """Whom the directory proves, unless the login is of somebody with a password here."""
    try:
        external = ldap_authenticate(login=login, password=password)
    except LdapError as error:
        logger.error("The directory cannot be asked: %s", error, extra={"action": "ldap_failed"})
        return None
    if external is None or _has_local_password(login):
        return None
    try:
        return sign_in_apply(external)
    except SsoRefusedError as error:
        # A closed account gets the same answer as a wrong password, here as everywhere.
        if error.reason == "disabled":
            return None
        raise


def _has_local_password(login: str) -> bool:
    person = User.objects.filter(email=login.strip().lower()).first()
    return person is not None and person.has_usable_password() and _local_password_counts(person)
