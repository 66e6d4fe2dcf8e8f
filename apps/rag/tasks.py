"""What workers do: index documents, and search for the web process."""

from typing import Any
from uuid import UUID

from celery import shared_task

from apps.rag.remote import search_answer
from chatbot.lib.errors import AppError
from chatbot.lib.queue import task_enqueue

# A slice takes 8 s; the hard limit stays below the lease's length.
SOFT_SECONDS = 40
HARD_SECONDS = 55


@shared_task(soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def document_index(version_id: str) -> None:
    """Index a slice of the version and come again for the next."""
    from apps.rag.services import document_index_step

    if document_index_step(version_id=UUID(version_id)):
        task_enqueue(document_index, version_id)


@shared_task(throws=(AppError,))
def search_run(key: str, user_id: str, query: dict[str, Any]) -> None:
    """Search with the permissions that the person has now and push the answer onto the list `key`."""
    search_answer(key=key, user_id=user_id, query=query)
