"""The event table's months. The database's own functions make them, so that the application needs no right to."""

from django.db import connection


def partitions_ensure() -> int:
    """Make what is missing of this month's partition and the next three; how many were made. One query."""
    return _number("SELECT audit_partitions_ensure()")


def partitions_drop() -> int:
    """Drop empty partitions of months that ended more than 30 days ago; how many. One query."""
    return _number("SELECT audit_partitions_drop()")


def _number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
