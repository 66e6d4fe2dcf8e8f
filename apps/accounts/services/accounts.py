"""Changing accounts themselves: what a person says about themselves, and what super admins decide."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.exceptions import LastAdminError, LastSuperAdminError
from apps.accounts.models import Membership, User
from apps.accounts.permission_table import SUPER_ADMIN
from apps.audit.actions import PERSON_CHANGED, PERSON_CREATED, PERSON_DELETED, ROLE_CHANGED
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, ValidationFailedError


@transaction.atomic
def name_change(*, actor: User, person: User, name: str) -> None:
    """Change how a person is called. The caller has checked that the actor may. Events do not hold names."""
    if person.name == name:
        return
    person.name = name
    person.save(update_fields=["name"])
    person_changed_record(actor=actor, person=person, fields=["name"])


@transaction.atomic
def email_change(*, actor: User, person: User, email: str) -> None:
    """Change the address that a person signs in with; for super admins.

    The addresses that allauth keeps go along: an old one must not bring back the account by mail.
    Raises ForbiddenError for others and ValidationFailedError for an address that is taken.
    """
    _super_admin_require(actor)
    email = email.strip().lower()
    if User.objects.filter(email=email).exclude(pk=person.pk).exists():
        raise ValidationFailedError(errors={"email": "This address is taken."})
    EmailAddress.objects.filter(user=person).delete()
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
    User.objects.filter(pk=person.pk).update(email=email)
    person.email = email
    person_changed_record(actor=actor, person=person, fields=["email"])


@transaction.atomic
def person_create(*, actor: User, email: str, name: str, password: str | None) -> User:
    """A new account that belongs nowhere yet; for super admins. Without a password it signs in from elsewhere.

    Raises ForbiddenError for others, ValidationFailedError for an address that is taken or a weak password.
    """
    _super_admin_require(actor)
    draft = User(email=email.strip().lower(), name=name)
    if User.objects.filter(email=draft.email).exists():
        raise ValidationFailedError(errors={"email": "This address is taken."})
    if password is not None:
        try:
            validate_password(password, draft)
        except ValidationError as error:
            raise ValidationFailedError(errors={"password": " ".join(error.messages)}) from error
    person = User.objects.create_user(email, password, name=name)
    person_created_record(actor=actor, person=person)
    return person


@transaction.atomic
def super_admin_change(*, actor: User, person: User, is_super_admin: bool) -> None:
    """Put somebody above every workspace, or take them down again; for super admins.

    Raises ForbiddenError for others and LastSuperAdminError if none would stay.
    """
    _super_admin_require(actor)
    if not is_super_admin:
        super_admin_stays(person)
    person.is_super_admin = person.is_staff = person.is_superuser = is_super_admin
    # What a super admin decides by hand no sign-in takes back.
    person.super_admin_managed_by = ""
    person.save(update_fields=["is_super_admin", "is_staff", "is_superuser", "super_admin_managed_by"])
    before, after = ("", SUPER_ADMIN) if is_super_admin else (SUPER_ADMIN, "")
    event_record(action=ROLE_CHANGED, actor=actor, workspace_id=None, target=person, data={"from": before, "to": after})


@transaction.atomic
def account_delete(*, actor: User, person: User) -> None:
    """Delete an account with all that is its own; for super admins. Audit events about it stay.

    Raises ForbiddenError for others and for one's own account, LastSuperAdminError and LastAdminError.
    """
    _super_admin_require(actor)
    if actor.pk == person.pk:
        raise ForbiddenError("You cannot delete your own account.")
    super_admin_stays(person)
    _workspaces_keep_an_admin(person)
    event_record(action=PERSON_DELETED, actor=actor, workspace_id=None, target=person)
    access_ended_announce(user_id=person.pk)
    person.delete()


def person_created_record(*, actor: User, person: User) -> None:
    """The audit event of a new account, in the caller's transaction."""
    event_record(action=PERSON_CREATED, actor=actor, workspace_id=None, target=person)


def person_changed_record(*, actor: User, person: User, fields: list[str]) -> None:
    """The audit event of a changed account, in the caller's transaction: the names of the fields, no values."""
    data: dict[str, Any] = {"fields": ",".join(fields)}
    event_record(action=PERSON_CHANGED, actor=actor, workspace_id=None, target=person, data=data)


def _super_admin_require(actor: User) -> None:
    if not actor.is_super_admin:
        raise ForbiddenError


def super_admin_stays(person: User) -> None:
    """Raises LastSuperAdminError if without this person there would be none. Needs a transaction."""
    if not person.is_super_admin:
        return
    # The rows are locked, so that two super admins cannot take each other down at once.
    above = User.objects.select_for_update(no_key=True).filter(is_super_admin=True, is_active=True).order_by("pk")
    if not {row.pk for row in above} - {person.pk}:
        raise LastSuperAdminError


def _workspaces_keep_an_admin(person: User) -> None:
    mine = Membership.objects.filter(user=person, role=Membership.Role.ADMIN).values_list("workspace_id", flat=True)
    active = Membership.objects.filter(role=Membership.Role.ADMIN, user__is_active=True).exclude(user=person)
    kept = set(active.filter(workspace_id__in=mine).values_list("workspace_id", flat=True))
    if set(mine) - kept:
        raise LastAdminError
