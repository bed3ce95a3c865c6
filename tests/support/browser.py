"""A real JupyterLab in a real Chromium, for tests and benchmarks of what a reader sees."""

import base64
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import numpy as np
from nbformat import NotebookNode

from course_lib.files import CourseError, write_json
from course_tools.lessons import lesson_source
from course_tools.lessons.build import offline

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page

FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # nothing leaves the machine
]
DISABLED = (
    "@jupyterlab/apputils-extension:announcements",  # asks whether to show news
    "@jupyterlab/cell-toolbar-extension:plugin",  # buttons that come late, amid the Tab order
)
PATIENCE_MS = 60_000  # for anything but cells; the machine may be busy
CELLS_MS = 900_000  # a whole lesson on a busy machine
SIZE = {"width": 1200, "height": 1500}

# What stands in the page, `window.jupyterapp`, is JupyterLab itself.
OPEN_AND_IDLE = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  return panel?.context?.isReady && panel.sessionContext?.isReady
    && panel.sessionContext.session?.kernel?.status === "idle";
}"""
HIDE_FILES = "() => window.jupyterapp.shell.collapseLeft()"
RUN_ALL = """(limit) => Promise.race([
  window.jupyterapp.commands.execute("notebook:run-all-cells"),
  new Promise((_, reject) => setTimeout(() => reject(new Error("Cells run for too long.")), limit)),
])"""
DONE_AND_SHOWN = """() => {
  const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
  const pending = [...content.node.querySelectorAll(".jp-InputPrompt, .jp-OutputArea-output")];
  return sessionContext.session?.kernel?.status === "idle"
    && !pending.some((node) => /^(\\[\\*\\]|Loading widget)/.test(node.textContent));
}"""
# JupyterLab keeps cells far away out of the page, and gives the focus to the active cell again when
# it draws; three frames later it is done.
SELECT = """async (index) => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.mode = "command";
  await content.scrollToItem(index, "start");
  content.activeCellIndex = index;
  content.activeCell.node.focus();
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
}"""
SELECTED = """() => document.activeElement
  === window.jupyterapp.shell.currentWidget.content.activeCell.node"""
CONTENT = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"
STOP_KERNEL = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
PIXELS = """(canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let text = "";
  for (let i = 0; i < data.length; i += 8192)
    text += String.fromCharCode(...data.subarray(i, i + 8192));
  return { width, height, data: btoa(text) };
}"""


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address with a slash at the end, its token, its folder."""

    url: str
    token: str
    folder: Path


