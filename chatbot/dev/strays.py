"""Finds and ends the processes that a killed supervisor left behind."""

import os
import signal

import psutil

from chatbot.dev.layout import Layout
from chatbot.dev.programs import MARK

SERVERS = {"postgres", "valkey-server"}


def strays_stop(layout: Layout, seconds: float = 2) -> int:
    """End what belongs to this installation and return how many processes that were.

    Nothing of it may run on purpose: call it without a supervisor only.
    """
    found = _found(layout)
    for process in found:
        _send(process, "terminate")
    _, alive = psutil.wait_procs(found, timeout=seconds)
    for process in alive:
        _send(process, "kill")
    psutil.wait_procs(alive, timeout=1)
    return len(found)


def _found(layout: Layout) -> list[psutil.Process]:
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in ours and (_is_marked(process, layout) or _is_server(process, layout)):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _is_marked(process: psutil.Process, layout: Layout) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(layout.data))
    except psutil.AccessDenied:
        return False


def _is_server(process: psutil.Process, layout: Layout) -> bool:
    """The servers write their titles over their environment, so they are known by the directories in the title."""
    if process.name() not in SERVERS:
        return False
    places = (str(layout.postgres), str(layout.run))
    return any(place in argument for argument in process.cmdline() for place in places)


def _send(process: psutil.Process, method: str) -> None:
    try:
        # PostgreSQL's fast shutdown: on SIGTERM it would wait for its clients.
        if method == "terminate" and process.name() == "postgres":
            process.send_signal(signal.SIGINT)
        else:
            getattr(process, method)()
    except psutil.Error:
        return
