"""Mistakes that can be recognised in the outputs of any exercise, by comparing them as numbers.

What they say is a closed list of sentences, `sentences`: no number of an input is in them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

Outputs = list[np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """Outputs of an answer beside the right ones.

    Attributes:
        inputs: the tuples of arguments.
        names: of the arguments.
        given, right: an array for each input.
        is_right: for each input, whether the output is right.
    """

    inputs: list[tuple[Any, ...]]
    names: tuple[str, ...]
    given: Outputs
    right: Outputs
    is_right: list[bool]


Sign = Callable[[Comparison], bool]


def only_where(holds: Callable[..., bool]) -> Sign:
    """The sign of an answer that is wrong only for inputs for which `holds(*arguments)`."""

    def sign(found: Comparison) -> bool:
        pairs = zip(found.inputs, found.is_right, strict=True)
        return any(found.is_right) and all(is_right or holds(*a) for a, is_right in pairs)

    return sign


def everywhere(holds: Callable[..., bool]) -> Sign:
    """The sign of an answer for all of whose outputs `holds(output, *arguments)`."""

    def sign(found: Comparison) -> bool:
        pairs = zip(found.given, found.inputs, strict=True)
        return all(holds(output, *arguments) for output, arguments in pairs)

    return sign


def find(found: Comparison) -> str | None:
    """The sentence of the first mistake that explains all outputs, if there is one."""
    with np.errstate(all="ignore"):
        for sentence, sign in {**_of_arguments(found.names), **_SIGNS}.items():
            if sign(found):
                return sentence
    return None


def sentences(names: tuple[str, ...]) -> list[str]:
    """All that `find` can say about a function with these arguments."""
    return [*_of_arguments(names), *_SIGNS]


def close(one: Any, other: Any) -> bool:
    """Whether two arrays of one shape are equal, but for rounding."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-5, atol=1e-12)


def _of_arguments(names: tuple[str, ...]) -> dict[str, Sign]:
    """The mistakes about each argument."""
    returned = {
        f"You return {name} as it came.": _returns_argument(place)
        for place, name in enumerate(names)
    }
    ignored = {
        f"Your result stays the same when {name} changes: use {name}, not a number of your own.":
            _ignores_argument(place)
        for place, name in enumerate(names)
    }  # fmt: skip
    factors = {
        f"{name} counts too often in your product.": _has_power(place, 1)
        for place, name in enumerate(names)
    } | {
        f"{name} is missing in your product, or counts too little.": _has_power(place, -1)
        for place, name in enumerate(names)
    }
    return {_CONSTANT: _is_constant} | returned | (ignored | factors if len(names) > 1 else {})


def _is_constant(found: Comparison) -> bool:
    """Every input gives the same output, though the right ones differ."""
    same = all(close(one, found.given[0]) for one in found.given)
    return same and not all(close(one, found.right[0]) for one in found.right)


def _returns_argument(place: int) -> Sign:
    def sign(found: Comparison) -> bool:
        arguments = [arguments[place] for arguments in found.inputs]
        try:
            return all(map(close, found.given, arguments))
        except (TypeError, ValueError):  # no numbers
            return False

    return sign


def _ignores_argument(place: int) -> Sign:
    """Inputs that differ in this argument alone give the same, though they should not."""

    def sign(found: Comparison) -> bool:
        pairs = [
            (found.given[i], found.given[k])
            for i, k in combinations(range(len(found.inputs)), 2)
            if _differing(found.inputs[i], found.inputs[k]) == [place]
            and not close(found.right[i], found.right[k])
        ]
        return bool(pairs) and all(close(*pair) for pair in pairs)

    return sign


def _powers(found: Comparison, numbers: np.ndarray) -> np.ndarray | None:
    """The powers of the arguments whose product, times a number, gives these positive numbers."""
    arguments = np.array([np.shape(one) == () for row in found.inputs for one in row])
    if not arguments.all() or numbers.shape != (len(found.inputs),) or not (numbers > 0).all():
        return None
    table = np.array(found.inputs, float)
    if not (table > 0).all() or len(table) < table.shape[1] + 3:
        return None
    logs = np.column_stack([np.log(table), np.ones(len(table))])
    powers, _, rank, _ = np.linalg.lstsq(logs, np.log(numbers), rcond=None)
    fits = rank == logs.shape[1] and np.allclose(logs @ powers, np.log(numbers), atol=1e-6)
    return powers if fits else None


