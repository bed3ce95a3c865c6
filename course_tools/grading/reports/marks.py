"""What a class has: results of grading, what people gave in the gradebook, and marks made of both.

`results/NN_name/STUDENT.json` says what grading found. A score or comment that a person gave in
nbgrader's formgrader counts instead of, or beside, it.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib import files
from course_lib.files import CourseError
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.gradebook import opened

NO_RESULT: dict[str, Any] = {"status": "missing", "remark": "", "exercises": [], "written": []}
# How a spreadsheet knows a formula: such a text gets an apostrophe in front.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class ByHand:
    """What a person said of one answer; a score of None means nothing that counts.

    `is_overruled`: a score was given, and a later grading has changed the points below it.
    """

    score: float | None = None
    extra: float = 0.0
    comment: str = ""
    is_overruled: bool = False


@dataclass(frozen=True)
class StudentMarks:
    """One student in one assignment."""

    student: str
    listed: Mapping[str, str]  # the line of the class list, or {}
    result: Mapping[str, Any]  # results/NN_name/STUDENT.json, or NO_RESULT
    by_hand: Mapping[str, ByHand] = field(default_factory=dict)  # nbgrader's cell name -> this

    @property
    def name(self) -> str:
        return self.listed.get("name") or self.student

    @property
    def answers(self) -> list[dict[str, Any]]:
        """Exercises and written answers, each with the points that count and what people said.

        `points` is None for an answer in words that nobody has scored; without words it is 0.
        """
        found = []
        for answer in [*self.result["exercises"], *self.result["written"]]:
            said = self.by_hand.get(answer["grade_id"], ByHand())
            points = 0.0 if not answer["source"].strip() else None
            points = answer.get("points", points) if said.score is None else said.score
            solution = self.by_hand.get(answer["grade_id"].removeprefix("check-"), ByHand())
            found.append(
                {
                    **answer,
                    "points": None if points is None else points + said.extra,
                    "comment": said.comment or solution.comment,
                    "by_hand": said.score is not None and "outcome" in answer,
                    "is_overruled": said.is_overruled,
                }
            )
        return found

    @property
    def is_graded(self) -> bool:
        """Whether there is a mark: not where nothing came, and not where grading failed."""
        return self.result["status"] == "graded"

    @property
    def is_submitted(self) -> bool:
        return self.result["status"] != "missing"

    @property
    def is_matched(self) -> bool:
        """Whether the class list says how a learning platform knows the student."""
        return any(self.listed.get(column) for column in ("id", "sis_user_id", "login"))

    @property
    def points(self) -> float:
        return sum(answer["points"] or 0.0 for answer in self.answers)

    @property
    def max_points(self) -> float:
        return sum(answer["max_points"] for answer in self.answers)

    @property
    def num_unscored(self) -> int:
        """Answers in words that wait for a person."""
        return sum(answer["points"] is None for answer in self.answers) if self.is_graded else 0


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
        CourseError: a result cannot be read.
    """
    listed = folder.students()
    results = {path.stem: _result(path) for path in (folder.root / "results" / name).glob("*.json")}
    said = _by_hand(folder, name)
    return [
        StudentMarks(who, listed.get(who, {}), results.get(who, NO_RESULT), said.get(who, {}))
        for who in sorted(listed.keys() | results.keys())
    ]


def _result(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text())
        return {**NO_RESULT, **result}
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(
            f"{path} cannot be read ({error}); delete it and grade the student again."
        ) from error


def _by_hand(folder: ClassFolder, name: str) -> dict[str, dict[str, ByHand]]:
    """Student -> cell -> what the gradebook has of people."""
    found: dict[str, dict[str, ByHand]] = {}
    with opened(folder.root) as book:
        if name not in {assignment.name for assignment in book.assignments}:
            raise CourseError(
                f"The gradebook does not know {name}; release it first: course assignment release "
                f"{name[:2]}"
            )
        for notebook in book.notebook_submissions(name, name):
            cells = found.setdefault(notebook.student.id, {})
            comments = {comment.name: comment.comment or "" for comment in notebook.comments}
            for cell, comment in comments.items():
                cells[cell] = ByHand(comment=comment)
            for grade in notebook.grades:
                score = grade.manual_score
                if score is None and grade.cell.cell_type == "markdown":
                    score = grade.auto_score  # 0 where the student left the blank
                overruled = grade.manual_score is not None and grade.needs_manual_grade
                score = None if grade.needs_manual_grade else score
                extra = grade.extra_credit or 0.0
                cells[grade.name] = ByHand(score, extra, comments.get(grade.name, ""), overruled)
    return found


def changes(records: list[StudentMarks]) -> list[Change]:
    """Whose marks the last grading changed, and why, the largest change first."""
    found = []
    for record in records:
        history = record.result.get("history", [])
        if not history or not record.is_submitted:
            continue
        before = history[-1]
        now = sum(exercise["points"] for exercise in record.result["exercises"])
        if now != before["points"] or record.result["status"] != before["status"]:
            found.append(Change(record.student, before["points"], now, _why(before, record.result)))
    return sorted(found, key=lambda change: -abs(change.new - change.old))


def _why(before: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    if result["status"] != before["status"]:
        was = f"{before['status']} before, {result['status']} now"
        return f"{was}: {result['remark']}" if result["remark"] else was
    submitted = before.get("submission_sha256")
    if submitted and submitted != result.get("submission_sha256"):
        return "another submission"
    worth = sum(exercise["max_points"] for exercise in result["exercises"])
    if worth != before["max_points"]:
        return f"the points have changed: {before['max_points']:g} for all exercises, now {worth:g}"
    if result.get("tests_sha256") != before.get("tests_sha256"):
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
            mark = f"{round(record.points, 2):g}" if record.is_graded else ""
            writer.writerow([*map(harmless, texts), mark])


def harmless(text: str) -> str:
    """The text, such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
