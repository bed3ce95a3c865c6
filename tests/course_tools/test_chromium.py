"""Getting a browser, and saying so when there is none."""

import pytest

from course_tools import chromium


@pytest.fixture
def no_browser(monkeypatch):
    """A machine without a Chromium, where nothing can be installed."""
    monkeypatch.setattr(chromium, "find", lambda: None)
    monkeypatch.setattr(chromium, "install", lambda: None)
    for name in ("CI", "COURSE_CI"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_browser_one_line_says_what_is_skipped_and_what_to_do(no_browser, capsys):
    assert chromium.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == chromium.MISSING
    assert "\n" not in chromium.MISSING and "apt install chromium" in chromium.MISSING


@pytest.mark.parametrize("name", ["CI", "COURSE_CI"])
@pytest.mark.parametrize("value, code", [("1", 1), ("true", 1), ("", 0), ("0", 0), ("false", 0)])
def test_continuous_integration_does_without_no_test(no_browser, monkeypatch, name, value, code):
    monkeypatch.setenv(name, value)
    assert chromium.main() == code


@pytest.mark.parametrize("user, first", [(0, "apt-get"), (1000, "playwright")])
def test_root_asks_the_system_first_and_others_playwright(monkeypatch, user, first):
    asked = []
    monkeypatch.setattr(chromium.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: user)
    monkeypatch.setattr(chromium, "find", lambda: None)
    monkeypatch.setattr(chromium, "_quietly", lambda command: asked.append(" ".join(command)))
    chromium.install()
    assert first in asked[0] and "playwright install chromium" in asked[-1]


def test_a_program_that_does_not_start_is_no_browser(tmp_path, monkeypatch):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    working = tmp_path / "google-chrome"
    working.write_text("#!/bin/sh\necho Chrome 1\n")
    working.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find() == str(working)
