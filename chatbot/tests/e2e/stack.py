"""The whole product as `python3 -m chatbot.dev up` runs it, for browser journeys."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from chatbot.dev.layout import ROOT, Layout
from chatbot.dev.programs import plan_make
from chatbot.dev.services import port_free, url_answers
from chatbot.dev.supervisor import Supervisor

EMAIL = "ada@example.org"
PASSWORD = "eleven herons over the mill"
FAKE_MODEL = "fake-model"
START_SECONDS = 180
STOP_SECONDS = 20


class Stack:
    """Its own Postgres, Valkey, workers and model server, and a second model at `fake_url`."""

    def __init__(self, folder: Path, *, models: Path, fake_url: str) -> None:
        self.layout = Layout(data=folder, models=models, host="127.0.0.1", port=port_free())
        # By name: browsers bind passkeys to no number.
        self.url = f"http://localhost:{self.layout.port}"
        self.mails = folder.with_name(f"{folder.name}-mails")
        self._log = folder.with_suffix(".log")
        own: Mapping[str, str] = {
            "CHATBOT_DATA_DIR": str(folder),
            "CHATBOT_MODEL_DIR": str(models),
            "CHATBOT_PORT": str(self.layout.port),
            "CHATBOT_ADMIN_EMAIL": EMAIL,
            "CHATBOT_ADMIN_PASSWORD": PASSWORD,
            "CHATBOT_OPENAI_URL": f"{fake_url}/v1",
            "CHATBOT_OPENAI_MODELS": FAKE_MODEL,
            "CHATBOT_MAIL_URL": f"file://{self.mails}",
            # The journeys name an address for each browser: failed sign-ins are counted by it.
            "CHATBOT_TRUSTED_PROXIES": "1",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CHATBOT_", "DJANGO_"))}
        self._environment = {**inherited, **own}

    def __enter__(self) -> "Stack":
        self.mails.mkdir()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chatbot.dev", "up"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = monotonic() + START_SECONDS
        while not url_answers(f"{self.url}/ready", timeout=2):
            assert self._process.poll() is None, self._log.read_text()
            assert monotonic() < deadline, self._log.read_text()
        self._manage("shell", "--no-imports", "-c", "from chatbot.tests.e2e.cast import cast_make; cast_make()")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(STOP_SECONDS)

    def kill(self, name: str) -> None:
        """As when the kernel ends a process for lack of memory: at once, with all its children."""
        (pid,) = (info["pid"] for info in Supervisor(self.layout).processes() if info["name"] == name)
        assert isinstance(pid, int)
        os.killpg(os.getpgid(pid), signal.SIGKILL)

    def get(self, path: str) -> int:
        with urllib.request.urlopen(self.url + path, timeout=5) as response:  # noqa: S310 - our own address
            return int(response.status)

    def _manage(self, *arguments: str) -> None:
        """Run a management command on what is running."""
        command = [sys.executable, "manage.py", *arguments]
        environment = plan_make(self.layout, self._environment).environment
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
