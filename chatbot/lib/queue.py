"""Handing work to the broker. Every job is a row, so a broker that is down loses nothing."""

import logging
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def task_enqueue(task: "Task[..., Any]", *arguments: object) -> bool:
    """Wake a worker for a row that stands in the database; call it in `transaction.on_commit`.

    False when the broker does not answer: the row stays as it is and the task's reconciler brings it in later.
    """
    try:
        task.apply_async(args=arguments, ignore_result=True)
    except OperationalError:
        logger.warning("The broker does not answer; %s waits for the reconciler.", task.name)
        return False
    return True
