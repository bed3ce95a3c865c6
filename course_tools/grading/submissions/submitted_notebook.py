"""What a student submitted: found, read with care, and put back into the assignment's order."""

import os
import re
import stat
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.submissions import notebook_reader
from course_tools.grading.submissions.notebook_reader import Unreadable

MAX_FILE = 50 << 20
ENTER_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
READ_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True)
class SubmittedFile:
    """The bytes of a submission, its timestamp ("" if there is none), and a remark."""

    content: bytes
    timestamp: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Step:
    """A cell to run; `exercise` is the grade_id of the exercise that it answers, or ""."""

    source: str
    exercise: str = ""


class SubmittedCell(Struct):
    """A cell as it was submitted; `id` and `grade_id` are "" where it has none."""

    type: Literal["code", "markdown", "raw"]
    source: str
    id: str
    grade_id: str


class ReadNotebook(Struct):
    """The answer of `notebook_reader`: cells and how many are damaged, or why it is unreadable."""

    cells: list[SubmittedCell] = []
    damaged: int = 0
    error: str = ""


@dataclass
class Submission:
    """A cleaned submission.

    Attributes:
        steps: cells to run, in order.
        answers: grade_id of exercise -> the student's cell; those that are there.
        written: grade_id -> the student's text; those that are there.
        remarks: sentences on what had to be restored or left out.
    """

    steps: list[Step] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def find(folder: Path, student: str, name: str) -> SubmittedFile | None:
    """The submission of a student in a class folder; None if there is none. Follows no link.

    Raises:
        Unreadable: there is something, but no file that can be graded.
    """
    with ExitStack() as stack:
        try:
            parent = os.open(folder / "submitted", os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, parent)
            for part in (student, name):
                parent = os.open(part, ENTER_FOLDER, dir_fd=parent)
                stack.callback(os.close, parent)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreadable("What was submitted is a link or a file, not a folder.") from error
        files = sorted(file for file in os.listdir(parent) if file.endswith(".ipynb"))
        if not files:
            raise Unreadable("There is no notebook in what was submitted.")
        wanted = f"{name}.ipynb"
        if wanted not in files and len(files) > 1:
            raise Unreadable(f"There is no {wanted} but several others; keep one and grade again.")
        file, remark = wanted, ""
        if wanted not in files:
            file, remark = files[0], f"The file was called {files[0]!r} and not {wanted!r}."
        content = _read_file(parent, file, MAX_FILE)
        try:
            timestamp = _read_file(parent, "timestamp.txt", 100).decode(errors="replace").strip()
        except (FileNotFoundError, Unreadable):
            timestamp = ""
    return SubmittedFile(content, timestamp, remark)


