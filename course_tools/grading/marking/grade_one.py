"""Grades one submission: runs it in the sandbox, step by step, and puts the verdicts together.

A step is a cell, or a call of one function with one set of inputs. A step that hangs, grows or
kills the process costs itself only: a new process continues behind it.
"""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Literal

from course_lib.files import CourseError
from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.marking import judge
from course_tools.grading.marking.judge import Case, Tests, Verdict
from course_tools.grading.results import ExerciseResult, Grading, Status, WrittenAnswer
from course_tools.grading.sandbox.bubblewrap import SandboxError
from course_tools.grading.sandbox.protocol import (
    MAX_PRINTED,
    Begin,
    CallRequest,
    End,
    ErrorReport,
    SandboxLimits,
    StepResult,
)
from course_tools.grading.sandbox.sandboxed_process import Process, Stopped, StopReason
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable, encodable
from course_tools.grading.submissions.submitted_notebook import Submission

MAX_STOPS = 8  # after so many the rest is not run
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


@dataclass
class Call:
    """One call of an exercise's function with the inputs of one case, and what became of it."""

    exercise: Cell
    case: Case
    seconds: float = 0
    result: StepResult = field(default_factory=StepResult)
    stopped: StopReason | Literal["not_run", ""] = ""
    is_done: bool = False


@dataclass
class SubmissionRun:
    """A submission while it runs."""

    task: GradingTask
    submission: Submission
    calls: list[Call]
    stopped_cells: dict[int, StopReason] = field(default_factory=dict)  # by the cell's place
    errors: dict[int, ErrorReport | None] = field(default_factory=dict)

    def run_all(self) -> None:
        """Run all steps, in as many processes as that takes."""
        while pending := [call for call in self.calls if not call.is_done]:
            stops = len(self.stopped_cells) + sum(bool(call.stopped) for call in self.calls)
            if stops >= MAX_STOPS:
                for call in pending:
                    call.is_done, call.stopped = True, "not_run"
                return
            self._run_in_one_process(pending)

    def _run_in_one_process(self, pending: list[Call]) -> None:
        """Run what is left until all is done or a step takes the process along."""
        steps = self.submission.steps
        numbers = [number for number in range(len(steps)) if number not in self.stopped_cells]
        with Process(self.task.limits, self.task.unsafe) as process:
            process.start([steps[number].source for number in numbers])
            if self._run_cells(process, numbers):
                self._run_calls(process, pending, len(numbers))

    def _run_cells(self, process: Process, numbers: list[int]) -> bool:
        """Whether all cells came to their end."""
        limits = self.task.limits
        for step, number in enumerate(numbers):
            try:
                result = _step(process, step, limits.cell_cpu_seconds, limits.cell_wall_seconds)
            except Stopped as stop:
                self.stopped_cells[number] = stop.reason
                return False
            self.errors[number] = result.error
        return True

    def _run_calls(self, process: Process, pending: list[Call], first_step: int) -> None:
        limits = self.task.limits
        for step, call in enumerate(pending, first_step):
            began = time.monotonic()
            process.send(CallRequest(call.exercise.function, call.case.arguments()))
            try:
                result = _step(process, step, limits.call_cpu_seconds, limits.call_wall_seconds)
            except Stopped as stop:
                self._give_up(call, stop.reason)
                return
            finally:
                call.seconds = time.monotonic() - began
            call.result, call.is_done = result, True

    def _give_up(self, stopped: Call, reason: StopReason) -> None:
        """A call that had to be stopped; the exercise's other calls are not tried."""
        stopped.stopped = reason
        for call in self.calls:
            if call.exercise is stopped.exercise:
                call.is_done = True

    def remarks(self) -> list[str]:
        """Sentences on cells that had to be stopped, apart from those of exercises."""
        stopped = [(self.submission.steps[n], reason) for n, reason in self.stopped_cells.items()]
        return [
            judge.stopped(reason, f"An added cell ({_first_line(cell.source)!r})").sentence
            for cell, reason in stopped
            if not cell.exercise
        ]

    def verdict(self, exercise: Cell) -> Verdict:
        """The verdict on an exercise: right only if every set of inputs gave right values."""
        for call in self.calls:
            if call.exercise is exercise:
                verdict = self._verdict_on(call)
                if verdict.outcome != "right":
                    return verdict
        return Verdict("right", "Right.")

    def _verdict_on(self, call: Call) -> Verdict:
        if call.stopped:
            return judge.stopped(call.stopped)
        if call.result.is_absent:
            return self._why_absent(call.exercise)
        return judge.judge(call.case, call.result)

    def _why_absent(self, exercise: Cell) -> Verdict:
        if exercise.grade_id not in self.submission.answers:
            return Verdict("missing", "The cell of this exercise is not in the file.")
        for number, cell in enumerate(self.submission.steps):
            if cell.exercise == exercise.grade_id and number in self.stopped_cells:
                return judge.stopped(self.stopped_cells[number], "The cell of this exercise")
        for number, cell in enumerate(self.submission.steps):
            report = self.errors.get(number)
            if cell.exercise == exercise.grade_id and report:
                described = judge.described(judge.student_error(report))
                return Verdict("error", f"Its cell stops with {described}"[:1000])
        return Verdict("missing", f"No cell defines {exercise.function}; keep this name.")


