"""The checks of lesson 05, the learning-rate ablation."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from course_lib.checks import Check, Comparison, Sign, everywhere, only_where, random_array
from course_lib.results import published
from course_lib.statistics import mean_interval

Rule = Callable[[float, float, float, float], bool]


def _absolute(loss: float, best: float, last: float, delta: float) -> bool:
    """Whether a loss is better than the best so far; `last` is the loss of the epoch before."""
    return loss < best - delta


def _fall(
    rule: Rule = _absolute,
    shift: int = 0,
    wait: int = 0,
    kept: float = 0,
    moves: bool = False,
    best: str = "infinity",
    lowered: float = 0,
    never: int = 0,
) -> Callable[..., int]:
    """Finds the first fall, `wait` epochs later; a better epoch leaves `kept` of the count.

    `moves`: the best so far follows every lower loss. `best`: what it starts from. `lowered`:
    how many times min_delta it is below the loss that counted. `never`: what is returned then.
    """

    def first_fall(losses: np.ndarray, patience: int, min_delta: float) -> int:
        so_far = {"infinity": np.inf, "first": [*losses, 0][0], "zero": 0.0}[best]
        last, bad = np.inf, 0
        for epoch, loss in enumerate(losses, start=1):
            better = rule(loss, so_far, last, min_delta)
            if better:
                so_far = min(so_far, loss - lowered * min_delta)
            elif moves:
                so_far = min(so_far, loss)
            last = loss
            bad = int(kept * bad) if better else bad + 1
            if bad == patience + wait:
                return epoch + shift
        return {0: 0, -1: -1, 1: len(losses), 2: len(losses) + 1}[never]

    return first_fall


def _followed() -> dict[str, tuple[Callable[..., int], ...]]:
    """Wrong rules, alone and together with a wrong number of the epoch; the rule's sentence."""
    rules: dict[str, dict[str, Any]] = {
        "You compare with the epoch before; the rule compares with the best so far.":
            {"rule": lambda loss, best, last, delta: loss < last - delta},
        "You leave min_delta out: a loss must be lower by more than that.":
            {"rule": lambda loss, best, last, delta: loss < best},
        "Your min_delta is a share of the best; Keras' is an absolute number.":
            {"rule": lambda loss, best, last, delta: loss < best * (1 - delta)},
        "A loss that is equal to best minus min_delta is not better: compare with <, not <=.":
            {"rule": lambda loss, best, last, delta: loss <= best - delta},
        "You add min_delta to best, so losses that are hardly worse count as better: subtract it.":
            {"rule": lambda loss, best, last, delta: loss < best + delta},
        "The best so far moves only when an epoch counts as better; yours follows every loss.":
            {"moves": True},
        "You compare with the epoch before, and leave min_delta out.":
            {"rule": lambda loss, best, last, delta: loss < last},
        "You count bad epochs in all; a better one sets the count back to 0.": {"kept": 1},
        "Your best is the loss less min_delta, and min_delta is subtracted again: keep the loss "
        "itself.": {"lowered": 1},
        "Your best starts with the first loss, so the first epoch counts as bad: start at "
        "infinity.":
            {"best": "first"},
        "Your best starts at 0, and no loss is below that: start at infinity.": {"best": "zero"},
    }  # fmt: skip
    also: list[dict[str, Any]] = [
        {}, {"shift": -1}, {"shift": 1}, {"wait": 1}, {"wait": -1}, {"never": 1}, {"never": -1},
        {"shift": -1, "wait": 1},
    ]  # fmt: skip
    return {text: tuple(_fall(**rule, **more) for more in also) for text, rule in rules.items()}


def _after_the_first(number: int) -> Callable[..., int]:
    """Finds the first fall without the first epoch; the next one is called `number`."""

    def first_fall(losses: np.ndarray, patience: int, min_delta: float) -> int:
        epoch = _fall()(losses[1:], patience, min_delta)
        return epoch and epoch + number - 1

    return first_fall


def _after_the_lowest(losses: np.ndarray, patience: int, min_delta: float) -> int:
    epoch = int(np.argmin(losses)) + 1 + patience
    return epoch if epoch <= len(losses) else 0


def _last_improvement(losses: np.ndarray, patience: int, min_delta: float) -> int:
    """The last epoch that is better, before the first fall."""
    best, last = np.inf, 0
    fall = _fall()(losses, patience, min_delta) or len(losses)
    for epoch, loss in enumerate(losses[:fall], start=1):
        if loss < best - min_delta:
            best, last = loss, epoch
    return last


