"""Results on disk: one JSON file for each student and assignment, whole or absent.

They are the source of truth; the gradebook and all reports are made from them.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from course_lib.files import CourseError, write_json

Status = Literal["graded", "failed", "missing"]
Outcome = Literal[
    "right", "wrong", "blank", "missing", "error", "timeout", "memory", "killed", "output"
]


class ExerciseResult(Struct, kw_only=True, forbid_unknown_fields=True):
    """What grading found about one exercise.

    Attributes:
        name: of the function that the student writes.
        grade_id: nbgrader's name of the check cell, which carries the points.
        sentence: what the student is told.
        misconception: the one that the answer shows, if it shows one.
        seconds: that all calls of the function took.
        source: the student's code, cut to size.
        printed: what the calls printed whose inputs students know.
    """

    name: str
    grade_id: str
    points: float = 0.0
    max_points: float
    outcome: Outcome
    sentence: str
    misconception: str | None = None
    seconds: float = 0.0
    source: str = ""
    printed: str = ""


class WrittenAnswer(Struct, kw_only=True, forbid_unknown_fields=True):
    """A written answer, which only a person can score.

    Attributes:
        manual_score: what a person gave for this text; None if nobody has.
        manual_scores: all scores that people ever gave, by the SHA-256 of the text.
        note: for the person who scores it, where the text is not simply that of the answer's cell.
    """

    grade_id: str
    max_points: float
    source: str
    note: str = ""
    manual_scores: dict[str, float | None] = field(default_factory=dict)
    manual_score: float | None = None

    @property
    def source_sha256(self) -> str:
        """The hash of the student's text."""
        return hashlib.sha256(self.source.encode()).hexdigest()


class AddedCell(Struct, kw_only=True, forbid_unknown_fields=True):
    """A cell that a student added, or one of ours that they changed and that is no answer.

    Attributes:
        after: grade_id, or else id, of our cell that it is behind; "" at the beginning.
    """

    after: str
    type: Literal["code", "markdown", "raw"]
    source: str


class Grading(Struct, kw_only=True, forbid_unknown_fields=True):
    """What grading one submission found.

    Attributes:
        submission_sha256: of the file; None if there is none that could be graded.
        remark: sentences about the file as a whole.
        seconds: that grading took.
        added: what the student wrote beside the answers, for the person who scores them.
    """

    student: str
    assignment: str
    submission_sha256: str | None = None
    status: Status
    remark: str
    seconds: float = 0.0
    exercises: list[ExerciseResult]
    written: list[WrittenAnswer]
    added: list[AddedCell] = field(default_factory=list)

    @property
    def points(self) -> float:
        """The sum over all exercises, without written answers."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> float:
        """What all exercises are worth."""
        return sum(exercise.max_points for exercise in self.exercises)


class EarlierResult(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the history keeps of a result that was replaced."""

    graded_at: str
    points: float
    max_points: float
    submission_sha256: str | None = None
    tests_sha256: str
    status: Status


class Result(Grading, kw_only=True, forbid_unknown_fields=True):
    """A grading as it is kept: with its tests, its times and what came before it.

    Attributes:
        timestamp: when it was submitted, "" if it is not known.
        late_seconds: 0 if in time, None if it is not known.
        graded_at: ISO 8601, in UTC.
        history: earlier results, the oldest first.
    """

    schema: Literal[1]
    tests_sha256: str
    timestamp: str = ""
    late_seconds: float | None = None
    graded_at: str
    history: list[EarlierResult]

    def is_current(self, submission_sha256: str, tests_sha256: str) -> bool:
        """Whether this very submission has been graded with these very tests."""
        return (self.submission_sha256, self.tests_sha256) == (submission_sha256, tests_sha256)

    def agrees_with(self, other: "Result") -> bool:
        """Whether both have the same findings for the same file and tests."""
        return self._findings() == other._findings()

    def _findings(self) -> tuple[object, ...]:
        source = (self.submission_sha256, self.tests_sha256)
        return *source, self.status, self.remark, self.points, self.max_points

    def as_earlier(self) -> EarlierResult:
        """What a history keeps of it."""
        names = EarlierResult.__struct_fields__
        return EarlierResult(**{name: getattr(self, name) for name in names})


def path(folder: Path, assignment: str, student: str) -> Path:
    """Where the result of a student lies in a class folder."""
    return folder / "results" / assignment / f"{student}.json"


def read(folder: Path, assignment: str, student: str) -> Result | None:
    """The result of a student; None if there is none.

    Raises:
        CourseError: there is a file that grading has not written in this form.
    """
    file = path(folder, assignment, student)
    try:
        return msgspec.convert(json.loads(file.read_bytes()), Result)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise CourseError(
            f"{file} is damaged ({error}); move it away, then grade the student again."
        ) from error


def read_all(folder: Path, assignment: str) -> list[Result]:
    """All results of an assignment, by student."""
    files = sorted((folder / "results" / assignment).glob("*.json"))
    found = [read(folder, assignment, file.stem) for file in files]
    return [result for result in found if result is not None]


def write(folder: Path, result: Result) -> None:
    """Put a result into its file, whole or not at all."""
    write_json(path(folder, result.assignment, result.student), msgspec.to_builtins(result))


def record(
    folder: Path, grading: Grading, tests_sha256: str, timestamp: str, due: datetime | None
) -> Result:
    """Put the result of a grading in the place of the old one, which goes into its history.

    A grading that agrees with the old one on the same file and tests adds nothing to the history.

    Args:
        tests_sha256: as `judge.tests_sha256` gives it.
        timestamp: when it was submitted, "" if it is not known.
        due: when it was due, in UTC and without a time zone; None if there is no such date.
    """
    old = read(folder, grading.assignment, grading.student)
    result = Result(
        **msgspec.structs.asdict(grading),
        schema=1,
        tests_sha256=tests_sha256,
        timestamp=timestamp,
        late_seconds=late_seconds(timestamp, due),
        graded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        history=[],
    )
    if old:
        _take_over_scores(result, old)
        result.history = old.history if old.agrees_with(result) else _history(old)
    write(folder, result)
    return result


def set_timestamp(folder: Path, result: Result, timestamp: str, due: datetime | None) -> Result:
    """The result with the present dates; the rest of it, and its history, stay as they are."""
    late = late_seconds(timestamp, due)
    changed = msgspec.structs.replace(result, timestamp=timestamp, late_seconds=late)
    if changed != result:
        write(folder, changed)
    return changed


def late_seconds(timestamp: str, due: datetime | None) -> float | None:
    """How late a submission is, 0 if in time; None if it is not known."""
    from nbgrader.utils import parse_utc

    try:
        return max(0.0, (parse_utc(timestamp) - due).total_seconds()) if timestamp and due else None
    except (ValueError, OverflowError):
        return None  # it is no date


def _history(old: Result) -> list[EarlierResult]:
    return [] if old.status == "missing" else [*old.history, old.as_earlier()]


def _take_over_scores(result: Result, old: Result) -> None:
    """Give written answers the scores that people gave, each for the text that it is for."""
    before = {answer.grade_id: answer.manual_scores for answer in old.written}
    for answer in result.written:
        answer.manual_scores = before.get(answer.grade_id, {})
        answer.manual_score = answer.manual_scores.get(answer.source_sha256)
