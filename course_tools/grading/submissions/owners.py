"""Whose file it is.

One rule, in this order, which docs/instructors.md explains:

1. the platform's own folder or number (Moodle's; Canvas' where the class list agrees);
2. the class list: `student`, `name` or `login`;
3. the name of the outermost folder, or of a file that is in none.

What can be two people's is refused with a sentence. Names within a student's folder are the
student's choice and never count.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from course_lib.files import CourseError
from course_tools.grading import class_list
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.submissions.downloads import Entry
from course_tools.lessons import lesson_source
from course_tools.lessons.lesson_source import Lesson

ORIGIN = "origin.txt"  # beside a submission: its path in the download, from the student's part on
MAX_ORIGIN = 5000  # bytes
# "Ada Lovelace_1234_assignsubmission_file_": Moodle's number is another one in each assignment.
MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+_?")
MOODLE_FILE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_.*")
# "lovelaceada_LATE_1234_5678_name.ipynb": the numbers are the user's and the file's.
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_(?P<version>\d+)_.+")
# What Moodle calls everybody where it hides names, in lower case.
BLIND = frozenset(
    (
        *("participant", "participante", "partecipante", "teilnehmerin", "teilnehmer", "deelnemer"),
        *(
            "deltagare",
            "deltager",
            "uczestnik",
            "účastník",
            "osallistuja",
            "katılımcı",
            "résztvevő",
        ),
        *("участник", "учасник", "参与者", "參與者", "参加者", "참가자", "مشارك", "משתתף"),
    )
)
INNER = re.compile(
    r"version \d+|submission attachment\(s\)|feedback attachment\(s\)", re.IGNORECASE
)
VERSION = re.compile(r"version (\d+)", re.IGNORECASE)
SUFFIXES = re.compile(
    r"(\.(ipynb|json|txt|zip|html?|pdf|py|md|docx?|odt|rtf|rar|7z|tar|gz|png|jpe?g|csv))+$",
    re.IGNORECASE,
)
FORMULA = "=+-@\t\r\n "  # how a spreadsheet knows a formula


@dataclass(frozen=True)
class StatedOwner:
    """What the outermost part of a path says about its owner.

    Attributes:
        name: of a person, as the platform or they themselves write it.
        number: Moodle's, or Canvas' number of the user.
        version: of several files of one owner with the same time the highest counts.
    """

    kind: Literal["Moodle", "Canvas", "folder", "file"]
    name: str
    number: str = ""
    version: int = 0

    @property
    def is_platforms(self) -> bool:
        """Whether a platform says so, not a name that people chose."""
        return self.kind in ("Moodle", "Canvas")

    @property
    def key(self) -> tuple[str, str]:
        """Is the same for files of one owner."""
        return self.kind, self.number or folded(self.name)

    def __str__(self) -> str:
        return f"{self.name!r}{f' with number {self.number}' if self.number else ''}"


@dataclass(frozen=True)
class Owner:
    """The student whose file it is.

    Attributes:
        row: their line of the class list, or the one to be added.
        origin: the path without folders around everything.
        is_certain: the platform or the class list says so, not the name of a file alone.
        hint: for the instructor, "" if there is none.
    """

    student: str
    row: dict[str, str]
    stated: StatedOwner
    origin: PurePosixPath
    is_certain: bool
    hint: str = ""


@dataclass
class Owners:
    """Finds the owners of the files of one download.

    Attributes:
        students: the class list.
        origins: student -> the claims of what they submitted before, in any assignment.
        numbers: Moodle's number in this assignment -> its student, and the owner stated then.
        names: Moodle's number -> all names that it has in this download.
        num_around: how many folders are around everything; None if that is not clear.
    """

    lesson: Lesson
    students: dict[str, dict[str, str]]
    origins: dict[str, list[StatedOwner]] = field(default_factory=lambda: defaultdict(list))
    numbers: dict[str, tuple[str, StatedOwner]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    num_around: int | None = 0

    @classmethod
    def of(cls, folder: ClassFolder, lesson: Lesson, entries: list[Entry]) -> "Owners":
        """Those of a download, with what is known from earlier ones."""
        owners = cls(lesson, folder.students())
        older = (folder.root / "older").glob(f"submitted/*/*/{ORIGIN}")
        for path in sorted([*older, *(folder.root / "submitted").glob(f"*/*/{ORIGIN}")]):
            student, assignment = path.parts[-3], path.parts[-2].partition(".")[0]
            if student in owners.students and (origin := _read_origin(path)):
                stated = _stated_owner(origin)
                if stated.kind == "Canvas":  # or so it seems
                    stated = _whole(origin)
                owners.origins[student].append(stated)
                if assignment == lesson.name and stated.kind == "Moodle":
                    owners.numbers[stated.number] = student, stated
        sound = [entry.path for entry in entries if not entry.problem]
        notebooks = [p for p in sound if re.search(r"\.(ipynb|zip)\b", p.name, re.IGNORECASE)]
        owners.num_around = owners._num_around([path.parts for path in notebooks or sound])
        for entry in sound:
            stated = _stated_owner(owners._origin(entry))
            if stated.kind == "Moodle":
                owners.names[stated.number].add(folded(stated.name))
        return owners

    def owner(self, path: PurePosixPath) -> Owner:
        """The owner of a file.

        Raises:
            CourseError: it is nobody's, can be two people's, or is another lesson's.
        """
        if self.num_around is None:
            raise CourseError(
                f"it is not known whose it is: one folder, {path.parts[0]!r}, is around everything."
                " If it is a student's, put them on the class list; if not, collect what is in it"
            )
        origin = self._origin(path)
        stated = _stated_owner(origin)
        if stated.kind == "Moodle":
            return self._owner_in_moodle(stated, origin)
        if stated.kind == "Canvas":
            return self._owner_in_canvas(stated, origin)
        return self._owner_by_name(stated, origin)

    def _origin(self, path: PurePosixPath) -> PurePosixPath:
        """The path without the folders around everything."""
        return PurePosixPath(*path.parts[min(self.num_around or 0, len(path.parts) - 1) :])

    def _owner_in_moodle(self, stated: StatedOwner, origin: PurePosixPath) -> Owner:
        if len(self.names[stated.number]) > 1:
            raise CourseError(f"number {stated.number} has several names in this download")
        if _is_blind(stated.name):
            name = f"{stated.name.rpartition('-')[2]} {stated.number}"
            rows = self._named(name)
            return Owner(*(_one(rows, stated) or self._new(name)), stated, origin, True)
        rows = self._named(stated.name) or self._named_in_group(stated.name)
        if known := self.numbers.get(stated.number):
            student, before = known
            if (rows and student not in rows) or (
                not rows and not _alike(before.name, stated.name)
            ):
                raise CourseError(
                    f"number {stated.number} was that of {student} and is now that of "
                    f"{stated.name!r}; if the platform's numbers have changed, remove the files "
                    f"{ORIGIN} in submitted/*/{self.lesson.name}"
                )
            return Owner(student, self.students[student], stated, origin, True)
        found = _one(rows, stated) or self._new(stated.name)
        for number, (student, _) in self.numbers.items():
            if student == found[0]:
                raise CourseError(
                    f"{stated.name!r} with number {stated.number} is not the one with number "
                    f"{number}, who is {student}; put both on the class list, write the `student` "
                    "of the list in place of this name, and collect it again"
                )
        return Owner(*found, stated, origin, True)

    def _owner_in_canvas(self, stated: StatedOwner, origin: PurePosixPath) -> Owner:
        rows = {s: row for s, row in self.students.items() if row["id"] == stated.number}
        if len(rows) > 1:
            raise CourseError(f"id {stated.number} is {' and '.join(rows)}'s on the class list")
        for student, row in rows.items():
            if not _agrees(stated.name, row):
                raise CourseError(
                    f"it has the id of {student} and the name {stated.name!r}, which do not agree "
                    "by the class list"
                )
            return Owner(student, row, stated, origin, True)
        hint = f"if its name is Canvas', put the id {stated.number} on the class list"
        return self._owner_by_name(_whole(origin), origin, hint)

    def _owner_by_name(self, stated: StatedOwner, origin: PurePosixPath, hint: str = "") -> Owner:
        found = _one(self._named(stated.name), stated)
        if found:
            self._refuse_another(stated, found[1])
        stem = _stem(origin.name)
        if (stated.kind == "folder" or not found) and self._is_of_another_lesson(stem):
            raise CourseError(f"by its name it is another lesson's file, not {self.lesson.name}")
        if not found and stated.kind == "file" and self._is_of_a_lesson(stem):
            raise CourseError(WHOSE)
        return Owner(*(found or self._new(stated.name)), stated, origin, found is not None, hint)

    def _is_of_a_lesson(self, stem: str) -> bool:
        """Whether a file has the name of the lesson's own, or begins with the lesson's number."""
        return stem.startswith(f"{self.lesson.number}_")

    def _is_of_another_lesson(self, stem: str) -> bool:
        numbers = {lesson.number for lesson in lesson_source.all_lessons(self.lesson.root)}
        return stem[2:3] == "_" and stem[:2] in numbers - {self.lesson.number}

    def _named(self, name: str) -> dict[str, dict[str, str]]:
        """The lines of the class list that a name fits: letter by letter, or else any case."""
        for same in (_normal, folded):
            wanted = same(name)
            found = {
                student: row
                for student, row in self.students.items()
                if wanted and wanted in {same(row[key]) for key in ("student", "name", "login")}
            }
            if found:
                return found
        return {}

    def _named_in_group(self, name: str) -> dict[str, dict[str, str]]:
        """The lines that fit "Group-Name", wherever the group ends."""
        parts = name.split("-")
        found: dict[str, dict[str, str]] = {}
        for begin in range(1, len(parts)):
            found |= self._named("-".join(parts[begin:]))
        return found

    def _refuse_another(self, stated: StatedOwner, row: dict[str, str]) -> None:
        """Refuse a name that fits a line which was made for another name.

        "Anna Lena" and "Anna-Lena" would both be called Anna-Lena: the first is added so to the
        class list, where the second seems to find itself.
        """
        before = self.origins[row["student"]]
        if any(_alike(one.name, stated.name) for one in before):
            return
        only_student = folded(stated.name) not in {folded(row["name"]), folded(row["login"])}
        for one in before:
            is_made = slug(one.name) == row["student"] and _alike(one.name, row["name"])
            if (is_made and only_student) or one.name[0] in FORMULA:
                raise CourseError(
                    f"{stated.name!r} and {one.name!r} would both be called {row['student']!r}; "
                    "put both on the class list, each with a `student` of their own"
                )

    def _new(self, name: str) -> tuple[str, dict[str, str]]:
        """What an unlisted student is called, and a line for the class list."""
        student = slug(name)
        if not student:
            raise CourseError(WHOSE)
        if reason := class_list.unfit(student):
            raise CourseError(f"{reason}; put the student on the class list under a name that fits")
        for listed, row in self.students.items():
            if _alike(listed, student):
                was_theirs = any(_alike(one.name, name) for one in self.origins[listed])
                if row["name"] and not was_theirs:
                    raise CourseError(
                        f"{name!r} and {row['name']!r} would both be called {listed!r}; put both "
                        "on the class list, each with a `student` of their own"
                    )
                return listed, row  # without a name, or without the sign that it began with
        new = {"student": student, "name": name.lstrip(FORMULA)}
        return student, dict.fromkeys(class_list.COLUMNS, "") | new

    def _num_around(self, paths: list[tuple[str, ...]]) -> int | None:
        """How many folders are around all files and are no student's; None if that is not clear."""
        tops = {parts[0] for parts in paths}
        if len(tops) != 1 or any(len(parts) == 1 for parts in paths):
            return 0
        if self._is_student(tops.pop(), is_folder=True):
            return 0
        below = {(parts[1], len(parts) > 2) for parts in paths}
        if any(self._is_student(name, is_folder) for name, is_folder in below):
            return 1
        says = [(name, is_folder) for name, is_folder in below if self._says(name, is_folder)]
        if not says:
            return 0
        if len(says) > 1:
            return 1
        if len(below) > 1 or not says[0][1]:
            return None
        inner = self._num_around([parts[1:] for parts in paths])
        return inner + 1 if inner else None

    def _is_student(self, part: str, is_folder: bool) -> bool:
        """Whether the platform or the class list knows a part of a path as a student's."""
        stated = _stated_owner(PurePosixPath(part, "x") if is_folder else PurePosixPath(part))
        if stated.kind == "Canvas":
            fitting = [row for row in self.students.values() if row["id"] == stated.number]
            if any(_agrees(stated.name, row) for row in fitting):
                return True
            stated = StatedOwner("file", _stem(part))
        return stated.kind == "Moodle" or bool(self._named(stated.name))

    def _says(self, part: str, is_folder: bool) -> bool:
        """Whether a folder or file may be named after a student."""
        if is_folder:
            return not INNER.fullmatch(part)
        return not (self._is_of_a_lesson(_stem(part)) or self._is_of_another_lesson(_stem(part)))


