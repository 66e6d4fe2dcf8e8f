"""Quotas: questions a day, documents, bytes; for each person and for the whole workspace.

Questions are counted in rows of their own, one a day and person, and one a day for a workspace that has a limit:
an update of a counter is exact under any number of questions at once and costs the same on the millionth.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.db import connection, transaction

from apps.accounts.exceptions import QuotaExceededError
from apps.accounts.models import User
from apps.accounts.selectors.quotas import Limits, today
from apps.audit.actions import QUOTA_EXCEEDED
from apps.audit.services import event_record
from chatbot.lib.keys import uuid7

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Counts one question and says what the counters and limits are. A workspace's own counter exists only where there is a
# limit on all: without one, nobody waits for anybody. It starts from what its people asked before the limit came.
_COUNT_SQL = """
WITH limits AS (
    SELECT COALESCE(m.messages_per_day, w.messages_per_day_per_user) AS of_user, w.messages_per_day AS of_all
    FROM accounts_workspace w JOIN accounts_membership m ON m.workspace_id = w.id AND m.user_id = %(user)s
    WHERE w.id = %(workspace)s
), wanted AS (
    SELECT %(user_row)s::uuid AS id, %(user)s::uuid AS user_id, 1 AS start FROM limits
    UNION ALL
    SELECT %(all_row)s::uuid, NULL, 1 + COALESCE((
        SELECT sum(u.messages) FROM accounts_dailyusage u
        WHERE u.workspace_id = %(workspace)s AND u.day = %(day)s AND u.user_id IS NOT NULL
    ), 0)::int FROM limits WHERE of_all IS NOT NULL
), counted AS (
    INSERT INTO accounts_dailyusage AS usage (id, workspace_id, user_id, day, messages)
    SELECT id, %(workspace)s, user_id, %(day)s, start FROM wanted
    ON CONFLICT (workspace_id, user_id, day) DO UPDATE SET messages = usage.messages + 1
    RETURNING user_id, messages
)
SELECT counted.user_id IS NULL, counted.messages, limits.of_user, limits.of_all FROM counted, limits
"""


def quota_message_take(*, user: User, workspace_id: UUID) -> None:
    """Count one question, in the caller's transaction: if that fails, it was not asked. One query.

    Raises QuotaExceededError when today's allowance of the person or of the workspace is used up.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_SQL,
            {"user": user.pk, "workspace": workspace_id, "day": today(), "user_row": uuid7(), "all_row": uuid7()},
        )
        rows = cursor.fetchall()
    for is_everybody, count, limit_user, limit_all in rows:
        limit = limit_all if is_everybody else limit_user
        if limit is not None and count > limit:
            raise _exceeded("messages", is_everybody=is_everybody, limit=limit, user=user, workspace_id=workspace_id)


def quota_upload_check(
    *,
    user: User,
    workspace_id: UUID,
    limits: Limits,
    documents_user: int,
    documents_workspace: int,
    bytes_user: int,
    bytes_workspace: int,
) -> None:
    """Pass if what would be stored with the new file stays within the limits. No query.

    The caller holds a lock under which it counted (`documents.services`). Raises QuotaExceededError.
    """
    checks = (
        ("documents", False, documents_user, limits.documents_user),
        ("documents", True, documents_workspace, limits.documents_workspace),
        ("bytes", False, bytes_user, limits.bytes_user),
        ("bytes", True, bytes_workspace, limits.bytes_workspace),
    )
    for kind, is_everybody, used, limit in checks:
        if limit is not None and used > limit:
            raise _exceeded(kind, is_everybody=is_everybody, limit=limit, user=user, workspace_id=workspace_id)


def quota_refusals_recorded(service: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A service whose refusals by a quota are audited although its transaction is undone.

    Goes around `transaction.atomic`. Of nested ones the outermost records, where no transaction is left.
    """

    @wraps(service)
    def recorded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return service(*args, **kwargs)
        except QuotaExceededError as error:
            if error.refusal and not connection.in_atomic_block:
                with transaction.atomic():
                    event_record(**error.refusal)
                # Told once, however many services it passes on its way out.
                error.refusal = {}
            raise

    return recorded


_OF_USER = {
    "messages": "You may ask {limit:,} questions a day and have asked them. Tomorrow (UTC) you can go on.",
    "documents": "You may keep {limit:,} documents. Delete one that you do not need any more, then upload again.",
    "bytes": "You may keep {megabytes:,} MB of documents, and this file does not fit. Delete something first.",
}
_OF_ALL = {
    "messages": "Your workspace may ask {limit:,} questions a day and has asked them. Tomorrow (UTC) it goes on.",
    "documents": "Your workspace may keep {limit:,} documents and does. An administrator can raise the limit.",
    "bytes": "Your workspace may keep {megabytes:,} MB of documents, and this file does not fit.",
}
_MEGABYTE = 1024 * 1024


def _exceeded(kind: str, *, is_everybody: bool, limit: int, user: User, workspace_id: UUID) -> QuotaExceededError:
    words = (_OF_ALL if is_everybody else _OF_USER)[kind]
    refusal = {
        "action": QUOTA_EXCEEDED,
        "actor": user,
        "workspace_id": workspace_id,
        "data": {"kind": kind, "of": "workspace" if is_everybody else "user", "limit": limit},
        "result": "refused",
    }
    detail = words.format(limit=limit, megabytes=limit // _MEGABYTE)
    retry = {"retry_after": _seconds_to_midnight()} if kind == "messages" else {}
    return QuotaExceededError(detail, refusal=refusal, **retry)


def _seconds_to_midnight() -> int:
    now = datetime.now(tz=UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight - now).total_seconds()) + 1
