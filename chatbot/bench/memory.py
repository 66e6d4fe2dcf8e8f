"""Memory of each process of a running product, by its data folder."""

from collections import defaultdict
from pathlib import Path

import psutil

MEGABYTE = 1_000_000
# What stands in a process's command line, and what it is.
_ROLES = (
    ("model_server", "model server"),
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


def memory_by_role(data_dir: Path) -> dict[str, dict[str, float]]:
    """Resident and proportional megabytes per role. Proportional: pages that processes share count once in all.

    Where the system does not tell the proportional figure (macOS), the resident one stands for it.
    """
    totals: dict[str, dict[str, float]] = defaultdict(lambda: {"resident_mb": 0.0, "proportional_mb": 0.0})
    owned = {process.pid: process for process in psutil.process_iter() if _belongs(process, data_dir)}
    for process in list(owned.values()):
        try:
            owned |= {child.pid: child for child in process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    for process in owned.values():
        try:
            role = _role_of(process)
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        totals[role]["resident_mb"] += memory.rss / MEGABYTE
        totals[role]["proportional_mb"] += getattr(memory, "pss", memory.rss) / MEGABYTE
    return {role: {name: round(value, 1) for name, value in figures.items()} for role, figures in totals.items()}
