"""The checks of lesson 06, comparing models."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from scipy import stats

from course_lib import statistics
from course_lib.checks import (
    Check,
    CheckFailed,
    Comparison,
    Sign,
    common_mistakes,
    everywhere,
    only_where,
    random_array,
    random_whole,
)
from course_lib.checks.returned_numbers import NotNumbers

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
_TWO = "You go two standard errors either way; 95 % takes 1.96."
_HALF_WIDTH = "You return the half-width, not the ends: take it from the mean, and add it."


def _told_apart(given: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The three numbers. 1.96 or Student's t, N or N - 1 cannot be told; resampling can."""
    if given.shape != (3,):
        raise CheckFailed(_THREE)
    error = _standard_error(a, b)
    if np.allclose(np.abs(given[1:]), 1.96 * error, rtol=1e-3):
        raise CheckFailed(_HALF_WIDTH)
    off = np.abs(given - _right_interval(a, b))
    if np.allclose([given[0] - given[1], given[2] - given[0]], 2 * error, rtol=1e-3):
        raise CheckFailed(_TWO)
    if off[0] < 3e-5 < off[1:].max() < 0.1 * error:
        raise CheckFailed(_BOOTSTRAP)
    return given


def _half_width_is(*ways: Callable[[np.ndarray], float]) -> Sign:
    """The sign of intervals around the right mean with one of these half widths."""

    def sign(found: Comparison) -> bool:
        halves = [(output[2] - output[1]) / 2 for output in found.given]
        return _is_centred(found) and any(
            np.allclose(halves, [way(a - b) for a, b in found.inputs], rtol=3e-3) for way in ways
        )

    return sign


def _is_centred(found: Comparison) -> bool:
    return all(
        np.allclose([output[0], (output[1] + output[2]) / 2], np.mean(a - b), atol=1e-6)
        for output, (a, b) in zip(found.given, found.inputs, strict=True)
    )


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


def _exact_power(effect: float, spread: float, n: int, seed: int = 0) -> float:
    """What simulations scatter around, by Student's noncentral t."""
    shift = effect / spread * n**0.5
    far = stats.nct.cdf(-_t(n), n - 1, shift)  # SciPy gives NaN for what is next to nothing
    return float(stats.nct.sf(_t(n), n - 1, shift) + np.nan_to_num(far))


def _from(draw: Callable[..., np.ndarray], count: int = 1000) -> Callable[..., float]:
    """The share of `count` studies, drawn by `draw(effect, spread, (count, n), seed)`."""

    def share(effect: float, spread: float, n: int, seed: int) -> float:
        studies = draw(effect, spread, (count, n), seed)
        half_widths = _t(n) * studies.std(axis=1, ddof=1) / n**0.5
        return float(np.mean(np.abs(studies.mean(axis=1)) > half_widths))

    return share


