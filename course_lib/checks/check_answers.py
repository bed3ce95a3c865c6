"""Self-checks that say which misconception a wrong answer comes from.

A check is data: arguments to call the answer with, a right function to compare it with, and wrong
functions with the sentence that each deserves. A lesson calls
`checks.check("01.gray_pixel", gray_pixel)`; the checks of lesson 01 are in `checks.lesson_01`.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Number
from typing import Any, Literal

import numpy as np

from course_lib.files import CourseError

NOT_ANSWERED = "Not answered yet"
CHANGED = "Your function changes the array it is given; work on a copy."
MAX_SHOWN = 32  # numbers of an array that a sentence shows in full
DrawnAs = Literal["table", "pictures", "curves", "intervals"]
_seed = ContextVar("seed", default=0)


class CheckFailed(AssertionError):
    """An answer that is not right yet. The message says what is wrong with it, in a sentence."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet. {self}"]


@dataclass(frozen=True)
class Check:
    """How one exercise is checked.

    Attributes:
        inputs: makes the list of argument tuples, again at each call.
        reference: a right answer.
        misconceptions: sentence for the student -> the wrong answer that deserves it.
        tolerance: greatest difference that counts as equal, beside one part in 100,000.
        dtype: the NumPy type (or kind of type) that the answer must have; None accepts any.
        measure: what is compared, from an output and the arguments it came from: the output
            itself, unless several outputs are equally right.
        measured: what `measure` gives, in words.
        shown: for how many inputs, counted from the first, students see the expected output;
            None: for all but the last, so that nobody can copy their answer from the picture.
        drawn_as: how the expected output is drawn above the blank:
            "table": a row for each input;
            "pictures": arrays (H, W), (H, W, 1 or 3) or N of these, in [0, 1] or bytes;
            "curves": arrays (num_epochs,) by epoch;
            "intervals": an answer (mean, low, high), with whiskers and a line at 0.
        panel: what is drawn for one input, label -> value, from the output and the arguments; the
            answer comes last. None: the arguments under their names, then what is returned.
        marks: what the answer is in a drawing of curves, where it gets a line of its own.
        caption: a sentence for what labels do not say; it goes into the alt text.
    """

    inputs: Callable[[], list[tuple[Any, ...]]]
    reference: Callable[..., Any]
    misconceptions: Mapping[str, Callable[..., Any]]
    tolerance: float = 1e-5
    dtype: type | None = None
    measure: Callable[..., Any] = lambda output, *arguments: output
    measured: str = "the result"
    shown: int | None = None
    drawn_as: DrawnAs = "table"
    panel: Callable[..., Mapping[str, Any]] | None = None
    marks: Literal["epoch", "loss"] | None = None
    caption: str = ""

    def shown_cases(self) -> list[tuple[tuple[Any, ...], Any]]:
        """Arguments and right output of each input that students may see."""
        cases = list(zip(self.inputs(), self.outputs(self.reference), strict=True))
        return cases[: self.shown or max(1, len(cases) - 1)]

    def panels(self) -> list[Mapping[str, Any]]:
        """What is drawn for each input that students may see: label -> value, the answer last."""
        if self.panel:
            return [self.panel(output, *arguments) for arguments, output in self.shown_cases()]
        return [
            self._by_name(arguments) | {"returns": output}
            for arguments, output in self.shown_cases()
        ]

    def outputs(self, answer: Callable[..., Any]) -> list[Any]:
        """What `answer` returns for each tuple of arguments; `NotImplemented` where it is blank.

        Blank is what the student edition leaves: a plain `raise NotImplementedError`, without a
        message. Every other exception of the answer passes through.

        Raises:
            CheckFailed: it changed its arguments.
        """
        outputs = []
        for arguments, untouched in zip(self.inputs(), self.inputs(), strict=True):
            try:
                outputs.append(answer(*arguments))
            except Exception as error:
                if type(error) is NotImplementedError and not error.args:
                    outputs.append(NotImplemented)
                    continue
                error.add_note(f"The check called your function with {self._named(arguments)}.")
                raise
            if not all(map(np.array_equal, arguments, untouched)):
                raise CheckFailed(CHANGED)
        return outputs

    def verdict(self, outputs: list[Any]) -> str | None:
        """None if `outputs` are right, else a sentence that says what is wrong with them.

        `NOT_ANSWERED` if a blank gave any of them, whatever the others are.
        """
        if any(output is NotImplemented for output in outputs):
            return NOT_ANSWERED
        if any(output is None for output in outputs):
            return self._nothing(outputs)
        try:
            given = self._measured(outputs)
        except (TypeError, ValueError):
            return f"Your function returns {type(outputs[0]).__name__}, not numbers."
        except CheckFailed as failure:
            return str(failure)
        right = self._measured(self.outputs(self.reference))
        if all(map(self._equal, given, right)):
            types = [_array(output).dtype for output in outputs]
            if self.dtype and not all(np.issubdtype(type_, self.dtype) for type_ in types):
                name = self.dtype.__name__
                return f"The values are right, but their type is {types[0]}, not {name}."
            return None
        # From here on axes of length 1 do not count: a wrong idea shows with and without them.
        bare = [array.squeeze() for array in given]
        if all(map(self._equal, bare, [array.squeeze() for array in right])):
            return (
                f"The values are right, but the shape is {given[0].shape} and should be "
                f"{right[0].shape}: mind the axis of length 1."
            )
        for sentence, wrong in self.misconceptions.items():
            try:
                with np.errstate(all="ignore"):
                    theirs = self._measured(self.outputs(wrong))
            except CheckFailed:
                continue  # `measure` tells this one, and had nothing to say about `given`
            if all(map(self._equal, bare, [array.squeeze() for array in theirs])):
                return sentence
        return self._rounded(outputs, given, right) or self._difference(given, right)

    def _rounded(
        self, outputs: list[Any], given: list[np.ndarray], right: list[np.ndarray]
    ) -> str | None:
        """A sentence for numbers that are right but for lost digits."""
        pairs = list(zip(given, right, strict=True))
        if any(one.shape != other.shape for one, other in pairs):
            return None
        if any(_array(output).dtype == np.float16 for output in outputs) and all(
            np.allclose(one.astype(float), other, rtol=2e-3, atol=2e-3) for one, other in pairs
        ):
            return "The type float16 holds three digits only; use float32 or float64."
        for digits in range(1, 7):
            if all(np.array_equal(one, np.round(other, digits)) for one, other in pairs):
                digit = "digit" if digits == 1 else "digits"
                return f"You round to {digits} {digit}; return the result as it is."
        return None

    def _nothing(self, outputs: list[Any]) -> str:
        if all(output is None for output in outputs):
            return "Your function returns nothing; end it with a return statement."
        case = next(a for a, output in zip(self.inputs(), outputs, strict=True) if output is None)
        return (
            f"Your function returns nothing for this case: {self._named(case)}. "
            "Every way through it must come to a return statement."
        )

    def _by_name(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Arguments under the names that the reference gives them."""
        return dict(inspect.signature(self.reference).bind(*arguments).arguments)

    def _named(self, arguments: tuple[Any, ...]) -> str:
        """Arguments in words, under their names."""
        named = self._by_name(arguments).items()
        return ", ".join(f"{name} = {_in_words(value)}" for name, value in named)

    def _measured(self, outputs: list[Any]) -> list[np.ndarray]:
        pairs = zip(map(_array, outputs), self.inputs(), strict=True)
        return [_array(self.measure(output, *arguments)) for output, arguments in pairs]

    def _equal(self, one: np.ndarray, other: np.ndarray) -> bool:
        if one.shape != other.shape:
            return False
        return np.allclose(one.astype(float), other.astype(float), rtol=1e-5, atol=self.tolerance)

    def _difference(self, given: list[np.ndarray], right: list[np.ndarray]) -> str:
        for arguments, one, other in zip(self.inputs(), given, right, strict=True):
            if one.shape != other.shape:
                what = f"the shape of {self.measured} is {one.shape} and should be {other.shape}"
            elif not np.isfinite(one).all():
                what = f"{self.measured} holds NaN or infinity"
            elif not self._equal(one, other):
                distance = np.abs(one.astype(float) - other.astype(float))
                where = np.unravel_index(distance.argmax(), distance.shape)
                place = f" at index {[int(i) for i in where]}" if where else ""
                what = (
                    f"{self.measured}{place} is {one[where]:.5g} and should be {other[where]:.5g}"
                )
            else:
                continue
            return f"For {self._named(arguments)} {what}."
        raise AssertionError("unreachable: some output differs")


def check(name: str, answer: Callable[..., Any]) -> None:
    """Print "ok" if `answer` is a right answer to the exercise `name`.

    An exercise that is still blank says so and stops nothing, so that "Run All" comes to the end.

    Args:
        name: lesson and function, such as "01.gray_pixel".
        answer: the student's function.

    Raises:
        CheckFailed: a wrong answer; the sentence says what is wrong with it.
        CourseError: there is no such exercise.
        Any other exception: `answer` raised it.
    """
    exercises = of_lesson(name[:2])
    if name not in exercises:
        raise CourseError(f"There is no exercise {name!r}; choose one of: {', '.join(exercises)}.")
    problem = exercises[name].verdict(exercises[name].outputs(answer))
    if problem == NOT_ANSWERED:
        print(f"{NOT_ANSWERED}: {name}. Replace `raise NotImplementedError` in the cell above.")
    elif problem:
        raise CheckFailed(problem)
    else:
        print(f"ok  {name}")


def of_lesson(number: str) -> Mapping[str, Check]:
    """The checks of the lesson with this two-digit number, by name.

    Raises:
        CourseError: there is no such lesson, or it has no checks.
    """
    try:
        module = importlib.import_module(f"course_lib.checks.lesson_{number}")
    except ModuleNotFoundError as error:
        raise CourseError(f"There are no exercises in a lesson {number!r}.") from error
    checks: Mapping[str, Check] = module.CHECKS
    return checks


def _array(output: Any) -> np.ndarray:
    """`output` as an array of numbers; a tensor's gradient is left behind, a fraction's exactness.

    Raises:
        TypeError, ValueError: it is none.
    """
    if isinstance(output, list | tuple) and any(hasattr(part, "detach") for part in output):
        output = [_array(part) for part in output]
    array = np.asarray(output.detach().cpu() if hasattr(output, "detach") else output)
    if array.dtype.kind == "O" and all(isinstance(one, Number) for one in array.flat):
        array = array.astype(float)
    if array.dtype.kind not in "biuf":
        raise TypeError
    return array


def _in_words(value: Any) -> str:
    """A short array in full, a long one by shape and type; anything else as Python prints it."""
    array = np.asarray(value)
    numbers = array.dtype.kind in "biuf"
    if array.size > (MAX_SHOWN if numbers else 4):
        return f"an array of shape {array.shape} and type {array.dtype}"
    if not isinstance(value, np.ndarray):
        return str(value)
    text = np.array2string(array, separator=", ", formatter={"float_kind": "{:.5g}".format})
    return " ".join(text.split())


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Inside, `random_array` draws from this seed: so an instructor has arguments of their own."""
    before = _seed.set(seed)
    try:
        yield
    finally:
        _seed.reset(before)


def random_whole(low: int, high: int, count: int) -> list[int]:
    """Whole numbers from `low` to `high` - 1, from the same seed as `random_array`."""
    return [int(number) for number in np.random.default_rng(_seed.get()).integers(low, high, count)]


def random_array(*shape: int) -> np.ndarray:
    """Numbers in [0, 1), the same at every call."""
    return np.random.default_rng(_seed.get()).random(shape)
