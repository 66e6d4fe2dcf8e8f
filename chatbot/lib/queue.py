"""Handing work to the broker. Every job is a row, so a broker that is down loses nothing."""

import logging
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def task_enqueue(
    task: "Task[..., Any]", *arguments: object, queue: str | None = None, expires_seconds: float | None = None
) -> bool:
    """Wake a worker for a row that stands in the database; call it in `transaction.on_commit`.

    `queue`: another than the task's own. `expires_seconds`: when the message is worth nothing any more.
    False when the broker does not answer: the row stays as it is and the task's reconciler brings it in later.
    """
    try:
        options: dict[str, Any] = {"queue": queue, "expires": expires_seconds}
        task.apply_async(
            args=arguments, ignore_result=True, **{name: value for name, value in options.items() if value is not None}
        )
    except OperationalError:
        logger.warning("The broker does not answer; %s waits for the reconciler.", task.name)
        return False
    return True
