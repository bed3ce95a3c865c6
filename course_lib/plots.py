"""Pictures. Small images are enlarged pixel by pixel, and nothing is shown by colour alone.

Every function returns a matplotlib Figure that pyplot does not manage, so none can leak.
`show` puts it into the notebook as a PNG, with the same information as text for a screen reader.
"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib.files import CourseError
from course_lib.grayscale import check_images

DPI = 100
LINE = 17  # pixels that one line of text takes
GAP = 4  # pixels between neighbouring images
History = Sequence[Mapping[str, float]]


def show(figure: Figure, alt: str) -> None:
    """Display `figure` as a PNG whose output metadata carries `alt`, the picture in one sentence.

    Raises:
        CourseError: `alt` is empty.
    """
    from IPython.display import display

    if not alt.strip():
        raise CourseError("Say in a sentence what the picture shows: show(figure, alt='...').")
    image = base64.b64encode(png(figure)).decode()
    display({"image/png": image, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes, the same for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def as_rgb(images: np.ndarray) -> np.ndarray:
    """Images of any kind the course uses, as float RGB (N, H, W, 3) in [0, 1].

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3), uint8 or float in [0, 1].

    Raises:
        CourseError: another shape, no image, or values outside the range.
    """
    array = np.asarray(images)
    if array.dtype == np.uint8:
        array = array / np.float32(255)
    array = check_images(array, "The array of images")
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise CourseError(
            f"Images of shape {np.shape(images)} cannot be drawn; "
            "give (N, H, W), (N, H, W, 1) or (N, H, W, 3)."
        )
    return np.broadcast_to(np.clip(array, 0, 1), (*array.shape[:-1], 3))


def mosaic(images: np.ndarray, columns: int = 10, zoom: int = 2, title: str = "") -> Figure:
    """The first `columns` x `columns` images, or as many as there are, as the paper shows them."""
    images = as_rgb(images)[: columns * columns]
    figure, axes = _canvas(images, columns, zoom, top=LINE + 8 if title else 0)
    figure.suptitle(title, y=1 - 5 / (DPI * figure.get_figheight()), va="top", fontsize=10)
    for ax, image in zip(axes.flat, images, strict=False):
        ax.imshow(image, interpolation="nearest")
    return figure


def image_grid(
    images: np.ndarray, titles: Sequence[str] = (), columns: int = 5, zoom: int = 4
) -> Figure:
    """Images in rows of `columns`, each with its own title above it. Titles may have two lines."""
    images = as_rgb(images)
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    figure, axes = _canvas(images, columns, zoom, above=lines * LINE)
    for ax, image in zip(axes.flat, images, strict=False):
        ax.imshow(image, interpolation="nearest")
    for ax, title in zip(axes.flat, titles, strict=False):
        ax.set_title(title, fontsize=9, pad=3)
    return figure


def side_by_side(
    rows: Mapping[str, np.ndarray],
    numbers: Mapping[str, Sequence[float]] | None = None,
    titles: Sequence[str] = (),
    zoom: int = 3,
) -> Figure:
    """One row per kind of picture, one column per image: gray above prediction above truth.

    Args:
        rows: row title -> images (N, H, W[, 1 or 3]); all rows show the same N images.
        numbers: row title -> N numbers, one printed under each image of that row.
        titles: the text above each column.

    Raises:
        CourseError: the rows differ in length, or a row of numbers does not fit its images.
    """
    numbers = numbers or {}
    stacks = {title: as_rgb(images) for title, images in rows.items()}
    count = len(next(iter(stacks.values())))
    sizes = [(title, len(stack)) for title, stack in stacks.items()]
    sizes += [(title, len(row)) for title, row in numbers.items()]
    for title, size in sizes:
        if title not in stacks or size != count:
            raise CourseError(f"Row {title!r} needs {count} entries, one for each image of a row.")
    widest = max(len(line) for title in rows for line in title.split("\n"))
    figure, axes = _canvas(
        np.concatenate(list(stacks.values())),
        count,
        zoom,
        left=8 * widest + 14,
        top=LINE if titles else 0,
        below=[LINE + GAP if title in numbers else 0 for title in stacks],
    )
    for ax, title in zip(axes[0], titles, strict=False):
        ax.set_title(title, fontsize=9, pad=3)
    for row, (title, images) in zip(axes, stacks.items(), strict=True):
        row[0].annotate(title, (0, 0.5), xycoords="axes fraction", xytext=(-5, 0),
                        textcoords="offset points", ha="right", va="center")  # fmt: skip
        for ax, image in zip(row, images, strict=True):
            ax.imshow(image, interpolation="nearest")
        for ax, number in zip(row, numbers.get(title, ()), strict=False):
            ax.set_xlabel(f"{number:.4f}", fontsize=9, labelpad=2)
    return figure


def loss_curves(
    history: History | Mapping[str, History],
    baselines: Mapping[str, float] | None = None,
    events: Iterable[tuple[float, str]] = (),
) -> Figure:
    """Loss against epoch: training dashed with open markers, validation solid with filled ones.

    Args:
        history: one dict per epoch with "train_loss" and, if measured, "validation_loss";
            or several such lists under the names of their runs.
        baselines: label -> loss, drawn as labelled horizontal lines.
        events: (epoch, label), drawn as labelled vertical lines: where a schedule acted.
    """
    runs = history if isinstance(history, Mapping) else {"": history}
    height = 4 if len(runs) == 1 else 4 + 0.4 * len(runs)  # each run adds two names
    figure = Figure(figsize=(7.5, height), dpi=DPI, layout="constrained")
    ax = figure.add_subplot(xlabel="epoch", ylabel="mean squared error")
    for (name, epochs), marker, colour in zip(runs.items(), "osD^vP", _COLOURS, strict=False):
        for key, line, face in (("train_loss", "--", "white"), ("validation_loss", "-", colour)):
            points = [(i, epoch[key]) for i, epoch in enumerate(epochs, 1) if key in epoch]
            label = f"{name} {key.removesuffix('_loss')}".strip()
            if points:
                ax.plot(*zip(*points, strict=True), line, marker=marker, markerfacecolor=face,
                        color=colour, markersize=5, label=label)  # fmt: skip
    _name_levels(ax, baselines or {})
    for epoch, label in events:
        ax.axvline(epoch, color="0.5", linewidth=1, linestyle="-.")
        ax.annotate(label, (epoch, 1), xycoords=("data", "axes fraction"), xytext=(3, -3),
                    textcoords="offset points", rotation=90, va="top", fontsize=8)  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    # Above the axes, where it covers neither a curve nor an event.
    figure.legend(frameon=False, loc="outside upper left", ncols=1 if len(runs) > 1 else 2)
    return figure


def _name_levels(ax: Axes, levels: Mapping[str, float]) -> None:
    """Horizontal lines, named at their right end; names of close lines move apart."""
    for loss in levels.values():
        ax.axhline(loss, color="black", linewidth=1, linestyle=":")
    low, high = ax.get_ylim()
    points = 72 / DPI * ax.bbox.height / (high - low)  # roughly: the layout is not done yet
    top = -np.inf
    for label, loss in sorted(levels.items(), key=lambda item: item[1]):
        top = max(loss * points, top + 11)
        ax.annotate(label, (1, loss), xycoords=("axes fraction", "data"),
                    xytext=(4, top - loss * points), textcoords="offset points",
                    va="center", fontsize=9)  # fmt: skip


# Okabe and Ito's colours: readers with any common kind of colour vision can distinguish them.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def _canvas(
    images: np.ndarray, columns: int, zoom: int,
    left: int = 0, top: int = 0, above: int = 0, below: Sequence[int] = (),
) -> tuple[Figure, np.ndarray]:  # fmt: skip
    """A figure with one frameless axes per image, each exactly `zoom` screen pixels per pixel.

    In pixels: `left` and `top` of the figure, `above` each image, `below` those of each row.
    """
    count, height, width = images.shape[:3]
    rows = -(-count // columns)
    high, wide = height * zoom, width * zoom
    figure_width = left + columns * (wide + GAP) + GAP
    below = [*below, *[0] * (rows - len(below))]
    figure_height = top + rows * (above + high + GAP) + sum(below) + GAP
    figure = Figure(figsize=(figure_width / DPI, figure_height / DPI), dpi=DPI)
    axes = np.empty((rows, columns), dtype=Axes)
    for row, column in np.ndindex(rows, columns):
        x = left + GAP + column * (wide + GAP)
        y = figure_height - top - sum(below[:row]) - (row + 1) * (above + high + GAP)
        ax = figure.add_axes(
            (x / figure_width, y / figure_height, wide / figure_width, high / figure_height)
        )
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        axes[row, column] = ax
    return figure, axes
