"""What an administrator does to somebody's account: on their page, in bulk, over the API, in Django's admin."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from apps.accounts.models import ApiKey, Membership, SignInGuard, User
from apps.accounts.sign_in_guard import account_subject
from apps.audit.models import Event

HTMX = {"HTTP_HX_REQUEST": "true"}
ACTIONS = ["unlock", "factor-reset", "end-sessions", "disable", "enable"]


@pytest.fixture
def lock():
    def lock(user):
        return SignInGuard.objects.create(
            kind="account",
            subject_hash=account_subject(user.email),
            failures=9,
            last_failure_at=timezone.now(),
            locked_until=timezone.now() + timedelta(hours=1),
        )

    return lock


def _events(action):
    return Event.objects.filter(action=action)


def _is_signed_in(client):
    return client.get("/settings/").status_code == 200


def _act(client, user, action):
    return client.post(f"/people/{user.pk}/{action}/")


def test_disabling_asks_and_then_ends_access_at_once(client_anna, client_ada, ada, workspace):
    key = ApiKey.objects.create(user=ada, workspace=workspace, name="k", prefix="p", secret_hash="h", scopes=["read"])
    assert "Disable Ada?" in client_anna.get(f"/people/{ada.pk}/disable/", **HTMX).content.decode()
    assert _is_signed_in(client_ada)
    assert _act(client_anna, ada, "disable")["Location"] == f"/people/{ada.pk}/"
    ada.refresh_from_db()
    key.refresh_from_db()
    assert not ada.is_active
    assert key.revoked_at is not None
    assert not _is_signed_in(client_ada)
    page = client_anna.get(f"/people/{ada.pk}/").content.decode()
    assert "Disabled" in page
    assert "Enable the account" in page
    _act(client_anna, ada, "enable")
    ada.refresh_from_db()
    assert ada.is_active
    assert _events("person_disabled").count() == _events("person_enabled").count() == 1


def test_signing_out_everywhere(client_anna, client_ada, ada):
    assert "In 1 place" in client_anna.get(f"/people/{ada.pk}/").content.decode()
    _act(client_anna, ada, "end-sessions")
    assert not _is_signed_in(client_ada)
    assert "Nowhere" in client_anna.get(f"/people/{ada.pk}/").content.decode()
    assert _events("sessions_ended").get().target_id == str(ada.pk)


def test_unlocking(client_anna, ada, lock):
    guard = lock(ada)
    assert "Locked" in client_anna.get("/people/?status=locked", **HTMX).content.decode()
    assert "ada@example.org" not in client_anna.get("/people/?status=active", **HTMX).content.decode()
    assert "Unlock" in client_anna.get(f"/people/{ada.pk}/").content.decode()
    _act(client_anna, ada, "unlock")
    guard.refresh_from_db()
    assert guard.locked_until is None
    assert "Unlock" not in client_anna.get(f"/people/{ada.pk}/").content.decode()


def test_resetting_a_second_factor_asks_who_it_is(client_anna, ada):
    Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={})
    assert "factor-reset" in client_anna.get(f"/people/{ada.pk}/").content.decode()
    answer = _act(client_anna, ada, "factor-reset")
    assert answer["Location"].startswith("/settings/confirm/")
    assert Authenticator.objects.filter(user=ada).exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_not(client_anna, client_ada, client_vera, ben, cleo, action):
    for client in (client_ada, client_vera):
        assert _act(client, ben, action).status_code in {302, 403}
    assert _act(client_anna, cleo, action).status_code in {302, 404}
    for user in (ben, cleo):
        user.refresh_from_db()
        assert user.is_active
    assert not Event.objects.filter(target_type="accounts.user", target_id__in=[str(ben.pk), str(cleo.pk)]).exists()


@pytest.mark.parametrize("action", ["unlock", "end-sessions", "disable"])
def test_an_account_used_elsewhere_too(client_anna, client_root, ada, other_workspace, action):
    Membership.objects.create(user=ada, workspace=other_workspace)
    assert _act(client_anna, ada, action).status_code == 403
    page = client_anna.get(f"/people/{ada.pk}/").content.decode()
    assert "also belongs to a workspace that you do not administer" in page
    assert f"/people/{ada.pk}/disable/" not in page
    assert _act(client_root, ada, action).status_code == 302


@pytest.mark.parametrize("action", ["unlock", "end-sessions", "disable"])
def test_the_account_of_a_super_admin(client_anna, root, workspace, action):
    Membership.objects.create(user=root, workspace=workspace)
    assert _act(client_anna, root, action).status_code == 403
    assert "Only another super admin can change them." in client_anna.get(f"/people/{root.pk}/").content.decode()


def test_oneself(client_anna, admin_anna):
    assert _act(client_anna, admin_anna, "disable").status_code == 403
    assert "/disable/" not in client_anna.get(f"/people/{admin_anna.pk}/").content.decode()


def test_several_are_disabled_and_enabled(client_anna, client_ada, admin_anna, ada, ben):
    people = [str(user.pk) for user in (ada, ben, admin_anna)]
    asked = client_anna.post("/people/bulk/", {"people": people, "change": "disable"}, **HTMX).content.decode()
    assert "Disable 3 people?" in asked
    assert _is_signed_in(client_ada)
    client_anna.post("/people/bulk/", {"people": people, "change": "disable", "confirmed": "1"}, **HTMX)
    assert set(User.objects.filter(is_active=False)) == {ada, ben}
    assert not _is_signed_in(client_ada)
    client_anna.post("/people/bulk/", {"people": people, "change": "enable", "confirmed": "1"}, **HTMX)
    assert not User.objects.filter(is_active=False).exists()


def test_over_the_api(client_anna, client_ada, ada):
    address = f"/api/v1/admin/users/{ada.pk}"
    answer = client_anna.put(address, {"is_active": False}, content_type="application/json")
    assert answer.json()["status"] == "disabled"
    assert not _is_signed_in(client_ada)
    answer = client_anna.put(address, {"is_active": True}, content_type="application/json")
    assert answer.json()["status"] == "active"


def test_in_the_admin(client_root, client_ada, ada):
    form = {
        "email": ada.email,
        "name": ada.name,
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }
    assert client_root.post(f"/admin/accounts/user/{ada.pk}/change/", form).status_code == 302
    ada.refresh_from_db()
    assert not ada.is_active
    assert not _is_signed_in(client_ada)
    assert _events("person_disabled").count() == 1
    assert not _events("person_changed").exists()


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("disable", "person_disabled"),
        ("end_sessions", "sessions_ended"),
        ("unlock", "sign_in_unlocked"),
    ],
)
def test_several_in_the_admin(client_root, root, ada, ben, action, event):
    values = {"action": action, "_selected_action": [str(ada.pk), str(ben.pk)]}
    assert client_root.post("/admin/accounts/user/", values).status_code == 302
    assert _events(event).count() == 2


def test_keys_are_revoked_in_the_admin(client_root, ada, workspace):
    key = ApiKey.objects.create(user=ada, workspace=workspace, name="k", prefix="p", secret_hash="h", scopes=["read"])
    client_root.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": str(key.pk)})
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert _events("api_key_revoked").count() == 1
