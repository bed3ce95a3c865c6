"""Getting a browser, and saying so when there is none."""

from types import SimpleNamespace

import pytest

from course_tools import browser


@pytest.fixture
def no_browser(monkeypatch):
    """A machine without a Chromium, where nothing can be installed."""
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setattr(browser, "install", lambda: None)
    for name in ("CI", "COURSE_CI"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_browser_one_line_says_what_is_skipped_and_what_to_do(no_browser, capsys):
    assert browser.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == browser.MISSING
    assert "\n" not in browser.MISSING and "apt install chromium" in browser.MISSING


@pytest.mark.parametrize("name", ["CI", "COURSE_CI"])
@pytest.mark.parametrize("value, code", [("1", 1), ("true", 1), ("", 0), ("0", 0), ("false", 0)])
def test_continuous_integration_does_without_no_test(no_browser, monkeypatch, name, value, code):
    monkeypatch.setenv(name, value)
    assert browser.main() == code


@pytest.mark.parametrize("user, first", [(0, "apt-get"), (1000, "playwright")])
def test_root_asks_the_system_first_and_others_playwright(monkeypatch, user, first):
    asked = []
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(browser.os, "geteuid", lambda: user)
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setattr(browser, "_quietly", lambda command: asked.append(" ".join(command)))
    browser.install()
    assert first in asked[0] and "playwright install chromium" in asked[-1]


def test_a_program_that_does_not_start_is_no_browser(tmp_path, monkeypatch):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    working = tmp_path / "google-chrome"
    working.write_text("#!/bin/sh\necho Chrome 1\n")
    working.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.find() == str(working)


@pytest.mark.parametrize(
    "where, heard",
    [
        ("Error: x\n at render (blob:http://127.0.0.1/1:2)\n at http://h/static/lab/3.js", True),
        ("", True),  # a script that is not JavaScript has no place
        ("http://127.0.0.1/lab/extensions/anywidget/static/528.js", True),
        ("http://127.0.0.1/static/lab/main.js", False),
    ],
)
def test_what_jupyterlab_itself_complains_about_is_not_ours(where, heard):
    lab = browser.Lab(None, None)
    lab._take_error(SimpleNamespace(stack=where))
    lab._take_message(SimpleNamespace(type="error", text="text", location={"url": where}))
    lab._take_message(SimpleNamespace(type="warning", text="text", location={"url": where}))
    assert len(lab.problems) == 2 * heard
