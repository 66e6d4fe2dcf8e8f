"""Background work of conversations. A row with a lease is the job; a task only wakes a worker for it."""

from uuid import UUID

from celery import shared_task

from apps.conversations.gaps import gaps_compute, gaps_workspaces
from apps.conversations.leases import leases_lapsed_end, replies_due
from apps.conversations.streams import queue_is_empty, replies_end
from chatbot.lib.queue import task_enqueue

# A reply that no worker took within this time may have been lost with the broker.
QUEUED_SECONDS = 5.0
# While other messages wait before it, it has likely not been lost.
QUEUED_BEHIND_SECONDS = 60.0


@shared_task(ignore_result=True)
def reply_generate(message_id: str) -> None:
    """Write one reply. May be called any number of times: only who gets the lease does anything."""
    from apps.conversations.replies.answering import reply_answer

    reply_answer(UUID(message_id))


@shared_task(ignore_result=True)
def replies_reconcile() -> None:
    """Bring in replies that wait for a worker: their task was lost, or the worker that wrote them died."""
    if ended := leases_lapsed_end():
        replies_end(ended)
    queued_seconds = QUEUED_SECONDS if queue_is_empty() else QUEUED_BEHIND_SECONDS
    for message_id in replies_due(queued_seconds=queued_seconds, again_seconds=QUEUED_SECONDS):
        task_enqueue(reply_generate, str(message_id))


@shared_task(ignore_result=True)
def gaps_refresh() -> None:
    """Each night: count anew what the documents of every workspace do not answer."""
    for workspace_id in gaps_workspaces():
        task_enqueue(gaps_count, str(workspace_id))


@shared_task(ignore_result=True)
def gaps_count(workspace_id: str) -> None:
    """Of one workspace. Twice changes nothing."""
    gaps_compute(workspace_id=UUID(workspace_id))
