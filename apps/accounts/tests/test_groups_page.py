"""Groups of a workspace: made, named, filled and deleted by its administrators."""

import pytest

from apps.accounts.models import Group
from apps.audit.models import Event


@pytest.fixture
def group(workspace):
    return Group.objects.create(name="engineers", workspace=workspace, title="Engineers")


@pytest.fixture
def foreign(other_workspace):
    return Group.objects.create(name="foreign", workspace=other_workspace, title="Foreign")


def test_a_group_from_beginning_to_end(client_anna, ada, workspace):
    made = client_anna.post("/groups/", {"title": " Night  shift "})
    group = Group.objects.get(workspace=workspace)
    assert made["Location"] == f"/groups/{group.key}/"
    assert "Night shift" in client_anna.get("/groups/").content.decode()

    client_anna.post(f"/groups/{group.key}/add/", {"email": "ADA@example.org"})
    assert list(group.user_set.all()) == [ada]
    assert "1 person" in client_anna.get("/groups/").content.decode()
    assert "ada@example.org" in client_anna.get(f"/groups/{group.key}/").content.decode()

    client_anna.post(f"/groups/{group.key}/", {"title": "Day shift"})
    group.refresh_from_db()
    assert group.title == "Day shift"

    client_anna.post(f"/groups/{group.key}/remove/{ada.pk}/")
    assert not group.user_set.exists()

    assert "Delete the group" in client_anna.get(f"/groups/{group.key}/delete/").content.decode()
    assert client_anna.post(f"/groups/{group.key}/delete/")["Location"] == "/groups/"
    assert not Group.objects.filter(pk=group.pk).exists()
    changes = Event.objects.filter(action="group_changed").values_list("data__change", flat=True)
    assert set(changes) == {"created", "member_added", "renamed", "member_removed", "deleted"}


def test_a_name_twice(client_anna, group):
    answer = client_anna.post("/groups/", {"title": "Engineers"})
    assert answer.status_code == 422
    assert "of this name already" in answer.content.decode()
    assert client_anna.post("/groups/", {"title": ""}).status_code == 422


def test_only_members_join(client_anna, cleo, group):
    answer = client_anna.post(f"/groups/{group.key}/add/", {"email": cleo.email})
    assert answer.status_code == 422
    assert "Nobody in this workspace has this address." in answer.content.decode()
    assert not group.user_set.exists()


@pytest.mark.parametrize("path", ["", "add/", "delete/"])
def test_a_group_of_another_workspace_does_not_exist(client_anna, client_root, workspace, foreign, path):
    for client in (client_anna, client_root):
        assert client.post(f"/groups/{foreign.key}/{path}", {"title": "x"}).status_code == 404
    assert client_anna.get(f"/groups/{foreign.key}/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.title == "Foreign"


@pytest.mark.parametrize("path", ["", "add/", "delete/"])
def test_members_change_no_group(client_ada, client_vera, group, path):
    for client in (client_ada, client_vera):
        assert client.post(f"/groups/{group.key}/{path}", {"title": "x"}).status_code == 403
        assert client.post("/groups/", {"title": "x"}).status_code == 403
    assert Group.objects.count() == 1
