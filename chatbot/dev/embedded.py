"""Postgres and Valkey for the length of a `with` block: tests and benchmarks."""

import atexit
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from chatbot.dev.postgres import Postgres
from chatbot.dev.postgres import stop as server_stop
from chatbot.dev.valkey import Valkey


@contextlib.contextmanager
def servers(directory: Path, *, fsync: bool = False, postgres: type[Postgres] = Postgres) -> Iterator[dict[str, str]]:
    """Start both servers under `directory` and yield the environment that points to them.

    They are stopped at the end; the directory stays, so a second block over it finds the data as it was.
    Raises DevError if one does not start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    database = postgres(directory / "postgres", fsync=fsync)
    valkey = Valkey(directory / "valkey")
    database.prepare()
    valkey.prepare()
    with contextlib.ExitStack() as stack:
        # A caller that ends without leaving the block must not leave servers behind.
        atexit.register(stack.close)
        stack.callback(atexit.unregister, stack.close)
        for sockets in (database.sockets, valkey.directory):
            if not sockets.is_relative_to(directory):
                stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        stack.callback(server_stop, database.start(directory / "postgres.log"))
        stack.callback(server_stop, valkey.start(directory / "valkey.log"))
        database.wait_ready()
        valkey.wait_ready()
        database.database_create()
        yield {"CHATBOT_DATABASE_URL": database.url(), "CHATBOT_VALKEY_URL": valkey.url()}
