"""Every way in, walked with a person who has a second factor and a stranger who has learned everything else."""

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from apps.accounts.models import Membership
from apps.accounts.second_factor.recovery import recovery_codes_replace
from apps.accounts.services.invitations import invitation_send
from apps.accounts.tests.second_factors import totp_code, totp_give, wrong_code
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

LOGIN = "/api/v1/auth/login"
CODE_PAGE = "/accounts/2fa/authenticate/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(ada):
    return totp_give(ada)


def _is_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def _api(client, **body):
    return client.post(LOGIN, {"email": "ada@example.org", **body}, content_type="application/json")


def test_the_sign_in_page(client, secret):
    answer = client.post("/accounts/login/", {"login": "ada@example.org", "password": PASSWORD})
    assert answer["Location"] == CODE_PAGE
    assert not _is_in(client)


def test_the_sign_in_page_with_another_persons_session_left_over(client_ben, secret):
    client_ben.post("/accounts/logout/")
    client_ben.post("/accounts/login/", {"login": "ada@example.org", "password": PASSWORD})
    assert not _is_in(client_ben)


def test_the_admin_leads_to_the_same_page(client, ada, secret):
    ada.is_staff = ada.is_superuser = ada.is_super_admin = True
    ada.save()
    assert client.get("/admin/").status_code == 302
    for method in (client.get, client.post):
        answer = method("/admin/login/?next=/admin/", {"username": ada.email, "password": PASSWORD})
        assert answer["Location"].startswith("/accounts/login/")
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD, "next": "/admin/"})
    assert client.get("/admin/").status_code == 302
    assert client.post(CODE_PAGE, {"code": totp_code(secret)})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_new_password_by_mail_does_not_sign_in(client, ada, secret):
    link = reverse(
        "account_reset_password_from_key", args=[user_pk_to_url_str(ada), default_token_generator.make_token(ada)]
    )
    page = client.get(link)
    form = page["Location"] if page.status_code == 302 else link
    new = "an altogether different staple"
    answer = client.post(form, {"password1": new, "password2": new})
    ada.refresh_from_db()
    assert ada.check_password(new), answer.content.decode()
    assert not _is_in(client)
    assert client.post("/accounts/login/", {"login": ada.email, "password": new})["Location"] == CODE_PAGE


def test_a_former_password_does_not_wait_for_the_code(client, ada, secret):
    page = "/accounts/login/"
    assert client.post(page, {"login": ada.email, "password": PASSWORD})["Location"] == CODE_PAGE
    ada.set_password("seven sleepy otters")
    ada.save()
    assert client.post(CODE_PAGE, {"code": totp_code(secret)})["Location"] == page
    assert not _is_in(client)


def test_an_invitation_does_not_sign_in(client, ada, secret, root, other_workspace):
    sent = invitation_send(
        actor=root, workspace=other_workspace, email=ada.email, role="user", base_url="http://testserver"
    )
    for method in (client.get, client.post):
        method(sent.link, {"name": "Ada", "password": "an altogether different staple"})
        assert not _is_in(client)
    assert not Membership.objects.filter(user=ada, workspace=other_workspace).exists()


def test_the_api(client, ada, secret):
    answer = _api(client, password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (401, "otp_required")
    for otp in ("", " "):
        assert _api(client, password=PASSWORD, otp=otp).status_code == 401
    assert not Event.objects.filter(action="signed_in").exists()
    answer = _api(client, password=PASSWORD, otp=wrong_code(secret))
    assert (answer.status_code, answer.json()["code"]) == (401, "otp_invalid")
    code = totp_code(secret)
    answer = _api(client, password="wrong", otp=code)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    answer = _api(client, password=PASSWORD, otp=code)
    assert answer.status_code == 200
    assert _api(client, password=PASSWORD, otp=code).json()["code"] == "otp_invalid"
    assert Event.objects.filter(action="signed_in", actor_id=ada.pk).count() == 1


def test_the_api_with_a_recovery_code(client, ada, secret):
    code = recovery_codes_replace(user=ada)[0]
    assert _api(client, password=PASSWORD, otp=code).status_code == 200
    assert _api(client, password=PASSWORD, otp=code).json()["code"] == "otp_invalid"


def test_the_api_is_counted_together_with_the_page(client, ada, secret):
    for _ in range(5):
        _api(client, password=PASSWORD, otp=wrong_code(secret))
    assert _api(client, password=PASSWORD, otp=totp_code(secret)).status_code == 429
    page = client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert page.status_code == 429


def test_new_tokens_come_from_complete_sign_ins_only(client, ada):
    """A refresh token is a sign-in that went through; whoever sets up a second factor ends those without one."""
    tokens = _api(client, password=PASSWORD).json()
    headers = {"Authorization": f"Bearer {tokens['access']}"}
    setup = client.post("/api/v1/auth/2fa/setup", headers=headers).json()
    other = _api(Client(), password=PASSWORD).json()
    code = totp_code(setup["secret"])
    verified = client.post("/api/v1/auth/2fa/verify", {"otp": code}, content_type="application/json", headers=headers)
    assert len(verified.json()["recovery_codes"]) == 10
    for pair, status in ((other, 401), (tokens, 200)):
        answer = client.post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}, content_type="application/json")
        assert answer.status_code == status


def test_the_pages_of_the_package_are_not_there():
    """Only this product's own pages touch second factors: no other address of the package is open."""
    names = {"mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_add_webauthn", "mfa_trust"}
    for name in names:
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert get_resolver().resolve("/accounts/2fa/").view_name == "mfa_index"


def test_a_second_factor_of_a_colleague_changes_nothing_for_others(client, ben, secret):
    client.post("/accounts/login/", {"login": ben.email, "password": PASSWORD})
    assert _is_in(client)
    assert Membership.objects.filter(user=ben).exists()
