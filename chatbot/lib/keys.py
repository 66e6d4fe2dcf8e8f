"""Primary keys: uuid version 7, ordered by time, so that indexes stay dense."""

import uuid
from functools import partial

import uuid_utils.compat
from django.db import models


def uuid7() -> uuid.UUID:
    """A new time-ordered uuid (RFC 9562)."""
    return uuid_utils.compat.uuid7()


uuid7_key = partial(models.UUIDField, primary_key=True, default=uuid7, editable=False)
