"""Passkeys: adding, renaming and removing them, as second factor and for signing in without a password."""

import json
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import RecoveryCode
from apps.accounts.tests.second_factors import SoftwareKey, options_on, passkey_give, step_up
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

SIGN_IN = {"login": "ada@example.org", "password": PASSWORD}
CODE_PAGE = "/accounts/2fa/authenticate/"
PASSKEY_PAGE = "/accounts/2fa/passkey/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(client_ada):
    key = SoftwareKey()
    step_up(client_ada)
    assert passkey_give(client_ada, key).status_code == 200
    return key


def _options(client):
    return client.get(PASSKEY_PAGE).json()


def test_adding_the_first_gives_recovery_codes_and_later_ones_do_not(client_ada, ada):
    step_up(client_ada)
    first = passkey_give(client_ada, SoftwareKey(), name="Phone")
    assert "They are not shown again" in first.content.decode()
    assert RecoveryCode.objects.filter(user=ada).count() == 10
    second = passkey_give(client_ada, SoftwareKey(), name="")
    assert second["Location"] == reverse("accounts:security")
    page = client_ada.get(reverse("accounts:security")).content.decode()
    assert "Phone" in page
    assert "Passkey 2" in page
    assert "signs in by itself" in page
    assert Event.objects.filter(action="second_factor_added", data={"kind": "webauthn"}).count() == 2


def test_it_is_the_second_factor_after_the_password(key, client, ada):
    assert client.post("/accounts/login/", SIGN_IN)["Location"] == CODE_PAGE
    options = options_on(client.get(CODE_PAGE).content.decode())
    assert len(options["publicKey"]["allowCredentials"]) == 1
    assert client.post(CODE_PAGE, {"credential": key.get(options)})["Location"] == "/"
    assert client.get("/settings/").status_code == 200
    assert Authenticator.objects.get(user=ada).last_used_at is not None


def test_an_answer_counts_once_and_for_its_own_question(key, client):
    client.post("/accounts/login/", SIGN_IN)
    options = options_on(client.get(CODE_PAGE).content.decode())
    answer = key.get(options)
    client.get(CODE_PAGE)
    assert client.post(CODE_PAGE, {"credential": answer}).status_code == 422
    assert client.post(CODE_PAGE, {"credential": answer}).status_code == 422
    assert Event.objects.filter(action="second_factor_failed").count() == 2


def test_it_signs_in_without_a_password(key, client, ada):
    before = Event.objects.filter(action="signed_in", actor_id=ada.pk).count()
    answer = client.post(PASSKEY_PAGE, {"credential": key.get(_options(client)), "next": "/documents/"})
    assert answer["Location"] == "/documents/"
    assert client.get("/documents/").status_code == 200
    assert Event.objects.filter(action="signed_in", actor_id=ada.pk).count() == before + 1
    # It stood for both factors: nothing asks again for a while.
    assert client.get(reverse("accounts:recovery-codes")).status_code == 200


def test_a_key_that_does_not_check_who_holds_it_is_a_second_factor_only(client_ada, client):
    weak = SoftwareKey(verifies=False)
    step_up(client_ada)
    passkey_give(client_ada, weak)
    assert client.post(PASSKEY_PAGE, {"credential": weak.get(_options(client))})["Location"] == "/accounts/login/"
    assert client.get("/settings/")["Location"].startswith("/accounts/login/")
    client.post("/accounts/login/", SIGN_IN)
    options = options_on(client.get(CODE_PAGE).content.decode())
    assert client.post(CODE_PAGE, {"credential": weak.get(options)}).status_code == 302


def test_an_answer_to_the_second_factor_does_not_sign_in(client_ada, client):
    """The page after the password asks for less than signing in without one does."""
    weak = SoftwareKey(verifies=False)
    step_up(client_ada)
    passkey_give(client_ada, weak)
    client.post("/accounts/login/", SIGN_IN)
    options = options_on(client.get(CODE_PAGE).content.decode())
    client.post(PASSKEY_PAGE, {"credential": weak.get(options)})
    assert client.get("/settings/").status_code == 302


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://sub.testserver"},
        {"host": "evil.example"},
        {"credential_id": b"x" * 32},
        {"user_handle": b""},
        {"user_handle": uuid4().bytes},
    ],
)
def test_what_comes_from_elsewhere_is_refused(key, client, change):
    options = _options(client)
    for name, value in change.items():
        setattr(key, name, value)
    assert client.post(PASSKEY_PAGE, {"credential": key.get(options)})["Location"] == "/accounts/login/"
    assert client.get("/settings/").status_code == 302
    assert Event.objects.filter(action="second_factor_failed", result="refused").count() == 1


