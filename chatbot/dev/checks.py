"""`fmt`, `check`, `test`, `e2e`, `bench` and `all`: what a developer and continuous integration run."""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.llm.store import DEFAULT_ROLES, StoreError, models_fetch
from chatbot.dev.embedded import servers
from chatbot.dev.layout import ROOT, Layout

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# The operator's own settings must not leak into tests; these speak to the tests themselves.
KEPT = {"CHATBOT_CHROMIUM", "CHATBOT_REQUIRE_E2E", "CHATBOT_REQUIRE_PEERS", "CHATBOT_TEST_DATABASE"}
NO_TESTS = 5
# More gain little and take the memory of small machines.
PROCESSES_MAXIMUM = 4


@dataclass(slots=True)
class Report:
    """What passed and what failed, for the summary at the end."""

    lines: list[str] = field(default_factory=list)
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def step(self, name: str, is_good: bool, seconds: float) -> None:
        self.lines.append(f"{name:<18} {'ok' if is_good else 'FAILED':<7} {seconds:6.1f} s")

    def count(self, name: str, is_good: bool, seconds: float) -> None:
        """A step that is one check by itself."""
        self.step(name, is_good, seconds)
        self.passed += is_good
        self.failed += not is_good

    def finish(self) -> int:
        """Print the summary, totals last, and return the exit code."""
        print("\n" + "\n".join(self.lines))
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"\n{self.passed} passed, {self.failed} failed{skipped}", flush=True)
        return 1 if self.failed else 0


def fmt(_: argparse.Namespace, __: Layout) -> int:
    """Format the code and the templates, and mend what the linter can mend."""
    ruff = subprocess.run([*_python("ruff"), "check", "--fix", "--quiet", "."], check=False)
    subprocess.run([*_python("ruff"), "format", "."], check=True)
    if templates := _templates():
        subprocess.run([_script("djade"), "--target-version", "5.2", *templates], check=False)
    return ruff.returncode


def check(_: argparse.Namespace, __: Layout) -> int:
    report = Report()
    with _environment() as environment:
        _check_steps(report, environment)
    return report.finish()


def test(options: argparse.Namespace, layout: Layout) -> int:
    """Everything; with arguments only pytest, with these arguments."""
    report = Report()
    with _environment(layout) as environment:
        if options.rest:
            return _pytest(report, "pytest", options.rest, environment)
        _check_steps(report, environment)
        _timed(report, "models", lambda: _models_step(layout))
        # In the order that chatbot.testing.plugin gives them.
        parallel = ["-n", str(_processes()), "--dist", "loadfile", "--no-loadscope-reorder"]
        _pytest(report, "pytest", parallel, environment)
        _journeys(report, [], environment)
    return report.finish()


def e2e(options: argparse.Namespace, layout: Layout) -> int:
    report = Report()
    with _environment(layout) as environment:
        _timed(report, "models", lambda: _models_step(layout))
        _journeys(report, options.rest, {**environment, "CHATBOT_REQUIRE_E2E": "1"})
    return report.finish()


def everything(options: argparse.Namespace, layout: Layout) -> int:
    """As `test`, and missing browser journeys are a failure."""
    os.environ["CHATBOT_REQUIRE_E2E"] = "1"
    options.rest = []
    return test(options, layout)


def bench(options: argparse.Namespace, _: Layout) -> int:
    os.execv(sys.executable, [*_python("chatbot.bench"), *options.rest])


def chromium_find() -> str:
    """The browser for the journeys: CHATBOT_CHROMIUM, else a usual name on the path; empty without one."""
    named = os.environ.get("CHATBOT_CHROMIUM")
    if named:
        return named if shutil.which(named) else ""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), "")
    return found or (str(CHROMIUM_MACOS) if CHROMIUM_MACOS.exists() else "")


