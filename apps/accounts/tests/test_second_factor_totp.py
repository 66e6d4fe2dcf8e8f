"""An authenticator app: setting it up, signing in with it, taking it away."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connections
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.exceptions import OtpInvalidError
from apps.accounts.models import RecoveryCode, User
from apps.accounts.second_factor.checking import code_check
from apps.accounts.tests.second_factors import step_up, totp_code, totp_give, wrong_code
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

SIGN_IN = {"login": "ada@example.org", "password": PASSWORD}
CODE_PAGE = "/accounts/2fa/authenticate/"

pytestmark = pytest.mark.django_db


def _set_up(client: Client) -> tuple[str, str]:
    """The secret, and the page that answers the right code."""
    step_up(client)
    page = client.get(reverse("accounts:totp-add")).content.decode()
    secret = re.search(r'<code class="secret"[^>]*>([A-Z2-7]{32})</code>', page)[1]
    answer = client.post(reverse("accounts:totp-add"), {"code": totp_code(secret)})
    assert answer.status_code == 200
    return secret, answer.content.decode()


def test_setting_it_up_needs_the_password_again(client_ada):
    for answer in (client_ada.get(reverse("accounts:totp-add")), client_ada.post(reverse("accounts:totp-add"))):
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("accounts:step-up"))
    assert client_ada.post(reverse("accounts:step-up"), {"password": "wrong"}).status_code == 422
    assert client_ada.get(reverse("accounts:totp-add")).status_code == 302


def test_it_is_set_up_with_a_picture_and_codes_that_are_shown_once(client_ada, ada):
    step_up(client_ada)
    page = client_ada.get(reverse("accounts:totp-add"))
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    assert page["Cache-Control"].count("no-store") == 1
    secret, shown = _set_up(client_ada)
    codes = re.findall(r"<li>([0-9a-z-]{19})</li>", shown)
    assert len(codes) == len(set(codes)) == RecoveryCode.objects.filter(user=ada).count() == 10
    later = client_ada.get(reverse("accounts:security")).content.decode()
    assert "10 left" in later
    assert not any(code in later for code in codes)
    kept = str(list(Authenticator.objects.values("data"))) + str(list(RecoveryCode.objects.values()))
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def test_the_same_secret_stays_while_it_waits_and_a_wrong_code_adds_nothing(client_ada, ada):
    step_up(client_ada)
    pages = [client_ada.get(reverse("accounts:totp-add")).content.decode() for _ in range(2)]
    secrets = {re.search(r'<code class="secret"[^>]*>([A-Z2-7]{32})</code>', page)[1] for page in pages}
    assert len(secrets) == 1
    answer = client_ada.post(reverse("accounts:totp-add"), {"code": wrong_code(secrets.pop())})
    assert answer.status_code == 422
    assert not Authenticator.objects.filter(user=ada).exists()


def test_adding_is_recorded_and_told_by_mail(client_ada, ada, mailed):
    with mailed() as mails:
        secret, _ = _set_up(client_ada)
    assert Event.objects.filter(action="second_factor_added", actor_id=ada.pk, data={"kind": "totp"}).count() == 1
    assert Event.objects.filter(action="recovery_codes_made", data={"count": 10}).count() == 1
    assert [mail.to for mail in mails] == [[ada.email]]
    assert "An authenticator app was added to your account." in mails[0].body
    assert secret not in mails[0].body + str(list(Event.objects.values()))


def test_signing_in_asks_for_the_code(client, ada):
    secret = totp_give(ada)
    answer = client.post("/accounts/login/?next=/documents/", {**SIGN_IN, "next": "/documents/"})
    assert answer["Location"] == CODE_PAGE
    assert client.get("/documents/")["Location"].startswith("/accounts/login/")
    assert not Event.objects.filter(action="signed_in").exists()
    assert client.get(CODE_PAGE).status_code == 200
    answer = client.post(CODE_PAGE, {"code": totp_code(secret)})
    assert answer["Location"] == "/documents/"
    assert client.get("/documents/").status_code == 200
    assert Event.objects.filter(action="signed_in", actor_id=ada.pk).count() == 1


def test_without_the_password_there_is_no_page_for_the_code(client, ada):
    totp_give(ada)
    assert client.get(CODE_PAGE)["Location"] == "/accounts/login/"
    assert client.post(CODE_PAGE, {"code": "123456"})["Location"] == "/accounts/login/"


def test_a_code_works_once(client, ada):
    secret = totp_give(ada)
    code = totp_code(secret)
    client.post("/accounts/login/", SIGN_IN)
    assert client.post(CODE_PAGE, {"code": code}).status_code == 302
    other = Client()
    other.post("/accounts/login/", SIGN_IN)
    answer = other.post(CODE_PAGE, {"code": code})
    assert answer.status_code == 422
    assert "not right, or it was used" in answer.content.decode()


def test_the_code_that_set_it_up_does_not_sign_in(client_ada, client):
    secret, _ = _set_up(client_ada)
    client.post("/accounts/login/", SIGN_IN)
    assert client.post(CODE_PAGE, {"code": totp_code(secret)}).status_code == 422
    assert client.post(CODE_PAGE, {"code": totp_code(secret, steps=1)}).status_code == 302


@pytest.mark.parametrize(("steps", "is_taken"), [(-3, False), (-1, True), (0, True), (1, True), (3, False)])
def test_a_clock_may_be_half_a_minute_off(ada, steps, is_taken):
    secret = totp_give(ada)
    if is_taken:
        assert code_check(user=ada, code=totp_code(secret, steps=steps)).kind == "totp"
    else:
        with pytest.raises(OtpInvalidError):
            code_check(user=ada, code=totp_code(secret, steps=steps))


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "١٢٣٤٥٦", "abc", "\x00", "0" * 5000, "'; --"])
def test_nonsense_is_a_wrong_code(client, ada, code):
    totp_give(ada)
    client.post("/accounts/login/", SIGN_IN)
    assert client.post(CODE_PAGE, {"code": code}).status_code == 422


def test_wrong_codes_lock_and_are_recorded(client, ada):
    secret = totp_give(ada)
    client.post("/accounts/login/", SIGN_IN)
    statuses = [client.post(CODE_PAGE, {"code": wrong_code(secret)}).status_code for _ in range(5)]
    assert statuses == [422] * 5
    assert client.post(CODE_PAGE, {"code": totp_code(secret)}).status_code == 429
    failed = Event.objects.filter(action="second_factor_failed", result="refused", target_id=str(ada.pk))
    assert failed.count() == 5
    assert Event.objects.filter(action="sign_in_locked").exists()
    # Whoever knows the password does not open the lock with it.
    again = Client()
    assert again.post("/accounts/login/", SIGN_IN).status_code == 429


def test_the_right_password_does_not_wipe_the_count(client, ada):
    secret = totp_give(ada)
    for _ in range(2):
        client.post("/accounts/login/", SIGN_IN)
        for _ in range(2):
            client.post(CODE_PAGE, {"code": wrong_code(secret)})
    client.post("/accounts/login/", SIGN_IN)
    client.post(CODE_PAGE, {"code": wrong_code(secret)})
    assert client.post(CODE_PAGE, {"code": totp_code(secret)}).status_code == 429


def test_taking_it_away_needs_a_code_and_ends_the_recovery_codes(client_ada, ada):
    secret, _ = _set_up(client_ada)
    factor = Authenticator.objects.get(user=ada)
    fresh = Client()
    fresh.post("/accounts/login/", SIGN_IN)
    fresh.post(CODE_PAGE, {"code": totp_code(secret, steps=1)})
    url = reverse("accounts:factor-remove", args=[factor.pk])
    assert fresh.get(url).status_code == 200
    assert fresh.post(url).status_code == 302
    assert not Authenticator.objects.filter(user=ada).exists()
    assert not RecoveryCode.objects.filter(user=ada).exists()
    assert Event.objects.filter(action="second_factor_removed", data={"kind": "totp"}).count() == 1
    plain = Client()
    assert plain.post("/accounts/login/", SIGN_IN)["Location"] == "/"


def test_anothers_factor_does_not_exist(client_ben, ada, ben):
    totp_give(ada)
    step_up(client_ben)
    factor = Authenticator.objects.get(user=ada)
    for url in (
        reverse("accounts:factor-remove", args=[factor.pk]),
        reverse("accounts:passkey-name", args=[factor.pk]),
    ):
        assert client_ben.get(url).status_code == 404
        assert client_ben.post(url, {"name": "mine"}).status_code == 404
    assert Authenticator.objects.filter(user=ada).exists()


def test_a_changed_secret_key_still_reads_what_it_wrote(ada, settings):
    secret = totp_give(ada)
    former = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another" * 8, SECRET_KEY_FALLBACKS=[former]):
        assert code_check(user=ada, code=totp_code(secret)).kind == "totp"
    with override_settings(SECRET_KEY="another" * 8, SECRET_KEY_FALLBACKS=[]), pytest.raises(OtpInvalidError):
        code_check(user=ada, code=totp_code(secret, steps=1))


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_through(workspace):
    user = User.objects.create_user("many@example.org", PASSWORD)
    secret = totp_give(user)
    code = totp_code(secret)

    def attempt(_: int) -> bool:
        try:
            code_check(user=user, code=code)
        except OtpInvalidError:
            return False
        finally:
            connections.close_all()
        return True

    with override_settings(LOCKOUT_ACCOUNT_FAILURES=0), ThreadPoolExecutor(8) as threads:
        results = list(threads.map(attempt, range(8)))
    assert results.count(True) == 1
    assert mail.outbox == []
