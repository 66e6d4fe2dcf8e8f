"""News that somebody may no longer be here: open sockets and event streams must close at once."""

import json
import logging
from uuid import UUID

import redis
from django.db import transaction

from chatbot.lib.valkey import valkey

logger = logging.getLogger(__name__)

CHANNEL = "access-ended"


def access_ended_announce(*, user_id: UUID, session_key: str | None = None) -> None:
    """After commit, tell every web process to close what this person has open; with `session_key` only that sign-in's.

    A lost message is made up for by streams, which check again by themselves every few seconds.
    """
    message = json.dumps({"user_id": str(user_id), "session_key": session_key})
    transaction.on_commit(lambda: _publish(message))


def _publish(message: str) -> None:
    try:
        valkey().publish(CHANNEL, message)
    except (redis.ConnectionError, redis.TimeoutError):
        logger.warning("Open streams could not be told that somebody's access ended: Valkey does not answer.")
