"""Background work of judging. A row with a lease is the job; a task only wakes a worker for it."""

from uuid import UUID

from celery import shared_task

from chatbot.lib.errors import AppError
from chatbot.lib.queue import task_enqueue


@shared_task(throws=(AppError,))
def evaluation_step(run_id: str) -> None:
    """Measure a slice of the run and come again for the next."""
    from apps.rag.evaluation.runs import run_step

    if run_step(run_id=UUID(run_id)):
        task_enqueue(evaluation_step, run_id)


@shared_task(expires=30)
def evaluations_reconcile() -> None:
    """Bring in again what no worker has: evaluations, and proposals of golden questions."""
    from apps.rag.evaluation.proposal_runs import proposals_reconcile
    from apps.rag.evaluation.runs import runs_reconcile

    runs_reconcile()
    proposals_reconcile()


@shared_task
def evaluations_nightly() -> None:
    """Measure every collection that has enough golden questions."""
    from apps.rag.evaluation.nightly import nightly_start

    nightly_start()


@shared_task(throws=(AppError,))
def proposals_continue(run_id: str) -> None:
    """Have questions proposed from a few passages of the run and come again for the next."""
    from apps.rag.evaluation.proposal_runs import proposals_step

    if proposals_step(run_id=UUID(run_id)):
        task_enqueue(proposals_continue, run_id)
