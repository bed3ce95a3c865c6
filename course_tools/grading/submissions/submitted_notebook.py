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

import msgspec
from msgspec import Struct

from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.results import AddedCell
from course_tools.grading.submissions import notebook_reader
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.grading.submissions.submitted_cell import SubmittedCell, is_same
from course_tools.grading.submissions.written_words import WrittenWords

MAX_FILE = 50 << 20
TOO_MUCH = "The file takes more time or memory to read than a notebook."
OURS = ("timestamp.txt", "origin.txt")  # which collecting writes beside a submission
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
        checks: grade_id of exercise -> how many steps come before its check.
        not_run: grade_id of exercise -> why its cell is there and cannot run.
        written: grade_id -> the student's text, from all cells that belong to it.
        notes: grade_id of a written answer -> a sentence for the person who scores it, where its
            text is not simply that of its cell.
        added: what the student changed or added beside the answers, in order.
        remarks: sentences on what had to be restored or left out.
    """

    steps: list[Step] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    added: list[AddedCell] = field(default_factory=list)
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
            others = [f"{file!r}" for file in sorted(os.listdir(parent)) if file not in OURS]
            only = f", only {', '.join(others)[:300]}" if others else ""
            raise Unreadable(f"There is no notebook in what was submitted{only}.")
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
    after the cell that they were behind; check cells never run. All words go to the written answer
    that they are next to.

    Raises:
        Unreadable: it is no notebook, or another lesson's.
    """
    notebook = _read_notebook(content, assignment.number)
    submission = Submission()
    if notebook.damaged:
        submission.remarks.append(f"{notebook.damaged} cells are damaged and were left out.")
    versions: dict[int, list[SubmittedCell]] = defaultdict(list)  # place of our cell -> theirs
    added: dict[int, list[str]] = defaultdict(list)  # place of our cell -> code of theirs behind it
    words = WrittenWords(assignment)
    last = -1
    for cell in notebook.cells:
        place = _match(cell, assignment, last)
        if place is not None:
            last = place
            if cell.is_as_released:  # an earlier release may have had another text
                cell.source = assignment.cells[place].source
            versions[place].append(cell)
        elif cell.type == "code" and cell.source.strip():
            added[last].append(cell.source)
        if place is not None or not cell.is_as_released:  # or else it is of an earlier release
            words.take(cell, place, last)
    submission.steps += [Step(source) for source in added[-1]]
    for place, ours in enumerate(assignment.cells):
        _insert(submission, ours, versions[place])
        submission.steps += [Step(source) for source in added[place]]
    _insert_words(submission, words)
    return submission


def _insert_words(submission: Submission, words: WrittenWords) -> None:
    """Put all that a student wrote, and notes on where it was, into the submission."""
    submission.added = words.added
    for place, ours in enumerate(words.assignment.cells):
        if ours.kind != "written":
            continue
        text, note = words.answer(place)
        if text is not None:
            submission.written[ours.grade_id] = text
        if note:
            submission.notes[ours.grade_id] = note
            submission.remarks.append(f"{ours.grade_id}: {note}")


def _insert(submission: Submission, ours: Cell, versions: list[SubmittedCell]) -> None:
    """Put one cell of the assignment, in the student's versions or ours, into the submission."""
    code = [cell.source for cell in versions if cell.type == "code"]
    answered = [text for text in code if not is_same(text, ours.source)]
    if ours.kind == "setup":
        submission.steps.append(Step(ours.source))
        if answered:
            submission.remarks.append("A locked cell had been edited and was restored.")
        elif not code:
            submission.remarks.append("A locked cell was missing and was restored.")
    elif ours.kind == "exercise" and code:
        run = answered or code[-1:]
        submission.answers[ours.grade_id] = run[-1]
        submission.steps += [Step(text, exercise=ours.grade_id) for text in run]
        if len(answered) > 1:
            times = f"{ours.function} was answered in {len(answered)} cells"
            submission.remarks.append(f"{times}; the last of them counts.")
    elif ours.kind == "exercise" and versions:
        kind = "Markdown" if versions[-1].type == "markdown" else "raw text"
        sentence = f"The cell of {ours.function} is {kind} and not code, so it does not run."
        submission.answers[ours.grade_id] = versions[-1].source
        submission.not_run[ours.grade_id] = sentence
        submission.remarks.append(sentence)
    elif ours.kind == "check":
        submission.checks[ours.grade_id.removeprefix("check-")] = len(submission.steps)


