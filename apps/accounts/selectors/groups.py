"""Reads: groups of a workspace, who is in them, and whom somebody may share things with."""

from collections.abc import Collection
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.accounts.models import Group, User
from apps.accounts.permissions import grantees_of_groups, grantees_of_people, permission_require
from apps.accounts.types import Grantee
from chatbot.lib.errors import NotFoundError

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations


class PeopleCount(TypedDict):
    people_count: int


# Whoever looks for more writes more of the name.
GRANTEES_SHOWN = 8
TEXT_MAXIMUM = 200


def groups_of(*, workspace_id: UUID) -> "QuerySet[WithAnnotations[Group, PeopleCount]]":
    """The workspace's groups by title, with `people_count`. Authorise before."""
    return Group.objects.filter(workspace_id=workspace_id).annotate(people_count=Count("user")).order_by("title")


def group_require(*, user: User, group_id: UUID) -> Group:
    """A group that the person manages, by its `key`. Two queries. Raises NotFoundError, ForbiddenError."""
    group = Group.objects.filter(key=group_id).first()
    if group is None:
        raise NotFoundError
    permission_require(user=user, workspace_id=group.workspace_id, permission="people_manage")
    return group


def group_members(*, group: Group) -> QuerySet[User]:
    """By name. Authorise before."""
    return User.objects.filter(groups=group, memberships__workspace_id=group.workspace_id).order_by("name", "email")


def grantees_matching(
    *, user: User, workspace_id: UUID, text: str, leave_out: Collection[UUID] = (), limit: int = GRANTEES_SHOWN
) -> list[Grantee]:
    """Groups and people of the workspace whose name or address contains `text`, without the person. Three queries.

    Raises NotFoundError for a stranger and ForbiddenError for whoever may not share.
    """
    permission_require(user=user, workspace_id=workspace_id, permission="share")
    text = text.replace("\x00", "").strip()[:TEXT_MAXIMUM]
    groups = Group.objects.filter(workspace_id=workspace_id, title__icontains=text).exclude(key__in=leave_out)
    members = User.objects.filter(memberships__workspace_id=workspace_id, is_active=True)
    others = members.exclude(pk__in=[user.pk, *leave_out])
    people = others.filter(Q(name__icontains=text) | Q(email__icontains=text)).order_by("name", "email")
    found = [*grantees_of_groups(groups, limit=limit), *grantees_of_people(people[:limit])]
    return found[:limit]
