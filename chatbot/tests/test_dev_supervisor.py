"""supervisord with small children in place of ours: restart, order, and nothing left behind."""

import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator

import psutil
import pytest

from chatbot.dev.control import down, logs, status
from chatbot.dev.layout import Layout, private_directory
from chatbot.dev.programs import MARK
from chatbot.dev.services import port_free
from chatbot.dev.strays import strays_stop
from chatbot.dev.supervisor import Program, Supervisor
from chatbot.dev.up import up

pytestmark = pytest.mark.long_file

# Says when it starts and when it is told to stop; starts a child of its own that heeds nothing.
CHILD = """
import signal, subprocess, sys, time
def stop(*_):
    print("stopped", time.time(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", deaf])
print("started", flush=True)
while True:
    time.sleep(1)
"""


def wait_until(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def marked(layout: Layout) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(layout.data):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def layout(tmp_path) -> Iterator[Layout]:
    made = Layout(data=tmp_path, models=tmp_path / "models", host="127.0.0.1", port=port_free())
    private_directory(made.run)
    private_directory(made.logs)
    yield made
    Supervisor(made).stop()
    strays_stop(made, seconds=0.2)


@pytest.fixture
def supervisor(layout) -> Iterator[Supervisor]:
    supervisor = Supervisor(layout)
    script = layout.data / "child.py"
    script.write_text(CHILD)
    child = [sys.executable, str(script)]
    programs = [
        Program(name="database", command=child, group="servers", stop_seconds=2, is_first=True),
        Program(name="web", command=[*child, "100%"], group="application", stop_seconds=2),
    ]
    process = supervisor.start(programs, {**os.environ, MARK: str(layout.data)})
    supervisor.group_start("application")
    wait_until(lambda: all("started" in log(layout, name) for name in ("database", "web")))
    yield supervisor
    supervisor.stop()
    process.wait()


def log(layout: Layout, name: str) -> str:
    path = layout.logs / f"{name}.log"
    return path.read_text() if path.exists() else ""


def pid_of(supervisor: Supervisor, name: str) -> int:
    return next(int(info["pid"]) for info in supervisor.processes() if info["name"] == name)


def test_killed_child_comes_back(supervisor, layout):
    before = pid_of(supervisor, "web")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: log(layout, "web").count("started") == 2)
    assert pid_of(supervisor, "web") not in {0, before}


def test_stop_is_in_order_and_leaves_nothing(supervisor, layout, capsys):
    supervisor.state_write(address="http://127.0.0.1:1", is_detached=True)
    started = time.monotonic()
    assert down(Namespace(), layout) == 0
    assert time.monotonic() - started < 10
    stopped = {name: float(log(layout, name).split("stopped ")[1]) for name in ("web", "database")}
    assert stopped["web"] < stopped["database"]
    assert marked(layout) == []
    assert capsys.readouterr().out == "Stopped.\n"


def test_killed_supervisor_leaves_children_that_the_next_start_finds(supervisor, layout):
    os.kill(int(supervisor.call("supervisor.getPID")), signal.SIGKILL)
    wait_until(lambda: not supervisor.is_running())
    assert marked(layout)
    assert strays_stop(layout) >= 4
    assert marked(layout) == []


def test_second_up_says_where_the_first_is(supervisor, layout, capsys):
    supervisor.state_write(address=layout.address, is_detached=True)
    assert up(Namespace(detach=True), layout) == 0
    assert f"already running, at {layout.address}" in capsys.readouterr().out
    assert supervisor.is_running()


def test_status_and_logs(supervisor, layout, capsys):
    assert status(Namespace(), layout) == 3
    out = capsys.readouterr().out
    assert "database" in out
    assert f"not ready at {layout.address}" in out

    assert logs(Namespace(process="web", lines=5, follow=False), layout) == 0
    assert capsys.readouterr().out == "started\n"


def test_nothing_runs(layout, capsys):
    assert status(Namespace(), layout) == 3
    assert down(Namespace(), layout) == 0
    assert capsys.readouterr().out == "Nothing runs: `python3 -m chatbot.dev up` starts it.\nNothing runs.\n"
