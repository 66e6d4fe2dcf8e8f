"""Open streams end with the access that opened them: at once where the news arrives, else within a quarter of a minute.

One subscription per event loop hears the news (`access_ended`). It says only whose access changed; each stream of that
person then looks into the database, as it does from time to time by itself.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from redis.exceptions import RedisError

from apps.accounts.access import Access, access_holder
from apps.accounts.access_ended import CHANNEL
from apps.accounts.exceptions import NotAuthenticatedError
from apps.accounts.models import User
from chatbot.lib.errors import AppError, ForbiddenError, NotFoundError
from chatbot.lib.valkey import valkey_async

logger = logging.getLogger(__name__)

BACK_OFF_SECONDS = 1.0
# A subscription is kept for so long without a stream, as the next one is likely.
LINGER_SECONDS = 60.0
HEAR_SECONDS = 5.0

# Few: a look is two short queries, and each thread takes a connection for its length.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="access-looks")


class AccessGuard:
    """Watches over one open stream, inside `async with`.

    `check` raises NotFoundError or ForbiddenError once the person may not have it any more; it runs in a thread.
    When the access has ended, `error` says why (NotAuthenticatedError or ForbiddenError) and `on_end` is called.
    """

    def __init__(self, *, access: Access, check: Callable[[User], object]) -> None:
        self.access = access
        self.error: AppError | None = None
        self.on_end: Callable[[], None] | None = None
        self._check = check
        self._looking: asyncio.Task[None] | None = None
        self._must_look_again = False
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "AccessGuard":
        self._listener = _listener()
        self._listener.add(self)
        self._wind()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.remove(self)
        self.on_end = None
        if self._timer:
            self._timer.cancel()
        if self._looking:
            self._looking.cancel()

    def look(self) -> None:
        """Begin to look whether the access still holds."""
        if self.error is not None:
            return
        if self._looking is not None and not self._looking.done():
            # The look that runs may have read before the change.
            self._must_look_again = True
            return
        self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        self._must_look_again = True
        while self._must_look_again:
            self._must_look_again = False
            self.error = await asyncio.get_running_loop().run_in_executor(_threads, self._verdict)
            if self.error is not None:
                if self.on_end:
                    self.on_end()
                return
        self._wind()

    def _verdict(self) -> AppError | None:
        try:
            user = access_holder(self.access)
            if user is None:
                return NotAuthenticatedError()
            self._check(user)
        except (NotFoundError, ForbiddenError):
            return ForbiddenError("You may not see this any more.")
        except DatabaseError as error:
            logger.warning("Whether an access still holds cannot be read: %s", type(error).__name__)
        finally:
            # Back to the pool: this thread belongs to no request that would do it.
            connection.close()
        return None

    def _wind(self) -> None:
        if self._timer:
            self._timer.cancel()
        # Give or take a fifth, so that many begun together do not look together.
        delay = settings.ACCESS_LOOK_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311  # guards nothing
        self._timer = asyncio.get_running_loop().call_later(delay, self.look)


class _Listener:
    """Hears for all guards of one event loop whose access changed."""

    def __init__(self) -> None:
        self._guards: dict[UUID, set[AccessGuard]] = {}
        self._needed_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def add(self, guard: AccessGuard) -> None:
        self._guards.setdefault(guard.access.user_id, set()).add(guard)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def remove(self, guard: AccessGuard) -> None:
        guards = self._guards.get(guard.access.user_id, set())
        guards.discard(guard)
        if not guards:
            self._guards.pop(guard.access.user_id, None)

    async def _run(self) -> None:
        self._needed_at = asyncio.get_running_loop().time()
        while self._is_needed():
            try:
                async with valkey_async().pubsub() as subscription:
                    await subscription.subscribe(CHANNEL)
                    # News of before the subscription, or of the time between two, went by unheard.
                    self._look_all()
                    while self._is_needed():
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=HEAR_SECONDS)
                        if message is not None:
                            self._hear(message["data"])
            except (RedisError, OSError) as error:
                logger.warning("Valkey does not tell whose access ended: %s", type(error).__name__)
                await asyncio.sleep(BACK_OFF_SECONDS)

    def _is_needed(self) -> bool:
        """Whether there are streams, or were some a moment ago, and the event loop goes on.

        Up to Python 3.11 `asyncio.wait_for`, through which the client sends, swallows a cancellation that comes just as
        it ends: a loop that closes would wait for all of LINGER_SECONDS.
        """
        task, now = asyncio.current_task(), asyncio.get_running_loop().time()
        if task is not None and task.cancelling():
            return False
        if self._guards:
            self._needed_at = now
        return now - self._needed_at < LINGER_SECONDS

    def _hear(self, text: str) -> None:
        try:
            user_id = UUID(text)
        except ValueError:
            logger.warning("What came over the channel %s is nobody's key.", CHANNEL)
            return
        for guard in tuple(self._guards.get(user_id, ())):
            guard.look()

    def _look_all(self) -> None:
        for guards in tuple(self._guards.values()):
            for guard in tuple(guards):
                guard.look()


_listeners: WeakKeyDictionary[asyncio.AbstractEventLoop, _Listener] = WeakKeyDictionary()


def _listener() -> _Listener:
    """The running event loop's."""
    loop = asyncio.get_running_loop()
    found = _listeners.get(loop)
    if found is None:
        found = _listeners[loop] = _Listener()
    return found
