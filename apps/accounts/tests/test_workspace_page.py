"""Settings of a workspace, one's own profile, and the tabs that lead there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Membership, Workspace
from apps.audit.models import Event

LIMITS = {
    "messages_per_day": "1000",
    "documents_limit": "",
    "bytes_limit": "5",
    "messages_per_day_per_user": "50",
    "documents_per_user": "",
    "bytes_per_user": "",
}


def _changes():
    return Event.objects.get(action="workspace_changed").data


def test_limits(client_anna, workspace):
    assert client_anna.post("/workspace/limits/", LIMITS).status_code == 302
    workspace.refresh_from_db()
    assert (workspace.messages_per_day, workspace.bytes_limit, workspace.documents_limit) == (1000, 5 * 2**20, None)
    assert _changes() == {
        "messages_per_day": "none → 1000",
        "bytes_limit": "none → 5242880",
        "messages_per_day_per_user": "none → 50",
    }
    client_anna.post("/workspace/limits/", LIMITS)
    assert Event.objects.filter(action="workspace_changed").count() == 1


@pytest.mark.parametrize("value", ["-1", "x", "99999999999999999999"])
def test_limits_that_make_no_sense(client_anna, workspace, value):
    answer = client_anna.post("/workspace/limits/", LIMITS | {"messages_per_day": value})
    assert answer.status_code == 422
    workspace.refresh_from_db()
    assert workspace.messages_per_day is None


def test_the_name_is_not_in_the_event(client_anna, workspace):
    client_anna.post("/workspace/name/", {"name": "  Difference   Engines "})
    workspace.refresh_from_db()
    assert workspace.name == "Difference Engines"
    assert _changes() == {"name": "changed"}
    assert client_anna.post("/workspace/name/", {"name": " "}).status_code == 422


def test_the_days_of_grace_begin_with_the_first_role(client_anna, workspace):
    address, before = "/workspace/second-factor/", timezone.now()
    client_anna.post(address, {"second_factor_roles": ["admin"], "second_factor_grace_days": "3"})
    workspace.refresh_from_db()
    assert workspace.second_factor_roles == ["admin"]
    assert workspace.second_factor_grace_days == 3
    assert workspace.second_factor_since >= before
    long_ago = timezone.now() - timedelta(days=30)
    Workspace.objects.filter(pk=workspace.pk).update(second_factor_since=long_ago)
    client_anna.post(address, {"second_factor_roles": ["admin", "user"], "second_factor_grace_days": "3"})
    workspace.refresh_from_db()
    assert workspace.second_factor_since == long_ago
    client_anna.post(address, {"second_factor_grace_days": "3"})
    workspace.refresh_from_db()
    assert (workspace.second_factor_roles, workspace.second_factor_since) == ([], None)
    assert (
        client_anna.post(address, {"second_factor_roles": ["god"], "second_factor_grace_days": "3"}).status_code == 422
    )


@pytest.mark.parametrize("path", ["", "name/", "limits/", "second-factor/", "new/"])
def test_members_change_no_settings(client_ada, client_vera, client_cleo, workspace, path):
    for client in (client_ada, client_vera, client_cleo):
        answer = (
            client.post(f"/workspace/{path}", {"name": "x", "new-name": "x"}) if path else client.get("/workspace/")
        )
        assert answer.status_code == 403
    workspace.refresh_from_db()
    assert workspace.name == "Analytical Engines"


def test_only_super_admins_see_and_make_workspaces(client_anna, client_root, workspace, other_workspace):
    assert "All workspaces" not in client_anna.get("/workspace/").content.decode()
    assert client_anna.post("/workspace/new/", {"new-name": "Third"}).status_code == 403
    page = client_root.get("/workspace/").content.decode()
    assert "Elsewhere" in page
    assert client_root.post("/workspace/new/", {"new-name": "Third"}).status_code == 302
    assert Workspace.objects.filter(name="Third").exists()
    assert client_root.post("/workspace/new/", {"new-name": ""}).status_code == 422


def test_the_profile(client_ada, ada, workspace):
    page = client_ada.get("/settings/").content.decode()
    assert "ada@example.org" in page
    assert "Analytical Engines" in page
    assert client_ada.post("/settings/", {"name": "Ada Lovelace"}).status_code == 302
    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"
    assert Event.objects.get(action="person_changed").data == {"fields": "name"}
    assert client_ada.post("/settings/", {"name": "x" * 151}).status_code == 422


def test_leaving_a_workspace(client_ada, ada, workspace, other_workspace):
    address = f"/settings/workspaces/{workspace.pk}/leave/"
    assert "Leave Analytical Engines?" in client_ada.get(address, HTTP_HX_REQUEST="true").content.decode()
    assert client_ada.post(f"/settings/workspaces/{other_workspace.pk}/leave/").status_code == 404
    Membership.objects.update(managed_by="scim")
    assert client_ada.post(address).status_code == 409
    Membership.objects.update(managed_by="")
    assert client_ada.post(address).status_code == 302
    assert not ada.memberships.exists()
    # Without a workspace one's own account is still there.
    assert client_ada.get("/settings/").status_code == 200


def _tabs(client):
    page = client.get("/settings/").content.decode()
    nav = page[page.index('<nav class="settings-tabs"') :]
    return nav[: nav.index("</nav>")]


def test_tabs_are_those_of_the_role(client_ada, client_anna, client_root, workspace):
    assert "/people/" not in _tabs(client_ada)
    assert "/workspace/" in _tabs(client_anna)
    assert "/admin/" not in _tabs(client_anna)
    assert "/admin/" in _tabs(client_root)
    assert 'aria-current="page"' in _tabs(client_ada)


def test_tabs_cost_one_query(client_anna, workspace):
    with CaptureQueriesContext(connection) as queries:
        client_anna.get("/settings/")
    of_tabs = [query for query in queries.captured_queries if "own_role" in query["sql"]]
    assert len(of_tabs) == 1
    assert len(queries) <= 12
