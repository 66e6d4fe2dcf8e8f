"""`up`: start everything in order, say how it goes, and stop everything in order."""

import argparse
import contextlib
import fcntl
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from apps.llm.store import StoreError, models_fetch
from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import ROOT, Layout, data_directory, private_directory
from chatbot.dev.programs import Plan, plan_make
from chatbot.dev.services import chat_is_elsewhere, port_require, url_answers
from chatbot.dev.strays import strays_stop
from chatbot.dev.supervisor import Supervisor

READY_SECONDS = 120
EXITED = re.compile(r"exited: (?:\w+:)?(\w+) \((.*?)(?:; (?:not )?expected)?\)")
RUNNING = re.compile(r"success: (?:\w+:)?(\w+) entered RUNNING state")


def up(options: argparse.Namespace, layout: Layout) -> int:
    """Run until somebody stops it; with --detach return when it is ready. Raises DevError."""
    started = time.monotonic()
    data_directory(layout)
    supervisor = Supervisor(layout)
    with _lock(layout) as is_ours:
        if not is_ours or (supervisor.is_running() and supervisor.state_read().get("is_detached")):
            address = supervisor.state_read().get("address") or layout.address
            print(f"It is already running, at {address} (or just starting): `python3 -m chatbot.dev down` stops it.")
            return 0
        for signal_name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(signal_name, _interrupt)
        try:
            plan, process, notes = _start(layout, supervisor)
            supervisor.state_write(address=layout.address, is_detached=options.detach)
            _greet(layout, plan, notes, time.monotonic() - started)
            if options.detach:
                print("It goes on in the background: `python3 -m chatbot.dev down` stops it.", flush=True)
                return 0
            print("Ctrl-C stops it.", flush=True)
            return _watch(supervisor, process)
        except KeyboardInterrupt:
            print("\nStopping.", flush=True)
            return 0
        finally:
            if not supervisor.state_read().get("is_detached"):
                everything_stop(layout, supervisor)


def everything_stop(layout: Layout, supervisor: Supervisor) -> None:
    """Stop in order, then look for what is left. A second Ctrl-C does not leave half of it behind."""
    for signal_name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(signal_name, signal.SIG_IGN)
    supervisor.stop()
    strays_stop(layout, seconds=0.5)
    supervisor.state.unlink(missing_ok=True)


def _start(layout: Layout, supervisor: Supervisor) -> tuple[Plan, "subprocess.Popen[bytes]", list[str]]:
    """Start everything in order; return when it is ready, with what there is to tell. Raises DevError."""
    private_directory(layout.run)
    private_directory(layout.logs)
    if supervisor.is_running():
        print("An earlier `up` was killed: stopping what it had started.", flush=True)
        supervisor.stop()
    if left := strays_stop(layout):
        print(f"Stopped {left} processes that an earlier start had left behind.", flush=True)
    supervisor.state_write(address=layout.address, is_detached=False)
    port_require(layout.host, layout.port)
    _models_require(layout)
    plan = plan_make(layout)
    if plan.postgres:
        plan.postgres.prepare()
    if plan.valkey:
        plan.valkey.prepare()
    process = supervisor.start(plan.programs, plan.environment)
    notes = _database_prepare(plan)
    supervisor.group_start("application")
    _ready_wait(layout, plan, supervisor)
    return plan, process, notes


def _models_require(layout: Layout) -> None:
    roles = ["embedding", "reranker", *([] if chat_is_elsewhere() else ["chat"])]
    try:
        models_fetch(roles, layout.models)
    except StoreError as error:
        raise DevError(str(error)) from error


def _database_prepare(plan: Plan) -> list[str]:
    """Wait for the servers, then migrate and fill; return the lines it has for the operator."""
    if plan.postgres:
        plan.postgres.wait_ready()
        plan.postgres.database_create()
    if plan.valkey:
        plan.valkey.wait_ready()
    command = [sys.executable, str(ROOT / "manage.py"), "prepare"]
    # It makes the tables, and the role that everything after it acts under.
    environment = {**plan.environment, "CHATBOT_DATABASE_ROLE": ""}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            output, errors = process.communicate()
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode != 0:
        reason = (errors.strip().splitlines() or ["it gave no reason"])[-1]
        raise DevError(f"The database could not be prepared: {reason}")
    return output.splitlines()


def _ready_wait(layout: Layout, plan: Plan, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_SECONDS
    # The model first: the product remembers for seconds that a model was not there.
    urls = [url for url in (plan.model_health, f"{layout.address}/ready") if url]
    while urls:
        if url_answers(urls[0], timeout=5):
            urls.pop(0)
            continue
        if time.monotonic() > deadline:
            raise DevError(f"It was not ready within {READY_SECONDS} s: see the files in {layout.logs}.")
        for info in supervisor.processes():
            if info["name"] in {"web", "model"} and info["statename"] in {"BACKOFF", "FATAL"}:
                raise DevError(f"The {info['name']} process ends at once: see {layout.logs / info['name']}.log.")
        time.sleep(0.2)


def _greet(layout: Layout, plan: Plan, notes: list[str], seconds: float) -> None:
    for line in notes:
        print(line.replace("setup-link: ", f"Create the first administrator here, once: {layout.address}"))
    print(f"Ready after {seconds:.1f} s: {layout.address}")
    print(f"Model: {plan.chat}. Logs: {layout.logs} (`python3 -m chatbot.dev logs`).", flush=True)


def _watch(supervisor: Supervisor, process: "subprocess.Popen[bytes]") -> int:
    """Say on the console what dies and comes back, until supervisord ends."""
    fallen: set[str] = set()
    with supervisor.log.open() as log:
        while process.poll() is None:
            for line in log:
                _say(line, fallen)
            time.sleep(0.2)
    if supervisor.state.exists():
        print("The supervisor was killed: everything else is being stopped; start it again with `up`.", file=sys.stderr)
        return 1
    print("Stopped by `down`.")
    return 0


def _say(line: str, fallen: set[str]) -> None:
    if match := EXITED.search(line):
        fallen.add(match[1])
        print(f"{match[1]} ended ({match[2]}) and is being restarted.", flush=True)
    elif (match := RUNNING.search(line)) and match[1] in fallen:
        fallen.discard(match[1])
        print(f"{match[1]} runs again.", flush=True)


@contextlib.contextmanager
def _lock(layout: Layout) -> Iterator[bool]:
    """Whether we are the only `up` of this installation; the kernel frees the lock even if we are killed."""
    with Path(layout.data / "up.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