def test_another_persons_handle_does_not_open_their_account(key, client, ben):
    key.user_handle = ben.pk.bytes
    client.post(PASSKEY_PAGE, {"credential": key.get(_options(client))})
    assert client.get("/settings/").status_code == 302


def test_a_closed_account_stays_closed(key, client, ada):
    ada.is_active = False
    ada.save()
    assert client.post(PASSKEY_PAGE, {"credential": key.get(_options(client))})["Location"] == "/accounts/login/"


def test_a_copied_key_is_noticed_by_its_count(client_ada, client):
    key = SoftwareKey(counter=5)
    step_up(client_ada)
    passkey_give(client_ada, key)
    assert client.post(PASSKEY_PAGE, {"credential": key.get(_options(client))})["Location"] == "/"
    key.counter = 3
    other = Client()
    assert other.post(PASSKEY_PAGE, {"credential": key.get(_options(other))})["Location"] == "/accounts/login/"


def test_it_does_not_lead_away(key, client):
    answer = client.post(PASSKEY_PAGE, {"credential": key.get(_options(client)), "next": "https://evil.example/"})
    assert answer["Location"] == "/"


NONSENSE = [
    "",
    "{}",
    "[]",
    "null",
    "1",
    '"x"',
    "[" * 5000,
    "{",
    json.dumps({"id": "x", "rawId": "y", "type": "public-key", "response": {}}),
    json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": {"userHandle": "eA"}}),
    json.dumps(
        {
            "id": "eA",
            "rawId": "eA",
            "type": "public-key",
            "response": {
                "clientDataJSON": "e30",
                "authenticatorData": "eA",
                "signature": "eA",
                "attestationObject": "gYGBgYGB",
            },
        }
    ),
    json.dumps({"response": {"userHandle": 7}, "id": ["a"], "rawId": {"a": 1}}),
    "\x00",
    "a" * 20_000,
]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_refused_everywhere(key, client, client_ada, nonsense):
    _options(client)
    assert client.post(PASSKEY_PAGE, {"credential": nonsense}).status_code == 302
    assert client.get("/settings/").status_code == 302
    client.post("/accounts/login/", SIGN_IN)
    client.get(CODE_PAGE)
    assert client.post(CODE_PAGE, {"credential": nonsense}).status_code == 422
    client_ada.get(reverse("accounts:passkey-add"))
    assert client_ada.post(reverse("accounts:passkey-add"), {"credential": nonsense}).status_code == 422
    assert Authenticator.objects.count() == 1


def test_the_same_key_is_not_kept_twice(key, client_ada):
    assert passkey_give(client_ada, key).status_code == 422
    assert Authenticator.objects.count() == 1


def test_names_are_the_persons_own(key, client_ada, ada):
    passkey = Authenticator.objects.get(user=ada)
    url = reverse("accounts:passkey-name", args=[passkey.pk])
    assert client_ada.get(url).status_code == 200
    assert client_ada.post(url, {"name": "<b>Key</b>\x07"}).status_code == 302
    page = client_ada.get(reverse("accounts:security")).content.decode()
    assert "&lt;b&gt;Key&lt;/b&gt;" in page
    assert client_ada.post(url, {"name": " "}).status_code == 422
    assert client_ada.post(url, {"name": "\x00"}).status_code == 422


def test_removing_one(key, client_ada, ada):
    passkey = Authenticator.objects.get(user=ada)
    url = reverse("accounts:factor-remove", args=[passkey.pk])
    assert "your last second factor" in client_ada.get(url).content.decode()
    assert client_ada.post(url).status_code == 302
    assert not Authenticator.objects.exists()
    assert Event.objects.filter(action="second_factor_removed", data={"kind": "webauthn"}).count() == 1


def test_the_public_address_is_the_one_that_counts(client_ada):
    step_up(client_ada)
    with override_settings(PUBLIC_URL="https://chat.example.org"):
        page = client_ada.get(reverse("accounts:passkey-add")).content.decode()
        assert options_on(page)["publicKey"]["rp"]["id"] == "chat.example.org"
        assert passkey_give(client_ada, SoftwareKey()).status_code == 422
        good = SoftwareKey(origin="https://chat.example.org", host="chat.example.org")
        assert passkey_give(client_ada, good).status_code == 200


def test_the_sign_in_page_offers_it(client):
    page = client.get("/accounts/login/?next=/documents/").content.decode()
    assert 'data-passkey="get"' in page
    assert '<input type="hidden" name="next" value="/documents/">' in page
