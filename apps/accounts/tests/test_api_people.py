"""People over the API: the same rules as on the page."""

import pytest

from apps.accounts.models import Membership, User
from apps.audit.models import Event

USERS = "/api/v1/admin/users"


def _put(client, user, **values):
    return client.put(f"{USERS}/{user.pk}", values, content_type="application/json")


def test_the_list(client_anna, admin_anna, ada, ben, vera, cleo):
    answer = client_anna.get(USERS).json()
    assert {row["email"] for row in answer["items"]} == {f"{n}@example.org" for n in ("anna", "ada", "ben", "vera")}
    assert answer["next"] is None
    found = client_anna.get(f"{USERS}?q=ada&role=user&status=active").json()["items"]
    assert [row["id"] for row in found] == [str(ada.pk)]
    assert found[0]["has_second_factor"] is False
    assert client_anna.get(f"{USERS}?role=emperor").status_code == 422


def test_the_list_in_parts(client_anna, admin_anna, ada, ben, vera):
    first = client_anna.get(f"{USERS}?limit=3").json()
    second = client_anna.get(f"{USERS}?limit=3&cursor={first['next']}").json()
    assert len(first["items"]) + len(second["items"]) == 4
    assert second["next"] is None


def test_one_person(client_anna, ada, cleo):
    assert client_anna.get(f"{USERS}/{ada.pk}").json()["email"] == "ada@example.org"
    assert client_anna.get(f"{USERS}/{cleo.pk}").status_code == 404


def test_members_and_strangers(client_ada, client_vera, client_cleo, ben):
    for client in (client_ada, client_vera, client_cleo):
        assert client.get(USERS).status_code == 403
        assert client.get(f"{USERS}/{ben.pk}").status_code == 403
        assert _put(client, ben, role="admin").status_code == 403
        assert client.delete(f"{USERS}/{ben.pk}").status_code == 403
        body = {"email": "x@example.org"}
        assert client.post("/api/v1/admin/invitations", body, content_type="application/json").status_code == 403
    assert ben.memberships.get().role == "user"


def test_role_and_name(client_anna, ada, workspace):
    answer = _put(client_anna, ada, role="viewer", name="Ada L.")
    assert answer.json()["role"] == "viewer"
    assert answer.json()["name"] == "Ada L."
    assert Event.objects.filter(action="role_changed").count() == 1
    assert Event.objects.get(action="person_changed").data == {"fields": "name"}


def test_all_or_nothing(client_anna, admin_anna):
    assert _put(client_anna, admin_anna, name="Somebody", role="user").status_code == 409
    admin_anna.refresh_from_db()
    assert admin_anna.name == "Anna"


def test_an_account_used_elsewhere_is_not_renamed(client_anna, ada, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    assert _put(client_anna, ada, name="Mine").status_code == 403
    assert _put(client_anna, ada, role="viewer").status_code == 200


def test_removing(client_anna, client_root, ada, ben, workspace):
    assert client_anna.delete(f"{USERS}/{ada.pk}?account=true").status_code == 403
    assert client_anna.delete(f"{USERS}/{ada.pk}").status_code == 204
    assert User.objects.filter(pk=ada.pk).exists()
    assert not workspace.members.filter(pk=ada.pk).exists()
    assert client_root.delete(f"{USERS}/{ben.pk}?account=true").status_code == 204
    assert not User.objects.filter(pk=ben.pk).exists()


@pytest.mark.parametrize(
    "body", [{"email": "nonsense"}, {"email": "ada@example.org"}, {"email": "x@example.org", "role": "god"}]
)
def test_invitations_that_make_no_sense(client_anna, ada, body):
    answer = client_anna.post("/api/v1/admin/invitations", body, content_type="application/json")
    assert answer.status_code == 422


def test_an_invitation(client_anna, workspace):
    body = {"email": "grace@example.org", "role": "viewer"}
    answer = client_anna.post("/api/v1/admin/invitations", body, content_type="application/json")
    assert answer.status_code == 201
    assert answer.json()["link"].startswith("http://testserver/")
    assert workspace.invitations.get().role == "viewer"
