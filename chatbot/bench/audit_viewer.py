"""The viewer's searches on millions of generated rows over fourteen months. Django must be set up."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import Event
from apps.audit.selectors import EVERYTHING, Scope, Wanted, events_page
from chatbot.bench.report import folder, percentile

REPEATS = 100
MONTHS = 14
# Of each kind that a search looks for.
SAMPLES = 300
TARGET_MS = 200

_PARTITIONS = """
SELECT audit_partition_make((now() - make_interval(months => ago))::date) FROM generate_series(0, %s) AS ago
"""
# Few workspaces, people and actions have most events; a few are rare. Keys are ordered by time, as uuid7 is.
_GENERATE = """
INSERT INTO audit_event
SELECT
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid,
    at,
    workspace,
    coalesce(workspace, '00000000-0000-0000-0000-000000000000'),
    person,
    'person-' || person || '@example.org',
    CASE WHEN n %% 1000 = 0 THEN md5('person' || n %% 100)::uuid END,
    CASE WHEN n %% 1000 = 0 THEN 'person@example.org' ELSE '' END,
    (ARRAY['user', 'user', 'user', 'admin', 'viewer'])[1 + n %% 5],
    'action_' || floor(40 * random() ^ 4),
    CASE WHEN random() < 0.03 THEN 'refused' ELSE 'allowed' END,
    (ARRAY['documents.document', 'conversations.conversation', 'accounts.user'])[1 + n %% 3],
    md5('target' || floor(200000 * random() ^ 2))::uuid::text,
    'A thing that somebody did something to',
    ('10.1.' || n %% 200 || '.' || n %% 250)::inet,
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    md5(n::text),
    jsonb_build_object('number', n, 'documents', md5(n::text)),
    sha256(n::text::bytea)
FROM generate_series(1, %(rows)s) AS n,
    LATERAL (SELECT
        now() - %(span)s::interval * (1 - n / %(rows)s::float) AS at,
        CASE WHEN n %% 20 > 0 THEN md5('workspace' || floor(30 * random() ^ 3))::uuid END AS workspace,
        md5('person' || floor(3000 * random() ^ 2))::uuid AS person) AS made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Samples:
    """Values that occur, drawn from rows all over the time."""

    chains: list[UUID]
    people: list[UUID]
    actions: list[str]
    targets: list[tuple[str, str]]
    moments: list[datetime]


def viewer(rows: int, *, repeats: int = REPEATS) -> dict[str, Any]:
    """Generate the rows, then one line a search: so many times with random parameters. One plan each into a file."""
    load_seconds = _generate(rows)
    samples, dice = _samples(), random.Random(1)
    latency, plans = [], []
    for name, ask in _searches(samples, dice):
        took = []
        for _ in range(repeats):
            begun = time.perf_counter()
            ask()
            took.append(time.perf_counter() - begun)
        latency.append(
            {
                "search": name,
                "p50_ms": _milliseconds(took, 0.5),
                "p95_ms": _milliseconds(took, 0.95),
                "slowest_ms": _milliseconds(took, 1.0),
                "within_target": _milliseconds(took, 0.95) <= TARGET_MS,
            }
        )
        plans += [f"== {name}", *_plans(ask), ""]
    path = folder() / "audit-plans.txt"
    path.write_text("\n".join(plans))
    return {
        "generated": {"rows": rows, "seconds": round(load_seconds), **_sizes()},
        "viewer": latency,
        "plans": str(path),
    }


def _generate(rows: int) -> float:
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [MONTHS])
        with _loading(cursor):
            cursor.execute(_GENERATE, {"rows": rows, "span": f"{30 * MONTHS} days"})
        cursor.execute("VACUUM ANALYZE audit_event")
    return time.perf_counter() - begun


