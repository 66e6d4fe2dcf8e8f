"""What one subscriber has seen of a reply, and which events follow from a row or from stream entries. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal, cast

from apps.conversations.models import Message
from apps.conversations.rows import ReplyRow, citation_event, citation_public
from apps.conversations.streams import Entry, citation_read
from apps.conversations.types import (
    CitationEvent,
    DoneEvent,
    ErrorEvent,
    ReplyEvent,
    ResetEvent,
    StatusEvent,
    TokenEvent,
)

Phase = Literal["queued", "searching", "thinking"]
_PHASES = ("queued", "searching", "thinking")


class Follower:
    """`place`: the sequence number up to which the subscriber has the text, None before the first look."""

    def __init__(self, after: int | None) -> None:
        self.place = after
        self.is_done = False
        # The stream went on where the subscriber has nothing: the row has to catch up.
        self.has_gap = False
        # The row has to be looked at: the reply ended or was begun anew.
        self.is_stale = False
        self._phase = ""
        self._cited: set[tuple[int, str]] = set()

    def look(self, row: ReplyRow | None, entries: Sequence[Entry]) -> Iterator[ReplyEvent]:
        """The events that the row, and the stream's entries read before it, add to what was seen."""
        self.has_gap = self.is_stale = False
        if row is None:
            self.is_done = True
            yield ErrorEvent(
                sequence=self.place or 0, code="not_found", detail="The conversation was deleted.", retryable=False
            )
            return
        yield from self._begin(row)
        if row.is_open:
            yield from self._look_open(row, entries)
        else:
            yield from self._look_ended(row)

    def begin(self) -> Iterator[ReplyEvent]:
        """The first event of a reply that was queued just now and whose row therefore is known."""
        self.place = 0
        yield from self._status("queued")

    def read(self, entries: Sequence[Entry]) -> Iterator[ReplyEvent]:
        """The events of entries that came live. May set `has_gap` or `is_stale`: look again then."""
        for entry in entries:
            yield from self._entry(entry)
            if self.has_gap or self.is_stale:
                return

    def _begin(self, row: ReplyRow) -> Iterator[ReplyEvent]:
        """Come to the row's attempt."""
        if self.place is None or self.place >= row.base + Message.SEQUENCE_SPAN:
            # The second: a number that this reply never had.
            self.place = row.base
        elif self.place < row.base:
            self.place = row.base
            self._cited.clear()
            self._phase = ""
            yield ResetEvent(sequence=row.base, reason="worker_lost")

    def _look_open(self, row: ReplyRow, entries: Sequence[Entry]) -> Iterator[ReplyEvent]:
        current = [entry for entry in entries if entry.sequence >= row.base]
        # All known citations first: the row's text may carry their markers.
        for entry in current:
            if entry.kind == "citation":
                yield from self._entry(entry)
        if not row.content and self.place == row.base:
            yield from self._status(row.phase or "thinking")
        yield from self._text(row.sequence, row.content)
        yield from self.read([entry for entry in current if entry.kind != "end"])

    def _look_ended(self, row: ReplyRow) -> Iterator[ReplyEvent]:
        self.is_done = True
        for citation in row.citations:
            yield from self._citation(citation_event(citation, sequence=self.place or row.base))
        yield from self._text(row.sequence, row.content)
        if row.state == Message.State.FAILED:
            yield ErrorEvent(
                sequence=row.sequence, code=row.error_code, detail=row.error_detail, retryable=row.is_retryable
            )
            return
        yield DoneEvent(
            sequence=row.sequence,
            message_id=row.message_id,
            finish_reason=cast("Literal['stop', 'length', 'stopped']", row.finish_reason or "stop"),
            usage=row.usage,
            model=row.model_name,
            citations=tuple(citation_public(citation) for citation in row.citations),
        )

    def _entry(self, entry: Entry) -> Iterator[ReplyEvent]:
        if entry.kind == "end" or entry.sequence // Message.SEQUENCE_SPAN > (self.place or 0) // Message.SEQUENCE_SPAN:
            self.is_stale = True
        elif entry.kind == "token":
            yield from self._text(entry.sequence, entry.value)
        elif entry.kind == "citation":
            yield from self._citation(citation_read(entry.value))
        else:
            yield from self._status(entry.value)

    def _text(self, sequence: int, text: str) -> Iterator[ReplyEvent]:
        """The part of `text`, which ends at `sequence`, that the subscriber lacks."""
        place = self.place or 0
        start = sequence - len(text)
        if sequence <= place:
            return
        if start > place:
            self.has_gap = True
            return
        self.place = sequence
        yield TokenEvent(sequence=sequence, text=text[place - start :])

    def _citation(self, citation: CitationEvent) -> Iterator[ReplyEvent]:
        known = (citation.index, str(citation.chunk_id))
        if known not in self._cited:
            self._cited.add(known)
            yield citation

    def _status(self, phase: str) -> Iterator[ReplyEvent]:
        if phase != self._phase and phase in _PHASES:
            self._phase = phase
            yield StatusEvent(sequence=self.place or 0, state=cast("Phase", phase))
