"""One reply from the lease to the last event: retrieve, prompt, stream, store.

The task's thread does what touches the database and waits for the streaming, which runs in the process's event loop
beside all other replies. No database connection is held while a model is waited for.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import assert_never
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from apps.conversations.keeper import keeper
from apps.conversations.leases import Lease, Outcome, lease_take
from apps.conversations.models import Citation, Message
from apps.conversations.replies.assessing import Assessment, answer_assess
from apps.conversations.replies.choosing import Course
from apps.conversations.replies.citations import Cited, Piece
from apps.conversations.replies.drafting import Draft, NotAnsweredError
from apps.conversations.replies.matching import quote_of, says_unknown
from apps.conversations.replies.preparing import Work, work_prepare
from apps.conversations.replies.storing import citation_of, end_store
from apps.conversations.replies.wording import unknown_reply
from apps.conversations.runtime import runtime
from apps.conversations.stream_writer import LiveStream, stream_writer
from apps.conversations.types import CitationEvent
from apps.llm.services import chat_stream
from apps.llm.types import ChatEvent, Finished, TextDelta, Usage
from chatbot.lib.errors import AppError

logger = logging.getLogger(__name__)

# How many replies of the process are prepared at once. Preparing computes: more at once would finish none sooner, make
# the first wait for the last, and take the time of the event loop in which the others stream.
_preparing = threading.BoundedSemaphore(2 + (os.cpu_count() or 1))


def reply_answer(message_id: UUID) -> bool:
    """Write the reply if it waits for a worker. False: there was nothing to do. Blocks until it has ended."""
    lease = lease_take(message_id)
    if lease is None:
        return False
    reply = Reply(lease)
    runtime().loop.call_soon_threadsafe(reply.stream_open)
    keeper().add(reply)
    try:
        reply.answer()
    finally:
        keeper().remove(reply)
        runtime().loop.call_soon_threadsafe(reply.stream_close)
    return True


class Reply:
    """A reply while it is being written. Its text grows in the event loop only."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.phase = "searching" if lease.searches else "thinking"
        self._stream = LiveStream(message_id=lease.message_id, base=lease.base, on_stop=self.stop)
        self._parts: list[str] = []
        self._citations: list[Citation] = []
        self._work: Work | None = None
        self._is_unanswered = False
        # Step → milliseconds.
        self._timings: dict[str, float] = {}
        self._task: asyncio.Task[Finished | None] | None = None
        self._is_stopped = False
        self._is_lost = False

    def text(self) -> str:
        """The text so far. From any thread."""
        return "".join(tuple(self._parts))

    def stop(self) -> None:
        """End it with the text so far. From any thread."""
        self._is_stopped = True
        self._cancel()

    def lose(self) -> None:
        """Another worker has it or it is gone: write nothing more. From any thread."""
        self._is_lost = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            runtime().loop.call_soon_threadsafe(self._task.cancel)

    def answer(self) -> None:
        """From the lease to the stored end. From the task's thread."""
        outcome = self._outcome()
        # Before the end is written, so that the keeper does not take it for a lost lease.
        keeper().remove(self)
        if outcome is None or self._is_lost or not self._finish(outcome):
            self._is_lost = True

    def _outcome(self) -> Outcome | None:
        """How it ended; None where another attempt shall follow once the lease has lapsed."""
        try:
            work = self._work = self._prepared()
            finished = runtime().run(self._streamed(work))
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database went away during reply %s: %s", self.lease.message_id, type(error).__name__)
            return None
        except AppError as error:
            return self._failed(error.code, error.detail or error.title)
        except Exception:
            logger.exception("Reply %s broke", self.lease.message_id)
            return self._failed("internal_error", "Something went wrong on our side. Please try again.")
        if finished is None:
            return Outcome(state=Message.State.STOPPED, content=self.text(), finish_reason="stopped")
        if not self._parts:
            return self._failed("answer_empty", "The model gave an empty answer. Please try again.")
        return self._completed(work, finished)

    def _completed(self, work: Work, finished: Finished) -> Outcome:
        assessment = self._assessed(work)
        return Outcome(
            state=Message.State.COMPLETE,
            content=self.text(),
            finish_reason=finished.finish_reason,
            model_name=finished.model,
            usage={
                "prompt_tokens": finished.usage.prompt_tokens,
                "completion_tokens": finished.usage.completion_tokens,
            },
            is_unanswered=self._is_unanswered,
            support_share=assessment.support_share,
            marks=assessment.marks(),
        )

    def _assessed(self, work: Work) -> Assessment:
        """Hold the whole answer against its passages, before the end is told."""
        if self._is_unanswered or not work.passages:
            return Assessment()
        started = time.monotonic()
        # What stands before the answer is the product's own word; as spaces, so that places stay what they are.
        answer = " " * len(work.notice) + self.text().removeprefix(work.notice)
        assessment = answer_assess(
            content=answer, question=work.question, passages=work.passages, citations=self._citations
        )
        for citation in self._citations:
            citation.support = assessment.supports.get(citation.index)
        self._timings["assess"] = round((time.monotonic() - started) * 1000, 1)
        return assessment

    def _prepared(self) -> Work:
        with _preparing:
            try:
                return work_prepare(self.lease)
            finally:
                connection.close()

    def _failed(self, code: str, detail: str) -> Outcome:
        return Outcome(state=Message.State.FAILED, content=self.text(), error_code=code, error_detail=detail)

    def _finish(self, outcome: Outcome) -> bool:
        return end_store(
            lease=self.lease, outcome=outcome, work=self._work, citations=self._citations, timings=self._timings
        )

    # From here on in the event loop.

    def stream_open(self) -> None:
        self._stream.status(self.phase)
        stream_writer().open(self._stream)

    def stream_close(self) -> None:
        """After the end is stored: tell the subscribers."""
        if self._is_lost:
            stream_writer().drop(self._stream)
            return
        self._stream.end()
        stream_writer().hurry()

    async def _streamed(self, work: Work) -> Finished | None:
        """Stream the whole answer. None: it was stopped or lost; what came stands in `text()`."""
        self._task = asyncio.current_task()
        if self._is_stopped or self._is_lost:
            return None
        if self.phase != "thinking":
            self.phase = "thinking"
            self._stream.status(self.phase)
        try:
            return await self._answer_stream(work)
        except asyncio.CancelledError:
            if self._is_lost:
                stream_writer().drop(self._stream)
            elif not self._is_stopped:
                raise
            return None

    async def _answer_stream(self, work: Work) -> Finished | None:
        self._show(work.notice)
        if work.choice.course is Course.UNANSWERED:
            return self._unanswered(work)
        if work.choice.course is Course.DOCUMENTS:
            return await self._document_stream(work)
        finished: Finished | None = None
        async with aclosing(self._model_events(work)) as events:
            async for event in events:
                match event:
                    case TextDelta():
                        self._show(_storable(event.text))
                    case Finished():
                        finished = event
                    case _:
                        assert_never(event)
        return finished

    def _model_events(self, work: Work) -> AsyncGenerator[ChatEvent, None]:
        return chat_stream(
            profile=work.profile,
            messages=work.messages,
            params=work.params,
            purpose="reply",
            workspace_id=self.lease.workspace_id,
            user_id=self.lease.owner_id,
            reference_id=self.lease.message_id,
        )

    async def _document_stream(self, work: Work) -> Finished | None:
        """As the others, but checked, with markers made right; what is no answer is replaced before it is shown."""
        finished: Finished | None = None
        draft = Draft(work)
        try:
            async with aclosing(self._model_events(work)) as events:
                async for event in events:
                    match event:
                        case TextDelta():
                            self._show_all(await draft.feed(_storable(event.text)))
                        case Finished():
                            finished = event
                        case _:
                            assert_never(event)
            self._show_all(await draft.finish())
        except NotAnsweredError:
            return self._unanswered(work, finished)
        finally:
            self._timings |= draft.timings
        answer = self.text().removeprefix(work.notice)
        self._show_all(draft.attribute(answer))
        self._is_unanswered = not (work.choice.is_task or self._citations) and says_unknown(answer)
        return finished

    def _unanswered(self, work: Work, finished: Finished | None = None) -> Finished:
        """Say that the documents do not tell, and name the nearest passages."""
        self._is_unanswered = True
        closest = work.choice.closest
        for index, passage in enumerate(closest, start=1):
            self._cite(Cited(index=index, passage=passage, quote=quote_of(passage.text, claim=work.question)))
        indexes = range(1, len(closest) + 1)
        self._show(unknown_reply(work.asked, indexes=indexes, has_offer=True))
        return finished or Finished(finish_reason="stop", usage=Usage())

    def _show_all(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Cited):
                self._cite(piece)
            else:
                self._show(piece)

    def _show(self, text: str) -> None:
        if not text:
            return
        is_first = not self._parts
        self._parts.append(text)
        self._stream.token(text)
        if is_first:
            stream_writer().hurry()

    def _cite(self, cited: Cited) -> None:
        passage = cited.passage
        self._citations.append(citation_of(self.lease, cited))
        self._stream.citation(
            CitationEvent(
                sequence=self._stream.sequence,
                index=cited.index,
                document_id=passage.document_id,
                filename=passage.filename,
                page=passage.page,
                chunk_id=passage.chunk_id,
                quote=cited.quote,
                score=passage.score,
            )
        )


def _storable(text: str) -> str:
    """Without what Postgres or UTF-8 cannot hold: NUL and halves of surrogate pairs."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
