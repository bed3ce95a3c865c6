"""What each cell tagged `results` prints: which number of which run stands where.

For a new cell, add a function tagged `@prints("NN")`; the functions of a lesson stand in the order
of its cells. It yields one line for each line of the output that is not empty: the words and the
quantities in it, from left to right (see `printed_numbers`). No value is typed here: take it from
the looked-up and computed quantities below, as in

    @prints("04")
    def training_loss():
        for name in (B, C):
            yield [run(name).label, score(name, "train", "mse")]

for `C, convolutional latent: MSE 0.00551 on training images`.
"""

import inspect
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import nbformat
import numpy as np
from nbformat import NotebookNode

from course_lib import baselines, data, grayscale, statistics
from course_lib.results import claims, experiments, published
from course_lib.results.claims import A1, A2, B, C
from course_lib.results.published import Run
from course_tools.experiments.train import NUM_MEASURED_TRAIN
from course_tools.lessons import lesson_source
from printed_numbers import Line, Quantity

A2_RGB = experiments.RGB_TO_RGB.name
COPY, TABLE = "gray copy", "gray-level table"
BASELINES = {COPY: baselines.gray_copy, TABLE: baselines.gray_level_table}
BAND = re.compile(r"(\d[\d.]*) <=? [^<\n]+ <=? (\d[\d.]*)")  # low < score < high, in a cell

Description = Callable[[], Iterator[Line]]
DESCRIPTIONS: dict[str, list[Description]] = defaultdict(list)  # by lesson, in the cells' order


def prints(lesson: str) -> Callable[[Description], Description]:
    """Marks what the next results cell of the lesson prints."""

    def add(description: Description) -> Description:
        DESCRIPTIONS[lesson].append(description)
        return description

    return add


@cache
def committed_cells() -> dict[str, list[NotebookNode]]:
    """The results cells of the committed notebooks, by lesson."""
    cells = defaultdict(list)
    for lesson in lesson_source.all_lessons():
        for cell in nbformat.read(lesson.notebook, as_version=4).cells:
            if "results" in lesson_source.tags(cell):
                cells[lesson.number].append(cell)
    return cells


# Quantities: looked up.


@cache
def run(name: str) -> Run:
    """The published run of that name: the experiment's, with seed 0."""
    return published.load(name)


def letter(name: str) -> str:
    """What tables call a run."""
    return run(name).manifest["letter"]


def seed_of(name: str) -> Quantity:
    """The seed of a run."""
    return Quantity(f"seed of {name}", run(name).manifest["seed"])


def score(name: str, split: str, metric: str) -> Quantity:
    """A metric of a run or of a baseline on a split, from the manifest."""
    # Baselines are the same in every run of the held-out protocol.
    holder, key = (A1, key_of(name, split)) if name in BASELINES else (name, split)
    return Quantity(f"{metric} of {name} on {split}", run(holder).metrics[key][metric])


def key_of(baseline: str, split: str) -> str:
    """What manifests call the metrics of a baseline, as in `gray_copy_test`."""
    return f"{BASELINES[baseline].__name__}_{split}"


def split_in_parts(name: str, split: str) -> Line:
    """MSE, luma and chroma, each behind its heading."""
    parts = {"MSE": "mse", "luma": "mse_luma", "chroma": "mse_chroma"}
    return [item for title, key in parts.items() for item in (title, score(name, split, key))]


def num_images(split: str) -> Quantity:
    """On how many images a split's metrics are taken."""
    if split == "train":
        number = NUM_MEASURED_TRAIN
    elif split == "validation":
        number = len(data.train_validation_split(np.repeat(np.arange(10), 5_000))[1])
    else:
        number = len(run(A1).per_image())
    return Quantity(f"images in {split}", number)


def num_in_sample() -> Quantity:
    """How many test images the sample has."""
    return Quantity("test images in the sample", len(sample().x_test))


def confidence(interval: Callable[..., object]) -> Quantity:
    """The confidence of an interval, in percent."""
    default = inspect.signature(interval).parameters["confidence"].default
    return Quantity("confidence in percent", 100 * default)


def band(lesson: str, number: Quantity, which: int = 0) -> Line:
    """Ends of the band that a lesson's results cells compare with, and whether `number` is in."""
    source = "\n".join(cell.source for cell in committed_cells()[lesson])
    low, high = map(float, BAND.findall(source)[which])
    held = str(low < number.value < high)
    return [Quantity("low end of the band", low), Quantity("high end of the band", high), held]


# Quantities: computed from named runs.


@cache
def sample() -> data.CIFAR10:
    """The bundled images."""
    return data.load_cifar10("sample")


@cache
def errors(name: str, images: str = "test") -> np.ndarray:
    """MSE of every test image, or of those in the sample: of a run or a baseline."""
    if name not in BASELINES:
        every = run(name).per_image("mse")
        return every[sample().test_indices] if images == "sample" else every
    rgb = data.as_float(sample().x_test)
    return np.mean((BASELINES[name](grayscale.to_gray(rgb)) - rgb) ** 2, axis=(1, 2, 3))


