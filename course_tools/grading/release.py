"""The assignment of a lesson: its exercises without the training, solved or as handed out."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course_lib.files import CourseError
from course_tools.grading.class_folder import ClassFolder, nbgrader_api
from course_tools.grading.gradebook import opened
from course_tools.grading.marking import judge
from course_tools.lessons import build, expected_output, lesson_source, student_edition
from course_tools.lessons.lesson_source import Lesson, tags

DETAILS = re.compile(r"<details>.*?</details>\s*", re.DOTALL)  # answers to compare with
NEVER = ("lesson-only", "parameters")
ANY_SEED = 20270131
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Release:
    """What a release did: where the file is, where an older one was put, whether it changed."""

    path: Path
    kept: Path | None
    changed: bool
    points: dict[str, tuple[float, float]]  # answer -> its points before and now, if they differ


def solved(lesson: Lesson, points: Mapping[str, float] | None = None) -> NotebookNode:
    """The solved assignment: no training, no outputs, everything but answers locked.

    Args:
        points: exercise, such as "fc_parameters", or written answer, such as "written-1", to its
            points where they are not those of the lesson.

    Raises:
        CourseError: the lesson has nothing to submit, or has no such exercise.
    """
    notebook = lesson_source.read(lesson)
    cells = expected_output.beside_exercises(lesson, _answerable(notebook.cells))
    _set_points(cells, points or {}, lesson)
    graded = _graded(cells)
    if not graded:
        raise CourseError(f"Lesson {lesson.number} is no assignment: no cell is tagged needed.")
    text = _introduction(lesson, _title(notebook), graded)
    introduction = new_markdown_cell(text, id=f"{lesson.number}-assignment")
    notebook.cells = [_locked(cell) for cell in [introduction, *cells]]
    return notebook


def _title(notebook: NotebookNode) -> str:
    title: str = notebook.cells[0].source.splitlines()[0]
    return title.removeprefix("# ")


def _introduction(lesson: Lesson, title: str, graded: list[NotebookNode]) -> str:
    has_written = any("written" in tags(cell) for cell in graded)
    rows = [f"| {_asked(cell)} | {cell.metadata.nbgrader.points:g} |" for cell in graded]
    template = (TEMPLATES / "assignment.md").read_text()
    return template.format(
        title=title,
        name=lesson.name,
        written=", and answer the written question" if has_written else "",
        points=sum(cell.metadata.nbgrader.points for cell in graded),
        table="\n".join(rows),
    )


def released(lesson: Lesson, points: Mapping[str, float] | None = None) -> NotebookNode:
    """The assignment as the student gets it: the solved one with its answers taken out."""
    return student_edition.student_edition(solved(lesson, points))


def release(
    folder: ClassFolder,
    lesson: Lesson,
    points: Mapping[str, float] | None = None,
    due: datetime | None = None,
) -> Release:
    """Write source/ and release/ and the gradebook's entry, with nbgrader's generate_assignment.

    Files that were there and are not the same are kept under older/.

    Raises:
        CourseError: nbgrader refuses, for instance because cells come or go after the first
            grades; then everything is as it was.
    """
    source = folder.assignment("source", lesson.name)
    target = folder.assignment("release", lesson.name)
    notebook = solved(lesson, points)
    blank = student_edition.student_edition(notebook)
    old = _read(source)
    before, now = _points(old.cells if old else []), _points(notebook.cells)
    moved = {
        path.parent: folder.set_aside(path.parent)
        for path, wanted in ((source, notebook), (target, blank))
        if path.parent.exists() and _inputs(path) != lesson_source.inputs(wanted)
    }
    changed = not (source.exists() and target.exists())
    if changed:
        build.write(source, notebook)
        outcome = nbgrader_api(folder).generate_assignment(lesson.name)
        if not outcome["success"] or not target.exists():
            _put_back(moved)
            lines = (outcome.get("error") or outcome.get("log") or "it gave no reason").splitlines()
            raise CourseError(f"nbgrader did not release {lesson.name}: {lines[-1]}")
    if due:
        with opened(folder.root) as book:
            date = due.astimezone(UTC).replace(tzinfo=None)
            book.update_or_create_assignment(lesson.name, duedate=date)
    new_points = {
        name: (before[name], new) for name, new in now.items() if before.get(name, new) != new
    }
    return Release(target, moved.get(target.parent), changed, new_points)


def _put_back(moved: Mapping[Path, Path]) -> None:
    for original, kept in moved.items():
        if original.exists():
            shutil.rmtree(original)  # written just now
        kept.rename(original)


def points_table(lesson: Lesson) -> str:
    """Every answer of the lesson with its points, and the rubric of written answers, in Markdown.

    Empty if there is nothing to submit.
    """
    notebook = lesson_source.read(lesson)
    cells = _answerable(notebook.cells)
    graded = _graded(cells)
    if not graded:
        return ""
    seeded = _seeded(lesson.number)
    worth = {_asked(cell): cell.metadata.nbgrader.points for cell in graded}
    rows = [f"| {name} | {points:g} | {seeded.get(name, '')} |" for name, points in worth.items()]
    total = sum(cell.metadata.nbgrader.points for cell in graded)
    minutes = re.search(r"(\d+) minutes", notebook.cells[0].source)
    heading = f"**{_title(notebook)}** "
    heading += f"({minutes[1] if minutes else '?'} minutes, {total:g} points)"
    lines = [heading, "", "| answer | points | seed |", "|---|---|---|", *rows]
    for asked, cell in pairwise(cells):
        if "written" in tags(cell):
            lines += [
                "",
                "Written answer, a point each for",
                "",
                *(f"- {one}" for one in _rubric(asked)),
            ]
    return "\n".join(lines)


def _seeded(number: str) -> dict[str, str]:
    """Exercise, as the table names it -> "yes" if a seed of the instructor's changes its inputs."""
    found = judge.cases(judge.Tests(number, seed=ANY_SEED))
    return {f"`{name[3:]}`": "yes" if len(cases) > 1 else "no" for name, cases in found.items()}


