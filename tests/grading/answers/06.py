"""Answers to lesson 06 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

import numpy as np
from scipy import stats

from course_lib import statistics


def unpaired(a, b):
    mean = a.mean() - b.mean()
    half = 1.96 * (a.var() / len(a) + b.var() / len(b)) ** 0.5
    return mean, mean - half, mean + half


def spread_of_images(a, b):
    d = a - b
    return np.mean(d), np.mean(d) - 1.96 * np.std(d), np.mean(d) + 1.96 * np.std(d)


def difference_of_spreads(a, b):
    half = 1.96 * (a.std() - b.std()) / len(a) ** 0.5
    return (a - b).mean(), (a - b).mean() - half, (a - b).mean() + half


def of_width(a, b, factor):
    mean, half = (a - b).mean(), factor * stats.sem(a - b)
    return mean, mean - half, mean + half


def studies(effect, spread, n, seed):
    return np.random.default_rng(seed).normal(effect, spread, (1000, n))


def power_of_normal_intervals(effect, spread, n, seed):
    drawn = studies(effect, spread, n, seed)
    return np.mean(abs(drawn.mean(1)) > 1.96 * drawn.std(1, ddof=1) / n**0.5)


def power_of_one_side(effect, spread, n, seed):
    drawn = studies(effect, spread, n, seed)
    return np.mean(drawn.mean(1) > stats.t.ppf(0.975, n - 1) * stats.sem(drawn, axis=1))


def power_with_numpys_spread(effect, spread, n, seed):
    """Forgets that np.std divides by n."""
    drawn = studies(effect, spread, n, seed)
    half_widths = stats.t.ppf(0.975, n - 1) * np.std(drawn, axis=1) / np.sqrt(n)
    return np.mean(np.abs(drawn.mean(1)) > half_widths)


def first_difference(one, other, candidates):
    for i, candidate in enumerate(candidates):
        if candidate != one:
            return i


def next_to_other(one, other, candidates):
    """One setting away from `other`, and never a look at `one`."""
    changes = [sum(run[key] != other[key] for key in other) for run in candidates]
    return changes.index(1)


def nearest(one, other, candidates):
    """Fewest changes from `one`, a repetition included."""
    changes = [sum(run[key] != one[key] for key in one) for run in candidates]
    return int(np.argmin(changes))


def power_by_t_test(effect, spread, n, seed):
    drawn = studies(effect, spread, n, seed)
    return np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)


def resampled_few_times(a, b):
    """A bootstrap with so few draws that its ends are wrong."""
    random = np.random.default_rng(0)
    means = [random.choice(a - b, len(a)).mean() for _ in range(40)]
    return np.percentile(means, [50, 2.5, 97.5])


def exact_power(effect, spread, n, seed):
    """Without a simulation, from Student's noncentral t."""
    edge, shift = stats.t.ppf(0.975, n - 1), effect / spread * n**0.5
    far = stats.nct.cdf(-edge, n - 1, shift)  # SciPy gives NaN for what is next to nothing
    return stats.nct.sf(edge, n - 1, shift) + np.nan_to_num(far)


def compared_by_place(one, other, candidates):
    """Compares values by their place in the dicts."""
    values, others = list(one.values()), list(other.values())
    for i, candidate in enumerate(candidates):
        changed = [k for k, value in enumerate(candidate.values()) if value != values[k]]
        if len(changed) == 1 and list(candidate.values())[changed[0]] == others[changed[0]]:
            return i


def one_change(one, other, candidates):
    for i, run in enumerate(candidates):
        if sum(run[key] != one[key] for key in one) == 1:
            return i


def a_cause_changes(one, other, candidates):
    causes = [key for key in one if one[key] != other[key]]
    for i, run in enumerate(candidates):
        if sum(run[key] != one[key] for key in causes) == 1:
            return i


def neither_of_them(one, other, candidates):
    return next(i for i, run in enumerate(candidates) if run not in (one, other))


def last_that_changes_once(one, other, candidates):
    return max(i for i, run in enumerate(candidates) if sum(run[k] != one[k] for k in one) == 1)


