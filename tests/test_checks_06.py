"""Lesson 06's checks against answers as students write them, wrong ones and unusual right ones."""

import numpy as np
import pytest
from scipy import stats

from course_lib import checks, statistics
from course_lib.checks import CheckFailed


def fails(name, answer):
    with pytest.raises(CheckFailed) as failure:
        checks.check(name, answer)
    return str(failure.value)


def unpaired(a, b):
    mean = a.mean() - b.mean()
    half = 1.96 * (a.var() / len(a) + b.var() / len(b)) ** 0.5
    return mean, mean - half, mean + half


def spread_of_images(a, b):
    d = a - b
    return np.mean(d), np.mean(d) - 1.96 * np.std(d), np.mean(d) + 1.96 * np.std(d)


def normal_seeds(difference, spread):
    return max(2, int(np.ceil((1.96 * spread / difference) ** 2)))


def seeds_from_one(difference, spread):
    for n in range(3, 1000):
        if stats.t.ppf(0.975, n) * spread / np.sqrt(n) < difference:
            return n


def first_difference(one, other, candidates):
    for i, candidate in enumerate(candidates):
        if candidate != one:
            return i


def nearest(one, other, candidates):
    """Fewest changes from `one`, a repetition included."""
    changes = [sum(run[key] != one[key] for key in one) for run in candidates]
    return int(np.argmin(changes))


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("06.skill", lambda mse, copy: (mse - copy) / copy, "sign is wrong"),
        ("06.skill", lambda mse, copy: mse / copy, "fraction of the error that is left"),
        ("06.skill", lambda mse, copy: 100 * (copy - mse) / copy, "percent"),
        ("06.skill", lambda mse, copy: print(mse / copy), "return statement"),
        ("06.paired_interval", unpaired, "subtract image by image first"),
        ("06.paired_interval", spread_of_images, "spread of single images"),
        ("06.paired_interval", lambda a, b: (a - b).mean(), "should be (3,)"),
        ("06.seeds_needed", normal_seeds, "1.96"),
        ("06.seeds_needed", seeds_from_one, "should be"),
        ("06.seeds_needed", lambda d, s: (1.96 * s / d) ** 2, "should be"),
        ("06.separating_experiment", first_difference, "first run that is new"),
        ("06.separating_experiment", nearest, "should be 3"),
        ("06.separating_experiment", lambda one, other, c: c[3], "returns dict, not numbers"),
        ("06.separating_experiment", lambda one, other, c: c.index(other), "both causes"),
    ],
)
def test_wrong_answers_are_named(name, answer, words):
    assert words in fails(name, answer)


def by_scipy(a, b):
    result = stats.ttest_rel(a, b)
    return np.mean(a - b), *result.confidence_interval(0.95)


def by_quadratic_start(difference, spread):
    n = max(2, int((1.9 * spread / difference) ** 2) - 1)  # no fewer than the normal would ask
    while statistics.stats.t.interval(0.95, n - 1, scale=spread / n**0.5)[1] >= difference:
        n += 1
    return np.int64(n)


def by_corner(one, other, candidates):
    """A corner between the two: one setting away from either."""

    def distance(x, y):
        return sum(x[key] != y[key] for key in x)

    return [distance(c, one) == 1 == distance(c, other) for c in candidates].index(True)


def by_making_them(one, other, candidates):
    corners = [one | {key: other[key]} for key in one if one[key] != other[key]]
    return next(i for i in range(len(candidates)) if candidates[i] in corners)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("06.skill", lambda mse, copy: (copy - mse) / copy),
        ("06.paired_interval", by_scipy),
        ("06.paired_interval", statistics.paired_difference),
        ("06.paired_interval", lambda a, b: list(by_scipy(a, b))),
        ("06.seeds_needed", by_quadratic_start),
        ("06.separating_experiment", by_corner),
        ("06.separating_experiment", by_making_them),
    ],
)
def test_unusual_right_answers_pass(name, answer):
    checks.check(name, answer)
