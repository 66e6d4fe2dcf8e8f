"""Tasks of the ingest worker, and the clean-up that beat starts."""

from typing import Any
from uuid import UUID

from celery import current_app, shared_task
from kombu.exceptions import OperationalError

from apps.documents import page_images
from chatbot.lib.queue import task_enqueue

# The soft limit ends reading with a sentence; the hard one, below the lease's length, ends what does not listen.
SOFT_SECONDS = 40
HARD_SECONDS = 55


@shared_task(soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def document_parse(version_id: str) -> None:
    """Read a slice of the version and come again for the next."""
    from apps.documents.reading import version_parse_step

    if version_parse_step(version_id=UUID(version_id)):
        task_enqueue(document_parse, version_id)


@shared_task(soft_time_limit=15, time_limit=20)
def page_render(version_id: str, page: int, answer_key: str) -> None:
    """Draw a page and tell who waits for it."""
    from apps.documents import page_drawing

    is_done = False
    try:
        is_done = page_drawing.page_draw(version_id=UUID(version_id), page=page)
    finally:
        page_images.answer_send(answer_key, is_done=is_done)


@shared_task(expires=30)
def versions_reconcile() -> None:
    """Bring in again what no worker has."""
    from apps.documents import services

    services.versions_reconcile()


def ingest_queue_is_empty() -> bool:
    """Whether no message waits for an ingest worker. False if the broker does not answer."""
    queue = current_app.amqp.router.route({}, document_parse.name)["queue"].name
    try:
        with current_app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            try:
                return int(channel.queue_declare(queue=queue, passive=True).message_count) == 0
            except connection.channel_errors:
                # Valkey has no list where nothing waits.
                return True
    except OperationalError:
        return False
