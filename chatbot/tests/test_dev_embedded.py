"""The embedded servers: they start, keep their data, and leave nothing running."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from chatbot.dev.embedded import servers


def running_in(directory) -> list[str]:
    return [
        process.info["name"]
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] in {"postgres", "valkey-server"} and str(directory) in " ".join(process.info["cmdline"])
    ]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not `tmp_path`: as root, Postgres runs as another user, and each pytest that starts closes that to others."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_data_is_there_the_second_time_and_nothing_stays_behind(folder):
    with servers(folder) as environment:
        with psycopg.connect(environment["CHATBOT_DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute("CREATE TABLE kept AS SELECT '[1,2,3]'::vector AS value")
        assert redis.Redis.from_url(environment["CHATBOT_VALKEY_URL"]).ping()
        assert running_in(folder)
    assert running_in(folder) == []

    with servers(folder) as again, psycopg.connect(again["CHATBOT_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT value::text FROM kept").fetchone() == ("[1,2,3]",)
    assert running_in(folder) == []


def test_long_path_works(folder):
    with servers(folder / ("d" * 70) / ("e" * 70)) as environment:
        with psycopg.connect(environment["CHATBOT_DATABASE_URL"]) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert redis.Redis.from_url(environment["CHATBOT_VALKEY_URL"]).ping()
