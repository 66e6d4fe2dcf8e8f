"""The people page: who sees whom, filters, roles, and what is done to several at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.urls import reverse

from apps.accounts.models import ApiKey, Group, Membership, User
from apps.accounts.services.people import role_change
from apps.audit.models import Event
from chatbot.lib.errors import AppError

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def people(ada, ben, vera, cleo, admin_anna):
    return {"ada": ada, "ben": ben, "vera": vera, "cleo": cleo, "anna": admin_anna}


@pytest.fixture
def group(workspace):
    return Group.objects.create(name="engineers", workspace=workspace, title="Engineers")


def _role(user, workspace):
    return Membership.objects.get(user=user, workspace=workspace).role


def _events(action):
    return Event.objects.filter(action=action)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_administrator_sees_the_people_of_the_workspace(client_anna, people, headers):
    page = client_anna.get("/people/", **headers).content.decode()
    for name in ("ada", "ben", "vera", "anna"):
        assert f"{name}@example.org" in page
    assert "cleo@example.org" not in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_others_do_not(client_ada, client_vera, client_cleo, people, headers):
    for client in (client_ada, client_vera, client_cleo):
        answer = client.get("/people/", **headers)
        assert answer.status_code == 403
        assert "ben@example.org" not in answer.content.decode()


def test_a_super_admin_who_is_a_member_nowhere_administers_the_workspace_they_chose(
    client_root, root, people, other_workspace
):
    assert "ada@example.org" in client_root.get("/people/").content.decode()
    client_root.post("/workspace/switch/", {"workspace": str(other_workspace.pk)})
    page = client_root.get("/people/").content.decode()
    assert "cleo@example.org" in page
    assert "ada@example.org" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=BEN", {"ben"}),
        ("q=example.org", {"ada", "ben", "vera", "anna"}),
        ("q=%25", set()),
        ("role=viewer", {"vera"}),
        ("role=admin", {"anna"}),
        ("status=disabled", {"ada"}),
        ("status=active", {"ben", "vera", "anna"}),
        ("status=locked", set()),
        ("role=nonsense", {"ada", "ben", "vera", "anna"}),
    ],
)
def test_filters(client_anna, people, query, shown):
    User.objects.filter(pk=people["ada"].pk).update(is_active=False)
    page = client_anna.get(f"/people/?{query}", **HTMX).content.decode()
    assert {name for name in people if f"{name}@example.org" in page} == shown


def test_the_list_says_what_matters(client_anna, people, group):
    Authenticator.objects.create(user=people["ben"], type=Authenticator.Type.TOTP, data={})
    Authenticator.objects.create(user=people["vera"], type=Authenticator.Type.RECOVERY_CODES, data={})
    people["ben"].groups.add(group)
    page = client_anna.get("/people/?q=ben", **HTMX).content.decode()
    assert "Engineers" in page
    assert '<span class="badge badge-good">On</span>' in page
    assert '<span class="badge badge-good">On</span>' not in client_anna.get("/people/?q=vera").content.decode()


def test_the_list_costs_the_same_for_any_number(client_anna, people, workspace, group, django_assert_max_num_queries):
    client_anna.get("/people/")
    with django_assert_max_num_queries(14) as few:
        client_anna.get("/people/", **HTMX)
    for number in range(25):
        person = User.objects.create_user(f"p{number}@example.org")
        Membership.objects.create(user=person, workspace=workspace)
        person.groups.add(group)
    with django_assert_max_num_queries(len(few)):
        client_anna.get("/people/", **HTMX)


def test_the_list_goes_on_where_it_ended(client_anna, people, workspace):
    for number in range(40):
        person = User.objects.create_user(f"p{number:02}@example.org")
        Membership.objects.create(user=person, workspace=workspace)
    first = client_anna.get("/people/", **HTMX)
    cursor = first.context["next_cursor"]
    second = client_anna.get(f"/people/?cursor={cursor}", **HTMX)
    seen = [row.user.pk for answer in (first, second) for row in answer.context["rows"]]
    assert len(seen) == len(set(seen)) == 44
    assert "<table" not in second.content.decode()
    assert client_anna.get("/people/?cursor=nonsense").status_code == 422


def test_a_role_is_changed_at_once(client_anna, people, workspace):
    address = reverse("accounts:person-role", args=[people["ada"].pk])
    answer = client_anna.post(address, {"role": "viewer"}, **HTMX)
    assert answer.status_code == 200
    assert f'id="person-{people["ada"].pk}"' in answer.content.decode()
    assert "viewer" in json.loads(answer["HX-Trigger"])["app:toast"]["message"]
    assert _role(people["ada"], workspace) == "viewer"
    event = _events("role_changed").get()
    assert (event.target_id, event.workspace_id) == (str(people["ada"].pk), workspace.pk)
    assert event.data == {"from": "user", "to": "viewer"}


def test_a_role_is_changed_without_script(client_anna, people, workspace):
    address = reverse("accounts:person-role", args=[people["ada"].pk])
    assert client_anna.post(address, {"role": "admin", "row": "1"})["Location"] == "/people/"
    assert _role(people["ada"], workspace) == "admin"
    assert client_anna.post(address, {"role": "emperor"}).status_code == 422


@pytest.mark.parametrize("action", ["role", "limits", "remove"])
def test_somebody_of_another_workspace_does_not_exist(client_anna, people, action):
    assert client_anna.get(f"/people/{people['cleo'].pk}/").status_code == 404
    answer = client_anna.post(f"/people/{people['cleo'].pk}/{action}/", {"role": "admin"})
    assert answer.status_code == 404
    assert Membership.objects.get(user=people["cleo"]).role == "user"


@pytest.mark.parametrize("action", ["role", "limits", "remove"])
def test_members_change_nobody(client_ada, client_vera, people, workspace, action):
    for client in (client_ada, client_vera):
        assert client.post(f"/people/{people['ben'].pk}/{action}/", {"role": "admin"}).status_code == 403
    assert _role(people["ben"], workspace) == "user"


def test_the_last_administrator_stays(client_anna, admin_anna, ada, workspace):
    address = reverse("accounts:person-role", args=[admin_anna.pk])
    assert client_anna.post(address, {"role": "user"}).status_code == 409
    assert client_anna.post(f"/people/{admin_anna.pk}/remove/").status_code == 409
    assert client_anna.post(f"/settings/workspaces/{workspace.pk}/leave/").status_code == 409
    assert _role(admin_anna, workspace) == "admin"
    Membership.objects.filter(user=ada).update(role="admin")
    assert client_anna.post(address, {"role": "user"}).status_code == 302
    assert _role(admin_anna, workspace) == "user"


def test_a_disabled_administrator_does_not_count(client_anna, admin_anna, ada):
    Membership.objects.filter(user=ada).update(role="admin")
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client_anna.post(f"/people/{admin_anna.pk}/role/", {"role": "user"}).status_code == 409


def test_workspace_admins_do_not_touch_super_admins(client_anna, client_root, root, admin_anna, workspace):
    Membership.objects.create(user=root, workspace=workspace, role="user")
    for action in ("role", "remove"):
        assert client_anna.post(f"/people/{root.pk}/{action}/", {"role": "viewer"}).status_code == 403
    assert _role(root, workspace) == "user"
    assert client_root.post(f"/people/{root.pk}/role/", {"role": "viewer"}).status_code == 302


def test_a_role_kept_by_single_sign_on_is_not_changed_by_hand(client_anna, client_root, ada, admin_anna, workspace):
    Membership.objects.filter(user=ada).update(managed_by="oidc")
    assert client_anna.post(f"/people/{ada.pk}/role/", {"role": "viewer"}).status_code == 409
    assert client_root.post(f"/people/{ada.pk}/role/", {"role": "viewer"}).status_code == 302
    membership = Membership.objects.get(user=ada, workspace=workspace)
    assert (membership.role, membership.managed_by) == ("viewer", "")


def test_removing_somebody_ends_what_they_had_here(client_anna, people, workspace, group):
    ada = people["ada"]
    ada.groups.add(group)
    User.objects.filter(pk=ada.pk).update(current_workspace=workspace)
    key = ApiKey.objects.create(user=ada, workspace=workspace, name="k", prefix="p", secret_hash="h", scopes=["read"])
    asked = client_anna.get(f"/people/{ada.pk}/remove/", **HTMX).content.decode()
    assert "Remove Ada from Analytical Engines?" in asked
    assert client_anna.post(f"/people/{ada.pk}/remove/")["Location"] == "/people/"
    ada.refresh_from_db()
    key.refresh_from_db()
    assert not ada.memberships.exists()
    assert not ada.groups.exists()
    assert ada.current_workspace is None
    assert key.revoked_at is not None
    assert _events("member_removed").get().data == {"role": "user", "api_keys_ended": 1}


def test_the_page_of_a_person(client_anna, people):
    page = client_anna.get(f"/people/{people['ada'].pk}/").content.decode()
    assert "ada@example.org" in page
    assert "Save the limits" in page


def test_limits_of_a_person(client_anna, people, workspace):
    address = f"/people/{people['ada'].pk}/limits/"
    wrong = client_anna.post(address, {"messages_per_day": "-1"})
    assert wrong.status_code == 422
    client_anna.post(address, {"messages_per_day": "20", "documents_limit": "", "bytes_limit": "3"})
    membership = Membership.objects.get(user=people["ada"], workspace=workspace)
    assert (membership.messages_per_day, membership.documents_limit, membership.bytes_limit) == (20, None, 3 * 2**20)
    assert 'value="3"' in client_anna.get(f"/people/{people['ada'].pk}/").content.decode()
    assert _events("person_changed").get().data == {
        "messages_per_day": "none → 20",
        "bytes_limit": "none → 3145728",
    }


def _bulk(client, people, change, **extra):
    return client.post("/people/bulk/", {"people": [str(person.pk) for person in people], "change": change} | extra)


def test_a_change_of_several_is_asked_about_first(client_anna, people, workspace):
    asked = _bulk(client_anna, [people["ada"], people["ben"], people["cleo"]], "role:viewer").content.decode()
    assert "Make 2 people viewer?" in asked
    assert "cleo" not in asked
    assert _role(people["ada"], workspace) == "user"


def test_roles_of_several(client_anna, people, workspace):
    answer = client_anna.post(
        "/people/bulk/",
        {"people": [str(people[n].pk) for n in ("ada", "ben", "anna", "cleo")], "change": "role:viewer",
         "confirmed": "1", "role": "viewer"},
        **HTMX,
    )  # fmt: skip
    assert _role(people["ada"], workspace) == _role(people["ben"], workspace) == "viewer"
    assert _role(people["anna"], workspace) == "admin"
    assert Membership.objects.get(user=people["cleo"]).role == "user"
    news = json.loads(answer["HX-Trigger"])
    assert news["app:toast"]["message"].startswith("2 people: the role is viewer now. Anna not: A workspace keeps")
    assert "dialog-close" in news
    assert "anna@example.org" not in answer.content.decode()
    assert _events("role_changed").count() == 2


def test_several_join_a_group_or_go(client_anna, people, workspace, group):
    chosen = [people["ada"], people["ben"]]
    _bulk(client_anna, chosen, f"group:{group.key}", confirmed="1")
    assert group.user_set.count() == 2
    _bulk(client_anna, chosen, "remove", confirmed="1")
    assert set(workspace.members.all()) == {people["vera"], people["anna"]}
    assert _events("member_removed").count() == 2


@pytest.mark.parametrize("change", ["", "role:emperor", "group:x", "nonsense"])
def test_a_change_that_does_not_exist(client_anna, people, change):
    assert _bulk(client_anna, [people["ada"]], change).status_code == 422


def test_nobody_selected(client_anna, people):
    answer = client_anna.post("/people/bulk/", {"change": "remove"})
    assert answer.status_code == 422
    assert "Select at least one person first." in answer.content.decode()
    assert _bulk(client_anna, [people["cleo"]], "remove").status_code == 422


def test_a_group_of_another_workspace_does_not_exist(client_anna, people, other_workspace):
    foreign = Group.objects.create(name="foreign", workspace=other_workspace, title="Foreign")
    assert _bulk(client_anna, [people["ada"]], f"group:{foreign.key}", confirmed="1").status_code == 422


def test_members_change_nobody_in_bulk(client_ada, people):
    assert _bulk(client_ada, [people["ben"]], "remove", confirmed="1").status_code == 403


def test_only_super_admins_add_accounts(client_anna, client_root, people, workspace):
    values = {"email": "CLEO@example.org", "role": "viewer"}
    assert client_anna.post("/people/add/", values).status_code == 403
    assert client_root.post("/people/add/", values).status_code == 302
    assert _role(people["cleo"], workspace) == "viewer"
    assert _events("member_added").get().data == {"role": "viewer"}
    again = client_root.post("/people/add/", values)
    assert again.status_code == 422
    assert "a member already" in again.content.decode()
    assert client_root.post("/people/add/", values | {"email": "nobody@example.org"}).status_code == 422


def test_inviting_shows_the_link_once(client_anna, people, workspace):
    answer = client_anna.post("/people/invitations/", {"email": "Grace@example.org", "role": "viewer"})
    link = answer.context["sent"].link
    assert link in answer.content.decode()
    later = client_anna.get("/people/invitations/").content.decode()
    assert link not in later
    assert "grace@example.org" in later
    invitation = workspace.invitations.get()
    again = client_anna.post(f"/people/invitations/{invitation.pk}/again/")
    assert again.context["sent"].link != link
    newest = workspace.invitations.get(revoked_at=None)
    assert client_anna.post(f"/people/invitations/{newest.pk}/withdraw/").status_code == 302
    assert "grace@example.org" not in client_anna.get("/people/invitations/").content.decode()
    assert client_anna.post(f"/people/invitations/{newest.pk}/again/").status_code == 404


def test_members_invite_nobody(client_ada, people, workspace):
    assert client_ada.post("/people/invitations/", {"email": "g@example.org", "role": "admin"}).status_code == 403
    assert not workspace.invitations.exists()


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_demote_each_other_at_once(ada, admin_anna, workspace):
    """Both start while both are administrators; whoever comes second is none any more, or the last."""
    Membership.objects.filter(user=ada).update(role="admin")
    begin = threading.Barrier(2)

    def demote(actor, person):
        try:
            begin.wait(timeout=20)
            role_change(actor=actor, workspace_id=workspace.pk, person_id=person.pk, role="user")
        except AppError as error:
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(demote, ada, admin_anna), pool.submit(demote, admin_anna, ada)]
        codes = sorted(outcome.result(timeout=60) for outcome in outcomes)
    assert codes[0] == "done"
    assert codes[1] in {"last_admin", "forbidden"}
    assert Membership.objects.filter(workspace=workspace, role="admin").count() == 1
