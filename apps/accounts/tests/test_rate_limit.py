"""The API's limit of requests a person may send."""

import pytest

from apps.accounts.rate_limit import rate_limit_count
from chatbot.lib.valkey import valkey


@pytest.fixture
def limit(settings, ada):
    settings.API_RATE_PER_MINUTE, settings.API_RATE_BURST = 60, 3
    yield
    valkey().delete(f"rate:{ada.pk}")


def wait_of(user):
    state = rate_limit_count(user=user)
    assert state is not None
    return state.retry_after_seconds


def test_a_burst_passes_and_the_next_waits(client_ada, limit, settings):
    # Slow enough for a busy machine.
    settings.API_RATE_PER_MINUTE = 2
    answers = [client_ada.get("/api/v1/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer["RateLimit-Limit"] for answer in answers} == {"3"}
    refused = answers[-1]
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused["Retry-After"]) <= 30
    assert 60 <= int(refused["RateLimit-Reset"]) <= 90


def test_everyone_has_their_own_limit(client_ada, client_ben, ben, limit):
    for _ in range(4):
        client_ada.get("/api/v1/me")
    assert client_ben.get("/api/v1/me").status_code == 200
    valkey().delete(f"rate:{ben.pk}")


def test_what_was_sent_is_paid_off_with_time(ada, limit, settings):
    assert [wait_of(ada) for _ in range(4)] == [0, 0, 0, 1]
    # The same debt at a thousand times the speed is gone at once.
    settings.API_RATE_PER_MINUTE = 60_000
    key = f"rate:{ada.pk}"
    valkey().set(key, str(float(valkey().get(key) or 0) - 3))
    assert wait_of(ada) == 0


def test_no_limit_where_it_is_off(client_ada, settings):
    settings.API_RATE_PER_MINUTE = 0
    answer = client_ada.get("/api/v1/me")
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer


def test_people_who_are_signed_in_go_on_without_valkey(client_ada, settings):
    settings.API_RATE_PER_MINUTE = 60
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    valkey.cache_clear()
    try:
        assert client_ada.get("/api/v1/me").status_code == 200
    finally:
        valkey.cache_clear()
