"""Prepares the processes that parse."""

from typing import Any

from celery.signals import worker_process_init

from apps.documents.limits import memory_cap


@worker_process_init.connect(dispatch_uid="documents.memory_cap")
def parser_process_cap(**_: Any) -> None:
    """Sent in each child of a prefork worker only, and only the ingest worker is one."""
    memory_cap()