def problem(content: bytes, number: str) -> str:
    """Why these bytes are no submission of the lesson, in a sentence; "" if they are one.

    What students did to it is not asked for.
    """
    try:
        notebook = _read_notebook(content, number)
    except Unreadable as error:
        return str(error)
    return "" if notebook.cells else "The notebook is empty: it has no cells."


def without_outputs(content: bytes) -> bytes:
    """The notebook without what its cells put out, which may be most of a large file.

    Raises:
        Unreadable: it is no notebook.
    """
    answer = _ask_reader(content, notebook_reader.WITHOUT_OUTPUTS)
    if answer.startswith(b'{"error":'):
        raise Unreadable(msgspec.json.decode(answer, type=ReadNotebook).error)
    return answer


def _other_lesson(cells: list[SubmittedCell], number: str) -> str:
    """The lesson that most cells are of, by names such as "01-needed", if none is of `number`."""
    names = [name for cell in cells for name in (cell.id, cell.grade_id)]
    lessons = Counter(name[:2] for name in names if re.match(r"\d\d-", name))
    return "" if number in lessons or not lessons else lessons.most_common(1)[0][0]


def _read_notebook(content: bytes, number: str) -> ReadNotebook:
    """What `notebook_reader` finds in the bytes.

    Raises:
        Unreadable: it is no notebook, or another lesson's than `number`.
    """
    try:
        notebook = msgspec.json.decode(_ask_reader(content), type=ReadNotebook)
    except msgspec.DecodeError:
        raise Unreadable(TOO_MUCH) from None
    if notebook.error:
        raise Unreadable(notebook.error)
    if other := _other_lesson(notebook.cells, number):
        raise Unreadable(
            f"This is the notebook of lesson {other}, not of lesson {number}; submit that one."
        )
    return notebook


def _ask_reader(content: bytes, *options: str) -> bytes:
    """What `notebook_reader` answers, in a process that may not grow or last."""
    command = [sys.executable, "-I", "-S", notebook_reader.__file__, *options]
    try:
        answer = subprocess.run(command, input=content, capture_output=True, timeout=120).stdout
    except subprocess.TimeoutExpired:
        raise Unreadable(TOO_MUCH) from None
    if not answer:
        raise Unreadable(TOO_MUCH)
    return answer


def _match(cell: SubmittedCell, assignment: Assignment, last: int) -> int | None:
    """The place of our cell that this is one of: by its grade_id, its id, or its text.

    Args:
        last: the place of the one before; of several with the same text it is one behind that.
    """
    places = range(len(assignment.cells))
    for agrees in (_same_grade_id, _same_id, _same_text):
        found = [place for place in places if agrees(cell, assignment.cells[place])]
        fitting = [place for place in found if _fits(cell, assignment.cells[place])]
        behind = [place for place in fitting if place > last]
        if agrees is not _same_text:
            behind = []
        if behind or fitting:
            return (behind or fitting)[0]
        if found and assignment.cells[found[0]].kind in ("exercise", "written"):
            return found[0]  # its type was changed
    return None


def _same_grade_id(cell: SubmittedCell, ours: Cell) -> bool:
    return bool(ours.grade_id) and cell.grade_id == ours.grade_id


def _same_id(cell: SubmittedCell, ours: Cell) -> bool:
    return bool(ours.cell_id) and cell.id == ours.cell_id


def _same_text(cell: SubmittedCell, ours: Cell) -> bool:
    """The same text, or the definition that an exercise asks for, in a cell of the same type."""
    if not _fits(cell, ours):
        return False
    if ours.kind == "exercise" and ours.function:
        definition = rf"^(async\s+def|def|class)\s+{re.escape(ours.function)}\b"
        return bool(re.search(definition, cell.source, re.MULTILINE))
    return bool(cell.source.strip()) and is_same(cell.source, ours.source)


def _fits(cell: SubmittedCell, ours: Cell) -> bool:
    """Whether both are code, or neither."""
    return (cell.type == "code") == (ours.kind in ("exercise", "check", "setup"))
