"""The outside identities that open an account."""

from dataclasses import dataclass
from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from apps.accounts.models import ExternalIdentity, SignInSource, User
from apps.accounts.permissions import permission_require
from apps.accounts.sso.configuration import button_sources
from apps.audit.actions import SSO_APPLIED
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedIdentity:
    """`name`: what the source is called on the sign-in page."""

    id: int
    source: str
    name: str
    linked_at: datetime


def linked_identities(*, user: User) -> list[LinkedIdentity]:
    """Those of OpenID Connect and SAML, the oldest first. One query."""
    names = {source.code: source.name for source in button_sources()}
    rows = SocialAccount.objects.filter(user=user, provider__in=SignInSource.values).order_by("date_joined", "pk")
    return [
        LinkedIdentity(
            id=row.pk,
            source=row.provider,
            name=names.get(row.provider, row.provider),
            linked_at=row.date_joined,
        )
        for row in rows
    ]


@transaction.atomic
def identity_unlink(*, actor: User, identity_id: int) -> None:
    """End one's own link. Raises NotFoundError for another's, ForbiddenError where it is the only way in."""
    row = SocialAccount.objects.filter(pk=identity_id, user=actor).first()
    if row is None:
        raise NotFoundError
    if not actor.has_usable_password() and SocialAccount.objects.filter(user=actor).count() == 1:
        raise ForbiddenError("This is the only way into your account.")
    row.delete()
    _record(actor, actor, row.provider)


@transaction.atomic
def identities_unlink(*, actor: User, email: str) -> int:
    """End every link of the account with this address, for super admins: for when an address went to somebody new,
    or the source names people otherwise from now on. Returns how many there were.

    Raises ForbiddenError or NotFoundError for others, ValidationFailedError for an address that nobody has.
    """
    permission_require(user=actor, workspace_id=None, permission="sign_in_rules_manage")
    person = User.objects.filter(email=email.strip().lower()).first()
    if person is None:
        raise ValidationFailedError(errors={"email": "Nobody has this address."})
    accounts = SocialAccount.objects.filter(user=person)
    entries = ExternalIdentity.objects.filter(user=person, source=SignInSource.LDAP)
    sources = [*accounts.values_list("provider", flat=True), *entries.values_list("source", flat=True)]
    accounts.delete()
    entries.delete()
    for source in sources:
        _record(actor, person, source)
    return len(sources)


def _record(actor: User, person: User, source: str) -> None:
    event_record(
        action=SSO_APPLIED,
        actor=actor,
        workspace_id=None,
        target=person,
        data={"source": source, "account": "unlinked"},
    )
