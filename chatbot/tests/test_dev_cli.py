"""The command line on a fresh clone: every mishap ends in one sentence and a code that is not 0."""

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chatbot.dev import bootstrap
from chatbot.dev.cli import options_parse
from chatbot.dev.layout import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the first minute needs of the project, without `.venv`; its only requirement is one small package."""
    (tmp_path / "requirements").mkdir()
    shutil.copytree(ROOT / "chatbot" / "dev", tmp_path / "chatbot" / "dev")
    shutil.copytree(
        ROOT / "apps" / "llm", tmp_path / "apps" / "llm", ignore=shutil.ignore_patterns("tests", "migrations")
    )
    for package in ("chatbot", "apps"):
        (tmp_path / package / "__init__.py").touch()
    requirements_write(tmp_path, "nowhere-to-be-found==1.0 --hash=sha256:" + "0" * 64)
    return tmp_path


@pytest.fixture
def clone_with_venv(clone: Path) -> Path:
    """`.venv` as a link to this one's Python: making a real one takes seconds."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    python = clone / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return clone


def requirements_write(clone: Path, line: str) -> None:
    for name in ("embedded", "dev"):
        (clone / "requirements" / f"{name}.txt").write_text(line + "\n")


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CHATBOT_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-m", "chatbot.dev", *arguments],
        cwd=clone,
        env={**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence(answer: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error; fails if there is more or a traceback."""
    assert answer.returncode == 1, answer
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, answer.stderr
    return lines[0]


def site(clone: Path, code: str) -> dict[str, str]:
    """An environment whose Python runs `code` first."""
    folder = clone / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


def test_old_python(clone):
    answer = run(clone, "up", **site(clone, "import sys; sys.version_info = (3, 9, 2)"))
    assert sentence(answer).startswith("This product needs Python 3.11 or newer and this is Python 3.9: install")


def test_any_python_3_can_read_the_first_file():
    ast.parse((ROOT / "chatbot" / "dev" / "__main__.py").read_text(), feature_version=(3, 4))
    assert (ROOT / "chatbot" / "__init__.py").read_text() == ""


def test_python_without_venv(clone):
    answer = run(clone, "check", **site(clone, "import sys; sys.modules['ensurepip'] = None"))
    assert "comes without venv: install it" in sentence(answer)


def test_full_disk(clone):
    code = "import shutil; shutil.disk_usage = lambda path: type('Usage', (), {'free': 1000})"
    assert "GB free and the packages need" in sentence(run(clone, "check", **site(clone, code)))


def test_data_directory_that_cannot_be_made(clone_with_venv):
    answer = run(clone_with_venv, "up", CHATBOT_DATA_DIR="/proc/nowhere")
    assert sentence(answer).endswith("set CHATBOT_DATA_DIR to a directory of yours.")


def test_packages_cannot_be_downloaded(clone_with_venv):
    answer = run(clone_with_venv, "check")
    assert "The packages could not be downloaded (No matching distribution" in sentence(answer)
    assert "check the connection" in answer.stderr


def test_package_with_a_wrong_hash(clone_with_venv):
    with zipfile.ZipFile(clone_with_venv / "small-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        archive.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small-1.0.dist-info/RECORD", "")
    requirements_write(clone_with_venv, "small==1.0 --hash=sha256:" + "0" * 64)
    assert "wrong SHA-256" in sentence(run(clone_with_venv, "check"))


def test_port_that_is_none(clone):
    assert sentence(run(clone, "up", CHATBOT_PORT="eighty")) == (
        "CHATBOT_PORT is 'eighty': set it to a number from 1 to 65535."
    )


def test_down_and_status_before_the_first_up(clone):
    for command, code in (("down", 0), ("status", 3)):
        answer = run(clone, command)
        assert (answer.returncode, answer.stdout) == (code, "Nothing runs: nothing was installed yet.\n")


def test_arguments_of_pytest_pass_through():
    options = options_parse(["test", "-k", "one", "--lf"])
    assert (options.command, options.rest) == ("test", ["-k", "one", "--lf"])
    assert options_parse(["logs", "web", "-f"]).process == "web"


def test_logs_before_the_first_up(clone):
    assert "There is no log of any process" in sentence(run(clone, "logs"))


def test_what_dev_installs_is_enough_for_up():
    assert bootstrap._pins("embedded") <= bootstrap._pins("dev")
    assert bootstrap._pins("base") <= bootstrap._pins("worker") <= bootstrap._pins("embedded")
