"""The checks of lesson 06, comparing models."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from course_lib import statistics
from course_lib.checks import Check, CheckFailed, random_array, random_whole

_Settings = dict[str, Any]  # of one run, by name


def _interval(half_width: Callable[..., Any], sign: int = 1) -> Callable[..., tuple[Any, ...]]:
    def interval(a: np.ndarray, b: np.ndarray) -> tuple[Any, ...]:
        mean, half = sign * np.mean(a - b), half_width(a, b)
        return mean, mean - half, mean + half

    return interval


def _standard_error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.std(a - b, ddof=1) / np.sqrt(len(a)))


_right_interval = _interval(lambda a, b: 1.96 * _standard_error(a, b))
_BOOTSTRAP = "Your ends are nearly right, as a bootstrap's are; take 1.96 standard errors instead."
_THREE = "Return three numbers: mean, lower end, upper end."
_HALF_WIDTH = "You return the half-width, not the ends: take it from the mean, and add it."


def _told_apart(given: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The three numbers. 1.96 or Student's t, N or N - 1 cannot be told; resampling can."""
    if given.shape != (3,):
        raise CheckFailed(_THREE)
    if np.allclose(np.abs(given[1:]), 1.96 * _standard_error(a, b), rtol=1e-3):
        raise CheckFailed(_HALF_WIDTH)
    off = np.abs(given - _right_interval(a, b))
    if off[0] < 3e-5 < off[1:].max() < 0.1 * _standard_error(a, b):
        raise CheckFailed(_BOOTSTRAP)
    return given


