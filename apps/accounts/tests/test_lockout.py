"""Locking accounts and addresses after failed attempts: the same for accounts that nobody has."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Membership, SignInGuard, User
from apps.accounts.services.sign_in import sign_in_unlock
from apps.accounts.sign_in_guard import accounts_locked, attempt_require, attempt_succeeded
from apps.audit.models import Event
from chatbot.lib.errors import ForbiddenError, NotFoundError
from chatbot.testing.plugin import PASSWORD

NOBODY = "nobody@example.org"
WRONG = "wrong"


@pytest.fixture(autouse=True)
def wide_address_limit(settings, request):
    """Tests come from one address; those about addresses narrow it again."""
    settings.LOCKOUT_ADDRESS_FAILURES = 1000


def by_api(client, email, password=WRONG, **named):
    body = {"email": email, "password": password}
    return client.post("/api/v1/auth/login", body, content_type="application/json", **named)


def by_page(client, email, password=WRONG, **named):
    return client.post("/accounts/login/", {"login": email, "password": password}, **named)


def fail(client, email, times, **named):
    for _ in range(times):
        assert by_api(client, email, **named).status_code == 401


def locks_end():
    """As if the lock had just run out."""
    SignInGuard.objects.update(locked_until=timezone.now())


@pytest.mark.parametrize("email", ["ada@example.org", NOBODY])
def test_five_failures_lock_an_account_even_one_that_nobody_has(client, ada, email):
    fail(client, email, 5)
    answer = by_api(client, email, PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert 28 <= int(answer["Retry-After"]) <= 30
    page = by_page(client, email, PASSWORD)
    assert page.status_code == 429
    assert int(page["Retry-After"]) <= 30
    assert "Please try again in" in page.content.decode()
    assert "UTC" in page.content.decode()


@pytest.mark.parametrize(
    "spelling", ["\uff21da@example.org", " ADA@example.org\t", "\u00e1da@example.org", "a da@example.org"]
)
def test_what_a_directory_takes_for_the_same_name_is_locked_with_it(client, db, spelling):
    fail(client, "ada@example.org", 5)
    assert by_api(client, spelling).status_code == 429


def test_page_and_api_count_together(client, ada):
    fail(client, ada.email, 3)
    for _ in range(2):
        assert by_page(client, ada.email).status_code == 200
    assert by_page(client, ada.email, PASSWORD).status_code == 429


def test_the_delay_doubles_up_to_an_hour(client, ada):
    fail(client, ada.email, 5)
    waits = []
    for _ in range(9):
        waits.append(int(by_api(client, ada.email)["Retry-After"]))
        locks_end()
        assert by_api(client, ada.email).status_code == 401
    expected = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert all(right - 2 <= wait <= right for wait, right in zip(waits, expected, strict=True)), waits


def test_one_more_password_is_looked_at_after_each_lock(client, ada):
    fail(client, ada.email, 5)
    locks_end()
    assert by_api(client, ada.email, PASSWORD).status_code == 200


def test_signing_in_forgets_the_accounts_failures(client, ada):
    fail(client, ada.email, 4)
    assert by_page(client, ada.email, PASSWORD).status_code == 302
    client.logout()
    fail(client, ada.email, 5)


def test_a_quiet_day_forgets_them(client, ada):
    fail(client, ada.email, 9 - 4)
    SignInGuard.objects.update(last_failure_at=timezone.now() - timedelta(hours=25), locked_until=timezone.now())
    fail(client, ada.email, 5)
    assert int(by_api(client, ada.email)["Retry-After"]) <= 30


def test_the_right_password_alone_does_not_forget_them(client, ada):
    """As long as the second factor is due: whoever has the password must not try codes for ever."""
    fail(client, ada.email, 4)
    attempt_succeeded(attempt_require(email=ada.email, address=None))
    assert SignInGuard.objects.get(kind="account").failures == 4


def test_an_address_is_locked_for_every_account(client, ada, ben, settings):
    settings.LOCKOUT_ADDRESS_FAILURES = 5
    for number in range(5):
        fail(client, f"nobody-{number}@example.org", 1, REMOTE_ADDR="192.0.2.1")
    assert by_api(client, ada.email, PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert by_api(client, ada.email, PASSWORD, REMOTE_ADDR="192.0.2.2").status_code == 200


def test_an_own_account_does_not_free_the_address(client, ada, ben, settings):
    settings.LOCKOUT_ADDRESS_FAILURES = 5
    fail(client, NOBODY, 4, REMOTE_ADDR="192.0.2.1")
    assert by_api(client, ben.email, PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 200
    fail(client, ada.email, 1, REMOTE_ADDR="192.0.2.1")
    assert by_api(client, ben.email, PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 429


def test_a_network_of_ipv6_counts_as_one_address(client, ada, settings):
    settings.LOCKOUT_ADDRESS_FAILURES = 5
    for number in range(5):
        fail(client, f"nobody-{number}@example.org", 1, REMOTE_ADDR=f"2001:db8::{number + 1}")
    assert by_api(client, ada.email, PASSWORD, REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert by_api(client, ada.email, PASSWORD, REMOTE_ADDR="2001:db8:0:1::1").status_code == 200


def test_what_is_locked_adds_nothing_to_accounts(client, ada, settings):
    settings.LOCKOUT_ADDRESS_FAILURES = 5
    fail(client, NOBODY, 5, REMOTE_ADDR="192.0.2.1")
    for _ in range(10):
        assert by_api(client, ada.email, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert by_api(client, ada.email, PASSWORD, REMOTE_ADDR="192.0.2.2").status_code == 200


def test_a_lock_of_the_account_adds_nothing_to_the_address(client, ada, settings):
    settings.LOCKOUT_ADDRESS_FAILURES = 6
    fail(client, ada.email, 5)
    for _ in range(10):
        assert by_api(client, ada.email).status_code == 429
    fail(client, NOBODY, 1)


def test_a_lock_is_recorded_once(client, ada):
    fail(client, ada.email, 5)
    for _ in range(3):
        by_api(client, ada.email)
    event = Event.objects.get(action="sign_in_locked")
    assert (event.actor_label, event.result, event.data["kind"]) == (ada.email, "refused", "account")
    assert 28 <= event.data["seconds"] <= 30
    locks_end()
    by_api(client, ada.email)
    assert Event.objects.filter(action="sign_in_locked").count() == 2


def test_signing_in_at_the_last_try_records_no_lock(client, ada):
    fail(client, ada.email, 4)
    assert by_api(client, ada.email, PASSWORD).status_code == 200
    assert not Event.objects.filter(action="sign_in_locked").exists()


def test_only_keyed_hashes_are_kept(client, ada):
    fail(client, ada.email, 1, REMOTE_ADDR="192.0.2.77")
    rows = str(list(SignInGuard.objects.values()))
    assert ada.email not in rows
    assert "192.0.2.77" not in rows


def test_asking_again_for_the_password_has_a_count_of_its_own(client_ada, client, ada):
    for _ in range(5):
        assert client_ada.post("/settings/confirm/", {"password": "wrong"}).status_code == 422
    assert client_ada.post("/settings/confirm/", {"password": PASSWORD}).status_code == 429
    assert by_api(client, ada.email, PASSWORD).status_code == 200


def test_answers_for_known_and_unknown_are_the_same_to_the_byte(ada, ben):
    User.objects.filter(pk=ben.pk).update(is_active=False)
    seen = []
    for email in (ada.email, NOBODY, ben.email):
        client = Client(headers={"X-Request-ID": "same"})
        answers = [by_api(client, email) for _ in range(5)]
        seen.append([(answer.status_code, answer.content, sorted(answer.headers)) for answer in answers])
        locked = by_api(client, email, PASSWORD)
        seen[-1].append((locked.status_code, locked.json()["title"], sorted(locked.headers)))
    assert seen[0] == seen[1] == seen[2]


def test_pages_for_known_and_unknown_are_the_same_but_for_what_was_typed(ada, ben):
    import re

    User.objects.filter(pk=ben.pk).update(is_active=False)
    seen = []
    for email, password in ((ada.email, "wrong"), (NOBODY, PASSWORD), (ben.email, PASSWORD)):
        page = by_page(Client(), email, password)
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode()).replace(email, "")
        text = re.sub(r'nonce="[^"]+"', "", text)
        seen.append((page.status_code, text, sorted(page.headers), sorted(page.cookies)))
    assert seen[0] == seen[1] == seen[2]
    assert "is not right" in seen[0][1]


@pytest.mark.parametrize("email", ["ada@example.org", NOBODY])
def test_of_twenty_at_once_no_more_than_the_limit_are_checked(transactional_db, email):
    User.objects.create_user("ada@example.org", PASSWORD)

    def attempt(_):
        try:
            return by_api(Client(), email).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(attempt, range(20)))
    assert statuses == [401] * 5 + [429] * 15
    assert Event.objects.filter(action="sign_in_failed").count() == 5
    assert Event.objects.filter(action="sign_in_locked").count() == 1


def test_an_administrator_unlocks(client, ada, admin_anna):
    fail(client, ada.email, 5)
    assert set(accounts_locked(users=[ada, admin_anna])) == {ada.pk}
    sign_in_unlock(actor=admin_anna, user=ada)
    assert not accounts_locked(users=[ada, admin_anna])
    assert by_api(client, ada.email, PASSWORD).status_code == 200
    assert Event.objects.filter(action="sign_in_unlocked", actor_id=admin_anna.pk, target_id=str(ada.pk)).count() == 1


def test_others_do_not_unlock(client, ada, ben, cleo, other_workspace, root):
    fail(client, ada.email, 5)
    Membership.objects.filter(user=cleo).update(role="admin")
    for actor in (ben, cleo):
        with pytest.raises((NotFoundError, ForbiddenError)):
            sign_in_unlock(actor=actor, user=ada)
    assert by_api(client, ada.email, PASSWORD).status_code == 429
    sign_in_unlock(actor=root, user=ada)
    assert by_api(client, ada.email, PASSWORD).status_code == 200


def test_an_operator_opens_a_locked_account(client, ada, capsys):
    fail(client, ada.email, 5)
    assert by_api(client, ada.email, PASSWORD).status_code == 429
    call_command("sign_in_unlock", " Ada@example.org ")
    SignInGuard.objects.filter(kind="address").delete()
    assert by_api(client, ada.email, PASSWORD).status_code == 200
    event = Event.objects.get(action="sign_in_unlocked")
    assert (event.actor_id, event.actor_label) == (None, "sign_in_unlock")
    with pytest.raises(CommandError, match="Nobody has this address"):
        call_command("sign_in_unlock", "nobody@example.org")
