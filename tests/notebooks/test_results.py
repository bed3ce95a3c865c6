"""Every number in a results cell is what the published runs give; none is typed by hand."""

import re
from itertools import permutations

import nbformat
import numpy as np
import pytest

from course_lib import baselines, data, grayscale, metrics, statistics
from course_lib.results import claims, experiments, published
from course_tools.lessons import lesson_source

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.\d+(?:e[-+]\d+)?")
INTERVAL = re.compile(rf"({NUMBER.pattern}) \(\s*({NUMBER.pattern}) to\s+({NUMBER.pattern})\)")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
# What the course expects or the paper claims, in words that say so; results are beside it.
EXPECTED = re.compile(r"(band|claimed) [-\w. ]+|\d+\. [A-Z].*")
RESULTS = [
    pytest.param(cell, id=f"{lesson.name}-{cell.id}")
    for lesson in lesson_source.all_lessons()
    for cell in nbformat.read(lesson.notebook, as_version=4).cells
    if "results" in lesson_source.tags(cell)
]


def leaves(tree):
    """Every number in nested dicts and lists."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [number for branch in tree for number in leaves(branch)]
    return [float(tree)] if isinstance(tree, int | float) else []


def agrees(printed, values):
    """Whether one of the values is `printed`, as far as its digits go."""
    digits = len(printed.split("e")[0].partition(".")[2])
    exponent = int(printed.split("e")[1]) if "e" in printed else 0
    distance = np.abs(np.asarray(values) - float(printed))
    return bool(distance.min() <= 0.5001 * 10.0 ** (exponent - digits))


@pytest.fixture(scope="module")
def sample():
    cifar = data.load_cifar10("sample")
    split = data.split(cifar)
    images = {"train": split.x_train, "validation": split.x_validation, "test": cifar.x_test}
    return cifar, {name: data.as_float(rgb) for name, rgb in images.items()}


def gaps_over_seeds():
    """Test MSE of A1 minus A2 for each seed that both have, and the interval over them."""
    a1, a2 = (claims.runs_by_seed(f"three_layer_{rate}") for rate in ("plateau", "constant"))
    gaps = [
        a1[seed].metrics["test"]["mse"] - a2[seed].metrics["test"]["mse"]
        for seed in a1.keys() & a2.keys()
    ]
    return [*gaps, *statistics.mean_interval(gaps)]


@pytest.fixture(scope="module")
def known(sample):
    """Numbers of manifests, of baselines on the sample, over seeds, and what claims rest on."""
    numbers = leaves([published.load(name).manifest for name in published.names()])
    for rgb in sample[1].values():
        for colour in (baselines.gray_copy, baselines.gray_level_table):
            numbers += leaves(metrics.evaluate(colour(grayscale.to_gray(rgb)), rgb))
    for recipe in experiments.PAPER:
        seeds = claims.runs_by_seed(recipe.name).values()
        numbers += statistics.mean_interval([run.metrics["test"]["mse"] for run in seeds])
    numbers += gaps_over_seeds()
    for claim in claims.CLAIMS:
        for finding in claims.judge(claim)[1]:
            # With several seeds an interval stands beside the number, and is computed with it.
            ends = NUMBER.findall(finding.rests_on)
            numbers += [finding.value, *map(float, ends)]
    return np.array([number for number in numbers if np.isfinite(number)])


@pytest.fixture(scope="module")
def errors(sample):
    """Pairs of MSE per test image: of every two runs, and of every run and each baseline."""
    cifar, images = sample
    rgb = images["test"]
    gray = grayscale.to_gray(rgb)
    runs = [published.load(name).per_image("mse") for name in published.names()]
    pairs = list(permutations(runs, 2))
    for colour in (baselines.gray_copy, baselines.gray_level_table):
        bar = np.mean((colour(gray) - rgb) ** 2, axis=(1, 2, 3))
        for run in runs:
            pairs += [(run[cifar.test_indices], bar), (bar, run[cifar.test_indices])]
    return pairs


def test_there_are_results_in_every_lesson_that_publishes_a_run():
    lessons_with_results = {param.id[:2] for param in RESULTS}
    assert lessons_with_results == {"02", "03", "04", "05", "06"}


@pytest.mark.parametrize("cell", RESULTS)
def test_results_are_what_the_published_runs_give(cell, known, errors):
    printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    printed = EXPECTED.sub("", printed)
    assert NUMBER.search(printed), "a results cell prints results"
    for mean, low, high in INTERVAL.findall(printed):
        found = [
            statistics.paired_difference(a, b)
            for a, b in errors
            if agrees(mean, [np.mean(a - b, dtype=np.float64)])
        ]
        assert any(agrees(low, [one[1]]) and agrees(high, [one[2]]) for one in found), mean
    wrong = [
        number
        for number in NUMBER.findall(PERCENT.sub("", INTERVAL.sub("", printed)))
        if not agrees(number, known)
    ]
    assert wrong == []
    shares = [100 * np.mean(a < b) for a, b in errors]
    assert [share for share in PERCENT.findall(printed) if not agrees(share, shares)] == []


@pytest.mark.parametrize("value", [0.0083249, 12.3456, -0.00175])
def test_a_number_that_no_run_gives_is_found(value):
    for digits in (2, 4, 5):
        assert agrees(f"{value:.{digits}f}", [1.0, value])
        assert not agrees(f"{value + 0.011:.{digits}f}", [1.0, value])
    assert agrees("8.32e-03", [0.0083249]) and not agrees("8.34e-03", [0.0083249])