def _bad_epochs(losses: np.ndarray, patience: int, min_delta: float) -> int:
    best, bad = np.inf, 0
    for loss in losses:
        if loss < best - min_delta:
            best = loss
        else:
            bad += 1
    return bad


def _all_falls(losses: np.ndarray, patience: int, min_delta: float) -> list[int]:
    """All epochs at whose end the rate falls."""
    best, bad, falls = np.inf, 0, []
    for epoch, loss in enumerate(losses, start=1):
        best, bad = (loss, 0) if loss < best - min_delta else (best, bad + 1)
        if bad == patience:
            falls.append(epoch)
            bad = 0
    return falls


def _apart(losses: np.ndarray, patience: int, min_delta: float, shift: int = 0) -> int:
    """The first epoch that is no better than the one `patience` epochs before."""
    bad = np.flatnonzero(~(losses[patience:] < losses[:-patience] - min_delta))
    return int(bad[0]) + patience + 1 + shift if len(bad) else 0


def _rising(losses: np.ndarray, patience: int, min_delta: float) -> int:
    """The first epoch at which losses have risen `patience` times in a row."""
    count = 0
    for place in range(1, len(losses)):
        count = count + 1 if losses[place] > losses[place - 1] else 0
        if count == patience:
            return place + 1
    return 0


def _falls(late: bool) -> Sign:
    """The sign of epochs that are never too early, or never too late; 0 is the latest."""

    def sign(found: Comparison) -> bool:
        for output, right in zip(found.given, found.right, strict=True):
            if output.ndim:
                return False
            epoch, other = (float(one) if one > 0 else np.inf for one in (output, right))
            if (epoch < other) if late else (epoch > other):
                return False
        return True

    return sign


def _only_where_it_never_falls(found: Comparison) -> bool:
    pairs = list(zip(found.is_right, found.right, strict=True))
    return any(found.is_right) and all(is_right or right == 0 for is_right, right in pairs)


def _only_where_the_last_falls(found: Comparison) -> bool:
    ends = [
        right == len(losses) for right, (losses, *_) in zip(found.right, found.inputs, strict=True)
    ]
    return any(found.is_right) and all(
        r or end for r, end in zip(found.is_right, ends, strict=True)
    )


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
        (np.array([0.3, 0.4, 0.5, 0.6]), 3, 0.01),
        (np.array([0.3]), 1, 0.01),
        (np.array([0.5, 0.375, 0.25, 0.25, 0.25]), 2, 0.125),
        (np.array([9.0, 8.0, 8.5, 8.25, 7.5, 7.75, 7.5, 7.25]), 3, 0.25),
        (np.array([0.9, 0.8, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45]), 2, 0.08),
        (np.array([0.4, 0.5, 0.3, 0.35, 0.2, 0.25, 0.1, 0.15]), 2, 0.01),
        (0.01 + 0.01 * random_array(40)[::-1], 6, 1e-3),
        (np.linspace(1, 0.9, 12), 4, 0.05),
    ]


def _seeds(
    tail: float = 0.025,
    free: int = -1,
    power: float = 0.5,
    width: float = 1,
    start: int = 2,
    least: float = 0,
) -> Callable[..., Any]:
    """Finds N with Student's t of N + `free` degrees of freedom and a spread falling as N^power.

    The search ends at `_LAST` seeds.
    """

    def num_seeds(difference: float, spread: float) -> int:
        n = np.arange(start, _LAST)
        half_widths = width * _t(tail, free, least)[start:] * spread / n**power
        enough = np.flatnonzero(half_widths < difference)
        return int(n[enough[0]]) if len(enough) else _LAST

    return num_seeds


@cache
def _t(tail: float, free: int, least: float = 0) -> np.ndarray:
    """Student's t that leaves out `tail`, for N = 0 to `_LAST` - 1 seeds."""
    quantiles: np.ndarray = stats.t.isf(tail, np.maximum(np.arange(_LAST) + free, least))
    return quantiles


def _ends_at(last: int, after: int) -> Callable[..., int]:
    """A search that ends at `last` seeds, and then returns `after`."""

    def num_seeds(difference: float, spread: float) -> int:
        found = _seeds()(difference, spread)
        return int(found) if found <= last else after

    return num_seeds


def _with_t_of(free: int) -> Callable[..., int]:
    return _by_formula(lambda ratio: stats.t.isf(0.025, free) * ratio)


