"""The checks of lesson 05, the learning-rate ablation."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from scipy import stats

from course_lib.checks import Check, random_array
from course_lib.results import published
from course_lib.statistics import mean_interval

Rule = Callable[[float, float, float, float], bool]


def _absolute(loss: float, best: float, last: float, delta: float) -> bool:
    """Whether a loss is better than the best so far; `last` is the loss of the epoch before."""
    return loss < best - delta


def _fall(
    rule: Rule = _absolute, shift: int = 0, wait: int = 0, kept: int = 0, moves: bool = False
) -> Callable[..., int]:
    """Finds the first fall, `wait` epochs later; a better epoch leaves `kept` of the count.

    `moves`: the best so far follows every lower loss.
    """

    def first_fall(losses: np.ndarray, patience: int, min_delta: float) -> int:
        best, last, bad = np.inf, np.inf, 0
        for epoch, loss in enumerate(losses, start=1):
            better = rule(loss, best, last, min_delta)
            best, last = min(best, loss) if better or moves else best, loss
            bad = kept * bad if better else bad + 1
            if bad == patience + wait:
                return epoch + shift
        return 0

    return first_fall


def _after_the_first(number: int) -> Callable[..., int]:
    """Finds the first fall without the first epoch; the next one is called `number`."""

    def first_fall(losses: np.ndarray, patience: int, min_delta: float) -> int:
        epoch = _fall()(losses[1:], patience, min_delta)
        return epoch and epoch + number - 1

    return first_fall


def _first_fall_cases() -> list[tuple[Any, ...]]:
    """Made-up curves, two of them with exact ties, a recorded one, a drawn one."""
    recorded = published.load("three_layer_constant_5k").losses()
    return [
        *((np.array(_CURVE), patience, 1e-4) for patience in (2, 3, 4)),
        (np.array([0.5, 0.49997, 0.4998, 0.49985, 0.4999, 0.4995, 0.4994]), 1, 1e-4),
        (np.array(_CURVE[:4]), 2, 1e-4),
        (np.array([0.5, 0.25, 0.25, 0.125, 0.125]), 1, 0.0),
        (np.array([0.5, 0.4, 0.375, 0.3, 0.3, 0.3]), 2, 0.125),
        (np.array(recorded), 5, 1e-4),
        (0.01 + 0.01 * random_array(16), 3, 1e-4),
    ]


def _seeds(
    tail: float = 0.025, free: int = -1, power: float = 0.5, width: float = 1, start: int = 2
) -> Callable[..., Any]:
    """Finds N with Student's t of N + `free` degrees of freedom and a spread falling as N^power."""

    def num_seeds(difference: float, spread: float) -> int:
        widths = (
            (n, width * stats.t.isf(tail, n + free) * spread / n**power) for n in count(start)
        )
        return next(n for n, half_width in widths if half_width < difference)

    return num_seeds


def _with(half_width: Callable[..., Any]) -> Callable[..., Any]:
    """Mean difference with an interval of another half width, made of (a - b, a, b)."""
    return lambda a, b: np.mean(a - b) + np.array([0, -1, 1]) * half_width(a - b, a, b)


def _two_samples(equal_var: bool) -> Callable[..., Any]:
    """The interval for two groups that are no pairs, Student's or Welch's."""

    def interval(a: np.ndarray, b: np.ndarray) -> tuple[Any, ...]:
        test = stats.ttest_ind(a, b, equal_var=equal_var)
        return np.mean(a - b), *test.confidence_interval(0.95)

    return interval


_T = stats.t.isf(0.025, 2)  # for three seeds
_CURVE = [0.0120, 0.0110, 0.01095, 0.01088, 0.0112, 0.01105, 0.0111, 0.0104, 0.0106, 0.0106, 0.0106]
_A = np.array([0.0083, 0.0091, 0.0087]), np.array([0.03, 0.05, 0.01])
_B = np.array([0.0085, 0.0094, 0.0088]), np.array([0.02, 0.05, 0.03])

