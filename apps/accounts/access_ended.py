"""News that somebody may no longer be here: whoever holds open streams for them must look at once.

The news decides nothing. Each stream looks into the database whether its own session, token or key still holds and
whether its person may still read, so one sign-in that ends closes no other's streams.
"""

import logging
from uuid import UUID

from django.db import transaction
from redis.exceptions import RedisError

from chatbot.lib.valkey import valkey

logger = logging.getLogger(__name__)

CHANNEL = "access-ended"


def access_ended_announce(*, user_id: UUID) -> None:
    """After commit, have every web process look at what this person has open.

    A lost message is made up for by streams, which look again by themselves every few seconds.
    """
    transaction.on_commit(lambda: _publish(user_id))


def _publish(user_id: UUID) -> None:
    try:
        valkey().publish(CHANNEL, str(user_id))
    except (RedisError, OSError):
        logger.warning("Open streams could not be told that somebody's access ended: Valkey does not answer.")
