"""Several workspaces per person, and going from one to another: by service, page and API."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.selectors.workspaces import (
    membership_role,
    role_shown,
    workspace_choices,
    workspace_current,
    workspace_current_key,
    workspaces_open_to,
)
from apps.accounts.services.workspaces import workspace_create, workspace_switch
from apps.audit.models import Event
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError
from chatbot.tests.api import Api, problem_assert

pytestmark = pytest.mark.django_db
SWITCH = reverse("accounts:workspace-switch")


@pytest.fixture
def second(ada, other_workspace):
    """Ada's other workspace, where she only looks on."""
    Membership.objects.create(user=ada, workspace=other_workspace, role="viewer")
    return other_workspace


def fresh(user):
    return User.objects.get(pk=user.pk)


def with_key(user, workspace):
    user = fresh(user)
    user.api_key = SimpleNamespace(workspace_id=workspace.pk)
    return user


def listed(user):
    return Workspace.objects.filter(pk=workspace_current_key(user=user)).first()


def test_a_person_switches_and_stays_there(ada, workspace, second):
    assert workspace_current(user=ada) == workspace
    for _ in range(2):
        workspace_switch(actor=ada, workspace_id=second.pk)
    assert workspace_current(user=fresh(ada)) == listed(fresh(ada)) == second
    assert role_shown(user=fresh(ada)) == "viewer"
    event = Event.objects.get(action="workspace_switched")
    assert (event.actor_id, event.workspace_id) == (ada.pk, second.pk)


def test_who_is_no_member_any_more_is_back_in_the_first(ada, workspace, second):
    workspace_switch(actor=ada, workspace_id=second.pk)
    Membership.objects.filter(user=ada, workspace=second).delete()
    assert workspace_current(user=fresh(ada)) == listed(fresh(ada)) == workspace
    assert set(workspaces_open_to(user=ada).values_list("workspace_id", flat=True)) == {workspace.pk}


def test_nobody_goes_where_they_do_not_belong(ada, cleo, workspace, other_workspace):
    for unknown in (other_workspace.pk, uuid4()):
        with pytest.raises(NotFoundError):
            workspace_switch(actor=ada, workspace_id=unknown)
    assert fresh(ada).current_workspace_id is None


def test_a_super_admin_goes_anywhere_and_is_no_member_there(root, workspace, other_workspace):
    with pytest.raises(NotFoundError, match="not a member"):
        workspace_current(user=root)
    assert listed(root) is None
    workspace_switch(actor=root, workspace_id=workspace.pk)
    assert workspace_current(user=fresh(root)) == listed(fresh(root)) == workspace
    assert membership_role(user=root, workspace_id=workspace.pk) is None
    assert not workspaces_open_to(user=root).exists()
    (choice,) = workspace_choices(user=root)
    assert (choice.id, choice.role, choice.is_current) == (workspace.pk, "", True)


def test_a_key_stays_in_its_workspace(ada, workspace, second):
    keyed = with_key(ada, second)
    workspace_switch(actor=ada, workspace_id=workspace.pk)
    assert workspace_current(user=keyed) == listed(keyed) == second
    assert set(workspaces_open_to(user=keyed).values_list("workspace_id", flat=True)) == {second.pk}
    assert membership_role(user=keyed, workspace_id=workspace.pk) is None
    assert membership_role(user=keyed, workspace_id=second.pk) == "viewer"
    with pytest.raises(ForbiddenError):
        workspace_switch(actor=keyed, workspace_id=workspace.pk)
    Membership.objects.filter(user=ada, workspace=second).delete()
    with pytest.raises(NotFoundError):
        workspace_current(user=keyed)


def test_the_choices_say_which_is_current(ada, workspace, second, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert [(choice.name, choice.role, choice.is_current) for choice in workspace_choices(user=ada)] == [
            ("Analytical Engines", "user", True),
            ("Elsewhere", "viewer", False),
        ]


def test_only_super_admins_make_workspaces(root, admin_anna):
    made = workspace_create(actor=root, name="  New \x00 House ")
    again = workspace_create(actor=root, name="New House")
    assert (made.name, made.slug) == ("New House", "new-house")
    assert again.slug.startswith("new-house-")
    assert not made.memberships.exists()
    assert Event.objects.filter(action="workspace_created", workspace_id=made.pk).count() == 1
    with pytest.raises(NotFoundError):
        workspace_create(actor=admin_anna, name="Mine")
    with pytest.raises(ValidationFailedError):
        workspace_create(actor=root, name=" ")


def test_the_page_switches_by_post(client_ada, ada, second):
    page = client_ada.get("/").content.decode()
    assert f'name="workspace" value="{second.pk}"' in page
    response = client_ada.post(SWITCH, {"workspace": str(second.pk)}, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "You now work in Elsewhere." in response.content.decode()
    assert fresh(ada).current_workspace_id == second.pk
    assert client_ada.get(SWITCH).status_code == 405


@pytest.mark.parametrize("value", ["", "x", "01900000-0000-7000-8000-000000000000"])
def test_the_page_refuses_what_is_no_place_of_mine(client_ada, ada, value):
    assert client_ada.post(SWITCH, {"workspace": value}).status_code == 404
    assert fresh(ada).current_workspace_id is None


def test_strangers_and_members_elsewhere_get_the_same_answer(client_cleo, workspace):
    unknown = client_cleo.post(SWITCH, {"workspace": str(uuid4())})
    foreign = client_cleo.post(SWITCH, {"workspace": str(workspace.pk)})
    assert unknown.status_code == foreign.status_code == 404


def test_who_has_one_workspace_sees_no_switcher(client_ada):
    assert SWITCH not in client_ada.get("/").content.decode()


def test_the_api_switches(client_ada, client_cleo, ada, workspace, second):
    api = Api(client_ada)
    assert api("get", "/me").json()["workspace_id"] == str(workspace.pk)
    assert "conversation_write" in api("get", "/me").json()["permissions"]
    answer = api("put", "/me/workspace", {"workspace_id": str(second.pk)})
    assert answer.json() == {"id": str(second.pk), "name": "Elsewhere", "role": "viewer"}
    me = api("get", "/me").json()
    assert me["workspace_id"] == str(second.pk)
    assert "conversation_write" not in me["permissions"]
    problem_assert(api("put", "/me/workspace", {"workspace_id": str(uuid4())}), 404)
    problem_assert(Api(client_cleo)("put", "/me/workspace", {"workspace_id": str(workspace.pk)}), 404)
    problem_assert(api("put", "/me/workspace", {}), 422)


def test_a_super_admin_without_a_workspace_has_pages(client_root, root, workspace):
    for path in ("/", "/documents/", "/conversations/", "/conversations/shared/"):
        assert client_root.get(path).status_code == 200, path
    me = Api(client_root)("get", "/me").json()
    assert me["workspace_id"] is None
    assert "workspace_create" in me["permissions"]
    Api(client_root)("put", "/me/workspace", {"workspace_id": str(workspace.pk)})
    page = client_root.get("/").content.decode()
    assert "cannot ask here" in page
    assert "data-composer-text" not in page


def test_whom_i_can_share_with(client_ada, client_vera, client_cleo, ben, vera):
    items = Api(client_ada)("get", "/me/workspace/grantees?q=be").json()["items"]
    assert items == [{"id": str(ben.pk), "kind": "person", "title": "Ben", "detail": "ben@example.org"}]
    problem_assert(Api(client_vera)("get", "/me/workspace/grantees"), 403)
    assert Api(client_cleo)("get", "/me/workspace/grantees").json() == {"items": []}
