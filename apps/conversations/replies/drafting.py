"""An answer from passages on its way from the model to the people: checked before it is shown, its markers right."""

import asyncio
import time
from collections.abc import Iterator

from apps.conversations.replies.checking import answer_is_doubtful
from apps.conversations.replies.citations import CitationFilter, Piece
from apps.conversations.replies.holding import Holder, is_refusal
from apps.conversations.replies.preparing import Work


class NotAnsweredError(Exception):
    """What the model writes is no answer that the passages bear; nothing of it was shown."""


class Draft:
    """Takes the model's text and gives what can be shown of it. `timings`: step → milliseconds."""

    def __init__(self, work: Work) -> None:
        self.timings: dict[str, float] = {}
        self._work = work
        self._marks = CitationFilter(work.passages)
        self._holder = Holder(is_small=work.profile.is_small)
        self._started = time.monotonic()

    async def feed(self, text: str) -> Iterator[Piece]:
        """What can be shown now, nothing while the beginning is held back. Raises NotAnsweredError."""
        if not self._holder.is_open:
            return self._marks.feed(text)
        return await self._released() if self._holder.feed(text) else iter(())

    async def finish(self) -> list[Piece]:
        """What is left at the end of the model's text. Raises NotAnsweredError."""
        held = await self._released() if self._holder.is_open and self._holder.text else ()
        return [*held, *self._marks.finish()]

    def attribute(self, answer: str) -> Iterator[Piece]:
        """Markers for an answer in which the model set none."""
        return self._marks.attribute(answer=answer, question=self._work.question)

    async def _released(self) -> Iterator[Piece]:
        if not self._work.choice.is_task and (is_refusal(self._holder.text) or await self._is_doubtful()):
            raise NotAnsweredError
        self.timings["held"] = _milliseconds_since(self._started)
        return self._marks.feed(self._holder.release())

    async def _is_doubtful(self) -> bool:
        """Off the event loop, in which other replies stream. Larger models keep to the passages by themselves."""
        work = self._work
        if not (work.choice.is_checked and work.profile.is_small):
            return False
        started = time.monotonic()
        is_doubtful = await asyncio.to_thread(
            answer_is_doubtful, question=work.question, answer=self._holder.text, passages=work.passages
        )
        self.timings["check"] = _milliseconds_since(started)
        return is_doubtful


def _milliseconds_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
