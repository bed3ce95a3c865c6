"""Take in what a learning platform gives: a folder or zip with a notebook from each student.

Files are copied as they are; only `notebook_reader`, in a process of its own, opens them as
notebooks. What is not understood is refused by itself, with a reason, and stops nothing else.
"""

import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from course_lib import files
from course_lib.files import CourseError
from course_tools.grading.class_folder import STUDENT_COLUMNS, ClassFolder
from course_tools.grading.gradebook import due_date
from course_tools.grading.submissions import submitted_notebook
from course_tools.lessons.lesson_source import Lesson

MAX_BYTES = 20_000_000  # a notebook with its outputs; a solved lesson has 3 MB
MAX_FILES = 20_000
# "Ada Lovelace_1234_assignsubmission_file_": Moodle's number is another one in each assignment.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_file_?.*")
# "lovelaceada_LATE_1234_5678_name.ipynb": the first number is the user's, as in the gradebook.
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_.+")
NOISE = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db")


@dataclass(frozen=True)
class Entry:
    """One file of the download; `problem` is the reason why it must not be read, or ""."""

    path: PurePosixPath
    modified: datetime
    open: Callable[[], IO[bytes]]
    problem: str = ""


@dataclass(frozen=True)
class Taken:
    """A submission that was taken in, and what it replaced."""

    student: str
    file: str
    modified: datetime
    remark: str


@dataclass(frozen=True)
class Collection:
    """What came in, what was refused: (file, reason), and who was not on the filled class list."""

    taken: list[Taken]
    refused: list[tuple[str, str]]
    new: frozenset[str] = frozenset()


def collect(folder: ClassFolder, lesson: Lesson, source: Path) -> Collection:
    """Copy every student's notebook to submitted/; an earlier one is kept under older/.

    A file that cannot be graded replaces no good one. Where there is none it is taken, so that
    grading lists its student as failed.

    Raises:
        CourseError: `source` is neither a folder nor a zip that can be read.
    """
    students = folder.students()
    listed = frozenset(students)
    taken: dict[str, tuple[str, Taken]] = {}  # student -> what their name was, their submission
    refused = []
    with _opened(source) as entries:
        entries = [entry for entry in entries if not _is_noise(entry.path)]
        top = _common_folder(entries)
        for entry in sorted(entries, key=lambda entry: entry.modified):
            try:
                who, row = _student(entry, lesson, top, students)
                student = row["student"]
                if student in taken and taken[student][0] != who:
                    other = taken[student][0]
                    raise CourseError(f"{who!r} and {other!r} would both be called {student!r}")
                remark = _store(folder, student, lesson, entry)
            except CourseError as problem:
                refused.append((str(entry.path), str(problem)))
                continue
            students.setdefault(student, row)
            taken[student] = who, Taken(student, str(entry.path), entry.modified, remark)
    folder.write_students(students)
    new = frozenset(taken) - listed if listed else frozenset()
    return Collection([each for _, each in taken.values()], refused, new)


def _common_folder(entries: list[Entry]) -> str:
    """The one folder around all files, "" if there is none."""
    tops = {entry.path.parts[0] for entry in entries if entry.path.parts}
    return tops.pop() if len(tops) == 1 else ""


def _is_noise(path: PurePosixPath) -> bool:
    return bool(set(NOISE) & set(path.parts)) or path.name.startswith("._")


def table(folder: ClassFolder, lesson: Lesson, collection: Collection) -> str:
    """Who has submitted and when, who has not, and what was not understood."""
    date = due_date(folder.root, lesson.name)
    due = date and date.replace(tzinfo=UTC)
    taken = {each.student: each for each in collection.taken}
    lines = []
    for student in sorted(folder.students()):
        stored = folder.submitted(student, lesson.name)
        if not stored.exists():
            lines.append(f"{student:32}  {'nothing yet':16}")
            continue
        now = taken.get(student)
        submitted = now.modified if now else _timestamp(stored.parent)
        late = (submitted - due).total_seconds() if due and submitted else 0
        remarks = [
            f"{late / 3600:.1f} h late" if late > 0 else "",
            "NEW, not on the class list before" if student in collection.new else "",
            now.remark if now else "collected before",
        ]
        shown = f"{submitted.astimezone():%Y-%m-%d %H:%M}" if submitted else "time unknown"
        lines.append(f"{student:32}  {shown:16}  {'; '.join(filter(None, remarks))}".rstrip())
    for file, reason in collection.refused:
        lines.append(f"not taken: {file}: {reason}")
    return "\n".join(lines)


@contextmanager
def _opened(source: Path) -> Iterator[list[Entry]]:
    """The files of a folder or a zip, which is open as long as they may be read."""
    if source.is_dir():
        yield list(_in_folder(source))
        return
    try:
        archive = zipfile.ZipFile(source)
    except FileNotFoundError:
        raise CourseError(f"There is no {source}; name a folder or a zip.") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise CourseError(f"{source} is no zip that can be read ({error}).") from error
    with archive:
        if len(archive.infolist()) > MAX_FILES:
            raise CourseError(f"{source} holds more than {MAX_FILES:,} files; collect fewer.")
        yield [_in_zip(archive, info) for info in archive.infolist() if not info.is_dir()]


