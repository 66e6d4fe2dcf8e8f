"""Whose account an external person signs in to. Reads only."""

from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.accounts.models import ExternalIdentity, SignInSource, User
from apps.accounts.sso.configuration import NEVER, link_by_email
from apps.accounts.sso.types import ExternalPerson, Refusal

_DISABLED = Refusal(code="disabled", text="This account is closed. Ask an administrator.")
_UNKNOWN = Refusal(
    code="not_known",
    text="There is no account for you here, and this service makes none by itself. Ask an administrator.",
)
_NO_EMAIL = Refusal(
    code="no_email", text="Your sign-in service did not tell an e-mail address that can be used. Ask an administrator."
)
_UNVERIFIED = Refusal(
    code="email_unverified",
    text="Your sign-in service does not vouch for your e-mail address. Ask an administrator to have it verified there.",
)
_TAKEN = Refusal(
    code="address_taken",
    text="There is an account with your e-mail address. Sign in to it as before, then link it in its settings.",
)
_PRIVILEGED = Refusal(
    code="privileged",
    text="The account with your e-mail address has special rights and is not linked by address alone. "
    "Sign in with its password, then link it in its settings.",
)
_OTHER_IDENTITY = Refusal(
    code="linked_elsewhere",
    text="The account with your e-mail address is linked to another identity of your sign-in service. "
    "Ask an administrator to end that link first.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`how`: linked, email (an account that will be linked), new, or empty where the refusal says why not."""

    how: str
    person: User | None = None
    refusal: Refusal | None = None


def person_find(external: ExternalPerson) -> Found:
    """The account that this external person has, gets, or why there is none. At most four queries."""
    person = _linked(external)
    if person is not None:
        return Found(how="linked", person=person, refusal=None if person.is_active else _DISABLED)
    if not _is_address(external.email):
        return Found(how="", refusal=_NO_EMAIL)
    person = User.objects.filter(email=external.email).first()
    if person is None:
        return _newcomer(external)
    refusal = _link_refusal(external, person)
    return Found(how="" if refusal else "email", person=person, refusal=refusal)


def is_privileged(person: User) -> bool:
    return person.is_super_admin or person.is_staff or person.is_superuser


def link_exists(*, person: User, source: str) -> bool:
    """Whether the person has some identity of this source."""
    if source == SignInSource.LDAP:
        return ExternalIdentity.objects.filter(user=person, source=source).exists()
    return bool(SocialAccount.objects.filter(user=person, provider=source).exists())


def _linked(external: ExternalPerson) -> User | None:
    if external.source == SignInSource.LDAP:
        identities = ExternalIdentity.objects.filter(source=external.source, external_id=external.uid)
        identity = identities.select_related("user").first()
        return identity.user if identity else None
    account = SocialAccount.objects.filter(provider=external.source, uid=external.uid).select_related("user").first()
    return account.user if account else None


def _newcomer(external: ExternalPerson) -> Found:
    if not settings.SSO_CREATE:
        return Found(how="", refusal=_UNKNOWN)
    if not external.email_is_trusted:
        return Found(how="", refusal=_UNVERIFIED)
    return Found(how="new")


def _link_refusal(external: ExternalPerson, person: User) -> Refusal | None:
    if not person.is_active:
        return _DISABLED
    if link_by_email(external.source) == NEVER:
        return _TAKEN
    if not external.email_is_trusted:
        return _UNVERIFIED
    if is_privileged(person) and not settings.SSO_LINK_SUPER_ADMINS:
        return _PRIVILEGED
    # An address that was given to somebody new must not open the account of who had it before.
    return _OTHER_IDENTITY if link_exists(person=person, source=external.source) else None


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return True
