"""What the commands' arguments mean."""

from datetime import UTC, datetime
from uuid import UUID

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime

from apps.audit.sources import workspace_id_of


def chain_require(workspace: str) -> UUID | None:
    """The chain of a workspace's short name or id; None for an empty text, which means all. Raises CommandError.

    An id needs no workspace: the log of a deleted one stays.
    """
    if not workspace:
        return None
    try:
        return UUID(workspace)
    except ValueError:
        found = workspace_id_of(workspace)
    if found is None:
        raise CommandError(f"There is no workspace {workspace!r}.")
    return found


def moment_require(text: str) -> datetime | None:
    """A date (its first instant in UTC) or a time; None for an empty text. Raises CommandError."""
    if not text:
        return None
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text!r} is neither a date nor a time: write 2026-11-21 or 2026-11-21T14:00:00+00:00.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
