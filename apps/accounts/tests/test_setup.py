"""The first administrator: by settings or by a link that works once."""

import pytest
from django.db import connection

from apps.accounts.exceptions import SetupInvalidError
from apps.accounts.models import Membership, SetupToken, User, Workspace
from apps.accounts.services.first_run import administrator_ensure
from apps.audit.models import Event

GOOD = {"name": "Ada", "email": "Ada@Example.org", "password": "a long enough passphrase"}


@pytest.fixture
def link(db):
    return f"/setup/{administrator_ensure()}/"


def test_the_link_makes_an_administrator_signed_in_in_the_default_workspace(client, link):
    assert client.get(link).status_code == 200
    answer = client.post(link, GOOD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get()
    assert (user.email, user.is_super_admin, user.is_staff) == ("ada@example.org", True, True)
    assert user.check_password(GOOD["password"])
    assert Membership.objects.get(user=user).role == "admin"
    assert Workspace.objects.get().name == "My organisation"
    assert client.session["_auth_user_id"] == str(user.pk)
    assert Event.objects.filter(action="administrator_created", actor_id=user.pk).count() == 1


def test_the_link_works_once(client, link):
    client.post(link, GOOD)
    client.logout()
    assert client.get(link).status_code == 404
    assert client.post(link, {**GOOD, "email": "eve@example.org"}).status_code == 404
    assert User.objects.count() == 1


def test_a_made_up_link_is_not_found(client, link):
    assert client.get("/setup/made-up/").status_code == 404
    assert client.post("/setup/made-up/", GOOD).status_code == 404


def test_a_newer_link_ends_the_older_one(client, link):
    newer = administrator_ensure()
    assert client.get(link).status_code == 404
    assert client.get(f"/setup/{newer}/").status_code == 200


@pytest.mark.parametrize(
    "change", [{"password": "short"}, {"password": "123456789012"}, {"email": "none"}, {"name": ""}]
)
def test_what_was_entered_is_checked_and_the_link_lives_on(client, link, change):
    assert client.post(link, {**GOOD, **change}).status_code == 422
    assert not User.objects.exists()
    assert client.post(link, GOOD).status_code == 302


def test_only_the_hash_of_the_link_is_kept(link):
    assert SetupToken.objects.get().token_hash not in link


def test_settings_make_the_administrator_once(db, settings):
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = "root@example.org", "a long enough passphrase"
    assert administrator_ensure() is None
    settings.ADMIN_PASSWORD = "quite another passphrase"
    assert administrator_ensure() is None
    assert User.objects.get().check_password("a long enough passphrase")


@pytest.mark.parametrize(
    ("email", "password"),
    [("root@example.org", ""), ("", GOOD["password"]), ("root", GOOD["password"]), ("r@example.org", "password")],
)
def test_settings_that_cannot_be_used_are_said(db, settings, email, password):
    settings.ADMIN_EMAIL, settings.ADMIN_PASSWORD = email, password
    with pytest.raises(SetupInvalidError, match="CHATBOT_ADMIN"):
        administrator_ensure()
    assert not User.objects.exists()


def test_two_who_open_the_link_at_once_make_one_administrator(transactional_db, client):
    from concurrent.futures import ThreadPoolExecutor

    from apps.accounts.services.first_run import setup_complete
    from chatbot.lib.errors import NotFoundError

    token = administrator_ensure() or ""

    def complete(name):
        try:
            return setup_complete(token=token, name=name, email=f"{name}@example.org", password=GOOD["password"])
        except NotFoundError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(complete, ["ada", "eve"]))
    assert sum(user is not None for user in made) == 1
    assert User.objects.count() == 1
