"""Models at work while their caller asks the database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from apps.llm.ledger import Call, call_record, calls_kept

ResultT = TypeVar("ResultT")


@contextmanager
def computed_beside(function: Callable[[], ResultT]) -> Iterator[Callable[[], ResultT]]:
    """Run the function in a thread while the block goes on. What is yielded waits and returns, or raises, what it did.

    The function must not use the database: it would be another connection, outside the caller's transaction. The calls
    to models that it made are written down here, when the block is over, however it ends.
    """
    calls: list[Call] = []

    def run() -> ResultT:
        with calls_kept(calls):
            return function()

    try:
        with ThreadPoolExecutor(max_workers=1) as thread:
            yield thread.submit(run).result
    finally:
        for call in calls:
            call_record(call)
