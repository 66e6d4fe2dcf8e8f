"""Groups: who makes them, who is in them."""

import pytest

from apps.accounts.models import Group
from apps.accounts.selectors.groups import grantees_matching, group_members, group_require, groups_of
from apps.accounts.services.groups import (
    group_create,
    group_delete,
    group_member_add,
    group_member_remove,
    group_rename,
)
from apps.audit.models import Event
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(admin_anna, workspace):
    return group_create(actor=admin_anna, workspace_id=workspace.pk, title=" The \x00 Team ")


def test_an_administrator_makes_renames_and_deletes(admin_anna, ben, team, workspace):
    assert team.title == "The Team"
    group_member_add(actor=admin_anna, group_id=team.key, user_id=ben.pk)
    group_rename(actor=admin_anna, group_id=team.key, title="Crew")
    assert [(row.title, row.people_count) for row in groups_of(workspace_id=workspace.pk)] == [("Crew", 1)]
    assert list(group_members(group=team)) == [ben]
    group_member_remove(actor=admin_anna, group_id=team.key, user_id=ben.pk)
    group_delete(actor=admin_anna, group_id=team.key)
    changes = [event.data["change"] for event in Event.objects.filter(action="group_changed").order_by("pk")]
    assert changes == ["created", "member_added", "renamed", "member_removed", "deleted"]
    assert not Group.objects.exists()


def test_what_changes_nothing_is_not_audited(admin_anna, ben, team):
    for _ in range(2):
        group_member_add(actor=admin_anna, group_id=team.key, user_id=ben.pk)
    group_rename(actor=admin_anna, group_id=team.key, title="The Team")
    for _ in range(2):
        group_member_remove(actor=admin_anna, group_id=team.key, user_id=ben.pk)
    assert Event.objects.filter(action="group_changed").count() == 3


def test_only_members_of_the_workspace_get_in(admin_anna, cleo, team):
    with pytest.raises(NotFoundError):
        group_member_add(actor=admin_anna, group_id=team.key, user_id=cleo.pk)
    assert not team.user_set.exists()


@pytest.mark.parametrize(("who", "error"), [("ada", ForbiddenError), ("vera", ForbiddenError), ("cleo", NotFoundError)])
def test_others_do_not_touch_groups(request, who, error, ben, team, workspace):
    actor = request.getfixturevalue(who)
    for call in (
        lambda: group_create(actor=actor, workspace_id=workspace.pk, title="Mine"),
        lambda: group_rename(actor=actor, group_id=team.key, title="Mine"),
        lambda: group_delete(actor=actor, group_id=team.key),
        lambda: group_member_add(actor=actor, group_id=team.key, user_id=ben.pk),
        lambda: group_member_remove(actor=actor, group_id=team.key, user_id=ben.pk),
        lambda: group_require(user=actor, group_id=team.key),
    ):
        with pytest.raises(error):
            call()


def test_a_super_admin_and_a_sign_in_source_may(root, ben, team, workspace):
    group_member_add(actor=root, group_id=team.key, user_id=ben.pk)
    group = group_create(actor=None, actor_label="scim", workspace_id=workspace.pk, title="Synced", external_id="7")
    group_member_add(actor=None, actor_label="scim", group_id=group.key, user_id=ben.pk)
    assert Event.objects.filter(action="group_changed", actor_label="scim", actor_id=None).count() == 2


@pytest.mark.parametrize("title", ["", " ", "x" * 101, "the team"])
def test_titles_are_checked(admin_anna, team, workspace, title):
    if title == "the team":
        title = team.title
    with pytest.raises(ValidationFailedError):
        group_create(actor=admin_anna, workspace_id=workspace.pk, title=title)


def test_the_same_title_in_another_workspace_is_no_clash(root, team, other_workspace):
    assert group_create(actor=root, workspace_id=other_workspace.pk, title=team.title).title == team.title


def test_people_and_groups_are_found_by_a_part_of_their_name(ada, ben, vera, cleo, team, workspace):
    found = lambda text, **more: [  # noqa: E731
        row.title for row in grantees_matching(user=ada, workspace_id=workspace.pk, text=text, **more)
    ]
    assert found("") == ["The Team", "Anna", "Ben", "Vera"]
    assert found("VER") == ["Vera"]
    assert found("team\x00") == ["The Team"]
    assert found("cleo") == found("ada") == []
    assert found("", leave_out={ben.pk, team.key}) == ["Anna", "Vera"]
    assert found("", limit=2) == ["The Team", "Anna"]
    with pytest.raises(ForbiddenError):
        grantees_matching(user=vera, workspace_id=workspace.pk, text="")
    with pytest.raises(NotFoundError):
        grantees_matching(user=cleo, workspace_id=workspace.pk, text="")
