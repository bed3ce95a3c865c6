"""The verdict on values that came out of the sandbox. Nothing of the student's runs here."""

import builtins
import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course_lib import checks
from course_lib.checks import Check, CheckFailed
from course_lib.files import CourseError
from course_tools.grading.assignment import Assignment
from course_tools.grading.sandbox import codec

MAX_SENTENCE = 1000
UNSEEN = "for inputs that the notebook's check does not have"
FORGED = "What came back is nothing that a function can return; the grader did not accept it."
STOPPED = {
    "timeout": "{what} had not ended when its time was up; look for a loop that does not end.",
    "memory": "{what} took more memory than there is for one student.",
    "killed": "{what} ended the whole process, by os._exit, by a crash or by closing its channel.",
    "output": "{what} printed or returned far more than can be read.",
    "rest": "{what} was not run: too many other cells of this file had to be stopped.",
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
        """Changes when anything does that a verdict depends on."""
        library = Path(checks.check_answers.__file__)
        public = [library, library.with_name(f"lesson_{self.number}.py")]
        parts = [path.read_text() for path in public if path.exists()]
        return hashlib.sha256(json.dumps([parts, self.private, self.seed]).encode()).hexdigest()


def tests_sha256(assignment: Assignment, tests: Tests) -> str:
    """Changes when anything does that marks depend on, apart from the submission."""
    return hashlib.sha256(f"{assignment.sha256} {tests.sha256}".encode()).hexdigest()


@dataclass(frozen=True)
class Case:
    """One set of inputs to an exercise: `check`, drawn from `seed`; shown to students or not."""

    check: Check
    seed: int
    shown: bool

    def drawn(self) -> Any:
        return checks.drawn_from(self.seed) if self.seed else nullcontext()

    def arguments(self) -> list[Any]:
        """The encoded tuples of arguments."""
        with self.drawn():
            return [codec.encode(tuple(arguments)) for arguments in self.check.inputs()]


@dataclass(frozen=True)
class Verdict:
    """An outcome as results have it, the sentence for the student, and the misconception met."""

    outcome: str
    sentence: str
    misconception: str | None = None


def read_tests(folder: Path, number: str) -> Tests:
    """The tests of a class folder. Raises CourseError if its private ones are of no use."""
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
            _try_out(name, case)
    return tests


def _try_out(name: str, case: Case) -> None:
    """A right answer must pass and the sentences must fit, whatever the seed."""
    with case.drawn():
        problem = case.check.verdict(case.check.outputs(case.check.reference))
    if problem:
        raise CourseError(
            f"The private tests or the seed do not work for {name}: its own reference fails "
            f"({problem}). Choose another seed, or mend private/{name[:2]}.py."
        )


@cache
def cases(tests: Tests) -> dict[str, list[Case]]:
    """Every set of inputs, by exercise ("03.design"); those that students know come first."""
    public = checks.of_lesson(tests.number)
    found = {name: [Case(check, 0, True)] for name, check in public.items()}
    if tests.seed:
        for name, check in public.items():
            drawn = Case(check, tests.seed, False)
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
    space: dict[str, Any] = {"__name__": f"private_{tests.number}"}
    try:
        exec(compile(tests.private, f"private/{tests.number}.py", "exec"), space)
        return dict(space["CHECKS"])
    except Exception as error:
        raise CourseError(
            f"private/{tests.number}.py cannot be used ({type(error).__name__}: {error}); it must "
            "define CHECKS, a dictionary from names such as 03.design to Checks."
        ) from error


def stopped(outcome: str, what: str = "Your function") -> Verdict:
    """The verdict on something that was stopped, or not even begun ("rest")."""
    return Verdict("timeout" if outcome == "rest" else outcome, STOPPED[outcome].format(what=what))


def judge(case: Case, payload: Any) -> Verdict:
    """The verdict on what the driver said about one call; nothing in it is taken on trust."""
    try:
        outputs = _outputs(payload, len(case.arguments()))
    except (codec.NotAValue, codec.TooLarge, RecursionError):
        return Verdict("killed", FORGED)
    try:
        with case.drawn():
            sentence = case.check.verdict(case.check.outputs(_replay(outputs)))
    except CheckFailed as failure:
        sentence = str(failure)
    except _TheirError as error:
        return _error(error, case.shown)
    except Exception as error:
        sentence = f"What your function returns cannot be compared ({type(error).__name__})."
    if sentence is None:
        return Verdict("right", "Right.")
    if sentence == checks.NOT_ANSWERED:
        return Verdict("blank", "Not answered yet.")
    misconception = sentence if sentence in case.check.misconceptions else None
    if not case.shown and misconception is None:
        sentence = f"The answer is right for the inputs of the notebook's check, but not {UNSEEN}."
    return Verdict("wrong", sentence[:MAX_SENTENCE], misconception)


class _TheirError(Exception):
    """An exception that the student's function raised. Its subclasses carry the names."""

    line: int | None = None


def _outputs(payload: Any, count: int) -> list[Any]:
    """A value, NotImplemented or an exception for each tuple of arguments.

    Raises:
        NotAValue, TooLarge: the driver does not write such a thing.
    """
    if type(payload) is not dict or type(payload.get("outputs")) is not list:
        raise codec.NotAValue("no outputs")
    outputs = [_output(output) for output in payload["outputs"][:count]]
    if payload.get("changed"):
        outputs[-1:] = [CheckFailed(checks.CHANGED)]
    elif "too_large" in payload:
        outputs.append(CheckFailed("What your function returns is far too large."))
    elif "error" in payload:
        outputs.append(their_error(payload["error"]))
    elif len(outputs) != count:
        raise codec.NotAValue("outputs are missing")
    return outputs


def _output(output: Any) -> Any:
    if output == {"blank": True}:
        return NotImplemented
    if type(output) is not dict or list(output) != ["value"]:
        raise codec.NotAValue("no value")
    return codec.decode(output["value"])


def their_error(about: Any) -> _TheirError:
    if type(about) is not dict:
        raise codec.NotAValue("no error")
    kind = type(codec.safe_name(about.get("type")), (_TheirError,), {})
    error = kind(str(about.get("message"))[:500])
    error.line = about["line"] if type(about.get("line")) is int else None
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


def described(error: _TheirError, whose: str = "") -> str:
    """The error's name, line (of what, says `whose`) and message, as the end of a sentence."""
    name = type(error).__name__
    place = f" in line {error.line}{whose}" if error.line else ""
    if name == "SystemExit":
        return f"{name}{place}: exit() and quit() end the whole program, so take them out."
    message = str(error).strip().removesuffix(".")
    return f"{name}{place}: {message}." if message else f"{name}{place}."


def _error(error: _TheirError, shown: bool) -> Verdict:
    name = type(error).__name__
    if name == "MemoryError":
        return stopped("memory")
    if not shown:
        known = name if hasattr(builtins, name) else "an error"  # a name of theirs could tell
        return Verdict("error", f"Your function ends in {known} {UNSEEN}.")
    notes = " ".join(getattr(error, "__notes__", []))
    sentence = f"{described(error, ' of its cell')} {notes}".strip()
    return Verdict("error", sentence[:MAX_SENTENCE])
