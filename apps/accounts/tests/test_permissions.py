"""Roles and where people belong."""

import pytest

from apps.accounts.models import Membership, Workspace
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.workspaces import membership_role, workspace_current
from chatbot.lib.errors import ForbiddenError, NotFoundError


def test_roles_are_ordered(ada, vera, workspace):
    permission_require(user=ada, workspace_id=workspace.pk, permission="conversation_read")
    permission_require(user=ada, workspace_id=workspace.pk, permission="conversation_write")
    with pytest.raises(ForbiddenError):
        permission_require(user=ada, workspace_id=workspace.pk, permission="people_manage")
    with pytest.raises(ForbiddenError):
        permission_require(user=vera, workspace_id=workspace.pk, permission="conversation_write")


def test_a_stranger_learns_nothing(cleo, workspace):
    assert membership_role(user=cleo, workspace_id=workspace.pk) is None
    with pytest.raises(NotFoundError):
        permission_require(user=cleo, workspace_id=workspace.pk, permission="conversation_read")


def test_the_current_workspace_is_the_first(ada, workspace):
    later = Workspace.objects.create(name="Later", slug="later")
    Membership.objects.create(user=ada, workspace=later)
    assert workspace_current(user=ada) == workspace


def test_who_is_in_none_is_told(ada):
    ada.memberships.all().delete()
    with pytest.raises(NotFoundError, match="not a member"):
        workspace_current(user=ada)
