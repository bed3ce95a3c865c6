"""Floor 5: the checks of lesson 05, the learning-rate ablation."""

from collections.abc import Callable
from itertools import count

import numpy as np
from scipy import stats

from course_lib.checks import Check
from course_lib.statistics import mean_interval

Rule = Callable[[float, float, float, float], bool]


def _absolute(loss: float, best: float, last: float, delta: float) -> bool:
    """Whether a loss is better than the best so far; `last` is the loss of the epoch before."""
    return loss < best - delta


def _fall(
    rule: Rule = _absolute, shift: int = 0, wait: int = 0, kept: int = 0, moves: bool = False
) -> Callable:
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


def _seeds(tail: float = 0.025, free: int = -1, power: float = 0.5, shift: int = 0) -> Callable:
    """Finds N with Student's t of N + `free` degrees of freedom and a spread falling as N^power."""

    def num_seeds(difference: float, spread: float) -> int:
        widths = ((n, stats.t.isf(tail, n + free) * spread / n**power) for n in count(2))
        return shift + next(n for n, half_width in widths if half_width < difference)

    return num_seeds


def _with(half_width: Callable) -> Callable:
    """Mean difference with an interval of another half width, made of (a - b, a, b)."""
    return lambda a, b: np.mean(a - b) + np.array([0, -1, 1]) * half_width(a - b, a, b)


_T = stats.t.isf(0.025, 2)  # for three seeds
_CURVE = [0.0120, 0.0110, 0.01095, 0.01088, 0.0112, 0.01105, 0.0111, 0.0104, 0.0106, 0.0106, 0.0106]
_CURVES = [np.array(_CURVE), np.array([0.5, 0.49997, 0.4998, 0.49985, 0.4999, 0.4995, 0.4994])]
_A = np.array([0.0083, 0.0091, 0.0087]), np.array([0.03, 0.05, 0.01])
_B = np.array([0.0085, 0.0094, 0.0088]), np.array([0.02, 0.05, 0.03])

# fmt: off
CHECKS: dict[str, Check] = {
    "05.rate_after_fall": Check(
        inputs=lambda: [(1e-3, 0.1**0.5, 5e-7), (2e-5, 0.2, 1e-5)],
        reference=lambda rate, factor, floor: max(rate * factor, floor),
        tolerance=1e-12,
        misconceptions={
            "The floor is missing: the rate may not fall below it.": lambda r, f, floor: r * f,
            "You take the smaller one; the floor is the least allowed, so take the larger.":
                lambda r, f, floor: min(r * f, floor),
            "You divide by the factor, and the rate rises.": lambda r, f, floor: max(r / f, floor),
            "The factor is what is kept of the rate, not what is taken away.":
                lambda r, f, floor: max(r * (1 - f), floor),
        },
    ),
    "05.first_fall": Check(
        inputs=lambda: [*((_CURVES[0].copy(), patience, 1e-4) for patience in (2, 3, 4)),
                        (_CURVES[1].copy(), 1, 1e-4), (_CURVES[0][:4].copy(), 2, 1e-4)],
        reference=_fall(),
        misconceptions={
            "You compare with the epoch before; the rule compares with the best so far.":
                _fall(lambda loss, best, last, delta: loss < last - delta),
            "You leave min_delta out: a loss must be lower by more than that.":
                _fall(lambda loss, best, last, delta: loss < best),
            "The best so far moves only when an epoch counts as better; yours follows every loss.":
                _fall(moves=True),
            "You count epochs from 0; the first epoch is number 1.": _fall(shift=-1),
            "You name the epoch that trains with the new rate; asked is the one whose end set it.":
                _fall(shift=1),
            "You wait one epoch longer, as PyTorch does: with patience 2, two bad ones are enough.":
                _fall(wait=1),
            "You count bad epochs in all; a better one sets the count back to 0.": _fall(kept=1),
        },
    ),
    "05.paired_interval": Check(
        inputs=lambda: [(a.copy(), b.copy()) for a, b in zip(_A, _B, strict=True)],
        reference=lambda a, b: mean_interval(a - b),
        tolerance=1e-6,
        misconceptions={
            "The sign is wrong: take scheduled minus constant.": lambda a, b: mean_interval(b - a),
            "You ignore the pairs: subtract seed by seed first, then take the interval.":
                _with(lambda d, a, b: _T * np.hypot(stats.sem(a), stats.sem(b))),
            "You use 1.96, which is for many seeds; three need Student's t.":
                _with(lambda d, a, b: 1.96 * stats.sem(d)),
            "Divide by the root of the number of seeds: asked is how sure the mean is.":
                _with(lambda d, a, b: _T * np.std(d, ddof=1)),
            "Your standard deviation divides by N; a sample's divides by N - 1 (ddof=1).":
                _with(lambda d, a, b: _T * np.std(d) / np.sqrt(3)),
        },
    ),
    "05.num_seeds": Check(
        inputs=lambda: [(0.001, 0.0005), (0.0002, 0.0003), (0.0001, 0.0004), (0.0003, 0.0001)],
        reference=_seeds(),
        misconceptions={
            "You use 1.96 for any number of seeds; for few seeds Student's t is much larger.":
                _seeds(free=10**9),
            "The spread of a mean falls with the root of the number of seeds, not with the number.":
                _seeds(power=1),
            "One too few: with that many seeds the interval still contains 0.": _seeds(shift=-1),
            "For N seeds, Student's t has N - 1 degrees of freedom.": _seeds(free=0),
            "A 95 % interval leaves out 2.5 % on either side, not 5 %.": _seeds(tail=0.05),
        },
    ),
}
# fmt: on
