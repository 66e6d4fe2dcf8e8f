"""Second factors for programs."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from apps.accounts.models import RecoveryCode, RefreshToken
from apps.accounts.second_factor.recovery import recovery_codes_replace
from apps.accounts.tests.second_factors import step_up, totp_code, totp_give, wrong_code
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

BASE = "/api/v1/auth/2fa"

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(ada):
    def post(path, body=None):
        return client.post(BASE + path, body or {}, content_type="application/json", headers=headers)

    client = Client()
    login = {"email": ada.email, "password": PASSWORD}
    answer = client.post("/api/v1/auth/login", login, content_type="application/json")
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    return post


def test_setting_up_and_verifying(api, ada):
    setup = api("/setup").json()
    assert setup["otpauth_url"].startswith("otpauth://totp/Chatbot%3Aada%40example.org?secret=" + setup["secret"])
    assert setup["qr_svg"].startswith("<?xml")
    assert "style" not in setup["qr_svg"]
    assert api("/setup").json()["secret"] == setup["secret"]
    answer = api("/verify", {"otp": wrong_code(setup["secret"])})
    assert (answer.status_code, answer.json()["code"]) == (401, "otp_invalid")
    codes = api("/verify", {"otp": totp_code(setup["secret"])}).json()["recovery_codes"]
    assert len(codes) == 10
    assert api("/setup").json()["code"] == "second_factor_exists"
    assert Authenticator.objects.filter(user=ada, type="totp").count() == 1


def test_verifying_needs_a_set_up(api):
    answer = api("/verify", {"otp": "123456"})
    assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_setup_expired")


def test_an_old_sign_in_does_not_set_up(api):
    RefreshToken.objects.update(signed_in_at=timezone.now() - timedelta(minutes=6))
    for path, body in (("/setup", {}), ("/verify", {"otp": "123456"})):
        answer = api(path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


def test_a_new_token_does_not_make_the_sign_in_young(ada):
    client = Client()
    login = {"email": ada.email, "password": PASSWORD}
    tokens = client.post("/api/v1/auth/login", login, content_type="application/json").json()
    RefreshToken.objects.update(signed_in_at=timezone.now() - timedelta(minutes=6))
    body = {"refresh": tokens["refresh"]}
    tokens = client.post("/api/v1/auth/refresh", body, content_type="application/json").json()
    answer = client.post(f"{BASE}/setup", headers={"Authorization": f"Bearer {tokens['access']}"})
    assert answer.json()["code"] == "step_up_required"


def test_a_session_must_have_stepped_up(ada):
    client = Client(enforce_csrf_checks=False)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/settings/")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post(f"{BASE}/setup", headers=headers).json()["code"] == "step_up_required"
    step_up(client)
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post(f"{BASE}/setup", headers=headers).status_code == 200


def test_turning_it_off_needs_both(api, ada):
    secret = totp_give(ada)
    recovery_codes_replace(user=ada)
    right = {"password": PASSWORD, "otp": totp_code(secret)}
    assert api("/disable", {**right, "password": "wrong"}).json()["code"] == "invalid_credentials"
    assert api("/disable", {**right, "otp": wrong_code(secret)}).json()["code"] == "otp_invalid"
    assert api("/disable", {"password": PASSWORD}).status_code == 422
    assert api("/disable", right).status_code == 204
    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert Event.objects.filter(action="second_factor_removed", data={"kind": "all"}).count() == 1


def test_it_stays_where_a_workspace_demands_it(api, ada, workspace):
    secret = totp_give(ada)
    workspace.second_factor_roles = ["user"]
    workspace.save()
    answer = api("/disable", {"password": PASSWORD, "otp": totp_code(secret)})
    assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_needed")
    assert Authenticator.objects.filter(user=ada).exists()


def test_strangers_get_nothing(client):
    for path in ("/setup", "/verify", "/disable"):
        assert client.post(BASE + path, {}, content_type="application/json").status_code == 401
