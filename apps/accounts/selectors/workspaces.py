"""Reads: who somebody is and where they belong."""

from uuid import UUID

from django.db.models import Case, IntegerField, Value, When

from apps.accounts.models import Membership, User, Workspace
from chatbot.lib.errors import NotFoundError


def workspace_current(*, user: User) -> Workspace:
    """The workspace that the person works in: the one they switched to, else their first. One query.

    Raises NotFoundError if they are in none.
    """
    chosen_first = Case(
        When(pk=user.current_workspace_id, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    rows = Workspace.objects.filter(memberships__user=user)
    workspace = rows.order_by(chosen_first, "memberships__created_at", "pk").first()
    if workspace is None:
        raise NotFoundError("You are not a member of any workspace. Ask an administrator to add you.")
    return workspace


def membership_role(*, user: User, workspace_id: UUID) -> str | None:
    """The person's role there, None for a stranger. One query."""
    return Membership.objects.filter(user=user, workspace_id=workspace_id).values_list("role", flat=True).first()


def administrator_exists() -> bool:
    return User.objects.filter(is_super_admin=True, is_active=True).exists()
