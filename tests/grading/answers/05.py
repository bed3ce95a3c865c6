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


def first_loss_is_best(losses, patience, min_delta):
    """Compares the first epoch with itself."""
    best, bad = losses[0], 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best - min_delta:
            best, bad = loss, 0
        else:
            bad += 1
        if bad == patience:
            return epoch
    return 0


def minus_one_for_never(losses, patience, min_delta):
    return library_schedule(losses, patience, min_delta) or -1


def keeps_the_threshold(losses, patience, min_delta):
    best, bad = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best - min_delta:
            best, bad = loss - min_delta, 0
        else:
            bad += 1
            if bad >= patience:
                return epoch
    return 0


def ignores_min_delta(losses, patience, min_delta):
    return library_schedule(losses, patience, 0.0)


def counts_from_zero_and_waits(losses, patience, min_delta):
    best, bad = math.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best, bad = loss, 0
        else:
            bad += 1
            if bad > patience:
                return epoch
    return 0


def floor_of_its_own(rate, factor, floor):
    return max(rate * factor, 5e-7)


def old_rate_compared(rate, factor, floor):
    if rate <= floor:
        return floor
    return rate * factor


def kerass_guard(rate, factor, floor):
    """As in Keras' ReduceLROnPlateau: a rate at the floor, or below, stays."""
    if rate > np.float32(floor):
        return max(rate * factor, floor)
    return rate


def with_t(tail, free, divide=lambda n: n**0.5, ddof=1):
    def interval(a, b):
        d = a - b
        half = stats.t.ppf(tail, free) * d.std(ddof=ddof) / divide(len(d))
        return d.mean(), d.mean() - half, d.mean() + half

    return interval


def crossed(a, b):
    return mean_interval((a[:, None] - b[None]).ravel())


def pooled(a, b):
    half = 4.303 * np.sqrt(a.var(ddof=1) / 3 + b.var(ddof=1) / 3)
    return a.mean() - b.mean(), a.mean() - b.mean() - half, a.mean() - b.mean() + half


def bootstrapped(a, b):
    d, random = a - b, np.random.default_rng(0)
    means = random.choice(d, (2000, 3)).mean(axis=1)
    return d.mean(), *np.percentile(means, [2.5, 97.5])


def two_halves(difference, spread):
    n = 2
    while stats.t.ppf(0.95, n - 1) * spread / np.sqrt(n) >= difference:
        n += 1
    return n


def by_variance(difference, spread):
    n = 2
    while stats.t.ppf(0.975, n - 1) * spread**2 / np.sqrt(n) >= difference:
        n += 1
    return n


def n_for_root_n(difference, spread):
    n = 2
    while stats.t.ppf(0.975, n - 1) * spread / n >= difference:
        n += 1
    return n


def t_of_n(difference, spread):
    n = 2
    while stats.t.ppf(0.975, n) * spread / math.sqrt(n) >= difference:
        n += 1
    return n


def from_far_away(difference, spread):
    """Asks SciPy for the interval itself, from far away and then closer; 1,000 is not far."""
    n = 1000
    while stats.t.interval(0.95, n - 1, loc=difference, scale=spread / n**0.5)[0] > 0:
        n -= 1
        if n == 1:
            break
    return n + 1


def until_found(difference, spread):
    n = 2
    while True:
        if stats.t.ppf(0.975, n - 1) * spread / math.sqrt(n) < difference:
            return n
        n = n + 1


def vectorised(difference, spread):
    n = np.arange(2, 10**5)
    return n[stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n) < difference][0]


def bisected(difference, spread):
    low, high = 1, 2
    while stats.t.ppf(0.975, high - 1) * spread / high**0.5 >= difference:
        low, high = high, 2 * high
    while high - low > 1:
        n = (low + high) // 2
        enough = stats.t.ppf(0.975, n - 1) * spread / n**0.5 < difference
        low, high = (low, n) if enough else (n, high)
    return high


def from_the_normal_quantile(difference, spread):
    """Begins where the normal distribution would, which is never too many."""
    n = max(2, int((1.95 * spread / difference) ** 2))
    while spread * stats.t.isf(0.025, n - 1) >= difference * n**0.5:
        n += 1
    return n