def _errors(num_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two models' errors: images differ more than models do, as in reality."""
    random = np.random.default_rng(seed)
    hard = 5 * random.random(num_images)
    return hard + random.random(num_images) + 0.3, hard + random.random(num_images)


def _t(n: int, confidence: float = 0.975) -> float:
    return float(stats.t.ppf(confidence, n - 1))


def _share(is_found: Callable[..., np.ndarray]) -> Callable[..., float]:
    """The share of simulated studies of which `is_found(mean, half_width, effect, spread, n)`."""

    def share(effect: float, spread: float, n: int, seed: int) -> float:
        studies = np.random.default_rng(seed).normal(effect, spread, (1000, n))
        half_widths = _t(n) * studies.std(axis=1, ddof=1) / n**0.5  # (1000,)
        found = is_found(studies.mean(axis=1), half_widths, effect, spread, n)
        return float(np.mean(found))

    return share


def _power(factor: Callable[[int], float]) -> Callable[..., float]:
    """Power with half-widths that are wrong by a factor, a function of n."""
    return _share(lambda mean, half, effect, spread, n: np.abs(mean) > factor(n) * half)


_right_power = _power(lambda n: 1.0)
_SAME_DRAWS = "Your share is the same for every seed: draw with np.random.default_rng(seed)."


class _NeedsSeed(Check):
    """A check whose last three inputs differ in their seed alone: the outputs must differ too."""

    def verdict(self, outputs: list[Any]) -> str | None:
        problem = super().verdict(outputs)
        if problem is None and len({float(output) for output in outputs[-3:]}) == 1:
            return _SAME_DRAWS
        return problem


_KERAS = {"latent": 256, "learning_rate": 1e-3, "rotation": 0.0, "batch_size": 32}
_TORCH = _KERAS | {"latent": 65536, "learning_rate": 1e-4}
_TURNED = _KERAS | {"rotation": 15.0, "batch_size": 100}
_NO_INDEX = "There is no candidate at this place: indices are whole numbers and begin with 0."
# What is wrong with a run, given what it changes of `one`, and which of that is a cause.
# fmt: off
_MISTAKES: dict[str, Callable[..., bool]] = {
    "You choose `one` again, which changes nothing: its score is already known.":
        lambda run, other, changed, causes: not changed,
    "You choose `other` again, which changes both causes at once: nothing is separated.":
        lambda run, other, changed, causes: run == other,
    "One setting changes, but not one of the two in which the runs differ.":
        lambda run, other, changed, causes: not causes and len(changed) == 1,
    "You take a run that changes a third setting too, and brings a new confound.":
        lambda run, other, changed, causes: changed != causes,
    "You take a value that neither run has: it tells what happens elsewhere, not here.":
        lambda run, other, changed, causes: any(run[name] != other[name] for name in causes),
}
# fmt: on


def _mistake(run: _Settings, one: _Settings, other: _Settings) -> str:
    """What is wrong with this candidate, in a sentence; empty if nothing is."""
    changed = [name for name in one if run[name] != one[name]]
    causes = [name for name in changed if one[name] != other[name]]
    deserved = [text for text, so in _MISTAKES.items() if so(run, other, changed, causes)]
    return deserved[0] if deserved else ""


def _pick(mistake: str) -> Callable[..., int]:
    """Chooses the candidate with this mistake, where there is one, and else the right one."""

    def pick(one: _Settings, other: _Settings, candidates: list[_Settings]) -> int:
        mistakes = [_mistake(run, one, other) for run in candidates]
        return mistakes.index(mistake if mistake in mistakes else "")

    return pick


def _column(run: _Settings) -> str:
    return "\n".join(f"{setting:,g}" for setting in run.values())


def _separates(
    index: np.ndarray, one: _Settings, other: _Settings, candidates: list[_Settings]
) -> bool:
    """True. Or says what is wrong with the candidate that was chosen."""
    if index.ndim:
        raise CheckFailed("Return the index itself, one whole number, not a list of indices.")
    if index not in range(len(candidates)):
        raise CheckFailed(_NO_INDEX)
    mistake = _mistake(candidates[int(index)], one, other)
    if mistake:
        raise CheckFailed(mistake)
    return True


# fmt: off
CHECKS = {
    "06.skill": Check(
        inputs=lambda: [(0.005, 0.0066), (0.0165, 0.0066), (0.0066, 0.0066), (0.009, 0.012),
                        tuple((0.004 + 0.01 * random_array(2)).round(4).tolist())],
        reference=lambda mse, gray_copy_mse: 1 - mse / gray_copy_mse,
        misconceptions={
            "The sign is wrong: a model that is better than the gray copy has a positive skill.":
                lambda mse, copy: mse / copy - 1,
            "You return the fraction of the error that is left; the skill is what is taken away.":
                lambda mse, copy: mse / copy,
            "You return a difference in MSE; as a fraction of the gray copy's it can be read.":
                lambda mse, copy: copy - mse,
            "You divide by the model's MSE; the gray copy is what it is measured against.":
                lambda mse, copy: (copy - mse) / mse,
            "The fraction is upside down: divide the model's MSE by the gray copy's.":
                lambda mse, copy: 1 - copy / mse,
            "You take roots; the skill is about the MSE itself.":
                lambda mse, copy: 1 - np.sqrt(mse / copy),
            "You return percent, not a fraction.": lambda mse, copy: 100 * (1 - mse / copy),
            "You drop the sign, and a model that does harm looks like one that helps.":
                lambda mse, copy: abs(1 - mse / copy),
            "You cut off below zero, and hide which models are worse than doing nothing.":
                lambda mse, copy: max(0, 1 - mse / copy),
            "You use 0.0066 for every gray copy; use gray_copy_mse.":
                lambda mse, copy: 1 - mse / 0.0066,
        },
    ),
    "06.paired_interval": Check(
        inputs=lambda: [_errors(2000, 1), _errors(2500, 2),
                        _errors(1600, *random_whole(3, 10**6, 1))],
        reference=_right_interval,
        tolerance=3e-4,
        measure=_told_apart,
        drawn_as="intervals",
        panel=lambda interval, a, b: {"a": a, "b": b, "mean, low, high of a minus b": interval},
        misconceptions={
            "The sign is wrong: the exercise asks for a - b.":
                _interval(lambda a, b: 1.96 * _standard_error(a, b), sign=-1),
            "You add the spreads of a and b; subtract image by image first, then take the spread.":
                _interval(lambda a, b: 1.96 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))),
            "You take the spread of single images; the mean of N is surer, by the root of N.":
                _interval(lambda a, b: 1.96 * np.std(a - b, ddof=1)),
            "These are percentiles of single images; asked is how sure their mean is.":
                lambda a, b: (np.mean(a - b), *np.percentile(a - b, [2.5, 97.5])),
            "You drop the signs; the models take turns in being worse.":
                lambda a, b: _right_interval(np.abs(a - b), 0 * a),
            "You add up two half-widths; subtract image by image first, then take one.":
                _interval(lambda a, b: 1.96 * (stats.sem(a) + stats.sem(b))),
            "You subtract one model's spread from the other's; subtract image by image first.":
                _interval(lambda a, b: 1.96 * (stats.sem(a) - stats.sem(b))),
            "You divide by N; the standard error divides by the root of N.":
                _interval(lambda a, b: 1.96 * np.std(a - b, ddof=1) / len(a)),
            "You use 1.645, which leaves out 5 % on either side; 95 % takes 1.96.":
                _interval(lambda a, b: 1.645 * _standard_error(a, b)),
            "The ends have changed places: the lower one comes first.":
                _interval(lambda a, b: -1.96 * _standard_error(a, b)),
            "You go one standard error either way; 95 % takes 1.96.":
                _interval(_standard_error),
            "You use the variance where the standard deviation belongs.":
                _interval(lambda a, b: 1.96 * np.var(a - b, ddof=1) / np.sqrt(len(a))),
            "The order is mean, lower end, upper end.":
                lambda a, b: tuple(np.array(_right_interval(a, b))[[1, 0, 2]]),
            _HALF_WIDTH: lambda a, b: (np.mean(a - b), *[1.96 * _standard_error(a, b)] * 2),
            _THREE: lambda a, b: (np.mean(a - b), 1.96 * _standard_error(a, b)),
            _BOOTSTRAP: statistics.paired_difference,
        },
    ),
    "06.power": _NeedsSeed(
        inputs=lambda: [(1e-3, 5e-4, 3, 1), (2e-4, 4e-4, 18, 2), (-6e-4, 4e-4, 4, 3),
                        (0.0, 1e-3, 3, 4), (4e-3, 5e-4, 2, 5),
                        *((6e-4, 5e-4, 4, seed) for seed in random_whole(6, 10**6, 3))],
        shown=5,
        reference=_right_power,
        tolerance=0.06,  # other draws give another share: four of its standard errors at most
        measured="the share",
        misconceptions={
            "You return the share that misses it.": lambda *given: 1 - _right_power(*given),
            "You return a count, not a share of 1,000.": lambda *given: 1000 * _right_power(*given),
            "You return percent, not a share.": lambda *given: 100 * _right_power(*given),
            "You use 1.96 for t; with few seeds t is far larger.": _power(lambda n: 1.96 / _t(n)),
            "Cut off 2.5 % at either end, not 5 %.": _power(lambda n: _t(n, 0.95) / _t(n)),
            "The mean costs one degree of freedom of n.": _power(lambda n: _t(n + 1) / _t(n)),
            "You draw studies without the effect.":
                lambda effect, *given: _right_power(0, *given),
            "Every mean differs from zero; ask whether the interval excludes it.":
                _share(lambda mean, *_: mean != 0),
            "You divide by n; divide by the root of n.": _power(lambda n: n**-0.5),
            "A mean of n seeds is surer, by the root of n.": _power(lambda n: n**0.5),
            "Estimate the spread with n - 1 (`ddof=1`).": _power(lambda n: (1 - 1 / n) ** 0.5),
            "You use the true spread; a study knows that of its own n seeds alone.":
                _share(lambda mean, half, effect, spread, n:
                       np.abs(mean) > _t(n) * spread / n**0.5),
            "A study below 0 finds a difference too.":
                _share(lambda mean, half, *_: mean > half),
            "You ask whether the interval holds the effect; ask whether it excludes zero.":
                _share(lambda mean, half, effect, *_: np.abs(mean - effect) < half),
            _SAME_DRAWS: lambda effect, spread, n, seed: _right_power(effect, spread, n, 0),
        },
    ),
    "06.separating_experiment": Check(
        inputs=lambda: [
            (_KERAS, _TORCH, [_TORCH, _KERAS | {"latent": 65536, "rotation": 15.0},
                              _KERAS | {"learning_rate": 1e-2}, _KERAS | {"latent": 65536}]),
            (_KERAS, _TORCH, [_TORCH | {"batch_size": 100}, _KERAS | {"latent": 65536}, _KERAS]),
            (_TORCH, _KERAS, [_TORCH, _TORCH | {"batch_size": 100}, _TORCH | {"latent": 256},
                              _KERAS]),
            (_KERAS, _TURNED, [_KERAS | {"rotation": 30.0}, _TURNED | {"rotation": 0.0}, _KERAS,
                               _TURNED]),
        ],
        reference=_pick(""),
        measure=_separates,
        panel=lambda index, one, other, candidates: {
            "setting": "\n".join(one), "one": _column(one), "other": _column(other),
            **{f"candidate {i}": _column(run) for i, run in enumerate(candidates)},
            "returns": index},
        misconceptions={
            **{sentence: _pick(sentence) for sentence in _MISTAKES},
            _NO_INDEX: lambda *arguments: _pick("")(*arguments) + 1,
        },
    ),
}
# fmt: on