def grade(task: GradingTask) -> Grading:
    """Grade one submission."""
    began = time.monotonic()
    try:
        cleaned = submitted_notebook.clean(task.content, task.assignment)
        run = SubmissionRun(task, cleaned, _calls(task))
        run.run_all()
    except (Unreadable, SandboxError) as error:
        remark = " ".join(filter(None, [task.remark, str(error)]))
        grading = not_graded(task.student, task.assignment, "failed", remark)
        if isinstance(error, SandboxError):
            return grading  # without the file's hash, so that the next run tries it again
    else:
        remarks = dict.fromkeys([task.remark, *cleaned.remarks, *run.remarks()])
        grading = Grading(
            student=task.student,
            assignment=task.assignment.name,
            status="graded",
            remark=" ".join(filter(None, remarks)),
            exercises=[_exercise(run, exercise) for exercise in _exercises(task.assignment)],
            written=_written(task.assignment, cleaned),
        )
    grading.submission_sha256 = hashlib.sha256(task.content).hexdigest()
    grading.seconds = round(time.monotonic() - began, 3)
    return grading


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


def _calls(task: GradingTask) -> list[Call]:
    """All calls: first with the inputs that students know, whose output they may see."""
    known = judge.cases(task.tests)
    calls = []
    for exercise in _exercises(task.assignment):
        name = f"{task.assignment.number}.{exercise.function}"
        if name not in known:
            raise CourseError(f"There is no check for the exercise {name}.")
        calls += [Call(exercise, case) for case in known[name]]
    return sorted(calls, key=lambda call: not call.case.shown)


def _step(process: Process, step: int, cpu_seconds: float, wall_seconds: float) -> StepResult:
    """Wait for one step to begin and end. Raises Stopped; also for a message about another step."""
    if process.receive(Begin, cpu_seconds, wall_seconds).step != step:
        raise Stopped("killed")
    end = process.receive(End, cpu_seconds, wall_seconds)
    if end.step != step:
        raise Stopped("killed")
    return end.result


def _exercise(run: SubmissionRun, exercise: Cell) -> ExerciseResult:
    check = run.task.assignment.check_of(exercise)
    verdict = run.verdict(exercise)
    calls = [call for call in run.calls if call.exercise is exercise]
    printed = "".join(call.result.printed for call in calls if call.case.shown)
    return ExerciseResult(
        name=exercise.function,
        grade_id=check.grade_id,
        points=check.points if verdict.outcome == "right" else 0.0,
        max_points=check.points,
        outcome=verdict.outcome,
        sentence=encodable(verdict.sentence),
        misconception=verdict.misconception,
        seconds=round(sum(call.seconds for call in calls), 3),
        source=run.submission.answers.get(exercise.grade_id, "")[:MAX_SOURCE],
        printed=encodable(printed)[:MAX_PRINTED],
    )


def _written(assignment: Assignment, cleaned: Submission) -> list[WrittenAnswer]:
    return [
        WrittenAnswer(
            grade_id=cell.grade_id,
            max_points=cell.points,
            source=cleaned.written.get(cell.grade_id, "")[:MAX_SOURCE],
        )
        for cell in assignment.of_kind("written")
    ]


def _first_line(source: str) -> str:
    return source.strip().split("\n")[0][:60]