def _in_folder(source: Path) -> Iterator[Entry]:
    for parent, folders, names in os.walk(source, onerror=_raise):  # which follows no link
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in [*names, *links]:
            path = Path(parent, name)
            status = path.lstat()
            plain = stat.S_ISREG(status.st_mode)
            yield Entry(
                PurePosixPath(path.relative_to(source).as_posix()),
                datetime.fromtimestamp(status.st_mtime, UTC),
                partial(_open_file, path),
                _too_large(status.st_size) if plain else "it is a link or no plain file",
            )


def _in_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    problem = _too_large(info.file_size)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        problem = "its path leads out of the folder"
    elif stat.S_ISLNK(info.external_attr >> 16):
        problem = "it is a link"
    elif info.flag_bits & 1:
        problem = "it is encrypted"
    try:
        modified = datetime(*info.date_time).astimezone(
            UTC
        )  # a zip's times are local and have no zone
    except (ValueError, OverflowError):
        modified = datetime.fromtimestamp(0, UTC)
    return Entry(path, modified, partial(archive.open, info), problem)


def _open_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")


def _content(entry: Entry) -> bytes:
    """What the file holds.

    Raises:
        CourseError: it is damaged, or larger than declared.
    """
    try:
        with entry.open() as file:
            content = file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, EOFError) as error:
        raise CourseError(f"it is damaged ({error})") from error
    if _too_large(len(content)):
        raise CourseError(_too_large(len(content)))
    return content


def _too_large(size: int) -> str:
    return f"it is larger than {MAX_BYTES / 1e6:.0f} MB" if size > MAX_BYTES else ""


def _raise(error: OSError) -> None:
    raise CourseError(f"{error.filename} cannot be read ({error.strerror}).") from error


def _student(
    entry: Entry, lesson: Lesson, top: str, students: dict[str, dict[str, str]]
) -> tuple[str, dict[str, str]]:
    """Whose file it is: what their name was in its path, and their line of the class list.

    Raises:
        CourseError: it is not known whose it is, or it is no submission of this lesson.
    """
    if entry.problem:
        raise CourseError(entry.problem)
    if entry.path.suffix != ".ipynb":
        raise CourseError("it is no notebook (.ipynb)")
    name, id_, number = _who(entry.path, lesson, top)
    slug = re.sub(r"[^\w.@-]+", "-", f"{name}-{id_}" if id_ else name).strip("-.@")[:100]
    if not name or not slug:
        raise CourseError("it is not known whose it is: name the file or its folder after them")
    for called in (name, entry.path.parent.name):
        if row := _listed(called, id_, students):
            return name + number, row
    new = {"student": slug, "name": name.lstrip("=+-@\t\r\n "), "id": id_}
    return name + number, dict.fromkeys(STUDENT_COLUMNS, "") | new


def _listed(name: str, id_: str, students: dict[str, dict[str, str]]) -> dict[str, str] | None:
    """The line of the class list that a name or number belongs to."""
    for student, row in students.items():
        called = {one.casefold() for one in (student, row["name"], row["login"]) if one}
        if (id_ and row["id"] == id_) or name.casefold() in called:
            return row
    return None


def _who(path: PurePosixPath, lesson: Lesson, top: str) -> tuple[str, str, str]:
    """The student's name in a path, their own number, and one that distinguishes namesakes."""
    for part in path.parts:
        if found := MOODLE.fullmatch(part):
            return found["name"], "", found["number"]
    if found := CANVAS.fullmatch(path.name):
        return found["name"], found["id"], found["id"]
    parent = path.parent.name
    if re.fullmatch(rf"{re.escape(lesson.name)}(?:[ (_-].*)?", path.stem):
        return parent, "", ""
    if re.match(r"\d\d_\w+$", path.stem):
        raise CourseError(f"by its name it is another lesson's file, not {lesson.name}")
    return (path.stem if parent in ("", top) else parent), "", ""


def _store(folder: ClassFolder, student: str, lesson: Lesson, entry: Entry) -> str:
    """Put a submission where it belongs, with its time.

    Returns:
        What is wrong with it, and what it replaced.

    Raises:
        CourseError: it cannot be read, or it cannot be graded and one is there that can.
    """
    content = _content(entry)
    place = folder.submitted(student, lesson.name).parent
    notebook = place / f"{lesson.name}.ipynb"
    if notebook.is_file() and notebook.read_bytes() == content:
        return "the same as before"
    problem = submitted_notebook.problem(content, lesson.number)
    earlier = notebook.read_bytes() if problem and notebook.is_file() else None
    if earlier is not None and not submitted_notebook.problem(earlier, lesson.number):
        raise CourseError(f"{problem} The earlier file of {student} stays.")
    arriving = place.with_name(f".{lesson.name}.arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    files.write_bytes(arriving / notebook.name, content)
    stamp = f"{entry.modified:%Y-%m-%d %H:%M:%S} UTC\n"
    files.write_bytes(arriving / "timestamp.txt", stamp.encode())
    kept = folder.set_aside(place) if place.exists() else None
    arriving.rename(place)
    replaced = f"the one before is {kept.relative_to(folder.root)}" if kept else ""
    return " ".join(filter(None, [problem, replaced]))


def _timestamp(place: Path) -> datetime | None:
    try:
        text = (place / "timestamp.txt").read_text().strip().removesuffix(" UTC")
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (OSError, ValueError):
        return None
