"""How long the steps of a search take."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Stopwatch:
    """`timings`: step → milliseconds, summed where a step comes more than once. Steps may run beside each other."""

    def __init__(self) -> None:
        self._started = perf_counter()
        self.timings: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + (perf_counter() - started) * 1000

    @property
    def total_ms(self) -> float:
        return (perf_counter() - self._started) * 1000
