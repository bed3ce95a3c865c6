"""The marks of a class, made of what grading found and what people gave in the gradebook.

`results/NN_name/STUDENT.json` says what grading found. A score or comment that a person gave in
nbgrader's formgrader counts instead of it, or beside it. What is late loses what late.toml says.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from course_lib import files
from course_lib.files import CourseError
from course_tools.grading import due_dates, results
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.gradebook import opened
from course_tools.grading.reports import late_penalty
from course_tools.grading.reports.late_penalty import NO_PENALTY, LatePenalty
from course_tools.grading.results import EarlierResult, ExerciseResult, Result, WrittenAnswer

# How a spreadsheet knows a formula: such a text gets an apostrophe in front.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

NO_RESULT = Result(
    schema=1,
    student="",
    assignment="",
    tests_sha256="",
    status="missing",
    remark="",
    graded_at="",
    exercises=[],
    written=[],
    history=[],
)


@dataclass(frozen=True)
class ManualGrade:
    """What a person gave for one answer.

    Attributes:
        score: None if nothing was given that counts.
        extra_credit: points beside the score, or beside those of the machine.
        is_overruled: a score was given, and a later grading has changed the points below it.
    """

    score: float | None = None
    extra_credit: float = 0.0
    comment: str = ""
    is_overruled: bool = False


@dataclass(frozen=True)
class MarkedAnswer:
    """An answer with its mark.

    Attributes:
        points: those that count; None for a written answer that nobody has scored.
        is_manual: a person gave the points of this exercise.
        is_overruled: as in `ManualGrade`.
    """

    found: ExerciseResult | WrittenAnswer
    points: float | None
    comment: str
    is_manual: bool
    is_overruled: bool

    @property
    def is_exercise(self) -> bool:
        """Whether it is code, not text."""
        return isinstance(self.found, ExerciseResult)


@dataclass(frozen=True)
class StudentMarks:
    """One student in one assignment.

    Attributes:
        listed: the student's line of the class list, or {}.
        result: what grading found; of the status "missing" if there is no result.
        manual: nbgrader's name of a cell -> what a person gave for it.
        due: the date that counts for this student, in UTC and without a time zone, if there is one.
        is_extended: it is another one than that of the class.
        penalty: what late work loses.
    """

    student: str
    listed: Mapping[str, str]
    result: Result
    manual: Mapping[str, ManualGrade] = field(default_factory=dict)
    due: datetime | None = None
    is_extended: bool = False
    penalty: LatePenalty = NO_PENALTY

    @property
    def name(self) -> str:
        """By the class list, or else as in the class folder."""
        return self.listed.get("name") or self.student

    @property
    def answers(self) -> list[MarkedAnswer]:
        """Exercises and written answers, each with the points and the comment that count."""
        return [*map(self._marked, self.result.exercises), *map(self._marked, self.result.written)]

    def _marked(self, found: ExerciseResult | WrittenAnswer) -> MarkedAnswer:
        manual = self.manual.get(found.grade_id, ManualGrade())
        solution = self.manual.get(found.grade_id.removeprefix("check-"), ManualGrade())
        is_exercise = isinstance(found, ExerciseResult)
        points = manual.score if manual.score is not None else _points_without_score(found)
        return MarkedAnswer(
            found=found,
            points=None if points is None else points + manual.extra_credit,
            comment=manual.comment or solution.comment,
            is_manual=is_exercise and manual.score is not None,
            is_overruled=manual.is_overruled,
        )

    @property
    def is_graded(self) -> bool:
        """Whether there is a mark: not where nothing came, and not where grading failed."""
        return self.result.status == "graded"

    @property
    def is_submitted(self) -> bool:
        """Whether anything was submitted, readable or not."""
        return self.result.status != "missing"

    @property
    def is_matched(self) -> bool:
        """Whether the class list has a key by which a learning platform knows the student."""
        return any(self.listed.get(column) for column in ("id", "sis_user_id", "login"))

    @property
    def points(self) -> float:
        """The mark: what the work got, less what it loses for being late."""
        return self.points_before * (1 - self.lost_percent / 100)

    @property
    def mark_text(self) -> str:
        """The mark as tables have it; "" if there is none."""
        return f"{round(self.points, 2):g}" if self.is_graded else ""

    @property
    def points_before(self) -> float:
        """The sum of what counts, late or not; an answer without a score counts 0."""
        return sum(answer.points or 0.0 for answer in self.answers)

    @property
    def late_seconds(self) -> float:
        """How late it came by the date that counts now; 0 if in time, or if that is not known."""
        if self.result.timestamp:
            return results.late_seconds(self.result.timestamp, self.due) or 0.0
        return self.result.late_seconds or 0.0

    @property
    def lost_percent(self) -> float:
        """How much of its points late work loses, from 0 to 100."""
        return self.penalty.percent(self.late_seconds)

    @property
    def due_text(self) -> str:
        """The date that counts, as people read it here; "" if there is none."""
        return due_dates.local(self.due) if self.due else ""

    @property
    def max_points(self) -> float:
        """What all answers are worth."""
        return sum(answer.found.max_points for answer in self.answers)

    @property
    def num_unscored(self) -> int:
        """Written answers that wait for a person."""
        return sum(answer.points is None for answer in self.answers) if self.is_graded else 0


@dataclass(frozen=True)
class Change:
    """A mark that the last grading changed, exercises alone."""

    student: str
    old: float
    new: float
    why: str


def read(folder: ClassFolder, name: str) -> list[StudentMarks]:
    """Everyone who is on the class list or has a result, by student.

    Raises:
        CourseError: a result, extensions.csv or late.toml cannot be read, or the assignment was
            never released.
    """
    listed = folder.students()
    dates = due_dates.read(folder.root, name)
    penalty = late_penalty.read(folder.root)
    found = {result.student: result for result in results.read_all(folder.root, name)}
    manual = _manual_grades(folder, name)
    return [
        StudentMarks(
            student,
            listed.get(student, {}),
            found.get(student, NO_RESULT),
            manual.get(student, {}),
            dates.of(student),
            dates.is_extended(student),
            penalty,
        )
        for student in sorted(listed.keys() | found.keys())
    ]


def _points_without_score(found: ExerciseResult | WrittenAnswer) -> float | None:
    """What an answer gets to which no person has given a score."""
    if isinstance(found, ExerciseResult):
        return found.points
    return None if found.source.strip() or found.note else 0.0


def _manual_grades(folder: ClassFolder, name: str) -> dict[str, dict[str, ManualGrade]]:
    """Student -> nbgrader's name of a cell -> what a person gave for it."""
    with opened(folder.root) as book:
        if name not in {assignment.name for assignment in book.assignments}:
            raise CourseError(
                f"The gradebook does not know {name}; release it first: course assignment release "
                f"{name[:2]}"
            )
        notebooks = book.notebook_submissions(name, name)
        return {notebook.student.id: _manual_grades_of(notebook) for notebook in notebooks}


