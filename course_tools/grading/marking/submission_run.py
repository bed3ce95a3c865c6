"""Runs one submission in the sandbox, step by step, and judges each call.

A step is a cell, or a call of one function with one set of inputs. The calls of an exercise come
where its check stands in the notebook, so what happens to its names later does not matter. A step
that hangs, grows or kills the process costs itself only: a new process continues behind it.

What students know comes first. Hidden inputs come when all else is over, in the state that was
remembered at the check; so nothing that is shown can depend on them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from course_lib.files import CourseError
from course_tools.grading.assignment import Assignment, Cell
from course_tools.grading.marking import judge
from course_tools.grading.marking.judge import Case, Tests, Verdict
from course_tools.grading.sandbox.protocol import (
    CallRequest,
    ErrorReport,
    Remember,
    Request,
    RunCell,
    SandboxLimits,
    StepResult,
)
from course_tools.grading.sandbox.sandboxed_process import Process, Stopped, StopReason
from course_tools.grading.submissions.submitted_notebook import Submission

MAX_STOPS = 8  # after so many the rest is not run
MAX_SENTENCE = judge.MAX_SENTENCE


@dataclass(eq=False)
class Call:
    """One call of an exercise's function with the inputs of one case, and what became of it.

    Attributes:
        place: how many cells come before it.
        seconds: that it took.
        may_succeed_later: it failed for want of something that a later cell may define.
    """

    exercise: Cell
    case: Case
    place: int
    seconds: float = 0
    printed: str = ""
    verdict: Verdict | None = None
    may_succeed_later: bool = False


class TimeIsUp(Exception):
    """There is no time left for another step of this submission."""


class Session:
    """One process, its steps counted, and none longer than until the submission's time is up."""

    def __init__(self, process: Process, deadline: float) -> None:
        self._process = process
        self._deadline = deadline
        self._num_steps = 0

    def do(self, request: Request, cpu_seconds: float, wall_seconds: float) -> StepResult:
        """What a step gives. Raises Stopped, or TimeIsUp before it has begun."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeIsUp
        self._process.send(request)
        result = self._process.step(self._num_steps, cpu_seconds, min(wall_seconds, left))
        self._num_steps += 1
        return result


@dataclass
class SubmissionRun:
    """A submission while it runs."""

    submission: Submission
    calls: list[Call]
    limits: SandboxLimits
    unsafe: bool = False
    stopped_cells: dict[int, StopReason] = field(default_factory=dict)  # by the cell's place
    errors: dict[int, ErrorReport | None] = field(default_factory=dict)
    _num_stops: int = 0
    _furthest: int = 0  # how many cells have been run, at most
    _called_late: set[str] = field(default_factory=set)  # exercises that were right at the end only

    def run_all(self) -> None:
        """Run all steps, in as many processes as that takes, until the time is up."""
        self._deadline = time.monotonic() + self.limits.submission_wall_seconds
        while pending := [call for call in self.calls if self._is_open(call)]:
            if (reason := self._why_no_more()) is not None:
                for call in pending:
                    call.verdict = call.verdict or judge.stopped(reason)
                return
            with suppress(Stopped, TimeIsUp), self._session() as session:
                self._run(session)
        self._try_hidden_again()

    def _why_no_more(self) -> judge.NotRun | None:
        if "forged" in self.stopped_cells.values():
            return "forged"  # what its other cells do cannot be known
        if time.monotonic() > self._deadline:
            return "out_of_time"
        return "not_run" if self._num_stops >= MAX_STOPS else None

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with Process(self.limits, self.unsafe) as process:
            process.start()
            yield Session(process, self._deadline)

    def _is_pending(self, call: Call) -> bool:
        """Whether it has no verdict yet, and could still matter."""
        return call.verdict is None and self.verdict(call.exercise) is None

    def _is_open(self, call: Call) -> bool:
        return call.may_succeed_later or self._is_pending(call)

    def _run(self, session: Session) -> None:
        """Run what is left, in one process. Raises Stopped if a step takes that along."""
        for place in range(len(self.submission.steps) + 1):
            for call in self._pending(place, shown=True):
                self._call(session, call)
            for exercise in {call.exercise.grade_id for call in self._pending(place, shown=False)}:
                self._do_cell(session, Remember(exercise))
            if not self._is_needed_after(place):
                break
            if place not in self.stopped_cells:
                self._run_cell(session, place)
        for call in self.calls:
            if call.may_succeed_later:
                self._call_late(session, call)
        for call in self.calls:
            if self._is_pending(call):
                is_late = call.exercise.grade_id in self._called_late
                self._call(session, call, "" if is_late else call.exercise.grade_id)

    def _pending(self, place: int, shown: bool) -> list[Call]:
        here = [call for call in self.calls if (call.place, call.case.shown) == (place, shown)]
        return [call for call in here if self._is_pending(call)]

    def _is_needed_after(self, place: int) -> bool:
        """Whether a cell further down can change a mark."""
        if place >= len(self.submission.steps):
            return False
        return any(
            self._is_open(call) and (call.may_succeed_later or call.place > place)
            for call in self.calls
        )

    def _run_cell(self, session: Session, place: int) -> None:
        self._furthest = max(self._furthest, place + 1)
        try:
            result = self._do_cell(session, RunCell(self.submission.steps[place].source))
        except Stopped as stop:
            self.stopped_cells[place] = stop.reason
            self._num_stops += 1
            raise
        self.errors[place] = result.error

    def _do_cell(self, session: Session, request: RunCell | Remember) -> StepResult:
        return session.do(request, self.limits.cell_cpu_seconds, self.limits.cell_wall_seconds)

    def _call(self, session: Session, call: Call, state: str = "") -> None:
        """Call an exercise, and judge what it gives. Raises Stopped, with the verdict on that."""
        began = time.monotonic()
        try:
            result = self._do_call(session, call, state)
        except Stopped as stop:
            call.verdict = judge.stopped(stop.reason)
            self._num_stops += 1
            raise
        finally:
            call.seconds = time.monotonic() - began
        call.printed = result.printed
        call.verdict = self._verdict_on(call, result)
        call.may_succeed_later = call.case.shown and call.verdict.outcome in ("error", "missing")

    def _do_call(self, session: Session, call: Call, state: str) -> StepResult:
        request = CallRequest(call.exercise.function, call.case.arguments(), state)
        return session.do(request, self.limits.call_cpu_seconds, self.limits.call_wall_seconds)

    def _call_late(self, session: Session, call: Call) -> None:
        """Call it again behind all cells: a student may have run a later one first."""
        call.may_succeed_later = False
        try:
            result = self._do_call(session, call, "")
        except Stopped:
            self._num_stops += 1
            raise
        verdict = self._verdict_on(call, result)
        if verdict.outcome == "right":
            call.verdict, call.printed = verdict, result.printed
            self._called_late.add(call.exercise.grade_id)

    def _try_hidden_again(self) -> None:
        """Call what failed on hidden inputs where its check stands, in a process of its own.

        The state that was remembered holds names; what later cells changed in place, it has as
        they left it. Nothing of this process is used but that a verdict is right.
        """
        again = [
            call
            for call in self.calls
            if not call.case.shown
            and call.place < self._furthest
            and call.verdict is not None
            and call.verdict.outcome in ("wrong", "error", "missing", "blank")
            and call.exercise.grade_id not in self._called_late
        ]
        if not again or self._why_no_more():
            return
        with suppress(Stopped, TimeIsUp), self._session() as session:
            for place in range(max(call.place for call in again) + 1):
                for call in again:
                    if call.place == place:
                        verdict = self._verdict_on(call, self._do_call(session, call, ""))
                        call.verdict = verdict if verdict.outcome == "right" else call.verdict
                if place < len(self.submission.steps) and place not in self.stopped_cells:
                    self._do_cell(session, RunCell(self.submission.steps[place].source))

    def remarks(self) -> list[str]:
        """Sentences on cells that had to be stopped, apart from those of exercises."""
        stopped = [(self.submission.steps[n], reason) for n, reason in self.stopped_cells.items()]
        return [
            judge.stopped(reason, f"An added cell ({_first_line(cell.source)!r})").sentence
            for cell, reason in stopped
            if not cell.exercise
        ]

    def verdict(self, exercise: Cell) -> Verdict | None:
        """The verdict on an exercise: right only if every set of inputs gave right values.

        None as long as it is not known.
        """
        verdicts = [call.verdict for call in self.calls if call.exercise is exercise]
        for verdict in verdicts:
            if verdict is not None and verdict.outcome != "right":
                return verdict
        return None if None in verdicts else Verdict("right", "Right.")

    def _verdict_on(self, call: Call, result: StepResult) -> Verdict:
        if result.is_absent and call.case.shown:
            return self._why_absent(call.exercise)
        return judge.judge(call.case, result)

    def _why_absent(self, exercise: Cell) -> Verdict:
        if exercise.grade_id not in self.submission.answers:
            return Verdict("missing", "The cell of this exercise is not in the file.")
        if exercise.grade_id in self.submission.not_run:
            return Verdict("missing", self.submission.not_run[exercise.grade_id])
        for number, cell in enumerate(self.submission.steps):
            if cell.exercise == exercise.grade_id and number in self.stopped_cells:
                return judge.stopped(self.stopped_cells[number], "The cell of this exercise")
        for number, cell in enumerate(self.submission.steps):
            report = self.errors.get(number)
            if cell.exercise == exercise.grade_id and report:
                described = judge.described(judge.student_error(report))
                return Verdict("error", f"Its cell stops with {described}"[:MAX_SENTENCE])
        return Verdict("missing", f"No cell defines {exercise.function}; keep this name.")


def calls(assignment: Assignment, tests: Tests, submission: Submission) -> list[Call]:
    """All calls: first with the inputs that students know, whose output they may see."""
    known = judge.cases(tests)
    made = []
    for exercise in assignment.of_kind("exercise"):
        name = f"{assignment.number}.{exercise.function}"
        if name not in known:
            raise CourseError(f"There is no check for the exercise {name}.")
        place = submission.checks.get(exercise.grade_id, len(submission.steps))
        made += [Call(exercise, case, place) for case in known[name]]
    return sorted(made, key=lambda call: not call.case.shown)


def _first_line(source: str) -> str:
    return source.strip().split("\n")[0][:60]
