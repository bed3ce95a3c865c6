"""The predictions of a model after each epoch of its training, under a slider."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from course_lib import data, grayscale, plots
from course_lib.files import CourseError
from course_lib.results.published import Run
from course_lib.widgets.parts import PAIRS, Widget, as_bytes, notice_on_error

LINES = {"validation": "-", "training": "--", "gray copy": ":"}  # in this order in the browser, too


class Scrubber(Widget, script="scrubber.js"):
    """See `scrub_training`."""

    size = traitlets.List(traitlets.Int()).tag(sync=True)  # epochs, images, height, width
    predictions = traitlets.Bytes().tag(sync=True)  # uint8 (E, N, H, W, 3)
    truth = traitlets.Bytes().tag(sync=True)  # uint8 (N, H, W, 3)
    gray = traitlets.Bytes().tag(sync=True)  # uint8 (N, H, W, 3)
    curves = traitlets.Dict().tag(**PAIRS)  # name -> loss per epoch
    events = traitlets.List(traitlets.Int()).tag(sync=True)  # epochs after which the rate falls
    title = traitlets.Unicode().tag(sync=True)
    epoch = traitlets.Int().tag(sync=True)  # chosen, from 1


@notice_on_error
def scrub_training(run: Run) -> Widget:
    """An epoch slider over the predictions of a published run, with a mark on its loss curves.

    Args:
        run: a published run, see `published.load`. Its 16 validation images are shown, and the
            gray copy's error on all validation images beside its losses.

    Returns:
        A widget. If it is no run, or its files are damaged, a notice that says how to fix that.
    """
    if not isinstance(run, Run):
        raise CourseError("Give a published run: scrub_training(published.load('fc_latent')).")
    predictions, truth = run.predictions, run.truth  # (E, 16, 32, 32, 3), (16, 32, 32, 3)
    curves = _curves(run, len(predictions))
    gray = grayscale.to_gray(data.as_float(truth))  # (16, 32, 32)
    return Scrubber(
        _still(run, curves, as_bytes(gray)),
        f"Losses of {run.label}, with the gray copy's; below them eight photographs in gray, "
        "predicted at the beginning, in the middle and at the end of the training, and in truth.",
        size=list(predictions.shape[:4]),
        predictions=predictions.tobytes(),
        truth=truth.tobytes(),
        gray=as_bytes(gray).tobytes(),
        curves=curves,
        events=[int(event["epoch"]) for event in run.manifest["events"]],
        title=run.label,
        epoch=len(predictions),
    )


def _curves(run: Run, num_epochs: int) -> dict[str, list[float]]:
    """The lines of the chart, name -> one finite number for each epoch."""
    baseline: Any = run.metrics["gray_copy_validation"]["mse"]
    curves = {
        "validation": run.losses(),
        "training": run.losses("train_loss"),
        "gray copy": [float(baseline)] * len(run.history),
    }
    if not num_epochs or len(run.history) != num_epochs:
        raise CourseError(
            f"{run.label} has losses of {len(run.history)} epochs and pictures of {num_epochs}, "
            "but both are needed of every epoch; restore its files."
        )
    if not np.isfinite(list(curves.values())).all():
        raise CourseError(f"The losses of {run.label} hold NaN or infinite values; restore them.")
    return curves


def _still(run: Run, curves: dict[str, list[float]], gray: np.ndarray) -> Figure:
    """The losses above rows of the first eight images; `gray` is uint8 (16, 32, 32, 3)."""
    last = len(run.predictions)
    rows = {"gray": gray}
    rows |= {f"epoch {n}": run.predictions[n - 1] for n in sorted({1, (1 + last) // 2, last})}
    rows["truth"] = run.truth
    sheet = np.concatenate([np.concatenate(images[:8], axis=1) for images in rows.values()])
    figure = Figure(figsize=(7.5, 8), dpi=plots.DPI, layout="constrained")
    above, below = figure.subplots(2, height_ratios=(3, 5))
    for name, values in curves.items():
        above.plot(range(1, last + 1), values, f"k{LINES[name]}", label=name)
    above.set(xlabel="epoch", ylabel="mean squared error", yscale="log")
    above.xaxis.set_major_locator(MaxNLocator(integer=True))
    above.yaxis.set_major_formatter("{x:g}")
    above.yaxis.set_minor_formatter("{x:g}")
    above.legend(frameon=False)
    below.imshow(sheet, interpolation="nearest")
    below.set(xticks=[], yticks=32 * np.arange(len(rows)) + 16, yticklabels=list(rows))
    below.spines[:].set_visible(False)
    figure.suptitle(run.label, fontsize=11)
    return figure