def _is_near(quantile: float) -> Sign:
    """The sign of a formula with one quantile for every N, however it was rounded."""

    def holds(output: np.ndarray, difference: float, spread: float) -> bool:
        formula = (quantile * spread / difference) ** 2
        return bool(output.size == 1 and abs(output - formula) <= 2 + 0.001 * formula)

    return everywhere(holds)


def _half_width(n: int, spread: float) -> float:
    return float(stats.t.isf(0.025, n - 1) * spread / n**0.5)


def _root_of_one_less(difference: float, spread: float) -> int:
    n = np.arange(2, _LAST)
    half_widths = _t(0.025, -1)[2:] * spread / (n - 1) ** 0.5
    return int(n[np.flatnonzero(half_widths < difference)[0]])


def _by_formula(factor: Callable[[float], float]) -> Callable[..., int]:
    """The least N above the square of `factor(spread / difference)`, and at least 2."""
    return lambda difference, spread: max(2, int(np.floor(factor(spread / difference) ** 2)) + 1)


def _with(half_width: Callable[..., Any]) -> Callable[..., Any]:
    """Mean difference with an interval of another half width, made of (a - b, a, b)."""
    return lambda a, b: np.mean(a - b) + np.array([0, -1, 1]) * half_width(a - b, a, b)


def _two_samples(equal_var: bool) -> Callable[..., Any]:
    """The interval for two groups that are no pairs, Student's or Welch's."""

    def interval(a: np.ndarray, b: np.ndarray) -> tuple[Any, ...]:
        test = stats.ttest_ind(a, b, equal_var=equal_var)
        return np.mean(a - b), *test.confidence_interval(0.95)

    return interval


def _ratio(found: Comparison, outer: Callable[..., Any]) -> float | None:
    """The half width of an answer's intervals, as a share of `outer(a, b)`, if always the same.

    None where the intervals are not right in the middle.
    """
    ratios = []
    for output, (a, b) in zip(found.given, found.inputs, strict=True):
        if output.shape != (3,):
            return None
        mean, low, high = output.astype(float)
        middle = np.allclose([mean, (low + high) / 2], np.mean(a - b), rtol=1e-4, atol=1e-9)
        if not middle or not np.isfinite(output).all():
            return None
        ratios.append((high - low) / 2 / outer(a, b))
    return ratios[0] if np.allclose(ratios, ratios[0], rtol=1e-3) else None


def _half_width_is(*factors: float) -> Sign:
    """The sign of intervals whose half width is one of these factors times the standard error."""

    def sign(found: Comparison) -> bool:
        ratio = _ratio(found, lambda a, b: stats.sem(a - b))
        return ratio is not None and any(np.isclose(ratio, f, rtol=4e-3) for f in factors)

    return sign


def _is_centred(found: Comparison) -> bool:
    """Whether only the half width is wrong."""
    return all(
        output.shape == (3,) and np.allclose(
            [output[0], (output[1] + output[2]) / 2], np.mean(a - b), rtol=1e-4, atol=1e-9)
        for output, (a, b) in zip(found.given, found.inputs, strict=True)
    )  # fmt: skip


def _kerass_guard(output: np.ndarray, rate: float, factor: float, floor: float) -> Any:
    """A rate that is below the floor already may stay as it is, as in Keras."""
    stays = output.ndim == 0 and rate < floor and output == rate
    return np.array(floor) if stays else output


def _floor_of_its_own(found: Comparison) -> bool:
    """Whether outputs are the product, or else one number for all inputs that is no floor."""
    others = {
        float(output)
        for output, (rate, factor, _) in zip(found.given, found.inputs, strict=True)
        if output.size == 1 and not np.isclose(output, rate * factor, rtol=1e-6)
    }
    return len(others) == 1 and all(output.size == 1 for output in found.given)


_T = stats.t.isf(0.025, 2)  # for three seeds
_PAIRED = "You ignore the pairs: subtract seed by seed first, then take the interval."
_NORMAL = "You use 1.96 for any number of seeds; for few seeds Student's t is much larger."
_OF_THREE = "You take Student's t of three seeds for every N; it changes with N."
_LAST = 20_000
_LIMIT = "Your search ends too early; a small difference may need any number of seeds."
_CURVE = [0.0120, 0.0110, 0.01095, 0.01088, 0.0112, 0.01105, 0.0111, 0.0104, 0.0106, 0.0106, 0.0106]
_A = np.array([0.0083, 0.0091, 0.0087]), np.array([0.03, 0.05, 0.01])
_B = np.array([0.0085, 0.0094, 0.0088]), np.array([0.02, 0.05, 0.03])

