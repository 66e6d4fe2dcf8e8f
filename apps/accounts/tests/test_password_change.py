"""Changing one's password, by page and by API."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

NEW = "quite another passphrase"


def sign_in(user, password=PASSWORD):
    client = Client()
    body = {"email": user.email, "password": password}
    return client.post("/api/v1/auth/login", body, content_type="application/json")


def me(token):
    return Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})


def by_page(client, old=PASSWORD, new=NEW):
    return client.post("/accounts/password/change/", {"old": old, "new": new})


def by_api(client, old=PASSWORD, new=NEW, **headers):
    body = {"old": old, "new": new}
    return client.put("/api/v1/auth/password/change", body, content_type="application/json", headers=headers)


def test_the_page_changes_it_and_ends_every_other_sign_in(client_ada, ada, mailed):
    other = Client()
    other.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    tokens = sign_in(ada).json()
    with mailed() as mails:
        answer = by_page(client_ada)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
    assert client_ada.get("/accounts/password/change/").status_code == 200
    assert other.get("/accounts/password/change/").status_code == 302
    assert me(tokens["access"]).status_code == 401
    refreshed = Client().post("/api/v1/auth/refresh", {"refresh": tokens["refresh"]}, content_type="application/json")
    assert refreshed.status_code == 401
    assert sign_in(ada).status_code == 401
    assert sign_in(ada, NEW).status_code == 200
    assert Event.objects.filter(action="password_changed", actor_id=ada.pk).count() == 1
    assert [(mail.to, mail.subject) for mail in mails] == [([ada.email], "Your password was changed")]
    assert NEW not in mails[0].body


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("wrong", NEW, "old"), (PASSWORD, "short", "new"), (PASSWORD, PASSWORD, "new"), (PASSWORD, "password-1234", "new"),
     ("", NEW, "old"), (PASSWORD, "", "new")],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_field(client_ada, ada, old, new, field):
    answer = by_page(client_ada, old, new)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    refused = by_api(client_ada, old, new)
    assert refused.status_code == 422
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert not Event.objects.filter(action="password_changed").exists()


def test_guessing_the_old_one_locks_the_change(client_ada, ada):
    for _ in range(5):
        assert by_page(client_ada, "wrong").status_code == 422
    assert by_page(client_ada).status_code == 429
    assert by_api(client_ada).status_code == 429


def test_a_token_gets_new_tokens_and_the_old_ones_end(ada):
    tokens = sign_in(ada).json()
    answer = by_api(Client(), Authorization=f"Bearer {tokens['access']}")
    assert answer.status_code == 200
    assert me(tokens["access"]).status_code == 401
    assert me(answer.json()["access"]).status_code == 200


def test_a_session_goes_on(client_ada, ada):
    assert by_api(client_ada).status_code == 204
    assert client_ada.get("/api/v1/me").status_code == 200


def test_who_signs_in_elsewhere_has_none_to_change(client_ada, ada):
    ada.set_unusable_password()
    ada.save()
    client_ada.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    page = client_ada.get("/accounts/password/change/")
    assert "through your organisation" in page.content.decode()
    assert by_api(client_ada).status_code == 422
    assert not User.objects.get(pk=ada.pk).has_usable_password()


def test_nobody_gets_to_the_page(client, db):
    assert client.get("/accounts/password/change/").status_code == 302
    assert by_api(client).status_code == 401
