"""Where one is signed in: the list, ending it, and how long it lasts."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as site
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from apps.accounts.models import BrowserSession, RefreshToken
from apps.accounts.selectors.sessions import session_key_hash
from apps.accounts.tasks import accounts_tidy
from apps.audit.models import Event

PASSWORD = "correct horse battery staple"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
PAGE = "/settings/sessions/"
# Session and person, three of every page in this frame, and the two of the list less one.
FEW = 6


def browser(user, agent=FIREFOX, address="203.0.113.7"):
    """Signed in through the page, as a browser does."""
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def row_of(client):
    return BrowserSession.objects.get(key_hash=session_key_hash(client.cookies[site.SESSION_COOKIE_NAME].value))


def signed_in(client):
    return client.get("/api/v1/me").status_code == 200


def api_tokens(user, agent="Nightly/2.1"):
    body = {"email": user.email, "password": PASSWORD}
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR="2001:db8::7")
    return client.post("/api/v1/auth/login", body, content_type="application/json").json()


def works(access):
    return Client().get("/api/v1/me", headers={"Authorization": f"Bearer {access}"}).status_code == 200


def page_of(client):
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_names_each_device_and_marks_this_one(ada):
    desktop, phone = browser(ada), browser(ada, SAFARI, "198.51.100.4")
    api_tokens(ada)
    page = page_of(desktop)
    assert page.index("Firefox on Windows") < page.index("Mobile Safari on iOS") < page.index("Nightly")
    assert all(f">{address} · signed in" in page for address in ("203.0.113.7", "198.51.100.4", "2001:db8::7"))
    assert page.count("This device") == 1
    assert f"/settings/sessions/{row_of(desktop).pk}/end/" not in page
    assert f"/settings/sessions/{row_of(phone).pk}/end/" in page


def test_the_list_takes_few_queries_however_many_there_are(ada, django_assert_num_queries):
    client = browser(ada)
    page_of(client)
    with django_assert_num_queries(FEW):
        page_of(client)
    for _ in range(5):
        browser(ada, SAFARI)
        api_tokens(ada)
    page_of(client)
    with django_assert_num_queries(FEW):
        assert page_of(client).count("Mobile Safari on iOS</p>") == 5


def test_one_can_be_ended_and_the_others_stay(ada):
    here, there = browser(ada), browser(ada, SAFARI)
    answer = here.post(f"/settings/sessions/{row_of(there).pk}/end/")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert (signed_in(there), signed_in(here)) == (False, True)
    event = Event.objects.get(action="session_ended")
    assert (event.actor_id, event.data["kind"]) == (ada.pk, "browser")


def test_a_sign_in_by_the_api_can_be_ended(ada):
    here, mine, other = browser(ada), api_tokens(ada), api_tokens(ada)
    family = RefreshToken.objects.order_by("pk").first().family
    assert here.post(f"/settings/sessions/{family}/end/").status_code == 302
    assert (works(mine["access"]), works(other["access"])) == (False, True)
    assert Event.objects.get(action="session_ended").data == {"kind": "api", "id": str(family)}
    assert here.post(f"/settings/sessions/{family}/end/").status_code == 404


def test_all_others_can_be_ended_at_once(ada, ben):
    here, there, bens = browser(ada), browser(ada, SAFARI), browser(ben)
    tokens, bens_tokens = api_tokens(ada), api_tokens(ben)
    assert here.post("/settings/sessions/end/").status_code == 302
    assert (signed_in(here), signed_in(there), works(tokens["access"])) == (True, False, False)
    assert signed_in(bens)
    assert works(bens_tokens["access"])
    event = Event.objects.get(action="sessions_ended")
    assert (event.data["sessions"], event.data["api_sign_ins"], event.target_id) == (1, 1, str(ada.pk))


def test_a_strangers_session_is_not_there(ada, ben, root):
    bens, tokens = browser(ben), api_tokens(ben)
    family = RefreshToken.objects.get(user=ben).family
    for actor in (ada, root):
        client = browser(actor)
        for key in (row_of(bens).pk, family, uuid4()):
            assert client.post(f"/settings/sessions/{key}/end/").status_code == 404
    assert signed_in(bens)
    assert works(tokens["access"])
    assert not Event.objects.filter(action="session_ended").exists()


def test_ending_takes_a_post_with_the_token(ada):
    client = browser(ada)
    there = row_of(browser(ada)).pk
    assert client.get(f"/settings/sessions/{there}/end/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(f"/settings/sessions/{there}/end/").status_code == 403
    assert strict.post("/settings/sessions/end/").status_code == 403


def test_signing_in_takes_a_new_key_and_the_old_one_is_nobodys(ada):
    client = Client()
    client.cookies[site.SESSION_COOKIE_NAME] = "a" * 32
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    key = client.cookies[site.SESSION_COOKIE_NAME].value
    assert key != "a" * 32
    attacker = Client()
    attacker.cookies[site.SESSION_COOKIE_NAME] = "a" * 32
    assert not signed_in(attacker)


def test_a_session_of_before_signing_in_is_not_the_one_after(ada):
    client = Client()
    session = client.session
    session["seen"] = True
    session.save()
    before = client.cookies[site.SESSION_COOKIE_NAME].value
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert client.cookies[site.SESSION_COOKIE_NAME].value != before
    assert not BrowserSession.objects.filter(key_hash=session_key_hash(before)).exists()


def test_the_database_holds_no_key_of_a_cookie(ada):
    client = browser(ada)
    key = client.cookies[site.SESSION_COOKIE_NAME].value
    assert key not in repr(BrowserSession.objects.values_list())


def test_signing_out_deletes_the_session(ada):
    client = browser(ada)
    row = row_of(client)
    client.post("/accounts/logout/")
    assert not BrowserSession.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    ("field", "age"), [("last_used_at", "SESSION_IDLE_SECONDS"), ("created_at", "SESSION_MAX_SECONDS")]
)
def test_a_session_ends_by_itself(ada, settings, field, age):
    settings.SESSION_IDLE_SECONDS, settings.SESSION_MAX_SECONDS = 600, 3600
    client = browser(ada)
    limit = timedelta(seconds=getattr(settings, age))
    rows = BrowserSession.objects.filter(pk=row_of(client).pk)
    rows.update(**{field: timezone.now() - limit + timedelta(seconds=30)})
    assert signed_in(client)
    rows.update(**{field: timezone.now() - limit})
    assert not signed_in(client)
    assert page_of(browser(ada)).count("Firefox on Windows</p>") == 0


def test_use_is_noted_at_most_once_a_minute(ada):
    client = browser(ada, address="203.0.113.7")
    rows = BrowserSession.objects.filter(pk=row_of(client).pk)
    before = rows.get().last_used_at
    client.get("/api/v1/me", REMOTE_ADDR="203.0.113.9")
    assert rows.get().last_used_at == before
    rows.update(last_used_at=before - timedelta(minutes=2))
    client.get("/api/v1/me", REMOTE_ADDR="203.0.113.9", headers={"User-Agent": SAFARI})
    row = rows.get()
    assert row.last_used_at > before
    assert (row.address, row.user_agent) == ("203.0.113.9", SAFARI)


def test_a_request_with_a_session_costs_no_more_queries_than_the_session_and_the_person(ada, django_assert_num_queries):
    client = browser(ada)
    client.get("/accounts/login/")
    with django_assert_num_queries(2):
        client.get("/accounts/login/")


def test_a_change_of_password_takes_the_other_sessions_off_the_list(ada):
    here, there = browser(ada), browser(ada, SAFARI)
    new = "quite another long passphrase"
    here.post("/accounts/password/change/", {"old": PASSWORD, "new": new})
    assert (signed_in(here), signed_in(there)) == (True, False)
    assert "Mobile Safari" not in page_of(here)


def test_a_session_that_was_ended_does_not_come_back_by_being_changed(ada):
    client = browser(ada)
    session = client.session
    session["more"] = 1
    BrowserSession.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()
    assert not BrowserSession.objects.exists()


def test_sessions_go_with_the_account(ada):
    browser(ada)
    ada.delete()
    assert not BrowserSession.objects.exists()


def test_what_lets_nobody_in_is_tidied_away(ada):
    live, dead = browser(ada), browser(ada)
    BrowserSession.objects.filter(pk=row_of(dead).pk).update(last_used_at=timezone.now() - timedelta(days=400))
    api_tokens(ada)
    api_tokens(ada)
    old = RefreshToken.objects.order_by("pk").first()
    RefreshToken.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    accounts_tidy()
    assert signed_in(live)
    assert BrowserSession.objects.filter(user=ada).count() == 1
    assert RefreshToken.objects.count() == 1
    assert RefreshToken.objects.get().pk != old.pk


def test_tidying_is_scheduled():
    scheduled = {entry["task"] for entry in site.CELERY_BEAT_SCHEDULE.values()}
    assert "apps.accounts.tasks.accounts_tidy" in scheduled
