"""The stream of events to a receiver outside: real sockets, and what happens when either side dies."""

import datetime
import ipaddress
import json
import re
import socket
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from typing_extensions import override

from apps.audit import actions
from apps.audit.exceptions import DeliveryError
from apps.audit.models import Stream, StreamPosition
from apps.audit.outlets import Outlet
from apps.audit.services import event_record
from apps.audit.streaming import BATCH_ROWS, stream_restart, stream_run
from apps.audit.tasks import events_stream

pytestmark = pytest.mark.django_db(transaction=True)
_FRAME = re.compile(rb"(\d+) ")


class Receiver:
    """A server of syslog on a connection: reads to the end, then closes. `dies_after`: resets in the midst."""

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self.received = b""
        self.dies_after: int | None = None
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(connection, server_side=True) if self._context else connection as reader:
                    self._read(reader)
            except OSError:
                pass

    def _read(self, reader: socket.socket) -> None:
        if self.dies_after is not None:
            reader.recv(self.dies_after)
            return
        pieces = []
        while piece := reader.recv(65536):
            pieces.append(piece)
        self.received += b"".join(pieces)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    @property
    def messages(self) -> list[bytes]:
        """Cut by the lengths that stand before each."""
        rest, found = self.received, []
        while rest:
            match = _FRAME.match(rest)
            assert match, rest[:40]
            end = match.end() + int(match[1])
            found.append(rest[match.end() : end])
            rest = rest[end:]
        return found

    @property
    def sequence(self) -> list[int]:
        return [content_of(message)["seq"] for message in self.messages]


def content_of(message: bytes) -> dict[str, Any]:
    """The JSON at the end of a message."""
    content: dict[str, Any] = json.loads(message[message.index(b"] ") + 2 :])
    return content


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def plain(settings):
    """Events as they stand in exports, which are easier to compare."""
    settings.AUDIT_STREAM_FORMAT = "json"


@pytest.fixture
def begun(plain):
    """A stream that has begun: what happens from here on is sent."""
    Stream.objects.all().delete()
    StreamPosition.objects.all().delete()
    assert stream_run(outlet=Outlet(address="syslog+tcp://127.0.0.1:1"), seconds=5) == 0


def outlet_of(receiver: Receiver) -> Outlet:
    return Outlet(address=f"syslog+tcp://127.0.0.1:{receiver.port}")


def events_write(count: int, *, workspace_id=None, label="nobody@example.org") -> None:
    for _ in range(count):
        event_record(
            action=actions.SIGN_IN_FAILED, actor=None, actor_label=label, workspace_id=workspace_id, result="refused"
        )


def test_every_event_is_sent_once_in_the_order_of_its_chain(begun, receiver):
    events_write(3)
    events_write(2, workspace_id=uuid4())
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 5
    contents = [content_of(message) for message in receiver.messages]
    for chain in {content["chain"] for content in contents}:
        numbers = [content["seq"] for content in contents if content["chain"] == chain]
        assert numbers == sorted(numbers)
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 0
    assert len(receiver.messages) == 5


def test_what_was_there_before_is_sent_only_when_asked_for(plain, receiver, db):
    events_write(3)
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 0
    events_write(1)
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 1
    stream_restart()
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 4


def test_a_chain_that_begins_later_is_sent_from_its_first_event(begun, receiver):
    events_write(2, workspace_id=uuid4())
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 2


def test_what_commits_late_is_not_skipped(begun, receiver):
    """An event is dated when it is written; another that is written after it may be visible before it."""
    written, go = threading.Event(), threading.Event()

    def slowly() -> None:
        from django.db import connection

        try:
            with transaction.atomic():
                events_write(1, label="slow@example.org")
                written.set()
                assert go.wait(10)
        finally:
            connection.close()

    slow = threading.Thread(target=slowly)
    slow.start()
    assert written.wait(10)
    events_write(1, label="quick@example.org")
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 1
    go.set()
    slow.join(10)
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 1
    labels = [content_of(message)["actor_label"] for message in receiver.messages]
    assert labels == ["quick@example.org", "slow@example.org"]


def test_a_sender_that_dies_between_sending_and_noting_sends_again(begun, receiver):
    """As after a kill: the lease stays taken and no place is noted."""
    events_write(4)

    class Killed(BaseException):
        pass

    class Dying(Outlet):
        @override
        def send(self, messages):
            Outlet.send(self, messages)
            raise Killed

    with pytest.raises(Killed):
        stream_run(outlet=Dying(address=outlet_of(receiver).address), seconds=10)
    Stream.objects.update(lease_token="00000000-0000-0000-0000-000000000001", lease_expires_at=timezone.now())
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 4
    assert len(set(receiver.sequence)) == 4
    assert len(receiver.sequence) == 8


def test_only_one_sends_at_a_time(begun, receiver):
    events_write(1)
    later = timezone.now() + datetime.timedelta(seconds=60)
    Stream.objects.update(lease_token="00000000-0000-0000-0000-000000000001", lease_expires_at=later)
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 0
    assert receiver.messages == []


def test_a_receiver_that_dies_in_the_midst_gets_all_of_it_again(begun, receiver):
    events_write(300)
    receiver.dies_after = 10
    with pytest.raises(DeliveryError):
        stream_run(outlet=outlet_of(receiver), seconds=10)
    assert Stream.objects.get().error
    receiver.dies_after = None
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 300
    assert len(set(receiver.sequence)) == 300
    assert Stream.objects.get().error == ""