@contextmanager
def jupyter_lab() -> Iterator[Server]:
    """JupyterLab on a free port of this machine, with no setting or file of the user's.

    Raises:
        CourseError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        (home / "notebooks").mkdir()
        (home / "config" / "labconfig").mkdir(parents=True)
        page_config = {"disabledExtensions": dict.fromkeys(DISABLED, True)}
        write_json(home / "config" / "labconfig" / "page_config.json", page_config)
        with (home / "log").open("w") as log:
            process = _start_server(home, log)
        try:
            yield _wait_for_server(process, home)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start_server(home: Path, log) -> subprocess.Popen:
    options = [
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",  # a free one
        f"--ServerApp.root_dir={home / 'notebooks'}",
        f"--IdentityProvider.token={secrets.token_hex(24)}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if sys.platform == "linux":  # elsewhere paths of temporary files are too long for sockets
        options.append("--KernelManager.transport=ipc")  # no port of a kernel is ever taken
    folders = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    environment = {f"JUPYTER_{key}_DIR": str(home / name) for key, name in folders.items()}
    environment["IPYTHONDIR"] = str(home / "ipython")
    with offline():
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait_for_server(process: subprocess.Popen, home: Path, seconds: float = 120) -> Server:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        for path in (home / "runtime").glob("jpserver-*.json"):
            with suppress(ValueError):  # it is being written
                found = json.loads(path.read_text())
                return Server(found["url"], found["token"], home / "notebooks")
        time.sleep(0.05)
    last = (home / "log").read_text()[-2000:]
    end = "was too slow" if process.poll() is None else f"ended with code {process.returncode}"
    raise CourseError(f"JupyterLab did not start, it {end}; it said last:\n{last}")


@contextmanager
def chromium(executable: str) -> Iterator["Browser"]:
    """A headless Chromium that reaches this machine alone.

    Until it is closed, Playwright keeps an event loop running in this thread.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Lab:
    """Notebooks opened in JupyterLab.

    Attributes:
        pages: those that are open.
        problems: what the scripts of widgets complained about, so far.
    """

    def __init__(self, browser: "Browser", server: Server) -> None:
        self.pages: list[Page] = []
        self.problems: list[str] = []
        self._browser = browser
        self._server = server

    def open(self, notebook: NotebookNode, notebook_7: bool = False, run: bool = True) -> "Page":
        """A page of its own with the notebook, every cell run and every widget shown.

        Args:
            notebook: with or without outputs.
            notebook_7: open it in Jupyter Notebook, and not in JupyterLab.
            run: False only opens it, and waits until its kernel is there.

        Raises:
            CourseError: a cell ended in an error that its tags do not announce.
        """
        path = self._server.folder / f"{secrets.token_hex(4)}.ipynb"
        nbformat.write(notebook, path)
        page = self._browser.new_page(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
        self.pages.append(page)
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", self._take_error)
        page.on("console", self._take_message)
        # A workspace of its own: in the common one JupyterLab opens again what was open before.
        place = "notebooks" if notebook_7 else f"lab/workspaces/{path.stem}/tree"
        page.goto(f"{self._server.url}{place}/{path.name}?token={self._server.token}")
        page.wait_for_function(OPEN_AND_IDLE)
        page.evaluate(HIDE_FILES)
        if not run:
            return page
        page.evaluate(RUN_ALL, CELLS_MS)
        page.wait_for_function(DONE_AND_SHOWN)
        if errors := cell_errors(page):
            raise CourseError("Cells failed in JupyterLab: " + "; ".join(errors))
        return page

    def open_cells(self, *code: str, notebook_7: bool = False) -> "Page":
        """The same for a notebook of these code cells."""
        cells = [nbformat.v4.new_code_cell(source) for source in code]
        metadata = {"kernelspec": lesson_source.KERNEL}
        return self.open(nbformat.v4.new_notebook(cells=cells, metadata=metadata), notebook_7)

    def close(self, page: "Page") -> None:
        """Stop the notebook's kernel and close its page."""
        self.pages.remove(page)
        problems = list(self.problems)
        page.evaluate(STOP_KERNEL)
        page.context.close()
        self.problems[:] = problems  # JupyterLab protests when its kernel goes

    def _take_error(self, error: "Error") -> None:
        self._take(str(error), error.stack or "")

    def _take_message(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self._take(message.text, message.location.get("url", ""))

    def _take(self, text: str, where: str) -> None:
        """Note what does not come from Jupyter's own scripts; a widget's is a blob.

        Jupyter asks for the address `attachment:NAME` before it puts the picture in its place.
        """
        if "blob:" in where or not re.search("/static/(lab|notebook)/|^attachment:", where):
            self.problems.append(text)


def cell_errors(page: "Page") -> list[str]:
    """What cells ended in, such as "NameError: ..."; not those tagged raises-exception."""
    return [
        f"{output['ename']}: {output['evalue']}"
        for cell in page.evaluate(CONTENT)["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
        and "raises-exception" not in cell["metadata"].get("tags", [])
    ]


def select_cell(page: "Page", index: int) -> None:
    """Select a cell by its number, from 0, as arrow keys do: the next Tab goes into its output."""
    page.evaluate(SELECT, index)
    page.wait_for_function(SELECTED)


def pixels(canvas: "Locator") -> np.ndarray:
    """uint8 (H, W, 3): what a <canvas> holds."""
    found = canvas.evaluate(PIXELS)
    flat = np.frombuffer(base64.b64decode(found["data"]), np.uint8)
    return flat.reshape(found["height"], found["width"], 4)[..., :3]
