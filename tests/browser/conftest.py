"""JupyterLab and Chromium for tests that look at what a reader sees.

One server serves a worker. A browser lives as long as one file of tests: Playwright keeps an event
loop running in its thread, which other tests' kernels would meet.

Opening a notebook takes about four seconds. Tests that look at the same one share it:

    @pytest.fixture(scope="module")
    def page(open_notebook):
        return open_notebook("from course_lib import widgets", "widgets.something()")

What a test opens in its own body is closed after it.
"""

from pathlib import Path

import pytest

import browser
from course_tools import chromium
from course_tools.system_packages import is_required

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"


@pytest.fixture(scope="session")
def server():
    with browser.jupyter_lab() as running:
        yield running


@pytest.fixture(scope="session")
def executable():
    """A Chromium. Without one tests are skipped; in continuous integration they fail."""
    found = chromium.find()
    if not found and is_required():
        pytest.fail(chromium.MISSING)
    if not found:
        pytest.skip(chromium.MISSING)
    return found


@pytest.fixture(scope="module")
def lab(executable, server):
    with browser.chromium(executable) as running:
        lab = browser.Lab(running, server)
        yield lab
        for page in list(lab.pages):
            lab.close(page)


@pytest.fixture(scope="module")
def open_notebook(lab):
    """open_notebook(*code_cells) -> the page of a notebook whose cells have all run."""
    return lab.open_cells


@pytest.fixture(scope="session")
def pixels():
    """pixels(page, locator) -> uint8 (H, W, 3) that a <canvas> holds."""
    return lambda page, locator: browser.pixels(locator)


@pytest.fixture(scope="session")
def select_cell():
    """select_cell(page, index): from there a Tab goes to the first control of its output."""
    return browser.select_cell


@pytest.fixture(scope="session")
def save():
    """save(page, name) puts a picture of the window under build/screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def save(page, name):
        page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    return save


@pytest.fixture(autouse=True)
def watch(request, lab, save):
    """Fail a test in which a script complained; keep a picture of one that fails."""
    opened_before = list(lab.pages)
    failed_before = request.session.testsfailed
    yield
    for page in lab.pages:
        page.evaluate("0")  # what the page has said by now has then been heard
    problems = list(lab.problems)
    lab.problems.clear()
    if problems or request.session.testsfailed > failed_before:
        for number, page in enumerate(lab.pages):
            save(page, f"failed-{request.node.name[:60]}-{number}".replace("/", "-"))
    for page in [page for page in lab.pages if page not in opened_before]:
        lab.close(page)
    assert not problems, "the page complained: " + "; ".join(problems)
