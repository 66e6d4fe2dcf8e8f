"""What workers do: index documents, and search for the web process."""

from time import monotonic
from typing import Any
from uuid import UUID

from celery import shared_task

# Celery finds the tasks of the app's packages by way of this module.
from apps.rag.evaluation import tasks as evaluation_tasks  # noqa: F401
from apps.rag.profiles import tasks as profile_tasks  # noqa: F401
from apps.rag.remote import search_answer
from chatbot.lib.errors import AppError
from chatbot.lib.queue import task_enqueue

# A slice takes 8 s; the hard limit stays below the lease's length.
SOFT_SECONDS = 40
HARD_SECONDS = 55
# Of each minute; the rest is for indexing.
REFRESH_SECONDS = 15


@shared_task(soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def document_index(version_id: str) -> None:
    """Index a slice of the version and come again for the next."""
    from apps.rag.services import document_index_step

    if document_index_step(version_id=UUID(version_id)):
        document_index_enqueue(UUID(version_id))


def document_index_enqueue(version_id: UUID) -> None:
    """Have workers that can reach the live profile's model index the version."""
    from apps.rag.profiles.embedding import live_queue

    task_enqueue(document_index, str(version_id), queue=live_queue())


@shared_task(soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def document_weights_refresh() -> None:
    """Bring the words' weights up to date where passages have become longer or shorter; the next call goes on."""
    from apps.rag.statistics import weights_refresh_step

    weights_refresh_step(deadline=monotonic() + REFRESH_SECONDS)


@shared_task(throws=(AppError,))
def search_run(key: str, user_id: str, query: dict[str, Any]) -> None:
    """Search with the permissions that the person has now and push the answer onto the list `key`."""
    search_answer(key=key, user_id=user_id, query=query)
