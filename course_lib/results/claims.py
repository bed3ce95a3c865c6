"""The paper's nine claims, and what the published runs say about each.

A claim has one or more parts. A part is a number that every seed gives once, and the range in
which the claim puts it. The ranges are how the course reads the paper; to read it differently,
change them here, in one place.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from math import inf, isfinite, nan, prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib.results import experiments, published
from course_lib.results.published import Run
from course_lib.statistics import mean_interval

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot yet be decided"
MIN_SEEDS = 3


def verdict(numbers: Sequence[float], low: float, high: float) -> str:
    """Does a claim hold that puts a number between low and high? One number per run."""
    if len(numbers) < MIN_SEEDS or not all(map(isfinite, numbers)):
        return OPEN
    _, left, right = mean_interval(numbers)  # 95 % interval over seeds
    if low < left and right < high:
        return HOLDS
    if right <= low or high <= left:
        return FAILS
    return OPEN


class Part(NamedTuple):
    """A number, and the range (open at both ends) in which a claim puts it."""

    what: str  # a description of the number
    names: tuple[str, ...]  # the experiments it is taken from; none if it needs no run
    measure: Callable[..., float]  # one run of each, of the same seed -> the number, or NaN
    low: float = -inf
    high: float = inf

    @property
    def claimed(self) -> str:
        """The claimed range as text."""
        if self.low == -inf:
            return f"below {self.high:g}"
        return f"above {self.low:g}" if self.high == inf else f"{self.low:g} to {self.high:g}"


class Claim(NamedTuple):
    """One claim of the paper; it holds if all its parts do."""

    number: int
    says: str
    parts: tuple[Part, ...]


class PartResult(NamedTuple):
    """Our number for a part (the mean over seeds; NaN if there is none), and what it rests on."""

    part: Part
    value: float
    rests_on: str
    verdict: str


def judge(claim: Claim, runs: Path = published.RUNS) -> tuple[str, list[PartResult]]:
    """The verdict on a claim, and one result per part.

    Raises:
        CourseError: the manifest of a published run is damaged.
    """
    results = [_judge_part(part, runs) for part in claim.parts]
    verdicts = {result.verdict for result in results}
    return next(one for one in (FAILS, OPEN, HOLDS) if one in verdicts), results


def _judge_part(part: Part, runs: Path) -> PartResult:
    if not part.names:
        value = part.measure()
        return PartResult(part, value, "counted", HOLDS if part.low < value < part.high else FAILS)
    found = [runs_by_seed(name, runs) for name in part.names]
    seeds = sorted(set.intersection(*map(set, found)))
    if not seeds:
        return PartResult(part, nan, "a run is missing", OPEN)
    numbers = [part.measure(*(by_seed[seed] for by_seed in found)) for seed in seeds]
    mean = sum(numbers) / len(numbers)
    return PartResult(part, mean, _rests_on(numbers), verdict(numbers, part.low, part.high))


def _rests_on(numbers: Sequence[float]) -> str:
    """How many seeds gave the numbers, and the 95 % interval of their mean."""
    count = f"seeds: {len(numbers)}"
    if len(numbers) < 2 or not all(map(isfinite, numbers)):
        return count
    _, low, high = mean_interval(numbers)
    return f"{count}, 95 % interval {four_digits(low)} to {four_digits(high)}"


def four_digits(number: float) -> str:
    """A number as text: its first four digits, as in 0.00007741, and never an exponent."""
    return np.format_float_positional(number, 4, fractional=False, trim="-")


def runs_by_seed(name: str, runs: Path = published.RUNS) -> dict[int, Run]:
    """The published runs of an experiment. Raises CourseError if one is damaged."""
    found = [published.load(folder, runs) for folder in published.names(runs)]
    return {run.manifest["seed"]: run for run in found if run.manifest["experiment"] == name}


@cache
def num_parameters(name: str) -> int:
    """Parameters of the experiment's model at full width. Imports its framework."""
    weights = published.weights_by_name(published.build_model(name))
    return sum(prod(array.shape) for array in weights.values())


