"""An assignment as grading sees it: its cells, and what each of them is for.

nbformat is imported in the functions that read: it takes a second to load, and workers do not read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from course_lib.files import CourseError

if TYPE_CHECKING:
    from nbformat import NotebookNode

CellKind = Literal["exercise", "check", "written", "setup", "text"]


@dataclass(frozen=True)
class Cell:
    """One cell of the assignment.

    Attributes:
        kind: "setup" is all other code, "text" all other Markdown.
        grade_id: nbgrader's name of it, "" for none.
        cell_id: its id in the file.
        source: its text; of an exercise, the blank one.
        points: what it is worth, 0 for those that are not graded.
        function: what an exercise defines, "" for other cells.
    """

    kind: CellKind
    grade_id: str
    cell_id: str
    source: str
    points: float = 0
    function: str = ""


@dataclass(frozen=True)
class Assignment:
    """All cells of `NN_name`, in order."""

    name: str
    cells: tuple[Cell, ...]

    @property
    def number(self) -> str:
        """That of the lesson, such as "03"."""
        return self.name.split("_")[0]

    @property
    def sha256(self) -> str:
        """Changes when a cell does."""
        text = json.dumps([self.name, [vars(cell) for cell in self.cells]])
        return hashlib.sha256(text.encode()).hexdigest()

    def of_kind(self, kind: CellKind) -> list[Cell]:
        """The cells of a kind, in order."""
        return [cell for cell in self.cells if cell.kind == kind]

    def check_of(self, exercise: Cell) -> Cell:
        """The check cell that carries the points of an exercise."""
        wanted = f"check-{exercise.grade_id}"
        return next(cell for cell in self.of_kind("check") if cell.grade_id == wanted)


def read(folder: Path, wanted: str) -> Assignment:
    """The assignment `wanted` ("3", "03" or "03_name") of a class folder.

    Raises:
        CourseError: there is none, or it cannot be read.
    """
    import nbformat

    found = sorted(path.stem for path in (folder / "source").glob("*/*.ipynb"))
    stem = Path(wanted).name.removesuffix(".ipynb")
    for name in found:
        if stem == name or (stem.isdecimal() and name.startswith(f"{stem.zfill(2)}_")):
            path = assignment_file(folder, name)
            try:
                return from_notebook(name, nbformat.read(path, as_version=4))
            except (OSError, ValueError, AttributeError) as error:
                raise CourseError(f"{path} could not be read ({error}).") from error
    raise CourseError(
        f"The class folder {folder} has no assignment {wanted!r} (it has: "
        f"{', '.join(found) or 'none'}); release it first: course assignment release {wanted}"
    )


def assignment_file(folder: Path, name: str) -> Path:
    """The solved assignment `NN_name` of a class folder."""
    return folder / "source" / name / f"{name}.ipynb"


def from_notebook(name: str, notebook: NotebookNode) -> Assignment:
    """An assignment from its notebook, solved or released.

    Raises:
        CourseError: an exercise lacks its check, or a grade_id is there twice.
    """
    made = Assignment(name, tuple(map(_cell, notebook.cells)))
    ids = [cell.grade_id for cell in made.cells if cell.grade_id]
    checks = {cell.grade_id for cell in made.of_kind("check")}
    wanted = {f"check-{cell.grade_id}" for cell in made.of_kind("exercise")}
    if checks != wanted or len(ids) != len(set(ids)):
        raise CourseError(
            f"{name}: every exercise needs one check cell, and every grade_id must be there once."
        )
    return made


def _cell(cell: NotebookNode) -> Cell:
    from course_tools.lessons import lesson_source, student_edition

    nbgrader = cell.metadata.get("nbgrader", {})
    is_code = cell.cell_type == "code"
    grade, solution = nbgrader.get("grade", False), nbgrader.get("solution", False)
    function = ""
    kind: CellKind
    if is_code and solution and not grade:
        kind, function = "exercise", lesson_source.defined_name(cell.source) or ""
    elif is_code and grade and not solution:
        kind = "check"
    elif grade and solution:
        kind = "written"
    else:
        kind = "setup" if is_code else "text"
    return Cell(
        kind=kind,
        grade_id=nbgrader.get("grade_id", ""),
        cell_id=cell.get("id", ""),
        source=student_edition.blank(cell.source) if kind == "exercise" else cell.source,
        points=float(nbgrader.get("points", 0)) if grade else 0,
        function=function,
    )
