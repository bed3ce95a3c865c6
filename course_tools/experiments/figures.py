"""`course figures`: the paper's eleven figures and the course's own, from published runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from course_lib import data, grayscale, plots, statistics
from course_lib.files import (
    CourseError,
    read_hashed_json,
    sha256_of_file,
    write_bytes,
    write_hashed_json,
)
from course_lib.results import claims, experiments, published

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "figures"
SAME_LEVELS = 2  # of 255: more than rounding in another order changes, less than anyone can see
A1, A2, B, C = (experiment.name for experiment in experiments.PAPER)


@dataclass(frozen=True)
class Picture:
    """One file in figures/: what it shows, as text, and how it is made."""

    file: str
    alt: str
    make: Callable[[], Figure]


def test_images(count: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Gray (N, 32, 32) and RGB (N, 32, 32, 3) of the first test images, float in [0, 1]."""
    rgb = data.as_float(data.load_cifar10("sample").x_test[:count])
    return grayscale.to_gray(rgb), rgb


def mosaics(names: Sequence[str], with_truth: bool) -> Figure:
    """10 x 10 mosaics side by side: truth and gray (or gray alone), then each model's output."""
    gray, rgb = test_images()
    panels = {"test images, RGB": rgb} if with_truth else {}
    panels["input, gray"] = plots.as_rgb(gray)
    for name in names:
        run = published.load(name)
        title = f"output of {run.label}".replace(", ", "\n", 1)
        given = experiments.model_input(experiments.get(name), rgb)
        panels[title] = published.predict(run.model(), given)
    # Each pixel of an image is two by two pixels of the picture, neither more nor less.
    side, gap, top = 640, 10, 60
    width, height = len(panels) * (side + gap), side + top
    figure = Figure(figsize=(width / plots.DPI, height / plots.DPI), dpi=plots.DPI)
    for number, (title, images) in enumerate(panels.items()):
        left = number * (side + gap) + gap / 2
        ax = figure.add_axes((left / width, 0, side / width, side / height))
        rows = [np.concatenate(list(row), axis=1) for row in images.reshape(10, 10, 32, 32, 3)]
        ax.imshow(np.concatenate(rows), interpolation="nearest")
        ax.set_title(title, fontsize=12)
        ax.axis("off")
    return figure


def curves(name: str) -> Figure:
    """Loss per epoch of a published run, with the gray copy on the validation images."""
    run = published.load(name)
    events = [(e["epoch"], e["what"].removeprefix("learning ")) for e in run.manifest["events"]]
    baseline = run.metrics["gray_copy_validation"]["mse"]
    figure = plots.loss_curves(run.history, {"gray copy": baseline}, events)
    figure.axes[0].set_title(run.label, fontsize=10)
    return figure


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], totals: str) -> Figure:
    """A table as a picture: text in columns, the totals below."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    numeric = [column[0].replace(",", "").isdigit() for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in [header, *rows]
    ]
    rule = "-" * max(map(len, lines))
    text = "\n".join([title, rule, lines[0], rule, *lines[1:], rule, totals])
    count = text.count("\n") + 1
    width = max(map(len, text.split("\n")))
    figure = Figure(figsize=(0.085 * width + 0.3, 0.185 * count + 0.3), dpi=plots.DPI)
    figure.text(0.15 / figure.get_figwidth(), 0.5, text, family="monospace", va="center")
    return figure


def keras_tables() -> Figure:
    """Figure 5: the encoder and the decoder of model A."""
    model = published.build_model(A1)
    rows = []
    totals = []
    for half in ("encoder", "decoder"):
        part = model.get_layer(half)
        for layer in part.layers[1:]:
            shape = " x ".join(map(str, layer.output.shape[1:]))
            rows.append([half, layer.name, shape, f"{layer.count_params():,}"])
        number = part.count_params()
        totals.append(f"{half}: {number:,} parameters, {4 * number / 2**20:.2f} MB")
    return table(
        "Model A: three convolutions, 256 numbers, and back",
        ["half", "layer", "output", "parameters"],
        rows,
        "\n".join(totals),
    )


def torch_table(name: str) -> Figure:
    """Figures 8 and 10: the layers of model B or C."""
    from course_lib.models_torch import cost, layer_table

    layers = layer_table(published.build_model(name))
    total = cost(layers)
    return table(
        f"Model {experiments.get(name).letter}: {experiments.get(name).title}",
        ["layer", "output", "parameters", "mult-adds"],
        [
            [
                layer.name,
                " x ".join(map(str, layer.output_shape)),
                f"{layer.num_parameters:,}",
                f"{layer.mult_adds:,}",
            ]
            for layer in layers
        ],
        f"total: {total.num_parameters:,} parameters, {total.mult_adds / 1e6:.2f} M mult-adds\n"
        f"forward and backward pass {total.pass_mb:.2f} MB, parameters "
        f"{total.parameters_mb:.2f} MB, together {total.pass_mb + total.parameters_mb:.2f} MB",
    )


def showcase() -> Figure:
    """The README's picture: eight test images gray, as models A and C colour them, in truth."""
    gray, rgb = test_images(8)
    rows = {"gray": gray}
    for name in (A1, C):
        run, experiment = published.load(name), experiments.get(name)
        given = experiments.model_input(experiment, rgb)
        rows[f"model {experiment.letter}"] = published.predict(run.model(), given)
    return plots.side_by_side({**rows, "truth": rgb})


