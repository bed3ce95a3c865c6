"""Results on disk: one JSON file for each student and assignment, whole or not there at all.

They are the source of truth; the gradebook and all reports are made from them.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_lib.files import CourseError, write_json

SCHEMA = 1
SCORE = "manual_score"  # what a person gave for a written answer
SCORES = "manual_scores"  # what people ever gave, by the hash of the words that they gave it for
EARLIER = ("graded_at", "points", "max_points", "submission_sha256", "tests_sha256", "status")


def path(folder: Path, assignment: str, student: str) -> Path:
    """Where the result of a student lies in a class folder."""
    return folder / "results" / assignment / f"{student}.json"


def read(folder: Path, assignment: str, student: str) -> dict[str, Any] | None:
    """The result of a student; None if there is none.

    Raises:
        CourseError: there is one, and something else than grading has written to it.
    """
    file = path(folder, assignment, student)
    try:
        result = json.loads(file.read_bytes())
        if result["schema"] == SCHEMA:
            return result
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        pass
    raise CourseError(f"{file} is damaged; move it away, then grade this assignment again.")


def read_all(folder: Path, assignment: str) -> list[dict[str, Any]]:
    """All results of an assignment, by student."""
    files = sorted((folder / "results" / assignment).glob("*.json"))
    found = [read(folder, assignment, file.stem) for file in files]
    return [result for result in found if result is not None]


def points(result: dict[str, Any]) -> tuple[float, float]:
    """What the exercises of a result have brought, and what they are worth."""
    exercises = result["exercises"]
    return (
        sum(exercise["points"] for exercise in exercises),
        sum(exercise["max_points"] for exercise in exercises),
    )


def is_current(result: dict[str, Any], submission: str, tests: str) -> bool:
    """Whether this very submission has been graded with these very tests."""
    return result["submission_sha256"] == submission and result["tests_sha256"] == tests


def write(
    folder: Path, result: dict[str, Any], tests: str, timestamp: str, due: datetime | None
) -> dict[str, Any]:
    """Put a new result in the place of the old one, which goes into its history.

    A grading that says what the old one said, of the same file and tests, is no new one.

    Args:
        result: what `grade_one.grade` gives.
        tests: `judge.tests_sha256`.
        timestamp: when it was submitted, "" if nothing says so.
        due: when it was to be submitted, in UTC without saying so; None if there is no such date.
    """
    old = read(folder, result["assignment"], result["student"])
    whole = {
        "schema": SCHEMA,
        "student": result["student"],
        "assignment": result["assignment"],
        "submission_sha256": result["submission_sha256"],
        "tests_sha256": tests,
        "status": result["status"],
        "remark": result["remark"],
        "timestamp": timestamp,
        "late_seconds": late_seconds(timestamp, due),
        "seconds": result["seconds"],
        "graded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "exercises": result["exercises"],
        "written": _with_old_scores(result["written"], old),
        "history": _history(old),
    }
    if old and _is_same(old, whole):
        whole["history"] = old["history"]
    write_json(path(folder, result["assignment"], result["student"]), whole)
    return whole


def set_timestamp(
    folder: Path, result: dict[str, Any], timestamp: str, due: datetime | None
) -> dict[str, Any]:
    """The result with the present dates; the rest of it, and its history, stay as they are."""
    facts = {"timestamp": timestamp, "late_seconds": late_seconds(timestamp, due)}
    whole = result | facts
    if whole != result:
        write_json(path(folder, result["assignment"], result["student"]), whole)
    return whole


def late_seconds(timestamp: str, due: datetime | None) -> float | None:
    """How late a submission came, 0 if in time; None if that cannot be said."""
    from nbgrader.utils import parse_utc

    try:
        return max(0.0, (parse_utc(timestamp) - due).total_seconds()) if timestamp and due else None
    except (ValueError, OverflowError):
        return None  # no date is written there


def _is_same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    same = ("submission_sha256", "tests_sha256", "status", "remark")
    return all(old[key] == new[key] for key in same) and points(old) == points(new)


def _history(old: dict[str, Any] | None) -> list[dict[str, Any]]:
    if old is None or old["status"] == "missing":
        return []
    got, most = points(old)
    earlier = old | {"points": got, "max_points": most}
    return [*old["history"], {key: earlier[key] for key in EARLIER}]


def _with_old_scores(written: list[dict], old: dict[str, Any] | None) -> list[dict]:
    """Written answers, with the scores that people gave, each for the words that it is for."""
    before = {answer["grade_id"]: answer for answer in (old or {}).get("written", [])}
    found = []
    for answer in written:
        scores = before.get(answer["grade_id"], {}).get(SCORES, {})
        found.append({**answer, SCORES: scores, SCORE: scores.get(words(answer))})
    return found


def words(answer: dict[str, Any]) -> str:
    """The hash of the student's words in a written answer."""
    return hashlib.sha256(answer["source"].encode()).hexdigest()