# fmt: off
CHECKS: dict[str, Check] = {
    "05.rate_after_fall": Check(
        inputs=lambda: [(1e-3, 0.1**0.5, 5e-7), (2e-5, 0.2, 1e-5), (1e-3, 0.5, 1e-7),
                        (4e-6, 0.5, 1e-5), (float(random_array(1)[0].round(3)), 0.3, 1e-9),
                        (1e-3, 0.5, 7e-4), (1e-3, 0.9, 1e-7), (8e-4, 0.5, 1e-7), (1e-7, 0.1, 1e-12),
                        (0.01, 0.1, 0.0), (2e-5, 0.5, 1e-5), (1e-5, 0.5, 1e-5), (0.5, 0.99, 0.1),
                        (3.0, 0.7, 1.5), (3.7e-7, 0.31, 1e-12)],
        shown=4,
        reference=lambda rate, factor, floor: max(rate * factor, floor),
        measure=_kerass_guard,
        tolerance=1e-12,
        misconceptions={
            "The floor is missing: the rate may not fall below it.": lambda r, f, floor: r * f,
            "You take the smaller one; the floor is the least allowed, so take the larger.":
                (lambda r, f, floor: min(r * f, floor),
                 lambda r, f, floor: floor if r * f > floor else r * f),
            "You divide by the factor, and the rate rises.":
                (lambda r, f, floor: max(r / f, floor), lambda r, f, floor: r / f),
            "The factor is what is kept of the rate, not what is taken away.":
                (lambda r, f, floor: max(r * (1 - f), floor), lambda r, f, floor: r * (1 - f),
                 lambda r, f, floor: max(r - r * f, floor)),
            "You subtract the factor; multiply the rate by it.":
                (lambda r, f, floor: max(r - f, floor), lambda r, f, floor: r - f),
            "Where the fall would lead below the floor, the rate becomes the floor.":
                (lambda r, f, floor: r * f if r * f > floor else r,
                 lambda r, f, floor: r * f if r * f >= floor else r,
                 lambda r, f, floor: r * f if r * f > floor else 0,
                 lambda r, f, floor: r * f if r * f > floor else r + floor),
            "The floor is a limit; do not add it.":
                (lambda r, f, floor: r * f + floor, lambda r, f, floor: floor + (r - floor) * f),
            "The floor is a limit; do not subtract it.":
                (lambda r, f, floor: r * f - floor, lambda r, f, floor: max(r * f - floor, floor)),
            "The floor comes last: multiply first, then take the larger of the two.":
                (lambda r, f, floor: max(r, floor) * f,
                 lambda r, f, floor: max(r, floor) * max(f, floor)),
            "You compare the old rate with the floor; compare the new one.":
                (lambda r, f, floor: r * f if r > floor else floor,
                 lambda r, f, floor: r * f if r >= floor else floor,
                 lambda r, f, floor: r * f if r > floor else r,
                 lambda r, f, floor: max(r, floor)),
            "The floor is a limit for the rate, not for the factor.":
                lambda r, f, floor: r * max(f, floor),
            "You raise the rate to a power; multiply it by the factor.":
                (lambda r, f, floor: max(r**f, floor), lambda r, f, floor: max(r**(1 / f), floor),
                 lambda r, f, floor: max(r * f**2, floor)),
            "You return the floor; it is only the least that the rate may be.":
                lambda r, f, floor: floor,
            "You add factor times the rate; the rate becomes that product.":
                (lambda r, f, floor: max(r + r * f, floor), lambda r, f, floor: r * (1 + f)),
            "You use 0.1; use the argument factor.":
                (lambda r, f, floor: max(r * 0.1, floor), lambda r, f, floor: r * 0.1),
            "You use the root of 0.1; use the argument factor.":
                (lambda r, f, floor: max(r * 0.1**0.5, floor), lambda r, f, floor: r * 0.1**0.5),
            "You use 0.5; use the argument factor.":
                (lambda r, f, floor: max(r * 0.5, floor), lambda r, f, floor: r * 0.5),
            "You round the rate; return it as it is.":
                (lambda r, f, floor: round(max(r * f, floor), 7),
                 lambda r, f, floor: round(max(r * f, floor), 8)),
        },
        signs={
            "You use a floor of your own; use the argument floor.": _floor_of_its_own,
            "Return one number, the new rate.":
                everywhere(lambda output, rate, factor, floor: output.ndim > 0),
            "Where the product is below the floor, the rate becomes the floor.":
                only_where(lambda rate, factor, floor: rate * factor < floor),
            "Where the product is above the floor, it is the new rate: rate times factor.":
                only_where(lambda rate, factor, floor: rate * factor >= floor),
        },
    ),
    "05.first_fall": Check(
        inputs=_first_fall_cases,
        shown=8,
        reference=_fall(),
        drawn_as="curves",
        marks="epoch",
        misconceptions={
            "You wait from the lowest loss of all; the rate falls when patience first runs out.":
                (lambda losses, patience, delta: int(np.argmin(losses)) + 1 + patience,
                 lambda losses, patience, delta: int(np.argmin(losses)) + patience,
                 _after_the_lowest),
            "You return the epoch of the lowest loss; asked is when the rate falls.":
                (lambda losses, patience, delta: int(np.argmin(losses)) + 1,
                 lambda losses, patience, delta: int(np.argmin(losses))),
            "You do not wait: only after patience bad epochs does the rate fall.":
                (lambda losses, patience, delta: _fall()(losses, 1, delta),
                 lambda losses, patience, delta: _fall(best="first")(losses[1:], 1, delta) and
                     _fall(best="first")(losses[1:], 1, delta) + 1),
            "You count epochs from 0; the first epoch is number 1.":
                (_fall(shift=-1), _fall(shift=-1, never=-1)),
            "You name the epoch that trains with the new rate; asked is the one whose end set it.":
                _fall(shift=1),
            "You wait one epoch longer, as PyTorch does: with patience 2, two bad ones are enough.":
                (_fall(wait=1), _fall(wait=1, never=-1), _fall(wait=1, never=1)),
            "You wait one epoch less: with patience 2, two bad epochs in a row are needed.":
                (_fall(wait=-1), _fall(wait=1, shift=-1)),
            "You wait one epoch longer, and count epochs from 0.": _fall(wait=1, shift=-2),
            **_followed(),
            "Where the rate never falls, return 0.":
                (_fall(never=1), _fall(never=-1), _fall(never=2)),
            "You return the epoch of the last improvement; asked is when the rate falls.":
                (_last_improvement, lambda *a: _last_improvement(*a) - 1,
                 lambda losses, patience, delta: max(0, _fall()(losses, patience,
                        delta) - patience)),
            "You skip the first epoch: its loss is the first best.":
                _after_the_first(2),
            "You skip the first epoch, and number 1 is the second: the first sets the first best.":
                _after_the_first(1),
            "You use a patience of your own; use patience.":
                tuple(lambda losses, patience, delta, n=n: _fall()(losses, n, delta)
                       for n in (2, 3, 4, 5, 10)),
            "You use a min_delta of your own; use min_delta.":
                tuple(lambda losses, patience, delta, d=d: _fall()(losses, patience, d)
                      for d in (1e-4, 1e-3)),
            "You return how many bad epochs there are, or how often the rate falls; asked is the "
            "epoch of the first fall.": (_bad_epochs, lambda *a: len(_all_falls(*a))),
            "You return the last fall; asked is the first.":
                lambda *arguments: (_all_falls(*arguments) or [0])[-1],
            "You compare two losses that are patience epochs apart; count bad epochs in a row "
            "instead.":
                (lambda losses, patience, delta: _apart(losses, patience, delta),
                 lambda losses, patience, delta: _apart(losses, patience, delta, shift=-1),
                 lambda losses, patience, delta: _apart(losses, patience, 0)),
            "You wait for losses that rise; an epoch is bad if it is not better by min_delta.":
                _rising,
            "You return True or False; return the number of the epoch.":
                lambda losses, patience, delta: bool(_fall()(losses, patience, delta)),
        },
        signs={
            "Where the rate never falls, return 0.": _only_where_it_never_falls,
            "A loss that is equal to best minus min_delta is not better: compare with <, not <=.":
                only_where(lambda losses, patience, min_delta: min_delta in (0.0, 0.125, 0.25)),
            "The last epoch counts too: the rate may fall at its end.": _only_where_the_last_falls,
            "An array may have one epoch only.":
                only_where(lambda losses, patience, min_delta: len(losses) == 1),
        },
        otherwise={
            "Your rate falls too late, or not at all: an epoch is bad unless its loss is below the "
            "best by more than min_delta.": _falls(late=True),
            "Your rate falls too early: it takes as many bad epochs in a row as patience says, and "
            "a better one sets the count back.": _falls(late=False),
        },
    ),
    "05.paired_interval": Check(
        inputs=lambda: [(a.copy(), b.copy()) for a, b in zip(_A, _B, strict=True)]
        + [tuple(0.01 + 0.001 * random_array(2, 3)),
           (np.array([0.01, 0.02, 0.04]), np.array([0.02, 0.025, 0.05])),
           (np.array([0.02, 0.01, 0.03]), np.array([0.01, 0.013, 0.011]))],
        shown=2,
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
            "You leave the scheduled runs out: subtract seed by seed.":
                lambda a, b: mean_interval(b),
            "You add the runs; subtract them, seed by seed.": lambda a, b: mean_interval(a + b),
            "You average the two runs of a seed; subtract one from the other.":
                lambda a, b: mean_interval((a + b) / 2),
            "You drop the signs; a difference below zero says that the schedule is better.":
                (lambda a, b: mean_interval(np.abs(a - b)),
                 lambda a, b: np.abs(mean_interval(a - b))),
            "You square the differences; asked is the plain difference.":
                lambda a, b: mean_interval((a - b) ** 2),
            "You take a share of the constant run; asked is the plain difference.":
                (lambda a, b: mean_interval((a - b) / b), lambda a, b: mean_interval(a / b),
                 lambda a, b: mean_interval(100 * (a - b) / b)),
            "The order is mean, low, high.":
                tuple(lambda a, b, o=o: tuple(np.array(mean_interval(a - b))[o])
                      for o in ([0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])),
            "You leave the mean out: return mean, low and high.":
                lambda a, b: mean_interval(a - b)[1:],
            "You return the mean alone: return mean, low and high.": lambda a, b: np.mean(a - b),
            "You return the differences; return their mean and its interval.": lambda a, b: a - b,
            "You return the half width; return the ends, mean minus and mean plus it.":
                (lambda a, b: (np.mean(a - b), *[_T * stats.sem(a - b)] * 2),
                 lambda a, b: (np.mean(a - b), _T * stats.sem(a - b)),
                 lambda a, b: (np.mean(a - b), -_T * stats.sem(a - b), _T * stats.sem(a - b))),
            _PAIRED:
                (_with(lambda d, a, b: _T * np.hypot(stats.sem(a), stats.sem(b))),
                 _with(lambda d, a, b: 1.96 * np.hypot(stats.sem(a), stats.sem(b))),
                 _with(lambda d, a, b: _T * stats.sem(np.r_[a, b])),
                 _with(lambda d, a, b: stats.t.isf(0.025, 5) * stats.sem(np.r_[a, b])),
                 lambda a, b: mean_interval(np.r_[a, -b])),
            "You compare two groups that share nothing (Welch); these runs come in pairs: subtract "
            "seed by seed first.": _two_samples(equal_var=False),
            "You compare two groups that share nothing, with a pooled spread; these runs come in "
            "pairs: subtract seed by seed first.": _two_samples(equal_var=True),
            "You make two intervals and subtract one from the other: subtract seed by seed first, "
            "then make one.":
                lambda a, b: np.subtract(mean_interval(a), mean_interval(b)),
            "You make two intervals and take the ends farthest apart: subtract seed by seed first, "
            "then make one.": _with(lambda d, a, b: _T * (stats.sem(a) + stats.sem(b))),
            "You make two intervals and subtract their half widths: subtract seed by seed first, "
            "then make one.": _with(lambda d, a, b: _T * abs(stats.sem(a) - stats.sem(b))),
            "You sort the runs, and the pairs are lost: keep the order, it is that of the seeds.":
                lambda a, b: mean_interval(np.sort(a) - np.sort(b)),
            "You subtract the mean of the constant runs, or the runs of one seed: subtract seed by "
            "seed.":
                (lambda a, b: mean_interval(a - b.mean()), lambda a, b: mean_interval(a.mean() - b),
                 lambda a, b: mean_interval(a - b[0]), lambda a, b: mean_interval(a - b[-1])),
            "Every run is compared with every other, by shapes (3, 1) and (3,): subtract seed by "
            "seed.":
                (lambda a, b: mean_interval((a[:, None] - b).ravel()),
                 _with(lambda d, a, b: _T * stats.sem((a[:, None] - b).ravel())),
                 _with(lambda d, a, b: 1.96 * stats.sem((a[:, None] - b).ravel()))),
            "You return the extremes of the differences; return the interval of their mean.":
                (lambda a, b: (np.mean(a - b), min(a - b), max(a - b)),
                 lambda a, b: (np.mean(a - b), *np.percentile(a - b, [2.5, 97.5]))),
            "You take the median; the interval is that of the mean.":
                lambda a, b: mean_interval(a - b) - np.mean(a - b) + np.median(a - b),
            "You use the variance where the standard deviation belongs.":
                (_with(lambda d, a, b: _T * np.var(d, ddof=1) / np.sqrt(3)),
                 _with(lambda d, a, b: _T * np.var(d) / np.sqrt(3)),
                 _with(lambda d, a, b: 1.96 * np.var(d, ddof=1) / np.sqrt(3))),
        },
        signs={
            "You use 1.96, which is for many seeds; three need Student's t.":
                _half_width_is(1.96, 1.96 * 3**0.5, 1.96 * (2 / 3)**0.5, 1.96 * 2**0.5,
                       1.96 / 3**0.5, 2.0),
            "You use the quantile at 0.95, and leave out 5 % on either side; 95 % takes that at "
            "0.975.":
                _half_width_is(*(f * q for f in (1, 3**0.5, (2 / 3)**0.5)
                                 for q in (stats.t.ppf(0.95, 2), stats.t.ppf(0.95, 3), 1.645))),
            "Three seeds have two degrees of freedom: the mean costs one.":
                _half_width_is(*(f * stats.t.ppf(0.975, free) for f in (1, 3**0.5, (2 / 3)**0.5)
                                 for free in (3, 4, 5, 1))),
            "Divide by the root of the number of seeds: asked is how sure the mean is.":
                _half_width_is(_T * 3**0.5, _T * 2**0.5),
            "You divide by the number of seeds; divide by its root.":
                _half_width_is(_T / 3**0.5, _T * (2 / 3)**0.5 / 3**0.5),
            "Your standard deviation divides by N; a sample's divides by N - 1 (ddof=1).":
                _half_width_is(_T * (2 / 3)**0.5, _T * (2 / 3)**0.5 * 3**0.5),
            "You divide by the root of N - 1, and the spread has done so already.":
                _half_width_is(_T * 1.5**0.5),
            "You leave Student's t out: the half width is t times the standard error.":
                _half_width_is(1, 3**0.5, (2 / 3)**0.5, 2**0.5),
            "You take the whole width for the half, or half of the half.":
                _half_width_is(2 * _T, _T / 2),
            "You take the quantile of 99 %: the interval is that of 95 %.":
                _half_width_is(stats.t.ppf(0.995, 2), 2.576, stats.t.ppf(0.99, 2)),
            "The middle is right, but not the half width: t, the standard deviation with ddof=1, "
            "and the root of the number of seeds make it.":
                lambda found: _ratio(found, lambda a, b: stats.sem(a - b)) is not None,
            _PAIRED: _is_centred,
            "Return three numbers: mean, low and high.":
                everywhere(lambda output, a, b: output.shape != (3,)),
            "The mean is right, but the ends are not as far below it as above.":
                everywhere(lambda output, a, b: np.isclose(output[0], np.mean(a - b), atol=1e-7)),
        },
        otherwise={
            "The first number is the mean of scheduled minus constant, and yours is another.":
                lambda found: True,
        },
    ),
    "05.num_seeds": Check(
        inputs=lambda: [(0.001, 0.0005), (0.0002, 0.0003), (0.0001, 0.0004), (0.0003, 0.0001),
                        (0.01, 0.001), (0.0001, 0.001),
                        (0.001, float((0.001 + 0.001 * random_array(1)[0]).round(6))),
                        (0.0002, 0.0004), (0.001, 0.0115), (1e-5, 5.4e-4), (1.0, 3.0),
                        (0.001, 0.0001), (0.5, 0.25)],
        shown=6,
        reference=lambda difference, spread: _seeds()(difference, spread),
        misconceptions={
            _NORMAL:
                (_seeds(free=10**9), _by_formula(lambda ratio: 1.96 * ratio),
                 lambda d, s: int(np.ceil((1.96 * s / d) ** 2)),
                 lambda d, s: max(2, int(np.ceil((1.96 * s / d) ** 2))),
                 _by_formula(lambda ratio: 2 * ratio), _seeds(free=10**9, tail=0.05)),
            _OF_THREE:
                (_by_formula(lambda ratio: _T * ratio),
                 lambda d, s: max(2, int(np.ceil((_T * s / d) ** 2))),
                 *map(_with_t_of, (1, 3, 4, 9))),
            "You leave t out: the half width is t times spread over the root of N.":
                (lambda difference, spread: int(np.floor((spread / difference) ** 2)) + 1,
                 _by_formula(lambda ratio: ratio),
                 lambda d, s: max(2, int(np.ceil((s / d) ** 2))),
                 lambda d, s: int(np.ceil((s / d) ** 2))),
            "The spread of a mean falls with the root of the number of seeds, not with the number.":
                (_seeds(power=1), lambda d, s: max(2, int(np.floor(1.96 * s / d)) + 1)),
            "The spread of a mean falls with the root of the number of seeds; yours stays.":
                lambda d, s: _seeds(power=0)(d, s) if stats.t.isf(0.025, 10**6) * s < d else _LAST,
            "You use the variance where the standard deviation belongs, or take roots of spread.":
                (lambda d, s: _seeds()(d, s**2), lambda d, s: _seeds()(d, s**0.5)),
            "You divide by the root of N - 1; the half width has the root of N.":
                lambda d, s: _root_of_one_less(d, s),
            "One too few: with that many seeds the interval still contains 0.":
                lambda difference, spread: max(2, _seeds()(difference, spread) - 1),
            "You stop one seed too early: with that many the interval still contains 0, and 1 seed "
            "has no spread.": lambda difference, spread: _seeds()(difference, spread) - 1,
            "One too many: one seed fewer is enough.":
                lambda difference, spread: _seeds()(difference, spread) + 1,
            "Your search begins with 3 seeds; where the spread is small, 2 are enough.":
                _seeds(start=3),
            "Your search begins with many seeds; where the spread is small, 2 are enough.":
                tuple(_seeds(start=n) for n in (4, 5, 6, 10, 20, 30)),
            _LIMIT: tuple(
                _ends_at(n, after) for n in (20, 30, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
                for after in (n, n - 1, n + 1, 0, -1)),
            "You ask for the whole width of the interval; the half width must be the smaller one.":
                _seeds(width=2),
            "You halve the half width; it is t times spread over the root of N.": _seeds(width=0.5),
            "For N seeds, Student's t has N - 1 degrees of freedom.":
                (_seeds(free=0), _seeds(free=1), _seeds(free=-2, least=1, start=3)),
            "A 95 % interval leaves out 2.5 % on either side, not 5 %.":
                (_seeds(tail=0.05), _seeds(tail=0.05, free=0), _seeds(tail=0.1)),
            "You leave out half a percent on either side; a 95 % interval leaves out 2.5 %.":
                (_seeds(tail=0.005), _seeds(tail=0.01), _seeds(tail=0.0125)),
            "Difference and spread have changed places.": lambda d, s: _seeds()(s, d),
            "You return the half width; return the number of seeds.":
                lambda d, s: _half_width(_seeds()(d, s), s),
            "N is a whole number: search, or round up.":
                (lambda d, s: (1.96 * s / d) ** 2, lambda d, s: (_T * s / d) ** 2,
                 lambda d, s: (s / d) ** 2),
        },
        signs={
            _NORMAL: _is_near(1.96),
            _OF_THREE: _is_near(_T),
            _LIMIT: lambda found: any(found.is_right) and all(
                right > 20 for right, is_right in zip(found.right, found.is_right, strict=True)
                       if not is_right),
            "N is at least 2: one seed has no spread.":
                lambda found: any(output.ndim == 0 and output < 2 for output in found.given),
            "Two seeds may be enough, and 1 seed has no spread: begin with N = 2.":
                lambda found: any(found.is_right) and all(
                    right == 2 for right, is_right in zip(found.right, found.is_right, strict=True)
                    if not is_right),
        },
        otherwise={
            "You find too few: with so many seeds the half width is not yet below the difference.":
                lambda found: all(output.ndim == 0 and output <= right
                                  for output, right in zip(found.given, found.right, strict=True)),
            "You find too many: with fewer seeds the half width is below the difference already.":
                lambda found: all(output.ndim == 0 and output >= right
                                  for output, right in zip(found.given, found.right, strict=True)),
        },
    ),
}
# fmt: on
