"""What watches over open streams, within its event loop."""

import asyncio
import time
from uuid import uuid4

from apps.accounts.access import Access
from apps.accounts.access_guard import LINGER_SECONDS, AccessGuard

# Of the steps that a connection to Valkey takes until it listens.
STEPS = 60


async def opened_for(steps: int) -> None:
    """A stream that ends after so many turns of the event loop, and the loop with it."""
    async with AccessGuard(access=Access(user_id=uuid4()), check=lambda _: None):
        for _ in range(steps):
            await asyncio.sleep(0)


def test_an_event_loop_that_ends_is_not_kept_whatever_the_guards_are_doing():
    for steps in range(STEPS):
        began = time.monotonic()
        asyncio.run(opened_for(steps))
        assert time.monotonic() - began < LINGER_SECONDS / 10
