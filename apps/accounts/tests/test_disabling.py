"""Closing an account: who may, what ends with it, and opening it again."""

import pytest
from django.test import Client

from apps.accounts.exceptions import LastSuperAdminError
from apps.accounts.models import ApiKey, BrowserSession, Membership, User
from apps.accounts.services.keys import key_create
from apps.accounts.services.sessions import access_end_all, person_disable, person_enable
from apps.audit.models import Event
from chatbot.lib.errors import ForbiddenError, NotFoundError
from chatbot.testing.plugin import PASSWORD


def tokens_of(user):
    body = {"email": user.email, "password": PASSWORD}
    return Client().post("/api/v1/auth/login", body, content_type="application/json").json()


def is_in(text):
    return Client().get("/api/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code == 200


def is_active(user):
    return User.objects.get(pk=user.pk).is_active


@pytest.fixture
def key(ada, workspace):
    return key_create(actor=ada, name="Nightly", workspace_id=workspace.pk, scopes=["read"])[1]


def test_everything_ends_at_once_and_is_one_event(ada, admin_anna, client_ada, key, workspace):
    tokens = tokens_of(ada)
    person_disable(actor=admin_anna, user=ada)
    assert client_ada.get("/settings/").status_code == 302
    assert not is_in(tokens["access"])
    assert not is_in(key)
    refresh = Client().post("/api/v1/auth/refresh", {"refresh": tokens["refresh"]}, content_type="application/json")
    assert refresh.status_code == 401
    event = Event.objects.get(action="person_disabled")
    assert (event.actor_id, event.target_id, event.workspace_id) == (admin_anna.pk, str(ada.pk), workspace.pk)
    assert event.data == {"sessions": 1, "api_sign_ins": 1, "api_keys": 1}
    assert not Event.objects.filter(action="sessions_ended").exists()


def test_who_comes_back_signs_in_anew(ada, admin_anna, client_ada, key):
    tokens = tokens_of(ada)
    person_disable(actor=admin_anna, user=ada)
    person_enable(actor=admin_anna, user=ada)
    assert is_active(ada)
    assert client_ada.get("/settings/").status_code == 302
    assert not is_in(tokens["access"])
    assert not is_in(key)
    assert is_in(tokens_of(ada)["access"])
    assert Event.objects.filter(action="person_enabled", actor_id=admin_anna.pk).count() == 1


def test_twice_is_no_error_and_no_second_event(ada, root):
    for _ in range(2):
        person_disable(actor=root, user=ada)
    for _ in range(2):
        person_enable(actor=root, user=ada)
    actions = Event.objects.filter(action__in=["person_disabled", "person_enabled"])
    assert sorted(actions.values_list("action", flat=True)) == ["person_disabled", "person_enabled"]


@pytest.mark.parametrize("act", [person_disable, person_enable])
@pytest.mark.parametrize(("actor", "error"), [("ben", NotFoundError), ("vera", NotFoundError), ("cleo", NotFoundError)])
def test_who_administers_nothing_cannot(ada, request, act, actor, error):
    with pytest.raises(error):
        act(actor=request.getfixturevalue(actor), user=ada)
    assert is_active(ada)


def test_an_administrator_of_another_workspace_cannot(ada, cleo):
    Membership.objects.filter(user=cleo).update(role="admin")
    with pytest.raises(NotFoundError):
        person_disable(actor=cleo, user=ada)
    assert is_active(ada)


def test_nobody_is_closed_out_over_the_heads_of_others(ada, admin_anna, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    with pytest.raises(ForbiddenError):
        person_disable(actor=admin_anna, user=ada)
    Membership.objects.create(user=admin_anna, workspace=other_workspace, role="admin")
    person_disable(actor=admin_anna, user=ada)
    assert not is_active(ada)


def test_a_super_admin_is_for_super_admins(root, admin_anna, workspace):
    Membership.objects.create(user=root, workspace=workspace)
    with pytest.raises(ForbiddenError):
        person_disable(actor=admin_anna, user=root)
    assert is_active(root)


def test_nobody_disables_oneself(root, admin_anna):
    User.objects.create_superuser("second@example.org", PASSWORD)
    for person in (root, admin_anna):
        with pytest.raises(ForbiddenError):
            person_disable(actor=person, user=person)
        assert is_active(person)


def test_the_last_super_admin_stays(root):
    second = User.objects.create_superuser("second@example.org", PASSWORD)
    User.objects.filter(pk=second.pk).update(is_active=False)
    with pytest.raises(LastSuperAdminError):
        person_disable(actor=second, user=root)
    assert is_active(root)
    User.objects.filter(pk=second.pk).update(is_active=True)
    person_disable(actor=second, user=root)
    assert not is_active(root)


def test_ending_all_access_leaves_the_account(ada, ben, root, client_ada, client_ben, key):
    tokens = tokens_of(ada)
    ended = access_end_all(user=ada, actor=root)
    assert (ended.sessions, ended.api_sign_ins, ended.api_keys) == (1, 1, 1)
    assert not BrowserSession.objects.filter(user=ada).exists()
    assert not ApiKey.objects.filter(user=ada, revoked_at=None).exists()
    assert not is_in(tokens["access"])
    assert is_in(tokens_of(ada)["access"])
    assert client_ben.get("/api/v1/me").status_code == 200
    event = Event.objects.get(action="sessions_ended")
    assert (event.actor_id, event.target_id, event.data["sessions"]) == (root.pk, str(ada.pk), 1)