def seeds() -> Figure:
    """Test error of every run, and the 95 % interval over seeds where there are several."""
    figure = Figure(figsize=(7, 3), dpi=plots.DPI, layout="constrained")
    ax = figure.add_subplot(xlabel="mean squared error on the 10,000 test images")
    labels = []
    for row, name in enumerate((A1, A2, B, C)):
        runs = list(claims.runs_by_seed(name).values())
        errors = [run.metrics["test"]["mse"] for run in runs]
        ax.plot(errors, [row] * len(errors), "o", color="black")
        if len(errors) > 1:
            mean, low, high = statistics.mean_interval(errors)
            ax.errorbar(mean, row + 0.25, xerr=[[mean - low], [high - mean]], fmt="k|", capsize=4)
        num_seeds = f"{len(runs)} seeds" if len(runs) > 1 else "one seed"
        labels.append(f"{experiments.get(name).letter}, {num_seeds}")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    baseline = published.load(A1).metrics["gray_copy_test"]["mse"]
    ax.axvline(baseline, color="black", linestyle=":", label="gray copy (dotted)")
    ax.legend(frameon=False)
    return figure


SHOW = "The first 100 test images in 10 rows of 10"
PICTURES = (
    Picture(
        "figure_01.png",
        f"{SHOW}: in colour, in gray, and as model A1 colours them.",
        lambda: mosaics([A1], with_truth=True),
    ),
    Picture(
        "figure_02.png",
        f"{SHOW}: in colour, in gray, and as model A2, trained without a schedule, colours them.",
        lambda: mosaics([A2], with_truth=True),
    ),
    Picture(
        "figure_03.png",
        f"{SHOW}: in gray, and as model B colours them.",
        lambda: mosaics([B], with_truth=False),
    ),
    Picture(
        "figure_04.png",
        f"{SHOW}: in gray, and as model C colours them.",
        lambda: mosaics([C], with_truth=False),
    ),
    Picture("figure_05.png", "Table of the layers of model A.", keras_tables),
    Picture("figure_06.png", "Loss of model A1 against the epoch.", lambda: curves(A1)),
    Picture("figure_07.png", "Loss of model A2 against the epoch.", lambda: curves(A2)),
    Picture("figure_08.png", "Table of the layers of model B.", lambda: torch_table(B)),
    Picture("figure_09.png", "Loss of model B against the epoch.", lambda: curves(B)),
    Picture("figure_10.png", "Table of the layers of model C.", lambda: torch_table(C)),
    Picture("figure_11.png", "Loss of model C against the epoch.", lambda: curves(C)),
    Picture(
        "showcase.png",
        "Eight test images in four rows: gray, as models A1 and C colour them, and in truth.",
        showcase,
    ),
    Picture(
        "seeds.png",
        "Test error of A1, A2, B and C: a circle for every seed, and below it the interval "
        "over seeds where there are several; a line for the gray copy.",
        seeds,
    ),
)


def main(force: bool = False) -> None:
    """Write what is missing or out of date into figures/, with an index that says what it is."""
    stamp = ROOT / "build" / "figures.json"
    inputs = _inputs()
    current = _is_stamped(stamp, inputs)
    if not current:
        stamp.unlink(missing_ok=True)  # until all figures are those of the inputs
    for picture in PICTURES:
        path = FOLDER / picture.file
        if current and path.exists() and not force:
            continue
        content = plots.png(picture.make())
        if not path.exists() or not are_alike(path.read_bytes(), content):
            write_bytes(path, content)
        print(f"figures/{picture.file}: {picture.alt}", flush=True)
    write_bytes(FOLDER / "README.md", _index().encode())
    write_hashed_json(stamp, inputs)
    print(f"{len(PICTURES)} figures are in figures/")


def _is_stamped(stamp: Path, inputs: dict[str, str]) -> bool:
    """Whether all figures were made from these inputs."""
    try:
        return read_hashed_json(stamp) == inputs
    except (OSError, CourseError):
        return False


def are_alike(one: bytes, other: bytes) -> bool:
    """Whether two PNG files show the same, apart from the rounding of another processor."""
    pixels = [np.asarray(Image.open(BytesIO(png)).convert("RGBA"), int) for png in (one, other)]
    if pixels[0].shape != pixels[1].shape:
        return False
    return bool(np.abs(pixels[0] - pixels[1]).max() <= SAME_LEVELS)


def _inputs() -> dict[str, str]:
    files = [*published.RUNS.glob("*/manifest.json"), *(ROOT / "course_lib").glob("*.py")]
    paths = sorted([*files, Path(__file__)])
    return {str(path.relative_to(ROOT)): sha256_of_file(path) for path in paths}


def _index() -> str:
    rows = "\n".join(f"| [{p.file}]({p.file}) | {p.alt} |" for p in PICTURES)
    return (
        "# Figures\n\nMade by `course figures` from the runs in `course_lib/assets/runs`.\n"
        f"Figures 1 to 11 follow the paper's own.\n\n| file | what it shows |\n|---|---|\n{rows}\n"
    )
