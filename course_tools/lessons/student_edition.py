"""The student edition: the same lesson with the answers taken out, in work/, never overwritten."""

import copy
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib import files
from course_lib.files import CourseError
from course_tools.lessons import build, kernels, lesson_source
from course_tools.lessons.lesson_source import Lesson

BLANK = "raise NotImplementedError"
SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN SOLUTION[ \t]*\n(?P<body>.*?)^[ \t]*### END SOLUTION[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


def blank(source: str) -> str:
    """The text of an exercise with its marked block replaced by `raise NotImplementedError`."""
    return SOLUTION.sub(lambda found: found["indent"] + BLANK, source)


def student_edition(solved: NotebookNode) -> NotebookNode:
    """The lesson as it is handed out: exercises blank, no outputs, everything else the same."""
    notebook = copy.deepcopy(solved)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = []
        cell.execution_count = None
        if "exercise" in lesson_source.tags(cell):
            cell.source = blank(cell.source)
    return notebook


def start(lesson: Lesson) -> bool:
    """Put the student edition into work/. False, with nothing touched, if a file is there."""
    if os.path.lexists(lesson.student_file):
        return False
    with _ready(lesson) as fresh:
        return _move_where_nothing_is(fresh, lesson.student_file)


def reset(lesson: Lesson) -> Path | None:
    """Put a fresh student edition into work/. Returns where the student's file is kept, if any.

    The old file becomes work/NN_name.old-1.ipynb, -2 and so on; no number is used twice. The new
    one is on the disk before the old one is moved.
    """
    path = lesson.student_file
    with _ready(lesson) as fresh:
        kept = _keep(path)
        try:
            _move_where_nothing_is(fresh, path)  # else another reset has just put one there
        except CourseError as error:
            where = f" Your work until now is in {kept}." if kept else ""
            raise CourseError(f"{error}{where}") from error
    return kept


def _with_pictures(lesson: Lesson) -> NotebookNode:
    """The student edition, and above each blank the picture of what a right answer returns.

    With it the metadata that JupyterLab writes when it opens a notebook: a file that has them does
    not become unsaved by being opened.
    """
    from ipykernel.ipkernel import IPythonKernel

    from course_tools.lessons import expected_output  # and matplotlib with it

    notebook = student_edition(lesson_source.read(lesson))
    notebook.cells = expected_output.beside_exercises(lesson, notebook.cells)
    kernel = {key: kernels.own_kernel()[key] for key in ("display_name", "language")}
    notebook.metadata["kernelspec"] = nbformat.from_dict(
        {**kernel, "name": lesson_source.KERNEL["name"]}
    )
    notebook.metadata["language_info"] = nbformat.from_dict(dict(IPythonKernel.language_info))
    return notebook


@contextmanager
def _ready(lesson: Lesson) -> Iterator[Path]:
    """A fresh student edition under a temporary name, on the same disk as work/; removed after."""
    folder = lesson.student_file.parent
    notebook = _with_pictures(lesson)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix=".start-")
    except OSError as error:
        raise files.cannot_be("written", lesson.student_file, error) from error
    with scratch as name:
        fresh = Path(name) / lesson.student_file.name
        build.write(fresh, notebook)
        yield fresh


def _move_where_nothing_is(source: Path, target: Path) -> bool:
    """Give a file another name. False, with nothing changed, if there is a file of that name."""
    try:
        try:
            os.link(source, target)  # unlike a rename it replaces nothing
        except OSError as error:
            if error.errno not in WITHOUT_LINKS:
                raise
            target.touch(exist_ok=False)
            os.replace(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        raise files.cannot_be("written", target, error) from error
    return True


# What a file system without hard links answers.
WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def _keep(path: Path) -> Path | None:
    """Move a student's file to the next free number. None: there is no file."""
    if not os.path.lexists(path):
        return None
    kept = _reserved_name(path)
    try:
        os.replace(path, kept)
    except OSError as error:
        kept.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):  # another reset has just moved it
            return None
        raise files.cannot_be("moved aside", path, error) from error
    return kept


def _reserved_name(path: Path) -> Path:
    """The next free number, taken by an empty file, so that no other process takes it."""
    pattern = re.compile(re.escape(path.stem) + r"\.old-(\d+)")
    while True:
        try:
            others = [pattern.match(other.name) for other in path.parent.iterdir()]
            number = max([int(found[1]) for found in others if found], default=0) + 1
            kept = path.with_name(f"{path.stem}.old-{number}{path.suffix}")
            kept.touch(exist_ok=False)
            return kept
        except FileExistsError:
            continue
        except OSError as error:
            raise files.cannot_be("moved aside", path, error) from error
