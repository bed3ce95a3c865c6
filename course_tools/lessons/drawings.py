"""How the target of each exercise is drawn, in the way that shows its answer best.

Pictures as pictures, losses as curves, intervals with whiskers, the rest as a small table.
A drawing takes the cases of a check and the names of its arguments, and returns a figure and the
same in words. `DRAWINGS` says which exercise has which; the others are drawn `by_kind`.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib import grayscale, plots
from course_lib.checks import lesson_03
from course_tools.lessons.captions import captions, named, rgb_row, short

MAX_VALUES = 24  # pixels of a picture that get their number written into them
PATCH = np.ones((24, 36, 1))
Case = tuple[tuple, Any]  # arguments, and what a right answer returns for them


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], answer: int = -1) -> Figure:
    """Rows of text under a header; the column `answer` is the one that a right answer fills.

    A row whose first text is "one" begins a new group.
    """
    widths = [max(len(row[i]) for row in [header, *rows]) + 2 for i in range(len(header))]
    width, height = 0.085 * sum(widths) + 0.1, 0.24 * (len(rows) + 1) + 0.12
    figure = Figure(figsize=(width, height), dpi=plots.DPI)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, sum(widths) + 0.5), ylim=(len(rows) + 1.25, -0.25))
    ax.axis("off")
    ends = np.cumsum(widths)
    start = ends[answer] - widths[answer]
    ax.axvspan(start + 0.5, ends[answer] + 0.5, color="#E69F00", alpha=0.18, linewidth=0)
    ax.axhline(1, color="black", linewidth=0.8)
    for y, row in enumerate([header, *rows]):
        if y > 1 and row[0] == "one":
            ax.axhline(y, color="black", linewidth=0.4)
        for x, (text, end) in enumerate(zip(row, ends, strict=True)):
            bold = "bold" if y == 0 or x == answer % len(row) else "normal"
            ax.text(end - 0.5, y + 0.5, text, ha="right", va="center", fontsize=9, weight=bold,
                    family="monospace")  # fmt: skip
    return figure


def _axes(columns: int, size: tuple[float, float] = (2.4, 1.9), rows: int = 1) -> tuple:
    figure = Figure(
        figsize=(columns * size[0], rows * size[1]), dpi=plots.DPI, layout="constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False)


def _pictures(
    rows: Mapping[str, Sequence[np.ndarray]], titles: Sequence[str] = (), under: Sequence[str] = ()
) -> Figure:
    """Rows of pictures (H, W[, 1 or 3]) in [0, 1] or bytes, of any sizes; text above and under.

    Into a picture of a few pixels the values are written.
    """
    columns = max(map(len, rows.values()))
    figure, grid = _axes(columns, (1.35, 1.15), len(rows))
    for line, (name, pictures) in zip(grid, rows.items(), strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        for ax, picture in zip(line, pictures, strict=False):
            _picture(ax, np.asarray(picture))
        for ax in line[len(pictures) :]:
            ax.axis("off")
    for ax, title in zip(grid[0], titles, strict=False):
        ax.set_title(title, fontsize=9)
    for ax, text in zip(grid[-1], under, strict=False):
        ax.set_xlabel(text, fontsize=9)
    return figure


def _picture(ax: Axes, picture: np.ndarray) -> None:
    is_bytes = picture.dtype == np.uint8
    shown = np.clip(picture / 255 if is_bytes else picture.astype(float), 0, 1)
    shown = np.repeat(shown, 3, axis=2) if shown.ndim == 3 and shown.shape[2] == 1 else shown
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    values = picture.squeeze()
    if values.ndim == 2 and values.size <= MAX_VALUES:
        for (y, x), value in np.ndenumerate(values):
            text = str(value) if is_bytes else f"{value:.3f}".removeprefix("0")
            colour = "black" if (value / 255 if is_bytes else value) > 0.5 else "white"
            ax.text(x, y, text, ha="center", va="center", fontsize=6.5, color=colour)


def _numbers(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    """A table: for these arguments, this."""
    rows = [[*map(short, arguments), short(output)] for arguments, output in cases]
    told = [", ".join(map(" ".join, zip(names, row, strict=False))) for row in rows]
    return _table([*names, "returns"], rows), captions(told, [row[-1] for row in rows]) + "."


def by_kind(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    """Pictures if the answer returns some, else a table."""
    if all(np.ndim(output) in (2, 3) for _, output in cases):
        rows = {
            names[0]: [arguments[0] for arguments, _ in cases],
            "returns": [output for _, output in cases],
        }
        return _pictures(rows), f"{len(cases)} pictures and under each what becomes of it."
    return _numbers(cases, names)


def _negative(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    return by_kind([((np.atleast_2d(a[0]),), np.atleast_2d(out)) for a, out in cases], names)


def _gray_pixel(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    rows = {
        "colour": [PATCH * np.array(colour) for colour, _ in cases],
        "returns": [PATCH * gray for _, gray in cases],
    }
    titles = [", ".join(map(short, colour)) for colour, _ in cases]
    under = [short(round(float(gray), 4)) for _, gray in cases]
    return _pictures(rows, titles, under), _numbers(cases, names)[1]


def _gray_batch(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    rows = {
        "bytes": [image for (rgb,), _ in cases for image in rgb],
        "returns": [image for _, gray in cases for image in gray],
    }
    titles = [f"batch {n}" for n, (_, gray) in enumerate(cases, 1) for _ in gray]
    shapes = ", ".join(str(gray.shape) for _, gray in cases)
    words = f"{len(titles)} small colour pictures in {len(cases)} batches, and their gray in "
    return _pictures(rows, titles), words + f"[0, 1]; the shapes returned are {shapes}."


def _to_bytes(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    (ramp, levels), (small, few) = ((gray, out) for (gray,), out in cases)
    pairs = [(ramp, levels), *zip(small, few, strict=True)]
    rows = {"gray": [gray for gray, _ in pairs], "returns": [out for _, out in pairs]}
    return _pictures(rows), "A ramp of all 256 levels, and two small pictures with their bytes."


def _same_gray(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    rows = {
        "colour": [PATCH * colour for (colour, _), _ in cases],
        "returns": [PATCH * output for _, output in cases],
        "gray of\nboth": [PATCH * (colour @ np.array(grayscale.BT601)) for (colour, _), _ in cases],
    }
    titles = [f"{rgb_row(colour)}\nred {change:+g}" for (colour, change), _ in cases]
    under = [rgb_row(output) for _, output in cases]
    figure = _pictures(rows, titles, [f"returns\n{text}" for text in under])
    for ax, (_, output) in zip(figure.axes[len(cases) :], cases, strict=False):
        if output.min() < 0 or output.max() > 1:
            ax.images[0].set_data(np.ones_like(PATCH * output))
            ax.text(0.5, 0.5, "cannot\nbe shown", transform=ax.transAxes, ha="center", va="center")
    return figure, f"Colours, and what becomes of them with their gray. {captions(titles, under)}."


def _best_guess(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    counts = [np.rint(36 * probabilities).astype(int) for (_, probabilities), _ in cases]
    rows = {
        "as wide\nas likely": [
            np.tile(np.repeat(colours, count, axis=0), (24, 1, 1))
            for ((colours, _), _), count in zip(cases, counts, strict=True)
        ],
        "returns": [PATCH * output for _, output in cases],
    }
    titles = [
        "\n".join(f"{rgb_row(colour)} : {p:g}" for colour, p in zip(*arguments, strict=True))
        for arguments, _ in cases
    ]
    under = [rgb_row(output) for _, output in cases]
    figure = _pictures(rows, [f"colour : probability\n{title}" for title in titles], under)
    figure.set_figwidth(2.4 * len(cases))
    told = captions(titles, under)
    return figure, f"Colours with their probabilities, and the best guess. {told}."


def _best_weights(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    def mse(rgb: np.ndarray, weights: Any) -> float:
        return float(np.mean(((rgb @ np.array(weights))[..., None] - rgb) ** 2))

    rows = [
        [f"set {n}", f"{mse(rgb, grayscale.BT601):.5f}", f"{mse(rgb, weights):.5f}"]
        for n, ((rgb,), weights) in enumerate(cases, 1)
    ]
    figure = _table(["images", "gray copy's MSE, BT.601", "with the best weights"], rows)
    return figure, "; ".join(f"{a}: MSE {b} under BT.601, {c} at best" for a, b, c in rows) + "."


def _give_gray_back(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    (prediction, gray), output = cases[0]
    rows = {"prediction": prediction, "gray given": gray, "returns": output}
    words = f"{len(output)} pictures: blurred and pale as predicted, in sharp gray as given, and "
    return _pictures(rows), words + "with the edges of the one and the colours of the other."


def _curves(
    panels: Sequence[tuple[Mapping[str, np.ndarray], str]], columns: int, width: float = 2.3
) -> tuple[Figure, np.ndarray]:
    """Losses by epoch, in one panel for each (name -> losses, title); and the panels' axes."""
    figure, grid = _axes(columns, (width, 1.9), -(-len(panels) // columns))
    for ax, (curves, title) in zip(grid.flat, panels, strict=True):
        for (name, losses), style in zip(curves.items(), ("o-", "s--"), strict=False):
            face = "black" if style == "o-" else "white"
            ax.plot(range(1, len(losses) + 1), losses, style, color="black", markersize=4,
                    markerfacecolor=face, linewidth=1, label=name)  # fmt: skip
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("epoch", fontsize=8)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, grid.flat


def _improvements(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    panels = [
        ({"loss": losses}, f"min_delta {min_delta:g}\nreturns {count}")
        for (losses, min_delta), count in cases
    ]
    figure, grid = _curves(panels, len(panels))
    told = []
    for ax, ((losses, _), count) in zip(grid, cases, strict=True):
        listed = ", ".join(map(short, losses))
        ax.set_xlabel("epoch\n" + textwrap.fill(listed, 30), fontsize=8)
        told.append(f"of {listed} count {count}")
    return figure, f"Losses by epoch: {'; '.join(told)}."


def _number_to_report(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    panels = [({"validation": v, "test": t}, f"returns {loss:.4g}") for (v, t), loss in cases]
    figure, grid = _curves(panels, len(panels), 3.0)
    for ax, (_, loss) in zip(grid, cases, strict=True):
        ax.axhline(loss, color="#D55E00", linestyle=":", linewidth=1.5, label="to report")
    figure.legend(*grid[0].get_legend_handles_labels(), fontsize=8, frameon=False,
                  loc="outside right center")  # fmt: skip
    reported = " and ".join(f"{loss:.4g}" for _, loss in cases)
    return figure, f"Validation and test losses by epoch; the losses to report are {reported}."


def _inside_loss(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    (prediction, target, inside), loss = cases[0]
    rows = {"prediction": prediction, "target": target, "inside": inside.astype(float)}
    figure = _pictures(rows)
    figure.suptitle(f"returns {loss:.6g}", fontsize=10)
    return figure, f"Three predictions, targets and masks of what is inside; the loss {loss:.6g}."


def _descend(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    figure, grid = _axes(1, (4.6, 2.2))
    rows = {"before": cases[0][0][0]} | {f"after {a[4]}": out for a, out in cases}
    ax = grid[0][0]
    for n, (values, (label, weight)) in enumerate(zip(("0.85", "0.55", "0.2"), rows.items(),
                                                      strict=True)):  # fmt: skip
        at = np.arange(len(weight)) + 0.28 * (n - 1)
        ax.bar_label(ax.bar(at, weight, 0.26, color=values, label=label), fmt="%.2f", fontsize=7)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_xticks(range(len(weight)), [f"weight[{i}]" for i in range(len(weight))], fontsize=8)
    ax.margins(y=0.15)
    ax.tick_params(axis="y", labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(fontsize=8, frameon=False, loc="outside right center")
    told = [f"{label} {np.round(weight, 3).tolist()}" for label, weight in rows.items()]
    return figure, f"The weights: {'; '.join(told)}."


def _design(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    rows = []
    for (budget,), design in cases:
        total = lesson_03.num_parameters(*design)
        rows.append([f"{budget:,}", f"{0.8 * budget:,.0f}", f"{total:,}", f"{total / budget:.1%}"])
    header = ["budget", "use at least", "one right design has", "of the budget"]
    words = "; ".join(f"for a budget of {row[0]} parameters one right design has {row[2]}"
                      for row in rows)  # fmt: skip
    return _table(header, rows, answer=2), words.capitalize() + "."


def _receptive_field(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    pictures = []
    for _, width in cases:
        start = (32 - width) // 2
        picture = np.full((32, 32), 0.25)
        picture[start : start + width, start : start + width] = 1
        pictures.append(picture)
    titles = [
        "kernel, stride\n" + "  ".join(f"{k},{s}" for k, s in layers) for (layers,), _ in cases
    ]
    figure, grid = _axes(len(cases), (2.3, 2.2))
    for ax, picture, title, (_, width) in zip(grid[0], pictures, titles, cases, strict=True):
        _picture(ax, picture)
        ax.set_title(title, fontsize=8)
        ax.set_xlabel(f"returns {width}", fontsize=9)
    words = "; ".join(f"layers {layers.tolist()}: {width}" for (layers,), width in cases)
    return figure, f"The field, white, in a picture of 32 by 32 pixels. {words}."


def _chain(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    """The ends and the length of a right chain; how to go from one end to the other is asked."""
    figure, grid = _axes(len(cases), (2.6, 1.5))
    for ax, ((start, goal), runs) in zip(grid[0], cases, strict=True):
        ax.imshow(np.ones((3, len(start))), cmap="gray", vmin=0, vmax=1, aspect="auto")
        for x, (first, last) in enumerate(zip(start, goal, strict=True)):
            for y, text in enumerate((first, "...", last)):
                ax.text(x, y, text, ha="center", va="center")
        ax.set_yticks(range(3), ["start", f"{len(runs) - 2} runs", "goal"], fontsize=8)
        ax.set_xticks(range(len(start)), [f"{i}" for i in range(len(start))], fontsize=8)
        ax.set_xlabel("setting", fontsize=8)
        ax.set_title(f"a right chain has {len(runs)} runs", fontsize=9)
    ends = [f"from {start.tolist()} to {goal.tolist()}" for (start, goal), _ in cases]
    words = captions(ends, [f"{len(runs)} runs" for _, runs in cases])
    return figure, f"The ends of right chains: {words}."


def _first_fall(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    panels = [
        ({"loss": losses}, f"patience {patience}, min_delta {min_delta:g}\nreturns {epoch}")
        for (losses, patience, min_delta), epoch in cases
    ]
    figure, grid = _curves(panels, 4, 2.5)
    for ax, (_, epoch) in zip(grid, cases, strict=True):
        if epoch:
            ax.axvline(epoch, color="#D55E00", linestyle=":", linewidth=1.5)
    told = "; ".join(title.replace("\n", ": ") for _, title in panels)
    return figure, f"Losses by epoch, and a line at the epoch of the first fall. {told}."


def _intervals(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    figure, grid = _axes(1, (6.4, 1.05), len(cases))
    told = [f"{mean:.5g} ({low:.5g} to {high:.5g})" for _, (mean, low, high) in cases]
    given = [named(names, arguments) for arguments, _ in cases]
    for ax, (_, (mean, low, high)), row, text in zip(grid.flat, cases, given, told, strict=True):
        ax.errorbar(mean, 0, xerr=[[mean - low], [high - mean]], fmt="o", color="black", capsize=5)
        ax.set_title(f"{row}\nreturns {text}", fontsize=9)
        ax.axvline(0, color="0.5", linestyle=":")
        ax.set_yticks([])
        ax.margins(x=0.1)
        ax.tick_params(axis="x", labelsize=8)
        ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel(f"{names[0]} minus {names[1]}", fontsize=8)
    return figure, f"Mean difference with its interval: {captions(given, told)}."


def _separating(cases: list[Case], names: list[str]) -> tuple[Figure, str]:
    settings = list(cases[0][0][0])
    rows = []
    for (one, other, candidates), index in cases:
        listed = {"one": one, "other": other}
        listed |= {f"candidate {i}": run for i, run in enumerate(candidates)}
        rows += [[name, *(short(run[s]) for s in settings), ""] for name, run in listed.items()]
        rows[index - len(candidates)][-1] = f"returns {index}"
    told = ", ".join(str(index) for _, index in cases)
    words = f"{len(cases)} pairs of experiments with candidates; the indices are {told}."
    return _table(["run", *settings, "answer"], rows), words


DRAWINGS: dict[str, Callable[[list[Case], list[str]], tuple[Figure, str]]] = {
    "00.negative": _negative,
    "01.gray_pixel": _gray_pixel,
    "01.gray_batch": _gray_batch,
    "01.to_bytes": _to_bytes,
    "01.same_gray": _same_gray,
    "01.best_guess": _best_guess,
    "01.best_weights": _best_weights,
    "02.improvements": _improvements,
    "02.number_to_report": _number_to_report,
    "02.give_gray_back": _give_gray_back,
    "03.inside_loss": _inside_loss,
    "03.descend": _descend,
    "03.design": _design,
    "04.receptive_field": _receptive_field,
    "04.chain": _chain,
    "05.first_fall": _first_fall,
    "05.paired_interval": _intervals,
    "06.paired_interval": _intervals,
    "06.separating_experiment": _separating,
}
