"""supervisord over our processes: its configuration, its start and the calls to it.

It restarts what dies, with a delay that grows by a second each time, and stops groups in the opposite order.
"""

import configparser
import contextlib
import io
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import Layout

# Groups stop one after the other, the highest number first; what is in one group stops together.
GROUPS = {"servers": 10, "model": 20, "application": 30}
# supervisord looks at its children once a second, so the groups' own limits and three seconds must fit in here.
STOP_SECONDS = 9
# supervisord gives up after this many failures in a row, which is never.
RETRIES = 1_000_000
OPEN_FILES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One supervised process."""

    name: str
    command: Sequence[str]
    group: str
    stop_seconds: int
    stop_signal: str = "TERM"
    user: str | None = None
    # Whether it starts with supervisord; the others wait for the database to be prepared.
    is_first: bool = False


class Supervisor:
    """supervisord of one installation, running or not."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.socket = layout.run / "supervisor.sock"
        self.log = layout.logs / "supervisord.log"
        self.state = layout.run / "state.json"

    def start(self, programs: Sequence[Program], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own, so that the terminal's Ctrl-C reaches us alone. Raises DevError."""
        configuration = self.layout.run / "supervisord.conf"
        configuration.write_text(self._configuration(programs))
        self.log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--silent", "-c", str(configuration)]
        errors = self.layout.logs / "supervisord.err"
        with errors.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while not self.is_running():
            if process.poll() is not None or time.monotonic() > deadline:
                reason = (errors.read_text().strip().splitlines() or ["no reason given"])[-1]
                raise DevError(f"The supervisor did not start ({reason}): see {self.log}.")
            time.sleep(0.05)
        return process

    def is_running(self) -> bool:
        try:
            self.call("supervisor.getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def call(self, method: str, *arguments: object) -> Any:
        """One remote call. Raises OSError when it does not run."""
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.socket}")
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
            return getattr(server, method)(*arguments)

    def processes(self) -> list[dict[str, Any]]:
        """What supervisord knows of each process; empty when it does not run."""
        try:
            return list(self.call("supervisor.getAllProcessInfo"))
        except (OSError, xmlrpc.client.Error):
            return []

    def group_start(self, group: str) -> None:
        """Start what does not run yet, without waiting for it."""
        self.call("supervisor.startProcessGroup", group, False)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop every process, group by group, and supervisord itself."""
        try:
            pid = int(self.call("supervisor.getPID"))
        except (OSError, xmlrpc.client.Error):
            return
        deadline = time.monotonic() + seconds
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            while time.monotonic() < deadline and not _is_gone(pid):
                time.sleep(0.05)
            if not _is_gone(pid):
                os.kill(pid, signal.SIGKILL)

    def state_write(self, **values: object) -> None:
        self.state.write_text(json.dumps(values))

    def state_read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.state.read_text()))
        except (OSError, ValueError):
            return {}

    def _configuration(self, programs: Sequence[Program]) -> str:
        config = configparser.RawConfigParser()
        config["supervisord"] = {
            "logfile": _escape(str(self.log)),
            "logfile_maxbytes": "5MB",
            "logfile_backups": "1",
            "pidfile": _escape(str(self.layout.run / "supervisord.pid")),
            "childlogdir": _escape(str(self.layout.logs)),
            "minfds": str(_open_files()),
        }
        config["unix_http_server"] = {"file": _escape(str(self.socket)), "chmod": "0700"}
        config["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        for group, priority in GROUPS.items():
            names = [program.name for program in programs if program.group == group]
            if names:
                config[f"group:{group}"] = {"programs": ",".join(names), "priority": str(priority)}
        for program in programs:
            config[f"program:{program.name}"] = self._section(program)
        text = io.StringIO()
        config.write(text)
        return text.getvalue()

    def _section(self, program: Program) -> dict[str, str]:
        return {
            "command": _escape(shlex.join(program.command)),
            "autostart": str(program.is_first).lower(),
            "autorestart": "true",
            "startsecs": "2",
            "startretries": str(RETRIES),
            "stopsignal": program.stop_signal,
            "stopwaitsecs": str(program.stop_seconds),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": _escape(str(self.layout.logs / f"{program.name}.log")),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "2",
            **({"user": program.user} if program.user else {}),
        }


def _escape(text: str) -> str:
    """supervisord expands %(...)s in its values."""
    return text.replace("%", "%%")


def _open_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)


def _is_gone(pid: int) -> bool:
    """Whether the process ended, be it our child or not."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
