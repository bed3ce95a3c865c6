"""Target pictures: what a right answer returns for inputs of its check, as one PNG."""

import ast
from base64 import b64encode
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course_lib import checks, plots
from course_lib.files import CourseError
from course_tools.lessons.drawings import DRAWINGS, by_kind
from course_tools.lessons.lesson_source import Lesson, tags

MAX_ALT = 600


@dataclass(frozen=True)
class Target:
    """A picture of the right result, and the same in words."""

    png: bytes
    alt: str


def beside_exercises(lesson: Lesson, cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, and above each exercise the picture of what a right answer returns."""
    found = []
    for cell in cells:
        if "exercise" in tags(cell):
            found += _target(lesson, cell)
        found.append(cell)
    return found


def _target(lesson: Lesson, exercise: NotebookNode) -> list[NotebookNode]:
    function = next(n for n in ast.parse(exercise.source).body if hasattr(n, "name"))
    if not isinstance(function, ast.FunctionDef):
        return []
    parameters = [argument.arg for argument in function.args.args]
    target = of_exercise(f"{lesson.number}.{function.name}", parameters)
    if target is None:
        return []
    text = f"**Target.** {target.alt.split('. ', 1)[0]}.\n\n![{target.alt}](attachment:target.png)"
    picture = {"target.png": {"image/png": b64encode(target.png).decode()}}
    return [
        new_markdown_cell(text, id=f"{exercise.id.replace('-', '-target-', 1)}"[:64],
                          attachments=picture)
    ]  # fmt: skip


def of_exercise(name: str, parameters: list[str]) -> Target | None:
    """The target of an exercise such as "01.gray_pixel"; None if the course has no check of it.

    Args:
        parameters: what the arguments are called in the exercise.
    """
    try:
        check = checks.of_lesson(name[:2])[name]
    except (CourseError, KeyError):
        return None
    figure, words = DRAWINGS.get(name, by_kind)(check.shown_cases(), parameters)
    function = name.split(".")[1]
    alt = f"What a right {function} returns for inputs of its check. {words}"
    alt = alt.replace("[", "(").replace("]", ")")  # brackets end an image's text in Markdown
    return Target(plots.png(figure), alt if len(alt) <= MAX_ALT else alt[: MAX_ALT - 4] + " ...")