def _read_file(parent: int, file: str, limit: int) -> bytes:
    """The content of a plain file in an open folder."""
    try:
        descriptor = os.open(file, READ_FILE, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{file!r} is a link or cannot be opened; links are not read.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable(f"{file!r} is no plain file.")
    with open(descriptor, "rb") as opened:
        content = opened.read(limit + 1)
    if len(content) > limit:
        raise Unreadable(
            f"The file is larger than {limit >> 20} MB; clear the outputs and submit it again."
        )
    return content


def clean(content: bytes, assignment: Assignment) -> Submission:
    """The submission with the assignment's own cells restored, in the assignment's order.

    Of several answers to an exercise the last counts that is not blank. A student's own cells run
    after the cell that they were behind; check cells never run.

    Raises:
        Unreadable: it is no notebook, or another lesson's.
    """
    notebook = _read_notebook(content, assignment.number)
    submission = Submission()
    if notebook.damaged:
        submission.remarks.append(f"{notebook.damaged} cells are damaged and were left out.")
    versions: dict[int, list[str]] = defaultdict(list)  # place of our cell -> theirs of it
    added: dict[int, list[str]] = defaultdict(list)  # place of our cell -> their own behind it
    last = -1
    for cell in notebook.cells:
        place = _match(cell, assignment)
        if place is not None:
            last = place
            versions[place].append(cell.source)
        elif cell.type == "code" and cell.source.strip():
            added[last].append(cell.source)
    submission.steps += [Step(source) for source in added[-1]]
    for place, ours in enumerate(assignment.cells):
        _insert(submission, ours, versions[place])
        submission.steps += [Step(source) for source in added[place]]
    return submission


def _insert(submission: Submission, ours: Cell, versions: list[str]) -> None:
    """Put one cell of the assignment, in the student's versions or ours, into the submission."""
    answered = [text for text in versions if text.strip() != ours.source.strip()]
    if ours.kind == "setup":
        submission.steps.append(Step(ours.source))
        if answered:
            submission.remarks.append("A locked cell had been edited and was restored.")
        elif not versions:
            submission.remarks.append("A locked cell was missing and was restored.")
    elif ours.kind == "exercise" and versions:
        run = answered or versions[-1:]
        submission.answers[ours.grade_id] = run[-1]
        submission.steps += [Step(text, exercise=ours.grade_id) for text in run]
        if len(answered) > 1:
            times = f"{ours.function} was answered in {len(answered)} cells"
            submission.remarks.append(f"{times}; the last of them counts.")
    elif ours.kind == "written" and versions:
        submission.written[ours.grade_id] = (answered or versions)[-1]


def problem(content: bytes, number: str) -> str:
    """Why these bytes are no submission of the lesson, in a sentence; "" if they are one.

    What students did to it is not asked for.
    """
    try:
        notebook = _read_notebook(content, number)
    except Unreadable as error:
        return str(error)
    return "" if notebook.cells else "The notebook is empty: it has no cells."


def _other_lesson(cells: list[SubmittedCell], number: str) -> str:
    """The lesson that most cells are of, by names such as "01-needed", if none is of `number`."""
    names = [name for cell in cells for name in (cell.id, cell.grade_id)]
    lessons = Counter(name[:2] for name in names if re.match(r"\d\d-", name))
    return "" if number in lessons or not lessons else lessons.most_common(1)[0][0]


def _read_notebook(content: bytes, number: str) -> ReadNotebook:
    """What `notebook_reader` finds in the bytes, in a process that may not grow or last.

    Raises:
        Unreadable: it is no notebook, or another lesson's than `number`.
    """
    command = [sys.executable, "-I", "-S", notebook_reader.__file__]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=120)
        notebook = msgspec.json.decode(done.stdout, type=ReadNotebook)
    except (msgspec.DecodeError, subprocess.TimeoutExpired):
        raise Unreadable("The file takes more time or memory to read than a notebook.") from None
    if notebook.error:
        raise Unreadable(notebook.error)
    if other := _other_lesson(notebook.cells, number):
        raise Unreadable(
            f"This is the notebook of lesson {other}, not of lesson {number}; submit that one."
        )
    return notebook


def _match(cell: SubmittedCell, assignment: Assignment) -> int | None:
    """The place of our cell that this is one of: by its grade_id, its id, or its text."""
    fitting = [place for place, ours in enumerate(assignment.cells) if _fits(cell, ours)]
    for is_same in (_same_grade_id, _same_id, _same_text):
        for place in fitting:
            if is_same(cell, assignment.cells[place]):
                return place
    return None


def _same_grade_id(cell: SubmittedCell, ours: Cell) -> bool:
    return bool(ours.grade_id) and cell.grade_id == ours.grade_id


def _same_id(cell: SubmittedCell, ours: Cell) -> bool:
    return bool(ours.cell_id) and cell.id == ours.cell_id


def _same_text(cell: SubmittedCell, ours: Cell) -> bool:
    """The same text, or the definition that an exercise asks for."""
    if ours.kind == "exercise" and ours.function:
        definition = rf"^(async\s+def|def|class)\s+{re.escape(ours.function)}\b"
        return bool(re.search(definition, cell.source, re.MULTILINE))
    return ours.kind != "written" and cell.source.strip() == ours.source.strip()


def _fits(cell: SubmittedCell, ours: Cell) -> bool:
    """Whether both are code, or neither."""
    return (cell.type == "code") == (ours.kind in ("exercise", "check", "setup"))