def torch_rate(rate, factor, floor):
    import torch

    return torch.clamp(torch.tensor([rate * factor], dtype=torch.float64), min=floor)


def with_a_list(losses, patience, min_delta):
    """Looks at the last epoch that counted."""
    better = []
    best = np.inf
    for i, loss in enumerate(losses):
        if best - loss > min_delta:
            best = loss
            better.append(i)
        elif i - better[-1] == patience:
            return i + 1
    return 0


def with_while(losses, patience, min_delta):
    epoch, best, wait = 0, float("inf"), 0
    while epoch < len(losses) and wait < patience:
        wait += 1
        if losses[epoch] < best - min_delta:
            best, wait = losses[epoch], 0
        epoch += 1
    return epoch if wait == patience else 0


def keras_itself(losses, patience, min_delta):
    """A part of Keras' own class, with its names."""
    wait, best, fall = 0, np.inf, None
    for epoch, current in enumerate(losses):
        if np.less(current, best - min_delta):
            best, wait = current, 0
        else:
            wait += 1
            if wait >= patience and fall is None:
                fall = np.array(epoch + 1)
    return 0 if fall is None else fall


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
    ("05.rate_after_fall", lambda r, f, floor: max(r - f, floor), "multiply the rate by it"),
    ("05.first_fall", compared_with_the_epoch_before, "epoch before"),
    ("05.first_fall", always_the_minimum, "follows every loss"),
    ("05.first_fall", lambda losses, p, d: losses[p], ""),
    ("05.first_fall", never_reset, "in all"),
    ("05.first_fall", counted_from_zero, "from 0;"),
    ("05.first_fall", pytorch, "as PyTorch does"),
    ("05.rate_after_fall", lambda r, f, floor: max(r, floor) * f, "The floor comes last"),
    ("05.first_fall", without_the_first, "You skip the first epoch: its"),
    ("05.num_seeds", lambda d, s: until_found(d, s) + 1, "One too many"),
    ("05.num_seeds", lambda d, s: until_found(d, s) - 1, "one seed too early"),
    ("05.first_fall", relative, "a share of the best; Keras' is an absolute"),
    ("05.first_fall", equal_counts, "compare with <, not <="),
    ("05.first_fall", only_if_it_falls, "return 0"),
    ("05.rate_after_fall", lambda r, f, floor: max(r * 10**-0.5, floor), "argument factor"),
    ("05.paired_interval", welch, "Welch"),
    ("05.paired_interval", ends_of_two, "ends farthest apart"),
    ("05.paired_interval", end_minus_end, "subtract one from the other"),
    ("05.paired_interval", sorted_first, "the pairs are lost"),
    ("05.num_seeds", searched(range(3, 20_000)), "begins with 3"),
    ("05.num_seeds", searched(range(2, 101)), "ends too early"),
    ("05.num_seeds", searched(range(2, 50)), "ends too early"),
    ("05.num_seeds", searched(range(2, 100_000), width=2), "whole width"),
    (
        "05.paired_interval",
        lambda a, b: stats.ttest_ind(a, b).confidence_interval(),
        "Return three",
    ),
    (
        "05.paired_interval",
        lambda a, b: checks_interval(a - b, stats.norm.ppf(0.975)),
        "1.96",
    ),
    ("05.paired_interval", lambda a, b: (a - b).mean(), "mean alone"),
    ("05.num_seeds", normal_theory, "1.96"),
    ("05.num_seeds", lambda d, s: 3, "same for every input"),
    ("05.rate_after_fall", floor_of_its_own, "floor of your own"),
    ("05.rate_after_fall", old_rate_compared, "compare the new one"),
    ("05.rate_after_fall", lambda r, f, floor: max(r / f, floor), "rate rises"),
    ("05.rate_after_fall", lambda r, f, floor: max(r * (1 - f), floor), "what is kept"),
    ("05.rate_after_fall", lambda r, f, floor: r * max(f, floor), "not for the factor"),
    ("05.rate_after_fall", lambda r, f, floor: max(r * 0.5, floor), "argument factor"),
    ("05.rate_after_fall", lambda r, f, floor: np.round(max(r * f, floor), 6), "round"),
    ("05.rate_after_fall", lambda r, f, floor: np.clip(r * f, 0, floor), "take the larger"),
    ("05.first_fall", first_loss_is_best, "starts with the first loss"),
    ("05.first_fall", minus_one_for_never, "return 0"),
    ("05.first_fall", keeps_the_threshold, "keep the loss"),
    ("05.first_fall", ignores_min_delta, "leave min_delta out"),
    ("05.first_fall", counts_from_zero_and_waits, ""),
    ("05.first_fall", lambda losses, p, d: library_schedule(losses, 2, d), "use patience"),
    ("05.first_fall", lambda losses, p, d: library_schedule(losses, p, 1e-4), "use min_delta"),
    ("05.first_fall", lambda losses, p, d: library_schedule(losses, p, d) > 0, "True or False"),
    ("05.paired_interval", with_t(0.975, 3), "two degrees of freedom"),
    ("05.paired_interval", with_t(0.95, 2), "0.95"),
    ("05.paired_interval", with_t(0.975, 2, divide=lambda n: n), "divide by its root"),
    ("05.paired_interval", with_t(0.975, 2, divide=lambda n: 1), "root of the number of seeds"),
    ("05.paired_interval", with_t(0.975, 2, ddof=0), "ddof=1"),
    ("05.paired_interval", with_t(0.975, 2, divide=lambda n: (n - 1) ** 0.5), "root of N - 1"),
    ("05.paired_interval", with_t(0.995, 2), "99 %"),
    ("05.paired_interval", crossed, "compared with every other"),
    ("05.paired_interval", pooled, "ignore the pairs"),
    ("05.paired_interval", bootstrapped, ""),
    ("05.paired_interval", lambda a, b: mean_interval(b - a), "scheduled minus constant"),
    ("05.num_seeds", two_halves, "2.5 % on either side"),
    ("05.num_seeds", by_variance, "standard deviation"),
    ("05.num_seeds", n_for_root_n, "not with the number"),
    ("05.num_seeds", t_of_n, "N - 1 degrees"),
    ("05.num_seeds", from_far_away, "ends too early"),
    ("05.num_seeds", searched(range(2, 401)), "ends too early"),
    ("05.num_seeds", searched(range(2, 501)), "ends too early"),
    ("05.num_seeds", searched(range(2, 1001)), "ends too early"),
    ("05.num_seeds", lambda d, s: math.ceil((4.303 * s / d) ** 2), "three seeds"),
    ("05.num_seeds", lambda d, s: until_found(s, d), "changed places"),
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


