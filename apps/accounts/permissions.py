"""What a role allows, and grants on single objects. The only module that touches guardian.

A grant lets a person or a group read one object: a collection, a conversation. Whatever can be granted has a uuid key
and stands in one `workspace`; grants stay inside that workspace, and whoever leaves it loses theirs.
"""

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, Count, Model, QuerySet, UUIDField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.db.models.signals import post_delete
from guardian.models import GroupObjectPermission, UserObjectPermission

from apps.accounts.models import Group, Membership, User
from apps.accounts.permission_table import PERMISSIONS, SUPER_ADMIN
from apps.accounts.selectors.workspaces import membership_role, workspace_is_open
from apps.accounts.types import Grantee
from chatbot.lib.errors import ForbiddenError, NotFoundError

# What a grant gives; Django makes a permission of this name for every model.
READ = "view"

# By hand, because it is part of every look at content, and compiling it took longer than running it.
_OF_PERMISSION = """
    SELECT permission.id FROM auth_permission permission
    JOIN django_content_type content_type ON content_type.id = permission.content_type_id
    WHERE permission.codename = %s AND content_type.app_label = %s AND content_type.model = %s
"""
_GRANTED_SQL = f"""
SELECT object_pk::uuid FROM {UserObjectPermission._meta.db_table}
WHERE user_id = %s AND permission_id = ({_OF_PERMISSION})
UNION ALL
SELECT given.object_pk::uuid FROM {GroupObjectPermission._meta.db_table} given
JOIN {User.groups.through._meta.db_table} place ON place.group_id = given.group_id
WHERE place.user_id = %s AND given.permission_id = ({_OF_PERMISSION})
"""  # noqa: S608 - names of tables


def permission_require(*, user: User, workspace_id: UUID | None, permission: str) -> None:
    """Pass if the permission table gives `permission` to the person's role in the workspace. At most one query.

    Without a workspace only what super admins may do passes. An API key's rights end at its workspace.
    Raises NotFoundError for a stranger, ForbiddenError for too low a role, KeyError for an unknown permission.
    """
    role_allows_check(_role(user, workspace_id, permission), permission=permission)


def role_allows_check(role: str | None, *, permission: str) -> None:
    """As `permission_require`, for a role that was read before; None stands for a stranger."""
    if role is None:
        raise NotFoundError
    if role not in PERMISSIONS[permission].roles:
        raise ForbiddenError


def permission_has(*, user: User, workspace_id: UUID | None, permission: str) -> bool:
    """Whether `permission_require` would pass. At most one query."""
    role = _role(user, workspace_id, permission)
    return role is not None and role in PERMISSIONS[permission].roles


def permissions_of(*, user: User, workspace_id: UUID | None) -> frozenset[str]:
    """Codes of all that the person may try in the workspace. One query."""
    roles = {SUPER_ADMIN} if _is_above(user, workspace_id) else set()
    if workspace_id is not None and (role := membership_role(user=user, workspace_id=workspace_id)):
        roles.add(role)
    return frozenset(code for code, permission in PERMISSIONS.items() if permission.roles & roles)


def grant_add(*, permission: str = READ, to: User | Group, target: Model) -> bool:
    """Let a person or a group do that with the object. False if they could already.

    Needs a transaction: the membership is locked, so that nobody gets a grant while they leave.
    Raises NotFoundError for whoever does not belong to the object's workspace.
    """
    workspace_id = _workspace_of(target)
    if isinstance(to, Group):
        belongs = to.workspace_id == workspace_id
    else:
        belongs = _membership_lock(user_id=to.pk, workspace_id=workspace_id)
    if not belongs:
        raise NotFoundError("This person or group does not belong to the workspace.")
    key = {"permission": _permission_row(permission, target), "object_pk": str(target.pk)}
    if isinstance(to, Group):
        _, is_new = GroupObjectPermission.objects.get_or_create(**key, group=to, defaults={"content_object": target})
    else:
        _, is_new = UserObjectPermission.objects.get_or_create(**key, user=to, defaults={"content_object": target})
    return bool(is_new)


def grant_remove(*, permission: str = READ, grantee_id: UUID, target: Model) -> bool:
    """Take the grant of the person or group with this key away. False if there was none."""
    to_people, to_groups = _grants_of(target, permission)
    removed = to_people.filter(user_id=grantee_id).delete()[0]
    removed += to_groups.filter(group__group__key=grantee_id).delete()[0]
    return bool(removed)