# fmt: off
CHECKS: dict[str, Check] = {
    "05.rate_after_fall": Check(
        inputs=lambda: [(1e-3, 0.1**0.5, 5e-7), (2e-5, 0.2, 1e-5), (1e-3, 0.5, 1e-7),
                        (4e-6, 0.5, 1e-5), (float(random_array(1)[0].round(3)), 0.3, 1e-9)],
        reference=lambda rate, factor, floor: max(rate * factor, floor),
        tolerance=1e-12,
        misconceptions={
            "The floor is missing: the rate may not fall below it.": lambda r, f, floor: r * f,
            "You take the smaller one; the floor is the least allowed, so take the larger.":
                lambda r, f, floor: min(r * f, floor),
            "You divide by the factor, and the rate rises.": lambda r, f, floor: max(r / f, floor),
            "The factor is what is kept of the rate, not what is taken away.":
                lambda r, f, floor: max(r * (1 - f), floor),
            "Where the fall would lead below the floor, the rate becomes the floor.":
                lambda r, f, floor: r * f if r * f > floor else r,
            "The floor is a limit; do not add it.": lambda r, f, floor: r * f + floor,
            "The floor comes last: multiply first, then take the larger of the two.":
                lambda r, f, floor: max(r, floor) * f,
            "You use 0.1; use the argument factor.": lambda r, f, floor: max(r * 0.1, floor),
            "You use the root of 0.1; use the argument factor.":
                lambda r, f, floor: max(r * 0.1**0.5, floor),
        },
    ),
    "05.first_fall": Check(
        inputs=_first_fall_cases,
        reference=_fall(),
        drawn_as="curves",
        marks="epoch",
        misconceptions={
            "You compare with the epoch before; the rule compares with the best so far.":
                _fall(lambda loss, best, last, delta: loss < last - delta),
            "You leave min_delta out: a loss must be lower by more than that.":
                _fall(lambda loss, best, last, delta: loss < best),
            "Your min_delta is a share of the best; Keras' is an absolute number.":
                _fall(lambda loss, best, last, delta: loss < best * (1 - delta)),
            "A loss that is equal to best minus min_delta is not better: compare with <, not <=.":
                _fall(lambda loss, best, last, delta: loss <= best - delta),
            "The best so far moves only when an epoch counts as better; yours follows every loss.":
                _fall(moves=True),
            "You wait from the lowest loss of all; the rate falls when patience first runs out.":
                lambda losses, patience, delta: int(np.argmin(losses)) + 1 + patience,
            "You return the epoch of the lowest loss; asked is when the rate falls.":
                lambda losses, patience, delta: int(np.argmin(losses)) + 1,
            "You do not wait: only after patience bad epochs does the rate fall.":
                lambda losses, patience, delta: _fall()(losses, 1, delta),
            "You count epochs from 0; the first epoch is number 1.": _fall(shift=-1),
            "You name the epoch that trains with the new rate; asked is the one whose end set it.":
                _fall(shift=1),
            "You wait one epoch longer, as PyTorch does: with patience 2, two bad ones are enough.":
                _fall(wait=1),
            "You count bad epochs in all; a better one sets the count back to 0.": _fall(kept=1),
            "You skip the first epoch: its loss is the first best.":
                _after_the_first(2),
            "You skip the first epoch, and number 1 is the second: the first sets the first best.":
                _after_the_first(1),
        },
    ),
    "05.paired_interval": Check(
        inputs=lambda: [(a.copy(), b.copy()) for a, b in zip(_A, _B, strict=True)]
        + [tuple(0.01 + 0.001 * random_array(2, 3))],
        reference=lambda scheduled, constant: mean_interval(scheduled - constant),
        tolerance=4e-6,  # who looks t up in a table has four digits of it
        drawn_as="intervals",
        panel=lambda interval, scheduled, constant: {
            "scheduled": scheduled, "constant": constant,
            "mean, low, high of scheduled minus constant": interval},
        misconceptions={
            "The sign is wrong: take scheduled minus constant.": lambda a, b: mean_interval(b - a),
            "You leave the constant runs out: subtract them, seed by seed.":
                lambda a, b: mean_interval(a),
            "You drop the signs; a difference below zero says that the schedule is better.":
                lambda a, b: mean_interval(np.abs(a - b)),
            "You take a share of the constant run; asked is the plain difference.":
                lambda a, b: mean_interval((a - b) / b),
            "The order is mean, low, high.":
                lambda a, b: tuple(np.array(mean_interval(a - b))[[0, 2, 1]]),
            "You leave the mean out: return mean, low and high.":
                lambda a, b: mean_interval(a - b)[1:],
            "You return the half width; return the ends, mean minus and mean plus it.":
                lambda a, b: (np.mean(a - b), *[_T * stats.sem(a - b)] * 2),
            "You ignore the pairs: subtract seed by seed first, then take the interval.":
                _with(lambda d, a, b: _T * np.hypot(stats.sem(a), stats.sem(b))),
            "You compare two groups that share nothing (Welch); these runs come in pairs: subtract "
            "seed by seed first.": _two_samples(equal_var=False),
            "You compare two groups that share nothing, with a pooled spread; these runs come in "
            "pairs: subtract seed by seed first.": _two_samples(equal_var=True),
            "You make two intervals and subtract one from the other: subtract seed by seed first, "
            "then make one.":
                lambda a, b: np.subtract(mean_interval(a), mean_interval(b)),
            "You make two intervals and take the ends farthest apart: subtract seed by seed first, "
            "then make one.": _with(lambda d, a, b: _T * (stats.sem(a) + stats.sem(b))),
            "You sort the runs, and the pairs are lost: keep the order, it is that of the seeds.":
                lambda a, b: mean_interval(np.sort(a) - np.sort(b)),
            "You use 1.96, which is for many seeds; three need Student's t.":
                _with(lambda d, a, b: 1.96 * stats.sem(d)),
            "Divide by the root of the number of seeds: asked is how sure the mean is.":
                _with(lambda d, a, b: _T * np.std(d, ddof=1)),
            "Your standard deviation divides by N; a sample's divides by N - 1 (ddof=1).":
                _with(lambda d, a, b: _T * np.std(d) / np.sqrt(3)),
        },
    ),
    "05.num_seeds": Check(
        inputs=lambda: [(0.001, 0.0005), (0.0002, 0.0003), (0.0001, 0.0004), (0.0003, 0.0001),
                        (0.01, 0.001), (0.0001, 0.001),
                        (0.001, float((0.001 + 0.001 * random_array(1)[0]).round(6)))],
        reference=_seeds(),
        misconceptions={
            "You use 1.96 for any number of seeds; for few seeds Student's t is much larger.":
                _seeds(free=10**9),
            "You take Student's t of three seeds for every N; it changes with N.":
                lambda difference, spread:
                    max(2, int(np.floor((_T * spread / difference) ** 2)) + 1),
            "You leave t out: the half width is t times spread over the root of N.":
                lambda difference, spread: int(np.floor((spread / difference) ** 2)) + 1,
            "The spread of a mean falls with the root of the number of seeds, not with the number.":
                _seeds(power=1),
            "One too few: with that many seeds the interval still contains 0.":
                lambda difference, spread: max(2, _seeds()(difference, spread) - 1),
            "You stop one seed too early: with that many the interval still contains 0, and 1 seed "
            "has no spread.": lambda difference, spread: _seeds()(difference, spread) - 1,
            "One too many: one seed fewer is enough.":
                lambda difference, spread: _seeds()(difference, spread) + 1,
            "Your search begins with 3 seeds; where the spread is small, 2 are enough.":
                _seeds(start=3),
            "Your search ends at 100 seeds; a small difference may need more.":
                lambda difference, spread: min(100, _seeds()(difference, spread)),
            "You ask for the whole width of the interval; the half width must be the smaller one.":
                _seeds(width=2),
            "For N seeds, Student's t has N - 1 degrees of freedom.": _seeds(free=0),
            "A 95 % interval leaves out 2.5 % on either side, not 5 %.": _seeds(tail=0.05),
        },
    ),
}
# fmt: on
