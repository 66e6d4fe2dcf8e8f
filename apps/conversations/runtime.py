"""An event loop beside synchronous code: one thread per process in which all its replies stream side by side."""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from chatbot.lib.valkey import valkey_async_close

ResultT = TypeVar("ResultT")

CLOSE_SECONDS = 2.0


class Runtime:
    """An event loop in a thread of its own. It lives as long as the process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="replies", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run it in the loop and wait for its result. Not from the loop's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        """Cancel what still runs and let the connections go."""
        asyncio.run_coroutine_threadsafe(_tidy(), self.loop).result(CLOSE_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_SECONDS)


async def _tidy() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await valkey_async_close()


_made: list[Runtime] = []
_make_lock = threading.Lock()


def runtime() -> Runtime:
    """The process's runtime for replies. There must not be two, whoever asks first."""
    with _make_lock:
        if not _made:
            _made.append(Runtime())
        return _made[0]