def test_a_receiver_that_is_away_loses_nothing(begun, receiver):
    events_write(2)
    with pytest.raises(DeliveryError):
        stream_run(outlet=Outlet(address="syslog+tcp://127.0.0.1:1"), seconds=10)
    assert stream_run(outlet=outlet_of(receiver), seconds=10) == 2


def test_more_than_a_batch_is_sent_in_one_run(begun, receiver):
    with transaction.atomic():
        events_write(BATCH_ROWS + 20)
    assert stream_run(outlet=outlet_of(receiver), seconds=60) == BATCH_ROWS + 20
    assert receiver.sequence == sorted(receiver.sequence)
    assert len(set(receiver.sequence)) == BATCH_ROWS + 20


def test_no_time_left_ends_after_a_batch_and_the_next_run_goes_on(begun, receiver):
    with transaction.atomic():
        events_write(BATCH_ROWS + 20)
    assert stream_run(outlet=outlet_of(receiver), seconds=0) == BATCH_ROWS
    assert stream_run(outlet=outlet_of(receiver), seconds=0) == 20
    assert len(set(receiver.sequence)) == BATCH_ROWS + 20


def test_datagrams_carry_one_message_each(begun):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        events_write(3)
        outlet = Outlet(address=f"syslog://127.0.0.1:{server.getsockname()[1]}")
        assert stream_run(outlet=outlet, seconds=10) == 3
        received = [server.recv(65536) for _ in range(3)]
    assert all(message.startswith(b"<108>1 ") for message in received)
    assert len({content_of(message)["seq"] for message in received}) == 3


def test_a_message_is_syslog_whatever_stands_in_the_event(begun, receiver):
    events_write(1, label='a"]\\ b\r\n<34>1 - forged ümlaut')
    stream_run(outlet=outlet_of(receiver), seconds=10)
    (message,) = receiver.messages
    text = message.decode()
    assert re.match(
        r"<108>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ chatbot - sign_in_failed \[chatbot@32473 ", text
    )
    assert r'actor_label="a\"\]\\ b  <34>1 - forged ümlaut"' in text
    assert "\r" not in text
    assert "\n" not in text


def test_over_tls_only_to_a_receiver_that_is_trusted(begun, tmp_path):
    certificate = certificate_write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Receiver(context=context)
    try:
        address = f"syslog+tls://127.0.0.1:{server.port}"
        events_write(2)
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            stream_run(outlet=Outlet(address=address), seconds=10)
        assert stream_run(outlet=Outlet(address=address, ca_file=str(certificate)), seconds=10) == 2
    finally:
        server.close()
    assert len(server.messages) == 2


def certificate_write(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "receiver.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_file_gets_a_line_each_and_a_torn_line_does_no_harm(begun, tmp_path):
    path = tmp_path / "new" / "stream.jsonl"
    outlet = Outlet(address=f"file://{path}")
    events_write(2)
    assert stream_run(outlet=outlet, seconds=10) == 2
    with path.open("ab") as file:
        file.write(b'{"torn": ')
    events_write(1)
    assert stream_run(outlet=outlet, seconds=10) == 1
    lines = path.read_text().splitlines()
    assert [json.loads(line)["action"] for line in (lines[0], lines[1], lines[3])] == ["sign_in_failed"] * 3


@contextmanager
def collector(statuses):
    """A collector over HTTP that answers with these, one after the other; yields what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), body))
            self.send_response(statuses[min(len(got), len(statuses)) - 1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, got
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_a_collector_that_refuses_gets_all_of_it_again(begun):
    events_write(3)
    with collector([503, 200]) as (port, got):
        outlet = Outlet(address=f"http://127.0.0.1:{port}/in", authorization="Splunk secret")
        with pytest.raises(DeliveryError, match="503"):
            stream_run(outlet=outlet, seconds=10)
        assert stream_run(outlet=outlet, seconds=10) == 3
    assert [headers["Authorization"] for headers, _ in got] == ["Splunk secret"] * 2
    assert got[0][1] == got[1][1]
    assert len([json.loads(line) for line in got[1][1].splitlines()]) == 3


def test_the_command_sends_what_is_there(begun, settings, receiver, capsys):
    with pytest.raises(CommandError, match="CHATBOT_AUDIT_STREAM is empty"):
        call_command("audit_stream", "--once")
    events_write(2)
    settings.AUDIT_STREAM = "syslog+tcp://127.0.0.1:1"
    with pytest.raises(CommandError, match="has not taken"):
        call_command("audit_stream", "--once")
    settings.AUDIT_STREAM = f"syslog+tcp://127.0.0.1:{receiver.port}"
    call_command("audit_stream", "--once")
    assert "Sent 2 events." in capsys.readouterr().out
    call_command("audit_stream", "--once", "--from-start")
    assert len(receiver.messages) >= 4


def test_the_task_sends_where_a_receiver_is_set(begun, settings, receiver):
    events_write(1)
    events_stream()
    settings.AUDIT_STREAM = f"syslog+tcp://127.0.0.1:{receiver.port}"
    settings.AUDIT_STREAM_FORMAT = "ocsf"
    events_stream()
    (message,) = receiver.messages
    assert content_of(message)["class_uid"] == 3002
