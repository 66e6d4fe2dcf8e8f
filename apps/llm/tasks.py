"""Background work on models."""

from celery import shared_task

from apps.llm.services import models_sync


@shared_task(ignore_result=True)
def models_refresh() -> None:
    """Notice models that came or went while the product was running."""
    models_sync()
