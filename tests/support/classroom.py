"""Assignments, submissions and class folders for tests of grading, made from the lessons."""

import ast
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.grading import assignment, class_folder
from course_tools.grading.assignment import Assignment
from course_tools.lessons import lesson_source, student_edition


def solved(number: str, needs: str | None = None) -> NotebookNode:
    """The exercises of a lesson with our answers, behind its imports and classes, or `needs`."""
    lesson = lesson_source.find(number)
    notebook = lesson_source.read(lesson)
    titles = [cell.source.startswith("## Exercises") for cell in notebook.cells]
    begin = titles.index(True)
    needed = [
        node_text(cell.source, node)
        for cell in notebook.cells[:begin]
        if cell.cell_type == "code"
        for node in definitions(cell.source)
    ]
    ends = [cell.source.startswith("## Results") for cell in notebook.cells]
    setup = nbformat.v4.new_code_cell(needs or "\n".join(needed), id=f"{number}-needed")
    setup.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": "needed",
        "grade": False,
        "solution": False,
        "locked": True,
        "task": False,
    }
    notebook.cells = [notebook.cells[0], setup, *notebook.cells[begin : ends.index(True)]]
    return notebook


def definitions(source: str) -> list[ast.stmt]:
    kinds = (ast.Import, ast.ImportFrom, ast.ClassDef)
    return [node for node in ast.parse(source).body if isinstance(node, kinds)]


def node_text(source: str, node: ast.stmt) -> str:
    text = ast.get_source_segment(source, node)
    assert text is not None
    return text


def quick(**answers: str) -> NotebookNode:
    """Lesson 01 behind NumPy alone, so that it starts at once; with other answers to some.

    It also has a written answer, as other lessons have.
    """
    notebook = solved("01", needs="import numpy as np")
    written = nbformat.v4.new_markdown_cell("*Your answer here.*", id="01-written")
    written.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": "written-1",
        "grade": True,
        "solution": True,
        "locked": False,
        "points": 2,
        "task": False,
    }
    notebook.cells.append(written)
    for name, source in answers.items():
        cell_of(notebook, name).source = source
    return notebook


def quick_assignment() -> Assignment:
    return assignment.from_notebook("01_grayscale_conversion", quick())


def released(notebook: NotebookNode) -> NotebookNode:
    """What students are given."""
    return student_edition.student_edition(notebook)


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    """The exercise cell of a function, or the cell with this grade_id."""
    wanted = {name, name.replace("_", "-")}
    return next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") in wanted
    )


def content(notebook: NotebookNode) -> bytes:
    return json.dumps(notebook).encode()


def submit(folder: Path, student: str, name: str, file: bytes | NotebookNode) -> Path:
    """Put a submission into a class folder. Returns where it lies."""
    place = folder / "submitted" / student / name / f"{name}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(file if isinstance(file, bytes) else content(file))
    return place


def own_cell(notebook: NotebookNode, source: str, place: int = 2) -> NotebookNode:
    """The notebook with a cell of the student's own."""
    notebook.cells.insert(place, nbformat.v4.new_code_cell(source, id=f"own-{len(notebook.cells)}"))
    return notebook


def new_class(folder: Path, notebook: NotebookNode, name: str = "01_grayscale_conversion") -> str:
    """A class folder with one assignment. Returns the assignment's name."""
    source = class_folder.new(folder).assignment("source", name)
    source.parent.mkdir(parents=True)
    source.write_bytes(content(notebook))
    return name
