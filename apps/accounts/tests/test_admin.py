"""Django's admin: for super admins only, every change by the services, audited."""

import pytest
from django.contrib import admin
from django.test import Client

from apps.accounts.models import ApiKey, Group, Invitation, Membership, User, Workspace
from apps.accounts.permission_table import PERMISSIONS
from apps.audit.models import Event

NO_MEMBERSHIPS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}


def _events(action):
    return Event.objects.filter(action=action)


def _change(client, user, **values):
    form = {"email": user.email, "name": user.name, **NO_MEMBERSHIPS}
    form |= {name: "on" for name in ("is_active", "is_super_admin") if getattr(user, name)}
    for name, value in values.items():
        form.pop(name, None)
        if value is not None:
            form[name] = value
    return client.post(f"/admin/accounts/user/{user.pk}/change/", form)


@pytest.fixture
def client_staff(workspace):
    """Somebody whom an older release made staff, but who is not above everything."""
    user = User.objects.create_user("staff@example.org", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("page", ["", "permissions/", "accounts/user/", "login/"])
def test_only_super_admins_come_in(client_ada, client_anna, client_staff, page):
    for client in (client_ada, client_anna, client_staff):
        assert client.get(f"/admin/{page}", follow=True).status_code == 403


def test_every_list_opens(client_root, ada, workspace):
    for model in admin.site._registry:
        assert client_root.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code == 200, model


def test_lists_cost_the_same_for_any_number(client_root, workspace, django_assert_max_num_queries):
    def rows(start):
        for number in range(start, start + 5):
            user = User.objects.create_user(f"p{number}@example.org")
            Membership.objects.create(user=user, workspace=workspace)
            Group.objects.create(name=f"g{number}", title=f"g{number}", workspace=workspace).user_set.add(user)
            ApiKey.objects.create(
                user=user, workspace=workspace, name="k", prefix=f"p{number}", secret_hash="h", scopes=["read"]
            )

    rows(0)
    counts = {}
    for model in ("user", "membership", "group", "apikey", "workspace"):
        client_root.get(f"/admin/accounts/{model}/")
        with django_assert_max_num_queries(30) as found:
            client_root.get(f"/admin/accounts/{model}/")
        counts[model] = len(found)
    rows(5)
    for model, count in counts.items():
        with django_assert_max_num_queries(count):
            client_root.get(f"/admin/accounts/{model}/")


def test_reads_are_recorded(client_root, root, ada):
    client_root.get(f"/admin/accounts/user/{ada.pk}/change/?q=secret")
    event = _events("admin_read").get()
    assert (event.actor_id, event.data) == (root.pk, {"page": "accounts_user_change", "object_id": str(ada.pk)})


def test_the_permission_table_is_shown(client_root):
    page = client_root.get("/admin/permissions/").content.decode()
    for permission in PERMISSIONS.values():
        assert permission.code in page


def test_a_new_account_is_recorded(client_root, workspace):
    client_root.post(
        "/admin/accounts/user/add/",
        {"email": "Grace@example.org", "name": "Grace", "usable_password": "false",
         "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
         "memberships-0-workspace": str(workspace.pk), "memberships-0-role": "viewer"},
    )  # fmt: skip
    grace = User.objects.get(email="grace@example.org")
    assert _events("person_created").get().target_id == str(grace.pk)
    assert _events("member_added").get().data == {"role": "viewer"}


def test_names_and_addresses(client_root, ada):
    assert _change(client_root, ada, name="Ada L.").status_code == 302
    assert _events("person_changed").get().data == {"fields": "name"}
    assert _change(client_root, ada, email="lovelace@example.org").status_code == 302
    ada.refresh_from_db()
    assert ada.email == "lovelace@example.org"
    assert ada.emailaddress_set.get().email == "lovelace@example.org"
    assert not Event.objects.filter(data__icontains="lovelace").exists()


def test_above_everything_and_back(client_root, root, ada):
    _change(client_root, ada, is_super_admin="on")
    ada.refresh_from_db()
    assert (ada.is_super_admin, ada.is_staff, ada.is_superuser) == (True, True, True)
    assert _events("role_changed").get().data == {"from": "", "to": "super_admin"}
    _change(client_root, ada, is_super_admin=None)
    ada.refresh_from_db()
    assert (ada.is_super_admin, ada.is_staff, ada.is_superuser) == (False, False, False)
    assert _change(client_root, root, is_super_admin=None).status_code == 409


def test_roles_in_workspaces(client_root, ada, admin_anna, workspace, other_workspace):
    membership = ada.memberships.get()
    form = {
        "email": ada.email, "name": ada.name, "is_active": "on", "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(ada.pk), "memberships-0-workspace": str(workspace.pk), "memberships-0-role": "admin",
        "memberships-1-workspace": str(other_workspace.pk), "memberships-1-role": "viewer",
        "memberships-1-user": str(ada.pk),
    }  # fmt: skip
    assert client_root.post(f"/admin/accounts/user/{ada.pk}/change/", form).status_code == 302
    assert set(ada.memberships.values_list("workspace__name", "role")) == {
        ("Analytical Engines", "admin"),
        ("Elsewhere", "viewer"),
    }
    assert _events("role_changed").get().data == {"from": "user", "to": "admin"}
    assert _events("member_added").count() == 1
    client_root.post(f"/admin/accounts/membership/{membership.pk}/delete/", {"post": "yes"})
    assert _events("member_removed").count() == 1
    assert ada.memberships.count() == 1


def test_the_last_administrator_of_a_workspace_stays(client_root, admin_anna):
    membership = admin_anna.memberships.get()
    answer = client_root.post(f"/admin/accounts/membership/{membership.pk}/change/", {"role": "user"})
    assert answer.status_code == 409
    membership.refresh_from_db()
    assert membership.role == "admin"


def test_a_password_that_an_administrator_sets(client_root, root, client, ada):
    tokens = client.post(
        "/api/v1/auth/login",
        {"email": ada.email, "password": "correct horse battery staple"},
        content_type="application/json",
    ).json()
    client_root.post(
        f"/admin/accounts/user/{ada.pk}/password/",
        {"usable_password": "true", "password1": "quite another passphrase", "password2": "quite another passphrase"},
    )
    event = _events("password_changed").get()
    assert (event.actor_id, event.target_id) == (root.pk, str(ada.pk))
    again = client.post("/api/v1/auth/refresh", {"refresh": tokens["refresh"]}, content_type="application/json")
    assert again.status_code == 401


def test_deleting_an_account(client_root, root, ada, workspace):
    page = client_root.get(f"/admin/accounts/user/{ada.pk}/delete/")
    assert page.status_code == 200
    client_root.post(f"/admin/accounts/user/{ada.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=ada.pk).exists()
    assert _events("person_deleted").get().target_id == str(ada.pk)
    assert client_root.post(f"/admin/accounts/user/{root.pk}/delete/", {"post": "yes"}).status_code == 403


def test_workspaces(client_root, workspace):
    client_root.post("/admin/accounts/workspace/add/", {"name": "Third"})
    assert Workspace.objects.filter(slug="third").exists()
    assert _events("workspace_created").count() == 1
    values = {"name": workspace.name, "messages_per_day": "7", "second_factor_roles": ["admin"],
              "second_factor_grace_days": "7"}  # fmt: skip
    assert client_root.post(f"/admin/accounts/workspace/{workspace.pk}/change/", values).status_code == 302
    workspace.refresh_from_db()
    assert (workspace.messages_per_day, workspace.second_factor_roles) == (7, ["admin"])
    assert workspace.second_factor_since is not None
    assert _events("workspace_changed").get().data == {
        "messages_per_day": "none → 7",
        "second_factor_roles": "none → admin",
    }
    assert client_root.post(f"/admin/accounts/workspace/{workspace.pk}/delete/", {"post": "yes"}).status_code == 403


def test_groups(client_root, workspace):
    group = Group.objects.create(name="g", title="Engineers", workspace=workspace)
    client_root.post(f"/admin/accounts/group/{group.pk}/change/", {"title": "Builders"})
    client_root.post(f"/admin/accounts/group/{group.pk}/delete/", {"post": "yes"})
    assert list(_events("group_changed").order_by("created_at").values_list("data__change", flat=True)) == [
        "renamed",
        "deleted",
    ]


def test_invitations_are_taken_back(client_anna, client_root, workspace):
    client_anna.post("/people/invitations/", {"email": "grace@example.org", "role": "user"})
    invitation = Invitation.objects.get()
    action = {"action": "take_back", "_selected_action": str(invitation.pk)}
    client_root.post("/admin/accounts/invitation/", action)
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
    assert _events("invitation_revoked").count() == 1


@pytest.mark.parametrize("model", ["apikey", "invitation", "signinguard", "breakglass"])
def test_what_is_only_read(client_root, model):
    assert client_root.get(f"/admin/accounts/{model}/add/").status_code == 403
