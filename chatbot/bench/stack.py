"""A whole product for the length of a `with` block: `chatbot.dev up` on a data folder and port of its own."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from chatbot.dev.layout import ROOT, Layout

EMAIL = "bench@example.org"
START_SECONDS = 600
# Addresses of a surrounding run must not leak into the product under test.
_FOREIGN = ("CHATBOT_DATABASE_URL", "CHATBOT_VALKEY_URL", "CHATBOT_MODEL_SERVER_URL", "DJANGO_SETTINGS_MODULE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """`client` is signed in to the API. `start_seconds`: from the command to its return, everything ready."""

    base_url: str
    data_dir: Path
    client: httpx.Client
    start_seconds: float
    restart_seconds: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _dev(command: list[str], environment: dict[str, str]) -> float:
    """Run one `chatbot.dev` command and return how long it took. Raises CalledProcessError."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "chatbot.dev", *command],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=START_SECONDS,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - started


def _sign_in(base_url: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=f"{base_url}/api/v1", timeout=120, trust_env=False)
    answer = client.post("/auth/login", json={"email": EMAIL, "password": password})
    answer.raise_for_status()
    client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
    return client


@contextlib.contextmanager
def stack(**extra: str) -> Iterator[Stack]:
    """Start everything on an empty data folder, stop it, start it again (the figure people wait for), and hand it over.

    The models come from the model folder of the surrounding project, so that no download is measured.
    """
    with tempfile.TemporaryDirectory(prefix="chatbot-bench-", ignore_cleanup_errors=True) as folder:
        port, password = free_port(), secrets.token_urlsafe(16)
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        environment |= {
            "CHATBOT_DATA_DIR": folder,
            "CHATBOT_MODEL_DIR": str(Layout.from_environment().models),
            "CHATBOT_PORT": str(port),
            "CHATBOT_ADMIN_EMAIL": EMAIL,
            "CHATBOT_ADMIN_PASSWORD": password,
            "CHATBOT_API_RATE_PER_MINUTE": "0",
            **extra,
        }
        start_seconds = _dev(["up", "--detach"], environment)
        try:
            _dev(["down"], environment)
            restart_seconds = _dev(["up", "--detach"], environment)
            base_url = f"http://127.0.0.1:{port}"
            with contextlib.closing(_sign_in(base_url, password)) as client:
                yield Stack(
                    base_url=base_url,
                    data_dir=Path(folder),
                    client=client,
                    start_seconds=start_seconds,
                    restart_seconds=restart_seconds,
                )
        finally:
            _dev(["down"], environment)
