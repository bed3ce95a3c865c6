"""Expected outputs: what a right answer returns for inputs of its check, as one PNG."""

from base64 import b64encode
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course_lib import checks, plots
from course_lib.files import CourseError
from course_tools.lessons.captions import caption
from course_tools.lessons.drawings import draw
from course_tools.lessons.lesson_source import Lesson, defined_name, tags

MAX_ALT = 600
FILE = "expected.png"


@dataclass(frozen=True)
class ExpectedOutput:
    """A picture of what a right answer returns, and the same in words."""

    png: bytes
    alt: str


def beside_exercises(lesson: Lesson, cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, and above each exercise the picture of what a right answer returns."""
    found = []
    for cell in cells:
        if "exercise" in tags(cell):
            found += _above(lesson, cell)
        found.append(cell)
    return found


def _above(lesson: Lesson, exercise: NotebookNode) -> list[NotebookNode]:
    expected = of_exercise(f"{lesson.number}.{defined_name(exercise.source)}")
    if expected is None:
        return []
    sentence = expected.alt.split(". ", 1)[0]
    text = f"**Expected result.** {sentence}.\n\n![{expected.alt}](attachment:{FILE})"
    picture = {FILE: {"image/png": b64encode(expected.png).decode()}}
    name = exercise.id.replace("-", "-expected-", 1)[:64]
    return [new_markdown_cell(text, id=name, attachments=picture)]


def of_exercise(name: str) -> ExpectedOutput | None:
    """For an exercise such as "01.gray_pixel"; None if the course has no check of it."""
    try:
        check = checks.of_lesson(name[:2])[name]
    except (CourseError, KeyError):
        return None
    begin = f"What a right {name[3:]} returns for inputs of its check. {check.caption}".strip()
    alt = f"{begin} {caption(check.panels(), MAX_ALT - len(begin) - 2)}."
    alt = alt.replace("[", "(").replace("]", ")")  # brackets end an image's text in Markdown
    return ExpectedOutput(plots.png(draw(check)), alt)
