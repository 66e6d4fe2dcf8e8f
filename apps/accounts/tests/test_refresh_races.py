"""Refreshing from two places at once, and how long a sign-in by the API lasts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from apps.accounts.models import RefreshToken
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD


def sign_in(user):
    body = {"email": user.email, "password": PASSWORD}
    client = Client(headers={"User-Agent": "Nightly/2.1"}, REMOTE_ADDR="203.0.113.7")
    return client.post("/api/v1/auth/login", body, content_type="application/json").json()


def refresh(token, **extra):
    return Client(**extra).post("/api/v1/auth/refresh", {"refresh": token}, content_type="application/json")


def is_in(access):
    return Client().get("/api/v1/me", headers={"Authorization": f"Bearer {access}"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_refreshes_at_once_one_wins_and_the_family_ends(ada):
    token, barrier = sign_in(ada)["refresh"], Barrier(6)

    def attempt(_):
        try:
            barrier.wait()
            return refresh(token)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(attempt, range(6)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {200, 401}
    assert not is_in(won[0]["access"])
    assert refresh(won[0]["refresh"]).status_code == 401
    assert RefreshToken.objects.count() == 2
    assert Event.objects.filter(action="token_reused", result="refused").count() == 1


def test_a_refresh_keeps_when_the_sign_in_began_and_notes_who_uses_it(ada):
    tokens = sign_in(ada)
    first = RefreshToken.objects.get()
    begun = timezone.now() - timedelta(days=3)
    RefreshToken.objects.update(signed_in_at=begun)
    refresh(tokens["refresh"], headers={"User-Agent": "Nightly/2.2"}, REMOTE_ADDR="203.0.113.8")
    second = RefreshToken.objects.get(used_at=None)
    assert (first.user_agent, first.address) == ("Nightly/2.1", "203.0.113.7")
    assert (second.signed_in_at, second.user_agent, second.address) == (begun, "Nightly/2.2", "203.0.113.8")


def test_refreshing_does_not_make_an_old_sign_in_a_fresh_one(ada, settings):
    """Even when the first tokens of the family have been tidied away."""
    settings.STEP_UP_SECONDS = 600
    tokens = sign_in(ada)
    RefreshToken.objects.update(signed_in_at=timezone.now() - timedelta(days=3))
    access = refresh(tokens["refresh"]).json()["access"]
    RefreshToken.objects.exclude(used_at=None).delete()
    headers = {"Authorization": f"Bearer {access}"}
    body = {"name": "k", "scopes": ["read"]}
    answer = Client().post("/api/v1/keys", body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


def test_a_sign_in_by_the_api_ends_however_often_it_is_refreshed(ada, settings):
    settings.SESSION_MAX_SECONDS = 3600
    tokens = sign_in(ada)
    RefreshToken.objects.update(signed_in_at=timezone.now() - timedelta(seconds=3590))
    last = refresh(tokens["refresh"]).json()
    assert is_in(last["access"])
    row = RefreshToken.objects.get(used_at=None)
    assert row.expires_at == row.signed_in_at + timedelta(hours=1)
    RefreshToken.objects.update(expires_at=timezone.now())
    assert refresh(last["refresh"]).status_code == 401
    assert not is_in(last["access"])


def test_use_of_an_access_token_is_noted_at_most_once_a_minute(ada):
    access = sign_in(ada)["access"]
    before = RefreshToken.objects.get().last_used_at
    is_in(access)
    assert RefreshToken.objects.get().last_used_at == before
    RefreshToken.objects.update(last_used_at=before - timedelta(minutes=2))
    is_in(access)
    assert RefreshToken.objects.get().last_used_at > before
