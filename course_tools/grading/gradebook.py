"""nbgrader's gradebook, filled from the results; it can be made from them at any time.

Scores that people give are kept in the gradebook, and those for written answers in the results,
too. They stay until the student's text changes.
"""

import copy
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from sqlalchemy import text

from course_lib.files import replacing, write_bytes
from course_tools.grading import class_folder, results
from course_tools.grading.assignment import Assignment, assignment_file
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.results import AddedCell, Result, WrittenAnswer

COURSE = "gray_to_color"
# A table of ours: the SHA-256 of the text that each grade of a written answer is for.
CREATE = "CREATE TABLE IF NOT EXISTS course_answers (grade VARCHAR(32) PRIMARY KEY, words TEXT)"
SELECT = "SELECT grade, words FROM course_answers"
INSERT = "INSERT OR REPLACE INTO course_answers VALUES (:grade, :source_sha256)"


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
    """When an assignment is due, in UTC and without a time zone; None if there is no date."""
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
        book.db.execute(text(CREATE))
        _describe(book, assignment)
        scored = dict(book.db.execute(text(SELECT)).all())
        students = ClassFolder(folder).students()
        changed = []
        for result in results.read_all(folder, assignment.name):
            if (notebook := _submission(book, result)) is not None:
                _set_name(notebook.student, students.get(result.student, {}).get("name", ""))
                _enter_exercises(notebook, result)
                if _enter_written(book, notebook, assignment, result, scored):
                    changed.append(result)
                _write_autograded(folder, source, result)
        book.db.commit()
    for result in changed:
        results.write(folder, result)


def _describe(book: Any, assignment: Assignment) -> None:
    """The assignment's cells, as nbgrader's own release describes them."""
    name = assignment.name
    book.update_or_create_assignment(name)
    book.update_or_create_notebook(name, name)
    for cell in assignment.cells:
        if cell.kind in ("check", "written"):
            book.update_or_create_grade_cell(
                cell.grade_id,
                name,
                name,
                max_score=cell.points,
                cell_type="code" if cell.kind == "check" else "markdown",
            )
        if cell.kind in ("exercise", "written"):
            book.update_or_create_solution_cell(cell.grade_id, name, name)


def _submission(book: Any, result: Result) -> Any:
    """The student's notebook in the gradebook; None if nothing was ever submitted."""
    from nbgrader.api import Grade, MissingEntry
    from nbgrader.utils import parse_utc

    name, student = result.assignment, result.student
    try:
        submission = book.find_submission(name, student)
    except MissingEntry:
        if result.status == "missing":
            return None
        book.update_or_create_student(student)
        with book.db.no_autoflush:  # or it warns of what it does itself
            submission = book.add_submission(name, student)
    if result.timestamp and result.late_seconds is not None:
        submission.timestamp = parse_utc(result.timestamp)
    (notebook,) = submission.notebooks
    known = {grade.cell_id for grade in notebook.grades}
    for cell in notebook.notebook.grade_cells:
        if cell.id not in known:  # of an exercise that was added later
            notebook.grades.append(Grade(cell_id=cell.id))
    book.db.flush()
    return notebook


def _set_name(student: Any, name: str) -> None:
    """Enter a name of the class list.

    Formgrader's pages do not escape it, and platforms let people choose theirs: characters that
    mean something in HTML are left out.
    """
    name = re.sub(r"[<>&\"`{}]", "", name).replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    if "," in name:
        last, _, first = name.partition(",")
    else:
        first, _, last = name.rpartition(" ")
    if name:
        student.first_name, student.last_name = first.strip(), last.strip()


def _enter_exercises(notebook: Any, result: Result) -> None:
    """The points of exercises.

    Where a person has scored one and the points change, they are asked to look again; and so they
    are where grading failed.
    """
    grades = {grade.name: grade for grade in notebook.grades}
    for exercise in result.exercises:
        grade = grades[exercise.grade_id]
        is_manual = grade.manual_score is not None
        is_to_do = is_manual and (grade.needs_manual_grade or grade.auto_score != exercise.points)
        grade.auto_score = exercise.points
        grade.needs_manual_grade = result.status == "failed" or is_to_do


def _enter_written(
    book: Any, notebook: Any, assignment: Assignment, result: Result, scored: dict[str, str]
) -> bool:
    """Scores of written answers, in both directions. True if the result has got a new one.

    Args:
        scored: id of a grade -> the SHA-256 of the text that its score is for.
    """
    blanks = {cell.grade_id: cell.source.strip() for cell in assignment.of_kind("written")}
    grades = {grade.name: grade for grade in notebook.grades}
    has_new = False
    for answer in result.written:
        grade, source_sha256 = grades[answer.grade_id], answer.source_sha256
        if scored.get(grade.id) == source_sha256:  # people have scored this very text since
            has_new = has_new or answer.manual_score != grade.manual_score
            answer.manual_score = answer.manual_scores[source_sha256] = grade.manual_score
        grade.manual_score = answer.manual_score
        is_blank = not answer.note and answer.source.strip() in ("", blanks[answer.grade_id])
        grade.auto_score = 0.0 if is_blank else None
        grade.needs_manual_grade = not is_blank and grade.manual_score is None
        book.db.execute(text(INSERT), {"grade": grade.id, "source_sha256": source_sha256})
    return has_new


def inert_markdown(source: str) -> str:
    """A student's text as Markdown that shows it as it is: no link, no picture, no script.

    All but letters and digits is written as a number, line ends too, so that nothing is left to
    which Markdown, HTML or MathJax, which ignores <pre>, could give a meaning.
    """
    safe = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in source)
    return f'<pre style="white-space: pre-wrap; font-family: inherit">{safe}</pre>'


def _shown(answer: WrittenAnswer) -> str:
    """A written answer as formgrader shows it, below the note on where it was."""
    note = f"**{answer.note}**\n\n" if answer.note else ""
    return note + inert_markdown(answer.source)


def _shown_cell(added: AddedCell, name: str) -> NotebookNode:
    """A student's own cell as formgrader shows it."""
    if added.type == "code":
        return nbformat.v4.new_code_cell(added.source, id=name)
    return nbformat.v4.new_markdown_cell(inert_markdown(added.source), id=name)


def _write_autograded(folder: Path, notebook: NotebookNode, result: Result) -> None:
    """The notebook that formgrader shows: ours, with the student's answers and our sentences.

    Its pages show Markdown with whatever HTML is in it, and a script there could give marks. Code
    and what a cell prints are escaped by the page.
    """
    notebook = copy.deepcopy(notebook)
    exercises = {exercise.grade_id: exercise for exercise in result.exercises}
    sources = {answer.grade_id: _shown(answer) for answer in result.written}
    sources |= {key.removeprefix("check-"): each.source for key, each in exercises.items()}
    added = defaultdict(list)
    for number, each in enumerate(result.added):
        added[each.after].append(_shown_cell(each, f"added-{number}"))
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in sources:
            cell.source = sources[grade_id]
        elif grade_id in exercises:
            sentence = exercises[grade_id].sentence
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=sentence)]
    notebook.cells = added[""] + [
        each
        for cell in notebook.cells
        for each in (cell, *added[cell.metadata.get("nbgrader", {}).get("grade_id") or cell.id])
    ]
    name = result.assignment
    file = folder / "autograded" / result.student / name / f"{name}.ipynb"
    content = nbformat.writes(notebook).encode()
    if not file.exists() or file.read_bytes() != content:
        write_bytes(file, content)
