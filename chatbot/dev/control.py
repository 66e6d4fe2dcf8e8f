"""`down`, `status` and `logs`: the running installation seen from another terminal."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import Layout
from chatbot.dev.services import url_answers

NOT_RUNNING = 3


def down(_: argparse.Namespace, layout: Layout) -> int:
    """Stop every process in order; it is no mistake if none runs."""
    from chatbot.dev.strays import strays_stop
    from chatbot.dev.supervisor import Supervisor

    supervisor = Supervisor(layout)
    was_running = supervisor.is_running()
    # A watching `up` reads from this that it was asked for.
    supervisor.state.unlink(missing_ok=True)
    supervisor.stop()
    left = strays_stop(layout)
    print("Stopped." if was_running or left else "Nothing runs.")
    return 0


def status(_: argparse.Namespace, layout: Layout) -> int:
    """Print one line for each process; 0 when all run and the product is ready, else 3."""
    from chatbot.dev.supervisor import Supervisor

    supervisor = Supervisor(layout)
    processes = supervisor.processes()
    if not processes:
        print("Nothing runs: `python3 -m chatbot.dev up` starts it.")
        return NOT_RUNNING
    for info in processes:
        print(f"{info['name']:<10} {info['statename'].lower():<9} {info['description']}")
    address = supervisor.state_read().get("address") or layout.address
    is_ready = url_answers(f"{address}/ready", timeout=5)
    print(f"{'ready' if is_ready else 'not ready'} at {address}")
    return 0 if is_ready and all(info["statename"] == "RUNNING" for info in processes) else NOT_RUNNING


def logs(options: argparse.Namespace, layout: Layout) -> int:
    """Print the last lines of each process's log, and with --follow what comes after them. Raises DevError."""
    files = sorted(layout.logs.glob(f"{options.process or '*'}.log"))
    if not files:
        known = ", ".join(sorted(path.stem for path in layout.logs.glob("*.log"))) or "none yet"
        raise DevError(f"There is no log of {options.process or 'any process'} in {layout.logs}: known are {known}.")
    width = max(len(path.stem) for path in files)
    for path in files:
        for line in _tail(path, options.lines):
            print(f"{path.stem:<{width}} | {line}" if len(files) > 1 else line)
    if options.follow:
        for path, line in _follow(files):
            print(f"{path.stem:<{width}} | {line}" if len(files) > 1 else line, flush=True)
    return 0


def _tail(path: Path, lines: int) -> list[str]:
    """The last lines, read from the last megabyte."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - (1 << 20)))
        return stream.read().decode(errors="replace").splitlines()[-lines:] if lines > 0 else []


def _follow(files: list[Path]) -> Iterator[tuple[Path, str]]:
    """New lines of all files, for ever; a file that was rotated is read from its start."""
    positions = {path: path.stat().st_size for path in files}
    while True:
        for path in files:
            size = path.stat().st_size if path.exists() else 0
            if size < positions[path]:
                positions[path] = 0
            if size > positions[path]:
                with path.open("rb") as stream:
                    stream.seek(positions[path])
                    chunk = stream.read().rpartition(b"\n")[0]
                positions[path] += len(chunk) + 1 if chunk else 0
                for line in chunk.decode(errors="replace").splitlines():
                    yield path, line
        time.sleep(0.3)
