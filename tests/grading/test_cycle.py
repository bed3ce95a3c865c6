"""The whole way, by the instructor's commands: release, collect, grade, score, give back."""

import copy
import csv
import zipfile

import nbformat
import pytest
from typer.testing import CliRunner

import classroom
import needs
from course_tools import cli
from course_tools.grading import class_folder, gradebook, release
from course_tools.lessons import lesson_source

pytestmark = needs.sandbox
LESSON = lesson_source.find("06")
NAME = LESSON.name
SIZE = 20
SCORE = 3.0  # what the instructor gives for each written answer


@pytest.fixture
def course(tmp_path):
    """course("grade", "06"): what `course assignment grade 06` prints, in a class of its own."""

    def run(*arguments):
        where = [] if arguments[0] == "new" else ["--class", str(tmp_path / "class")]
        done = CliRunner().invoke(cli.app, ["assignment", *arguments, *where])
        assert done.exit_code == 0, done.output
        return done.output

    run("new", str(tmp_path / "class"))
    return run


def submit(number, handed_out, solved):
    """A student's file: by their number, exercises are right, left blank or wrong."""
    notebook = copy.deepcopy(handed_out)
    right = []
    for place, name in enumerate(exercises(solved)):
        kind = (number // 3**place) % 3
        cell = classroom.cell_of(notebook, name)
        if kind == 0:
            cell.source = classroom.cell_of(solved, name).source
        elif kind == 2:
            cell.source = f"def {name.replace('-', '_')}(*arguments):\n    return {number}"
        right.append(kind == 0)
    classroom.cell_of(notebook, "written-1").source = f"The words of student {number}."
    return notebook, sum(right)


def exercises(notebook):
    marked = (cell.metadata.get("nbgrader", {}) for cell in notebook.cells)
    return [one["grade_id"] for one in marked if one.get("solution") and not one.get("grade")]


def test_a_class_of_20_from_release_to_feedback(course, tmp_path):
    folder = class_folder.at(tmp_path / "class")
    course("release", "06", "--due", "2027-01-31T23:59")
    handed_out = nbformat.read(folder.assignment("release", NAME), as_version=4)
    solved = release.solved(LESSON)
    points = {}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number in range(SIZE):
            notebook, points[f"Student-{number:02}"] = submit(number, handed_out, solved)
            place = f"Student {number:02}_{4000 + number}_assignsubmission_file_/06.ipynb"
            archive.writestr(place, nbformat.writes(notebook))

    assert f"{SIZE} taken, 0 files not taken." in course("collect", "06", str(tmp_path / "all.zip"))
    assert f"{SIZE} graded; 0 as before" in course("grade", "06")
    with gradebook.opened(folder.root) as book:
        for submission in book.assignment_submissions(NAME):
            assert submission.score == points[submission.student.id]
            (grade,) = [one for one in submission.notebooks[0].grades if one.name == "written-1"]
            assert grade.needs_manual_grade
            grade.manual_score = SCORE
            grade.needs_manual_grade = False
        book.db.commit()
    assert f"0 graded; {SIZE} as before" in course("grade", "06")  # and scores by hand stay
    course("feedback", "06")

    with open(folder.root / "reports" / f"{NAME}.csv", newline="", encoding="utf-8-sig") as file:
        _, *rows = csv.reader(file)
    totals = {row[0].replace(" ", "-"): float(row[-1]) for row in rows}
    assert totals == {student: mark + SCORE for student, mark in points.items()}
    for number, (student, mark) in enumerate(points.items()):
        page = (folder.root / "feedback" / student / f"{NAME}.html").read_text()
        assert f"The words of student {number}." in page
        assert f"{mark + SCORE:g}" in page
        assert "http://" not in page and "https://" not in page and "<script" not in page
