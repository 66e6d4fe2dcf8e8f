"""Who may read which part of the audit log, and whom a search in it means."""

from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User, Workspace
from apps.accounts.permissions import permission_has
from apps.accounts.selectors.people import workspace_administered
from apps.audit.selectors import EVERYTHING, Scope

_PERMISSION = "audit_read"
# Somebody who types the first letters means few; each costs three looks into indexes.
_PEOPLE_MAXIMUM = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What somebody may read. `workspace`: the only one, None for everything."""

    scope: Scope
    workspace: Workspace | None


def audit_reader(*, user: User) -> Reader:
    """A super admin reads everything, an administrator the workspace that they are in. At most one query.

    Raises ForbiddenError for too low a role and NotFoundError for who is in no workspace.
    """
    if permission_has(user=user, workspace_id=None, permission=_PERMISSION):
        return Reader(scope=EVERYTHING, workspace=None)
    workspace = workspace_administered(user=user, permission=_PERMISSION)
    return Reader(scope=Scope(chains=(workspace.pk,)), workspace=workspace)


def people_meant(text: str) -> tuple[UUID, ...]:
    """Keys of whoever's address begins with the text. One query, of at most five people; none for an empty text."""
    if not text:
        return ()
    found = User.objects.filter(email__startswith=text.lower()).order_by("email")
    return tuple(found.values_list("pk", flat=True)[:_PEOPLE_MAXIMUM])
