"""The lessons there are, and how a text source becomes a notebook with stable cell ids."""

import ast
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.files import CourseError

CHECKOUT = Path(__file__).resolve().parents[2]
# Where the package was installed without the checkout, it brings the sources along (setup.py), and
# students work in the folder in which they call `course`.
INSTALLED = CHECKOUT / "course_tools" / "notebooks" / "source"
ROOT = Path.cwd() if INSTALLED.is_dir() else CHECKOUT
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True)
class Lesson:
    """One lesson: `NN_name` and the folder it belongs to: the checkout, or that of the student."""

    name: str
    root: Path = ROOT

    @property
    def number(self) -> str:
        """The two digits in front, such as "03"."""
        return self.name.split("_")[0]

    @property
    def source(self) -> Path:
        """The text that people edit."""
        return _sources(self.root) / f"{self.name}.py"

    @property
    def notebook(self) -> Path:
        """The solved, executed notebook that is made from it."""
        return self.root / "notebooks" / f"{self.name}.ipynb"

    @property
    def student_file(self) -> Path:
        """The student's own copy."""
        return self.root / "work" / f"{self.name}.ipynb"


def all_lessons(root: Path = ROOT) -> list[Lesson]:
    """Every lesson that has a source, by number."""
    return [Lesson(path.stem, root) for path in sorted(_sources(root).glob("[0-9][0-9]_*.py"))]


def _sources(root: Path) -> Path:
    return INSTALLED if INSTALLED.is_dir() else root / "notebooks" / "source"


def find(wanted: str, root: Path = ROOT) -> Lesson:
    """The lesson called `wanted`: "3", "03", "03_name" or the path of its file."""
    stem = Path(wanted).name.removesuffix(".ipynb").removesuffix(".py")
    lessons = all_lessons(root)
    for lesson in lessons:
        if stem == lesson.name or (stem.isdecimal() and stem.zfill(2) == lesson.number):
            return lesson
    there_are = ", ".join(lesson.name for lesson in lessons) or "none yet"
    raise CourseError(f"There is no lesson {wanted!r}; the lessons are: {there_are}.")


def select(wanted: list[str] | None, root: Path = ROOT) -> list[Lesson]:
    """The lessons named, each once and in the order of the course; all of them if none is named."""
    if not wanted:
        return all_lessons(root)
    return sorted({find(name, root) for name in wanted}, key=lambda lesson: lesson.name)


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def read(lesson: Lesson) -> NotebookNode:
    """The lesson as a notebook: inputs only, stable ids, nbgrader's metadata filled in."""
    import jupytext

    try:
        raw = jupytext.read(lesson.source, fmt="py:percent")
    except (OSError, ValueError) as error:
        raise CourseError(f"{lesson.source.name} could not be read ({error}).") from error
    notebook = nbformat.v4.new_notebook(cells=raw.cells)
    for cell in notebook.cells:
        for key in ("lines_to_next_cell", "lines_to_end_of_cell_marker"):
            cell.metadata.pop(key, None)  # jupytext's notes on blank lines
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    _name_cells(notebook, lesson.number)
    return notebook


def inputs(notebook: NotebookNode) -> list[dict]:
    """A notebook without its outputs: id, type, source and metadata per cell."""
    keys = ("id", "cell_type", "source", "metadata")
    return [{key: cell.get(key) for key in keys} for cell in notebook.cells]


def defined_name(source: str) -> str | None:
    """The first function or class that a cell defines."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return next((node.name for node in body if isinstance(node, definitions)), None)


def _name_cells(notebook: NotebookNode, number: str) -> None:
    """Give every cell an id that survives a rebuild and edits to other cells.

    Exercises and their checks are named by the function, written answers by their number;
    other cells by the hash of their text.
    """
    exercise = None
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        name = hashlib.sha256(cell.source.encode()).hexdigest()[:10]
        if "parameters" in tags(cell):
            name = "parameters"
        elif "exercise" in tags(cell):
            exercise = (defined_name(cell.source) or name).replace("_", "-").strip("-").lower()
            name = exercise
            _grade(cell, grade_id=exercise, locked=False, grade=False, solution=True)
        elif "check" in tags(cell) and exercise:
            name = f"check-{exercise}"
            points = cell.metadata.pop("points", 1)
            _grade(cell, grade_id=name, locked=True, grade=True, solution=False, points=points)
            exercise = None
        elif "written" in tags(cell):
            name = "written"  # graded by a person
            grade_id = f"written-{seen[name] + 1}"
            points = cell.metadata.pop("points", 2)
            _grade(cell, grade_id=grade_id, locked=False, grade=True, solution=True, points=points)
        seen[name] += 1
        cell.id = f"{number}-{name}"[:60] + (f"-{seen[name]}" if seen[name] > 1 else "")


def _grade(cell: NotebookNode, **fields: object) -> None:
    """nbgrader's metadata, schema version 3."""
    cell.metadata["nbgrader"] = nbformat.from_dict({"schema_version": 3, "task": False, **fields})
