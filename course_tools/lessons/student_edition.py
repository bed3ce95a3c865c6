"""The student edition: the same lesson with the answers taken out, in work/, never overwritten."""

import copy
import os
import re
from pathlib import Path

from nbformat import NotebookNode

from course_lib.files import CourseError
from course_tools.lessons import build, lesson_source
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
    build.write(lesson.student_file, _with_pictures(lesson))
    return True


def reset(lesson: Lesson) -> Path | None:
    """Put a fresh student edition into work/. Returns where the student's file is kept, if any.

    The old file becomes work/NN_name.old-1.ipynb, -2 and so on; no number is used twice.
    """
    fresh = _with_pictures(lesson)
    path = lesson.student_file
    kept = None
    if os.path.lexists(path):
        kept = _next_old_name(path)
        try:
            path.rename(kept)
        except OSError as error:
            raise CourseError(
                f"{path.name} could not be moved aside ({error.strerror}); it was left as it is."
            ) from error
    build.write(path, fresh)
    return kept


def _with_pictures(lesson: Lesson) -> NotebookNode:
    """The student edition, and above each blank the picture of what a right answer returns."""
    from course_tools.lessons import expected_output  # and matplotlib with it

    notebook = student_edition(lesson_source.read(lesson))
    notebook.cells = expected_output.beside_exercises(lesson, notebook.cells)
    return notebook


def _next_old_name(path: Path) -> Path:
    pattern = re.compile(re.escape(path.stem) + r"\.old-(\d+)")
    numbers = [
        int(found[1]) for other in path.parent.iterdir() if (found := pattern.match(other.name))
    ]
    return path.with_name(f"{path.stem}.old-{max(numbers, default=0) + 1}{path.suffix}")
