"""Which passwords are taken, and hashes that come from elsewhere."""

from typing import Any

import bcrypt
import pytest
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from chatbot.settings.security import PASSWORD_HASHERS

LONG = "a passphrase that is rather longer than the seventy-two bytes that bcrypt looks at, by far"


@pytest.mark.parametrize(
    "password",
    [
        "short one", "123456789012", "password1234", "P@ssword-2026!", "P4$$w0rd!!!!!", "Welcome123456",
        "!!dragon!!2024", "passwordpassword", "Password Password", "qwertyuiop12", "1qaz2wsx3edc", "abcdefghijkl",
        "zyxwvutsrqpo",
        "asdfghjkl;123", "aaaaaaaaaaaa", "abababababab", "abc123abc123abc123", "aaaaaaabbbbbbbcccccc",
        "iloveyouforever",
        "I.love.you.forever", "ChatBot is great", "chat-bot-2026-yes", "Analytical Engines!", "analytical.engines.7",
        "lovelace lovelace", "my lovelace word", "987654321098",
    ],
)  # fmt: skip
def test_what_is_easily_guessed_is_refused(ada, password):
    ada.email = "lovelace@example.org"
    with pytest.raises(ValidationError):
        validate_password(password, ada)


@pytest.mark.parametrize(
    "password",
    [
        "a long enough passphrase", "quite another passphrase", "grün ist die Heide im Mai", "kX9#vLq2!mTz",
        "purple-monkey-dishwasher-7", "seven sleepy otters", "Ελληνικά γράμματα εδώ", "墨水在纸上慢慢散开像云一样",
    ],
)  # fmt: skip
def test_passphrases_are_taken(ada, password):
    validate_password(password, ada)


def test_a_name_of_three_letters_may_turn_up(ada):
    """`ada` stands in too many words."""
    validate_password("Canadair flies tomorrow", ada)


def test_the_operators_list_counts_in_any_case(ada, settings, tmp_path):
    settings.PASSWORD_LIST = tmp_path / "list"
    settings.PASSWORD_LIST.write_text("something else\nSeven Sleepy Otters\n")
    with pytest.raises(ValidationError, match="organisation"):
        validate_password("seven sleepy OTTERS", ada)
    validate_password("seven sleepy beavers", ada)


def test_a_list_that_is_missing_stops_the_start(settings, tmp_path):
    from chatbot.checks import password_list_is_there

    assert password_list_is_there() == []
    settings.PASSWORD_LIST = tmp_path / "none"
    assert [problem.id for problem in password_list_is_there()] == ["chatbot.E013"]


def imported(password):
    return "bcrypt$" + bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()


@pytest.fixture
def production_hashers(settings):
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS


def bcrypt_sha256(password):
    salt: Any = bcrypt.gensalt(4)  # declared as text, taken as bytes
    return BCryptSHA256PasswordHasher().encode(password, salt)


@pytest.mark.parametrize("password", ["seven sleepy otters", LONG])
@pytest.mark.parametrize(
    "encode",
    [imported, bcrypt_sha256, make_password],
    ids=["bcrypt", "bcrypt_sha256", "argon2"],
)
def test_hashes_from_elsewhere_work_and_become_argon2(client, ada, production_hashers, password, encode):
    User.objects.filter(pk=ada.pk).update(password=encode(password))
    wrong = client.post("/accounts/login/", {"login": ada.email, "password": "seven sleepy beavers"})
    assert wrong.status_code == 200
    signed_in = client.post("/accounts/login/", {"login": ada.email, "password": password})
    assert signed_in.status_code == 302
    ada.refresh_from_db()
    assert ada.password.startswith("argon2$argon2id$")
    # The upgrade happens before the session is made, so that the session lives on.
    assert client.get("/accounts/password/change/").status_code == 200
    client.logout()
    assert client.post("/accounts/login/", {"login": ada.email, "password": password}).status_code == 302


def test_new_passwords_are_argon2(production_hashers, db):
    assert User.objects.create_user("grace@example.org", "seven sleepy otters").password.startswith("argon2$argon2id$")


@pytest.mark.parametrize("stored", ["", "!", "bcrypt$nonsense", "bcrypt$$2b$99$short", "unknown$x$y"])
def test_a_broken_hash_lets_nobody_in(client, ada, production_hashers, stored):
    User.objects.filter(pk=ada.pk).update(password=stored)
    answer = client.post(
        "/api/v1/auth/login", {"email": ada.email, "password": "anything at all"}, content_type="application/json"
    )
    assert answer.status_code == 401
