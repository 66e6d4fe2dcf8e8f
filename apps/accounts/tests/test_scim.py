"""SCIM 2.0: a real client and the conformance tester of the same authors, and who may not."""

import json
from uuid import uuid4

import pytest
from django.core.wsgi import get_wsgi_application
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from apps.accounts.models import ExternalIdentity, Group, Membership, User
from apps.accounts.services.keys import key_create
from apps.accounts.services.mailboxes import mailbox_prove
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(root, workspace):
    _, secret = key_create(actor=root, name="Directory", workspace_id=workspace.pk, scopes=["admin"])
    return secret


@pytest.fixture
def call(client, key):
    def call(method, path, body=None, *, secret=key):
        answer = client.generic(
            method,
            path,
            json.dumps(body) if body is not None else "",
            content_type="application/scim+json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        return answer.status_code, json.loads(answer.content) if answer.content else None

    return call


def grace(**fields):
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "grace@example.org",
        "externalId": "4711",
        "name": {"givenName": "Grace", "familyName": "Hopper"},
        "title": "Rear admiral",
        **fields,
    }


@pytest.mark.django_db(transaction=True)
def test_the_conformance_tester_finds_nothing(key):
    """Through the WSGI application, which ends its connection after each request."""
    client = WSGISCIMClient(
        get_wsgi_application(), base_url="http://testserver/scim/v2", headers={"Authorization": f"Bearer {key}"}
    )
    results = check_server(client)
    bad = [f"{r.title}: {r.reason}" for r in results if r.status in {Status.ERROR, Status.CRITICAL}]
    assert "\n".join(bad) == ""
    assert len(results) > 20


def test_a_directory_makes_changes_and_removes_a_person(call, workspace):
    status, made = call("POST", USERS, grace())
    assert status == 201
    user = User.objects.get(email="grace@example.org")
    assert (made["id"], made["userName"], made["name"]["givenName"]) == (str(user.pk), "grace@example.org", "Grace")
    assert user.name == "Grace Hopper"
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user).managed_by == "scim"
    assert "title" not in made
    place = f"{USERS}/{user.pk}"
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "active", "value": False}],
    }
    assert call("PATCH", place, patch)[1]["active"] is False
    user.refresh_from_db()
    assert not user.is_active
    assert call("PUT", place, grace(displayName="Admiral", active=True))[1]["displayName"] == "Admiral"
    assert call("DELETE", place) == (204, None)
    assert call("GET", place)[0] == 404
    user.refresh_from_db()
    assert not user.is_active
    assert not user.memberships.exists()
    assert {"person_created", "member_added", "person_disabled", "person_enabled", "member_removed"} <= set(
        Event.objects.values_list("action", flat=True)
    )


def test_a_person_without_an_address_gets_one_later(call):
    status, made = call("POST", USERS, grace(userName="ghopper"))
    assert status == 201
    user = User.objects.get(pk=made["id"])
    assert user.email.endswith("@no-address.invalid")
    assert "emails" not in made
    call("PUT", f"{USERS}/{user.pk}", grace(userName="ghopper", emails=[{"value": "Grace@Example.org"}]))
    user.refresh_from_db()
    assert user.email == "grace@example.org"


def test_who_was_removed_can_come_back(call):
    key = call("POST", USERS, grace())[1]["id"]
    call("DELETE", f"{USERS}/{key}")
    status, again = call("POST", USERS, grace())
    assert (status, again["id"], again["active"]) == (201, key, True)


def test_names_are_given_once(call, ada):
    assert call("POST", USERS, grace())[0] == 201
    status, problem = call("POST", USERS, grace(emails=[{"value": "other@example.org"}]))
    assert (status, problem["scimType"]) == (409, "uniqueness")
    assert call("POST", USERS, grace(userName=ada.email))[0] == 409
    assert call("POST", USERS, grace(userName="no @ address"))[0] == 400
    assert call("POST", USERS, {"schemas": []})[0] == 400


def test_people_are_found_by_filter(call, ada, ben):
    call("POST", USERS, grace())
    for text, names in {
        'userName eq "GRACE@example.org"': ["grace@example.org"],
        'externalId eq "4711"': ["grace@example.org"],
        'emails.value co "ben"': ["ben@example.org"],
        'active eq true and name.familyName sw "Hop"': ["grace@example.org"],
        'userName eq "nobody"': [],
    }.items():
        status, found = call("GET", f"{USERS}?filter={text.replace(' ', '%20')}")
        assert status == 200
        assert [row["userName"] for row in found.get("Resources", [])] == names
    assert call("GET", f"{USERS}?filter=userName%20zz%20%22")[0] == 400
    assert call("GET", f"{USERS}?startIndex=2&count=1")[1]["itemsPerPage"] == 1