def few_studies(count):
    def power(effect, spread, n, seed):
        drawn = np.random.default_rng(seed).normal(effect, spread, (count, n))
        return np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)

    return power


def unseeded(effect, spread, n, seed):
    drawn = np.random.default_rng().normal(effect, spread, (1000, n))
    return np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)


def legacy(effect, spread, n, seed):
    np.random.seed(seed)
    drawn = np.random.normal(effect, spread, (1000, n))
    return np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)


def in_the_direction_of_the_effect(effect, spread, n, seed):
    drawn = studies(effect, spread, n, seed) * (1 if effect >= 0 else -1)
    return np.mean(drawn.mean(1) > stats.t.ppf(0.975, n - 1) * stats.sem(drawn, axis=1))


def same_study_again(effect, spread, n, seed):
    found = 0
    for _ in range(1000):
        study = np.random.default_rng(seed).normal(effect, spread, n)
        found += stats.ttest_1samp(study, 0).pvalue < 0.05
    return found / 1000


def root_of_spread(effect, spread, n, seed):
    return power_by_t_test(effect, spread**0.5, n, seed)


def quantile_at_95(effect, spread, n, seed):
    drawn = studies(effect, spread, n, seed)
    return np.mean(np.abs(drawn.mean(1)) > stats.t.ppf(0.95, n - 1) * stats.sem(drawn, axis=1))


def n_degrees(effect, spread, n, seed):
    drawn = studies(effect, spread, n, seed)
    return np.mean(np.abs(drawn.mean(1)) > stats.t.ppf(0.975, n) * stats.sem(drawn, axis=1))


def crossed(a, b):
    d = a[:, None] - b
    half = 1.96 * d.std() / len(a)
    return d.mean(), d.mean() - half, d.mean() + half


def by_two_errors(a, b):
    return of_width(a, b, 2)


def of_absolute(a, b):
    return of_width(np.abs(a - b), 0 * a, 1.96)


def generated_interval(a, b):
    mean, half = np.mean(a - b), 1.96 * np.std(a - b, ddof=1) / len(a) ** 0.5
    yield mean
    yield mean - half
    yield mean + half


def torch_interval(a, b):
    import torch

    d = torch.tensor(a - b)
    half = 1.96 * d.std() / len(d) ** 0.5
    return torch.stack([d.mean(), d.mean() - half, d.mean() + half])


def power_by_standard_normals(effect, spread, n, seed):
    z = np.random.default_rng(seed).standard_normal((1000, n))
    drawn = effect + spread * z
    mean, error = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(n)
    t = stats.t.ppf(0.975, n - 1)
    return float(((mean - t * error > 0) | (mean + t * error < 0)).mean())


def power_by_columns(effect, spread, n, seed):
    drawn = np.random.default_rng(seed).normal(effect, spread, (n, 1000))
    half = stats.t.ppf(0.975, n - 1) * drawn.std(axis=0, ddof=1) / n**0.5
    return np.count_nonzero(np.abs(drawn.mean(axis=0)) > half) / 1000


def corners_by_items(one, other, candidates):
    def changes(x, y):
        return set(x.items()) ^ set(y.items())

    for i, run in enumerate(candidates):
        if len(changes(run, one)) == 2 and len(changes(run, other)) == 2:
            return np.int64(i)


def index_as_array(one, other, candidates):
    good = [by_making_them(one, other, candidates)]
    return np.array(good)


def by_counting(one, other, candidates):
    keys = sorted(one)
    table = np.array([[run[key] for key in keys] for run in candidates])
    a, b = (np.array([run[key] for key in keys]) for run in (one, other))
    near = ((table != a).sum(axis=1) == 1) & ((table != b).sum(axis=1) == 1)
    return int(np.argmax(near))


def by_filter(one, other, candidates):
    causes = [key for key in one if one[key] != other[key]]
    for i, run in enumerate(candidates):
        same = all(run[key] == one[key] for key in one if key not in causes)
        swapped = [run[key] == other[key] for key in causes]
        kept = [run[key] == one[key] for key in causes]
        if same and sorted(swapped) == [False, True] and sorted(kept) == [False, True]:
            return i


