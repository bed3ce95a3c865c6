"""The student edition: answers out, everything else the same, and no student's file ever lost."""

import nbformat
import pytest

from course_lib.files import CourseError
from course_tools import gates, lessons, students


def test_a_blank_takes_the_indentation_of_its_markers():
    solved = (
        "class Model:\n"
        "    def forward(self, x):\n"
        '        """Twice x."""\n'
        "        ### BEGIN SOLUTION\n"
        "        y = 2 * x\n"
        "\n"
        "        return y\n"
        "        ### END SOLUTION\n"
        "\n"
        "    name = 'kept'"
    )
    assert students.blank(solved) == (
        "class Model:\n"
        "    def forward(self, x):\n"
        '        """Twice x."""\n'
        "        raise NotImplementedError\n"
        "\n"
        "    name = 'kept'"
    )


def test_the_student_edition_is_the_solution_minus_blanks(tiny):
    solved = lessons.read(tiny)
    student = students.student_edition(solved)
    assert gates.student_problems(solved, student) == []
    changed = [a.id for a, b in zip(solved.cells, student.cells, strict=True) if a != b]
    assert changed == ["01-double-it"]
    blank = next(cell for cell in student.cells if cell.id == "01-double-it").source
    assert blank.endswith('"""Twice the number."""\n    raise NotImplementedError')


def test_start_never_touches_a_file_that_is_there(tiny):
    assert students.start(tiny)
    assert nbformat.read(tiny.student_file, as_version=4).cells[0].source.startswith("# 01 · Tiny")
    tiny.student_file.write_text("my work")
    assert not students.start(tiny)
    assert tiny.student_file.read_text() == "my work"


def test_reset_keeps_every_old_file_under_a_number_of_its_own(tiny):
    assert students.reset(tiny) is None
    for number, text in enumerate(["first", "second", "third"], start=1):
        tiny.student_file.write_text(text)
        kept = students.reset(tiny)
        assert kept.name == f"01_tiny.old-{number}.ipynb"
        assert kept.read_text() == text
    (tiny.root / "work/01_tiny.old-2.ipynb").unlink()
    tiny.student_file.write_text("fourth")
    assert students.reset(tiny).name == "01_tiny.old-4.ipynb"
    assert (tiny.root / "work/01_tiny.old-3.ipynb").read_text() == "third"


def test_reset_moves_nothing_when_the_source_cannot_be_read(tiny):
    students.start(tiny)
    tiny.student_file.write_text("my work")
    tiny.source.unlink()
    with pytest.raises(CourseError, match="01_tiny.py could not be read"):
        students.reset(tiny)
    assert tiny.student_file.read_text() == "my work"