@cache
def difference(one: str, other: str, images: str = "test") -> list[Quantity]:
    """Mean of the errors of `one` minus `other` over images, and the ends of its interval."""
    numbers = statistics.paired_difference(errors(one, images), errors(other, images))
    return three(f"{one} minus {other}, images in {images}", numbers)


def share_better(one: str, other: str, images: str = "test") -> Quantity:
    """On which share of the images `one` has the lower error."""
    share = float(np.mean(errors(one, images) < errors(other, images)))
    return Quantity(f"share on which {one} is better than {other}, images in {images}", share)


def three(what: str, numbers: tuple[float, float, float]) -> list[Quantity]:
    """The mean of something and the ends of its interval."""
    ends = ("mean", "low end", "high end")
    return [Quantity(f"{end} of {what}", n) for end, n in zip(ends, numbers, strict=True)]


def mse_by_seed(name: str) -> dict[int, Quantity]:
    """Test MSE of every run of an experiment, by seed."""
    return {
        seed: Quantity(f"test MSE of {name}, seed {seed}", found.metrics["test"]["mse"])
        for seed, found in sorted(claims.runs_by_seed(name).items())
    }


@cache
def judged() -> list[tuple[claims.Claim, str, list[claims.PartResult]]]:
    """Each claim with its verdict and its findings."""
    return [(claim, *claims.judge(claim)) for claim in claims.CLAIMS]


# Lesson 02.


@prints("02")
def a1_and_the_baselines() -> Iterator[Line]:
    for name in BASELINES:
        yield [key_of(name, "test"), *split_in_parts(name, "test")]
    for split in ("test", "validation", "train"):
        yield [split, *split_in_parts(A1, split)]
    yield ["A minus gray copy", *difference(A1, COPY, "sample"), num_in_sample()]
    yield ["A", share_better(A1, COPY, "sample")]
    mse, luma = score(A1, "test", "mse"), score(A1, "test", "mse_luma")
    yield [band("02", mse, 0)[-1], "MSE", band("02", luma, 1)[-1], "luma"]
    yield ["MSE", run(A1).label, num_images("test"), mse]


# Lesson 03.


@prints("03")
def b_and_the_baselines() -> Iterator[Line]:
    for split in ("train", "validation", "test"):
        yield [split, *split_in_parts(B, split)]
    for name in BASELINES:
        yield [key_of(name, "test"), *split_in_parts(name, "test")]
    yield ["gray copy minus that of B", *difference(COPY, B, "sample")]
    yield ["B", share_better(B, COPY, "sample"), num_in_sample()]
    mse = score(B, "test", "mse")
    yield ["test MSE", "band", *band("03", mse)]
    yield ["test MSE", run(B).label, "seed", seed_of(B), mse]


# Lesson 04.


@prints("04")
def b_and_c() -> Iterator[Line]:
    columns = {"MSE": "mse", "luma": "mse_luma", "chroma": "mse_chroma"}
    columns |= {"SSIM": "ssim", "colourful": "colourfulness"}
    yield list(columns)
    rows = {COPY: COPY, TABLE: TABLE, run(B).label: B, run(C).label: C}
    for label, name in rows.items():
        yield [label, *(score(name, "test", metric) for metric in columns.values())]
    yield ["B minus that of C", *difference(B, C)]
    yield ["C", share_better(C, B), num_images("test")]
    mse = score(C, "test", "mse")
    yield ["test MSE of C", "band", *band("04", mse)]
    yield ["test MSE", run(C).label, "seed", seed_of(C), mse]


# Lesson 05.


@prints("05")
def below_the_curves() -> Iterator[Line]:
    for name in (A1, A2):
        yield [run(name).label, "test MSE", score(name, "test", "mse")]
    yield ["gray copy", "test MSE", score(COPY, "test", "mse")]
    yield ["gray level table", "test MSE", score(TABLE, "test", "mse")]


@prints("05")
def a1_and_a2_over_images() -> Iterator[Line]:
    yield ["test MSE", score(COPY, "test", "mse"), "gray copy"]
    yield ["test MSE", score(TABLE, "test", "mse"), "gray level table"]
    for name in (A1, A2):
        yield ["test MSE", score(name, "test", "mse"), run(name).label, "seed", seed_of(name)]
    mean, low, high = difference(A1, A2)
    yield ["A1 minus A2", mean, low, "to", high]
    yield verdict_on(low, high)


