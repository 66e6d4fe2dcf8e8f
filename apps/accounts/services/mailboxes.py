"""Whether the owner of an address stands behind an account, and taking it back for them where somebody else may.

Whoever invites an address sees the link too and can make the account in its owner's name, with a password of their
own. So a mailbox counts as proven only by something that was mailed to it, by a sign-in source, or by a super admin.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from apps.accounts.models import ExternalIdentity, SignInSource, User
from apps.accounts.second_factor.state import PASSKEY
from apps.accounts.services.accounts import person_changed_record
from apps.accounts.services.sessions import access_end_all


def mailbox_is_proven(*, person: User) -> bool:
    """One query."""
    return bool(EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists())


def mailbox_prove(*, person: User) -> None:
    """From now on the account is the mailbox owner's. In the caller's transaction."""
    EmailAddress.objects.update_or_create(user=person, email=person.email, defaults={"verified": True, "primary": True})


@transaction.atomic
def account_reclaim(*, actor: User, person: User) -> None:
    """A source that people sign in by says whose address this is: the account is theirs from now on.

    Unless the mailbox was proven before, whoever made the account loses every way in: password, passkeys, links to
    identities, sessions, API sign-ins and keys. An authenticator app stays, as it opens nothing by itself; if it is
    not the owner's, an administrator resets it. A super admin's account is not touched: no invitation makes one.
    """
    if mailbox_is_proven(person=person) or person.is_super_admin:
        return
    person.set_unusable_password()
    person.save(update_fields=["password"])
    Authenticator.objects.filter(user_id=person.pk, type=PASSKEY).delete()
    SocialAccount.objects.filter(user=person).delete()
    ExternalIdentity.objects.filter(user=person).exclude(source=SignInSource.SCIM).delete()
    access_end_all(user=person, actor=actor)
    person_changed_record(actor=actor, person=person, fields=["password", "passkeys", "links"])
    mailbox_prove(person=person)
