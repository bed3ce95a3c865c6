"""Grades one submission: runs it in the sandbox, step by step, and puts the verdicts together.

A step is a cell, or a call of one function with one set of inputs. A step that hangs, grows or
kills the process costs itself only: a new process goes on behind it.
"""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from course_lib.files import CourseError
from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.marking import judge
from course_tools.grading.marking.judge import Case, Tests, Verdict
from course_tools.grading.sandbox import sandboxed_process
from course_tools.grading.sandbox.bubblewrap import SandboxError
from course_tools.grading.sandbox.sandboxed_process import SandboxLimits, Stopped
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.grading.submissions.submitted_notebook import Submission

MAX_STOPS = 8  # after so many the rest is not run
MAX_SOURCE = 20_000  # characters that a result keeps
MAX_PRINTED = 2000


@dataclass(frozen=True)
class GradingTask:
    """All that grading one submission takes; travels to another machine as it is."""

    student: str
    assignment: Assignment
    tests: Tests
    content: bytes
    remark: str = ""
    limits: SandboxLimits = SandboxLimits()
    unsafe: bool = False


@dataclass
class Call:
    """One call of an exercise's function, and what became of it."""

    exercise: Cell
    case: Case
    seconds: float = 0
    payload: Any = None
    stopped: str = ""
    is_done: bool = False


@dataclass
class SubmissionRun:
    """A submission while it runs."""

    job: GradingTask
    submission: Submission
    calls: list[Call]
    stopped_cells: dict[int, str] = field(default_factory=dict)  # step -> outcome
    errors: dict[int, Any] = field(default_factory=dict)  # step -> what the cell ended in

    def to_the_end(self) -> None:
        """Run all steps, in as many processes as that takes."""
        while pending := [call for call in self.calls if not call.is_done]:
            stops = len(self.stopped_cells) + sum(bool(call.stopped) for call in self.calls)
            if stops >= MAX_STOPS:
                for call in pending:
                    call.is_done, call.stopped = True, "rest"
                return
            self._in_one_process(pending)

    def _in_one_process(self, pending: list[Call]) -> None:
        """Run what is left until all is done or a step takes the process along."""
        limits = self.job.limits
        numbers = [n for n in range(len(self.submission.steps)) if n not in self.stopped_cells]
        with sandboxed_process.Process(limits, self.job.unsafe) as process:
            process.start(
                {
                    "limits": sandboxed_process.settings(limits, self.job.unsafe),
                    "cells": [self.submission.steps[n].source for n in numbers],
                }
            )
            for place, number in enumerate(numbers):
                try:
                    about = _step(process, place, limits.cell_cpu, limits.cell_wall)
                except Stopped as stop:
                    self.stopped_cells[number] = stop.outcome
                    return
                self.errors[number] = about.get("error")
            for place, call in enumerate(pending, len(numbers)):
                began = time.monotonic()
                function, arguments = call.exercise.function, call.case.arguments()
                process.send({"function": function, "arguments": arguments})
                try:
                    call.payload = _step(process, place, limits.call_cpu, limits.call_wall)
                except Stopped as stop:
                    self._stop(call, stop.outcome)
                    return
                finally:
                    call.seconds = time.monotonic() - began
                call.is_done = True

    def _stop(self, stopped: Call, outcome: str) -> None:
        """A call that had to be stopped; the exercise's other calls are not tried."""
        stopped.stopped = outcome
        for call in self.calls:
            if call.exercise is stopped.exercise:
                call.is_done = True

    def remarks(self) -> list[str]:
        """Sentences on cells that had to be stopped, apart from those of exercises."""
        return [
            judge.stopped(outcome, f"An added cell ({_first_line(source)!r})").sentence
            for number, outcome in self.stopped_cells.items()
            if not self.submission.steps[number].exercise
            for source in [self.submission.steps[number].source]
        ]

    def verdict(self, exercise: Cell) -> Verdict:
        """The verdict on an exercise: right only if every set of inputs gave right values."""
        for call in self.calls:
            if call.exercise is exercise:
                verdict = self._verdict_of_call(call)
                if verdict.outcome != "right":
                    return verdict
        return Verdict("right", "Right.")

    def _verdict_of_call(self, call: Call) -> Verdict:
        if call.stopped:
            return judge.stopped(call.stopped)
        if call.payload.get("absent") is True:
            return self._absent(call.exercise)
        return judge.judge(call.case, call.payload)

    def _absent(self, exercise: Cell) -> Verdict:
        """Why there is no function."""
        if exercise.grade_id not in self.submission.answers:
            return Verdict("missing", "The cell of this exercise is not in the file.")
        for number, step in enumerate(self.submission.steps):
            if step.exercise == exercise.grade_id and number in self.stopped_cells:
                return judge.stopped(self.stopped_cells[number], "The cell of this exercise")
        for number, step in enumerate(self.submission.steps):
            if step.exercise == exercise.grade_id and self.errors.get(number):
                error = judge.their_error(self.errors[number])
                return Verdict("error", f"Its cell stops with {judge.described(error)}"[:1000])
        return Verdict("missing", f"No cell defines {exercise.function}; keep this name.")


