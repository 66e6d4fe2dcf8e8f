"""Workspaces that demand a second factor: who, from when on, and what stays open without one."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership, Workspace
from apps.accounts.second_factor.state import second_factor_state
from apps.accounts.services.workspace_settings import workspace_change
from apps.accounts.tests.second_factors import SoftwareKey, passkey_give, step_up, totp_code, totp_give
from chatbot.testing.plugin import PASSWORD

SECURITY = "/settings/security/"

pytestmark = pytest.mark.django_db


def _demand(workspace, *roles, days=7, since=None):
    workspace.second_factor_roles = list(roles)
    workspace.second_factor_grace_days = days
    workspace.second_factor_since = since or timezone.now()
    workspace.save()


def _overdue(workspace, *roles):
    Membership.objects.update(created_at=timezone.now() - timedelta(days=30))
    _demand(workspace, *roles, since=timezone.now() - timedelta(days=8))


@pytest.fixture
def tokens(ada):
    answer = Client().post(
        "/api/v1/auth/login", {"email": ada.email, "password": PASSWORD}, content_type="application/json"
    )
    return {"Authorization": f"Bearer {answer.json()['access']}"}


def test_the_time_begins_with_the_rule_or_with_joining(ada, workspace):
    now = timezone.now()
    _demand(workspace, "user", days=7, since=now - timedelta(days=30))
    Membership.objects.filter(user=ada).update(created_at=now - timedelta(days=2))
    state = second_factor_state(user=ada)
    assert state.required
    assert abs(state.deadline - (now + timedelta(days=5))) < timedelta(seconds=5)
    assert not state.is_overdue
    Membership.objects.filter(user=ada).update(created_at=now - timedelta(days=60))
    state = second_factor_state(user=ada)
    assert abs(state.deadline - (now - timedelta(days=23))) < timedelta(seconds=5)
    assert state.is_overdue


def test_the_earliest_deadline_counts(ada, workspace, other_workspace):
    _demand(workspace, "user", days=7)
    Membership.objects.create(user=ada, workspace=other_workspace, role="admin")
    _demand(other_workspace, "admin", days=2)
    deadline = second_factor_state(user=ada).deadline
    assert deadline < timezone.now() + timedelta(days=3)


def test_whom_it_concerns(ada, vera, admin_anna, root, cleo, workspace):
    _demand(workspace, "admin")
    required = {user.name: second_factor_state(user=user).required for user in (ada, vera, admin_anna, root, cleo)}
    assert required == {"Ada": False, "Vera": False, "Anna": True, "Root": True, "Cleo": False}


def test_before_the_deadline_a_banner_stands_on_every_page(client_ada, client_vera, workspace):
    _demand(workspace, "user", days=3)
    for address in ("/", "/documents/", "/settings/", SECURITY):
        page = client_ada.get(address).content.decode()
        assert "Set one up before" in page
        assert (timezone.now() + timedelta(days=3)).strftime("%B %Y") in page
    assert "second factor. Set one up" not in client_vera.get("/").content.decode()


def test_after_it_only_the_set_up_is_open(client_ada, client_vera, workspace):
    _overdue(workspace, "user")
    for address in ("/", "/documents/", "/settings/", "/admin/", "/workspace/"):
        answer = client_ada.get(address)
        assert (answer.status_code, answer["Location"]) == (302, SECURITY)
    assert client_ada.post("/workspace/switch/", {"workspace": workspace.pk})["Location"] == SECURITY
    assert "Set one up to go on" in client_ada.get(SECURITY).content.decode()
    assert client_ada.get(reverse("accounts:step-up")).status_code == 200
    assert client_ada.post("/accounts/logout/").status_code == 302
    assert client_vera.get("/").status_code == 200


def test_the_way_out_is_to_set_one_up(client_ada, workspace):
    _overdue(workspace, "user")
    assert client_ada.get("/").status_code == 302
    step_up(client_ada)
    assert passkey_give(client_ada, SoftwareKey()).status_code == 200
    page = client_ada.get("/")
    assert page.status_code == 200
    assert "Set one up" not in page.content.decode()


def test_htmx_is_told_and_the_set_up_page_does_not_load_itself(client_ada, workspace):
    _overdue(workspace, "user")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/documents/"}
    answer = client_ada.get("/notices/", headers=headers)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, SECURITY)
    headers["HX-Current-URL"] = f"http://testserver{SECURITY}"
    answer = client_ada.get("/notices/", headers=headers)
    assert (answer.status_code, "HX-Redirect" in answer) == (204, False)


def test_the_api_says_so(client, ada, tokens, workspace):
    _overdue(workspace, "user")
    answer = client.get("/api/v1/conversations", headers=tokens)
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert client.get("/api/v1/me", headers=tokens).status_code == 200
    setup = client.post("/api/v1/auth/2fa/setup", headers=tokens)
    assert setup.status_code == 200
    body = {"otp": totp_code(setup.json()["secret"])}
    answer = client.post("/api/v1/auth/2fa/verify", body, content_type="application/json", headers=tokens)
    assert answer.status_code == 200
    assert client.get("/api/v1/conversations", headers=tokens).status_code == 200


def test_the_last_one_cannot_be_taken_away(client_ada, ada, workspace):
    _demand(workspace, "user")
    secret = totp_give(ada)
    step_up(client_ada, code=totp_code(secret))
    factor = Authenticator.objects.get(user=ada)
    answer = client_ada.post(reverse("accounts:factor-remove", args=[factor.pk]))
    assert answer.status_code == 409
    assert Authenticator.objects.filter(user=ada).exists()
    passkey_give(client_ada, SoftwareKey())
    assert client_ada.post(reverse("accounts:factor-remove", args=[factor.pk])).status_code == 302


def test_a_rule_is_noticed_at_once(client_ada, client_anna, admin_anna, workspace):
    assert client_ada.get("/").status_code == 200
    workspace_change(
        actor=admin_anna, workspace_id=workspace.pk, second_factor_roles=["user"], second_factor_grace_days=0
    )
    assert client_ada.get("/")["Location"] == SECURITY
    workspace_change(actor=admin_anna, workspace_id=workspace.pk, second_factor_roles=[])
    assert client_ada.get("/").status_code == 200


def test_people_who_are_fine_cost_no_query(client_ada, ada, workspace):
    _demand(workspace, "user")
    totp_give(ada)
    client_ada.get("/notices/")
    before = _queries(client_ada)
    Workspace.objects.all().update(second_factor_roles=[])
    assert before == _queries(client_ada)
    assert not any("mfa_authenticator" in query or "second_factor" in query for query in before)


def _queries(client):
    with CaptureQueriesContext(connection) as captured:
        client.get("/notices/")
    return [query["sql"].split("WHERE")[0] for query in captured]


def test_a_trusted_single_sign_on_is_enough(client_ada, ada, workspace, settings):
    _overdue(workspace, "user")
    session = client_ada.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": 0}]
    session["account_authentication_methods_user"] = str(ada.pk)
    session.save()
    assert client_ada.get("/").status_code == 302
    settings.SSO_TRUSTS_SECOND_FACTOR = True
    assert client_ada.get("/").status_code == 200


def test_nothing_of_it_is_kept_in_the_cache(client_ada, ada, workspace):
    """The cache may be flushed or away; the rule holds all the same."""
    _overdue(workspace, "user")
    client_ada.get("/")
    cache.clear()
    assert client_ada.get("/").status_code == 302
