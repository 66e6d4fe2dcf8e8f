"""`manage.py sso_check`: try every source of single sign-on that is switched on."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from apps.accounts.models import SignInSource
from apps.accounts.sso.configuration import sources_on
from apps.accounts.sso.ldap import ldap_probe
from apps.accounts.sso.ldap_connection import LdapError
from apps.accounts.sso.oidc import OidcError, oidc_probe
from apps.accounts.sso.saml import SamlError, saml_probe

_PROBES: dict[str, Callable[[], str]] = {
    SignInSource.OIDC: oidc_probe,
    SignInSource.SAML: saml_probe,
    SignInSource.LDAP: ldap_probe,
}


class Command(BaseCommand):
    help = "Ask every source of single sign-on whether it works with these settings, and say what is wrong."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        sources = sources_on()
        if not sources:
            self.stdout.write("No source of single sign-on is switched on.")
        failures = 0
        for source in sources:
            try:
                self.stdout.write(f"{source}: {_PROBES[source]()}")
            except (OidcError, SamlError, LdapError) as error:
                failures += 1
                self.stderr.write(f"{source}: {error}")
        if failures:
            raise CommandError(f"{failures} of {len(sources)} sources do not work.")