@prints("05")
def a1_and_a2_over_seeds() -> Iterator[Line]:
    a1, a2 = mse_by_seed(A1), mse_by_seed(A2)
    gaps = []
    for seed in sorted(a1.keys() & a2.keys()):
        gap = Quantity(f"A1 minus A2, seed {seed}", a1[seed].value - a2[seed].value)
        yield ["seed", Quantity("seed", seed), "A1", a1[seed], "A2", a2[seed], "A1 minus A2", gap]
        gaps.append(gap.value)
    mean, low, high = three("A1 minus A2 over seeds", statistics.mean_interval(gaps))
    number = Quantity("seeds that both have", len(gaps))
    yield ["A1 minus A2", number, "seeds", "mean", mean, "interval", low, "to", high]
    yield ["A1", "A2", *verdict_on(low, high)]


def verdict_on(low: Quantity, high: Quantity) -> Line:
    """Words of lesson 05 on the interval of a difference."""
    if low.value <= 0 <= high.value:
        return ["contains 0"]
    return ["better" if high.value < 0 else "worse", "leaves 0 out"]


# Lesson 06.

COMPARED = [*(recipe.name for recipe in experiments.PAPER), A2_RGB]
COLUMNS = {"MSE": "mse", "luma": "mse_luma", "chroma": "mse_chroma", "MAE": "mae", "PSNR": "psnr"}
COLUMNS |= {"SSIM": "ssim", "CIEDE": "ciede2000", "colour": "colourfulness"}


def table(split: str) -> Iterator[Line]:
    """Every metric of every run and baseline on a split."""
    yield [split.upper(), num_images(split), *COLUMNS]
    rows = {letter(name): name for name in COMPARED} | {name: name for name in BASELINES}
    for label, name in rows.items():
        yield [label, *(score(name, split, metric) for metric in COLUMNS.values())]


@prints("06")
def the_baselines() -> Iterator[Line]:
    for name in BASELINES:
        yield [name, num_images("test"), score(name, "test", "mse")]


@prints("06")
def table_of_the_test_set() -> Iterator[Line]:
    yield from table("test")
    yield ["colour of the photographs", score(A1, "test", "colourfulness_target")]


@prints("06")
def tables_of_the_other_splits() -> Iterator[Line]:
    yield from table("train")
    yield from table("validation")


@prints("06")
def two_protocols() -> Iterator[Line]:
    yield ["test MSE", "last epoch", "lowest", "in epoch", "our protocol"]
    for recipe in experiments.PAPER:
        name = f"{recipe.name}_paper"
        losses = run(name).losses()
        yield [
            recipe.letter,
            Quantity(f"last loss of {name}", losses[-1]),
            Quantity(f"lowest loss of {name}", min(losses)),
            Quantity(f"epoch of the lowest loss of {name}", losses.index(min(losses)) + 1),
            score(recipe.name, "test", "mse"),
        ]


@prints("06")
def from_gray_and_from_rgb() -> Iterator[Line]:
    for metric in ("mse_luma", "mse_chroma"):
        from_gray, from_rgb = (score(name, "test", metric) for name in (A2, A2_RGB))
        yield [metric, "from gray", from_gray, "from RGB", from_rgb]


@prints("06")
def ranking() -> Iterator[Line]:
    ranked = sorted(COMPARED, key=lambda name: score(name, "test", "mse").value)
    for better, worse in pairwise(ranked):
        words = f"{letter(better)} before {letter(worse)}"
        yield [words, *difference(worse, better), share_better(better, worse)]


@prints("06")
def seed_by_seed() -> Iterator[Line]:
    yield ["test MSE", confidence(statistics.mean_interval), "% interval over seeds"]
    for recipe in experiments.PAPER:
        scores = list(mse_by_seed(recipe.name).values())
        line: list[str | Quantity] = [recipe.letter, *scores]
        if len(scores) > 1:
            interval = statistics.mean_interval([mse.value for mse in scores])
            mean, low, high = three(f"test MSE of {recipe.name} over seeds", interval)
            line += ["mean", mean, low, "to", high]
        yield line
    for name in BASELINES:
        yield [name, score(name, "test", "mse")]


@prints("06")
def claims_one_by_one() -> Iterator[Line]:
    for claim, verdict, findings in judged():
        yield [f"{claim.number}. {claim.says}"]
        yield [verdict.upper()]
        for part, value, rests_on, word in findings:
            number = "no number" if math.isnan(value) else Quantity(part.what, value)
            yield [number, part.what]
            yield [f"claimed {part.claimed}", rests_on, word]


@prints("06")
def gains_on_the_baselines() -> Iterator[Line]:
    percent = confidence(statistics.paired_difference)
    yield [num_in_sample(), percent, "% interval over images"]
    for baseline in BASELINES:
        for name in COMPARED:
            yield [letter(name), "gains", *difference(baseline, name, "sample"), baseline]
    yield ["our 100 predictions", "True"]
    mean_error = Quantity("MSE of the gray copy on the sample", errors(COPY, "sample").mean())
    yield ["gray copy", "band", *band("06", mean_error)]
    verdicts = [verdict for _, verdict, _ in judged()]
    told = len(verdicts) - verdicts.count(claims.OPEN)
    yield ["claims", Quantity("claims told", told), "of", Quantity("claims", len(verdicts))]
