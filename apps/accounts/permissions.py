"""What a role allows, and grants on single objects. The only module that touches guardian."""

from uuid import UUID

from apps.accounts.models import Membership, User
from apps.accounts.permission_table import PERMISSIONS, SUPER_ADMIN
from apps.accounts.selectors.workspaces import membership_role
from chatbot.lib.errors import ForbiddenError, NotFoundError

_RANK = {Membership.Role.VIEWER: 0, Membership.Role.USER: 1, Membership.Role.ADMIN: 2}


def permission_require(*, user: User, workspace_id: UUID, permission: str) -> None:
    """Pass if the permission table gives `permission` to the person's role in the workspace. At most one query.

    Raises NotFoundError for a stranger, ForbiddenError for too low a role, KeyError for an unknown permission.
    """
    roles = PERMISSIONS[permission].roles
    if user.is_super_admin and SUPER_ADMIN in roles:
        return
    role = membership_role(user=user, workspace_id=workspace_id)
    if role is None:
        raise NotFoundError
    if role not in roles:
        raise ForbiddenError


def role_require(*, user: User, workspace_id: UUID, at_least: Membership.Role | str) -> None:
    """Pass if the person's role in the workspace is `at_least` that one (viewer < user < admin). One query.

    Raises NotFoundError for a stranger and ForbiddenError for too low a role.
    """
    role_check(membership_role(user=user, workspace_id=workspace_id), at_least=at_least)


def role_check(role: str | None, *, at_least: Membership.Role | str) -> None:
    """As `role_require`, for a role that was read before; None stands for a stranger."""
    if role is None:
        raise NotFoundError
    if _RANK[Membership.Role(role)] < _RANK[Membership.Role(at_least)]:
        raise ForbiddenError
