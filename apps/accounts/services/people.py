"""Changing who belongs to a workspace and as what."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.exceptions import LastAdminError, RoleManagedError
from apps.accounts.models import ApiKey, Membership, User, Workspace
from apps.accounts.permissions import grants_void
from apps.accounts.selectors.people import account_manage_require, member_require
from apps.accounts.services.sessions import access_end_all
from apps.audit.actions import MEMBER_ADDED, MEMBER_REMOVED, PERSON_CHANGED, ROLE_CHANGED
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError


@transaction.atomic
def role_change(*, actor: User, workspace_id: UUID, person_id: UUID, role: str) -> Membership:
    """Give a member another role. The same role again changes nothing.

    Raises NotFoundError for somebody of another workspace, ForbiddenError for too low a role or a super admin's
    membership, LastAdminError if no administrator would stay, RoleManagedError for a role that single sign-on keeps.
    """
    membership = _changeable(actor=actor, workspace_id=workspace_id, person_id=person_id)
    if role not in Membership.Role.values:
        raise ValidationFailedError(errors={"role": f"must be one of {', '.join(Membership.Role.values)}"})
    if membership.role == role:
        return membership
    if membership.managed_by and not actor.is_super_admin:
        raise RoleManagedError
    _admin_stays(membership)
    before, membership.role = membership.role, role
    # From now on it is kept by hand: the next sign-in must not take back what a super admin decided.
    membership.managed_by = ""
    membership.save(update_fields=["role", "managed_by"])
    event_record(
        action=ROLE_CHANGED,
        actor=actor,
        workspace_id=workspace_id,
        target=membership.user,
        data={"from": before, "to": role},
    )
    return membership


@transaction.atomic
def member_remove(*, actor: User, workspace_id: UUID, person_id: UUID) -> None:
    """Take a person out of the workspace: grants, groups, API keys there and open streams end; the account stays.

    Raises as `role_change`.
    """
    membership = _changeable(actor=actor, workspace_id=workspace_id, person_id=person_id)
    _member_out(actor=actor, membership=membership)


@transaction.atomic
def member_leave(*, actor: User, workspace_id: UUID) -> None:
    """Leave a workspace by oneself. Raises NotFoundError, LastAdminError or RoleManagedError."""
    membership = _locked(workspace_id=workspace_id, person_id=actor.pk)
    if membership.managed_by:
        raise RoleManagedError("Your membership comes from single sign-on. Ask an administrator to end it there.")
    _member_out(actor=actor, membership=membership)


@transaction.atomic
def member_add(*, actor: User, workspace_id: UUID, email: str, role: str) -> Membership:
    """Let an existing account into the workspace at once; for super admins. Others invite, so that people agree.

    Raises ForbiddenError for others and ValidationFailedError for an unknown address or somebody who is in already.
    """
    if not actor.is_super_admin:
        raise ForbiddenError
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is None:
        raise NotFoundError
    person = User.objects.filter(email=email.strip().lower()).first()
    if person is None:
        raise ValidationFailedError(errors={"email": "Nobody has this address. Invite them instead."})
    membership, is_new = Membership.objects.get_or_create(user=person, workspace=workspace, defaults={"role": role})
    if not is_new:
        raise ValidationFailedError(errors={"email": "This person is a member already."})
    member_added_record(actor=actor, membership=membership)
    return membership


def member_added_record(*, actor: User, membership: Membership) -> None:
    """The audit event of a new membership, in the caller's transaction."""
    event_record(
        action=MEMBER_ADDED,
        actor=actor,
        workspace_id=membership.workspace_id,
        target=membership.user,
        data={"role": membership.role},
    )


@transaction.atomic
def person_sign_out(*, actor: User, person: User) -> None:
    """End all sessions, API sign-ins and keys of somebody whose account the actor looks after.

    Raises NotFoundError for a stranger, ForbiddenError as `account_manage_require`.
    """
    account_manage_require(actor=actor, person=person)
    access_end_all(user=person, actor=actor)


@transaction.atomic
def member_limits_change(
    *,
    actor: User,
    workspace_id: UUID,
    person_id: UUID,
    messages_per_day: int | None,
    documents_limit: int | None,
    bytes_limit: int | None,
) -> None:
    """Set what holds for this member in place of the workspace's limits per person; None for those.

    Raises NotFoundError or ForbiddenError. The audit event holds the numbers before and after.
    """
    membership = member_require(actor=actor, workspace_id=workspace_id, person_id=person_id)
    wanted = {
        "messages_per_day": messages_per_day,
        "documents_limit": documents_limit,
        "bytes_limit": bytes_limit,
    }
    changed = changes_apply(membership, wanted)
    if changed:
        membership.save(update_fields=list(wanted))
        event_record(
            action=PERSON_CHANGED, actor=actor, workspace_id=workspace_id, target=membership.user, data=changed
        )


def changes_apply(row: Any, wanted: dict[str, Any]) -> dict[str, str]:
    """Set the fields and return, for the audit log, "old → new" of those that changed. Does not save."""
    changed: dict[str, str] = {}
    for name, value in wanted.items():
        before = getattr(row, name)
        if before != value:
            changed[name] = f"{_said(before)} → {_said(value)}"
            setattr(row, name, value)
    return changed


def _said(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return "none" if value in {None, ""} else str(value)


def _changeable(*, actor: User, workspace_id: UUID, person_id: UUID) -> Membership:
    """The member's row under a lock that keeps two administrators from demoting each other at once."""
    member_require(actor=actor, workspace_id=workspace_id, person_id=person_id)
    membership = _locked(workspace_id=workspace_id, person_id=person_id)
    if membership.user.is_super_admin and not actor.is_super_admin:
        raise ForbiddenError("Only a super admin may change the membership of a super admin.")
    return membership


def _locked(*, workspace_id: UUID, person_id: UUID) -> Membership:
    Workspace.objects.select_for_update(no_key=True).filter(pk=workspace_id).first()
    # The row too: who is given a grant or a place in a group meanwhile must not keep it.
    rows = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("user", "workspace")
    membership = rows.filter(workspace_id=workspace_id, user_id=person_id).first()
    if membership is None:
        raise NotFoundError
    return membership


def _admin_stays(membership: Membership) -> None:
    """Raises LastAdminError if the workspace has no other active administrator than this one."""
    if membership.role != Membership.Role.ADMIN or not membership.user.is_active:
        return
    others = Membership.objects.filter(workspace_id=membership.workspace_id, role=Membership.Role.ADMIN)
    if not others.filter(user__is_active=True).exclude(pk=membership.pk).exists():
        raise LastAdminError


def _member_out(*, actor: User, membership: Membership) -> None:
    _admin_stays(membership)
    membership_end(actor=actor, membership=membership)


def membership_end(*, actor: User | None, membership: Membership, source: str = "") -> None:
    """End a membership and all that hangs on it, in the caller's transaction. The caller has decided that it may.

    `source`: the sign-in source that ends it, for the audit log.
    """
    person, workspace_id = membership.user, membership.workspace_id
    grants_void(user_id=person.pk, workspace_id=workspace_id)
    keys = ApiKey.objects.filter(user=person, workspace_id=workspace_id, revoked_at=None)
    keys_ended = keys.update(revoked_at=timezone.now())
    User.objects.filter(pk=person.pk, current_workspace_id=workspace_id).update(current_workspace=None)
    membership.delete()
    event_record(
        action=MEMBER_REMOVED,
        actor=actor,
        workspace_id=workspace_id,
        target=person,
        data={"role": membership.role, "api_keys_ended": keys_ended, **({"source": source} if source else {})},
    )
    access_ended_announce(user_id=person.pk)
