"""People as a directory provisions them: always in the workspace of its key, by a super admin's key."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.exceptions import ScimConflictError
from apps.accounts.models import ExternalIdentity, Membership, SignInSource, User
from apps.accounts.scim.resources import User as Person
from apps.accounts.scim.resources import attributes_of, email_of, full_name_of
from apps.accounts.services.accounts import email_change, name_change, person_create
from apps.accounts.services.mailboxes import account_reclaim
from apps.accounts.services.people import member_added_record, member_remove
from apps.accounts.services.sessions import person_disable, person_enable
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError


def people_of(workspace_id: UUID) -> QuerySet[User]:
    """The members of the workspace, oldest first."""
    return User.objects.filter(memberships__workspace_id=workspace_id).order_by("pk")


def identities_of(users: list[User]) -> dict[UUID, ExternalIdentity]:
    """What the directory said of each; people who came otherwise are missing. One query."""
    rows = ExternalIdentity.objects.filter(source=SignInSource.SCIM, user__in=users)
    return {row.user_id: row for row in rows}


def person_of(*, workspace_id: UUID, person_id: str) -> User:
    """Raises NotFoundError for who is no member of the workspace."""
    try:
        user = people_of(workspace_id).filter(pk=UUID(person_id)).first()
    except ValueError as error:
        raise NotFoundError from error
    if user is None:
        raise NotFoundError
    return user


@transaction.atomic
def person_provision(*, actor: User, workspace_id: UUID, person: Person) -> User:
    """A new member. An account that exists elsewhere joins the workspace; one that was disabled comes back.

    Where its mailbox was never proven, whoever made the account loses it (`account_reclaim`).

    Raises ScimConflictError for a user name or address that a member has, ForbiddenError for a super admin's address,
    ValidationFailedError for what is no address.
    """
    email = _email_checked(person)
    user = User.objects.filter(email=email).first()
    if user is None:
        _user_name_free(person, but=None)
        user = person_create(actor=actor, email=email, name=full_name_of(person)[:150], password=None)
    elif Membership.objects.filter(user=user, workspace_id=workspace_id).exists():
        raise ScimConflictError("A member of the workspace has this user name or address.")
    elif user.is_super_admin:
        raise ForbiddenError("A super admin's account is not the directory's to change.")
    else:
        _user_name_free(person, but=user)
        account_reclaim(actor=actor, person=user)
    membership = Membership.objects.create(user=user, workspace_id=workspace_id, managed_by=SignInSource.SCIM)
    member_added_record(actor=actor, membership=membership)
    _state_apply(actor, user, is_active=person.active is not False)
    _identity_keep(user, person)
    return user


@transaction.atomic
def person_replace(*, actor: User, user: User, person: Person) -> None:
    """Make the account what the directory says. Raises as `person_provision`."""
    if user.is_super_admin:
        raise ForbiddenError("A super admin's account is not the directory's to change.")
    email = _email_checked(person)
    _user_name_free(person, but=user)
    if email != user.email:
        if User.objects.filter(email=email).exists():
            raise ScimConflictError("Somebody else has this address.")
        email_change(actor=actor, person=user, email=email)
    name_change(actor=actor, person=user, name=full_name_of(person)[:150])
    _state_apply(actor, user, is_active=person.active is not False)
    _identity_keep(user, person)


@transaction.atomic
def person_remove(*, actor: User, workspace_id: UUID, user: User) -> None:
    """Out of the workspace and, unless they belong to another one, disabled. What they wrote and uploaded stays.

    Raises ForbiddenError for a super admin, LastAdminError.
    """
    if user.is_super_admin:
        raise ForbiddenError("A super admin's account is not the directory's to change.")
    member_remove(actor=actor, workspace_id=workspace_id, person_id=user.pk)
    if not user.memberships.exists():
        ExternalIdentity.objects.filter(user=user, source=SignInSource.SCIM).delete()
        _state_apply(actor, user, is_active=False)


def _state_apply(actor: User, user: User, *, is_active: bool) -> None:
    if is_active and not user.is_active:
        person_enable(actor=actor, user=user)
    elif not is_active and user.is_active:
        person_disable(actor=actor, user=user)


def _identity_keep(user: User, person: Person) -> None:
    ExternalIdentity.objects.update_or_create(
        user=user,
        source=SignInSource.SCIM,
        defaults={"external_id": _user_name(person), "attributes": attributes_of(person)},
    )


def _user_name_free(person: Person, *, but: User | None) -> None:
    rows = ExternalIdentity.objects.filter(source=SignInSource.SCIM, external_id=_user_name(person))
    if rows.exclude(user=but).exists() if but else rows.exists():
        raise ScimConflictError("Somebody else has this user name.")


def _user_name(person: Person) -> str:
    return str(person.user_name or "").strip().lower()[:500]


def _email_checked(person: Person) -> str:
    email = email_of(person)
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationFailedError("The user name or one of `emails` must be an e-mail address.") from error
    return email