WRONG = [
    ("06.skill", lambda mse, copy: 1 - copy / mse, "upside down"),
    ("06.skill", lambda mse, copy: 1 - (mse / copy) ** 0.5, "You take roots"),
    (
        "06.paired_interval",
        lambda a, b: np.r_[(a - b).mean(), np.quantile(a - b, [0.025, 0.975])],
        "percentiles of single images",
    ),
    ("06.paired_interval", resampled_few_times, "few resamples"),
    ("06.power", lambda effect, *rest: power_by_t_test(0.0, *rest), "without the effect"),
    ("06.skill", lambda mse, copy: (mse - copy) / copy, "sign is wrong"),
    ("06.skill", lambda mse, copy: mse / copy, "fraction of the error that is left"),
    ("06.skill", lambda mse, copy: 100 * (copy - mse) / copy, "percent"),
    ("06.skill", lambda mse, copy: print(mse / copy), "return statement"),
    ("06.paired_interval", unpaired, "subtract image by image first"),
    ("06.paired_interval", spread_of_images, "spread of single images"),
    ("06.paired_interval", lambda a, b: (a - b).mean(), "Return three numbers"),
    ("06.paired_interval", statistics.paired_difference, "as a bootstrap's are"),
    (
        "06.paired_interval",
        lambda a, b: statistics.paired_difference(a, b, seed=7),
        "bootstrap",
    ),
    (
        "06.paired_interval",
        lambda a, b: ((a - b).mean(), *[stats.sem(a - b) * 1.96] * 2),
        "You return the half-width",
    ),
    ("06.paired_interval", difference_of_spreads, "one model's spread from the other's"),
    ("06.paired_interval", lambda a, b: np.array(by_scipy(a, b))[[0, 2, 1]], "changed places"),
    ("06.paired_interval", lambda a, b: of_width(a, b, 1.645), "1.645"),
    ("06.power", power_of_normal_intervals, "1.96"),
    ("06.power", lambda *given: power_by_t_test(*given[:3], 0), "the same for every seed"),
    ("06.skill", lambda mse, copy: 1 - mse / 0.0066, "use gray_copy_mse"),
    ("06.power", power_with_numpys_spread, "ddof=1"),
    ("06.power", power_of_one_side, "finds a difference too"),
    ("06.power", lambda *a: 100 * power_by_t_test(*a), "percent"),
    ("06.power", lambda *a: 1 - power_by_t_test(*a), "the share that misses it"),
    ("06.separating_experiment", first_difference, "both causes"),
    ("06.separating_experiment", nearest, "neither run has"),
    ("06.separating_experiment", next_to_other, "a third setting"),
    ("06.separating_experiment", lambda one, other, c: c[0], "returns dict, not numbers"),
    ("06.separating_experiment", lambda one, other, c: -1, "begin with 0"),
    ("06.separating_experiment", lambda one, other, c: [0, 3], "the index itself"),
    ("06.separating_experiment", lambda one, other, c: 99, "no candidate at this place"),
    ("06.skill", lambda mse, copy: copy - mse, "difference in MSE"),
    ("06.skill", lambda mse, copy: (copy - mse) / mse, "divide by the model's MSE"),
    ("06.skill", lambda mse, copy: abs(copy - mse) / copy, "drop the sign"),
    ("06.skill", lambda mse, copy: max(0.0, 1 - mse / copy), "cut off below zero"),
    ("06.skill", lambda mse, copy: (copy - mse) / (copy + mse), "sum of the two"),
    ("06.skill", lambda mse, copy: copy - mse / copy, "order of operations"),
    ("06.skill", lambda mse, copy: mse < copy, "whether the model is better"),
    ("06.skill", lambda mse, copy: round(1 - mse / copy, 1), "round to 1 digit"),
    ("06.paired_interval", crossed, "(N, N)"),
    ("06.paired_interval", by_two_errors, "two standard errors"),
    ("06.paired_interval", of_absolute, "drop the signs"),
    ("06.paired_interval", lambda a, b: of_width(b, a, 1.96), "asks for a - b"),
    ("06.paired_interval", lambda a, b: of_width(a, b, 2.576), "another interval"),
    ("06.paired_interval", lambda a, b: of_width(np.sort(a), np.sort(b), 1.96), "sort"),
    ("06.power", few_studies(500), "1,000 studies"),
    ("06.power", few_studies(100), "1,000 studies"),
    ("06.power", few_studies(10_000), "1,000 studies"),
    ("06.power", unseeded, "second time"),
    ("06.power", legacy, "older generator"),
    ("06.power", in_the_direction_of_the_effect, "finds a difference too"),
    ("06.power", same_study_again, "draw the same numbers"),
    ("06.power", root_of_spread, "standard deviation, as"),
    ("06.power", quantile_at_95, "Cut off 2.5 %"),
    ("06.power", n_degrees, "degree of freedom"),
    ("06.power", lambda *given: 0.8, "same for every"),
    ("06.separating_experiment", compared_by_place, "compare them by name"),
    ("06.separating_experiment", one_change, ""),
    ("06.separating_experiment", a_cause_changes, ""),
    ("06.separating_experiment", neither_of_them, ""),
    ("06.separating_experiment", last_that_changes_once, ""),
    ("06.separating_experiment", lambda one, other, c: c.index(other), "changes both causes"),
    ("06.separating_experiment", lambda one, other, c: None, "return statement"),
    ("06.separating_experiment", lambda one, other, c: by_making_them(one, other, c) + 1, ""),
    ("06.separating_experiment", lambda one, other, c: list(range(len(c))), "the index itself"),
]


