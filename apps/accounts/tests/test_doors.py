"""The doors that need no sign-in: so many requests from an address, and none while they cannot be counted."""

import os

import pytest

from apps.audit.models import Event
from chatbot.lib.valkey import valkey
from chatbot.testing.plugin import PASSWORD

# Another run may share the Valkey.
_RUN = os.getpid()
ADDRESS = f"198.18.{_RUN // 250 % 250}.{_RUN % 250}"
OTHER_ADDRESS = f"198.19.{_RUN // 250 % 250}.{_RUN % 250}"
IPV6 = f"2001:db8:{_RUN % 65536:x}:7"


def forget():
    for address in (ADDRESS, OTHER_ADDRESS, f"{IPV6}::"):
        for pattern in (f"door:*:{address}", f"rate-told:*:{address}"):
            for key in valkey().scan_iter(pattern):
                valkey().delete(key)


@pytest.fixture
def doors(settings, db):
    settings.DOOR_LIMITS = True
    settings.DOOR_RATES = dict.fromkeys(settings.DOOR_RATES, 2)
    forget()
    yield
    forget()


@pytest.fixture
def valkey_away(settings):
    settings.DOOR_LIMITS = True
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    valkey.cache_clear()
    yield
    valkey.cache_clear()


def api(path, **body):
    return lambda client, **named: client.post(f"/api/v1{path}", body, content_type="application/json", **named)


def page(path, **fields):
    return lambda client, **named: client.post(path, fields, **named)


API_DOORS = {
    "login": api("/auth/login", email="ada@example.org", password=PASSWORD),
    "refresh": api("/auth/refresh", refresh="made-up"),
    "reset": api("/auth/password/reset", email="door@example.org"),
    "register": api("/auth/register", email="new@example.org", password="seven sleepy otters", name="New"),
}
PAGE_DOORS = {
    "login page": page("/accounts/login/", login="ada@example.org", password="wrong"),
    "reset page": page("/accounts/password/reset/", email="door@example.org"),
    "signup page": page("/accounts/signup/", email="new@example.org", password="seven sleepy otters", name="New"),
    "invitation": page("/invitations/made-up/"),
    "setup": page("/setup/made-up/"),
}
DOORS = {**API_DOORS, **PAGE_DOORS}


@pytest.fixture
def registration(settings):
    settings.REGISTRATION = "open"


@pytest.mark.parametrize("name", DOORS)
def test_a_door_takes_so_many_a_minute_from_an_address(client, ada, doors, registration, name):
    statuses = [DOORS[name](client, REMOTE_ADDR=ADDRESS).status_code for _ in range(2)]
    assert 429 not in statuses
    refused = DOORS[name](client, REMOTE_ADDR=ADDRESS)
    assert refused.status_code == 429
    assert 25 <= int(refused["Retry-After"]) <= 30
    assert (refused["RateLimit-Limit"], refused["RateLimit-Remaining"]) == ("2", "0")
    assert DOORS[name](client, REMOTE_ADDR=OTHER_ADDRESS).status_code == statuses[0]


@pytest.mark.parametrize("name", API_DOORS)
def test_the_apis_refusal_is_a_problem(client, ada, doors, registration, name):
    for _ in range(3):
        answer = API_DOORS[name](client, REMOTE_ADDR=ADDRESS)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_closed_while_valkey_is_away(client, ada, valkey_away, registration, name):
    answer = DOORS[name](client)
    assert answer.status_code == 503
    assert "try again" in answer.content.decode()
    assert "sessionid" not in client.cookies


def test_people_who_are_signed_in_go_on(client_ada, ada, valkey_away, settings):
    settings.API_RATE_PER_MINUTE = 60
    assert client_ada.get("/api/v1/me").status_code == 200


def test_knocking_is_recorded_once_a_minute(client, doors):
    for _ in range(6):
        DOORS["reset"](client, REMOTE_ADDR=ADDRESS)
    event = Event.objects.get(action="rate_limited")
    assert (event.result, event.ip_address, event.data) == ("refused", ADDRESS, {"door": "reset"})


def test_a_person_who_sends_too_much_is_recorded_once_a_minute(client_ada, ada, workspace, doors, settings):
    settings.API_RATE_PER_MINUTE, settings.API_RATE_BURST = 60, 1
    for _ in range(4):
        answer = client_ada.get("/api/v1/me")
    assert answer.status_code == 429
    event = Event.objects.get(action="rate_limited")
    assert (event.actor_id, event.workspace_id, event.data) == (ada.pk, workspace.pk, {"door": "api"})
    valkey().delete(f"rate:{ada.pk}", f"rate-told:{ada.pk}")


def test_a_network_of_ipv6_is_one_address(client, doors):
    for number in range(2):
        DOORS["reset"](client, REMOTE_ADDR=f"{IPV6}::{number}")
    assert DOORS["reset"](client, REMOTE_ADDR=f"{IPV6}::ff").status_code == 429


def test_headers_made_up_by_the_caller_open_no_new_door(client, doors):
    for number in range(3):
        answer = DOORS["reset"](client, REMOTE_ADDR=ADDRESS, headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert answer.status_code == 429


def test_allauths_own_limits_answer_in_our_words(client, ada, settings):
    from django.core.cache import cache

    settings.ACCOUNT_RATE_LIMITS = {"reset_password_from_key": "1/m/ip"}
    cache.clear()
    answers = [client.post("/accounts/password/reset/key/x-y/", {}, REMOTE_ADDR=ADDRESS) for _ in range(2)]
    cache.clear()
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1]["Retry-After"] == "60"
    assert "slow down" in answers[1].content.decode()
