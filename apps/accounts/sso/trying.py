"""Whom a dry run is about: from pasted claims, a person's last ones, or the directory. Nothing is changed."""

from typing import Any

from allauth.socialaccount.models import SocialAccount

from apps.accounts.models import SignInSource
from apps.accounts.sso.ldap import ldap_look_up, ldap_person
from apps.accounts.sso.ldap_connection import LdapError
from apps.accounts.sso.oidc import oidc_person
from apps.accounts.sso.saml import saml_person
from apps.accounts.sso.types import ExternalPerson, external_person
from chatbot.lib.errors import ValidationFailedError


def person_of_claims(*, source: str, claims: dict[str, Any]) -> ExternalPerson:
    """As if the source had sent these claims."""
    readers = {SignInSource.OIDC: oidc_person, SignInSource.SAML: saml_person, SignInSource.LDAP: ldap_person}
    return readers[SignInSource(source)](claims)


def person_of_last_sign_in(*, source: str, email: str) -> ExternalPerson:
    """As if the person came again with the claims of their last sign-in. Raises ValidationFailedError for none.

    The directory is not remembered but asked.
    """
    if source == SignInSource.LDAP:
        return _person_of_directory(email)
    accounts = SocialAccount.objects.filter(provider=source, user__email=email.strip().lower())
    account = accounts.order_by("-last_login").first()
    if account is None:
        raise ValidationFailedError(errors={"email": "Nobody with this address has signed in that way."})
    person = person_of_claims(source=source, claims=account.extra_data)
    return external_person(
        source=source,
        uid=account.uid,
        email=person.email,
        email_is_trusted=person.email_is_trusted,
        name=person.name,
        claims=person.claims,
    )


def _person_of_directory(login: str) -> ExternalPerson:
    try:
        person = ldap_look_up(login=login)
    except LdapError as error:
        raise ValidationFailedError(errors={"email": f"The directory cannot be asked: {error}"}) from error
    if person is None:
        raise ValidationFailedError(errors={"email": "The directory has nobody, or several people, of this address."})
    return person