def by_scipy(a, b):
    result = stats.ttest_rel(a, b)
    return np.mean(a - b), *result.confidence_interval(0.95)


def power_by_loop(effect, spread, n, seed):
    """Other draws than the check's: study after study, and upside down."""
    random = np.random.default_rng(seed + 100)
    drawn = [effect - spread * random.standard_normal(n) for _ in range(1000)]
    bounds = [statistics.mean_interval(study)[1:] for study in drawn]
    return sum(low > 0 or high < 0 for low, high in bounds) / len(bounds)


def by_corner(one, other, candidates):
    """A corner between the two: one setting away from either."""

    def distance(x, y):
        return sum(x[key] != y[key] for key in x)

    return [distance(c, one) == 1 == distance(c, other) for c in candidates].index(True)


def by_making_them(one, other, candidates):
    corners = [one | {key: other[key]} for key in one if one[key] != other[key]]
    return next(i for i in range(len(candidates)) if candidates[i] in corners)


RIGHT = [
    ("06.skill", lambda mse, copy: (copy - mse) / copy),
    ("06.paired_interval", by_scipy),
    ("06.paired_interval", lambda a, b: list(by_scipy(a, b))),
    ("06.power", power_by_t_test),
    ("06.power", power_by_loop),
    ("06.separating_experiment", by_corner),
    ("06.separating_experiment", by_making_them),
    ("06.skill", lambda mse, copy: 1 - mse / copy),
    ("06.skill", lambda mse, copy: np.array([1 - mse / copy])),
    ("06.skill", lambda mse, copy: np.subtract(1, np.divide(mse, copy))),
    ("06.skill", lambda mse, copy: (1 / mse - 1 / copy) * mse if mse else 1),
    ("06.skill", lambda mse, copy: -(mse - copy) / copy),
    ("06.paired_interval", generated_interval),
    ("06.paired_interval", torch_interval),
    ("06.paired_interval", lambda a, b: of_width(a, b, 1.96)),
    ("06.paired_interval", lambda a, b: np.array(of_width(a, b, stats.norm.ppf(0.975)))),
    ("06.power", exact_power),
    ("06.power", power_by_standard_normals),
    ("06.power", power_by_columns),
    ("06.power", lambda *given: np.array([power_by_t_test(*given)])),
    ("06.separating_experiment", corners_by_items),
    ("06.separating_experiment", index_as_array),
    ("06.separating_experiment", by_counting),
    ("06.separating_experiment", by_filter),
]
