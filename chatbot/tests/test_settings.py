"""Readers of the environment, and that every setting is documented."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot.settings import env
from chatbot.settings.database import database_from_url
from chatbot.settings.queues import broker_from_url
from chatbot.settings.security import secret_read_or_create

ROOT = Path(__file__).resolve().parents[2]
NAME = "CHATBOT_TRY"


@pytest.fixture
def put(monkeypatch):
    return lambda value, name=NAME: monkeypatch.setenv(name, value)


def test_texts_lose_the_spaces_around_them(put):
    put("  a b \n")
    assert env.env_text(NAME) == "a b"


def test_secrets_come_from_files(put, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    put(str(tmp_path / "secret"), f"{NAME}_FILE")
    assert env.env_text(NAME) == "s3cret"


def test_a_value_and_a_file_is_one_too_many(put, tmp_path):
    put("a")
    put(str(tmp_path), f"{NAME}_FILE")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env.env_text(NAME)


def test_a_missing_file_is_said(put, tmp_path):
    put(str(tmp_path / "none"), f"{NAME}_FILE")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE: cannot read"):
        env.env_text(NAME)


@pytest.mark.parametrize(
    ("raw", "value"), [("1", True), ("Yes", True), ("on", True), ("FALSE", False), ("0", False), ("", True)]
)
def test_switches(put, raw, value):
    put(raw)
    assert env.env_bool(NAME, True) is value


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (lambda: env.env_bool(NAME, True), "maybe"),
        (lambda: env.env_int(NAME, 1), "1.5"),
        (lambda: env.env_int(NAME, 1), "-1"),
        (lambda: env.env_int(NAME, 1, maximum=5), "6"),
        (lambda: env.env_float(NAME, 1, minimum=0, maximum=1), "x"),
        (lambda: env.env_float(NAME, 1, minimum=0, maximum=1), "1.1"),
        (lambda: env.env_url(NAME), "ftp://example.org"),
        (lambda: env.env_url(NAME), "example.org"),
    ],
)
def test_nonsense_is_refused_with_the_variable_named(put, read, raw):
    put(raw)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read()


def test_numbers_lists_paths_and_addresses(put):
    put("7")
    assert env.env_int(NAME, 1) == 7
    assert env.env_float(NAME, 1, minimum=0, maximum=10) == 7.0
    put(" a, ,b ")
    assert env.env_list(NAME, []) == ["a", "b"]
    put("~/x")
    assert env.env_path(NAME, Path("/y")) == Path.home() / "x"
    put("https://example.org/v1/")
    assert env.env_url(NAME) == "https://example.org/v1"


def test_a_database_address_with_a_socket_folder():
    found = database_from_url("postgresql://me:p%40ss@/chat?host=%2Frun%2Fpg&sslmode=require")
    assert (found["NAME"], found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "chat", "me", "p@ss", "/run/pg", "",
    )  # fmt: skip
    assert found["OPTIONS"]["sslmode"] == "require"


def test_a_database_address_with_a_host():
    found = database_from_url("postgresql://me@db.example.org:5433/chat")
    assert (found["HOST"], found["PORT"]) == ("db.example.org", "5433")


def test_connections_act_under_the_role_that_is_named():
    address = "postgresql://me@db.example.org/chat?options=-c%20jit%3Doff"
    assert database_from_url(address, role="chatbot_app")["OPTIONS"]["options"] == "-c jit=off -c role=chatbot_app"
    with pytest.raises(ImproperlyConfigured, match="CHATBOT_DATABASE_ROLE"):
        database_from_url(address, role="x -c jit=on")


def test_a_database_address_without_a_name_is_refused():
    with pytest.raises(ImproperlyConfigured, match="names no database"):
        database_from_url("postgresql://me@db.example.org/")


@pytest.mark.parametrize(
    ("address", "broker"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("unix:///run/v.sock?db=3", "redis+socket:///run/v.sock?virtual_host=3"),
        ("unix:///run/v.sock", "redis+socket:///run/v.sock?virtual_host=0"),
    ],
)
def test_the_broker_is_the_same_valkey(address, broker):
    assert broker_from_url(address) == broker


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path):
    first = secret_read_or_create("key", tmp_path / "secrets")
    assert first == secret_read_or_create("key", tmp_path / "secrets")
    assert len(first) >= 40
    assert (tmp_path / "secrets" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["key"]


def test_every_variable_is_documented_and_nothing_else():
    sources = [*(ROOT / "chatbot").rglob("*.py"), *(ROOT / "apps").rglob("*.py")]
    product = [path.read_text() for path in sources if not {"tests", "testing", "bench"} & set(path.parts)]
    read = re.compile(r"(?:env_\w+|environ(?:ment)?\.get)\(\s*\"(CHATBOT_[A-Z0-9_]+)\"")
    found = {name for text in product for name in read.findall(text)}
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `CHATBOT_")]
    documented = {name for row in rows for name in re.findall(r"CHATBOT_[A-Z0-9_]+", row)}
    assert found, "no variables found"
    assert sorted(found - documented) == []
    assert sorted(name for name in documented if not any(name in text for text in product)) == []


def test_checks_refuse_known_defaults(settings):
    from chatbot.checks import production_refuses_defaults

    assert production_refuses_defaults() == []
    settings.ALLOWED_HOSTS, settings.DEBUG, settings.SECRET_KEY = ["*", "chat.example.org"], True, "short"
    assert {problem.id for problem in production_refuses_defaults()} == {"chatbot.E001", "chatbot.E002", "chatbot.E003"}
