"""Four kinds of drawing for the expected output of an exercise; its check says which one it is.

It draws the panels of a check, one for each input that students may see: label -> value, the answer
last. Pictures are drawn as pictures, losses as curves, intervals with whiskers, all else in
a table. No exercise is known here by name: see `course_lib.checks.Check`.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib import plots
from course_lib.checks import Check
from course_tools.lessons.captions import labelled, listing, short

MAX_WRITTEN = 24  # values of a picture that are written into its pixels
MAX_LISTED = 12  # losses of a curve that are listed below it
MAX_COLUMNS = 4  # plots beside each other
ANSWER = "#D55E00"
STYLES: tuple[dict[str, Any], ...] = (
    {"linestyle": "-", "marker": "o"},
    {"linestyle": "--", "marker": "s", "markerfacecolor": "white"},
)
Panel = Mapping[str, Any]


def draw(check: Check) -> Figure:
    """What a right answer returns for those inputs of a check that students may see."""
    return KINDS[check.drawn_as](check)


def _axes(
    columns: int, size: tuple[float, float], rows: int = 1, extra_width: float = 0
) -> tuple[Figure, np.ndarray]:
    """A figure and its axes (rows, columns), each of this size in inches."""
    figsize = columns * size[0] + extra_width, rows * size[1]
    figure = Figure(figsize=figsize, dpi=plots.DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _texts(panel: Panel, width: int) -> list[str]:
    """The values of a panel that are no arrays, with their labels, in lines of this width."""
    texts = [labelled(*item) for item in panel.items() if not isinstance(item[1], np.ndarray)]
    return [textwrap.fill(text, width) for text in texts]


def _longest_line(texts: Iterable[str]) -> int:
    return max((len(line) for text in texts for line in text.split("\n")), default=0)


# ---- Table ---------------------------------------------------------------------------------------


def table(check: Check) -> Figure:
    """A row for each panel, under its labels; the last column is the one that an answer fills."""
    panels = check.panels()
    header = max(map(list, panels), key=len)
    rows = [header, *([short(panel.get(label, "")) for label in header] for panel in panels)]
    widths = [2 + _longest_line(column) for column in zip(*rows, strict=True)]
    heights = [1 + 0.65 * max(text.count("\n") for text in row) for row in rows]
    ends, tops = np.cumsum(widths), np.cumsum([0, *heights])
    figure = Figure(figsize=(0.085 * ends[-1] + 0.1, 0.24 * tops[-1] + 0.12), dpi=plots.DPI)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, ends[-1] + 0.5), ylim=(tops[-1] + 0.25, -0.25))
    ax.axis("off")
    ax.axvspan(ends[-1] - widths[-1] + 0.5, ends[-1] + 0.5, color=ANSWER, alpha=0.15, linewidth=0)
    ax.axhline(1, color="black", linewidth=0.8)
    for row, top, height in zip(rows, tops, heights, strict=False):
        if top > 1 and max(heights) > 1:
            ax.axhline(top, color="black", linewidth=0.4)
        for text, end in zip(row, ends, strict=True):
            bold = "bold" if top == 0 or end == ends[-1] else "normal"
            ax.text(end - 0.5, top + height / 2, text, ha="right", va="center", fontsize=9,
                    weight=bold, family="monospace")  # fmt: skip
    return figure


# ---- Pictures ------------------------------------------------------------------------------------


def pictures(check: Check) -> Figure:
    """A row of pictures for each label that has some; other values stand above them."""
    panels = check.panels()
    rows = [label for label, value in panels[0].items() if isinstance(value, np.ndarray)]
    stacks = [[_stack(panel[label]) for label in rows] for panel in panels]
    starts = np.cumsum([0, *(max(map(len, stack)) for stack in stacks)])
    texts = ["\n".join(_texts(panel, 28)) for panel in panels]
    width = max(1.4, 0.08 * _longest_line(texts))
    height = 1.15 + 0.16 * max(text.count("\n") for text in texts) / len(rows)
    figure, grid = _axes(starts[-1], (width, height), len(rows), 0.075 * _longest_line(rows))
    for ax in grid.flat:
        ax.axis("off")
    for stack, start, text in zip(stacks, starts, texts, strict=False):
        grid[0, start].set_title(text, fontsize=9)
        for line, several in zip(grid, stack, strict=True):
            for ax, picture in zip(line[start:], several, strict=False):
                _picture(ax, picture)
    for line, label in zip(grid, rows, strict=True):
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure


def _stack(array: np.ndarray) -> list[np.ndarray]:
    """The pictures (H, W, C) in an array (N, H, W, C), (N, H, W), (H, W, C), (H, W) or (W,)."""
    if array.ndim == 4:
        return list(array)
    if array.ndim == 3 and array.shape[-1] not in (1, 3):
        return list(array[..., np.newaxis])
    return [array if array.ndim == 3 else np.atleast_2d(array)[..., np.newaxis]]


def _picture(ax: Axes, picture: np.ndarray) -> None:
    """One picture (H, W, 1 or 3), in [0, 1] or bytes; into few pixels their values are written."""
    scaled = picture / 255 if picture.dtype == np.uint8 else picture.astype(float)
    height, width, _ = picture.shape
    few = picture.size <= MAX_WRITTEN
    outside = few and (scaled.min() < 0 or scaled.max() > 1)
    shown = np.ones((height, width, 3)) * (1 if outside else scaled.clip(0, 1))
    aspect: Literal["auto", "equal"] = "auto" if height * width <= MAX_WRITTEN else "equal"
    ax.imshow(shown, interpolation="nearest", aspect=aspect)
    ax.axis("on")
    ax.set(xticks=[], yticks=[])
    for y, x in np.ndindex(height, width) if few else ():
        lines = [_written(value, picture.size) for value in picture[y, x]]
        lines += ["cannot be shown"] if outside else []
        ax.text(x, y, "\n".join(lines), ha="center", va="center",
                fontsize=9 if picture.size <= 3 else 6.5,
                color="black" if shown[y, x].mean() > 0.5 else "white")  # fmt: skip


def _written(value: Any, num_values: int) -> str:
    """A pixel's value with as many digits as there is room for."""
    if not isinstance(value, np.floating):
        return str(value)
    text = f"{value:.{4 if num_values <= 12 else 3}f}".rstrip("0").rstrip(".")
    return text if num_values <= 3 or text == "0" else text.removeprefix("0")


