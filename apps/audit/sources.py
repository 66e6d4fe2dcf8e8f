"""What the audit log asks of the apps above it, which it does not know: they register the answers at start."""

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

RoleSource = Callable[[AbstractBaseUser, UUID | None], str]
WorkspaceSource = Callable[[str], UUID | None]

_roles: list[RoleSource] = []
_workspaces: list[WorkspaceSource] = []


def sources_register(*, role: RoleSource, workspace: WorkspaceSource) -> None:
    """`role`: a person's role in a workspace, "" for none. `workspace`: the id of a short name, None if unknown."""
    _roles[:] = [role]
    _workspaces[:] = [workspace]


def actor_role(actor: AbstractBaseUser | None, workspace_id: UUID | None) -> str:
    return _roles[0](actor, workspace_id) if actor is not None and _roles else ""


def workspace_id_of(slug: str) -> UUID | None:
    return _workspaces[0](slug) if _workspaces else None
