"""Background work on indexes. The profile's row is the job; a task only wakes a worker for it."""

from uuid import UUID

from celery import shared_task

from chatbot.lib.errors import AppError
from chatbot.lib.queue import task_enqueue

# A slice takes 8 s; the hard limit stays below the lease's length.
SOFT_SECONDS = 60
HARD_SECONDS = 100
# The reconciler sends another message by then.
EXPIRES_SECONDS = 60


@shared_task(soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def index_step(profile_id: str) -> None:
    """Work on the profile for a slice and come again for the next."""
    from apps.rag.profiles.building import index_step as step_do
    from apps.rag.profiles.leases import Step

    match step_do(profile_id=UUID(profile_id)):
        case Step.MORE:
            step_enqueue(UUID(profile_id))
        case Step.GRAPH:
            task_enqueue(index_graph, profile_id, expires_seconds=EXPIRES_SECONDS)


@shared_task
def index_graph(profile_id: str) -> None:
    """Build the graph of a finished build. No time limit: it is the database that works."""
    from apps.rag.profiles.building import index_graph_step

    index_graph_step(profile_id=UUID(profile_id))


@shared_task(throws=(AppError,))
def index_switch_check(profile_id: str) -> None:
    """Check whether the switch that somebody asked for may be done, and do it."""
    from apps.rag.profiles.switching import index_switch_wanted

    index_switch_wanted(profile_id=UUID(profile_id))


@shared_task(soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def index_drop(profile_id: str) -> None:
    """Delete a slice of the profile and come again for the next."""
    from apps.rag.profiles.dropping import index_drop_step

    if index_drop_step(profile_id=UUID(profile_id)):
        task_enqueue(index_drop, profile_id, expires_seconds=EXPIRES_SECONDS)


@shared_task(expires=30)
def indexes_reconcile() -> None:
    """Bring in again what no worker has."""
    from apps.rag.profiles.reconciling import indexes_reconcile as reconcile

    reconcile()


def step_enqueue(profile_id: UUID) -> None:
    """Have workers that can reach the profile's model work on it."""
    from apps.rag.profiles.embedding import profile_queue

    if queue := profile_queue(profile_id):
        task_enqueue(index_step, str(profile_id), queue=queue, expires_seconds=EXPIRES_SECONDS)
