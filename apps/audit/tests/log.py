"""Writing, spoiling and verifying a log in tests."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from io import StringIO
from typing import Any, cast

from django.core.management import CommandError, call_command
from django.db import connection

from apps.audit import actions
from apps.audit.services import event_record


def write(count: int, *, workspace=None, actor=None) -> None:
    """So many events, each in a transaction of its own if the test is transactional."""
    for number in range(count):
        event_record(
            action=actions.DOCUMENT_UPLOADED,
            actor=actor,
            workspace_id=workspace.pk if workspace else None,
            data={"number": number},
        )


def verify(**options) -> tuple[bool, list[dict[str, Any]]]:
    """What audit_verify says: whether all is good, and one report a chain."""
    out = StringIO()
    try:
        call_command("audit_verify", json=True, stdout=out, **options)
        is_good = True
    except CommandError as error:
        is_good = error.returncode != 1
    return is_good, [json.loads(line) for line in out.getvalue().splitlines()]


def flaw() -> dict[str, Any]:
    """The one flaw that audit_verify finds."""
    is_good, reports = verify()
    found = [report["flaw"] for report in reports if report["flaw"]]
    assert (is_good, len(found)) == (False, 1)
    (only,) = found
    return cast("dict[str, Any]", only)


@contextmanager
def superuser():
    """SQL past every trigger, as only a superuser of the database can."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


def together(*works: Callable[[], object]) -> None:
    """Run at the same time, each with a connection of its own; raises the first error."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(30)
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]
