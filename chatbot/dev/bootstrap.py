"""Makes `.venv`, installs a hashed requirement file into it and fetches the models meanwhile. Standard library only."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import ROOT, Layout, data_directory
from chatbot.dev.services import chat_is_elsewhere

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".chatbot-requirements.json"
REQUIREMENTS = ROOT / "requirements"

# Measured: what the packages take on disk, and what is left over for pip's own temporary files.
VENV_BYTES = 1_300_000_000

PIN = re.compile(r"^[A-Za-z0-9._-]+==[^\s;\\]+", re.MULTILINE)


def is_inside() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def has_venv() -> bool:
    return PYTHON.exists()


def is_ready(name: str) -> bool:
    """Whether `.venv` holds exactly what the requirement file says, by the file's hash at the time of installation."""
    return PYTHON.exists() and _stamps().get(name) == _digest(name)


def enter(arguments: Sequence[str]) -> NoReturn:
    """Go on as the virtual environment's Python, in this same process."""
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", "chatbot.dev", *arguments])


def install(name: str, layout: Layout) -> None:
    """Make the environment whole. For `up` (embedded) the models come down at the same time. Raises DevError."""
    started = time.monotonic()
    _space_require()
    _venv_make()
    data_directory(layout)
    print(f"Installing the packages of requirements/{name}.txt into .venv", flush=True)
    models = _models_start(layout) if name == "embedded" else None
    try:
        _pip_install(name)
        print(f"Packages are installed ({time.monotonic() - started:.0f} s).", flush=True)
        if models and models.wait() != 0:
            raise SystemExit(1)  # it has said why
    finally:
        if models and models.poll() is None:
            models.terminate()
            models.wait()
    _stamp_write(name)


def _venv_make() -> None:
    if PYTHON.exists() and _runs("import sys; sys.exit(sys.version_info < (3, 11))"):
        if not _runs("import pip"):
            _runs("import ensurepip; ensurepip.bootstrap()")
        return
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise DevError(
            "This Python comes without venv: install it (Debian and Ubuntu: `apt install python3-venv`) "
            "and run the command again."
        )
    answer = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise DevError(
            f"Python could not make {VENV} ({_reason(answer.stdout + answer.stderr)}): "
            "mend that and run the command again."
        )


def _pip_install(name: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--quiet", "--no-input", "--prefer-binary"]
    command += ["--disable-pip-version-check", "--no-warn-script-location", "-r", str(REQUIREMENTS / f"{name}.txt")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            output = process.communicate()[0]
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode != 0:
        raise DevError(_pip_sentence(output))


def _pip_sentence(output: str) -> str:
    if "No space left" in output:
        return f"The disk is full: free {VENV_BYTES / 1e9:.1f} GB at {ROOT} and run the command again."
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "A downloaded package is not the one that was pinned (wrong SHA-256), and nothing of it was installed: "
            "run the command again, and if it says so again ask whoever runs your package index or proxy."
        )
    return (
        f"The packages could not be downloaded ({_reason(output)}): "
        "check the connection, the proxy or pip's index setting and run the command again."
    )


def _models_start(layout: Layout) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "CHATBOT_MODEL_DIR": str(layout.models)}
    roles = ["embedding", "reranker"] if chat_is_elsewhere() else ["embedding", "reranker", "chat"]
    return subprocess.Popen([str(PYTHON), "-m", "apps.llm.store", *roles], cwd=ROOT, env=environment)


def _space_require() -> None:
    free = shutil.disk_usage(ROOT).free
    if not PYTHON.exists() and free < VENV_BYTES:
        raise DevError(
            f"{ROOT} has {free / 1e9:.1f} GB free and the packages need {VENV_BYTES / 1e9:.1f} GB: "
            "free some space and run the command again."
        )


def _runs(code: str) -> bool:
    try:
        return subprocess.run([str(PYTHON), "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _reason(output: str) -> str:
    """The line that tells most: pip's last error, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith(("ERROR: ", "Error: "))]
    return (errors or lines or ["no reason given"])[-1].rstrip(".")


def _digest(name: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()


def _stamps() -> dict[str, str]:
    try:
        stamps = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _stamp_write(name: str) -> None:
    """Note the file just installed, and each other file whose pins are among its own."""
    installed = _pins(name)
    names = [
        name,
        *(path.stem for path in REQUIREMENTS.glob("*.txt") if path.stem != name and _pins(path.stem) <= installed),
    ]
    STAMP.write_text(json.dumps({each: _digest(each) for each in names}))


def _pins(name: str) -> set[str]:
    return set(PIN.findall((REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")))