RIGHT = [
    ("05.paired_interval", with_t_from_a_table),
    ("05.rate_after_fall", lambda *x: sorted([x[0] * x[1], x[2]])[1]),
    ("05.rate_after_fall", lambda r, f, floor: np.array([np.clip(f * r, floor, None)])[0]),
    ("05.first_fall", by_recursion),
    ("05.first_fall", library_schedule),
    ("05.paired_interval", paired_by_scipy),
    ("05.rate_after_fall", kerass_guard),
    ("05.rate_after_fall", torch_rate),
    ("05.rate_after_fall", lambda r, f, floor: r * f if r * f > floor else floor),
    ("05.rate_after_fall", lambda r, f, floor: np.maximum([r * f], [floor])),
    ("05.first_fall", with_a_list),
    ("05.first_fall", with_while),
    ("05.first_fall", keras_itself),
    ("05.first_fall", lambda *given: float(with_while(*given))),
    ("05.paired_interval", lambda a, b: list(mean_interval(a - b))),
    (
        "05.paired_interval",
        lambda a, b: np.array(mean_interval([x - y for x, y in zip(a, b, strict=True)])),
    ),
    ("05.paired_interval", with_t(0.975, 2)),
    ("05.paired_interval", lambda a, b: (x for x in mean_interval(a - b))),
    ("05.num_seeds", until_found),
    ("05.num_seeds", vectorised),
    ("05.num_seeds", bisected),
    ("05.num_seeds", from_the_normal_quantile),
    ("05.num_seeds", lambda d, s: np.array([bisected(d, s)])),
    ("05.num_seeds", lambda d, s: float(vectorised(d, s))),
]
