"""The audit log: many writers of one chain, what an event adds to a transaction, and the viewer's searches."""

import argparse
import os
import secrets
import statistics
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatbot.bench.corpus import database
from chatbot.bench.report import percentile

if TYPE_CHECKING:
    from apps.accounts.models import User, Workspace

EVENTS = 10_000
WRITERS = 50
TRANSACTIONS = 1500
# What is measured before the caches are warm.
WARM_UP = 50
ROWS = 1_000_000


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Everything of the log that has a target. On servers of its own, with a disk that is waited for.

    `--rows N`: generated rows for the viewer's searches, about 1.3 GB a million; 0 for none. On a database that the
    environment names there are none unless the number is given.
    """
    rows = args.rows if args.rows is not None else 0 if "CHATBOT_DATABASE_URL" in os.environ else ROWS
    # Each writer has a connection of its own.
    os.environ.setdefault("CHATBOT_DATABASE_POOL", str(WRITERS + 10))
    with database(fsync=True):
        workspace, user = _people()
        figures: dict[str, Any] = {
            "writers": _writers(
                workspace, user, count=getattr(args, "events", EVENTS), threads=getattr(args, "threads", WRITERS)
            ),
            "added_to_a_transaction": _added(workspace, user, getattr(args, "transactions", TRANSACTIONS)),
        }
        if rows:
            from chatbot.bench.audit_viewer import REPEATS, viewer

            figures |= viewer(rows, repeats=getattr(args, "repeats", REPEATS))
        return figures


def _milliseconds(seconds: list[float], share: float) -> float:
    return round(percentile(seconds, share) * 1000, 2)


def _people() -> "tuple[Workspace, User]":
    from apps.accounts.models import Membership, User, Workspace

    label = f"bench-{secrets.token_hex(6)}"
    workspace = Workspace.objects.create(name=label, slug=label)
    user = User.objects.create_user(f"{label}@example.org")
    Membership.objects.create(user=user, workspace=workspace, role="admin")
    return workspace, user


def _writers(workspace: "Workspace", user: "User", *, count: int, threads: int) -> dict[str, Any]:
    """So many events by threads with connections of their own, all into one chain, which is then verified."""
    from apps.audit.models import Event
    from apps.audit.verification import log_verify

    took: list[float] = []
    seconds = _together(threads, lambda: took.extend(_write(workspace, user, count // threads)))
    written = count // threads * threads
    begun = time.perf_counter()
    report = next(log_verify(chain=workspace.pk))
    verify_seconds = time.perf_counter() - begun
    return {
        "threads": threads,
        "events": written,
        "lost": written - Event.objects.filter(chain=workspace.pk).count(),
        "chain": "good" if report.flaw is None and report.last_seq == written else f"bad: {report.flaw}",
        "events_per_second": round(written / seconds),
        "event_p50_ms": _milliseconds(took, 0.5),
        "event_p95_ms": _milliseconds(took, 0.95),
        "verified_per_second": round(report.event_count / verify_seconds),
    }


def _write(workspace: "Workspace", user: "User", count: int) -> list[float]:
    from apps.audit.actions import DOCUMENT_UPLOADED
    from apps.audit.services import event_record

    took = []
    for number in range(count):
        begun = time.perf_counter()
        event_record(
            action=DOCUMENT_UPLOADED, actor=user, workspace_id=workspace.pk, target=workspace, data={"number": number}
        )
        took.append(time.perf_counter() - begun)
    return took


def _together(count: int, work: Callable[[], None]) -> float:
    """Seconds in which so many threads, connected before, have done it."""
    from django.db import connection

    start = threading.Barrier(count + 1)

    def each() -> None:
        connection.ensure_connection()
        start.wait()
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=each) for _ in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def _added(workspace: "Workspace", user: "User", count: int) -> dict[str, Any]:
    """A small transaction that changes one row, by turns without and with an event, by one writer."""
    from django.db import transaction

    took: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * count):
        has_event = bool(number % 2)
        begun = time.perf_counter()
        with transaction.atomic():
            type(workspace).objects.filter(pk=workspace.pk).update(name=f"bench {number}")
            if has_event:
                _write(workspace, user, 1)
        took[has_event].append(time.perf_counter() - begun)
    plain, audited = took[False][WARM_UP:], took[True][WARM_UP:]
    without, with_event = statistics.median(plain), statistics.median(audited)
    return {
        "transactions": len(plain),
        "without_p50_ms": _milliseconds(plain, 0.5),
        "without_p95_ms": _milliseconds(plain, 0.95),
        "with_p50_ms": _milliseconds(audited, 0.5),
        "with_p95_ms": _milliseconds(audited, 0.95),
        "added_p50_ms": round((with_event - without) * 1000, 2),
        "ratio_p50": round(with_event / without, 2),
    }
