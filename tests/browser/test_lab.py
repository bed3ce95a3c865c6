"""What the browser tests' own JupyterLab takes note of."""

from types import SimpleNamespace

import pytest

import browser


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