def grants_on(*, target: Model, permission: str = READ) -> list[Grantee]:
    """Whom the object is shared with: groups, then people, by name. Two queries."""
    to_people, to_groups = _grants_of(target, permission)
    groups = Group.objects.filter(pk__in=to_groups.values("group_id"))
    people = User.objects.filter(
        pk__in=to_people.values("user_id"), is_active=True, memberships__workspace_id=_workspace_of(target)
    )
    return [*grantees_of_groups(groups), *grantees_of_people(people.order_by("name", "email"))]


def grantees_of_groups(groups: QuerySet[Group], *, limit: int | None = None) -> list[Grantee]:
    """By title. One query."""
    rows = groups.annotate(people=Count("user")).order_by("title")[:limit]
    return [Grantee(id=row.key, kind="group", title=row.title, detail=_number_said(row.people)) for row in rows]


def grantees_of_people(people: Iterable[User]) -> list[Grantee]:
    """In the order given."""
    return [Grantee(id=row.pk, kind="person", title=row.name or row.email, detail=row.email) for row in people]


def granted_ids(*, user: User, model: type[Model], permission: str = READ) -> RawSQL:
    """Keys of the objects of this model that were granted to the person or to a group of theirs.

    A subquery for `pk__in`; the caller also filters by `workspaces_open_to`, because a grant is void outside.
    """
    codename = f"{permission}_{model._meta.model_name}"
    wanted = [user.pk, codename, model._meta.app_label, model._meta.model_name]
    return RawSQL(_GRANTED_SQL, [*wanted, *wanted], output_field=UUIDField())  # noqa: S611 - no text of people in it


def grants_void(*, user_id: UUID, workspace_id: UUID) -> None:
    """Take away all that a person was granted in a workspace, and their place in its groups."""
    groups = Group.objects.filter(workspace_id=workspace_id)
    User.groups.through.objects.filter(user_id=user_id, group_id__in=groups.values("pk")).delete()
    grants = UserObjectPermission.objects.filter(user_id=user_id)
    for content_type in ContentType.objects.filter(pk__in=grants.values("content_type_id")):
        model: Any = content_type.model_class()
        if model is None:
            continue
        keys = model.objects.filter(workspace_id=workspace_id).values_list(Cast("pk", CharField()))
        grants.filter(content_type=content_type, object_pk__in=keys).delete()


def grants_follow(model: type[Model]) -> None:
    """Have the grants on this model's objects go with them. Called once for each model that can be granted."""
    post_delete.connect(_grants_forget, sender=model, dispatch_uid=f"grants.{model._meta.label_lower}")


def _grants_forget(*, instance: Model, **_: Any) -> None:
    target = {"content_type": ContentType.objects.get_for_model(instance), "object_pk": str(instance.pk)}
    UserObjectPermission.objects.filter(**target).delete()
    GroupObjectPermission.objects.filter(**target).delete()


def _number_said(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"


def _role(user: User, workspace_id: UUID | None, permission: str) -> str | None:
    """The role that counts for this permission."""
    if _is_above(user, workspace_id) and SUPER_ADMIN in PERMISSIONS[permission].roles:
        return SUPER_ADMIN
    role = membership_role(user=user, workspace_id=workspace_id) if workspace_id is not None else None
    # A super admin knows that the workspace is there, so they are told why not.
    return SUPER_ADMIN if role is None and _is_above(user, workspace_id) else role


def _is_above(user: User, workspace_id: UUID | None) -> bool:
    return user.is_super_admin and workspace_is_open(user=user, workspace_id=workspace_id)


def _workspace_of(target: Model) -> UUID:
    return cast("UUID", cast("Any", target).workspace_id)


def _membership_lock(*, user_id: UUID, workspace_id: UUID) -> bool:
    rows = Membership.objects.select_for_update(no_key=True).filter(user_id=user_id, workspace_id=workspace_id)
    return rows.first() is not None


def _permission_row(permission: str, target: Model) -> Permission:
    return Permission.objects.get(
        codename=f"{permission}_{target._meta.model_name}", content_type=ContentType.objects.get_for_model(target)
    )


def _grants_of(target: Model, permission: str) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """To people and to groups."""
    wanted = {
        "object_pk": str(target.pk),
        "permission__codename": f"{permission}_{target._meta.model_name}",
        "content_type": ContentType.objects.get_for_model(target),
    }
    return UserObjectPermission.objects.filter(**wanted), GroupObjectPermission.objects.filter(**wanted)
