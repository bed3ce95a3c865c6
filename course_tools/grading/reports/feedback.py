"""What comes back: a page for each student, one table of marks, and a report on the class.

Pages load nothing and run nothing. All text of a student is escaped, by Jinja, wherever it stands.
"""

import statistics
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from course_lib import files
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.reports import marks
from course_tools.grading.reports.marks import StudentMarks
from course_tools.lessons import lesson_source
from course_tools.lessons.lesson_source import Lesson

TEMPLATES = Path(__file__).parents[1] / "templates"
BINS = 10
SHOWN = 3  # misconceptions of an exercise, the commonest
OUTCOMES = {
    "right": "right",
    "wrong": "not right",
    "blank": "not answered",
    "missing": "its cell is missing",
    "error": "stopped with an error",
    "timeout": "took too long",
    "memory": "needed too much memory",
    "killed": "ended the process",
    "output": "printed too much",
}


def write(
    folder: ClassFolder, lesson: Lesson, column: str = "", say: Callable[[str], None] = print
) -> None:
    """Write the pages, the marks and the report of an assignment.

    Args:
        column: how the learning platform calls the assignment; the lesson's name if empty.

    Raises:
        CourseError: it was never released, or a result cannot be read.
    """
    found = marks.read(folder, lesson.name)
    submitted = [record for record in found if record.is_submitted]
    for record in submitted:
        page = _page("feedback.html", record=record, lesson=lesson, title=_title(lesson))
        _write(folder.root / "feedback" / record.student / f"{lesson.name}.html", page)
    reports = folder.root / "reports"
    marks.write_csv(reports / f"{lesson.name}.csv", found, column or lesson.name)
    facts = report(lesson, found)
    for kind in ("html", "txt"):
        _write(reports / f"{lesson.name}.{kind}", _page(f"report.{kind}", **facts))
    say(_page("report.txt", **facts))
    say(f"{len(submitted)} pages in feedback/STUDENT/{lesson.name}.html")
    say(f"marks for the learning platform in reports/{lesson.name}.csv")
    say(f"this report as a page in reports/{lesson.name}.html")
    unmatched = sum(not record.is_matched for record in submitted)
    if unmatched:
        say(
            f"{unmatched} of {len(submitted)} students have no id, sis_user_id or login, so a "
            "platform cannot match their marks: fill these columns of students.csv, then run this "
            "command again."
        )


def report(lesson: Lesson, found: list[StudentMarks]) -> dict[str, Any]:
    """Everything the class report says, as plain values for its templates."""
    graded = [record for record in found if record.is_graded]
    points = [record.points for record in graded]
    names = dict.fromkeys(e["name"] for record in graded for e in record.result["exercises"])
    exercises = [_exercise(name, graded) for name in names]
    return {
        "title": _title(lesson),
        "today": f"{datetime.now():%Y-%m-%d %H:%M}",
        "graded": len(graded),
        "without": [record for record in found if not record.is_graded],
        "max_points": max((record.max_points for record in graded), default=0),
        "median": statistics.median(points) if points else 0,
        "unscored": sum(record.num_unscored for record in graded),
        "overruled": [
            (record, answer["name"])
            for record in graded
            for answer in record.answers
            if answer["is_overruled"]
        ],
        "bins": _bins(graded),
        "exercises": exercises,
        "slowest": sorted(exercises, key=lambda one: -one["slowest"])[:3],
        "faulty": [r for r in found if r.is_submitted and r.result["remark"]],
        "late": [
            (record, record.result["late_seconds"] / 3600)
            for record in found
            if (record.result.get("late_seconds") or 0) > 0
        ],
        "changes": marks.changes(found),
    }


def _exercise(name: str, graded: list[StudentMarks]) -> dict[str, Any]:
    """What a class made of one exercise: how many were right, what went wrong, how long it took."""
    all_ = [e for record in graded for e in record.result["exercises"] if e["name"] == name]
    wrong = [e for e in all_ if e["outcome"] != "right"]
    said = Counter(e["misconception"] or OUTCOMES.get(e["outcome"], e["outcome"]) for e in wrong)
    seconds = [e["seconds"] for e in all_]
    return {
        "name": name,
        "right": len(all_) - len(wrong),
        "of": len(all_),
        "misconceptions": said.most_common(SHOWN),
        "others": len(wrong) - sum(count for _, count in said.most_common(SHOWN)),
        "median": statistics.median(seconds),
        "slowest": max(seconds),
    }


def _bins(graded: list[StudentMarks]) -> list[tuple[str, int]]:
    """(share of the points, how many students), from 0 to 100 % in tenths."""
    shares = [record.points / record.max_points for record in graded if record.max_points]
    counts = Counter(min(int(BINS * share), BINS - 1) for share in shares)
    return [(f"{100 * n // BINS} to {100 * (n + 1) // BINS} %", counts[n]) for n in range(BINS)]


def _title(lesson: Lesson) -> str:
    return lesson_source.read(lesson).cells[0].source.splitlines()[0].removeprefix("# ")


def _page(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith("html"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": visible,
        "outcome": lambda name: OUTCOMES.get(name, name),
        "short": _short,
    }
    return environment.get_template(template).render(**values)


def _short(number: float) -> str:
    return f"{round(number, 2):g}"


def visible(text: str) -> str:
    """The text with control and direction characters written out, so that none can hide."""
    hidden = {
        ord(c): c.encode("unicode_escape").decode()
        for c in set(text)
        if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t"
    }
    return text.translate(hidden)


def _write(path: Path, text: str) -> None:
    files.write_bytes(path, text.encode("utf-8", "backslashreplace"))
