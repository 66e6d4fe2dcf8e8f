"""Memory of each process of a running product, by its data folder."""

from collections import defaultdict
from pathlib import Path

import psutil

MEGABYTE = 1_000_000
MODEL_SERVER = "model server"
ALL_BUT = "all but the model server"
# What stands in a process's command line, and what it is.
_ROLES = (
    ("model_server", MODEL_SERVER),
    ("daphne", "web"),
    ("inference@", "worker inference"),
    ("ingest@", "worker ingest"),
    ("beat", "beat"),
    ("postgres", "postgres"),
    ("valkey", "valkey"),
    ("supervisor", "supervisor"),
    ("chatbot.dev", "supervisor"),
)


def _role_of(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next((role for part, role in _ROLES if part in line), "other")


def _belongs(process: psutil.Process, data_dir: Path) -> bool:
    try:
        if process.environ().get("CHATBOT_DATA_DIR") == str(data_dir):
            return True
        return str(data_dir) in " ".join(process.cmdline())
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def memory_rows(data_dir: Path) -> list[dict[str, str | float]]:
    """Resident and proportional megabytes per role, and of all but the model server.

    Proportional: pages that processes share count once in all. Where the system does not tell it (macOS), the resident
    figure stands for it.
    """
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for process in _processes(data_dir):
        try:
            role = _role_of(process)
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        figures = (memory.rss, getattr(memory, "pss", memory.rss))
        for name in (role,) if role == MODEL_SERVER else (role, ALL_BUT):
            totals[name] = [total + figure / MEGABYTE for total, figure in zip(totals[name], figures, strict=True)]
    return [
        {"process": role, "resident_mb": round(resident, 1), "proportional_mb": round(proportional, 1)}
        for role, (resident, proportional) in sorted(totals.items(), key=lambda item: item[1])
    ]


def _processes(data_dir: Path) -> list[psutil.Process]:
    owned = {process.pid: process for process in psutil.process_iter() if _belongs(process, data_dir)}
    for process in list(owned.values()):
        try:
            owned |= {child.pid: child for child in process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return list(owned.values())