WHOSE = "it is not known whose it is: name the file or its folder after them"


def _stated_owner(origin: PurePosixPath) -> StatedOwner:
    """What the outermost part of a path says; the parts in it are the student's."""
    top = unicodedata.normalize("NFC", origin.parts[0])
    is_folder = len(origin.parts) > 1
    pattern = MOODLE_FOLDER if is_folder else MOODLE_FILE
    version = max([0, *(int(v[1][:9]) for p in origin.parts[1:] if (v := VERSION.fullmatch(p)))])
    if found := pattern.fullmatch(top):
        return StatedOwner("Moodle", _spaced(found["name"]), found["number"], version)
    if is_folder:
        return StatedOwner("folder", _spaced(top), version=version)
    if found := CANVAS.fullmatch(top):
        return StatedOwner("Canvas", found["name"], found["id"], int(found["version"][:18]))
    return _whole(origin)


def _whole(origin: PurePosixPath) -> StatedOwner:
    """A file in no folder, whose name as a whole is that of a student."""
    return StatedOwner("file", _spaced(_stem(unicodedata.normalize("NFC", origin.parts[0]))))


def _one(rows: dict[str, dict[str, str]], stated: StatedOwner) -> tuple[str, dict[str, str]] | None:
    """The only line that fits; None if none does.

    Raises:
        CourseError: several fit.
    """
    if len(rows) > 1:
        raise CourseError(
            f"{stated.name!r} can be {' or '.join(rows)} on the class list; write the `student` of "
            "the list in place of this name, and collect it again"
        )
    return next(iter(rows.items()), None)


