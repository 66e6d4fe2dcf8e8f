"""Recovery codes: kept as hashes, shown once, used once."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.models import RecoveryCode, User
from apps.accounts.second_factor.recovery import recovery_code_plain, recovery_code_use, recovery_codes_replace
from apps.accounts.tests.second_factors import step_up, totp_code, totp_give
from apps.audit.models import Event
from chatbot.testing.plugin import PASSWORD

SIGN_IN = {"login": "ada@example.org", "password": PASSWORD}
CODE_PAGE = "/accounts/2fa/authenticate/"

pytestmark = pytest.mark.django_db


def test_a_code_signs_in_once(client, ada):
    totp_give(ada)
    codes = recovery_codes_replace(user=ada)
    client.post("/accounts/login/", SIGN_IN)
    # However it is typed.
    answer = client.post(CODE_PAGE, {"code": f" {codes[0].upper().replace('-', ' ')} "}, follow=True)
    assert answer.redirect_chain[-1][0] == "/"
    assert "You have 9 left" in answer.content.decode()
    other = Client()
    other.post("/accounts/login/", SIGN_IN)
    assert other.post(CODE_PAGE, {"code": codes[0]}).status_code == 422
    used = Event.objects.filter(action="recovery_code_used", actor_id=ada.pk)
    assert [event.data for event in used] == [{"left": 9}]


def test_the_last_three_are_worth_a_warning(client, ada):
    totp_give(ada)
    codes = recovery_codes_replace(user=ada)
    for code in codes[:6]:
        recovery_code_use(user=ada, code=code)
    client.post("/accounts/login/", SIGN_IN)
    page = client.post(CODE_PAGE, {"code": codes[6]}, follow=True).content.decode()
    assert "Make new ones" in page
    assert "Only 3 left" in client.get(reverse("accounts:security")).content.decode()


def test_new_ones_end_the_former(client_ada, ada):
    secret = totp_give(ada)
    before = recovery_codes_replace(user=ada)
    url = reverse("accounts:recovery-codes")
    assert client_ada.post(url).status_code == 302
    step_up(client_ada, code=totp_code(secret))
    assert "The 10 codes that you have left stop working" in client_ada.get(url).content.decode()
    page = client_ada.post(url)
    assert "no-store" in page["Cache-Control"]
    after = re.findall(r"<li>([0-9a-z-]{19})</li>", page.content.decode())
    assert len(after) == 10
    assert not recovery_code_use(user=ada, code=before[0])
    assert recovery_code_use(user=ada, code=after[0])
    assert after[1] not in client_ada.get(url).content.decode()
    assert Event.objects.filter(action="recovery_codes_made", data={"count": 10}).count() == 1


def test_without_a_second_factor_there_are_none(client_ada, ada):
    step_up(client_ada)
    assert client_ada.post(reverse("accounts:recovery-codes"))["Location"] == reverse("accounts:security")
    assert not RecoveryCode.objects.exists()


def test_anothers_code_does_not_help(ada, ben):
    codes = recovery_codes_replace(user=ben)
    assert not recovery_code_use(user=ada, code=codes[0])
    assert recovery_code_use(user=ben, code=codes[0])


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("abcd-efgh-jkmn-pqrs", "abcdefghjkmnpqrs"),
        ("ABCD EFGH JKMN PQRS", "abcdefghjkmnpqrs"),
        ("oil0-1111-0000-0000", "0110111100000000"),
        ("abcd-efgh-jkmn-pqr", None),
        ("abcd-efgh-jkmn-pqrs-t", None),
        ("ábcd-efgh-jkmn-pqrs", None),
        ("", None),
    ],
)
def test_how_codes_are_read(typed, plain):
    assert recovery_code_plain(typed) == plain


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_uses_it(workspace):
    user = User.objects.create_user("many@example.org", PASSWORD)
    code = recovery_codes_replace(user=user)[0]

    def use(_: int) -> bool:
        try:
            with transaction.atomic():
                return recovery_code_use(user=user, code=code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(use, range(8))).count(True) == 1
