"""nbgrader's gradebook, told what results say; it can be made from them at any time.

Scores that people give live in the gradebook, and a copy of those for written answers in the
results. They are kept until the student's words change.
"""

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from sqlalchemy import text

from course_lib.files import replacing, write_bytes, write_json
from course_tools.grading import class_folder, results
from course_tools.grading.assignment import Assignment, assignment_file
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.results import SCORE, SCORES

COURSE = "gray_to_color"
# Which words of a student a score is for.
TABLE = "CREATE TABLE IF NOT EXISTS course_answers (grade VARCHAR(32) PRIMARY KEY, words TEXT)"
KNOWN = "SELECT grade, words FROM course_answers"
NOTE = "INSERT OR REPLACE INTO course_answers VALUES (:grade, :words)"


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """The gradebook of a class folder, made if it is not there."""
    with class_folder.nbgrader():
        from nbgrader.api import Gradebook
    file = folder / "gradebook.db"
    if not file.exists():
        with replacing(file) as temporary:
            Gradebook(f"sqlite:///{temporary}", COURSE).close()
    with Gradebook(f"sqlite:///{file}", COURSE) as book:
        yield book


def due_date(folder: Path, name: str) -> datetime | None:
    """When an assignment is due, in UTC without saying so; None if the gradebook has no date."""
    from nbgrader.api import MissingEntry

    if not (folder / "gradebook.db").exists():
        return None
    with opened(folder) as book:
        try:
            return book.find_assignment(name).duedate
        except MissingEntry:
            return None


def sync(folder: Path, assignment: Assignment) -> None:
    """Make the gradebook say what the results say, once or ten times."""
    source = nbformat.read(assignment_file(folder, assignment.name), as_version=4)
    with opened(folder) as book:
        book.db.execute(text(TABLE))
        _describe(book, assignment)
        known = dict(book.db.execute(text(KNOWN)).all())
        students = ClassFolder(folder).students()
        changed = []
        for result in results.read_all(folder, assignment.name):
            if (notebook := _submission(book, assignment, result)) is not None:
                _name(notebook.student, students.get(result["student"], {}).get("name", ""))
                _enter_exercises(notebook, result)
                if _enter_written(book, notebook, assignment, result, known):
                    changed.append(result)
                _write_autograded(folder, source, result)
        book.db.commit()
    for result in changed:
        write_json(results.path(folder, assignment.name, result["student"]), result)


def _describe(book: Any, assignment: Assignment) -> None:
    """The assignment's cells, as nbgrader's own release describes them."""
    name = assignment.name
    book.update_or_create_assignment(name)
    book.update_or_create_notebook(name, name)
    for cell in assignment.cells:
        if cell.kind in ("check", "written"):
            kind = "code" if cell.kind == "check" else "markdown"
            facts = {"max_score": cell.points, "cell_type": kind}
            book.update_or_create_grade_cell(cell.grade_id, name, name, **facts)
        if cell.kind in ("exercise", "written"):
            book.update_or_create_solution_cell(cell.grade_id, name, name)


def _submission(book: Any, assignment: Assignment, result: dict[str, Any]) -> Any:
    """The student's notebook in the gradebook; None for one that never came."""
    from nbgrader.api import Grade, MissingEntry

    name, student = assignment.name, result["student"]
    try:
        submission = book.find_submission(name, student)
    except MissingEntry:
        if result["status"] == "missing":
            return None
        book.update_or_create_student(student)
        with book.db.no_autoflush:  # or it warns of what it does itself
            submission = book.add_submission(name, student)
    if result["timestamp"] and result["late_seconds"] is not None:
        submission.timestamp = _parsed(result["timestamp"])
    (notebook,) = submission.notebooks
    there = {grade.cell_id for grade in notebook.grades}
    for cell in notebook.notebook.grade_cells:
        if cell.id not in there:  # an exercise that came later
            notebook.grades.append(Grade(cell_id=cell.id))
    book.db.flush()
    return notebook


def _name(student: Any, name: str) -> None:
    """Enter a name of the class list. Formgrader's pages do not escape it, and platforms let people
    choose theirs: what HTML takes for a sign of its own is left out."""
    name = re.sub(r"[<>&\"`{}]", "", name).replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    if "," in name:
        last, _, first = name.partition(",")
    else:
        first, _, last = name.rpartition(" ")
    if name:
        student.first_name, student.last_name = first.strip(), last.strip()


def _parsed(timestamp: str) -> datetime:
    from nbgrader.utils import parse_utc

    return parse_utc(timestamp)


def _enter_exercises(notebook: Any, result: dict[str, Any]) -> None:
    """The points of exercises. Where a person has scored one and the points change, they are
    asked to look again; so they are where grading failed."""
    grades = {grade.name: grade for grade in notebook.grades}
    for exercise in result["exercises"]:
        grade = grades[exercise["grade_id"]]
        changed = grade.manual_score is not None and grade.auto_score != exercise["points"]
        kept = grade.manual_score is not None and grade.needs_manual_grade
        grade.auto_score = exercise["points"]
        grade.needs_manual_grade = result["status"] == "failed" or changed or kept


def _enter_written(
    book: Any,
    notebook: Any,
    assignment: Assignment,
    result: dict[str, Any],
    known: dict[str, str],
) -> bool:
    """Scores of written answers, to and fro. True if the result has learned one."""
    blanks = {cell.grade_id: cell.source.strip() for cell in assignment.of_kind("written")}
    grades = {grade.name: grade for grade in notebook.grades}
    learned = False
    for answer in result["written"]:
        grade, words = grades[answer["grade_id"]], results.words(answer)
        if known.get(grade.id) == words:  # what people did since, they did to these words
            learned = learned or answer[SCORE] != grade.manual_score
            answer[SCORE] = answer[SCORES][words] = grade.manual_score
        grade.manual_score = answer[SCORE]
        is_blank = answer["source"].strip() in ("", blanks[answer["grade_id"]])
        grade.auto_score = 0.0 if is_blank else None
        grade.needs_manual_grade = not is_blank and grade.manual_score is None
        book.db.execute(text(NOTE), {"grade": grade.id, "words": words})
    return learned


def dead(words: str) -> str:
    """A student's words as Markdown that shows them as they are: no link, no picture, no script.

    All but letters and digits is written as a number, line ends too, so that nothing is left that
    Markdown, HTML or MathJax, which passes over <pre>, could take for a sign of its own.
    """
    safe = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in words)
    return f'<pre style="white-space: pre-wrap; font-family: inherit">{safe}</pre>'


def _write_autograded(folder: Path, notebook: NotebookNode, result: dict[str, Any]) -> None:
    """The notebook that formgrader shows: ours, with the student's answers and our sentences.

    Its pages show Markdown with whatever HTML is in it, and there a script could give marks. Code
    and what a cell prints are escaped by the page.
    """
    notebook = copy.deepcopy(notebook)
    exercises = {exercise["grade_id"]: exercise for exercise in result["exercises"]}
    texts = {answer["grade_id"]: dead(answer["source"]) for answer in result["written"]}
    texts |= {key.removeprefix("check-"): each["source"] for key, each in exercises.items()}
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in texts:
            cell.source = texts[grade_id]
        elif grade_id in exercises:
            sentence = exercises[grade_id]["sentence"]
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=sentence)]
    name = result["assignment"]
    file = folder / "autograded" / result["student"] / name / f"{name}.ipynb"
    content = nbformat.writes(notebook).encode()
    if not file.exists() or file.read_bytes() != content:
        write_bytes(file, content)
