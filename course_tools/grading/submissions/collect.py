"""Take in what a learning platform gives: a folder or zip with a notebook from each student.

`downloads` reads its files and `owners` says whose they are; here they are stored and reported.
Only `notebook_reader`, in a process of its own, opens them as notebooks. What is not understood is
refused by itself, with a reason, and stops nothing else.
"""

import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from course_lib import files
from course_lib.files import CourseError
from course_tools.grading import due_dates
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.submissions import downloads, submitted_notebook
from course_tools.grading.submissions.downloads import MAX_BYTES, Entry, printable, too_large
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.grading.submissions.owners import ORIGIN, Owner, Owners, folded
from course_tools.lessons.lesson_source import Lesson

ZIP = b"PK\x03\x04"
NO_NOTEBOOK = "it is no notebook (.ipynb)"
LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Taken:
    """A submission that was taken in, and what it replaced; `modified` is None if not known."""

    student: str
    file: str
    modified: datetime | None
    remark: str


@dataclass
class Collection:
    """What came in, what was refused: (file, reason), and who was not on the filled class list."""

    taken: list[Taken] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    new: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Candidate:
    """A file of a student's that could be their submission.

    Attributes:
        content: None if it cannot be read.
        problem: why it cannot be graded, or "".
        remark: what was done to it.
    """

    owner: Owner
    entry: Entry
    content: bytes | None
    problem: str
    remark: str = ""

    @property
    def is_called_notebook(self) -> bool:
        """Whether its name says that it is a notebook."""
        return bool(re.search(r"\.ipynb\b", self.entry.path.name, re.IGNORECASE))

    @property
    def age(self) -> tuple[datetime, int]:
        """Grows from older to newer versions of a submission."""
        return self.entry.modified or LONG_AGO, self.owner.stated.version


def collect(folder: ClassFolder, lesson: Lesson, source: Path) -> Collection:
    """Copy every student's notebook to submitted/; an earlier one is kept under older/.

    A file that cannot be graded replaces no good one. Where there is none it is taken, so that
    grading lists its student as failed.

    Raises:
        CourseError: `source` is neither a folder nor a zip that can be read, or the class list is
            not understood; then nothing is changed.
    """
    collection = Collection()
    added: dict[str, dict[str, str]] = {}
    with downloads.opened(source) as entries:
        owners = Owners.of(folder, lesson, entries)
        for group in _by_student(owners, entries, collection):
            try:
                owner, taken = _take(folder, lesson, group, collection)
            except CourseError as problem:
                collection.refused += [(str(entry.path), str(problem)) for _, entry in group]
                continue
            if taken:
                collection.taken.append(taken)
                added |= {owner.student: owner.row} if owner.student not in owners.students else {}
    if added:
        folder.add_students(list(added.values()))
    if owners.students:
        collection.new = frozenset(added)
    return collection


def _by_student(
    owners: Owners, entries: list[Entry], collection: Collection
) -> list[list[tuple[Owner, Entry]]]:
    """The files that are somebody's, by student; all others are refused."""
    found: dict[str, list[tuple[Owner, Entry]]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: str(entry.path)):
        try:
            if entry.problem:
                raise CourseError(entry.problem)
            owner = owners.owner(entry.path)
        except CourseError as problem:
            is_other = not re.search(r"\.(ipynb|json|zip)\b", entry.path.name, re.IGNORECASE)
            reason = NO_NOTEBOOK if is_other and not entry.problem else str(problem)
            collection.refused.append((str(entry.path), reason))
        else:
            found[folded(owner.student)].append((owner, entry))
    return list(found.values())


def _take(
    folder: ClassFolder,
    lesson: Lesson,
    group: list[tuple[Owner, Entry]],
    collection: Collection,
) -> tuple[Owner, Taken | None]:
    """Store the newest good file of a student, and refuse the others.

    Raises:
        CourseError: all are refused.
    """
    candidates = []
    for owner, entry in group:
        try:
            candidates += _candidates(owner, entry, lesson)
        except CourseError as problem:
            collection.refused.append((str(entry.path), str(problem)))
    claims = {one.owner.stated.key: one.owner.stated for one in candidates if _is_claimed(one)}
    if len(claims) > 1:
        names = " and ".join(sorted(map(str, claims.values())))
        raise CourseError(
            f"{names} would both be called {group[0][0].student!r}; put both on the class list, "
            "each with a `student` of their own"
        )
    good = [one for one in candidates if not one.problem]
    poor = [one for one in candidates if one.problem and one.is_called_notebook]
    other = [one for one in candidates if one.problem and one.owner.is_certain]
    chosen, taken, why = None, None, ""
    try:
        chosen = _newest(good or poor or other, lesson)
        taken = _store(folder, lesson, chosen) if chosen else None
    except (CourseError, OSError) as error:
        why = str(error)
    for one in candidates:
        if not (taken and one is chosen):
            is_meant = one is chosen or (chosen is None and one in good)
            reason = (is_meant and why) or one.problem or "a newer file of this student counts"
            collection.refused.append((str(one.entry.path), reason))
    return group[0][0], taken


def _is_claimed(candidate: Candidate) -> bool:
    """Whether it counts for whose it is: not a note beside a notebook."""
    return not candidate.problem or candidate.is_called_notebook or candidate.owner.is_certain