def _new(effect: float, spread: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(effect, spread, shape)


def _old(effect: float, spread: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.RandomState(seed % 2**32).normal(effect, spread, shape)


def _old_by_columns(effect: float, spread: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    return _old(effect, spread, shape[::-1], seed).T


def _pythons(effect: float, spread: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    random = Random(seed)
    return np.array([random.gauss(effect, spread) for _ in range(shape[0] * shape[1])]).reshape(
        shape
    )


def _by_columns(effect: float, spread: float, n: int, seed: int) -> float:
    """Means over the studies, one for each seed."""
    studies = _new(effect, spread, (1000, n), seed)
    half_widths = _t(n) * studies.std(axis=0, ddof=1) / n**0.5
    return float(np.mean(np.abs(studies.mean(axis=0)) > half_widths))


def _each_seed(effect: float, spread: float, n: int, seed: int) -> float:
    """The share of single differences, of all studies, that are far from zero."""
    studies = _new(effect, spread, (1000, n), seed)
    half_widths = _t(n) * studies.std(axis=1, ddof=1, keepdims=True) / n**0.5
    return float(np.mean(np.abs(studies) > half_widths))


_SAME_DRAWS = "Your share is the same for every seed: draw with np.random.default_rng(seed)."
_UNSEEDED = (
    "The same arguments give another share the second time: make the generator inside the "
    "function, with np.random.default_rng(seed)."
)
_OLD = "These are the draws of an older generator: draw with np.random.default_rng(seed)."
_STUDIES = "Simulate 1,000 studies, and return how many find the effect, divided by 1,000."
_ONE_SIDE = "A study below 0 finds a difference too."
_ONE_STUDY = (
    "All your studies draw the same numbers: make the generator once, before the studies are drawn."
)
_OTHER_DRAWS = (
    "Your share is further from the right one than chance allows: mean, standard deviation "
    "(ddof=1), t and the root of n make the interval, and it must not hold zero."
)


class _PowerCheck(Check):
    """A check of a simulation: other draws than ours are right, within the limits of chance."""

    def verdict(self, outputs: list[Any]) -> str | None:
        """As `Check.verdict` says."""
        if any(output is NotImplemented or output is None for output in outputs):
            return super().verdict(outputs)
        try:
            found = self._compare(outputs)
        except NotNumbers as failure:
            return str(failure)
        if any(output.size != 1 for output in found.given):
            return super().verdict(outputs)
        shares = np.array([output.item() for output in found.given], float)
        return self._problem(shares, found)

    def is_named(self, sentence: str) -> bool:
        return super().is_named(sentence) or sentence in (
            _UNSEEDED, _ONE_STUDY, _STUDIES, _OTHER_DRAWS)  # fmt: skip

    def _problem(self, shares: np.ndarray, found: Comparison) -> str | None:
        right = np.array([_exact_power(*arguments) for arguments in found.inputs])
        is_ours = np.allclose(shares, [float(share) for share in found.right], atol=1e-9)
        if is_ours or np.allclose(shares, right, atol=2e-4):
            return None
        wrong = {
            (text, place): np.array([answer(*arguments) for arguments in found.inputs])
            for place, (text, answer) in enumerate(self._wrong_answers())
        }
        for (text, _), theirs in wrong.items():
            if np.allclose(shares, theirs, atol=1e-9):
                return text
        if problem := _of_draws(shares, found.inputs):
            return problem
        chance = 4.5 * np.sqrt(right * (1 - right) / 1000) + 0.003
        if (np.abs(shares - right) <= chance).all():
            return _of_counts(shares, found.inputs)
        far = {
            text: (
                np.abs(shares - theirs) / (6.4 * np.sqrt(theirs * (1 - theirs) / 1000) + 0.004)
            ).max()
            for (text, _), theirs in wrong.items()
            if theirs.min() >= 0 and theirs.max() <= 1
        }
        nearest = min(far, key=lambda text: far[text])
        if far[nearest] <= 1:
            return nearest
        return common_mistakes.find(found) or _OTHER_DRAWS


def _of_draws(shares: np.ndarray, inputs: list[tuple[Any, ...]]) -> str | None:
    """What is wrong with how numbers were drawn, if outputs show it."""
    by_input: dict[Any, set[float]] = {}
    by_seed: dict[Any, set[float]] = {}
    for share, arguments in zip(shares, inputs, strict=True):
        by_input.setdefault(arguments, set()).add(float(share))
        by_seed.setdefault(arguments[:3], set()).add(float(share))
    if max(map(len, by_input.values())) > 1:
        return _UNSEEDED
    if np.isin(shares, [0, 1]).all() and len(set(shares)) > 1:
        return _ONE_STUDY
    num_seeds = max(sum(one[:3] == key for one in set(inputs)) for key in by_seed)
    if num_seeds > 2 and max(map(len, by_seed.values())) == 1:
        return _SAME_DRAWS
    return None


def _of_counts(shares: np.ndarray, inputs: list[tuple[Any, ...]]) -> str | None:
    """What is wrong with shares that are near the right ones, if anything is."""
    counts = np.round(1000 * shares).astype(int)
    if not np.allclose(counts, 1000 * shares, atol=1e-6) or np.gcd.reduce(counts) > 1:
        return _STUDIES
    without_effect = [share for share, one in zip(shares, inputs, strict=True) if one[0] == 0]
    return _ONE_SIDE if len(without_effect) > 2 and np.mean(without_effect) < 0.038 else None


_KERAS = {"latent": 256, "learning_rate": 1e-3, "rotation": 0.0, "batch_size": 32}
_TORCH = _KERAS | {"latent": 65536, "learning_rate": 1e-4}
_TURNED = _KERAS | {"rotation": 15.0, "batch_size": 100}
_RIGHT = _KERAS | {"learning_rate": 1e-4}  # separates the two above
_DECOYS = [
    _KERAS | {"rotation": 32.0},
    _KERAS | {"batch_size": 100}, _KERAS | {"learning_rate": 1e-2}, _TORCH | {"rotation": 15.0},
    _TORCH | {"learning_rate": 1e-2}, _KERAS | {"latent": 65536, "rotation": 15.0}, _KERAS, _TORCH,
]  # fmt: skip
_LIST = "Return the index itself, one whole number, not a list of indices."
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


def _backwards(run: _Settings) -> _Settings:
    """The same settings in another order, which means nothing in a dict."""
    return dict(reversed(run.items()))


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
    """True; False if none was chosen. Or says what is wrong with the one that was."""
    if index.ndim:
        raise CheckFailed(_LIST)
    if np.isnan(index):
        return False
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
                        tuple((0.004 + 0.01 * random_array(2)).round(4).tolist()),
                        (0.005, 0.01), (0.005, 0.02), (0.02, 0.005), (0.0, 0.01), (0.004, 0.0066),
                        (3.0, 2.0)],
        shown=4,
        reference=lambda mse, gray_copy_mse: 1 - mse / gray_copy_mse,
        misconceptions={
            "The sign is wrong: a model that is better than the gray copy has a positive skill.":
                (lambda mse, copy: mse / copy - 1, lambda mse, copy: 100 * (mse / copy - 1)),
            "You return the fraction of the error that is left; the skill is what is taken away.":
                (lambda mse, copy: mse / copy, lambda mse, copy: 100 * mse / copy),
            "You return a difference in MSE; as a fraction of the gray copy's it can be read.":
                (lambda mse, copy: copy - mse, lambda mse, copy: mse - copy,
                 lambda mse, copy: abs(mse - copy), lambda mse, copy: 1 - mse),
            "You divide by the model's MSE; the gray copy is what it is measured against.":
                (lambda mse, copy: np.float64(copy - mse) / mse,
                 lambda mse, copy: np.float64(copy) / mse),
            "The fraction is upside down: divide the model's MSE by the gray copy's.":
                lambda mse, copy: 1 - np.float64(copy) / mse,
            "You take roots; the skill is about the MSE itself.":
                (lambda mse, copy: 1 - np.sqrt(mse / copy), lambda mse, copy: np.sqrt(mse / copy),
                 lambda mse, copy: np.sqrt(1 - mse / copy + 0j).real),
            "You square; the skill is about the MSE itself.":
                (lambda mse, copy: 1 - (mse / copy) ** 2, lambda mse, copy: (1 - mse / copy) ** 2),
            "You return percent, not a fraction.": lambda mse, copy: 100 * (1 - mse / copy),
            "You drop the sign, and a model that does harm looks like one that helps.":
                (lambda mse, copy: abs(1 - mse / copy), lambda mse, copy: abs(mse - copy) / copy,
                 lambda mse, copy: 1 - min(mse, copy) / max(mse, copy)),
            "You cut off below zero, and hide which models are worse than doing nothing.":
                (lambda mse, copy: max(0, 1 - mse / copy),
                 lambda mse, copy: np.clip(1 - mse / copy, -1, 1)),
            "You use 0.0066 for every gray copy; use gray_copy_mse.":
                (lambda mse, copy: 1 - mse / 0.0066, lambda mse, copy: 1 - mse / 0.0068,
                 lambda mse, copy: 1 - mse / 0.01),
            "You divide by the sum of the two; divide by the gray copy's MSE.":
                (lambda mse, copy: (copy - mse) / (copy + mse),
                 lambda mse, copy: 1 - mse / (copy + mse),
                 lambda mse, copy: 2 * (copy - mse) / (copy + mse),
                 lambda mse, copy: copy / (copy + mse)),
            "You divide by the larger of the two; divide by the gray copy's MSE.":
                lambda mse, copy: (copy - mse) / max(copy, mse),
            "You take the logarithm; asked is the plain fraction.":
                (lambda mse, copy: np.log(np.float64(copy) / mse),
                 lambda mse, copy: -np.log10(np.float64(mse) / copy)),
            "Mind the order of operations: divide the difference, or subtract the fraction from 1.":
                (lambda mse, copy: copy - mse / copy, lambda mse, copy: 1 - mse * copy,
                 lambda mse, copy: (1 - mse) / copy, lambda mse, copy: mse - copy / copy),
            "You round to whole numbers, or ask only whether the model is better.":
                (lambda mse, copy: round(1 - mse / copy), lambda mse, copy: int(1 - mse / copy),
                 lambda mse, copy: 1 - mse // copy, lambda mse, copy: float(mse < copy)),
        },
        signs={
            "A model that is as good as the gray copy has a skill of 0, and yours is another.":
                lambda found: any(output.ndim == 0 and abs(output) > 1e-6 for output, (mse, copy)
                                  in zip(found.given, found.inputs, strict=True) if mse == copy),
            "A model without any error has a skill of 1, and yours is another.":
                lambda found: any(output.ndim == 0 and abs(output - 1) > 1e-6
                       for output, (mse, copy)
                                  in zip(found.given, found.inputs, strict=True) if mse == 0),
            "Models that are worse than the gray copy have a negative skill, as far below 0 as "
            "they are worse.": only_where(lambda mse, gray_copy_mse: mse > gray_copy_mse),
        },
        otherwise={
            "The skill falls in proportion to mse: from 1 for no error to 0 for the gray copy's.":
                everywhere(lambda output, mse, gray_copy_mse: output.ndim == 0),
        },
    ),
    "06.paired_interval": Check(
        inputs=lambda: [_errors(2000, 1), _errors(2500, 2),
                        _errors(1600, *random_whole(3, 10**6, 1)), _errors(1800, 4)[::-1],
                        _errors(2000, 5)],
        shown=2,
        refusals=(_TWO,),
        reference=_right_interval,
        tolerance=3e-4,
        measure=_told_apart,
        drawn_as="intervals",
        panel=lambda interval, a, b: {"a": a, "b": b, "mean, low, high of a minus b": interval},
        misconceptions={
            "The sign is wrong: the exercise asks for a - b.":
                _interval(lambda a, b: 1.96 * _standard_error(a, b), sign=-1),
            "You add the spreads of a and b; subtract image by image first, then take the spread.":
                (_interval(lambda a, b: 1.96 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))),
                 _interval(lambda a, b: 1.96 * np.sqrt(a.var(ddof=1) + b.var(ddof=1))),
                 _interval(lambda a, b: 1.96 * stats.sem(np.r_[a, b]))),
            "Shapes (N, 1) and (N,) were combined to (N, N), so every image is compared with every "
            "other: subtract image by image.":
                _interval(lambda a, b: 1.96 * np.sqrt(a.var() + b.var()) / len(a)),
            "You leave one of the models out: subtract image by image.":
                (lambda a, b: _right_interval(a, 0 * a), lambda a, b: _right_interval(b, 0 * b)),
            "You add the errors; subtract them.": lambda a, b: _right_interval(a, -b),
            "You take a share of the error; asked is the plain difference.":
                lambda a, b: _right_interval((a - b) / b, 0 * a),
            "You square the differences; asked is the plain difference.":
                lambda a, b: _right_interval((a - b) ** 2, 0 * a),
            "You sort the errors, and the pairs are lost: keep the order, it is that of the "
            "images.":
                lambda a, b: _right_interval(np.sort(a), np.sort(b)),
            "You subtract the mean error of b; subtract image by image.":
                (lambda a, b: _right_interval(a, 0 * a + b.mean()),
                 lambda a, b: _right_interval(0 * b + a.mean(), b)),
            "You return the extremes of single images; asked is how sure their mean is.":
                lambda a, b: (np.mean(a - b), np.min(a - b), np.max(a - b)),
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
                tuple(lambda a, b, o=o: tuple(np.array(_right_interval(a, b))[o])
                      for o in ([1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])),
            _HALF_WIDTH:
                (lambda a, b: (np.mean(a - b), *[1.96 * _standard_error(a, b)] * 2),
                 lambda a, b: (np.mean(a - b), -1.96 * _standard_error(a, b),
                               1.96 * _standard_error(a, b))),
            _THREE: lambda a, b: (np.mean(a - b), 1.96 * _standard_error(a, b)),
            _BOOTSTRAP: statistics.paired_difference,
        },
        signs={
            "You use the variance where the standard deviation belongs.":
                _half_width_is(lambda d: 1.96 * np.var(d) / len(d),
                lambda d: 1.96 * np.var(d) / len(d)**0.5,
                               lambda d: 1.96 * np.var(d)),
            "You leave the 1.96 out: 95 % takes 1.96 standard errors.":
                _half_width_is(stats.sem, np.std, lambda d: np.std(d) / len(d)),
            "You take the quantile of another interval: 95 % takes 1.96.":
                _half_width_is(*(lambda d, f=f: f * stats.sem(d)
                                 for f in (2.576, 1.645, 1.28, 2.326, 3.0, 0.95, 0.975))),
            "You take the whole width for the half, or half of the half.":
                _half_width_is(lambda d: 2 * 1.96 * stats.sem(d), lambda d: 0.98 * stats.sem(d)),
            "You divide by N; the standard error divides by the root of N.":
                _half_width_is(lambda d: 1.96 * np.std(d) / len(d)),
            "The middle is right, but not the half width: it is 1.96 times the standard deviation "
            "of a - b, divided by the root of N.": _is_centred,
            "The mean is right, but the ends are not: they are as far below it as above.":
                everywhere(lambda output, a, b: np.isclose(output[0], np.mean(a - b), atol=1e-6)),
            "Your numbers are near the right ones, as those of a few resamples are: compute the "
            "mean and 1.96 standard errors.":
                everywhere(lambda output, a, b: np.allclose(
                    output, _right_interval(a, b), atol=_standard_error(a, b))),
        },
        otherwise={
            "The first number is the mean of a - b over all images, and yours is another.":
                lambda found: True,
        },
    ),
    "06.power": _PowerCheck(
        inputs=lambda: [(1e-3, 5e-4, 3, 1), (2e-4, 4e-4, 18, 2), (-6e-4, 4e-4, 4, 3),
                        (0.0, 1e-3, 3, 4), (4e-3, 5e-4, 2, 5),
                        *((6e-4, 5e-4, 4, seed) for seed in random_whole(6, 10**6, 3)),
                        (6e-4, 5e-4, 4, random_whole(6, 10**6, 1)[0]),
                        *((0.0, 1.0, 3, seed) for seed in (11, 12, 13)),
                        (2.0, 4.0, 9, 14), (-3.0, 9.0, 16, 15), (0.3, 0.25, 3, 16)],
        shown=5,
        reference=_right_power,
        measured="the share",
        misconceptions={
            "You return the share that misses it.": lambda *given: 1 - _right_power(*given),
            "You return a count, not a share of 1,000.": lambda *given: 1000 * _right_power(*given),
            "You return percent, not a share.": lambda *given: 100 * _right_power(*given),
            "You use 1.96 for t; with few seeds t is far larger.":
                (_power(lambda n: 1.96 / _t(n)), _power(lambda n: 2 / _t(n)),
                 _power(lambda n: 1.645 / _t(n))),
            "Cut off 2.5 % at either end, not 5 %.":
                (_power(lambda n: _t(n, 0.95) / _t(n)), _power(lambda n: _t(n, 0.9) / _t(n))),
            "Cut off 2.5 % at either end, not less: `stats.t.ppf(0.975, n - 1)`.":
                (_power(lambda n: _t(n, 0.9875) / _t(n)), _power(lambda n: _t(n, 0.995) / _t(n))),
            "The mean costs one degree of freedom of n.":
                (_power(lambda n: _t(n + 1) / _t(n)), _power(lambda n: _t(1000) / _t(n)),
                 _power(lambda n: _t(1001) / _t(n))),
            "You take t of three seeds for every n; it changes with n.":
                _power(lambda n: _t(3) / _t(n)),
            "You draw studies without the effect.":
                lambda effect, *given: _right_power(0, *given),
            "You take a root of spread, or square it; it is a standard deviation, as `normal` "
            "takes it.":
                (lambda effect, spread, *given: _right_power(effect, spread**0.5, *given),
                 lambda effect, spread, *given: _right_power(effect, spread**2, *given)),
            "You divide the spread by the root of n before you draw; the seeds of a study scatter "
            "by spread.":
                lambda effect, spread, n, seed: _right_power(effect, spread / n**0.5, n, seed),
            "You draw with a spread of 1; use spread.":
                lambda effect, spread, *given: _right_power(effect, 1.0, *given),
            "Effect and spread have changed places.":
                lambda effect, spread, *given: _right_power(spread, abs(effect), *given),
            "Every mean differs from zero; ask whether the interval excludes it.":
                (_share(lambda mean, *_: mean != 0), _share(lambda mean, *_: mean > 0)),
            "You divide by n; divide by the root of n.": _power(lambda n: n**-0.5),
            "A mean of n seeds is surer, by the root of n.": _power(lambda n: n**0.5),
            "You divide by the root of n - 1; `ddof=1` has seen to that.":
                _power(lambda n: (n / (n - 1)) ** 0.5),
            "You divide by the root of 1,000; a study has n seeds.":
                _power(lambda n: (n / 1000) ** 0.5),
            "Estimate the spread with n - 1 (`ddof=1`).": _power(lambda n: (1 - 1 / n) ** 0.5),
            "You use the variance where the standard deviation belongs.":
                _share(lambda mean, half, effect, spread, n:
                       np.abs(mean) > half**2 * n**0.5 / _t(n)),
            "You leave t out: the half width is t times the standard error.":
                (_power(lambda n: 1 / _t(n)), _power(lambda n: n**0.5 / _t(n))),
            "You use the true spread; a study knows that of its own n seeds alone.":
                (_share(lambda mean, half, effect, spread, n:
                        np.abs(mean) > _t(n) * spread / n**0.5),
                 _share(lambda mean, half, effect, spread, n:
                        np.abs(mean) > 1.96 * spread / n**0.5)),
            _ONE_SIDE:
                (_share(lambda mean, half, *_: mean > half),
                 _share(lambda mean, half, effect, *_: np.sign(effect) * mean > half),
                 _share(lambda mean, half, effect, *_: (mean if effect >= 0 else -mean) > half),
                 _share(lambda mean, half, effect, *_: (mean if effect > 0 else -mean) > half),
                 _share(lambda mean, half, *_: mean < -half)),
            "You ask whether the interval holds the effect; ask whether it excludes zero.":
                _share(lambda mean, half, effect, *_: np.abs(mean - effect) < half),
            "You ask whether the mean reaches the effect; ask whether the interval excludes zero.":
                (_share(lambda mean, half, effect, *_: mean >= effect),
                 _share(lambda mean, half, effect, *_: np.abs(mean) >= abs(effect)),
                 _share(lambda mean, half, effect, *_: half < abs(effect))),
            "The axes have changed places: a study is a row of n numbers, so take its mean over "
            "axis 1.":
                _by_columns,
            "You judge every seed by itself; a study is judged by the mean of its n seeds.":
                _each_seed,
            "You take the whole width for the half, or half of the half.":
                (_power(lambda n: 2), _power(lambda n: 0.5)),
            _OLD: (_from(_old), _from(_old_by_columns), _from(_pythons)),
            _STUDIES: tuple(_from(_new, count) for count in (100, 200, 500, 999, 2000)),
            _SAME_DRAWS:
                tuple(lambda effect, spread, n, seed, mine=mine: _right_power(effect, spread, n,
                       mine)
                      for mine in (0, 1, 42)),
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
            (_KERAS, _TORCH, [_RIGHT, *_DECOYS]),
            (_KERAS, _TORCH, [*_DECOYS, _RIGHT]),
            (_KERAS, _backwards(_TORCH), [*map(_backwards, [*_DECOYS[4:], _RIGHT, *_DECOYS[:4]])]),
            (_backwards(_TORCH), _KERAS, [_backwards(_TORCH | {"batch_size": 64}), _TORCH,
                                          _KERAS | {"latent": 65536}, _backwards(_KERAS)]),
        ],
        shown=3,
        refusals=(_LIST,),
        reference=_pick(""),
        measure=_separates,
        panel=lambda index, one, other, candidates: {
            "setting": "\n".join(one), "one": _column(one), "other": _column(other),
            **{f"candidate {i}": _column(run) for i, run in enumerate(candidates)},
            "returns": index},
        misconceptions={
            **{sentence: _pick(sentence) for sentence in _MISTAKES},
            _NO_INDEX:
                (lambda one, other, candidates: len(candidates), lambda one, other, candidates: -1),
        },
        signs={
            "You compare settings by their place; the order in a dict means nothing: compare them "
            "by name.": only_where(lambda one, other, candidates:
                                len({tuple(run) for run in (one, other, *candidates)}) > 1),
        },
    ),
}
# fmt: on