# ---- Curves --------------------------------------------------------------------------------------


def curves(check: Check) -> Figure:
    """Arrays by epoch, one plot for each panel; other values stand above, the answer below them."""
    panels = check.panels()
    columns = min(MAX_COLUMNS, len(panels))
    lines = [{k: v for k, v in panel.items() if isinstance(v, np.ndarray)} for panel in panels]
    legend = len(lines[0]) > 1
    figure, grid = _axes(columns, (2.5, 2.1), -(-len(panels) // columns), 1.7 * legend)
    for ax in grid.flat[len(panels) :]:
        ax.axis("off")
    for ax, panel, several in zip(grid.flat, panels, lines, strict=False):
        _plot(ax, several)
        *arguments, answer = _texts(panel, 40)
        ax.set_title(f"{', '.join(arguments)}\n{answer}".strip(), fontsize=9)
        _mark(ax, list(panel.values())[-1], check.marks)
    if legend:
        figure.legend(*grid[0, 0].get_legend_handles_labels(), fontsize=8, frameon=False,
                      loc="outside right center")  # fmt: skip
    return figure


def _plot(ax: Axes, curves: Mapping[str, np.ndarray]) -> None:
    """Arrays (num_epochs,) by epoch; the numbers of a single short one stand below it."""
    for (label, losses), style in zip(curves.items(), STYLES, strict=False):
        ax.plot(range(1, len(losses) + 1), losses, color="black", markersize=4, linewidth=1,
                label=label, **style)  # fmt: skip
    numbers = listing(losses) if len(curves) == 1 and len(losses) <= MAX_LISTED else ""
    ax.set_xlabel("epoch\n" + textwrap.fill(numbers, 36), fontsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)


def _mark(ax: Axes, answer: Any, marks: str | None) -> None:
    """A line where the answer is: at a loss, or at an epoch; 0 is none."""
    if marks == "loss":
        ax.axhline(answer, color=ANSWER, linestyle=":", linewidth=1.5)
    elif marks == "epoch" and answer:
        ax.axvline(answer, color=ANSWER, linestyle=":", linewidth=1.5)


# ---- Intervals -----------------------------------------------------------------------------------


def intervals(check: Check) -> Figure:
    """The answer (mean, low, high) as a point with whiskers, and a dotted line at 0."""
    panels = check.panels()
    figure, grid = _axes(1, (6.4, 1.2), len(panels))
    for ax, panel in zip(grid.flat, panels, strict=True):
        *given, (label, (mean, low, high)) = panel.items()
        ax.errorbar(mean, 0, xerr=[[mean - low], [high - mean]], fmt="o", color="black", capsize=5)
        ax.axvline(0, color="0.5", linestyle=":")
        ax.set_title("; ".join(labelled(*item) for item in given), fontsize=9)
        ax.set_xlabel(labelled(label, (mean, low, high)), fontsize=9)
        ax.set_yticks([])
        ax.margins(x=0.1)
        ax.tick_params(axis="x", labelsize=8)
        ax.spines[["top", "right", "left"]].set_visible(False)
    return figure


KINDS: dict[str, Callable[[Check], Figure]] = {
    "table": table,
    "pictures": pictures,
    "curves": curves,
    "intervals": intervals,
}
