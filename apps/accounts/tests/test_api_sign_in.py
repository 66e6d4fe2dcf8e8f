"""Signing in by the API: tokens, their rotation and their end."""

import pytest
from django.utils import timezone

from apps.accounts.models import RefreshToken, User
from apps.audit.models import Event

PASSWORD = "correct horse battery staple"


@pytest.fixture
def post(client):
    def send(path, body=None, **headers):
        return client.post(f"/api/v1{path}", body or {}, content_type="application/json", headers=headers)

    return send


@pytest.fixture
def tokens(post, ada):
    return post("/auth/login", {"email": ada.email, "password": PASSWORD}).json()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def me(client, token):
    return client.get("/api/v1/me", headers=bearer(token))


def test_a_token_says_who_one_is(client, tokens, ada, workspace):
    assert set(tokens) == {"access", "refresh", "expires_in"}
    assert tokens["expires_in"] == 900
    answer = me(client, tokens["access"])
    assert answer.status_code == 200
    body = answer.json()
    assert (body["email"], body["name"]) == (ada.email, "Ada")
    assert body["workspaces"] == [{"workspace_id": str(workspace.pk), "workspace": workspace.name, "role": "user"}]


def test_sign_in_ignores_the_case_of_the_address_and_is_recorded(post, ada):
    assert post("/auth/login", {"email": "ADA@Example.org", "password": PASSWORD, "otp": "123456"}).status_code == 200
    assert Event.objects.filter(action="signed_in", actor_id=ada.pk).count() == 1


def test_a_wrong_password_an_unknown_address_and_a_closed_account_look_the_same(post, ada, ben):
    User.objects.filter(pk=ben.pk).update(is_active=False)
    answers = [
        post("/auth/login", {"email": email, "password": password}, **{"X-Request-ID": "same"})
        for email, password in [(ada.email, "wrong"), ("nobody@example.org", PASSWORD), (ben.email, PASSWORD)]
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "invalid_credentials"
    assert Event.objects.filter(action="sign_in_failed", result="refused").count() == 3


def test_one_password_is_checked_for_known_and_unknown_alike(post, ada, monkeypatch):
    from django.contrib.auth.hashers import MD5PasswordHasher

    checks = []
    encode = MD5PasswordHasher.encode

    def counted(self, *values, **named):
        checks.append(1)
        return encode(self, *values, **named)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    post("/auth/login", {"email": ada.email, "password": "wrong"})
    known = len(checks)
    checks.clear()
    post("/auth/login", {"email": "nobody@example.org", "password": "wrong"})
    assert len(checks) == known == 1


@pytest.mark.parametrize("body", [{}, {"email": "a"}, {"email": "a\x00", "password": "b"}, {"email": 1, "password": 2}])
def test_what_makes_no_sense_answers_422_with_the_fields(post, db, body):
    answer = post("/auth/login", body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} <= {"email", "password"}
    assert answer.json()["errors"]


def test_a_refresh_token_works_once_and_gives_the_next(post, client, tokens):
    second = post("/auth/refresh", {"refresh": tokens["refresh"]}).json()
    assert second["refresh"] != tokens["refresh"]
    assert me(client, second["access"]).status_code == 200


def test_a_used_refresh_token_ends_the_whole_sign_in(post, client, tokens, ada):
    second = post("/auth/refresh", {"refresh": tokens["refresh"]}).json()
    again = post("/auth/refresh", {"refresh": tokens["refresh"]})
    assert (again.status_code, again.json()["code"]) == (401, "invalid_token")
    assert post("/auth/refresh", {"refresh": second["refresh"]}).status_code == 401
    assert me(client, second["access"]).status_code == 401
    assert Event.objects.filter(action="token_reused", actor_id=ada.pk, result="refused").count() == 1


def test_an_expired_refresh_token_is_refused(post, tokens):
    RefreshToken.objects.update(expires_at=timezone.now())
    assert post("/auth/refresh", {"refresh": tokens["refresh"]}).status_code == 401


def test_only_hashes_are_kept(tokens):
    assert RefreshToken.objects.get().token_hash not in tokens["refresh"]


def test_signing_out_ends_every_token_of_the_sign_in_and_no_other(post, client, tokens, ada):
    other = post("/auth/login", {"email": ada.email, "password": PASSWORD}).json()
    assert post("/auth/logout", **bearer(tokens["access"])).status_code == 204
    assert me(client, tokens["access"]).status_code == 401
    assert post("/auth/refresh", {"refresh": tokens["refresh"]}).status_code == 401
    assert me(client, other["access"]).status_code == 200
    assert Event.objects.filter(action="signed_out", actor_id=ada.pk).count() == 1


def test_a_token_ends_with_the_account_and_with_the_password(post, client, tokens, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert me(client, tokens["access"]).status_code == 401
    assert post("/auth/refresh", {"refresh": tokens["refresh"]}).status_code == 401
    ada.is_active = True
    ada.set_password("another long passphrase")
    ada.save()
    assert me(client, tokens["access"]).status_code == 401
    assert post("/auth/refresh", {"refresh": tokens["refresh"]}).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer ", "Bearer x", "Bearer a.b.c", "Basic YTpi", "x", "Bearer cb_123",
     "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."],
)  # fmt: skip
def test_other_tokens_are_nobody_even_beside_a_session(client_ada, header):
    answer = client_ada.get("/api/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_a_token_signed_with_another_key_is_nobody(client, ada, tokens, settings):
    settings.SECRET_KEY = "another key that is long enough to be one, really"
    assert me(client, tokens["access"]).status_code == 401


def test_a_session_reads_freely_and_writes_with_the_csrf_header(ada):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me").status_code == 200
    refused = client.post("/api/v1/auth/logout")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    token = client.cookies["csrftoken"] = "a" * 32
    assert client.post("/api/v1/auth/logout", headers={"X-CSRFToken": token}).status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_nobody_is_told_to_sign_in(client, db):
    answer = client.get("/api/v1/me", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank", "title": "Please sign in.", "status": 401, "detail": "Please sign in.",
        "code": "not_authenticated", "request_id": "r-1",
    }  # fmt: skip
