"""A forgotten password: a mailed link that works once, and no word about who has an account."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from allauth.account.forms import default_token_generator
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

NEW = "quite another passphrase"


def ask(client, email, **named):
    return client.post("/accounts/password/reset/", {"email": email}, **named)


def ask_by_api(client, email, **named):
    return client.post("/api/v1/auth/password/reset", {"email": email}, content_type="application/json", **named)


@pytest.fixture
def link(ada, mailed):
    with mailed() as mails:
        ask(Client(), ada.email)
    return link_of(mails)


def link_of(mails):
    return re.search(r"http://testserver(/\S+)", mails[-1].body).group(1)


def choose(client, link, password=NEW):
    """Follow the link as a browser does, and choose; the last answer."""
    page = client.get(link, follow=True)
    if not page.redirect_chain:
        return page
    return client.post(page.redirect_chain[-1][0], {"password1": password, "password2": password})


def sign_in(user, password):
    body = {"email": user.email, "password": password}
    return Client().post("/api/v1/auth/login", body, content_type="application/json").status_code


@pytest.mark.parametrize("asking", [ask, ask_by_api])
def test_a_link_is_mailed_and_sets_a_new_password(client, ada, mailed, asking):
    tokens = client.post(
        "/api/v1/auth/login", {"email": ada.email, "password": PASSWORD}, content_type="application/json"
    ).json()
    with mailed() as mails:
        asking(client, "ADA@Example.org")
    assert [message.to for message in mails] == [[ada.email]]
    assert choose(client, link_of(mails))["Location"] == "/accounts/password/reset/key/done/"
    assert sign_in(ada, PASSWORD) == 401
    assert sign_in(ada, NEW) == 200
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['access']}"})
    assert me.status_code == 401
    assert Event.objects.filter(action="password_changed", actor_id=ada.pk).count() == 1


def test_asking_is_recorded_without_the_link(link):
    event = Event.objects.get(action="password_reset_asked")
    assert event.actor_label == "ada@example.org"
    assert link.split("-")[-1].strip("/") not in str(Event.objects.values_list("data", "target_label"))


def test_the_link_works_once(client, ada, link):
    assert choose(client, link).status_code == 302
    again = choose(Client(), link, "yet another passphrase")
    assert "does not work any more" in again.content.decode()
    assert sign_in(ada, NEW) == 200


def test_a_second_submit_of_the_open_form_changes_nothing(client, ada, link):
    page = client.get(link, follow=True)
    address = page.redirect_chain[-1][0]
    client.post(address, {"password1": NEW, "password2": NEW})
    client.post(address, {"password1": "yet another passphrase", "password2": "yet another passphrase"})
    assert sign_in(ada, NEW) == 200


def test_the_link_ends_with_the_password_and_with_signing_in(client, ada, mailed, link):
    assert sign_in(ada, PASSWORD) == 200
    assert "does not work any more" in choose(client, link).content.decode()
    with mailed() as mails:
        ask(Client(), ada.email)
    ada.refresh_from_db()
    ada.set_password("a third passphrase then")
    ada.save()
    assert "does not work any more" in choose(client, link_of(mails)).content.decode()


def test_the_link_is_too_old_after_an_hour(client, ada, settings):
    class Earlier(type(default_token_generator)):  # type: ignore[misc]
        def _now(self):
            return datetime.now() - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 5)

    assert settings.PASSWORD_RESET_TIMEOUT == 3600
    address = f"/accounts/password/reset/key/{ada.pk.hex}-{Earlier().make_token(ada)}/"
    assert "does not work any more" in choose(client, address).content.decode()
    fresh = f"/accounts/password/reset/key/{ada.pk.hex}-{default_token_generator.make_token(ada)}/"
    assert choose(client, fresh).status_code == 302


def test_a_link_of_one_person_does_not_work_for_another(client, ada, ben, link):
    key = link.rstrip("/").partition(f"{ada.pk.hex}-")[2]
    assert (
        "does not work any more" in choose(client, f"/accounts/password/reset/key/{ben.pk.hex}-{key}/").content.decode()
    )


@pytest.mark.parametrize("address", ["x-y", "0-0", "set-password-set-password", "zz-zz-zz"])
def test_made_up_links_are_no_error(client, db, address):
    page = client.get(f"/accounts/password/reset/key/{address}/")
    assert page.status_code == 200
    assert "does not work any more" in page.content.decode()


def test_the_new_password_must_be_a_good_one(client, ada, link):
    page = choose(client, link, "password-1234")
    assert page.context["form"].errors
    assert sign_in(ada, PASSWORD) == 200


def test_the_key_is_taken_out_of_the_address(client, link):
    page = client.get(link, follow=True)
    assert page.redirect_chain[-1][0].endswith("-set-password/")
    assert page["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("asking", [ask, ask_by_api])
def test_answers_are_the_same_for_everybody(ada, ben, mailed, asking):
    User.objects.filter(pk=ben.pk).update(is_active=False)
    seen = []
    with mailed():
        for email in (ada.email, "nobody@example.org", ben.email):
            answer = asking(Client(headers={"X-Request-ID": "same"}), email)
            seen.append((answer.status_code, answer.content, sorted(answer.items()), sorted(answer.cookies)))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] in {202, 302}
    assert [message.to for message in mail.outbox] == [[ada.email]]


def test_asking_looks_up_nobody(ada):
    for email in (ada.email, "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            ask(Client(), email)
        assert queries.captured_queries
        assert [query for query in queries if 'FROM "accounts_user"' in query["sql"]] == []


def test_no_password_for_whom_the_organisation_signs_in(ada, mailed):
    ada.set_unusable_password()
    ada.save()
    with mailed() as mails:
        ask(Client(), ada.email)
    assert mails == []


def test_one_mailbox_gets_a_few_mails_an_hour_only(ada, mailed, settings):
    settings.DOOR_LIMITS = True
    ada.email = f"ada-{uuid4().hex}@example.org"
    ada.save()
    with mailed() as mails:
        statuses = [ask(Client(), ada.email, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(8)]
    assert statuses == [302] * 8
    assert len(mails) == settings.ASKED_MAILS_PER_HOUR


def test_a_reset_opens_a_locked_account(client, ada, link, settings):
    settings.LOCKOUT_ADDRESS_FAILURES = 0
    for _ in range(5):
        assert sign_in(ada, "wrong") == 401
    assert sign_in(ada, PASSWORD) == 429
    assert choose(client, link).status_code == 302
    assert sign_in(ada, NEW) == 200


def test_links_lead_to_the_public_address_whatever_the_request_says(ada, mailed, settings):
    settings.PUBLIC_URL = "https://chat.example.org"
    with mailed() as mails:
        ask(Client(), ada.email, headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"})
    assert re.findall(r"https?://[^/\s\"<]+", mails[0].body) == ["https://chat.example.org"]
    html = mails[0].alternatives[0][0]
    assert set(re.findall(r"https?://[^/\s\"<]+", html)) == {"https://chat.example.org"}


def test_a_made_up_host_gets_no_mail_sent(ada, mailed):
    with mailed() as mails:
        assert ask(Client(), ada.email, headers={"Host": "evil.example"}).status_code == 400
        assert ask_by_api(Client(), ada.email, headers={"Host": "evil.example"}).status_code == 400
        ask(Client(), ada.email, headers={"X-Forwarded-Host": "evil.example"})
    assert len(mails) == 1
    assert "evil.example" not in mails[0].body


@pytest.mark.parametrize(
    "email", ["", "none", "a@b\r\nBcc: eve@example.org", "a\x00@example.org", "ada@example.org\n\nx"]
)
def test_what_is_no_address_gets_nothing(ada, mailed, email):
    with mailed() as mails:
        assert ask(Client(), email).status_code in {200, 302}
        assert ask_by_api(Client(), email).status_code in {202, 422}
    assert [message for message in mails if "eve" in str(message.message())] == []
    assert all(message.to == [ada.email] for message in mails)
