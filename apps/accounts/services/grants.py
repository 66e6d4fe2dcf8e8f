"""Sharing one object with people and groups of its workspace. The object's own app says who may."""

from uuid import UUID

from django.db import transaction
from django.db.models import Model, Q

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.models import Group, User
from apps.accounts.permissions import READ, grant_add, grant_remove, permission_require
from apps.audit.actions import GRANT_ADDED, GRANT_REMOVED
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError


@transaction.atomic
def grant_create(*, actor: User, workspace_id: UUID, target: Model, grantee_id: UUID) -> None:
    """Let the person with this key, or the group, read the object. Sharing twice is not an error.

    The caller has made sure that the actor may share it. Raises ForbiddenError for a viewer, and NotFoundError for
    whoever does not belong to the object's workspace.
    """
    permission_require(user=actor, workspace_id=workspace_id, permission="share")
    grantee = _grantee(workspace_id, grantee_id)
    if grant_add(permission=READ, to=grantee, target=target):
        _record(GRANT_ADDED, actor, workspace_id, target, grantee_id)


@transaction.atomic
def grant_delete(*, actor: User, workspace_id: UUID, target: Model, grantee_id: UUID) -> None:
    """Take it back, from open pages too; what is not shared stays so.

    The caller has made sure that the actor may share the object.
    """
    if grant_remove(permission=READ, grantee_id=grantee_id, target=target):
        _record(GRANT_REMOVED, actor, workspace_id, target, grantee_id)
        readers = User.objects.filter(Q(pk=grantee_id) | Q(groups__group__key=grantee_id)).distinct()
        for reader_id in readers.values_list("pk", flat=True):
            access_ended_announce(user_id=reader_id)


def _grantee(workspace_id: UUID, grantee_id: UUID) -> User | Group:
    people = User.objects.filter(pk=grantee_id, is_active=True, memberships__workspace_id=workspace_id)
    grantee = people.first() or Group.objects.filter(key=grantee_id, workspace_id=workspace_id).first()
    if grantee is None:
        raise NotFoundError("There is no such person or group in this workspace.")
    return grantee


def _record(action: str, actor: User, workspace_id: UUID, target: Model, grantee_id: UUID) -> None:
    event_record(action=action, actor=actor, workspace_id=workspace_id, target=target, data={"grantee_id": grantee_id})