def test_groups_and_their_members(call, ada, ben, cleo, workspace):
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Engineers",
        "externalId": "g1",
        "members": [{"value": str(ada.pk)}],
    }
    status, made = call("POST", GROUPS, body)
    assert (status, made["members"][0]["value"]) == (201, str(ada.pk))
    place = f"{GROUPS}/{made['id']}"
    operations = [
        {"op": "add", "path": "members", "value": [{"value": str(ben.pk)}]},
        {"op": "remove", "path": f'members[value eq "{ada.pk}"]'},
    ]
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    assert call("PATCH", place, patch)[0] == 200
    group = Group.objects.get(title="Engineers")
    assert list(group.user_set.all()) == [ben]
    assert call("PUT", place, {**body, "members": [{"value": str(cleo.pk)}]})[0] == 400
    assert list(group.user_set.all()) == [ben]
    assert call("DELETE", place)[0] == 204
    assert not Group.objects.exists()


def test_another_workspace_is_out_of_sight(call, cleo, other_workspace):
    group = Group.objects.create(name="x", title="Theirs", workspace=other_workspace)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert call(method, f"{USERS}/{cleo.pk}", grace())[0] == 404
        assert call(method, f"{GROUPS}/{group.key}", {})[0] == 404
        assert call(method, f"{USERS}/{uuid4()}", {})[0] == 404
        assert call(method, f"{USERS}/not-an-id", {})[0] == 404
    assert str(cleo.pk) not in str(call("GET", USERS)[1])


def test_an_account_from_elsewhere_joins(call, cleo, workspace):
    assert call("POST", USERS, grace(userName="cleo@example.org"))[0] == 201
    assert Membership.objects.filter(user=cleo, workspace=workspace).exists()
    assert call("DELETE", f"{USERS}/{cleo.pk}")[0] == 204
    cleo.refresh_from_db()
    assert cleo.is_active
    assert cleo.memberships.count() == 1


def test_who_made_the_account_in_anothers_name_does_not_come_along(call, cleo, client_cleo):
    assert call("POST", USERS, grace(userName=cleo.email))[0] == 201
    cleo.refresh_from_db()
    assert not cleo.has_usable_password()
    assert client_cleo.get("/settings/").status_code == 302


def test_an_account_with_a_proven_mailbox_comes_along_as_it_is(call, cleo, client_cleo):
    mailbox_prove(person=cleo)
    assert call("POST", USERS, grace(userName=cleo.email))[0] == 201
    cleo.refresh_from_db()
    assert cleo.check_password(PASSWORD)
    assert client_cleo.get("/settings/").status_code == 200


def test_super_admins_are_not_the_directorys(call, root, workspace):
    assert call("POST", USERS, grace(userName=root.email))[0] == 403
    Membership.objects.create(user=root, workspace=workspace, role="admin")
    for method in ("PUT", "DELETE"):
        assert call(method, f"{USERS}/{root.pk}", grace(active=False))[0] == 403
    root.refresh_from_db()
    assert root.is_active


def test_who_may_not(client, call, admin_anna, ada, workspace, client_root):
    _, plain = key_create(actor=admin_anna, name="Admin", workspace_id=workspace.pk, scopes=["admin"])
    _, reader = key_create(actor=ada, name="Reader", workspace_id=workspace.pk, scopes=["read"])
    assert client.get(USERS).status_code == 401
    assert client_root.get(USERS).status_code == 401
    assert call("GET", USERS, secret="cb_wrong_key")[0] == 401
    assert call("GET", USERS, secret=plain)[0] == 403
    assert call("POST", USERS, grace(), secret=reader)[0] == 403
    assert not ExternalIdentity.objects.exists()


def test_bodies_that_are_none(call):
    bodies: list[object] = [[], "x", 1, {"schemas": "x"}, {"userName": {"a": 1}}]
    bodies += [grace(emails="x"), grace(active="maybe")]
    for body in bodies:
        assert call("POST", USERS, body)[0] == 400
