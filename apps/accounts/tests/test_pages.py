"""Sign-in by browser, and people in Django's admin."""

import pytest

from apps.accounts.models import User
from apps.audit.models import Event

PASSWORD = "correct horse battery staple"
NEW = "seven sleepy otters"


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root@example.org", PASSWORD)


@pytest.fixture
def client_root(client, root):
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    return client


def sign_in(client, email, password=PASSWORD, **data):
    return client.post("/accounts/login/", {"login": email, "password": password, **data})


def test_sign_in_leads_back_to_the_page(client, ada):
    answer = sign_in(client, "ADA@example.org", next="/documents/")
    assert (answer.status_code, answer["Location"]) == (302, "/documents/")
    assert Event.objects.filter(action="signed_in", actor_id=ada.pk).count() == 1


ELSEWHERE = [
    "https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example", "\\\\evil.example",
    "https:///evil.example", "http:evil.example", "https://testserver@evil.example/", "///evil.example",
    "https://evil.example\\@testserver/",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_out_never_leads_elsewhere(client_ada, target):
    assert client_ada.post("/accounts/logout/", {"next": target})["Location"] == "/accounts/login/"


@pytest.mark.parametrize("target", ELSEWHERE)
def test_sign_in_never_leads_elsewhere(client, ada, target):
    assert sign_in(client, ada.email, next=target)["Location"] == "/"


def test_failures_look_the_same_for_everyone(client, ada, ben):
    User.objects.filter(pk=ben.pk).update(is_active=False)
    pages = [
        sign_in(client, email, password)
        for email, password in [(ada.email, "wrong"), ("nobody@example.org", PASSWORD), (ben.email, PASSWORD)]
    ]
    assert {page.status_code for page in pages} == {200}
    errors = [page.context["form"].non_field_errors() for page in pages]
    assert errors[0] == errors[1] == errors[2]
    assert errors[0]


def test_signing_out_is_recorded(client_ada, ada):
    client_ada.post("/accounts/logout/")
    assert Event.objects.filter(action="signed_out", actor_id=ada.pk).count() == 1
    assert client_ada.get("/documents/").status_code == 302


def test_a_changed_password_ends_tokens_and_is_recorded(client, ada):
    body = {"email": ada.email, "password": PASSWORD}
    tokens = client.post("/api/v1/auth/login", body, content_type="application/json").json()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    new = "quite another passphrase"
    client.post("/accounts/password/change/", {"old": PASSWORD, "new": new})
    assert Event.objects.filter(action="password_changed", actor_id=ada.pk).count() == 1
    refreshed = client.post("/api/v1/auth/refresh", {"refresh": tokens["refresh"]}, content_type="application/json")
    assert refreshed.status_code == 401


@pytest.mark.parametrize(
    "page", ["", "accounts/user/", "accounts/user/add/", "accounts/workspace/", "accounts/membership/"]
)
def test_the_admin_shows_its_pages(client_root, ada, page):
    assert client_root.get(f"/admin/{page}").status_code == 200


def test_the_admin_is_not_for_everyone(client_ada):
    answer = client_ada.get("/admin/")
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"] or "/accounts/login/" in answer["Location"]


def test_the_admin_makes_people_with_hashed_passwords(client_root, workspace):
    answer = client_root.post(
        "/admin/accounts/user/add/",
        {
            "email": "Grace@Example.org", "name": "Grace", "usable_password": "true", "password1": NEW,
            "password2": NEW,
            "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
            "memberships-0-workspace": str(workspace.pk), "memberships-0-role": "user",
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["errors"]
    grace = User.objects.get(name="Grace")
    assert grace.email == "grace@example.org"
    assert grace.check_password(NEW)
    assert grace.memberships.get().workspace == workspace


def test_the_admin_shows_no_password_hash(client_root, ada):
    page = client_root.get(f"/admin/accounts/user/{ada.pk}/change/").content.decode()
    assert ada.password not in page
    changed = client_root.post(
        f"/admin/accounts/user/{ada.pk}/password/",
        {"usable_password": "true", "password1": "quite another passphrase", "password2": "quite another passphrase"},
    )
    assert changed.status_code == 302
    ada.refresh_from_db()
    assert ada.check_password("quite another passphrase")
