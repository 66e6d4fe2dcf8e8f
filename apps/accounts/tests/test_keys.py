"""API keys: made once shown, what they let in, and how they end."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiKey, Membership, User
from apps.accounts.services.keys import key_create
from apps.accounts.services.sessions import person_disable
from apps.accounts.tests.second_factors import step_up
from apps.audit.models import Event
from chatbot.lib.valkey import valkey
from chatbot.testing.plugin import PASSWORD

PAGE, NEW, API = "/settings/keys/", "/settings/keys/new/", "/api/v1/keys"


# A key of nothing; it stands in the names of tests, which all processes must agree on.
NOWHERE = "01900000-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def _told_anew(db):
    """That a refusal was told is remembered in Valkey for a minute, over several runs of the tests."""
    for name in valkey().scan_iter("key-refused:*"):
        valkey().delete(name)


@pytest.fixture
def make(workspace):
    def make(user, *, scopes=("read",), **fields):
        return key_create(actor=user, name="Nightly", workspace_id=workspace.pk, scopes=list(scopes), **fields)

    return make


def call(text, path="/me", method="get", body=None, **extra):
    headers = {"Authorization": f"Bearer {text}"}
    return getattr(Client(), method)(
        f"/api/v1{path}", body or {}, content_type="application/json", headers=headers, **extra
    )


def read(text, path="/me", **extra):
    return Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {text}"}, **extra)


def token_of(user):
    body = {"email": user.email, "password": PASSWORD}
    answer = Client().post("/api/v1/auth/login", body, content_type="application/json")
    return answer.json()["access"]


def form(workspace, **fields):
    return {"name": "Nightly", "workspace_id": str(workspace.pk), "scopes": ["read"], "expires_in_days": "90", **fields}


# Making


def test_the_page_shows_the_key_once(client_ada, ada, workspace):
    step_up(client_ada)
    answer = client_ada.post(NEW, form(workspace, allowed_networks="127.0.0.1\n2001:db8::1/32"))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    text = re.search(r"cb_[a-z0-9]{12}_[\w-]{43}", answer.content.decode()).group()
    key = ApiKey.objects.get()
    assert (key.user, key.name, key.scopes) == (ada, "Nightly", ["read"])
    assert key.allowed_networks == ["127.0.0.1/32", "2001:db8::/32"]
    assert timedelta(days=89) < key.expires_at - timezone.now() <= timedelta(days=90)
    assert text.rpartition("_")[2] not in repr(ApiKey.objects.values_list())
    assert read(text).json()["email"] == ada.email
    page = client_ada.get(PAGE).content.decode()
    assert "Nightly" in page
    assert f"cb_{key.prefix}_…" in page
    assert text not in page


def test_making_one_asks_who_it_is_first(client_ada, workspace):
    for answer in (client_ada.get(NEW), client_ada.post(NEW, form(workspace))):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/settings/confirm/")
    assert not ApiKey.objects.exists()


def test_never_is_a_choice(client_ada, workspace):
    step_up(client_ada)
    client_ada.post(NEW, form(workspace, expires_in_days=""))
    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize(
    "fields",
    [{"name": ""}, {"name": "x" * 101}, {"scopes": []}, {"scopes": ["root"]}, {"scopes": ["admin"]},
     {"allowed_networks": "10.0.0.0/33"}, {"allowed_networks": "example.org"}, {"expires_in_days": "5"}],
)  # fmt: skip
def test_what_makes_no_sense_is_said_at_the_field(client_ada, workspace, fields):
    step_up(client_ada)
    answer = client_ada.post(NEW, form(workspace, **fields))
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_is_for_a_workspace_one_belongs_to(client_ada, ada, other_workspace, workspace):
    step_up(client_ada)
    assert client_ada.post(NEW, form(other_workspace)).status_code == 422
    headers = {"Authorization": f"Bearer {token_of(ada)}"}
    for workspace_id in (other_workspace.pk, uuid4()):
        body = {"name": "n", "scopes": ["read"], "workspace_id": str(workspace_id)}
        answer = Client().post(API, body, content_type="application/json", headers=headers)
        assert answer.status_code == 404
    assert not ApiKey.objects.exists()


def test_the_api_makes_lists_and_revokes(ada, workspace):
    token = token_of(ada)
    made = call(token, "/keys", "post", {"name": "Import", "scopes": ["documents", "read"], "expires_in_days": None})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["scopes"], body["workspace_id"], body["expires_at"]) == (
        ["read", "documents"],
        str(workspace.pk),
        None,
    )
    assert read(body["key"]).status_code == 200
    listed = read(token, "/keys").json()["items"]
    assert [item["id"] for item in listed] == [body["id"]]
    assert not {"key", "secret_hash"} & set(listed[0])
    assert call(token, f"/keys/{body['id']}", "delete").status_code == 204
    assert read(body["key"]).status_code == 401
    assert call(token, f"/keys/{body['id']}", "delete").status_code == 204
    assert Event.objects.filter(action="api_key_revoked").count() == 1


def test_the_api_makes_one_for_a_fresh_sign_in_only(ada, settings):
    token = token_of(ada)
    settings.STEP_UP_SECONDS = 0
    answer = call(token, "/keys", "post", {"name": "Import", "scopes": ["read"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


def test_there_is_room_for_fifty(ada, workspace):
    ApiKey.objects.bulk_create(
        ApiKey(user=ada, workspace=workspace, name="k", prefix=f"p{n}", secret_hash="h", scopes=["read"])
        for n in range(50)
    )
    body = {"name": "One more", "scopes": ["read"]}
    assert call(token_of(ada), "/keys", "post", body).status_code == 422
    ApiKey.objects.filter(prefix="p1").update(revoked_at=timezone.now())
    assert call(token_of(ada), "/keys", "post", body).status_code == 201


def test_making_is_recorded_without_the_key(ada, make):
    key, text = make(ada, scopes=["read", "chat"])
    event = Event.objects.get(action="api_key_created")
    assert (event.actor_id, event.target_id) == (ada.pk, str(key.pk))
    assert event.data == {"scopes": "read,chat", "days": 90, "networks": 0}
    assert text.rpartition("_")[2] not in repr(event.__dict__)


# Whose they are


@pytest.mark.parametrize("name", ["client_ben", "client_cleo", "client_anna", "client_root"])
def test_anothers_key_is_not_there(make, ada, request, name):
    key, text = make(ada)
    client = request.getfixturevalue(name)
    address = f"{PAGE}{key.pk}/revoke/"
    assert [client.get(address).status_code, client.post(address).status_code] == [404, 404]
    assert client.delete(f"{API}/{key.pk}").status_code == 404
    assert client.get(API).json()["items"] == []
    assert "Nightly" not in client.get(PAGE).content.decode()
    assert read(text).status_code == 200


def test_revoking_asks_first(client_ada, ada, make):
    key, text = make(ada)
    assert "Nightly" in client_ada.get(f"{PAGE}{key.pk}/revoke/").content.decode()
    assert read(text).status_code == 200
    assert client_ada.post(f"{PAGE}{key.pk}/revoke/")["Location"] == PAGE
    assert read(text).status_code == 401
    assert "Revoked" in client_ada.get(PAGE).content.decode()


def test_the_list_takes_few_queries_however_many_there_are(client_ada, ada, make, django_assert_num_queries):
    client_ada.get(PAGE)
    for count in (1, 6):
        for _ in range(count):
            make(ada)
        with django_assert_num_queries(5):
            client_ada.get(PAGE)
        with django_assert_num_queries(3):
            client_ada.get(API)


# What lets in and what does not


def test_a_key_costs_one_query_to_check(ada, make, django_assert_num_queries):
    _, text = make(ada)
    read(text, "/models")
    token = token_of(ada)
    read(token, "/models")
    # It, and the two of the list.
    with django_assert_num_queries(3):
        read(text, "/models")
    with django_assert_num_queries(3):
        read(token, "/models")


def _revoked(key):
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())


def _expired(key):
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())


def _disabled(key):
    User.objects.filter(pk=key.user_id).update(is_active=False)


def _not_a_member(key):
    Membership.objects.filter(user_id=key.user_id).delete()


@pytest.mark.parametrize("end", [_revoked, _expired, _disabled, _not_a_member])
def test_a_dead_key_is_nobody_and_told_once(ada, make, end):
    key, text = make(ada)
    assert read(text).status_code == 200
    end(key)
    answers = [read(text) for _ in range(3)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "invalid_token")] * 3
    event = Event.objects.get(action="api_key_refused")
    assert (event.data["reason"], event.result) == (end.__name__.lstrip("_"), "refused")
    assert (event.actor_id, event.target_id) == (ada.pk, str(key.pk))


def test_a_wrong_secret_is_nobody_and_not_the_owners_doing(ada, make):
    key, text = make(ada)
    wrong = text[:-4] + "AAAA"
    for bad in (wrong, f"cb_{'a' * 12}_{'b' * 43}", text.upper(), text[3:], f"{text}="):
        assert read(bad).status_code == 401
    events = Event.objects.filter(action="api_key_refused").order_by("pk")
    assert [(e.actor_id, e.actor_label, e.data["reason"]) for e in events] == [
        (None, f"cb_{key.prefix}", "unknown"), (None, f"cb_{'a' * 12}", "unknown"),
    ]  # fmt: skip
    assert text.rpartition("_")[2] not in repr([event.__dict__ for event in events])


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.114.9", 401),
        (["2001:db8::/32"], "2001:db8::9", 200),
        (["2001:db8::/32"], "2001:db9::9", 401),
        (["2001:db8::/32", "203.0.113.9"], "203.0.113.9", 200),
        (["203.0.113.9"], "::ffff:203.0.113.9", 200),
        (["203.0.113.9"], "", 401),
        ([], "", 200),
    ],
)
def test_a_key_may_be_for_some_addresses_only(ada, make, networks, address, status):
    _, text = make(ada, allowed_networks=networks)
    answer = read(text, REMOTE_ADDR=address)
    assert answer.status_code == status
    refused = [event.data["reason"] for event in Event.objects.filter(action="api_key_refused")]
    assert refused == ([] if status == 200 else ["address"])
    if status == 401:
        assert "address" not in answer.content.decode().replace("e-mail address", "")


def test_the_address_that_a_stranger_claims_does_not_count(ada, make):
    _, text = make(ada, allowed_networks=["203.0.113.9"])
    headers = {"Authorization": f"Bearer {text}", "X-Forwarded-For": "203.0.113.9"}
    assert Client().get("/api/v1/me", headers=headers).status_code == 401


def test_use_is_noted_at_most_once_a_minute_and_recorded_once_an_hour(ada, make):
    key, text = make(ada)
    read(text, REMOTE_ADDR="203.0.113.9")
    key.refresh_from_db()
    first = key.last_used_at
    assert (key.last_used_address, Event.objects.filter(action="api_key_used").count()) == ("203.0.113.9", 1)
    read(text, REMOTE_ADDR="203.0.113.10")
    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_address) == (first, "203.0.113.9")
    top = first.replace(minute=0, second=0, microsecond=0)
    ApiKey.objects.update(last_used_at=top - timedelta(minutes=1))
    read(text)
    assert Event.objects.filter(action="api_key_used").count() == 2
    if first - top > timedelta(minutes=2):
        ApiKey.objects.update(last_used_at=top + timedelta(seconds=1))
        read(text)
        assert Event.objects.filter(action="api_key_used").count() == 2


def test_a_disabled_persons_keys_stay_dead_after_they_come_back(ada, root, make):
    _, text = make(ada)
    person_disable(actor=root, user=ada)
    assert read(text).status_code == 401
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert read(text).status_code == 401


# Where and what a key may


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [("chat", "get", "/conversations"), ("read", "post", "/conversations"), ("chat", "post", "/documents/search"),
     ("read", "delete", f"/documents/{NOWHERE}"), ("documents", "get", "/me"), ("read", "get", "/admin/users")],
)  # fmt: skip
def test_without_the_scope_it_is_refused(ada, make, scope, method, path):
    _, text = make(ada, scopes=[scope])
    answer = call(text, path, method)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/keys"), ("post", "/keys"), ("delete", f"/keys/{NOWHERE}"), ("put", "/auth/password/change"),
     ("post", "/auth/2fa/setup"), ("post", "/auth/2fa/disable"), ("post", "/auth/logout"), ("put", "/me/workspace")],
)  # fmt: skip
def test_no_key_touches_the_account(admin_anna, make, method, path):
    _, text = make(admin_anna, scopes=["read", "chat", "documents", "admin"])
    answer = call(text, path, method)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_the_scope_admin_gives_no_more_than_the_role(admin_anna, make, workspace):
    _, text = make(admin_anna, scopes=["admin"])
    assert read(text, "/admin/users").status_code == 200
    Membership.objects.filter(user=admin_anna).update(role="user")
    assert (read(text, "/admin/users").status_code, read(text, "/admin/users").json()["code"]) == (403, "forbidden")


def test_a_key_needs_no_csrf_token_and_makes_no_session(ada, make):
    _, text = make(ada, scopes=["chat"])
    client = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {text}"}
    answer = client.post("/api/v1/conversations", {"title": "T"}, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    assert not client.cookies


def test_a_key_opens_no_page(ada, make):
    _, text = make(ada, scopes=["read"])
    answer = Client().get("/settings/", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 302
