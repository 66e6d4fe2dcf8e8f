"""Live replies in Valkey: one stream per message. It may vanish at any time; the message row is the truth.

A stream's entries have ids `<sequence>-*`, the place in the reply after the entry. So the newest attempt's numbers are
the largest, and Valkey itself refuses what a worker of an older attempt still wants to add.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from apps.conversations.types import CitationEvent
from chatbot.lib.valkey import valkey

logger = logging.getLogger(__name__)

LIVE_SECONDS = 900
ENDED_SECONDS = 120
STOP_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. `value`: the text, the status, the citation as JSON; empty for `end`."""

    sequence: int
    kind: Literal["token", "citation", "status", "end"]
    value: str = ""


_LETTERS: dict[str, Literal["token", "citation", "status", "end"]] = {
    "t": "token",
    "c": "citation",
    "s": "status",
    "e": "end",
}
_LETTER_OF = {kind: letter for letter, kind in _LETTERS.items()}


def stream_key(message_id: UUID) -> str:
    return f"reply:{message_id}"


def stop_key(message_id: UUID) -> str:
    return f"reply:{message_id}:stop"


def entry_fields(entry: Entry) -> dict[Any, Any]:
    return {_LETTER_OF[entry.kind]: entry.value}


def entry_id(entry: Entry) -> str:
    return f"{entry.sequence}-*"


def entry_read(identity: str, fields: dict[str, str]) -> Entry:
    letter, value = next(iter(fields.items()))
    return Entry(sequence=int(identity.partition("-")[0]), kind=_LETTERS[letter], value=value)


def citation_write(citation: CitationEvent) -> str:
    return json.dumps(asdict(citation), default=str, separators=(",", ":"))


def citation_read(value: str) -> CitationEvent:
    fields = json.loads(value)
    document_id = fields.pop("document_id")
    chunk_id = fields.pop("chunk_id")
    return CitationEvent(
        document_id=UUID(document_id) if document_id else None, chunk_id=UUID(chunk_id) if chunk_id else None, **fields
    )


def replies_stop(message_ids: Sequence[UUID]) -> None:
    """Tell the workers at once. Without Valkey they see `stop_requested` of the row, some seconds later."""
    try:
        with valkey().pipeline(transaction=False) as pipeline:
            for message_id in message_ids:
                pipeline.set(stop_key(message_id), "1", ex=STOP_SECONDS)
            pipeline.execute()
    except RedisError:
        logger.warning("Valkey does not answer; workers see the stop in the row.")


def replies_end(message_ids: Sequence[UUID]) -> None:
    """Wake the subscribers of replies that ended outside a worker: they look at the row.

    From now on Valkey refuses what a worker still wants to add.
    """
    try:
        with valkey().pipeline(transaction=False) as pipeline:
            for message_id in message_ids:
                # An id made by the server is larger than any sequence number.
                pipeline.xadd(stream_key(message_id), {"e": ""}, id="*")
                pipeline.expire(stream_key(message_id), ENDED_SECONDS)
            pipeline.execute(raise_on_error=False)
    except RedisError:
        logger.warning("Valkey does not answer; subscribers look at the row by themselves.")


def queue_is_empty() -> bool:
    """Whether nothing waits for a worker in the replies' queue. The broker keeps each queue as a list of its name."""
    try:
        return not valkey().llen(settings.CELERY_TASK_DEFAULT_QUEUE)
    except RedisError:
        return True
