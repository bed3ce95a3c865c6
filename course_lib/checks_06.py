"""Floor 5: the checks of lesson 06, comparing models."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from course_lib.checks import Check


def _interval(half_width: Callable[..., Any], sign: int = 1) -> Callable[..., tuple]:
    def interval(a: np.ndarray, b: np.ndarray) -> tuple:
        mean, half = sign * np.mean(a - b), half_width(a, b)
        return mean, mean - half, mean + half

    return interval


def _standard_error(a: np.ndarray, b: np.ndarray) -> np.floating:
    return np.std(a - b, ddof=1) / np.sqrt(len(a))


_right_interval = _interval(lambda a, b: 1.96 * _standard_error(a, b))


def _errors(num_images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two models' errors: images differ more than models do, as in reality."""
    random = np.random.default_rng(seed)
    hard = 5 * random.random(num_images)
    return hard + random.random(num_images) + 0.3, hard + random.random(num_images)


def _first(is_enough: Callable[..., Any]) -> Callable[[float, float], int]:
    return lambda difference, spread: next(
        n for n in range(2, 10_000) if is_enough(n, difference, spread)
    )


def _t(n: int, confidence: float = 0.975) -> float:
    return stats.t.ppf(confidence, n - 1)


_right_seeds = _first(lambda n, difference, spread: _t(n) * spread / n**0.5 < difference)

_KERAS = {"latent": 256, "learning_rate": 1e-3, "rotation": 0.0, "batch_size": 32}
_TORCH = _KERAS | {"latent": 65536, "learning_rate": 1e-4}
_TURNED = _KERAS | {"rotation": 15.0, "batch_size": 100}


def _pick(is_right: Callable[..., Any]) -> Callable[..., int]:
    """The first candidate of which `is_right(changed, candidate, one, other)`."""

    def pick(one: dict, other: dict, candidates: list[dict]) -> int:
        for index, candidate in enumerate(candidates):
            changed = [name for name in one if candidate[name] != one[name]]
            if is_right(changed, candidate, one, other):
                return index
        return -1

    return pick


def _causes(changed: list[str], one: dict, other: dict) -> list[str]:
    return [name for name in changed if one[name] != other[name]]


_right_pick = _pick(lambda changed, run, one, other:
                    len(changed) == 1 and run[changed[0]] == other[changed[0]])  # fmt: skip

# fmt: off
CHECKS = {
    "06.skill": Check(
        inputs=lambda: [(0.005, 0.0066), (0.0165, 0.0066), (0.0066, 0.0066)],
        reference=lambda mse, copy: 1 - mse / copy,
        misconceptions={
            "The sign is wrong: a model that is better than the gray copy has a positive skill.":
                lambda mse, copy: mse / copy - 1,
            "You return the fraction of the error that is left; the skill is what is taken away.":
                lambda mse, copy: mse / copy,
            "You return a difference in MSE; as a fraction of the gray copy's it can be read.":
                lambda mse, copy: copy - mse,
            "You divide by the model's MSE; the gray copy is what it is measured against.":
                lambda mse, copy: (copy - mse) / mse,
            "You return percent; the exercise asks for a fraction.":
                lambda mse, copy: 100 * (1 - mse / copy),
            "You drop the sign, and a model that does harm looks like one that helps.":
                lambda mse, copy: abs(1 - mse / copy),
            "You cut off below zero, and hide which models are worse than doing nothing.":
                lambda mse, copy: max(0, 1 - mse / copy),
        },
    ),
    "06.paired_interval": Check(
        inputs=lambda: [_errors(2000, 1), _errors(2500, 2)],
        reference=_right_interval,
        tolerance=5e-4,
        misconceptions={
            "The sign is wrong: the exercise asks for a - b.":
                _interval(lambda a, b: 1.96 * _standard_error(a, b), sign=-1),
            "You add the spreads of a and b; subtract image by image first, then take the spread.":
                _interval(lambda a, b: 1.96 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))),
            "You take the spread of single images; the mean of N is surer, by the root of N.":
                _interval(lambda a, b: 1.96 * np.std(a - b, ddof=1)),
            "You divide by N; the standard error divides by the root of N.":
                _interval(lambda a, b: 1.96 * np.std(a - b, ddof=1) / len(a)),
            "You go one standard error to either side; for 95 % it takes 1.96 of them.":
                _interval(_standard_error),
            "You use the variance where the standard deviation belongs.":
                _interval(lambda a, b: 1.96 * np.var(a - b, ddof=1) / np.sqrt(len(a))),
            "The order is mean, lower end, upper end.":
                lambda a, b: tuple(np.array(_right_interval(a, b))[[1, 0, 2]]),
        },
    ),
    "06.seeds_needed": Check(
        inputs=lambda: [(1e-3, 5e-4), (2e-4, 5e-4), (5e-4, 5e-4), (1e-2, 1e-3)],
        reference=_right_seeds,
        misconceptions={
            "You use 1.96 for t; with few seeds t is far larger.":
                _first(lambda n, difference, spread: 1.96 * spread / n**0.5 < difference),
            "You take the 95 % point; with 2.5 % cut off at either end it is the 97.5 % point.":
                _first(lambda n, difference, spread: _t(n, 0.95) * spread / n**0.5 < difference),
            "You divide by n; the standard error divides by the root of n.":
                _first(lambda n, difference, spread: _t(n) * spread / n < difference),
            "You take n degrees of freedom; the mean costs one, so there are n - 1.":
                _first(lambda n, difference, spread: _t(n + 1) * spread / n**0.5 < difference),
            "You stop one seed too early: with this many the interval still holds zero.":
                lambda difference, spread: max(2, _right_seeds(difference, spread) - 1),
            "You ask for one seed too many: a smaller number is enough.":
                lambda difference, spread: _right_seeds(difference, spread) + 1,
        },
    ),
    "06.separating_experiment": Check(
        inputs=lambda: [
            (_KERAS, _TORCH, [_TORCH, _KERAS | {"latent": 65536, "rotation": 15.0},
                              _KERAS | {"learning_rate": 1e-2}, _KERAS | {"latent": 65536}]),
            (_TORCH, _KERAS, [_TORCH, _TORCH | {"batch_size": 100}, _TORCH | {"latent": 256},
                              _KERAS]),
            (_KERAS, _TURNED, [_KERAS | {"rotation": 30.0}, _TURNED | {"rotation": 0.0}, _KERAS,
                               _TURNED]),
        ],
        reference=_right_pick,
        misconceptions={
            "You take the first run that is new; its score may then have several causes.":
                _pick(lambda changed, run, one, other: changed),
            "You choose `other` again, which changes both causes at once: nothing is separated.":
                _pick(lambda changed, run, one, other: run == other),
            "One setting changes, but not one of the two in which the runs differ.":
                _pick(lambda changed, run, one, other: len(changed) == 1),
            "You take a run that changes a third setting too, and brings a new confound.":
                _pick(lambda changed, run, one, other: 1 == sum(
                    run[name] == other[name] for name in _causes(changed, one, other))
                    == len(_causes(changed, one, other))),
            "You take a value that neither run has: it tells what happens elsewhere, not here.":
                _pick(lambda changed, run, one, other:
                      len(changed) == 1 == len(_causes(changed, one, other))),
            "You count from 1; indices begin with 0.":
                lambda *arguments: _right_pick(*arguments) + 1,
        },
    ),
}
# fmt: on
