"""The class list, students.csv: read as programs write it; lines are added, none is changed.

Spreadsheets save it with commas, semicolons or tabs, and in several encodings. What is not
understood is refused with the number of its line, before anything is written.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from course_lib.files import CourseError

COLUMNS = ("student", "name", "id", "sis_user_id", "login", "section")
SEPARATORS = ",;\t|"
MAX_NAME = 200  # bytes of a student's name, which is that of a folder
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class ClassList:
    """A class list, and how its file is written.

    Attributes:
        students: student -> all columns of their line; those of `COLUMNS` are always there.
        text: the file as it is.
        header: its columns, in its order.
    """

    students: dict[str, dict[str, str]] = field(default_factory=dict)
    text: str = ""
    header: tuple[str, ...] = COLUMNS
    separator: str = ","
    encoding: str = "utf-8"

    def with_added(self, rows: Iterable[Mapping[str, str]]) -> bytes:
        """The file with more lines at its end; what it has already stays as it is."""
        newline = "\r\n" if "\r\n" in self.text else "\n"
        text = self.text or self.separator.join(self.header)
        if not text.endswith(("\n", "\r")):
            text += newline
        lines = io.StringIO(newline="")
        writer = csv.writer(lines, delimiter=self.separator, lineterminator=newline)
        writer.writerows([row.get(column, "") for column in self.header] for row in rows)
        text += lines.getvalue()
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:  # an old encoding has no such letters
            return text.encode("utf-8-sig")


def parse(content: bytes) -> ClassList:
    """The class list in a file.

    Raises:
        CourseError: it is not understood, in one sentence with the number of the line.
    """
    text, encoding = _decoded(content)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: list[tuple[int, list[str]]] = []
    begin = 1
    try:
        for cells in reader:
            lines.append((begin, [cell.strip() for cell in cells]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise CourseError(
            f"students.csv cannot be read from line {begin} on ({error}): look for a quotation "
            "mark that is not closed."
        ) from None
    lines = [(line, cells) for line, cells in lines if any(cells) and not _is_sep(cells)]
    header = tuple(lines[0][1]) if lines else ()
    named = [column for column in header if column]
    if "student" not in named:
        raise CourseError(
            f"students.csv must begin with the line {','.join(COLUMNS)} (only the first column is "
            "needed; the separator may be a comma, a semicolon or a tab)."
        )
    if twice := {column for column in named if named.count(column) > 1}:
        raise CourseError(f"students.csv has the column {sorted(twice)[0]!r} twice.")
    students = _students(lines[1:], header)
    return ClassList(students, text, header, separator, encoding)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding: by its first bytes, or the first that fits."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            candidates = [encoding]
            break
    else:
        halves = [name for name in ("utf-16-le", "utf-16-be") if b"\0" in content[:100]]
        candidates = [*halves, "utf-8", "cp1252"]
    for encoding in candidates:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and (not encoding.startswith("utf-16-") or "student" in text):
            return text, encoding
    raise CourseError("students.csv is in no encoding that is known; save it as CSV in UTF-8.")


def _separator(text: str) -> str:
    """The separator with which the header has most columns, of those that give it `student`."""
    header = next((line for line in text.splitlines() if line.strip(" ,;\t|")), "")
    if header.lower().startswith("sep=") and len(header.strip()) == 5:  # for Excel
        return header.strip()[4]
    fitting = [
        separator
        for separator in SEPARATORS
        if "student" in [cell.strip(' "') for cell in header.split(separator)]
    ]
    return max(fitting, key=header.count, default=",")


def _is_sep(cells: list[str]) -> bool:
    """Whether this is Excel's line on the separator, such as "sep=;"."""
    return cells[0].lower().startswith("sep=") and not any(cells[1:])


def _students(
    lines: list[tuple[int, list[str]]], header: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """Each student's line.

    Raises:
        CourseError: a line has too many cells, no student, one that cannot be the name of a
            folder, or one that an earlier line has.
    """
    students: dict[str, dict[str, str]] = {}
    seen: dict[str, int] = {}  # student in NFC -> line
    problems = []
    for line, cells in lines:
        if any(cells[len(header) :]):
            problems.append(
                f"line {line} has {len(cells)} cells and the header {len(header)} (write a name "
                "with a comma in quotation marks)"
            )
            continue
        cells += [""] * (len(header) - len(cells))
        row = dict.fromkeys(COLUMNS, "") | dict(zip(header, cells, strict=False))
        student = row["student"]
        key = unicodedata.normalize("NFC", student)
        if reason := unfit(student):
            problems.append(f"line {line}: {reason}")
        elif key in seen:
            problems.append(f"lines {seen[key]} and {line} have the same student, {student!r}")
        else:
            seen[key] = line
            students[student] = row
    if problems:
        raise CourseError(
            f"students.csv: {'; '.join(problems[:5])}"
            f"{f'; and {len(problems) - 5} more' if len(problems) > 5 else ''}. Nothing was "
            "changed: correct the file, then run the command again."
        )
    return students


def unfit(student: str) -> str:
    """Why this cannot be what a student is called in the class folder; "" if it can."""
    if not student:
        return "the column student is empty"
    if set(student) & set("/\\") or student.startswith("."):
        return f"{student!r} cannot be the name of a folder (no / or \\, and no dot in front)"
    if not student.isprintable():
        return f"{student!r} holds a character that cannot be seen"
    if len(student.encode()) > MAX_NAME:
        return f"{student[:40]!r}... is longer than {MAX_NAME} bytes"
    return ""
