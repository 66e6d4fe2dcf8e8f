"""Many conversations at once: first token and token lag through the real web process and worker, on a fake model.

The fake model's first token comes after FIRST_MS and each token carries its sending time, so that what is measured is
what the product adds.
"""

import argparse
import asyncio
import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from chatbot.bench.report import percentile
from chatbot.bench.stack import EMAIL, free_port
from chatbot.dev.embedded import servers
from chatbot.dev.layout import ROOT

TOKENS = 100
GAP_MS = 20
FIRST_MS = 50
LEVELS = (1, 20, 50)
ROUNDS = 3
# How long the questions of one round take to arrive; 0: all in the same instant.
SPREADS_SECONDS = (0.0, 1.0)
START_SECONDS = 60
_STAMP = re.compile(r"w\d+@(\d+\.\d+) ")


@dataclass(slots=True)
class Figures:
    """What one level showed, in seconds."""

    first: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    tokens: int = 0
    wall: float = 0

    def row(self, level: int, spread: float) -> dict[str, Any]:
        beyond = [seconds - FIRST_MS / 1000 for seconds in self.first]
        return {
            "conversations": level,
            "arrival": f"over {spread:g} s" if spread else "at once",
            "replies": len(self.first),
            "errors": len(self.errors),
            "first_token_p50_ms": _milliseconds(self.first, 0.5),
            "first_token_p95_ms": _milliseconds(self.first, 0.95),
            "beyond_model_p50_ms": _milliseconds(beyond, 0.5),
            "beyond_model_p95_ms": _milliseconds(beyond, 0.95),
            "token_lag_p50_ms": _milliseconds(self.lags, 0.5),
            "token_lag_p95_ms": _milliseconds(self.lags, 0.95),
            "tokens_per_second": round(self.tokens / self.wall) if self.wall else 0,
        }


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Start everything on empty data, ask, and return one row per level and kind of arrival. About two minutes."""
    with _product() as base_url:
        rows, errors = asyncio.run(_levels(base_url, tuple(getattr(args, "levels", None) or LEVELS)))
    return {
        "model": {"first_ms": FIRST_MS, "gap_ms": GAP_MS, "tokens": TOKENS},
        "levels": rows,
        "first_errors": errors[:3],
    }


async def _levels(base_url: str, levels: tuple[int, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    rows, errors = [], []
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(f"{base_url}/api/v1/", connector=connector, timeout=timeout) as session:
        access = await _json(session, "auth/login", email=EMAIL, password=os.environ[_PASSWORD])
        session.headers["Authorization"] = f"Bearer {access['access']}"
        await _level(session, 4, 0.0, rounds=1)
        for level in levels:
            for spread in SPREADS_SECONDS[: 1 if level == 1 else None]:
                figures = await _level(session, level, spread, rounds=ROUNDS * (5 if level == 1 else 1))
                rows.append(figures.row(level, spread))
                errors += figures.errors
    return rows, errors


async def _level(session: aiohttp.ClientSession, level: int, spread: float, *, rounds: int) -> Figures:
    figures = Figures()
    made = [await _json(session, "conversations", title="Bench", use_documents=False) for _ in range(level)]
    for _ in range(rounds):
        started = time.monotonic()
        asked = [
            _ask(session, conversation["id"], spread * number / level, figures)
            for number, conversation in enumerate(made)
        ]
        await asyncio.gather(*asked)
        figures.wall += time.monotonic() - started
    return figures


async def _ask(session: aiohttp.ClientSession, conversation_id: str, delay: float, figures: Figures) -> None:
    await asyncio.sleep(delay)
    started, first, seen, event = time.monotonic(), 0.0, 0, b""
    try:
        async with session.post(f"conversations/{conversation_id}/messages", json={"content": "Tell me."}) as answer:
            if answer.status != 200:
                figures.errors.append(f"{answer.status} {(await answer.text())[:200]}")
                return
            async for line in answer.content:
                if line.startswith(b"event: "):
                    event = line[7:].strip()
                elif line.startswith(b"data: ") and event == b"token":
                    first = first or time.monotonic() - started
                    now = time.time()
                    stamps = _STAMP.findall(line.decode())
                    figures.lags += [now - float(stamp) for stamp in stamps]
                    seen += len(stamps)
    except (aiohttp.ClientError, TimeoutError) as error:
        figures.errors.append(repr(error))
        return
    if event != b"done" or seen != TOKENS:
        figures.errors.append(f"ended with {event!r} after {seen} tokens")
        return
    figures.first.append(first)
    figures.tokens += seen


async def _json(session: aiohttp.ClientSession, path: str, **body: Any) -> dict[str, Any]:
    async with session.post(path, json=body) as answer:
        answer.raise_for_status()
        content: dict[str, Any] = await answer.json()
        return content


_PASSWORD = "CHATBOT_ADMIN_PASSWORD"


@contextlib.contextmanager
def _product() -> Iterator[str]:
    """Fake model, database, broker, daphne and inference worker; yields the web address."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatbot-bench-")))
        os.environ.setdefault(_PASSWORD, secrets.token_urlsafe(16))
        environment = {
            **os.environ,
            **stack.enter_context(servers(folder, fsync=True)),
            "CHATBOT_DATA_DIR": str(folder / "data"),
            "CHATBOT_MODEL_SERVER_URL": _model_start(stack),
            "CHATBOT_ADMIN_EMAIL": EMAIL,
            "CHATBOT_API_RATE_PER_MINUTE": "0",
            "CHATBOT_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "chatbot.settings",
            "MALLOC_ARENA_MAX": "2",
        }
        subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environment, check=True)
        port = str(free_port())
        worker = [
            "-Q",
            "inference",
            "-P",
            "threads",
            "-c",
            "64",
            "--without-gossip",
            "--without-mingle",
            "-l",
            "WARNING",
        ]
        _start(stack, environment, "celery", "-A", "chatbot.celery", "worker", *worker)
        _start(stack, environment, "daphne", "-b", "127.0.0.1", "-p", port, "-v", "0", "chatbot.asgi:application")
        base_url = f"http://127.0.0.1:{port}"
        asyncio.run(_ready(base_url))
        yield base_url


def _model_start(stack: contextlib.ExitStack) -> str:
    options = ["--tokens", str(TOKENS), "--gap-ms", str(GAP_MS), "--first-ms", str(FIRST_MS)]
    model = _start(stack, dict(os.environ), "apps.llm.testing", *options, stdout=subprocess.PIPE)
    assert model.stdout
    return model.stdout.readline().decode().strip()


def _start(
    stack: contextlib.ExitStack, environment: dict[str, str], module: str, *arguments: str, stdout: int | None = None
) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment, stdout=stdout)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


async def _ready(base_url: str) -> None:
    """Until the web process answers. The first round, which is not counted, waits for the worker."""
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{base_url}/health") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise TimeoutError(f"The web process did not answer within {START_SECONDS} s.")


def _milliseconds(seconds: list[float], share: float) -> float:
    return round(percentile(seconds, share) * 1000, 1) if seconds else 0.0
