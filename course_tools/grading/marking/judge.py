"""The verdict on values that came out of the sandbox. Nothing of the student's runs here."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from course_lib import checks
from course_lib.checks import Check, CheckFailed
from course_lib.files import CourseError
from course_tools.grading.assignment import Assignment
from course_tools.grading.results import Outcome
from course_tools.grading.sandbox import codec
from course_tools.grading.sandbox.protocol import ErrorReport, StepResult
from course_tools.grading.sandbox.sandboxed_process import StopReason

MAX_SENTENCE = 1000
UNSEEN = "for inputs that the notebook's check does not have"
FORGED = "What came back is not what a function can return; the grader did not accept it."
ERROR_UNSEEN = f"Your function ends in an error {UNSEEN}."
WRONG_UNSEEN = f"The answer is right for the inputs of the notebook's check, but not {UNSEEN}."
NAMED_UNSEEN = f"{WRONG_UNSEEN[:-1]}: {{mistake}}"
NotRun = Literal["not_run", "out_of_time", "forged"]
STOPPED: dict[StopReason | NotRun, str] = {
    "timeout": "{what} had not ended when its time was up; look for a loop that does not end.",
    "memory": "{what} took more memory than there is for one student.",
    "killed": "{what} ended the whole process, by os._exit, by a crash or by closing its channel.",
    "output": "{what} printed or returned far more than can be read.",
    "forged": "{what} does not count: the file writes messages that only the grader may write.",
    "not_run": "{what} was not run: too many other cells of this file had to be stopped.",
    "out_of_time": "{what} was not run: the time for the whole file was up before its turn.",
}


@dataclass(frozen=True)
class Tests:
    """What an assignment is graded with: the public checks, and the instructor's own.

    Attributes:
        number: of the lesson, such as "03".
        private: the text of the class folder's `private/NN.py`, "" if there is none.
        seed: that of `private/seed.txt`; None if there is none.
    """

    number: str
    private: str = ""
    seed: int | None = None

    @property
    def sha256(self) -> str:
        """Changes when anything changes that a verdict depends on."""
        library = sorted(Path(checks.__file__).parent.glob("*.py"))
        others = [path for path in library if path.stem.startswith("lesson_")]
        public = [path for path in library if path not in others or path.stem[-2:] == self.number]
        parts = [path.read_text() for path in public]
        seed = self.seed and exercise_seed(self.seed, self.number)
        return hashlib.sha256(json.dumps([parts, self.private, seed]).encode()).hexdigest()


def tests_sha256(assignment: Assignment, tests: Tests) -> str:
    """Changes when anything changes that marks depend on, apart from the submission."""
    return hashlib.sha256(f"{assignment.sha256} {tests.sha256}".encode()).hexdigest()


def exercise_seed(seed: int, name: str) -> int:
    """The seed of an exercise ("03.design"), from the instructor's: one does not tell another."""
    digest = hashlib.blake2b(name.encode(), key=_key(seed), digest_size=15).digest()
    return 1 + int.from_bytes(digest)


@cache
def _key(seed: int) -> bytes:
    """Takes long on purpose: an instructor's seed is short enough to try all that there are."""
    return hashlib.scrypt(str(seed).encode(), salt=b"private/seed.txt", n=1 << 14, r=8, p=1)


@dataclass(frozen=True)
class Case:
    """One set of inputs to an exercise: `check`, drawn from `seed`; shown to students or not."""

    check: Check
    seed: int
    shown: bool

    def drawn(self) -> AbstractContextManager[None]:
        """Within it, random inputs are drawn from the case's seed."""
        return checks.drawn_from(self.seed) if self.seed else nullcontext()

    def arguments(self) -> list[Any]:
        """The encoded tuples of arguments."""
        with self.drawn():
            return [codec.encode(tuple(arguments)) for arguments in self.check.inputs()]


@dataclass(frozen=True)
class Verdict:
    """An outcome as results have it, the sentence for the student, and the misconception met."""

    outcome: Outcome
    sentence: str
    misconception: str | None = None


def read_tests(folder: Path, number: str) -> Tests:
    """The tests of a class folder. Raises CourseError if its private ones do not work."""
    private, seed = folder / "private" / f"{number}.py", folder / "private" / "seed.txt"
    try:
        tests = Tests(
            number,
            private.read_text() if private.exists() else "",
            int(seed.read_text()) if seed.exists() else None,
        )
        if tests.seed is not None and tests.seed < 1:
            raise ValueError
    except ValueError:
        raise CourseError(f"{seed} must hold one whole number above 0, such as 20270131.") from None
    for name, found in cases(tests).items():
        for case in found:
            _require_reference_passes(name, case)
    return tests


def _require_reference_passes(name: str, case: Case) -> None:
    """The reference must pass its own test, whatever the seed."""
    with case.drawn():
        problem = case.check.verdict(case.check.outputs(case.check.reference))
    if problem:
        raise CourseError(
            f"The private tests or the seed do not work for {name}: its own reference fails "
            f"({problem}). Choose another seed, or fix private/{name[:2]}.py."
        )


