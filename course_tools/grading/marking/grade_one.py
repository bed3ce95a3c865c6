"""Grades one submission: reads it, lets it run in the sandbox, and puts the verdicts together."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.marking import submission_run
from course_tools.grading.marking.judge import Tests
from course_tools.grading.marking.submission_run import SubmissionRun
from course_tools.grading.results import ExerciseResult, Grading, Status, WrittenAnswer
from course_tools.grading.sandbox.bubblewrap import SandboxError
from course_tools.grading.sandbox.protocol import MAX_PRINTED, SandboxLimits
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable, encodable
from course_tools.grading.submissions.submitted_notebook import Submission

FAULT = "Grading itself failed ({error}); grade again."
MAX_SOURCE = 20_000  # characters that a result keeps


@dataclass(frozen=True)
class GradingTask:
    """All that grading one submission takes; travels to another machine as it is."""

    student: str
    assignment: Assignment
    tests: Tests
    content: bytes
    remark: str = ""
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    unsafe: bool = False


def grade(task: GradingTask) -> Grading:
    """Grade one submission."""
    began = time.monotonic()
    try:
        cleaned = submitted_notebook.clean(task.content, task.assignment)
        calls = submission_run.calls(task.assignment, task.tests, cleaned)
        run = SubmissionRun(cleaned, calls, task.limits, task.unsafe)
        run.run_all()
    except Unreadable as error:
        grading = _failed(task, str(error))
    except SandboxError as error:
        return _failed(task, str(error))  # without the file's hash: the next run tries it again
    except Exception as error:
        return _failed(task, FAULT.format(error=f"{type(error).__name__}: {error}"[:400]))
    else:
        remarks = dict.fromkeys([task.remark, *cleaned.remarks, *run.remarks()])
        grading = Grading(
            student=task.student,
            assignment=task.assignment.name,
            status="graded",
            remark=" ".join(filter(None, remarks)),
            exercises=[
                _exercise(run, exercise, task.assignment)
                for exercise in _exercises(task.assignment)
            ],
            written=_written(task.assignment, cleaned),
            added=cleaned.added,
        )
    grading.submission_sha256 = hashlib.sha256(task.content).hexdigest()
    grading.seconds = round(time.monotonic() - began, 3)
    return _writable(grading)


def _failed(task: GradingTask, why: str) -> Grading:
    remark = " ".join(filter(None, [task.remark, why]))
    return _writable(not_graded(task.student, task.assignment, "failed", remark))


def _writable(grading: Grading) -> Grading:
    """The same, in text that a file can hold, whatever a student has put into it."""
    return msgspec.convert(_encodable(msgspec.to_builtins(grading)), Grading)


def _encodable(value: Any) -> Any:
    if isinstance(value, dict):
        return {encodable(key): _encodable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_encodable(part) for part in value]
    return encodable(value) if isinstance(value, str) else value


def not_graded(student: str, assignment: Assignment, status: Status, remark: str) -> Grading:
    """The grading of a submission that could not be graded ("failed"), or that is not there."""
    checks = [(each, assignment.check_of(each)) for each in _exercises(assignment)]
    return Grading(
        student=student,
        assignment=assignment.name,
        status=status,
        remark=remark,
        exercises=[
            ExerciseResult(
                name=exercise.function,
                grade_id=check.grade_id,
                max_points=check.points,
                outcome="missing",
                sentence=remark,
            )
            for exercise, check in checks
        ],
        written=_written(assignment, Submission()),
    )


def _exercises(assignment: Assignment) -> list[Cell]:
    return assignment.of_kind("exercise")


def _exercise(run: SubmissionRun, exercise: Cell, assignment: Assignment) -> ExerciseResult:
    check = assignment.check_of(exercise)
    verdict = run.verdict(exercise)
    assert verdict is not None
    # Hidden inputs must not show in what students are told, not even in the time that they take.
    shown = [call for call in run.calls if call.exercise is exercise and call.case.shown]
    return ExerciseResult(
        name=exercise.function,
        grade_id=check.grade_id,
        points=check.points if verdict.outcome == "right" else 0.0,
        max_points=check.points,
        outcome=verdict.outcome,
        sentence=verdict.sentence,
        misconception=verdict.misconception,
        seconds=round(sum(call.seconds for call in shown), 3),
        source=run.submission.answers.get(exercise.grade_id, "")[:MAX_SOURCE],
        printed="".join(call.printed for call in shown)[:MAX_PRINTED],
    )


def _written(assignment: Assignment, cleaned: Submission) -> list[WrittenAnswer]:
    return [
        WrittenAnswer(
            grade_id=cell.grade_id,
            max_points=cell.points,
            source=cleaned.written.get(cell.grade_id, ""),
            note=cleaned.notes.get(cell.grade_id, ""),
        )
        for cell in assignment.of_kind("written")
    ]
