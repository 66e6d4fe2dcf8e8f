"""Asking again before something sensitive."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.second_factor.recovery import recovery_codes_replace
from apps.accounts.tests.second_factors import step_up, totp_code, totp_give, wrong_code
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

SENSITIVE = "/settings/security/app/"
CODES = "/settings/security/codes/"
CONFIRM = "/settings/confirm/"
SIGN_IN = {"login": "ada@example.org", "password": PASSWORD}

pytestmark = pytest.mark.django_db


def _age(client, seconds):
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= seconds
    session.save()


def test_signing_in_with_the_password_does_not_count(client, ada):
    client.post("/accounts/login/", SIGN_IN)
    assert client.get(SENSITIVE)["Location"] == f"{CONFIRM}?next=%2Fsettings%2Fsecurity%2Fapp%2F"
    assert client.post(CONFIRM, {"password": PASSWORD, "next": SENSITIVE})["Location"] == SENSITIVE
    assert client.get(SENSITIVE).status_code == 200


def test_it_counts_for_five_minutes(client_ada):
    step_up(client_ada)
    _age(client_ada, 290)
    assert client_ada.get(SENSITIVE).status_code == 200
    _age(client_ada, 20)
    assert client_ada.get(SENSITIVE).status_code == 302


def test_it_counts_in_its_own_session(client_ada, ada):
    step_up(client_ada)
    other = Client()
    other.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert other.get(SENSITIVE).status_code == 302


def test_who_has_a_second_factor_is_asked_for_it(client_ada, ada):
    secret = totp_give(ada)
    page = client_ada.get(CONFIRM).content.decode()
    assert 'name="code"' in page
    assert 'name="password"' not in page
    assert client_ada.post(CONFIRM, {"password": PASSWORD}).status_code == 422
    assert client_ada.post(CONFIRM, {"code": wrong_code(secret)}).status_code == 422
    assert client_ada.get(CODES).status_code == 302
    step_up(client_ada, code=totp_code(secret))
    assert client_ada.get(CODES).status_code == 200


def test_a_password_from_before_the_second_factor_does_not_count(client_ada, ada):
    step_up(client_ada)
    totp_give(ada)
    assert client_ada.get(CODES).status_code == 302


def test_signing_in_with_the_second_factor_counts(client, ada):
    secret = totp_give(ada)
    client.post("/accounts/login/", SIGN_IN)
    client.post("/accounts/2fa/authenticate/", {"code": totp_code(secret)})
    assert client.get(CODES).status_code == 200
    _age(client, 400)
    assert client.get(CODES).status_code == 302


def test_a_recovery_code_does_it_too(client_ada, ada):
    totp_give(ada)
    step_up(client_ada, code=recovery_codes_replace(user=ada)[0])
    assert client_ada.get(CODES).status_code == 200


def test_wrong_passwords_are_counted_and_recorded(client_ada, ada):
    for _ in range(5):
        assert client_ada.post(CONFIRM, {"password": "wrong"}).status_code == 422
    assert client_ada.post(CONFIRM, {"password": PASSWORD}).status_code == 429
    failures = Event.objects.filter(action="sign_in_failed", actor_id=ada.pk)
    assert [event.data for event in failures] == [{"again": True}] * 5


def test_break_glass_is_for_people_with_a_second_factor(client_anna, admin_anna, ada):
    url = reverse("accounts:break-glass-ask", args=[ada.pk])
    step_up(client_anna)
    answer = client_anna.get(url)
    assert answer.status_code == 403
    assert reverse("accounts:security") in answer.content.decode()
    secret = totp_give(admin_anna)
    assert client_anna.get(url).status_code == 302
    step_up(client_anna, code=totp_code(secret))
    assert client_anna.get(url).status_code == 200


def test_who_has_neither_password_nor_factor_signs_in_again(client_ada, ada):
    ada.set_unusable_password()
    ada.save()
    client_ada.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert client_ada.get(SENSITIVE).status_code == 302
    assert "Sign in again" in client_ada.get(CONFIRM).content.decode()
    assert client_ada.post(CONFIRM, {"password": PASSWORD}).status_code == 422
    answer = client_ada.post(reverse("accounts:step-up-again"), {"next": SENSITIVE})
    assert answer["Location"] == "/accounts/login/?next=%2Fsettings%2Fsecurity%2Fapp%2F"
    assert client_ada.get("/settings/").status_code == 302
    # As after coming back from the provider.
    client_ada.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    session = client_ada.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": time.time()}]
    session["account_authentication_methods_user"] = str(ada.pk)
    session.save()
    assert client_ada.get(SENSITIVE).status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", ""])
def test_it_does_not_lead_away(client_ada, target):
    answer = client_ada.post(CONFIRM, {"password": PASSWORD, "next": target})
    assert answer["Location"] == "/"


def test_a_form_leads_back_to_its_page_and_is_not_kept(client_ada):
    page = "http://testserver/settings/security/"
    answer = client_ada.post(SENSITIVE, {"code": "123456"}, headers={"Referer": page})
    assert answer["Location"] == f"{CONFIRM}?next=http%3A%2F%2Ftestserver%2Fsettings%2Fsecurity%2F"
    assert "123456" not in str(dict(client_ada.session))
    answer = client_ada.post(SENSITIVE, {"code": "123456"}, headers={"Referer": "https://evil.example/"})
    assert answer["Location"] == f"{CONFIRM}?next=%2F"


def test_htmx_gets_the_whole_page(client_ada):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/settings/"}
    answer = client_ada.get(SENSITIVE, headers=headers)
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith(CONFIRM)


def test_strangers_who_fail_at_the_door_do_not_lock_the_settings(client_ada, client, ada):
    for _ in range(6):
        client.post(reverse("account_login"), {"login": ada.email, "password": "wrong"})
    assert client.post(reverse("account_login"), {"login": ada.email, "password": PASSWORD}).status_code == 429
    step_up(client_ada)
    assert client_ada.get(reverse("accounts:api-key-new")).status_code == 200