@cache
def cases(tests: Tests) -> dict[str, list[Case]]:
    """Every set of inputs, by exercise ("03.design"); those that students know come first."""
    public = checks.of_lesson(tests.number)
    found = {name: [Case(check, 0, True)] for name, check in public.items()}
    if tests.seed:
        for name, check in public.items():
            drawn = Case(check, exercise_seed(tests.seed, name), False)
            if drawn.arguments() != found[name][0].arguments():
                found[name].append(drawn)
    private = _private(tests)
    if unknown := ", ".join(map(repr, private.keys() - found.keys())):
        raise CourseError(
            f"private/{tests.number}.py has tests for {unknown}, which is no exercise of lesson "
            f"{tests.number}; its exercises are {', '.join(found)}."
        )
    for name, check in private.items():
        found[name].append(Case(check, 0, False))
    return found


def _private(tests: Tests) -> dict[str, Check]:
    if not tests.private:
        return {}
    namespace: dict[str, Any] = {"__name__": f"private_{tests.number}"}
    try:
        exec(compile(tests.private, f"private/{tests.number}.py", "exec"), namespace)
        return dict(namespace["CHECKS"])
    except Exception as error:
        raise CourseError(
            f"private/{tests.number}.py cannot be used ({type(error).__name__}: {error}); it must "
            "define CHECKS, a dictionary from names such as 03.design to Checks."
        ) from error


def stopped(reason: StopReason | NotRun, what: str = "Your function") -> Verdict:
    """The verdict on something that was stopped, or that was not run after others had been."""
    outcome: Outcome
    if reason == "not_run" or reason == "out_of_time":
        outcome = "timeout"
    else:
        outcome = "killed" if reason == "forged" else reason
    return Verdict(outcome, STOPPED[reason].format(what=what))


def judge(case: Case, result: StepResult) -> Verdict:
    """The verdict on what came out of the sandbox about one call; nothing in it is trusted."""
    try:
        outputs = _outputs(result, len(case.arguments()))
    except Exception:
        return Verdict("killed", FORGED)  # the runner does not write such a thing
    try:
        with case.drawn():
            sentence = case.check.verdict(case.check.outputs(_replay(outputs)))
    except CheckFailed as failure:
        sentence = str(failure)
    except StudentError as error:
        return _error(error) if case.shown else _error_unseen(error)
    except Exception as error:
        sentence = f"What your function returns cannot be compared ({type(error).__name__})."
    if sentence is None:
        return Verdict("right", "Right.")
    if sentence == checks.NOT_ANSWERED:
        return Verdict("blank", "Not answered yet.")
    misconception = sentence if case.check.is_named(sentence) else None
    if not case.shown:
        named = NAMED_UNSEEN.format(mistake=misconception)
        sentence = named if misconception else WRONG_UNSEEN
    return Verdict("wrong", sentence[:MAX_SENTENCE], misconception)


class StudentError(Exception):
    """An exception that the student's code raised. Its subclasses carry the names."""

    line: int | None = None


def _outputs(result: StepResult, count: int) -> list[Any]:
    """A value, NotImplemented or an exception for each tuple of arguments.

    Raises:
        NotAValue, TooLarge: the runner does not write such a thing.
    """
    outputs = [
        NotImplemented if output.is_blank else codec.decode(output.value)
        for output in result.outputs[:count]
    ]
    if result.is_absent:
        outputs.append(student_error(ErrorReport("NameError", "")))
    elif result.has_changed_inputs:
        outputs[-1:] = [CheckFailed(checks.CHANGED)]
    elif result.is_too_large:
        outputs.append(CheckFailed("What your function returns is far too large."))
    elif result.error:
        outputs.append(student_error(result.error))
    elif len(outputs) != count:
        raise codec.NotAValue("outputs are missing")
    return outputs


def student_error(report: ErrorReport) -> StudentError:
    """The exception that is reported, of a class of the same name."""
    error = type(codec.safe_name(report.type), (StudentError,), {})(report.message)
    error.line = report.line
    return error


def _replay(outputs: list[Any]) -> Callable[..., Any]:
    """A function that does what the student's did, without being it."""
    rest = iter(outputs)

    def answer(*arguments: Any) -> Any:
        output = next(rest)
        if output is NotImplemented:
            raise NotImplementedError
        if isinstance(output, Exception):
            raise output
        return output

    return answer


def described(error: StudentError, whose: str = "") -> str:
    """The error's name, line and message, as the end of a sentence; `whose` follows the line."""
    name = type(error).__name__
    place = f" in line {error.line}{whose}" if error.line else ""
    if name == "SystemExit":
        return f"{name}{place}: exit() and quit() end the whole program, so take them out."
    message = str(error).strip().removesuffix(".")
    return f"{name}{place}: {message}." if message else f"{name}{place}."


def _error(error: StudentError) -> Verdict:
    if type(error).__name__ == "MemoryError":
        return stopped("memory")
    notes = " ".join(getattr(error, "__notes__", []))
    sentence = f"{described(error, ' of its cell')} {notes}".strip()
    return Verdict("error", sentence[:MAX_SENTENCE])


def _error_unseen(error: StudentError) -> Verdict:
    """Nothing of the error: its name, message and line are the student's to choose."""
    if type(error).__name__ == "MemoryError":
        return stopped("memory")
    return Verdict("error", ERROR_UNSEEN)
