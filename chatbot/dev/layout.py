"""Where things lie on this machine, read from the environment once."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatbot.dev.exceptions import DevError

ROOT = Path(__file__).resolve().parents[2]

# A Unix socket's path holds 103 bytes on macOS; the longest name put behind the directory is ".s.PGSQL.5432.lock".
SOCKET_DIRECTORY_LIMIT = 84


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Directories and address of one installation."""

    data: Path
    models: Path
    host: str
    port: int

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def run(self) -> Path:
        """Holds sockets and process files; short enough for a socket."""
        return socket_directory(self.data / "run")

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def address(self) -> str:
        """What a person on this machine types into the browser."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Layout":
        """Raises DevError if the port is not one."""
        data = Path(environ.get("CHATBOT_DATA_DIR") or ROOT / "var").expanduser().resolve()
        models = Path(environ.get("CHATBOT_MODEL_DIR") or data / "models").expanduser().resolve()
        host = environ.get("CHATBOT_HOST") or "127.0.0.1"
        return cls(data=data, models=models, host=host, port=_port(environ.get("CHATBOT_PORT") or "8000"))


def data_directory(layout: Layout) -> Path:
    """Make the data directory unless it is there; nobody else may read a new one. Raises DevError."""
    try:
        layout.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DevError(
            f"The data directory {layout.data} cannot be made ({error.strerror}): "
            "set CHATBOT_DATA_DIR to a directory of yours."
        ) from error
    return layout.data


def socket_directory(wanted: Path) -> Path:
    """Return `wanted`, or a short path of its own under the temporary directory when sockets would not fit."""
    if len(os.fsencode(wanted)) <= SOCKET_DIRECTORY_LIMIT:
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"chatbot-{os.geteuid()}-{digest}"


def private_directory(path: Path, owner: tuple[int, int] | None = None) -> Path:
    """Make the directory with mode 0700 for its owner (user id, group id), ourselves by default.

    Raises DevError if somebody else holds the name: in a shared temporary directory that may be a trap.
    """
    user = owner[0] if owner else os.geteuid()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = path.lstat()
    if status.st_uid not in {user, os.geteuid()} or path.is_symlink():
        raise DevError(f"{path} belongs to another user: remove it or set CHATBOT_DATA_DIR to a shorter path.")
    if owner and status.st_uid != user:
        os.chown(path, *owner)
    path.chmod(0o700)
    return path


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise DevError(f"CHATBOT_PORT is {text!r}: set it to a number from 1 to 65535.")