def _lowest(run: Run) -> float:
    return min(run.losses("train_loss"))


def _c_like_a1(c: Run, a1: Run) -> float:
    return _lowest(c) - a1.losses("train_loss")[19]


def _share(a1: Run, a2: Run, b: Run, c: Run) -> float:
    mse = [run.metrics["test"]["mse"] for run in (a1, a2, b, c)]
    return abs(mse[1] - mse[0]) / min(abs(mse[2] - mse[0]), abs(mse[3] - mse[0]))


def _minutes_more(one: Run, *others: Run) -> float:
    """Training minutes of `one` minus the most of the others; NaN if their devices differ."""
    runs = (one, *others)
    if len({re.sub(r", Keras on \w+", "", run.manifest["device"]) for run in runs}) > 1:
        return nan
    minutes = [sum(epoch["seconds"] for epoch in run.history) / 60 for run in runs]
    return minutes[0] - max(minutes[1:])


def _test(metric: str, one: str, other: str, low: float = -inf, high: float = inf) -> Part:
    def measure(first: Run, second: Run) -> float:
        return first.metrics["test"][metric] - second.metrics["test"][metric]

    shown = {"mse": "MSE", "ssim": "SSIM"}.get(metric, metric)
    what = f"test {shown}, {LETTERS[one]} minus {LETTERS[other]}"
    return Part(what, (one, other), measure, low, high)


A1, A2, B, C = (experiment.name for experiment in experiments.PAPER)
HYBRID = "conv_latent_plateau"  # the paper's future work; the course has no such recipe yet
LETTERS = {A1: "A1", A2: "A2", B: "B", C: "C", HYBRID: "hybrid"}
LIKE_A1 = Part("lowest training loss of C minus A1's at epoch 20", (C, A1), _c_like_a1,
               -0.0005, 0.0005)  # fmt: skip
# fmt: off
CLAIMS = (
    Claim(1, "A1 reaches a minimum training loss of about 0.004.",
          (Part("lowest training loss of A1", (A1,), _lowest, 0.0035, 0.0045),)),
    Claim(2, "C reaches about 0.005, comparable to A1 at epoch 20.",
          (Part("lowest training loss of C", (C,), _lowest, 0.0045, 0.0055), LIKE_A1)),
    Claim(3, "B struggles to get below 0.01.",
          (Part("lowest training loss of B", (B,), _lowest, 0.0095),)),
    Claim(4, "A static learning rate slightly degrades A; architectures differ by more.",
          (_test("mse", A2, A1, low=0),
           Part("distance A1-A2 divided by the distance from A1 to the nearer of B and C "
                "(test MSE)", (A1, A2, B, C), _share, high=0.5))),
    Claim(5, "C's outputs are clearer and better defined than B's, and than A's.",
          (_test("ssim", C, B, low=0), _test("ssim", C, A1, low=0))),
    Claim(6, "A's colours are more vibrant than B's and C's.",
          (_test("colourfulness", A1, B, low=0), _test("colourfulness", A1, C, low=0))),
    Claim(7, "B has most parameters and trains longest; C has fewest and matches A's loss.",
          (Part("million parameters, B minus the larger of A and C", (), lambda: 1e-6 * (
              num_parameters(B) - max(map(num_parameters, (A1, C)))), low=0),
           Part("million parameters, C minus the smaller of A and B", (), lambda: 1e-6 * (
               num_parameters(C) - min(map(num_parameters, (A1, B)))), high=0),
           Part("training minutes, B minus the longer of A1 and C", (B, A1, C),
                _minutes_more, low=0),
           LIKE_A1)),
    Claim(8, "A is best overall.",
          (_test("mse", A1, B, high=0), _test("mse", A1, C, high=0))),
    Claim(9, "A convolutional latent with a dynamic learning rate would do better still.",
          (_test("mse", HYBRID, A1, high=0), _test("mse", HYBRID, C, high=0))),
)
# fmt: on
