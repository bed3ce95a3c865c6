"""When a student's work is due: the date of the release, or a later one in extensions.csv.

`extensions.csv` in the class folder is the instructor's and may be absent; nothing here writes it:

    student,assignment,due
    ada,03,2027-11-07T23:59
"""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path

from course_lib.files import CourseError
from course_tools.grading import gradebook

FILE = "extensions.csv"
COLUMNS = ("student", "assignment", "due")


@dataclass(frozen=True)
class Extension:
    """One line of extensions.csv; `due` is in UTC and without a time zone."""

    student: str
    due: datetime
    line: int


@dataclass(frozen=True)
class DueDates:
    """The dates of one assignment, in UTC and without a time zone.

    Attributes:
        due: the date of the release; None if it has none.
        extensions: by student, in Unicode NFC.
    """

    due: datetime | None = None
    extensions: dict[str, Extension] = field(default_factory=dict)

    def of(self, student: str) -> datetime | None:
        """The date that counts for a student: the later one. None if there is no date at all."""
        extension = self.extensions.get(_nfc(student))
        dates = [date for date in (self.due, extension and extension.due) if date]
        return max(dates, default=None)

    def remarks(self, students: Collection[str]) -> list[str]:
        """What lines of extensions.csv do not do, a sentence each.

        Args:
            students: everybody in the class so far.
        """
        known = {_nfc(student) for student in students}
        found = []
        for student, extension in self.extensions.items():
            line = f"{FILE}, line {extension.line}"
            if student not in known:
                found.append(f"{line}: nobody is called {extension.student!r} so far.")
            elif not self.is_extended(student):
                found.append(f"{line}: the date of the class is not earlier, and counts.")
        return found

    def is_extended(self, student: str) -> bool:
        """Whether a student has another date than the class."""
        return self.of(student) != self.due


def read(folder: Path, name: str) -> DueDates:
    """The dates of the assignment `NN_name` of a class folder.

    Raises:
        CourseError: extensions.csv cannot be read, or a line of it is not understood.
    """
    found: dict[str, Extension] = {}
    for extension, assignment in _extensions(folder / FILE):
        if not _is_called(name, assignment):
            continue
        other = found.setdefault(_nfc(extension.student), extension)
        if other is not extension:
            raise _problem(
                extension.line,
                f"{extension.student!r} has another date for {assignment} in line {other.line}; "
                "keep one",
            )
    return DueDates(gradebook.due_date(folder, name), found)


def parse(text: str) -> datetime:
    """A date that a person wrote, in local time. A day without a time means until its end.

    Raises:
        ValueError: it is no date.
    """
    try:
        date = datetime.fromisoformat(text)
        if re.fullmatch(r"[\d-]+", text):
            date = datetime.combine(date, time(23, 59, 59))
        return date.astimezone()
    except (OverflowError, OSError) as error:
        raise ValueError(text) from error


def local(date: datetime) -> str:
    """A date in UTC without a time zone as people read it here."""
    return f"{date.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"


def _extensions(file: Path) -> Iterator[tuple[Extension, str]]:
    """All lines of extensions.csv, each with the assignment that it is for."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{FILE} cannot be read ({error}); save it as UTF-8.") from error
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [column.strip().casefold() for column in next(rows, [])]
        if not set(COLUMNS) <= set(header):
            raise CourseError(f"{FILE} must begin with the line {','.join(COLUMNS)}.")
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = [cell.strip() for cell in row] + [""] * len(header)
                yield _extension(rows.line_num, dict(zip(header, cells, strict=False)))
    except csv.Error as error:
        raise _problem(rows.line_num, str(error)) from error


def _extension(line: int, row: dict[str, str]) -> tuple[Extension, str]:
    student, assignment, due = (row[column] for column in COLUMNS)
    if not student:
        raise _problem(line, "the column student is empty")
    if not re.fullmatch(r"[0-9]{1,2}|[0-9]{2}_\w+", assignment):
        raise _problem(line, f"{assignment!r} is no assignment; write it as 03")
    try:
        date = parse(due).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _problem(line, f"{due!r} is no date; write it as 2027-01-31T23:59") from None
    return Extension(student, date, line), assignment


def _is_called(name: str, assignment: str) -> bool:
    """Whether `3`, `03` or `03_name` means `NN_name`."""
    return assignment == name or assignment.zfill(2) == name[:2]


def _problem(line: int, problem: str) -> CourseError:
    return CourseError(f"{FILE}, line {line}: {problem}. Nothing was written.")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
