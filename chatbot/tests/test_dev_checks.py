"""The summary at the end of `check` and `test`, and the browser that the journeys get."""

from chatbot.dev.checks import Report, chromium_find


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
