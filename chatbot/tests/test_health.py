import pytest
from django.test import AsyncClient

from chatbot import health


async def test_the_process_lives_without_anything_else():
    answer = await AsyncClient().get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readiness_names_what_is_missing(client, db):
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not_ready", "failing": ["chat_model"]}


def test_readiness_with_all_parts(client, db, chat_model):
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "failing": []})


def test_a_broker_that_is_away_is_named(client, db, chat_model, settings):
    from chatbot.lib.valkey import valkey

    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    valkey.cache_clear()
    try:
        assert client.get("/ready").json()["failing"] == ["broker"]
    finally:
        valkey.cache_clear()


def test_a_database_that_is_behind_is_named(client, db, chat_model):
    from django.db.migrations.recorder import MigrationRecorder

    health._migrated.clear()
    MigrationRecorder.Migration.objects.filter(app="conversations").delete()
    try:
        assert client.get("/ready").json()["failing"] == ["migrations"]
    finally:
        health._migrated.clear()


@pytest.mark.parametrize(
    ("token", "extra", "status"),
    [
        ("", {}, 200),
        ("", {"REMOTE_ADDR": "10.1.1.1"}, 404),
        ("", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ("s3cret", {"REMOTE_ADDR": "10.1.1.1", "HTTP_AUTHORIZATION": "Bearer s3cret"}, 200),
        ("s3cret", {"REMOTE_ADDR": "10.1.1.1", "HTTP_AUTHORIZATION": "Bearer other"}, 404),
        ("", {"REMOTE_ADDR": "10.1.1.1", "HTTP_AUTHORIZATION": "Bearer "}, 404),
        ("", {"REMOTE_ADDR": ""}, 404),
    ],
)
def test_metrics_are_for_this_machine_or_the_token(client, settings, token, extra, status):
    settings.METRICS_TOKEN = token
    answer = client.get("/metrics", **extra)
    assert answer.status_code == status
    assert (b"django_http_requests_total" in answer.content) is (status == 200)
