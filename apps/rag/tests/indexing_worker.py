"""A worker process of its own: `python -m apps.rag.tests.indexing_worker KEY…` indexes the versions with these keys.

It says `ready` and begins with the first line that it is sent, so that several begin at the same moment. It goes over
the keys in an order of its own, as messages come in any order and more than once, and leaves alone what another has.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import quote, urlsplit
from uuid import UUID

# With Python, Django and our own modules to load on a busy machine.
PATIENCE_SECONDS = 120


@contextmanager
def workers(*, database: str, version_ids: Sequence[UUID], count: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """So many workers on this database, all ready. None outlives the block."""
    address = urlsplit(os.environ["CHATBOT_DATABASE_URL"])._replace(path=f"/{quote(database)}")
    environment = {
        **os.environ,
        "CHATBOT_DATABASE_URL": address.geturl(),
        "DJANGO_SETTINGS_MODULE": "chatbot.settings.test",
    }
    command = [sys.executable, "-m", "apps.rag.tests.indexing_worker", *map(str, version_ids)]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            process = stack.enter_context(
                subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe)
            )
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == "ready\n", "A worker did not start; see what it says."
        yield started


def workers_run(processes: Sequence["subprocess.Popen[str]"]) -> list[int]:
    """Let all begin, wait for their ends, and return their exit statuses."""
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.wait(PATIENCE_SECONDS) for process in processes]


def main(keys: Sequence[str]) -> None:
    import django

    django.setup()
    from apps.rag.services import document_index_step
    from apps.rag.testing import fake_embedder

    version_ids = [UUID(key) for key in keys]
    random.shuffle(version_ids)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with fake_embedder():
        for version_id in version_ids:
            while document_index_step(version_id=version_id):
                pass


if __name__ == "__main__":
    main(sys.argv[1:])
