"""Questions that arrive in the same instant are taken up one after the other.

All at once they would share the processor, and each would be answered when the last one is: fifty at once got their
first token at 485 ms beyond the model's own, in turn at 328 ms (p50; docs/decisions.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# One computes while the other waits for Postgres; one alone and four were both slower.
WIDTH = 2


class Turnstile:
    """Lets WIDTH questions through at a time, first come first served, each until its answer begins.

    What follows the beginning (the event stream) holds nobody up. Other requests pass freely.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._places = asyncio.Semaphore(WIDTH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST" or not scope["path"].rstrip("/").endswith("/messages"):
            await self._application(scope, receive, send)
            return
        await self._places.acquire()
        holds_place = True

        def leave() -> None:
            nonlocal holds_place
            if holds_place:
                holds_place = False
                self._places.release()

        async def send_and_leave(message: Mapping[str, Any]) -> None:
            leave()
            await send(message)

        try:
            await self._application(scope, receive, send_and_leave)
        finally:
            leave()