def _is_blind(name: str) -> bool:
    return folded(name.rpartition("-")[2]) in BLIND


def _agrees(name: str, row: dict[str, str]) -> bool:
    """Whether Canvas' name for a person, "lovelaceada", is that of a line of the class list."""
    words = [_squeezed(word) for word in re.split(r"[\s,]+", row["name"]) if word]
    turned = {"".join(words[i:] + words[:i]) for i in range(len(words))}
    login = row["login"]
    others = {_squeezed(text) for text in (row["student"], login, login.partition("@")[0])}
    return _squeezed(name) in (turned | others) - {""}


def _squeezed(text: str) -> str:
    """Letters and digits alone, without accents, as Canvas may write them."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).lower() if c.isalnum())


def slug(name: str) -> str:
    """What an unlisted student is called in the class folder: all but letters and digits is "-"."""
    kept = (c if _is_kept(c) else " " for c in unicodedata.normalize("NFC", name))
    return "-".join("".join(kept).split()).strip("-.@")


def _is_kept(c: str) -> bool:
    return c.isalnum() or c in "_.@-" or unicodedata.category(c).startswith("M")


def _stem(name: str) -> str:
    return SUFFIXES.sub("", name)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", _spaced(text))


def folded(text: str) -> str:
    """The text in any case. Not casefold, for which Weiß and Weiss are one name."""
    return unicodedata.normalize("NFC", _normal(text).lower())


def _alike(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def _read_origin(path: Path) -> PurePosixPath | None:
    try:
        text = path.read_bytes()[:MAX_ORIGIN].decode().strip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None
    return PurePosixPath(text) if PurePosixPath(text).parts else None
