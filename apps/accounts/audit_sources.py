"""What the audit log, which lies below, wants to know of people: their role and their workspace's id."""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from apps.accounts.models import User, Workspace
from apps.accounts.permission_table import SUPER_ADMIN
from apps.accounts.selectors.workspaces import membership_role, role_known


def audit_role(actor: AbstractBaseUser, workspace_id: UUID | None) -> str:
    """The role with which the person acts. No query where a permission check has just read it."""
    if not isinstance(actor, User):
        return ""
    if actor.is_super_admin:
        return SUPER_ADMIN
    if workspace_id is None:
        return ""
    known = role_known(user=actor, workspace_id=workspace_id)
    return (known or membership_role(user=actor, workspace_id=workspace_id)) or ""


def audit_workspace(slug: str) -> UUID | None:
    return Workspace.objects.filter(slug=slug).values_list("pk", flat=True).first()
