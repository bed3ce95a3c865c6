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
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from course_lib.checks import common_mistakes, returned_numbers, time_limit
from course_lib.checks.common_mistakes import Comparison, Outputs, Sign
from course_lib.checks.returned_numbers import NotNumbers, as_array, in_words, plain
from course_lib.files import CourseError

NOT_ANSWERED = "Not answered yet"
CHANGED = "Your function changes the array it is given; work on a copy."
RETURNS_NOTHING = "Your function returns nothing; end it with a return statement."
ENOUGH = 3  # outputs that agree by chance no more
TIME_LIMIT = 10.0  # seconds for one call of an answer in a notebook; grading has limits of its own
DrawnAs = Literal["table", "pictures", "curves", "intervals"]
Wrong = Callable[..., Any] | tuple[Callable[..., Any], ...]
_seed = ContextVar("seed", default=0)


class CheckFailed(AssertionError):
    """An answer that is not right yet. The message says what is wrong with it, in a sentence."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet. {self}", *getattr(self, "__notes__", [])]


@dataclass(frozen=True)
class Check:
    """How one exercise is checked.

    Attributes:
        inputs: makes the list of argument tuples, again at each call.
        reference: a right answer.
        misconceptions: sentence for the student -> the wrong answer that deserves it, or several.
        signs: sentence -> whether outputs show a mistake that takes more than one form; see
            `common_mistakes.only_where` and `everywhere`. They come after the misconceptions.
        otherwise: the same, for mistakes that no other sentence fits. They come last.
        hints: words of an exception that students meet -> a sentence that helps.
        refusals: sentences that `measure` raises, in `CheckFailed`, beside those above.
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
    misconceptions: Mapping[str, Wrong]
    signs: Mapping[str, Sign] = field(default_factory=dict)
    otherwise: Mapping[str, Sign] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
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

    def closed_list(self) -> set[str]:
        """All sentences of `verdict` that name a mistake. None holds anything of the inputs."""
        signs = [*self.signs, *self.otherwise]
        own = [*self.misconceptions, *signs, *self.hints.values(), *self.refusals]
        common = [*common_mistakes.sentences(self._names), *returned_numbers.sentences(), *ROUNDED]
        return {*own, *common, CHANGED, RETURNS_NOTHING}

    def is_named(self, sentence: str) -> bool:
        """Whether this sentence of `verdict` names a mistake."""
        return sentence in self.closed_list()

    def outputs(self, answer: Callable[..., Any]) -> list[Any]:
        """What `answer` returns for each tuple of arguments; `NotImplemented` where it is blank.

        Blank is what the student edition leaves: a plain `raise NotImplementedError`, without a
        message. Every other exception of the answer passes through.

        Raises:
            CheckFailed: it changed its arguments, took too long, or raised an exception of which
                the cause is known.
        """
        outputs: list[Any] = []
        for arguments, untouched in zip(self.inputs(), self.inputs(), strict=True):
            try:
                outputs.append(plain(answer(*arguments)))
            except CheckFailed:
                raise
            except time_limit.TimeLimitReached:
                raise CheckFailed(self._too_slow(untouched)) from None
            except Exception as error:
                if type(error) is NotImplementedError and not error.args:
                    outputs.append(NotImplemented)
                    continue
                self._explain(error, outputs)
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
        if all(output is None for output in outputs):
            return RETURNS_NOTHING
        try:
            found = self._compare(outputs)
            given, right = self._measured(found.given), self._measured(found.right)
        except (CheckFailed, NotNumbers) as failure:
            is_missing = any(output is None for output in outputs)
            return self._nothing(outputs) if is_missing else str(failure)
        if all(found.is_right):
            return self._wrong_type(found.given)
        if any(output is None for output in outputs):
            known = self._sign(self.signs, found) or self._misconception(given, right)
            return known or self._nothing(outputs)
        return (
            self._axis_of_length_1(given, right)
            or self._rounded(found)
            or self._misconception(given, right)
            or self._sign(self.signs, found)
            or self._common_mistake(found)
            or self._sign(self.otherwise, found)
            or self._difference(given, right)
        )

    def _compare(self, outputs: list[Any]) -> Comparison:
        """Some first outputs beside the right ones, as arrays; NaN where there is none.

        Raises CheckFailed, NotNumbers.
        """
        inputs = self.inputs()[: len(outputs)]
        right = [as_array(output) for output in self.outputs(self.reference)][: len(outputs)]
        given = [as_array(np.nan if output is None else output) for output in outputs]
        given = list(map(_one_number, given, right))
        is_right = list(map(self._equal, self._measured(given), self._measured(right)))
        return Comparison(inputs, self._names, given, right, is_right)

    def _measured(self, outputs: Outputs) -> Outputs:
        pairs = zip(outputs, self.inputs(), strict=False)
        return [as_array(self.measure(output, *arguments)) for output, arguments in pairs]

    def _equal(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Whether an output is equal to a right one, `other`; counts must be nearly exact."""
        if one.shape != other.shape:
            return False
        relative = 1e-5 if other.dtype.kind == "f" else 2e-7
        one, other = one.astype(float), other.astype(float)
        return np.allclose(one, other, rtol=relative, atol=self.tolerance, equal_nan=True)

    def _wrong_type(self, given: Outputs) -> str | None:
        """A sentence for right values of a type that is not the one that is asked for."""
        types = [output.dtype for output in given]
        if self.dtype is None or all(np.issubdtype(one, self.dtype) for one in types):
            return None
        name = self.dtype.__name__
        return f"The values are right, but their type is {types[0]}, not {name}."

    def _axis_of_length_1(self, given: Outputs, right: Outputs) -> str | None:
        if not all(map(self._equal, _bare(given), _bare(right))):
            return None
        one, other = next(
            pair for pair in zip(given, right, strict=True) if pair[0].shape != pair[1].shape
        )
        return (
            f"The values are right, but the shape is {one.shape} and should be "
            f"{other.shape}: mind the axis of length 1."
        )

    def _misconception(self, given: Outputs, right: Outputs) -> str | None:
        """The sentence of the wrong answer that gives these outputs, or nearly all of them."""
        given = _bare(given)  # a wrong idea shows with axes of length 1 and without them
        wrong = [not self._equal(*pair) for pair in zip(given, _bare(right), strict=True)]
        partly: dict[str, float] = {}
        for sentence, answer in self._wrong_answers():
            theirs = self._outputs_of(answer)[: len(given)]
            same = list(map(self._equal, given, theirs))
            if len(same) == len(given) and all(same):
                return sentence
            partly[sentence] = max(partly.get(sentence, 0), _explained(same, wrong))
        nearest = max(partly, key=lambda sentence: partly[sentence], default=None)
        return nearest if nearest and partly[nearest] > 0 else None

    def _wrong_answers(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        for sentence, wrong in self.misconceptions.items():
            for answer in wrong if isinstance(wrong, tuple) else (wrong,):
                yield sentence, answer

    def _outputs_of(self, wrong: Callable[..., Any]) -> Outputs:
        """What a wrong answer gives, as it is measured, up to its first error."""
        outputs: Outputs = []
        for arguments in self.inputs():
            try:
                with np.errstate(all="ignore"):
                    output = as_array(wrong(*arguments))
                    outputs.append(as_array(self.measure(output, *arguments)).squeeze())
            except Exception:  # `measure` tells this one by itself, or the answer has an error
                break
        return outputs

    def _sign(self, signs: Mapping[str, Sign], found: Comparison) -> str | None:
        with np.errstate(all="ignore"):
            return next((text for text, sign in signs.items() if sign(found)), None)

    def _common_mistake(self, found: Comparison) -> str | None:
        """A mistake that any exercise may have, where outputs are compared as they are."""
        return common_mistakes.find(found) if self._is_plain(found) else None

    def _is_plain(self, found: Comparison) -> bool:
        return all(map(np.array_equal, self._measured(found.right), found.right))

    def _explain(self, error: Exception, outputs: list[Any]) -> None:
        """Raise CheckFailed if it is known what led to an error after these outputs."""
        known = None
        if outputs and not any(output is None or output is NotImplemented for output in outputs):
            problem = self.verdict(outputs) or ""
            is_sure = problem in self.misconceptions or len(outputs) >= ENOUGH
            known = problem if is_sure and self.is_named(problem) else None
        known = known or next((self.hints[w] for w in self.hints if w in str(error)), None)
        if known:
            failure = CheckFailed(known)
            failure.add_note(f"{type(error).__name__}: {str(error).strip()}")
            raise failure from error

    def _rounded(self, found: Comparison) -> str | None:
        """A sentence for numbers that are right but for lost digits."""
        pairs = list(zip(found.given, found.right, strict=True))
        if any(one.shape != other.shape for one, other in pairs) or not self._is_plain(found):
            return None
        if any(one.dtype == np.float16 for one in found.given) and all(
            np.allclose(one.astype(float), other, rtol=2e-3, atol=2e-3) for one, other in pairs
        ):
            return ROUNDED[0]
        for digits, sentence in enumerate(ROUNDED[1:], start=1):
            if all(
                np.allclose(one, np.round(other, digits), rtol=0, atol=1e-9) for one, other in pairs
            ):
                return sentence
        return None

    def _nothing(self, outputs: list[Any]) -> str:
        case = next(a for a, output in zip(self.inputs(), outputs, strict=True) if output is None)
        return (
            f"Your function returns nothing for this case: {self._named(case)}. "
            "Every way through it must come to a return statement."
        )

    def _too_slow(self, arguments: tuple[Any, ...]) -> str:
        return (
            f"Your function had not returned after {TIME_LIMIT:g} seconds, for "
            f"{self._named(arguments)}; look for a loop that does not end."
        )

    @property
    def _names(self) -> tuple[str, ...]:
        parameters = inspect.signature(self.reference).parameters.values()
        return tuple(one.name for one in parameters if one.default is one.empty)

    def _by_name(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Arguments under the names that the reference gives them."""
        return dict(inspect.signature(self.reference).bind(*arguments).arguments)

    def _named(self, arguments: tuple[Any, ...]) -> str:
        """Arguments in words, under their names."""
        named = self._by_name(arguments).items()
        return ", ".join(f"{name} = {in_words(value)}" for name, value in named)

    def _difference(self, given: Outputs, right: Outputs) -> str:
        for arguments, one, other in zip(self.inputs(), given, right, strict=False):
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


ROUNDED = (
    "The type float16 holds three digits only; use float32 or float64.",
    "You round to 1 digit; return the result as it is.",
    *(f"You round to {digits} digits; return the result as it is." for digits in range(2, 7)),
)


def _one_number(given: np.ndarray, right: np.ndarray) -> np.ndarray:
    """An array of one number as the number itself, where a number is right."""
    return given.reshape(()) if given.size == 1 and right.ndim == 0 else given


def _bare(outputs: Outputs) -> Outputs:
    return [output.squeeze() for output in outputs]


def _explained(same: list[bool], wrong: list[bool]) -> float:
    """Which share of all outputs are those of one wrong answer; 0 if too few to be sure.

    Nearly all wrong outputs have to be among them: who makes one mistake more, or avoids it in a
    special case, is told of the one that counts.
    """
    if len(same) < len(wrong):
        return 0
    explained = sum(s for s, w in zip(same, wrong, strict=True) if w)
    is_enough = explained >= max(ENOUGH, 0.8 * sum(wrong))
    share = sum(same) / len(same)
    return share if is_enough and share >= 0.6 else 0


def check(name: str, answer: Callable[..., Any]) -> None:
    """Print "ok" if `answer` is a right answer to the exercise `name`.

    An exercise that is still blank says so and stops nothing, so that "Run All" comes to the end.

    Args:
        name: lesson and function, such as "01.gray_pixel".
        answer: the student's function.

    Raises:
        CheckFailed: a wrong answer, or one that does not return within `TIME_LIMIT`; the sentence
            says what is wrong with it.
        CourseError: there is no such exercise.
        Any other exception: `answer` raised it.
    """
    exercises = of_lesson(name[:2])
    if name not in exercises:
        raise CourseError(f"There is no exercise {name!r}; choose one of: {', '.join(exercises)}.")

    def limited(*arguments: Any) -> Any:
        return time_limit.call(TIME_LIMIT, lambda: plain(answer(*arguments)))

    problem = exercises[name].verdict(exercises[name].outputs(limited))
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
