"""The marks of all assignments in one table: a row for each student, a column for each lesson."""

import csv
from collections.abc import Callable

from course_lib import files
from course_lib.files import CourseError
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.gradebook import opened
from course_tools.grading.reports import marks
from course_tools.grading.reports.feedback import visible
from course_tools.grading.reports.marks import StudentMarks, harmless

LISTED = ("name", "id", "sis_user_id", "login", "section")  # columns of the class list
MISSING = "-"  # as it is printed; the file has an empty cell
Row = list[StudentMarks | None]  # a student's marks, one for each assignment


def write(folder: ClassFolder, say: Callable[[str], None] = print) -> None:
    """Write reports/marks.csv, and print the table.

    Who has no result, or one that failed, has an empty cell, and the total is of the others.

    Raises:
        CourseError: nothing was released, or a result, extensions.csv or late.toml cannot be read.
    """
    names = _released(folder)
    rows = _rows(folder, names)
    path = folder.root / "reports" / "marks.csv"
    with (
        files.replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["student", *LISTED, *names, "total"])
        for student, row in rows.items():
            listed = next((record.listed for record in row if record), {})
            texts = [student, *(listed.get(column, "") for column in LISTED)]
            writer.writerow([*map(harmless, texts), *map(_mark, row), _total(row)])
    for line in _lines(names, rows):
        say(line)
    say(f"this table in {path.relative_to(folder.root)}")
    if unscored := sum(record.num_unscored for row in rows.values() for record in row if record):
        say(f"Written answers without a score count 0: {unscored}. These marks are not final.")


def _released(folder: ClassFolder) -> list[str]:
    with opened(folder.root) as book:
        names = sorted(assignment.name for assignment in book.assignments)
    if not names:
        raise CourseError("Nothing was released in this class: course assignment release 01")
    return names


def _rows(folder: ClassFolder, names: list[str]) -> dict[str, Row]:
    found = [{record.student: record for record in marks.read(folder, name)} for name in names]
    students = sorted(set().union(*found))
    return {student: [records.get(student) for records in found] for student in students}


def _mark(record: StudentMarks | None) -> str:
    return record.mark_text if record else ""


def _total(row: Row) -> str:
    points = [record.points for record in row if record and record.is_graded]
    return f"{round(sum(points), 2):g}" if points else ""


def _lines(names: list[str], rows: dict[str, Row]) -> list[str]:
    """The table as text: numbers of lessons, marks, and below them the points that are possible."""
    possible = [_possible([row[n] for row in rows.values()]) for n in range(len(names))]
    width = max([len("student"), *(len(visible(student)) for student in rows)])

    def line(first: str, cells: list[str]) -> str:
        return f"{first:{width}}" + "".join(f"{cell:>8}" for cell in cells)

    shown = [
        line(visible(student), [*(_mark(record) or MISSING for record in row), _total(row)])
        for student, row in rows.items()
    ]
    of = line("of", [f"{points:g}" for points in [*possible, sum(possible)]])
    return [line("student", [*(name[:2] for name in names), "total"]), *shown, of]


def _possible(records: Row) -> float:
    return max((record.max_points for record in records if record and record.is_graded), default=0)