@contextmanager
def _loading(cursor: Any) -> Iterator[None]:
    """Without triggers, and without indexes until all is there: one build each instead of millions of insertions."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = 'audit_event'::regclass AND NOT indisprimary"
    )
    indexes = cursor.fetchall()
    cursor.execute("SET session_replication_role = replica")
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    try:
        yield
    finally:
        for _, definition in indexes:
            cursor.execute(definition.replace(" ON ONLY ", " ON "))
        cursor.execute("RESET session_replication_role")
        cursor.execute("RESET maintenance_work_mem")


def _samples() -> _Samples:
    newest = Event.objects.order_by("-created_at").values_list("created_at", flat=True)[0]
    moments = [newest - timedelta(days=30 * MONTHS * share / SAMPLES) for share in range(SAMPLES)]
    fields = ("chain", "actor_id", "action", "target_type", "target_id")
    rows = [
        row
        for moment in moments
        if (row := Event.objects.filter(created_at__lte=moment).order_by("-created_at").values_list(*fields).first())
    ]
    return _Samples(
        chains=[row[0] for row in rows],
        people=[row[1] for row in rows if row[1]],
        actions=[row[2] for row in rows],
        targets=[(row[3], row[4]) for row in rows],
        moments=moments,
    )


def _searches(samples: _Samples, dice: random.Random) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each as the pages ask it: a super admin sees all chains, an administrator one."""
    pick = dice.choice

    def scope() -> Scope:
        return Scope(chains=(pick(samples.chains),))

    def period() -> dict[str, datetime]:
        begin = pick(samples.moments)
        return {"since": begin - timedelta(days=7), "until": begin}

    def target() -> dict[str, str]:
        kind, key = pick(samples.targets)
        return {"target_type": kind, "target_id": key}

    def page(where: Callable[[], Scope], what: Callable[[], dict[str, Any]], turns: int = 0) -> Callable[[], object]:
        def ask() -> object:
            found_scope, wanted = where(), Wanted(**what()).windowed()
            found = events_page(scope=found_scope, wanted=wanted)
            for _ in range(turns):
                found = events_page(scope=found_scope, wanted=wanted, cursor=found.next) if found.next else found
            return found

        return ask

    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "newest": dict,
        "a week": period,
        "refused": lambda: {"result": Event.Result.REFUSED},
        "action": lambda: {"actions": (pick(samples.actions),)},
        "person": lambda: {"people": (pick(samples.people),)},
        "target": target,
        "person, action, week": lambda: {
            "people": (pick(samples.people),), "actions": (pick(samples.actions),), **period()
        },
        "action, refused, week": lambda: {
            "actions": (pick(samples.actions),), "result": Event.Result.REFUSED, **period()
        },
    }  # fmt: skip
    places: dict[str, Callable[[], Scope]] = {"all": lambda: EVERYTHING, "one workspace": scope}
    for place, where in places.items():
        for kind, what in kinds.items():
            yield f"{place}: {kind}", page(where, what)
        yield f"{place}: twenty pages back", page(where, dict, turns=20)
    nobody = UUID(int=1)
    yield "one workspace: nobody", page(scope, lambda: {"people": (nobody,)})
    yield "one workspace: an action that never was", page(scope, lambda: {"actions": ("never",)})
    yield (
        "one workspace: everything of an hour a year ago",
        page(
            scope,
            lambda: {"since": timezone.now() - timedelta(days=365), "until": timezone.now() - timedelta(days=364.96)},
        ),
    )


def _plans(ask: Callable[[], object]) -> list[str]:
    """The plan of each query of one search, as the database executed it."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    lines: list[str] = []
    with connection.cursor() as cursor:
        for query in asked.captured_queries[:2]:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {query['sql']}")
            lines += [row[0] for row in cursor.fetchall() if "never executed" not in row[0]]
    return lines


def _milliseconds(seconds: list[float], share: float) -> float:
    return round(percentile(seconds, share) * 1000, 2)


def _sizes() -> dict[str, float]:
    """Gigabytes of rows and of indexes, all months together."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_table_size(inhrelid)), sum(pg_indexes_size(inhrelid)) FROM pg_inherits"
            " WHERE inhparent = 'audit_event'::regclass"
        )
        rows, indexes = cursor.fetchone()
    return {"rows_gb": round(float(rows) / 1e9, 2), "indexes_gb": round(float(indexes) / 1e9, 2)}
