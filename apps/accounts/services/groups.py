"""Groups: people of one workspace who get grants together.

Where `actor` is None a sign-in source acts, named by `actor_label`; its rules have decided already.
"""

from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.models import Group, Membership, User
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.groups import group_require
from apps.audit.actions import GROUP_CHANGED
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.keys import uuid7

TITLE_MAXIMUM = 100


@transaction.atomic
def group_create(
    *, actor: User | None, workspace_id: UUID, title: str, external_id: str = "", actor_label: str = ""
) -> Group:
    """An empty group. Raises NotFoundError, ForbiddenError, ValidationFailedError for an empty or used title."""
    if actor is not None:
        permission_require(user=actor, workspace_id=workspace_id, permission="people_manage")
    key = uuid7()
    group = Group(key=key, name=str(key), workspace_id=workspace_id, title=_title(title), external_id=external_id)
    _save(group)
    _record(group, "created", actor, actor_label)
    return group


@transaction.atomic
def group_rename(*, actor: User | None, group_id: UUID, title: str, actor_label: str = "") -> Group:
    """`group_id` is the group's `key`, here and below. Raises as `group_create`."""
    group = _group(actor, group_id)
    if group.title != _title(title):
        group.title = _title(title)
        _save(group)
        _record(group, "renamed", actor, actor_label)
    return group


@transaction.atomic
def group_delete(*, actor: User | None, group_id: UUID, actor_label: str = "") -> None:
    """Delete it with all its grants; its people stay. Raises NotFoundError, ForbiddenError."""
    group = _group(actor, group_id)
    _record(group, "deleted", actor, actor_label)
    group.delete()


@transaction.atomic
def group_member_add(*, actor: User | None, group_id: UUID, user_id: UUID, actor_label: str = "") -> None:
    """Put a member of the workspace into the group. Twice is not an error.

    The membership is locked meanwhile: whoever leaves the workspace leaves its groups too. Raises NotFoundError for
    somebody who is no member, ForbiddenError.
    """
    group = _group(actor, group_id)
    members = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("user")
    membership = members.filter(workspace_id=group.workspace_id, user_id=user_id).first()
    if membership is None:
        raise NotFoundError("This person is not a member of the workspace.")
    if not group.user_set.filter(pk=user_id).exists():
        group.user_set.add(membership.user)
        _record(group, "member_added", actor, actor_label, user_id=user_id)


@transaction.atomic
def group_member_remove(*, actor: User | None, group_id: UUID, user_id: UUID, actor_label: str = "") -> None:
    """Take somebody out; who is not in it stays out. Raises NotFoundError, ForbiddenError."""
    group = _group(actor, group_id)
    member = group.user_set.filter(pk=user_id).first()
    if member is not None:
        group.user_set.remove(member)
        _record(group, "member_removed", actor, actor_label, user_id=user_id)


def _group(actor: User | None, group_id: UUID) -> Group:
    if actor is not None:
        return group_require(user=actor, group_id=group_id)
    group = Group.objects.filter(key=group_id).first()
    if group is None:
        raise NotFoundError
    return group


def _title(title: str) -> str:
    clean = " ".join(title.replace("\x00", "").split())
    if not clean or len(clean) > TITLE_MAXIMUM:
        raise ValidationFailedError(errors={"title": f"Give the group a name of at most {TITLE_MAXIMUM} characters."})
    return clean


def _save(group: Group) -> None:
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:
        raise ValidationFailedError(errors={"title": "There is a group of this name already."}) from error


def _record(group: Group, change: str, actor: User | None, actor_label: str, **data: object) -> None:
    # The title is an operator's word for people, not content; the label of the event holds it.
    event_record(
        action=GROUP_CHANGED,
        actor=actor,
        actor_label=actor_label,
        workspace_id=group.workspace_id,
        target=group,
        data={"change": change, "group_id": group.key, **data},
    )
