"""From text sources to committed notebooks: read, execute, clean, check against the gates."""

import copy
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib import files
from course_lib.files import CourseError
from course_tools import interrupts
from course_tools.lessons import gates, kernels, lesson_source
from course_tools.lessons.lesson_source import Lesson

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
PROGRESS_BAR = re.compile(r"(.*: *)?\s*(\d+%\|.*\| *\S+/\S+|[\d.]+\w*it) \[[^\]]*\]\s*")
RUN_METADATA = ("execution", "ExecuteTime", "papermill", "collapsed", "scrolled")


def build(lesson: Lesson) -> Path:
    """Execute a lesson and write its notebook, if no gate objects. Returns the notebook's path.

    Raises:
        CourseError: a cell failed, or a gate objects; the result is kept under build/rejected.
        SystemExit: it was interrupted.
    """
    source = lesson_source.read(lesson)
    with interrupts.explained(
        f"{lesson.notebook.name} is as it was, and notebooks that were built before it are kept; "
        f"go on with: course build {lesson.number}"
    ):
        executed = execute(copy.deepcopy(source), lesson)
    notebook = clean(executed)
    problems = gates.problems(notebook) + gates.source_problems(notebook, source)
    if problems:
        kept = _keep_rejected(executed, lesson)
        listed = "\n  ".join(problems)
        raise CourseError(f"{lesson.name} is not ready to be committed ({kept}):\n  {listed}")
    write(lesson.notebook, notebook)
    return lesson.notebook


def is_current(lesson: Lesson) -> bool:
    """Whether the committed notebook's inputs are those of the source."""
    if not lesson.notebook.exists():
        return False
    notebook = nbformat.read(lesson.notebook, as_version=4)
    return not gates.source_problems(notebook, lesson_source.read(lesson))


@contextmanager
def offline(forbid: bool = True) -> Iterator[None]:
    """Forbid the network to every kernel started inside: the quick profile needs none."""
    before = dict(os.environ)
    if forbid:
        os.environ["COURSE_OFFLINE"] = "1"
    try:
        yield
    finally:
        os.environ.pop("COURSE_OFFLINE", None)
        os.environ.update({key: before[key] for key in before.keys() & {"COURSE_OFFLINE"}})


def execute(
    notebook: NotebookNode, lesson: Lesson, allow_errors: bool = False, cell_timeout: int = 600
) -> NotebookNode:
    """Run every cell in a fresh kernel, without parameters and without the network.

    Raises:
        CourseError: a cell failed (and errors are not allowed), took too long, or ended the kernel.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=cell_timeout,
        allow_errors=allow_errors,
        record_timing=False,
        resources={"metadata": {"path": str(lesson.source.parent.parent)}},
        **kernels.OPTIONS,
    )
    try:
        with offline(), kernels.interruptible():
            return client.execute()
    except CellExecutionError as error:
        kept = _keep_rejected(notebook, lesson)
        raise CourseError(
            f"{lesson.name} stopped with {error.ename}: {error.evalue} (see {kept})."
        ) from None
    except (CellTimeoutError, DeadKernelError) as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"{lesson.name} could not be executed: {reason}") from error


def write(path: Path, notebook: NotebookNode) -> None:
    """Write a notebook, whole or not at all, always in the same form."""
    nbformat.validate(notebook)
    files.write_bytes(path, (nbformat.writes(notebook) + "\n").encode())


def clean(notebook: NotebookNode) -> NotebookNode:
    """A copy ready to commit: still pictures for widgets, nothing of the machine or the run."""
    notebook = copy.deepcopy(notebook)
    widgets = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": lesson_source.KERNEL, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        for key in RUN_METADATA:
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = _clean_outputs(cell, widgets)
    return notebook


def _clean_outputs(cell: NotebookNode, widgets: dict) -> list[NotebookNode]:
    cleaned: list[NotebookNode] = []
    for output in cell.outputs:
        if WIDGET_VIEW in output.get("data", {}) and "image/png" in output.data:
            del output.data[WIDGET_VIEW]  # the course's own widgets bring their still picture
            cleaned.append(output)
        elif WIDGET_VIEW in output.get("data", {}):
            model = output.data[WIDGET_VIEW].get("model_id", "")
            cleaned += _stills(model, widgets, cell.metadata.get("alt"))
        elif output.output_type == "stream" and cleaned and cleaned[-1].get("name") == output.name:
            cleaned[-1].text += output.text
        else:
            cleaned.append(output)
    for output in cleaned:
        output.get("metadata", {}).pop("papermill", None)
        if output.get("name") == "stderr":
            output.text = without_progress_bars(output.text)
    return [output for output in cleaned if output.get("text", "not a stream").strip()]


def without_progress_bars(text: str) -> str:
    """What a cell wrote to standard error, without the lines that tqdm drew. A warning remains."""
    lines = re.split(r"[\r\n]+", text.replace("\x1b[A", ""))
    return "\n".join(line for line in lines if line.strip() and not PROGRESS_BAR.fullmatch(line))


def _stills(model: str, widgets: dict, alt: str | None) -> list[NotebookNode]:
    """The pictures a widget showed when it was drawn: those of its Output and Image parts."""
    entry = widgets.get(model, {})
    state = entry.get("state", {})
    stills = [
        nbformat.v4.new_output("display_data", output["data"], metadata=output.get("metadata", {}))
        for output in state.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    for part in entry.get("buffers", []):
        if entry.get("model_name") == "ImageModel" and part.get("path") == ["value"]:
            stills.append(nbformat.v4.new_output("display_data", {"image/png": part["data"]}))
    for child in state.get("children", []):
        stills += _stills(str(child).removeprefix("IPY_MODEL_"), widgets, alt)
    for still in stills:
        if alt and "alt" not in still.metadata.get("image/png", {}):
            still.metadata["image/png"] = {**still.metadata.get("image/png", {}), "alt": alt}
    return stills


def _keep_rejected(notebook: NotebookNode, lesson: Lesson) -> str:
    path = lesson.root / "build" / "rejected" / lesson.notebook.name
    files.write_bytes(path, nbformat.writes(notebook).encode())
    return str(path.relative_to(lesson.root))