def _numbers(found: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """All outputs that are single numbers, given and right; empty arrays if one is not."""
    outputs = [*found.given, *found.right]
    if any(output.ndim for output in outputs):
        return np.empty(0), np.empty(0)
    numbers = np.array(outputs, float)
    return numbers[: len(found.given)], numbers[len(found.given) :]


def _has_power(place: int, sign: int) -> Sign:
    """The outputs are the right ones times a power of this argument, and perhaps of others."""

    def has_power(found: Comparison) -> bool:
        given, right = _numbers(found)
        if not given.size or not (given * right > 0).all():
            return False
        powers = _powers(found, given / right)
        return powers is not None and sign * powers[place] > 0.4

    return has_power


def _differs_by_a_term(sign: int) -> Sign:
    """The outputs are the right ones plus, or minus, a product of powers of the arguments."""

    def differs(found: Comparison) -> bool:
        given, right = _numbers(found)
        return bool(given.size) and _powers(found, sign * (given - right)) is not None

    return differs


def _differing(one: tuple[Any, ...], other: tuple[Any, ...]) -> list[int]:
    pairs = enumerate(zip(one, other, strict=True))
    return [place for place, (a, b) in pairs if not np.array_equal(a, b)]


def _by_number(relation: Callable[[np.ndarray, np.ndarray], bool], least: int = 3) -> Sign:
    """The sign that `relation(given, right)` holds for all numbers of all outputs in a row."""

    def sign(found: Comparison) -> bool:
        if any(
            one.shape != other.shape for one, other in zip(found.given, found.right, strict=True)
        ):
            return False
        given, right = (
            np.concatenate([one.ravel().astype(float) for one in outputs])
            for outputs in (found.given, found.right)
        )
        enough = len(np.unique(right)) >= least and len(found.given) >= min(least, 2)
        return enough and np.isfinite(given).all() and bool(relation(given, right))

    return sign


def _by_output(relation: Callable[[np.ndarray, np.ndarray], bool]) -> Sign:
    """The sign that `relation(given, right)` holds for every output."""

    def sign(found: Comparison) -> bool:
        return all(map(relation, found.given, found.right))

    return sign


def _is_factor(given: np.ndarray, right: np.ndarray) -> bool:
    """A factor that is always the same, other than 1."""
    zero = np.isclose(right, 0, atol=1e-12)
    if zero.all() or not np.allclose(given[zero], 0, atol=1e-12):
        return False
    factors = given[~zero] / right[~zero]
    return close(factors, np.full_like(factors, factors[0]))


def _factor(value: float) -> Sign:
    return _by_number(lambda given, right: close(given, value * right))


def _is_offset(given: np.ndarray, right: np.ndarray) -> bool:
    return close(given - right, np.full_like(right, given[0] - right[0]))


def _are_whole(numbers: np.ndarray) -> bool:
    return bool(np.equal(numbers, np.round(numbers)).all())


def _off_by(step: int) -> Sign:
    return _by_number(
        lambda given, right: _are_whole(right) and np.array_equal(given, right + step)
    )


def _loses_fractions(given: np.ndarray, right: np.ndarray) -> bool:
    cut = (np.floor, np.ceil, np.round, np.trunc)
    return not _are_whole(right) and any(np.array_equal(given, way(right)) for way in cut)


def _is_fractional(given: np.ndarray, right: np.ndarray) -> bool:
    """Fractions where whole numbers are due; a far factor is no rounding error."""
    off = np.abs(given - np.round(given)).max()
    return _are_whole(right) and off > 1e-4


def _is_negative(given: np.ndarray, right: np.ndarray) -> bool:
    return bool((right < 0).any()) and close(given, np.abs(right))


def _is_cut_off(given: np.ndarray, right: np.ndarray) -> bool:
    return any(
        close(given, np.clip(right, low, high)) and not close(given, right)
        for low, high in [(0, 1), (0, None), (None, 1)]
    )


def _is_reordered(given: np.ndarray, right: np.ndarray) -> bool:
    return right.size > 1 and close(np.sort(given, axis=None), np.sort(right, axis=None))


def _is_transposed(given: np.ndarray, right: np.ndarray) -> bool:
    return right.ndim > 1 and (close(given, right.T) or close(given, right.swapaxes(-1, -2)))


def _is_broadcast(given: np.ndarray, right: np.ndarray) -> bool:
    return right.ndim == 1 and right.size > 1 and given.shape == 2 * right.shape


def _is_summary(given: np.ndarray, right: np.ndarray) -> bool:
    ways = (np.sum, np.mean, np.max, np.min)
    return (
        right.size > 1
        and given.size == 1
        and any(close(given.squeeze(), way(right)) for way in ways)
    )


def _is_part(given: np.ndarray, right: np.ndarray) -> bool:
    """One of the numbers that are due, or the first of several rows."""
    if right.ndim == 0 or given.size >= right.size or given.ndim > right.ndim:
        return False
    return any(close(given.squeeze(), np.squeeze(right[place])) for place in (0, -1))


def _is_among_others(given: np.ndarray, right: np.ndarray) -> bool:
    return right.ndim == 0 and given.size > 1


def _has_gaps(found: Comparison) -> bool:
    """NaN or infinity where there should be none."""
    return any(
        np.isfinite(right).all() and not np.isfinite(given).all()
        for given, right in zip(found.given, found.right, strict=True)
    )


def _are_truths(found: Comparison) -> bool:
    return all(given.dtype.kind == "b" for given in found.given) and not any(
        right.dtype.kind == "b" for right in found.right
    )


_CONSTANT = "Your function returns the same for every input: use its arguments."
_SIGNS: Mapping[str, Sign] = {
    "You return True or False; the number is asked for.": _are_truths,
    "Your result holds NaN or infinity: look for a division by zero, or for a root or logarithm of "
    "a number below zero.": _has_gaps,
    "The sign is wrong.": _factor(-1),
    "You return percent, not a fraction.": _factor(100),
    "Your result is 100 times too small.": _factor(0.01),
    "The values are in [0, 1], and so is the result: leave out the factor 255.": _factor(255),
    "You divide by 255 once too often.": _factor(1 / 255),
    "Your result is twice as large as it should be: look for a factor 2.": _factor(2),
    "Your result is half as large as it should be: look for a factor 2.": _factor(0.5),
    "Your result is too large by 1: mind where you begin to count, and where you stop.": _off_by(1),
    "Your result is too small by 1: mind where you begin to count, and where you stop.":
        _off_by(-1),
    "You round to whole numbers; return the result as it is.": _by_number(_loses_fractions),
    "You drop the sign of the result.": _by_number(_is_negative),
    "You cut the result off at 0 or at 1; return it as it is.": _by_number(_is_cut_off),
    "Your fraction is upside down.":
        _by_number(lambda given, right: close(given * right, np.ones_like(right))),
    "You square once too often.":
        _by_number(lambda given, right: close(given, right**2)),
    "You take a root that is not asked for.":
        _by_number(lambda given, right: min(right) >= 0 and close(given**2, right)),
    "A factor is too much or missing in your result, the same for every input.":
        _by_number(_is_factor),
    "A term is too much or missing in your result, the same for every input.":
        _by_number(_is_offset),
    "You count something that should not be counted: leave a term out.": _differs_by_a_term(1),
    "You leave something out that should be counted: add a term.": _differs_by_a_term(-1),
    "A whole number is asked for, and yours has a fraction: count, or round the right way.":
        _by_number(_is_fractional),
    "Rows and columns of your result have changed places.": _by_output(_is_transposed),
    "The numbers are right, but their order is not.": _by_output(_is_reordered),
    "Two shapes, (N, 1) and (N,), were combined to (N, N): give both the same shape.":
        _by_output(_is_broadcast),
    "You reduce the result to one number; return all of them.": _by_output(_is_summary),
    "You return a part of what is asked for.": _by_output(_is_part),
    "One number is asked for, and you return several.": _by_output(_is_among_others),
}  # fmt: skip