def _check_steps(report: Report, environment: dict[str, str]) -> None:
    manage = [sys.executable, "manage.py"]
    steps: dict[str, list[str]] = {
        "ruff": [*_python("ruff"), "check", "."],
        "ruff format": [*_python("ruff"), "format", "--check", "--quiet", "."],
        "mypy": _python("mypy"),
        "import contracts": [_script("lint-imports"), "--no-logo"],
        "django check": [*manage, "check", "--fail-level", "WARNING"],
        "migrations": [*manage, "makemigrations", "--check", "--dry-run"],
    }
    if templates := _templates():
        steps["djade"] = [_script("djade"), "--check", "--target-version", "5.2", *templates]
    for name, command in steps.items():
        _timed(report, name, lambda command=command: _run(command, environment) == 0)  # type: ignore[misc]


def _processes() -> int:
    """How many run tests side by side. Each has its own database server and takes about 700 MB."""
    return max(1, min(PROCESSES_MAXIMUM, os.cpu_count() or 1))


def _models_step(layout: Layout) -> bool:
    """The tests speak with real models."""
    try:
        models_fetch(DEFAULT_ROLES, layout.models)
    except StoreError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _journeys(report: Report, arguments: Sequence[str], environment: dict[str, str]) -> None:
    chromium = chromium_find()
    if chromium:
        _pytest(report, "browser journeys", ["-m", "e2e", *arguments], {**environment, "CHATBOT_CHROMIUM": chromium})
        return
    is_required = environment.get("CHATBOT_REQUIRE_E2E") == "1"
    print(
        "The browser journeys were skipped: install Chromium (Debian: `apt install chromium`) or set CHATBOT_CHROMIUM."
    )
    if is_required:
        report.count("browser journeys", False, 0)
    else:
        report.lines.append("browser journeys   skipped: no Chromium")


def _pytest(report: Report, name: str, arguments: Sequence[str], environment: dict[str, str]) -> int:
    """Run pytest and add its numbers to the report."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        code = _run([*_python("pytest"), f"--junitxml={results}", *arguments], environment)
        failures = _numbers_add(report, results)
    # Nothing collected, a crash or an interruption has no failing test to count.
    if code and not failures:
        report.failed += 1
    report.step(name + (" (no test ran)" if code == NO_TESTS else ""), code == 0, time.monotonic() - started)
    return code


def _numbers_add(report: Report, results: Path) -> int:
    """Add the totals of a JUnit file; return the failures."""
    try:
        suites = list(ElementTree.parse(results).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it just now
    except (OSError, ElementTree.ParseError):
        return 0
    tests, failures, errors, skipped = (
        sum(int(suite.get(key, "0")) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    report.failed += failures + errors
    report.skipped += skipped
    report.passed += max(0, tests - failures - errors - skipped)
    return failures + errors


def _timed(report: Report, name: str, step: Callable[[], bool]) -> None:
    print(f"--- {name}", flush=True)
    started = time.monotonic()
    report.count(name, step(), time.monotonic() - started)


@contextlib.contextmanager
def _environment(layout: Layout | None = None) -> Iterator[dict[str, str]]:
    """Postgres and Valkey of our own, and nothing of the operator's settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHATBOT_") or key in KEPT}
    with tempfile.TemporaryDirectory(prefix="chatbot-test-") as folder, servers(Path(folder) / "servers") as addresses:
        environment = {
            **inherited,
            **addresses,
            "CHATBOT_DATA_DIR": str(Path(folder) / "data"),
            "DJANGO_SETTINGS_MODULE": "chatbot.settings.test",
            "PYTHONPATH": str(ROOT),
        }
        if layout:
            environment["CHATBOT_MODEL_DIR"] = str(layout.models)
        yield environment


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # The terminal told it too; a pytest that is let go cleans up after itself.
        process.terminate()
        process.wait()
        raise


def _templates() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _script(name: str) -> str:
    """A tool of the virtual environment that cannot be run as a module."""
    return str(Path(sys.executable).with_name(name))
