"""Reads: where somebody belongs, and which workspace they work in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.accounts.models import Membership, User, Workspace
from chatbot.lib.errors import NotFoundError

# Where a user object keeps what was read for this request.
_CHOICES, _CHOSEN = "_workspace_choices", "_workspace_chosen"
_IN_NONE = "You are not a member of any workspace. Ask an administrator to add you."


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceChoice:
    """A workspace that a person can switch to. `role` is empty for a super admin who is no member there."""

    id: UUID
    name: str
    role: str
    is_current: bool


def workspace_bound(*, user: User) -> UUID | None:
    """The workspace of the API key by which the request was authenticated; None without one."""
    key: Any = getattr(user, "api_key", None)
    workspace_id: UUID | None = key.workspace_id if key else None
    return workspace_id


def workspaces_open_to(*, user: User) -> QuerySet[Membership, Any]:
    """Keys of the workspaces whose content the person may open, as a subquery for `workspace_id__in`.

    Those they are a member of, whatever else they are; with an API key only the key's own. Every selector of content
    filters by this.
    """
    return _memberships(user).values("workspace_id")


def workspace_is_open(*, user: User, workspace_id: UUID | None) -> bool:
    """Whether rights that the person has elsewhere hold here too: with an API key in its own workspace only. No query.

    None stands for what lies above all workspaces.
    """
    return workspace_bound(user=user) in {None, workspace_id}


def workspace_current_key(*, user: User) -> QuerySet[Any, Any]:
    """The key of the workspace that the person works in, as a subquery for `workspace_id=`; NULL if there is none.

    For lists: no query of its own.
    """
    if _is_free(user) and user.current_workspace_id is not None:
        return Workspace.objects.filter(pk=user.current_workspace_id).values("pk")[:1]
    return _memberships_ranked(user).values("workspace_id")[:1]


def workspace_current(*, user: User) -> Workspace:
    """The workspace that the person works in: the one they switched to, else their first. One query.

    A super admin's may be one that they are no member of; with an API key it is the key's. Raises NotFoundError if
    they are in none.
    """
    workspace = Workspace.objects.filter(pk=workspace_current_key(user=user)).first()
    if workspace is None:
        raise NotFoundError(_IN_NONE)
    return workspace


def membership_role(*, user: User, workspace_id: UUID) -> str | None:
    """The person's role there, None for a stranger and for an API key of another workspace. One query."""
    role = _memberships(user).filter(workspace_id=workspace_id).values_list("role", flat=True).first()
    role_remember(user=user, workspace_id=workspace_id, role=role)
    return role


def role_remember(*, user: User, workspace_id: UUID, role: str | None) -> None:
    """For selectors that read the role with something else, so that the record of what is done needs no query."""
    _roles_read(user)[workspace_id] = role


def role_known(*, user: User, workspace_id: UUID) -> str | None:
    """The role that was last read for this person object, None if none was. No query.

    For records of what was done under that role; permissions are always read anew.
    """
    return _roles_read(user).get(workspace_id)


def workspace_choices(*, user: User) -> list[WorkspaceChoice]:
    """Where the person can go, the oldest membership first; with an API key only the key's.

    For pages: read once per user object, which is once per request; services ask `membership_role`. One query, two for
    a super admin who is where they are no member.
    """
    known: list[WorkspaceChoice] | None = getattr(user, _CHOICES, None)
    if known is None or getattr(user, _CHOSEN, None) != user.current_workspace_id:
        known = _choices(user)
        setattr(user, _CHOICES, known)
        setattr(user, _CHOSEN, user.current_workspace_id)
    return known


def role_shown(*, user: User, workspace_id: UUID | None = None) -> str | None:
    """The person's role there, by default where they work, as pages show it; None where they are no member.

    As `workspace_choices` it is read once per request, and often with it.
    """
    for choice in workspace_choices(user=user):
        if choice.id == workspace_id or (workspace_id is None and choice.is_current):
            return choice.role or None
    return None


def _choices(user: User) -> list[WorkspaceChoice]:
    rows = _memberships(user).select_related("workspace").order_by("created_at", "workspace_id")
    members = {row.workspace_id: row for row in rows}
    current = user.current_workspace_id
    visited = None
    if current not in members:
        visited = Workspace.objects.filter(pk=current).first() if current and _is_free(user) else None
        current = visited.pk if visited else next(iter(members), None)
    choices = [
        WorkspaceChoice(id=key, name=row.workspace.name, role=row.role, is_current=key == current)
        for key, row in members.items()
    ]
    if visited:
        choices.append(WorkspaceChoice(id=visited.pk, name=visited.name, role="", is_current=True))
    return choices


def administrator_exists() -> bool:
    return User.objects.filter(is_super_admin=True, is_active=True).exists()


def _is_free(user: User) -> bool:
    """Whether the person can be in a workspace without being a member."""
    return user.is_super_admin and workspace_bound(user=user) is None


def _memberships(user: User) -> QuerySet[Membership]:
    rows = Membership.objects.filter(user=user)
    bound = workspace_bound(user=user)
    return rows if bound is None else rows.filter(workspace_id=bound)


def _memberships_ranked(user: User) -> QuerySet[Membership]:
    """The one that was chosen, then the others by age."""
    chosen_first = Case(
        When(workspace_id=user.current_workspace_id, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    return _memberships(user).order_by(chosen_first, "created_at", "workspace_id")


def _roles_read(user: User) -> dict[UUID, str | None]:
    read: dict[UUID, str | None] = user.__dict__.setdefault("_roles_read", {})
    return read