def _rubric(asked: NotebookNode) -> list[str]:
    """What points are given for: the rows of the question's table, or the items of its list."""
    rows = re.findall(r"^\| \d+ \| (.+) \|$", asked.source, re.MULTILINE)
    items = re.findall(r"^\d+\. (.+(?:\n +.+)*)", asked.source, re.MULTILINE)
    return [re.sub(r"\s+", " ", one).rstrip(";.") for one in rows or items]


def points_tables(name: str | None = None) -> str:
    """The tables of one lesson, or of all that have something to submit."""
    found = [points_table(lesson) for lesson in lesson_source.select([name] if name else None)]
    return "\n\n".join(filter(None, found))


def _answerable(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells that exercises need, and the exercises without answers to compare with."""
    found, here = [], False
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            here = cell.source.startswith("## Exercises")
        if set(NEVER) & set(tags(cell)) or not (here or "needed" in tags(cell)):
            continue
        cell = nbformat.from_dict(cell)
        if cell.cell_type == "markdown":
            cell.source = DETAILS.sub("", cell.source).strip()
        if cell.source:
            found.append(cell)
    return found


def _graded(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells that give points; none if the lesson is no assignment."""
    if not any("needed" in tags(cell) for cell in cells):
        return []
    return [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]


def _by_name(cells: list[NotebookNode]) -> dict[str, NotebookNode]:
    """The name that `--points` takes, such as "fc-parameters" -> the cell that gives the points."""
    return {cell.metadata.nbgrader.grade_id.removeprefix("check-"): cell for cell in _graded(cells)}


def _points(cells: list[NotebookNode]) -> dict[str, float]:
    return {name: cell.metadata.nbgrader.points for name, cell in _by_name(cells).items()}


def _set_points(cells: list[NotebookNode], points: Mapping[str, float], lesson: Lesson) -> None:
    by_name = _by_name(cells)
    for name, value in points.items():
        cell = by_name.get(name.replace("_", "-"))
        if cell is None or value < 0:
            raise CourseError(
                f"Points cannot be set for {name}={value:g} in lesson {lesson.number}; its answers "
                f"are {', '.join(by_name)}, and points are 0 or more."
            )
        cell.metadata.nbgrader.points = value


def _locked(cell: NotebookNode) -> NotebookNode:
    """The cell with nbgrader's metadata: what is no answer and no check is read-only."""
    if "nbgrader" not in cell.metadata:
        cell.metadata["nbgrader"] = nbformat.from_dict(
            {
                "schema_version": 3,
                "grade_id": cell.id,
                "locked": True,
                "grade": False,
                "solution": False,
                "task": False,
            }
        )
    return cell


def _asked(cell: NotebookNode) -> str:
    name = cell.metadata.nbgrader.grade_id.removeprefix("check-")
    return "written answer" if "written" in tags(cell) else f"`{name.replace('-', '_')}`"


def _read(path: Path) -> NotebookNode | None:
    """The notebook at `path`; None if there is none that can be read."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError):
        return None


def _inputs(path: Path) -> list[dict] | None:
    """The cells of a notebook, less what nbgrader's own release adds to their metadata."""
    notebook = _read(path)
    if notebook is None:
        return None
    for cell in notebook.cells:
        for key in ("checksum", "cell_type"):
            cell.metadata.get("nbgrader", {}).pop(key, None)
        for key in ("deletable", "editable"):
            cell.metadata.pop(key, None)
    return lesson_source.inputs(notebook)