def grade(job: GradingTask) -> dict[str, Any]:
    """Grade one submission: a result that has no history yet (see `results`)."""
    began = time.monotonic()
    try:
        cleaned = submitted_notebook.clean(job.content, job.assignment)
        run = SubmissionRun(job, cleaned, _calls(job))
        run.to_the_end()
        remarks = dict.fromkeys([job.remark, *cleaned.remarks, *run.remarks()])
        result: dict[str, Any] = {
            "student": job.student,
            "assignment": job.assignment.name,
            "status": "graded",
            "remark": " ".join(filter(None, remarks)),
            "exercises": [_exercise(run, exercise) for exercise in _exercises(job.assignment)],
            "written": [_written(cell, cleaned) for cell in job.assignment.of_kind("written")],
        }
    except (Unreadable, SandboxError) as error:
        remark = " ".join(filter(None, [job.remark, str(error)]))
        result = nothing(job.student, job.assignment, "failed", remark)
        if isinstance(error, SandboxError):  # so the next run tries it again
            return result
    result["submission_sha256"] = hashlib.sha256(job.content).hexdigest()
    result["seconds"] = round(time.monotonic() - began, 3)
    return result


def nothing(student: str, assignment: Assignment, status: str, remark: str) -> dict[str, Any]:
    """The result of a submission that could not be graded ("failed"), or that is not there."""
    exercises = [
        {
            "name": exercise.function,
            "grade_id": assignment.check_of(exercise).grade_id,
            "points": 0.0,
            "max_points": assignment.check_of(exercise).points,
            "outcome": "missing",
            "sentence": remark,
            "misconception": None,
            "seconds": 0.0,
            "source": "",
            "printed": "",
        }
        for exercise in _exercises(assignment)
    ]
    return {
        "student": student,
        "assignment": assignment.name,
        "submission_sha256": None,
        "status": status,
        "remark": remark,
        "seconds": 0.0,
        "exercises": exercises,
        "written": [_written(cell, Submission()) for cell in assignment.of_kind("written")],
    }


def _exercises(assignment: Assignment) -> list[Cell]:
    return assignment.of_kind("exercise")


def _calls(job: GradingTask) -> list[Call]:
    """All calls: first with the inputs that students know, whose output they may see."""
    known = judge.cases(job.tests)
    calls = []
    for exercise in _exercises(job.assignment):
        name = f"{job.assignment.number}.{exercise.function}"
        if name not in known:
            raise CourseError(f"There is no check for the exercise {name}.")
        calls += [Call(exercise, case) for case in known[name]]
    return sorted(calls, key=lambda call: not call.case.shown)


def _step(
    process: sandboxed_process.Process, number: int, cpu: float, wall: float
) -> dict[str, Any]:
    """Wait for one step to begin and end. Raises Stopped; also for words that do not belong."""
    if process.receive(cpu, wall) != [number, "begin"]:
        raise Stopped("killed")
    said = process.receive(cpu, wall)
    if type(said) is not list or said[:2] != [number, "end"] or len(said) != 3:
        raise Stopped("killed")
    if type(said[2]) is not dict:
        raise Stopped("killed")
    return said[2]


def _exercise(run: SubmissionRun, exercise: Cell) -> dict[str, Any]:
    check = run.job.assignment.check_of(exercise)
    verdict = run.verdict(exercise)
    calls = [call for call in run.calls if call.exercise is exercise]
    printed = [call.payload.get("printed") for call in calls if call.case.shown and call.payload]
    return {
        "name": exercise.function,
        "grade_id": check.grade_id,
        "points": check.points if verdict.outcome == "right" else 0.0,
        "max_points": check.points,
        "outcome": verdict.outcome,
        "sentence": verdict.sentence,
        "misconception": verdict.misconception,
        "seconds": round(sum(call.seconds for call in calls), 3),
        "source": run.submission.answers.get(exercise.grade_id, "")[:MAX_SOURCE],
        "printed": "".join(text for text in printed if type(text) is str)[:MAX_PRINTED],
    }


def _written(cell: Cell, cleaned: Submission) -> dict[str, Any]:
    return {
        "grade_id": cell.grade_id,
        "max_points": cell.points,
        "source": cleaned.written.get(cell.grade_id, "")[:MAX_SOURCE],
    }


def _first_line(source: str) -> str:
    return source.strip().split("\n")[0][:60]
