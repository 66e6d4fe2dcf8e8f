"""The HNSW graph of a profile: a partial index of its own over the vectors of its passages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection

from apps.rag.dense import hnsw_index_create, hnsw_index_drop, hnsw_index_name
from apps.rag.models import IndexProfile

# A graph that does not fit into memory while it is built takes many times as long.
MEMORY_MAXIMUM_MB = 1024
# Neighbours and page headers beside each vector.
NODE_BYTES = 400


def graph_create(profile: IndexProfile) -> bool:
    """Build the graph, beside searches and writers. True: it stands; False: another connection is just building it.

    What a killed worker left half-built is built anew; the database may still be at it, then the lock is held. Inside
    a transaction, which tests have and the making of the first profile, nothing can be built beside writers, and they
    wait.
    """
    with _as_owner() as cursor, _locked(cursor, profile) as is_locked:
        if not is_locked:
            return False
        if not graph_stands(profile):
            with _memory(cursor, profile):
                hnsw_index_create(profile=profile, concurrently=not connection.in_atomic_block)
        return True


def graph_stands(profile: IndexProfile) -> bool:
    """Whether searches can use it: all of it is built. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indisvalid AND indexrelid = to_regclass(%s))",
            [hnsw_index_name(profile)],
        )
        return bool(cursor.fetchone()[0])


def graph_drop(profile: IndexProfile) -> None:
    """Without effect if there is none."""
    with _as_owner():
        hnsw_index_drop(profile=profile, concurrently=not connection.in_atomic_block)


def graph_bytes(profiles: Sequence[IndexProfile]) -> dict[UUID, int]:
    """Sizes on disk; 0 where there is no graph. One query."""
    names = {hnsw_index_name(profile): profile.pk for profile in profiles}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, coalesce(pg_relation_size(to_regclass(name)), 0) FROM unnest(%s::text[]) AS name",
            [list(names)],
        )
        return {names[name]: size for name, size in cursor.fetchall()}


@contextmanager
def _as_owner() -> Iterator[Any]:
    """A cursor with the rights of the database user that signed in.

    The role that the application acts under may not make indexes on tables; that user owns them.
    """
    is_local = connection.in_atomic_block
    scope = "LOCAL" if is_local else "SESSION"
    with connection.cursor() as cursor:
        if is_local:
            # Postgres changes no table whose rows still have to be checked.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SELECT quote_ident(current_setting('role'))")
        [role] = cursor.fetchone()
        cursor.execute(f"SET {scope} ROLE NONE")
        try:
            yield cursor
        except BaseException:
            # In a failed transaction no statement is taken, and its end gives the role back.
            if not is_local:
                cursor.execute(f"SET SESSION ROLE {role}")
            raise
        cursor.execute(f"SET {scope} ROLE {role}")


@contextmanager
def _locked(cursor: Any, profile: IndexProfile) -> Iterator[bool]:
    """Held by the connection, not by a lease: building goes on in the database after its worker was killed."""
    key = f"rag_graph {profile.pk}"
    kind = "xact_lock" if connection.in_atomic_block else "lock"
    cursor.execute(f"SELECT pg_try_advisory_{kind}(hashtextextended(%s, 0))", [key])
    [is_locked] = cursor.fetchone()
    try:
        yield is_locked
    finally:
        if is_locked and kind == "lock":
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


@contextmanager
def _memory(cursor: Any, profile: IndexProfile) -> Iterator[None]:
    """As much memory as the graph needs, within reason, and one process.

    Several would share it through /dev/shm, which containers keep small.
    """
    if connection.in_atomic_block:
        yield
        return
    width = 2 if profile.vector_type == IndexProfile.VectorType.HALFVEC else 4
    needed = profile.chunks.count() * (profile.dimensions * width + NODE_BYTES) // 1024**2 + 64
    cursor.execute(f"SET maintenance_work_mem = '{min(needed, MEMORY_MAXIMUM_MB):d}MB'")
    cursor.execute("SET max_parallel_maintenance_workers = 0")
    try:
        yield
    finally:
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("RESET max_parallel_maintenance_workers")
