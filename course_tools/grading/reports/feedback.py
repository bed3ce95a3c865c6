"""What comes back: a page for each student, one table of marks, and a report on the class.

Pages load nothing and run nothing. All text of a student is escaped, by Jinja, wherever it is.
"""

import statistics
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from course_lib import files
from course_tools.grading import assignment, due_dates
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.reports import feedback_zip, marks, similarity
from course_tools.grading.reports.marks import Change, StudentMarks
from course_tools.grading.reports.similarity import NOTHING_ALIKE, Similarity
from course_tools.grading.results import ExerciseResult, Outcome
from course_tools.lessons import lesson_source
from course_tools.lessons.lesson_source import Lesson

TEMPLATES = Path(__file__).parents[1] / "templates"
BINS = 10
SHOWN = 3  # misconceptions of an exercise, the most common
OUTCOMES: dict[Outcome, str] = {
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


@dataclass(frozen=True)
class ExerciseReport:
    """What a class made of one exercise.

    Attributes:
        misconceptions: (sentence, how many answers), the most common first.
        num_others: wrong answers that these do not name.
        median, slowest: seconds.
    """

    name: str
    num_right: int
    num_answers: int
    misconceptions: list[tuple[str, int]]
    num_others: int
    median: float
    slowest: float


@dataclass(frozen=True)
class ClassReport:
    """Everything that the templates of the class report show.

    Attributes:
        median: of the marks.
        num_unscored: written answers without a score.
        overruled: (student, exercise) where a later grading gave other points than a person had.
        bins: (share of the points, how many students).
        slowest: the three exercises that took longest.
        late: (student, hours).
        extended: students with a later date than the class.
        date_remarks: lines of extensions.csv that changed nothing, each with the reason.
        similarity: pairs for a person to look at.
    """

    title: str
    today: str
    num_graded: int
    without_mark: list[StudentMarks]
    max_points: float
    median: float
    num_unscored: int
    overruled: list[tuple[StudentMarks, str]]
    bins: list[tuple[str, int]]
    exercises: list[ExerciseReport]
    slowest: list[ExerciseReport]
    faulty: list[StudentMarks]
    late: list[tuple[StudentMarks, float]]
    changes: list[Change]
    extended: list[StudentMarks]
    date_remarks: list[str]
    similarity: Similarity


def write(
    folder: ClassFolder,
    lesson: Lesson,
    column: str = "",
    say: Callable[[str], None] = print,
    as_zip: bool = False,
) -> None:
    """Write the pages, the marks and the report of an assignment.

    Args:
        column: how the learning platform calls the assignment; the lesson's name if empty.
        say: takes what is to be printed.
        as_zip: also write all pages as one zip that the platform takes back.

    Raises:
        CourseError: it was never released, or a result, extensions.csv or late.toml cannot be
            read; then nothing is written.
    """
    found = marks.read(folder, lesson.name)
    dates = due_dates.read(folder.root, lesson.name)
    class_report = report(
        lesson,
        found,
        date_remarks=dates.remarks({record.student for record in found}),
        alike=similarity.find(found, _handed_out(folder, lesson)),
    )
    submitted = [record for record in found if record.is_submitted]
    for record in submitted:
        page = _page("feedback.html", record=record, lesson=lesson, title=_title(lesson))
        _write(folder.root / "feedback" / record.student / f"{lesson.name}.html", page)
    reports = folder.root / "reports"
    marks.write_csv(reports / f"{lesson.name}.csv", found, column or lesson.name)
    for kind in ("html", "txt"):
        page = _page(f"report.{kind}", report=class_report)
        _write(reports / f"{lesson.name}.{kind}", page)
    say(_page("report.txt", report=class_report))
    say(f"{len(submitted)} pages in feedback/STUDENT/{lesson.name}.html")
    if as_zip:
        _write_zip(folder, lesson, submitted, say)
    say(f"marks for the learning platform in reports/{lesson.name}.csv")
    say(f"this report as a page in reports/{lesson.name}.html")
    unmatched = sum(not record.is_matched for record in submitted)
    if unmatched:
        say(
            f"{unmatched} of {len(submitted)} students have no id, sis_user_id or login, so a "
            "platform cannot match their marks: fill these columns of students.csv, then run this "
            "command again."
        )


def _handed_out(folder: ClassFolder, lesson: Lesson) -> assignment.Assignment | None:
    is_there = assignment.assignment_file(folder.root, lesson.name).exists()
    return assignment.read(folder.root, lesson.name) if is_there else None


def _write_zip(
    folder: ClassFolder, lesson: Lesson, submitted: list[StudentMarks], say: Callable[[str], None]
) -> None:
    path, num_plain = feedback_zip.write(folder, lesson.name, submitted)
    plain = f"; {num_plain} of them under STUDENT/, not in a platform's way" if num_plain else ""
    say(f"all pages for the learning platform in {path.relative_to(folder.root)}{plain}")


def report(
    lesson: Lesson,
    found: list[StudentMarks],
    date_remarks: list[str] | None = None,
    alike: Similarity = NOTHING_ALIKE,
) -> ClassReport:
    """The report on a class."""
    graded = [record for record in found if record.is_graded]
    points = [record.points for record in graded]
    names = dict.fromkeys(each.name for record in graded for each in record.result.exercises)
    exercises = [_exercise(name, graded) for name in names]
    return ClassReport(
        title=_title(lesson),
        today=f"{datetime.now():%Y-%m-%d %H:%M}",
        num_graded=len(graded),
        without_mark=[record for record in found if not record.is_graded],
        max_points=max((record.max_points for record in graded), default=0),
        median=statistics.median(points) if points else 0,
        num_unscored=sum(record.num_unscored for record in graded),
        overruled=[
            (record, answer.found.name)
            for record in graded
            for answer in record.answers
            if isinstance(answer.found, ExerciseResult) and answer.is_overruled
        ],
        bins=_bins(graded),
        exercises=exercises,
        slowest=sorted(exercises, key=lambda each: -each.slowest)[:3],
        faulty=[record for record in found if record.is_submitted and record.result.remark],
        late=[(record, record.late_seconds / 3600) for record in found if record.late_seconds],
        changes=marks.changes(found),
        extended=[record for record in found if record.is_extended],
        date_remarks=date_remarks or [],
        similarity=alike,
    )


def _exercise(name: str, graded: list[StudentMarks]) -> ExerciseReport:
    found = [each for record in graded for each in record.result.exercises if each.name == name]
    wrong = [each for each in found if each.outcome != "right"]
    counts = Counter(each.misconception or OUTCOMES[each.outcome] for each in wrong)
    seconds = [each.seconds for each in found]
    return ExerciseReport(
        name=name,
        num_right=len(found) - len(wrong),
        num_answers=len(found),
        misconceptions=counts.most_common(SHOWN),
        num_others=len(wrong) - sum(count for _, count in counts.most_common(SHOWN)),
        median=statistics.median(seconds),
        slowest=max(seconds),
    )


def _bins(graded: list[StudentMarks]) -> list[tuple[str, int]]:
    """(share of the points, how many students), from 0 to 100 % in tenths."""
    shares = [record.points / record.max_points for record in graded if record.max_points]
    counts = Counter(min(int(BINS * share), BINS - 1) for share in shares)
    return [(f"{100 * n // BINS} to {100 * (n + 1) // BINS} %", counts[n]) for n in range(BINS)]


def _title(lesson: Lesson) -> str:
    return lesson_source.read(lesson).cells[0].source.splitlines()[0].removeprefix("# ")


def _page(template: str, **variables: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith("html"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"visible": visible, "outcome": OUTCOMES.__getitem__, "short": _short}
    return environment.get_template(template).render(**variables)


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
