"""Changing the settings of a workspace."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.services.people import changes_apply
from apps.accounts.services.workspaces import NAME_MAXIMUM
from apps.audit.actions import WORKSPACE_CHANGED
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError, ValidationFailedError

# What an administrator sets; the rest of the row is the product's own.
_FIELDS = frozenset(
    {
        "name",
        "messages_per_day",
        "documents_limit",
        "bytes_limit",
        "messages_per_day_per_user",
        "documents_per_user",
        "bytes_per_user",
        "second_factor_roles",
        "second_factor_grace_days",
    }
)


@transaction.atomic
def workspace_change(*, actor: User, workspace_id: UUID, **wanted: Any) -> Workspace:
    """Change the fields that are named; limits of None are no limits. What stays the same is not an event.

    The first role that must have a second factor starts the days of grace. The audit event holds the names of the
    changed fields with what stood there before and after; of the name, only that it changed.
    Raises NotFoundError, ForbiddenError, ValidationFailedError, and ValueError for a field that is not for this.
    """
    permission_require(user=actor, workspace_id=workspace_id, permission="workspace_manage")
    if unknown := wanted.keys() - _FIELDS:
        raise ValueError(f"Not settings of a workspace: {', '.join(sorted(unknown))}")
    workspace = Workspace.objects.select_for_update(no_key=True).filter(pk=workspace_id).first()
    if workspace is None:
        raise NotFoundError
    wanted = _checked(wanted)
    was_demanded = bool(workspace.second_factor_roles)
    changed = changes_apply(workspace, wanted)
    if not changed:
        return workspace
    if bool(workspace.second_factor_roles) != was_demanded:
        workspace.second_factor_since = timezone.now() if workspace.second_factor_roles else None
    workspace.save(update_fields=[*changed, "second_factor_since"])
    if "name" in changed:
        changed["name"] = "changed"
    event_record(action=WORKSPACE_CHANGED, actor=actor, workspace_id=workspace_id, target=workspace, data=changed)
    return workspace


def _checked(wanted: dict[str, Any]) -> dict[str, Any]:
    if "name" in wanted:
        name = " ".join(str(wanted["name"]).replace("\x00", "").split())
        if not name or len(name) > NAME_MAXIMUM:
            raise ValidationFailedError(errors={"name": f"Give it a name of at most {NAME_MAXIMUM} characters."})
        wanted = {**wanted, "name": name}
    if "second_factor_roles" in wanted:
        roles = [role for role in Membership.Role.values if role in set(wanted["second_factor_roles"])]
        wanted = {**wanted, "second_factor_roles": roles}
    return wanted