def _candidates(owner: Owner, entry: Entry, lesson: Lesson) -> list[Candidate]:
    """The file, or the notebooks in the student's own zip.

    Raises:
        CourseError: it cannot be read.
    """
    content = entry.content()
    if content.startswith(ZIP) and not re.search(r"\.(docx|xlsx|pptx|odt)$", entry.path.name, re.I):
        inner = downloads.in_own_zip(entry, content)
        found = [_candidate(owner, one, lesson) for one in inner if _may_be_notebook(one.path)]
        return found or [Candidate(owner, entry, content, "it is a zip without a notebook in it")]
    return [_candidate(owner, entry, lesson, content)]


def _may_be_notebook(path: PurePosixPath) -> bool:
    return bool(re.search(r"\.(ipynb|json)\b", path.name, re.IGNORECASE))


def _candidate(
    owner: Owner, entry: Entry, lesson: Lesson, content: bytes | None = None
) -> Candidate:
    try:
        content = entry.content() if content is None else content
    except CourseError as error:
        return Candidate(owner, entry, None, str(error))
    size, remark = len(content), ""
    if size > MAX_BYTES:
        try:
            content = submitted_notebook.without_outputs(content)
            remark = f"its {size / 1e6:.0f} MB are stored without outputs"
        except Unreadable:
            content = b""
        if not content or len(content) > MAX_BYTES:
            return Candidate(owner, entry, None, too_large(MAX_BYTES))
    problem = submitted_notebook.problem(content, lesson.number)
    candidate = Candidate(owner, entry, content, problem, remark)
    if problem and not candidate.is_called_notebook:
        return Candidate(owner, entry, content, NO_NOTEBOOK)
    return candidate


def _newest(candidates: list[Candidate], lesson: Lesson) -> Candidate | None:
    """The newest of a student's files; of some with one time, the one with the lesson's own name.

    Raises:
        CourseError: several have the same right to count.
    """
    candidates = [one for one in candidates if one.content is not None]
    newest = max((one.age for one in candidates), default=None)
    fitting = [one for one in candidates if one.age == newest]
    if len({one.content for one in fitting}) > 1:
        fitting = [one for one in fitting if one.entry.path.stem == lesson.name] or fitting
    if len({one.content for one in fitting}) > 1:
        raise CourseError(
            f"{len(fitting)} files of {fitting[0].owner.student} have the same time; keep the one "
            "that counts, and collect again"
        )
    return fitting[0] if fitting else None


def _store(folder: ClassFolder, lesson: Lesson, candidate: Candidate) -> Taken:
    """Put a submission where it belongs, with its time and where it came from.

    Raises:
        CourseError: it cannot be graded and one is there that can, or it cannot be written.
    """
    owner, entry, content = candidate.owner, candidate.entry, candidate.content or b""
    place = folder.submitted(owner.student, lesson.name).parent
    is_notebook = candidate.problem == "" or candidate.is_called_notebook
    name = f"{lesson.name}.ipynb" if is_notebook else _safe_name(entry.path.name)
    if _content(place / name) == content:
        remark = "the same as before"
    else:
        earlier = _content(place / f"{lesson.name}.ipynb") if candidate.problem else None
        if earlier is not None and not submitted_notebook.problem(earlier, lesson.number):
            raise CourseError(f"{candidate.problem} The earlier file of {owner.student} stays.")
        arriving = place.with_name(f".{lesson.name}.arriving")
        shutil.rmtree(arriving, ignore_errors=True)
        files.write_bytes(arriving / name, content)
        kept = folder.set_aside(place) if place.exists() else None
        arriving.rename(place)
        remark = f"the one before is {kept.relative_to(folder.root)}" if kept else ""
    if entry.modified and not _timestamp(place):
        stamp = f"{entry.modified:%Y-%m-%d %H:%M:%S} UTC\n"
        files.write_bytes(place / "timestamp.txt", stamp.encode())
    if owner.stated.is_platforms or not (place / ORIGIN).exists():
        files.write_bytes(place / ORIGIN, f"{owner.origin}\n".encode())
    said = "; ".join(filter(None, [candidate.remark, owner.hint, remark]))
    remark = " ".join(filter(None, [candidate.problem, said]))
    return Taken(owner.student, str(entry.path), entry.modified, remark)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def _safe_name(name: str) -> str:
    """A name under which a file that is no notebook is stored."""
    return "file-" + "".join(c if c.isalnum() or c in "._-" else "-" for c in name)[-60:]


def table(folder: ClassFolder, lesson: Lesson, collection: Collection) -> str:
    """Who has submitted and when, who has not, and what was not understood."""
    dates = due_dates.read(folder.root, lesson.name)
    taken = {each.student: each for each in collection.taken}
    lines = []
    for student in sorted(folder.students()):
        place = folder.submitted(student, lesson.name).parent
        if not place.exists():
            lines.append(f"{student:32}  {'nothing yet':16}")
            continue
        now = taken.get(student)
        submitted = _timestamp(place)
        date = dates.of(student)
        due = date and date.replace(tzinfo=UTC)
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
    return "\n".join(map(printable, lines))


def _timestamp(place: Path) -> datetime | None:
    try:
        text = (place / "timestamp.txt").read_text().strip().removesuffix(" UTC")
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (OSError, ValueError):
        return None
