"""The summary at the end of `check` and `test`, and the browser that the journeys get."""

import os
import subprocess
import sys

from chatbot.dev.checks import Report, chromium_find
from chatbot.dev.layout import ROOT


def test_a_parallel_run_begins_with_long_files_and_then_those_with_the_most_tests():
    folder = "chatbot/tests"
    files = [f"{folder}/test_{name}.py" for name in ("dev_checks", "dev_layout", "dev_supervisor")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env={**os.environ, "PYTEST_XDIST_WORKER": "gw0"},
        capture_output=True,
        text=True,
        check=True,
    )
    tests = [line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line]
    checks, layout, supervisor = files
    assert list(dict.fromkeys(tests)) == [supervisor, layout, checks]
    assert tests == sorted(tests, key=[supervisor, layout, checks].index)


def test_summary_ends_with_the_totals(capsys):
    report = Report()
    report.count("ruff", True, 0.5)
    report.passed += 40
    assert report.finish() == 0
    assert capsys.readouterr().out.endswith("\n41 passed, 0 failed\n")


def test_one_failed_step_fails_the_run(capsys):
    report = Report(skipped=3)
    report.count("ruff", True, 0.5)
    report.count("mypy", False, 9)
    assert report.finish() == 1
    out = capsys.readouterr().out
    assert "mypy               FAILED" in out
    assert out.endswith("\n1 passed, 1 failed, 3 skipped\n")


def test_named_browser_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_CHROMIUM", str(tmp_path / "none"))
    assert chromium_find() == ""
    browser = tmp_path / "browser"
    browser.touch(mode=0o755)
    monkeypatch.setenv("CHATBOT_CHROMIUM", str(browser))
    assert chromium_find() == str(browser)


def test_no_browser(tmp_path, monkeypatch):
    monkeypatch.delenv("CHATBOT_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("chatbot.dev.checks.CHROMIUM_MACOS", tmp_path / "none")
    assert chromium_find() == ""
