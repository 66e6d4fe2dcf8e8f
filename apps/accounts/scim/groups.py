"""Groups of the workspace as a directory provisions them."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import Group, User
from apps.accounts.scim.resources import Group as GroupResource
from apps.accounts.services.groups import group_create, group_member_add, group_member_remove, group_rename
from chatbot.lib.errors import NotFoundError, ValidationFailedError


def groups_of(workspace_id: UUID) -> QuerySet[Group]:
    """Oldest first, with their members."""
    return Group.objects.filter(workspace_id=workspace_id).order_by("pk").prefetch_related("user_set")


def group_of(*, workspace_id: UUID, group_id: str) -> Group:
    """Raises NotFoundError for another workspace's group."""
    try:
        group = groups_of(workspace_id).filter(key=UUID(group_id)).first()
    except ValueError as error:
        raise NotFoundError from error
    if group is None:
        raise NotFoundError
    return group


@transaction.atomic
def group_provision(*, actor: User, workspace_id: UUID, wanted: GroupResource) -> Group:
    """Raises ValidationFailedError for a title that is used or empty and for members that are none."""
    group = group_create(
        actor=actor,
        workspace_id=workspace_id,
        title=wanted.display_name or "",
        external_id=(wanted.external_id or "")[:255],
    )
    _members_apply(actor, group, wanted)
    return group_of(workspace_id=workspace_id, group_id=str(group.key))


@transaction.atomic
def group_replace(*, actor: User, group: Group, wanted: GroupResource) -> Group:
    """Title and members become what the directory says. Raises as `group_provision`."""
    group_rename(actor=actor, group_id=group.key, title=wanted.display_name or "")
    Group.objects.filter(pk=group.pk).update(external_id=(wanted.external_id or "")[:255])
    _members_apply(actor, group, wanted)
    return group_of(workspace_id=group.workspace_id, group_id=str(group.key))


def _members_apply(actor: User, group: Group, wanted: GroupResource) -> None:
    before = set(group.user_set.values_list("pk", flat=True))
    after = {_key(str(member.value)) for member in wanted.members or []}
    for user_id in sorted(before - after):
        group_member_remove(actor=actor, group_id=group.key, user_id=user_id)
    for user_id in sorted(after - before):
        try:
            group_member_add(actor=actor, group_id=group.key, user_id=user_id)
        except NotFoundError as error:
            raise ValidationFailedError(f"{user_id} is not a member of the workspace.") from error


def _key(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise ValidationFailedError(f"{value[:60]} is not the id of a member.") from error
