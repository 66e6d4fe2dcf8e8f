"""Registration by oneself: closed unless opened, proven by mail, silent about who has an account."""

import re

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.services import registration
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

CHOSEN = "seven sleepy otters"
EVE = {"name": "Eve", "email": "Eve@Example.org", "password": CHOSEN}


def by_page(client, **change):
    return client.post("/accounts/signup/", {**EVE, **change})


def by_api(client, **change):
    return client.post("/api/v1/auth/register", {**EVE, **change}, content_type="application/json")


@pytest.fixture
def is_open(settings, workspace):
    settings.REGISTRATION = "open"


@pytest.fixture
def link(is_open, mailed):
    with mailed() as mails:
        by_page(Client())
    return re.search(r"http://testserver(/register/\S+)", mails[0].body).group(1)


def test_it_is_closed_unless_opened(client, workspace, mailed):
    with mailed() as mails:
        assert client.get("/accounts/signup/").status_code == 404
        assert by_page(client).status_code == 404
        assert by_api(client).status_code == 404
        assert client.get("/register/asked/").status_code == 404
        assert client.get("/register/made-up/").status_code == 404
    assert mails == []
    assert not User.objects.exists()
    assert "/accounts/signup/" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("asking", [by_page, by_api])
def test_nothing_is_made_before_the_mailbox_is_proven(client, is_open, mailed, asking):
    with mailed() as mails:
        assert asking(client).status_code in {302, 202}
    assert [message.to for message in mails] == [["eve@example.org"]]
    assert CHOSEN not in mails[0].body
    assert not User.objects.exists()


def test_the_link_and_the_password_make_a_signed_in_member(client, link, workspace):
    assert client.get(link).status_code == 200
    assert client.post(link, {"password": CHOSEN}).status_code == 302
    eve = User.objects.get()
    assert (eve.email, eve.name, eve.is_active, eve.is_super_admin, eve.is_staff) == (
        "eve@example.org", "Eve", True, False, False,
    )  # fmt: skip
    membership = Membership.objects.get(user=eve)
    assert (membership.workspace, membership.role) == (workspace, "user")
    assert client.session["_auth_user_id"] == str(eve.pk)
    actions = set(Event.objects.filter(target_id=str(eve.pk)).values_list("action", flat=True))
    assert {"person_created", "member_added", "signed_in"} <= actions
    answer = Client().post("/accounts/login/", {"login": "eve@example.org", "password": CHOSEN})
    assert answer.status_code == 302


def test_the_link_works_once(client, link):
    client.post(link, {"password": CHOSEN})
    assert Client().get(link).status_code == 404
    assert Client().post(link, {"password": CHOSEN}).status_code == 404
    assert User.objects.count() == 1


def test_a_stranger_who_entered_my_address_gets_nothing_by_my_click(client, link):
    """The mailbox's owner does not know the password; whoever chose it does not have the link."""
    assert client.get(link).status_code == 200
    assert client.post(link, {"password": "not what was chosen"}).status_code == 422
    assert not User.objects.exists()


def test_guessing_at_the_link_locks(client, link):
    for _ in range(5):
        assert client.post(link, {"password": "not what was chosen"}).status_code == 422
    assert client.post(link, {"password": CHOSEN}).status_code == 429


def test_the_link_is_too_old_after_a_day(client, link, settings):
    settings.REGISTRATION_LINK_SECONDS = -1
    assert client.get(link).status_code == 404


@pytest.mark.parametrize(
    "change", [lambda text: text[:-9] + "AAAAAAAA/", lambda _: "/register/x/", lambda _: "/register/ü/"]
)
def test_made_up_links_are_not_found(client, link, change):
    assert client.get(change(link)).status_code == 404


def test_the_link_ends_when_registration_closes(client, link, settings):
    settings.REGISTRATION = "closed"
    assert client.get(link).status_code == 404
    assert client.post(link, {"password": CHOSEN}).status_code == 404


@pytest.mark.parametrize("asking", [by_page, by_api])
def test_the_answer_is_the_same_for_an_address_that_somebody_has(is_open, ada, mailed, asking):
    seen = []
    with mailed():
        for email in (ada.email, "new@example.org"):
            answer = asking(Client(headers={"X-Request-ID": "same"}), email=email)
            seen.append((answer.status_code, answer.content, sorted(answer.items())))
    assert seen[0] == seen[1]
    subjects = {message.to[0]: message.subject for message in mail.outbox}
    assert subjects == {ada.email: "You have an account already", "new@example.org": "Complete your registration"}
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


def test_asking_hashes_once_and_looks_up_nobody(is_open, ada):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for email in (ada.email, "new@example.org"):
        with CaptureQueriesContext(connection) as queries:
            assert by_api(Client(), email=email).status_code == 202
        assert [query["sql"] for query in queries if 'FROM "accounts_user"' in query["sql"]] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"email": "none"}, "email"), ({"password": "short"}, "password"), ({"password": "eve example eve"}, None),
     ({"name": ""}, "name")],
)  # fmt: skip
def test_what_was_entered_is_checked(client, is_open, change, field):
    statuses = {by_page(client, **change).status_code, by_api(client, **change).status_code}
    assert statuses == ({422} if field else {302, 202})


def test_only_named_domains(client, workspace, settings, mailed):
    settings.REGISTRATION, settings.REGISTRATION_DOMAINS = "domains", ["example.org"]
    with mailed() as mails:
        assert by_api(client, email="eve@evil.example").status_code == 422
        assert by_api(client, email="eve@sub.example.org").status_code == 422
        assert by_api(client, email="eve@example.org.evil.example").status_code == 422
        assert by_api(client, email="eve@EXAMPLE.org").status_code == 202
    assert len(mails) == 1


def test_a_link_opened_twice_at_once_makes_one_account(transactional_db, settings):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from apps.accounts.services.registration import registration_complete
    from chatbot.lib.errors import NotFoundError

    settings.REGISTRATION = "open"
    Workspace.objects.create(name="One", slug="one")
    entered = User()
    entered.set_password(CHOSEN)
    token = registration._seal({"email": "eve@example.org", "name": "Eve", "password": entered.password})

    def complete(_):
        try:
            return registration_complete(token=token, password=CHOSEN, address=None)
        except NotFoundError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(complete, range(2)))
    assert sum(user is not None for user in made) == 1
    assert User.objects.count() == 1


def test_who_is_signed_in_needs_no_registration(client_ada, is_open):
    assert client_ada.get("/accounts/signup/")["Location"] == "/"
