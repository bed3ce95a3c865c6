"""Answers to lesson 05 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

import math
import statistics

import numpy as np
from scipy import stats

from course_lib.statistics import mean_interval
from course_lib.training.schedules import ReduceOnPlateau, replay


def compared_with_the_epoch_before(losses, patience, min_delta):
    bad = 0
    for i in range(1, len(losses)):
        bad = 0 if losses[i] < losses[i - 1] - min_delta else bad + 1
        if bad == patience:
            return i + 1
    return 0


def always_the_minimum(losses, patience, min_delta):
    """`best` follows each lower loss, so small steps never add up."""
    best, bad = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        bad = 0 if loss < best - min_delta else bad + 1
        best = min(best, loss)
        if bad == patience:
            return epoch
    return 0


def never_reset(losses, patience, min_delta):
    best, wait = float("inf"), 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best = loss
        else:
            wait += 1
            if wait >= patience:
                return epoch + 1
    return 0


def counted_from_zero(losses, patience, min_delta):
    rates = replay(ReduceOnPlateau(0.1, patience, min_delta), [*losses, 0], 1.0)
    return next((i - 1 for i, rate in enumerate(rates) if rate < 1), 0)


def pytorch(losses, patience, min_delta):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, patience=patience, threshold=min_delta, threshold_mode="abs"
    )
    for epoch, loss in enumerate(losses, start=1):
        schedule.step(loss)
        if optimizer.param_groups[0]["lr"] < 1:
            return epoch
    return 0


def relative(losses, patience, min_delta):
    """What Keras does not do: the threshold is a share of the best."""
    best, bad = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if best == math.inf or (best - loss) / best > min_delta:
            best, bad = loss, 0
        else:
            bad += 1
            if bad == patience:
                return epoch
    return 0


def without_the_first(losses, patience, min_delta):
    best, bad = math.inf, 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < best - min_delta:
            best, bad = losses[epoch], 0
        else:
            bad += 1
        if bad == patience:
            return epoch + 1
    return 0


def equal_counts(losses, patience, min_delta):
    best, bad = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        best, bad = (loss, 0) if best - loss >= min_delta else (best, bad + 1)
        if bad == patience:
            return epoch
    return 0


def only_if_it_falls(losses, patience, min_delta):
    """Forgets what to return when the rule never acts."""
    return library_schedule(losses, patience, min_delta) or None


def welch(a, b):
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return a.mean() - b.mean(), interval.low, interval.high


def ends_of_two(a, b):
    (mean_a, low_a, high_a), (mean_b, low_b, high_b) = mean_interval(a), mean_interval(b)
    return mean_a - mean_b, low_a - high_b, high_a - low_b


def end_minus_end(a, b):
    return [one - other for one, other in zip(mean_interval(a), mean_interval(b), strict=True)]


def sorted_first(a, b):
    return mean_interval(np.array(sorted(a)) - np.array(sorted(b)))


def searched(numbers, width=1):
    def num_seeds(difference, spread):
        for n in numbers:
            if width * stats.t.ppf(0.975, n - 1) * spread / math.sqrt(n) < difference:
                return n
        return numbers[-1]

    return num_seeds


def normal_theory(difference, spread):
    return max(2, math.ceil((1.96 * spread / difference) ** 2))


def with_t_from_a_table(scheduled, constant):
    differences = [float(a - b) for a, b in zip(scheduled, constant, strict=True)]
    mean, half = statistics.mean(differences), 4.303 * statistics.stdev(differences) / 3**0.5
    return [mean, mean - half, mean + half]


WRONG = [
    ("05.rate_after_fall", lambda r, f, floor: r * f if r * f > floor else r, "becomes the floor"),
    ("05.rate_after_fall", lambda r, f, floor: floor + r * f, "do not add it"),
    ("05.first_fall", lambda losses, p, d: losses.argmin() + 1, "epoch of the lowest loss"),
    ("05.first_fall", lambda losses, p, d: losses.argmin() + 1 + p, "the lowest loss of all"),
    ("05.paired_interval", lambda a, b: mean_interval(a), "leave the constant runs out"),
    ("05.paired_interval", lambda a, b: mean_interval(abs(a - b)), "drop the signs"),
    (
        "05.paired_interval",
        lambda a, b: mean_interval(a - b)[::2] + mean_interval(a - b)[1:2],
        "order is mean",
    ),
    ("05.num_seeds", lambda d, s: int((s / d) ** 2) + 1, "leave t out"),
    ("05.rate_after_fall", lambda rate, factor, floor: rate * factor, "floor is missing"),
    ("05.rate_after_fall", lambda r, f, floor: np.minimum(r * f, floor), "take the larger"),
    ("05.rate_after_fall", lambda r, f, floor: max(r - f, floor), "is 5e-07 and should be"),
    ("05.first_fall", compared_with_the_epoch_before, "epoch before"),
    ("05.first_fall", always_the_minimum, "follows every loss"),
    ("05.first_fall", lambda losses, p, d: losses[p], "should be"),
    ("05.first_fall", never_reset, "in all"),
    ("05.first_fall", counted_from_zero, "from 0;"),
    ("05.first_fall", pytorch, "as PyTorch does"),
    ("05.rate_after_fall", lambda r, f, floor: max(r, floor) * f, "The floor comes last"),
    ("05.first_fall", without_the_first, "You skip the first epoch: its"),
    ("05.num_seeds", lambda d, s: searched(range(2, 1000))(d, s) + 1, "One too many"),
    ("05.num_seeds", lambda d, s: searched(range(2, 1000))(d, s) - 1, "one seed too early"),
    ("05.first_fall", relative, "a share of the best; Keras' is an absolute"),
    ("05.first_fall", equal_counts, "compare with <, not <="),
    ("05.first_fall", only_if_it_falls, "nothing for this case: losses = [0.012,"),
    ("05.rate_after_fall", lambda r, f, floor: max(r * 10**-0.5, floor), "argument factor"),
    ("05.paired_interval", welch, "Welch"),
    ("05.paired_interval", ends_of_two, "ends farthest apart"),
    ("05.paired_interval", end_minus_end, "subtract one from the other"),
    ("05.paired_interval", sorted_first, "the pairs are lost"),
    ("05.num_seeds", searched(range(3, 1000)), "begins with 3"),
    ("05.num_seeds", searched(range(2, 101)), "ends at 100"),
    ("05.num_seeds", searched(range(2, 50)), "difference = 0.0001, spread = 0.0004 the result"),
    ("05.num_seeds", searched(range(2, 5000), width=2), "whole width"),
    ("05.paired_interval", lambda a, b: stats.ttest_ind(a, b).confidence_interval(), "shape"),
    (
        "05.paired_interval",
        lambda a, b: checks_interval(a - b, stats.norm.ppf(0.975)),
        "1.96",
    ),
    ("05.paired_interval", lambda a, b: (a - b).mean(), "shape"),
    ("05.num_seeds", normal_theory, "1.96"),
    ("05.num_seeds", lambda d, s: 3, "should be 4"),
]


def checks_interval(d, factor):
    half = factor * d.std(ddof=1) / np.sqrt(len(d))
    return d.mean(), d.mean() - half, d.mean() + half


def library_schedule(losses, patience, min_delta):
    schedule = ReduceOnPlateau(factor=0.1, patience=patience, min_delta=min_delta)
    rate = 1.0
    for epoch, loss in enumerate(losses, start=1):
        rate = schedule(loss, rate)
        if rate < 1:
            return np.int64(epoch)
    return False


def by_recursion(losses, patience, min_delta, best=math.inf, bad=0, epoch=1):
    if len(losses) == 0:
        return 0
    better = losses[0] < best - min_delta
    best, bad = (losses[0], 0) if better else (best, bad + 1)
    if bad == patience:
        return epoch
    return by_recursion(losses[1:], patience, min_delta, best, bad, epoch + 1)


def paired_by_scipy(a, b):
    test = stats.ttest_rel(a, b)
    interval = test.confidence_interval(0.95)
    return np.array([np.mean(a - b), interval.low, interval.high])


def by_interval(difference, spread):
    """Asks SciPy for the interval itself, from far away and then closer."""
    n = 1000
    while stats.t.interval(0.95, n - 1, loc=difference, scale=spread / n**0.5)[0] > 0:
        n -= 1
        if n == 1:
            break
    return n + 1


RIGHT = [
    ("05.paired_interval", with_t_from_a_table),
    ("05.rate_after_fall", lambda *x: sorted([x[0] * x[1], x[2]])[1]),
    ("05.rate_after_fall", lambda r, f, floor: np.array([np.clip(f * r, floor, None)])[0]),
    ("05.first_fall", by_recursion),
    ("05.first_fall", library_schedule),
    ("05.paired_interval", paired_by_scipy),
    ("05.num_seeds", by_interval),
    ("05.num_seeds", searched(range(2, 1000))),
]
