"""Where the stream of events goes: a syslog server, a file or a collector over HTTP.

A batch is delivered or it is not: whatever fails raises DeliveryError, and the whole batch is sent again later. So a
receiver may get an event twice, with the same id, and misses none.
"""

import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from apps.audit.exceptions import DeliveryError
from apps.audit.syslog import octets_counted
from chatbot.lib.net import client_options

TIMEOUT_SECONDS = 10.0
_SYSLOG_PORT, _SYSLOG_TLS_PORT = 514, 6514
# What one datagram holds, less headers.
_DATAGRAM_BYTES = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event ready to be sent: as one line of text, and as syslog has it."""

    line: str
    syslog: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """`address` as CHATBOT_AUDIT_STREAM has it. `authorization`: a header for HTTP. `ca_file`: whom to trust in TLS."""

    address: str
    authorization: str = ""
    ca_file: str = ""

    def send(self, messages: Sequence[Message]) -> None:
        """Deliver all of them, or raise DeliveryError; then any number of them may have arrived."""
        ways: dict[str, Callable[[Sequence[Message]], None]] = {
            "syslog": self._datagrams,
            "syslog+tcp": self._connection,
            "syslog+tls": self._connection,
            "file": self._file,
            "http": self._http,
            "https": self._http,
        }
        try:
            ways[urlsplit(self.address).scheme](messages)
        except (OSError, httpx.HTTPError) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error

    def _place(self, port: int) -> tuple[str, int]:
        parts = urlsplit(self.address)
        return parts.hostname or "", parts.port or port

    def _datagrams(self, messages: Sequence[Message]) -> None:
        """Without any word from the receiver; what the network drops is lost."""
        host, port = self._place(_SYSLOG_PORT)
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as sender:
            for message in messages:
                sender.sendto(message.syslog[:_DATAGRAM_BYTES], place)

    def _connection(self, messages: Sequence[Message]) -> None:
        """One connection a batch. Syslog has no answers: that the receiver closes its side after it has read the end
        of ours is the only word that it has read all.
        """
        is_tls = self.address.startswith("syslog+tls:")
        host, port = self._place(_SYSLOG_TLS_PORT if is_tls else _SYSLOG_PORT)
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain:
            sender = self._tls().wrap_socket(plain, server_hostname=host) if is_tls else plain
            with sender:
                sender.sendall(b"".join(octets_counted(message.syslog) for message in messages))
                if isinstance(sender, ssl.SSLSocket):
                    # Many close without the goodbye of TLS.
                    with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError), sender.unwrap() as rest:
                        _closing_await(rest)
                else:
                    _closing_await(sender)

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file or None)

    def _file(self, messages: Sequence[Message]) -> None:
        path = Path(urlsplit(self.address).path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if file.tell() and not _ends_with_line(path):
                # A sender that was killed in the middle of a line sends that event again.
                file.write(b"\n")
            file.write("".join(f"{message.line}\n" for message in messages).encode())
            file.flush()
            os.fsync(file.fileno())

    def _http(self, messages: Sequence[Message]) -> None:
        """One POST a batch, a line an event; any status from 200 to 299 says that it is kept."""
        headers = {"Content-Type": "application/x-ndjson"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        options = client_options(read_seconds=TIMEOUT_SECONDS)
        if self.ca_file:
            options["verify"] = self._tls()
        with httpx.Client(**options) as client:
            body = "".join(f"{message.line}\n" for message in messages).encode()
            answer = client.post(self.address, content=body, headers=headers)
        if not answer.is_success:
            raise DeliveryError(f"The collector answered with {answer.status_code}.")


def _closing_await(sender: socket.socket) -> None:
    """A receiver that closes without having read all resets the connection, and this raises."""
    sender.shutdown(socket.SHUT_WR)
    while sender.recv(4096):
        pass


def _ends_with_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