def _manual_grades_of(notebook: Any) -> dict[str, ManualGrade]:
    comments = {comment.name: comment.comment or "" for comment in notebook.comments}
    found = {cell: ManualGrade(comment=comment) for cell, comment in comments.items()}
    for grade in notebook.grades:
        score = grade.manual_score
        if score is None and grade.cell.cell_type == "markdown":
            score = grade.auto_score  # 0 where the student left the blank
        found[grade.name] = ManualGrade(
            score=None if grade.needs_manual_grade else score,
            extra_credit=grade.extra_credit or 0.0,
            comment=comments.get(grade.name, ""),
            is_overruled=grade.manual_score is not None and grade.needs_manual_grade,
        )
    return found


def changes(records: list[StudentMarks]) -> list[Change]:
    """Whose marks the last grading changed, and why, the largest change first."""
    found = []
    for record in records:
        result = record.result
        if not result.history or not record.is_submitted:
            continue
        before = result.history[-1]
        if (result.points, result.status) != (before.points, before.status):
            why = _why(before, result)
            found.append(Change(record.student, before.points, result.points, why))
    return sorted(found, key=lambda change: -abs(change.new - change.old))


def _why(before: EarlierResult, result: Result) -> str:
    if result.status != before.status:
        change = f"{before.status} before, {result.status} now"
        return f"{change}: {result.remark}" if result.remark else change
    if before.submission_sha256 and before.submission_sha256 != result.submission_sha256:
        return "another submission"
    if result.max_points != before.max_points:
        return (
            f"the points have changed: {before.max_points:g} for all exercises, now "
            f"{result.max_points:g}"
        )
    if result.tests_sha256 != before.tests_sha256:
        return "the tests or the assignment have changed"
    return "graded again with the same tests"


def write_csv(path: Path, records: list[StudentMarks], column: str) -> None:
    """Marks as Canvas imports them, and Moodle too (map "SIS Login ID" or "ID" to a user).

    Who has no result, or one that failed, has an empty cell, which changes nothing there.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]
    keys = ("id", "sis_user_id", "login", "section")
    with (
        files.replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.writer(file)
        writer.writerow([harmless(text) for text in header])
        for record in records:
            texts = [record.name, *(record.listed.get(key, "") for key in keys)]
            writer.writerow([*map(harmless, texts), record.mark_text])


def harmless(text: str) -> str:
    """The text, such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
