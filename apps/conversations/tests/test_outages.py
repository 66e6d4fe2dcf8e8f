"""Valkey goes away, is emptied or comes back while a reply is written: nobody misses or sees twice a token."""

import signal
import subprocess
import threading

import pytest

from apps.conversations.models import Message
from apps.conversations.services import reply_stop
from apps.conversations.streams import Entry, entry_fields, entry_id, stream_key
from apps.conversations.tests.test_leases import lapse
from apps.conversations.tests.workers import Listener, Worker, clients_forget, web
from apps.conversations.types import ResetEvent
from apps.llm.testing import Reply
from chatbot.dev.valkey import Valkey
from chatbot.lib.valkey import valkey, valkey_async

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long_file]

WORDS = [f"w{number} " for number in range(60)]
WHOLE = "".join(WORDS)


class Server:
    """A Valkey of the test's own, to be killed."""

    def __init__(self, directory) -> None:
        self.valkey = Valkey(directory / "valkey")
        self.valkey.prepare()
        self._log = directory / "valkey.log"
        self.start()

    def start(self) -> None:
        self._process: subprocess.Popen[bytes] = self.valkey.start(self._log)
        self.valkey.wait_ready()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.valkey.socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def server(settings, tmp_path):
    started = Server(tmp_path)
    settings.VALKEY_URL = started.valkey.url()
    clients_forget()
    yield started
    clients_forget()
    started.kill()


def test_valkey_is_emptied(server, model_server, reply):
    model_server.script(Reply(deltas=WORDS, gate_after=30))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("w29 ")
    valkey().flushall()
    model_server.release()
    late = Listener(reply.pk)
    worker.join()
    assert listener.wait_end().text == WHOLE
    assert late.wait_end().text == WHOLE


def test_valkey_is_restarted(server, model_server, reply):
    model_server.script(Reply(deltas=WORDS, gap_seconds=0.05))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("w3 ")
    server.kill()
    server.start()
    late = Listener(reply.pk)
    worker.join()
    assert listener.wait_end().text == WHOLE
    assert late.wait_end().text == WHOLE
    assert not listener.of(ResetEvent)


def test_valkey_goes_and_stays_away(server, model_server, reply):
    model_server.script(Reply(deltas=WORDS, gap_seconds=0.04))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("w3 ")
    server.kill()
    late = Listener(reply.pk)
    worker.join()
    assert listener.wait_end().text == WHOLE
    assert late.wait_end().text == WHOLE
    reply.refresh_from_db()
    assert reply.state == "complete"


def test_valkey_hangs_for_a_while(server, model_server, reply):
    model_server.script(Reply(deltas=WORDS, gap_seconds=0.08))
    worker = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("w3 ")
    server.freeze()
    timer = threading.Timer(3, server.thaw)
    timer.start()
    worker.join()
    timer.join()
    assert listener.wait_end().text == WHOLE


def test_without_valkey_from_the_beginning(server, model_server, reply):
    server.kill()
    model_server.script(Reply(deltas=WORDS))
    listener = Listener(reply.pk)
    Worker(reply.pk).join()
    assert listener.wait_end().text == WHOLE


def test_stop_without_valkey_is_seen_in_the_row(server, model_server, reply, ada):
    model_server.script(Reply(deltas=WORDS[:5], hold=True))
    worker = Worker(reply.pk)
    Listener(reply.pk).wait_text("w4 ")
    server.kill()
    reply_stop(actor=ada, conversation_id=reply.conversation_id)
    worker.join()
    reply.refresh_from_db()
    assert (reply.state, reply.content) == ("stopped", "".join(WORDS[:5]))


def test_row_that_lags_is_waited_for(server, model_server, reply):
    """A late subscriber after the stream was emptied: the row has to come up to where the stream goes on."""
    model_server.script(Reply(deltas=WORDS, gate_after=30))
    worker = Worker(reply.pk)
    Listener(reply.pk).wait_text("w29 ")
    valkey().flushall()
    valkey().xadd(stream_key(reply.pk), entry_fields(_token(100, "later ")), id=entry_id(_token(100, "later ")))
    late = Listener(reply.pk).wait_text("w20 ")
    model_server.release()
    worker.join()
    assert late.wait_end().text == WHOLE


def _token(sequence: int, text: str) -> Entry:
    return Entry(sequence=sequence, kind="token", value=text)


def test_subscriber_sees_a_reset_when_a_worker_is_lost(server, model_server, reply):
    model_server.script(Reply(deltas=[*WORDS[:10], "gone"], hold=True))
    zombie = Worker(reply.pk)
    listener = Listener(reply.pk).wait_text("gone")
    lapse(reply)
    model_server.script(Reply(deltas=WORDS))
    Worker(reply.pk).join()
    assert listener.wait_end().text == WHOLE
    (reset,) = listener.of(ResetEvent)
    assert (reset.sequence, reset.reason) == (Message.SEQUENCE_SPAN, "worker_lost")
    # The zombie learns of it when it renews its lease, and lets the model go.
    zombie.join()
    model_server.wait_until(lambda server: server.aborted == 1)
    reply.refresh_from_db()
    assert (reply.state, reply.content, reply.attempt) == ("complete", WHOLE, 1)
    # Who comes back with a place in the lost attempt starts anew.
    back = Listener(reply.pk, after=20).wait_end()
    assert (len(back.of(ResetEvent)), back.text) == (1, WHOLE)


def test_entries_of_a_zombie_are_refused(server, reply):
    key = stream_key(reply.pk)
    valkey().xadd(key, {"s": "thinking"}, id=f"{Message.SEQUENCE_SPAN}-*")

    async def write_as_zombie() -> bool:
        from apps.conversations.stream_writer import LiveStream, StreamWriter

        stream = LiveStream(message_id=reply.pk, base=0, on_stop=lambda: None)
        writer = StreamWriter()
        writer.open(stream)
        stream.token("Zombie")
        stream.end()
        await writer.written()
        return bool(await valkey_async().xlen(key))

    assert web().run(write_as_zombie())
    assert valkey().xlen(key) == 1
