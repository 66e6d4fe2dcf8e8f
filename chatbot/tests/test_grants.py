"""Grants on single objects, within one workspace. A collection stands for whatever can be granted."""

import pytest
from django.apps import apps
from django.db import transaction

from apps.accounts.models import Group, Membership, User
from apps.accounts.permissions import (
    READ,
    grant_add,
    grant_remove,
    granted_ids,
    grants_on,
    permission_has,
    permission_require,
    permissions_of,
)
from apps.accounts.services.grants import grant_create, grant_delete
from apps.accounts.services.groups import group_create, group_delete, group_member_add, group_member_remove
from apps.accounts.types import Grantee
from apps.audit.models import Event
from apps.conversations.models import Conversation
from apps.conversations.tests.factories import conversation_make
from apps.documents.models import Collection
from chatbot.lib.errors import ForbiddenError, NotFoundError

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(ada, workspace):
    return Collection.objects.create(workspace=workspace, owner=ada, name="Shelf")


@pytest.fixture
def team(admin_anna, ben, workspace):
    """A group with ben in it."""
    group = group_create(actor=admin_anna, workspace_id=workspace.pk, title="Team")
    group_member_add(actor=admin_anna, group_id=group.key, user_id=ben.pk)
    return group


def granted(user, model=Collection):
    return set(model.objects.filter(pk__in=granted_ids(user=user, model=model)).values_list("pk", flat=True))


def give(to, target):
    with transaction.atomic():
        return grant_add(to=to, target=target)


def test_a_person_gets_a_grant_once(ben, vera, shelf):
    assert give(ben, shelf)
    assert not give(ben, shelf)
    assert granted(ben) == {shelf.pk}
    assert granted(vera) == set()
    assert grants_on(target=shelf) == [Grantee(id=ben.pk, kind="person", title="Ben", detail="ben@example.org")]
    assert grant_remove(grantee_id=ben.pk, target=shelf)
    assert not grant_remove(grantee_id=ben.pk, target=shelf)
    assert granted(ben) == set()


def test_a_group_gets_a_grant_for_all_in_it(ben, vera, team, shelf, admin_anna):
    give(team, shelf)
    assert granted(ben) == {shelf.pk}
    assert granted(vera) == set()
    assert grants_on(target=shelf) == [Grantee(id=team.key, kind="group", title="Team", detail="1 person")]
    group_member_add(actor=admin_anna, group_id=team.key, user_id=vera.pk)
    assert granted(vera) == {shelf.pk}
    group_member_remove(actor=admin_anna, group_id=team.key, user_id=vera.pk)
    assert granted(vera) == set()


def test_a_grant_counts_for_its_model_and_permission_only(ada, ben, shelf):
    talk = conversation_make(ada)
    give(ben, shelf)
    assert granted(ben, Conversation) == set()
    give(ben, talk)
    assert granted(ben, Conversation) == {talk.pk}
    assert granted(ben) == {shelf.pk}
    with transaction.atomic():
        grant_add(permission="change", to=ben, target=talk)
    grant_remove(permission=READ, grantee_id=ben.pk, target=talk)
    assert granted(ben, Conversation) == set()


def test_no_grant_leaves_the_workspace(cleo, other_workspace, shelf):
    elsewhere = Group.objects.create(name="x", workspace=other_workspace, title="Elsewhere")
    for stranger in (cleo, elsewhere):
        with pytest.raises(NotFoundError):
            give(stranger, shelf)
    assert grants_on(target=shelf) == []


@pytest.mark.parametrize("leave", ["one", "many"])
def test_leaving_the_workspace_voids_and_coming_back_restores_nothing(
    ben, team, shelf, workspace, other_workspace, leave
):
    Membership.objects.create(user=ben, workspace=other_workspace)
    kept = Collection.objects.create(workspace=other_workspace, name="Kept")
    for target in (shelf, kept):
        give(ben, target)
    give(team, shelf)
    membership = Membership.objects.filter(user=ben, workspace=workspace)
    if leave == "one":
        membership.get().delete()
    else:
        membership.delete()
    assert granted(ben) == {kept.pk}
    Membership.objects.create(user=ben, workspace=workspace)
    assert granted(ben) == {kept.pk}
    assert not team.user_set.exists()


def test_what_is_deleted_takes_its_grants_along(ada, ben, team, shelf, admin_anna):
    talk = conversation_make(ada)
    for target in (shelf, talk):
        give(ben, target)
        give(team, target)
    shelf.delete()
    talk.delete()
    for name in ("UserObjectPermission", "GroupObjectPermission"):
        assert not apps.get_model("guardian", name).objects.exists()


def test_a_deleted_group_gives_nothing(ben, team, shelf, admin_anna):
    give(team, shelf)
    group_delete(actor=admin_anna, group_id=team.key)
    assert granted(ben) == set()
    assert User.objects.filter(pk=ben.pk).exists()


def test_sharing_is_audited_once_with_keys_only(ada, ben, shelf, workspace):
    for _ in range(2):
        grant_create(actor=ada, workspace_id=workspace.pk, target=shelf, grantee_id=ben.pk)
    for _ in range(2):
        grant_delete(actor=ada, workspace_id=workspace.pk, target=shelf, grantee_id=ben.pk)
    added = Event.objects.get(action="grant_added")
    assert (added.actor_id, added.workspace_id, added.target_id) == (ada.pk, workspace.pk, str(shelf.pk))
    assert added.data == {"grantee_id": str(ben.pk)}
    assert Event.objects.filter(action="grant_removed").count() == 1


def test_viewers_do_not_share_and_strangers_are_not_found(vera, ada, ben, cleo, shelf, workspace):
    with pytest.raises(ForbiddenError):
        grant_create(actor=vera, workspace_id=workspace.pk, target=shelf, grantee_id=ben.pk)
    for unknown in (cleo.pk, shelf.pk):
        with pytest.raises(NotFoundError):
            grant_create(actor=ada, workspace_id=workspace.pk, target=shelf, grantee_id=unknown)
    ben.is_active = False
    ben.save()
    with pytest.raises(NotFoundError):
        grant_create(actor=ada, workspace_id=workspace.pk, target=shelf, grantee_id=ben.pk)


def test_granted_keys_are_part_of_the_query(ben, shelf, django_assert_num_queries):
    give(ben, shelf)
    with django_assert_num_queries(1):
        assert granted(ben) == {shelf.pk}


def test_the_table_decides(ada, vera, admin_anna, root, cleo, workspace):
    permission_require(user=ada, workspace_id=workspace.pk, permission="share")
    permission_require(user=root, workspace_id=workspace.pk, permission="people_manage")
    permission_require(user=root, workspace_id=None, permission="workspace_create")
    for user, permission in ((vera, "share"), (ada, "people_manage"), (root, "conversation_write")):
        with pytest.raises(ForbiddenError):
            permission_require(user=user, workspace_id=workspace.pk, permission=permission)
        assert not permission_has(user=user, workspace_id=workspace.pk, permission=permission)
    with pytest.raises(NotFoundError):
        permission_require(user=cleo, workspace_id=workspace.pk, permission="account")
    with pytest.raises(NotFoundError):
        permission_require(user=admin_anna, workspace_id=None, permission="workspace_create")
    assert "people_manage" in permissions_of(user=admin_anna, workspace_id=workspace.pk)
    assert permissions_of(user=cleo, workspace_id=workspace.pk) == frozenset()
    assert "share" not in permissions_of(user=root, workspace_id=workspace.pk)
