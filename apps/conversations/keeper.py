"""Keeps the leases of this process's replies and writes their texts to the rows: one thread, one query for all."""

import logging
import threading
import time
from typing import Protocol
from uuid import UUID

from django.db import Error, connection

from apps.conversations.leases import Lease, Renewal, leases_renew

logger = logging.getLogger(__name__)

# How often texts come to the rows. A subscriber that lost Valkey sees a reply grow in these steps.
WRITE_SECONDS = 1.0
# How often a lease is prolonged while there is no new text; a third of the default lease.
RENEW_SECONDS = 3.0


class Kept(Protocol):
    """A reply that is being written. Called from the keeper's thread."""

    lease: Lease
    phase: str

    def text(self) -> str:
        """The text so far."""
        ...

    def stop(self) -> None:
        """Somebody asked for it."""
        ...

    def lose(self) -> None:
        """The row is not ours any more: write nothing more."""
        ...


class _Kept:
    """A reply and what of it stands in the row."""

    def __init__(self, reply: Kept) -> None:
        self.reply = reply
        self.length = 0
        self.renewed_at = time.monotonic()

    def renewal(self, now: float) -> Renewal | None:
        text = self.reply.text()
        if len(text) == self.length and now - self.renewed_at < RENEW_SECONDS:
            return None
        lease = self.reply.lease
        content = text if len(text) != self.length else None
        return Renewal(message_id=lease.message_id, token=lease.token, phase=self.reply.phase, content=content)


class Keeper:
    """Replies are added when their lease is taken and removed before their end is written."""

    def __init__(self) -> None:
        self._kept: dict[UUID, _Kept] = {}
        self._lock = threading.Lock()
        self._has_work = threading.Event()
        self._stillness = threading.Event()
        threading.Thread(target=self._run, name="reply-keeper", daemon=True).start()

    def add(self, reply: Kept) -> None:
        with self._lock:
            self._kept[reply.lease.token] = _Kept(reply)
            self._has_work.set()

    def remove(self, reply: Kept) -> None:
        with self._lock:
            self._kept.pop(reply.lease.token, None)
            if not self._kept:
                self._has_work.clear()

    def _run(self) -> None:
        while True:
            self._has_work.wait()
            self._stillness.wait(WRITE_SECONDS)
            try:
                self._write()
            except Error as error:
                # The database is away: the next turn tries again, and the lease tells whether that was too late.
                logger.warning("Replies could not be written: %s", type(error).__name__)
            finally:
                connection.close()

    def _write(self) -> None:
        now = time.monotonic()
        with self._lock:
            kept = list(self._kept.values())
        due = [(entry, renewal) for entry in kept if (renewal := entry.renewal(now))]
        if not due:
            return
        answers = leases_renew([renewal for _, renewal in due])
        for entry, renewal in due:
            stop_requested = answers.get(renewal.message_id)
            if stop_requested is None:
                self._lose(entry.reply)
                continue
            entry.renewed_at = now
            entry.length = entry.length if renewal.content is None else len(renewal.content)
            if stop_requested:
                entry.reply.stop()

    def _lose(self, reply: Kept) -> None:
        with self._lock:
            # A reply that ended meanwhile is not in its row's `running` state either.
            is_lost = reply.lease.token in self._kept
        if is_lost:
            logger.warning("Lost the lease of reply %s", reply.lease.message_id)
            reply.lose()


_made: list[Keeper] = []
_make_lock = threading.Lock()


def keeper() -> Keeper:
    """The process's keeper. There must not be two, whoever asks first."""
    with _make_lock:
        if not _made:
            _made.append(Keeper())
        return _made[0]
