"""Learning-rate schedules compared: a plateau rule replayed on a recorded loss curve."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_lib import plots
from course_lib.files import CourseError
from course_lib.training import schedules
from course_lib.widgets.parts import PAIRS, KernelWidget, Widget, notice_on_error

PAPER = schedules.ReduceOnPlateau()
SLIDER_VALUES = {  # parameter of `schedules.ReduceOnPlateau` -> values that its slider offers
    "factor": [0.1, 0.2, 0.3, PAPER.factor, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    "patience": list(range(1, 16)),
    "min_delta": [0.0, *(float(f"{m}e{e}") for e in range(-6, -1) for m in (1, 3))],
    "cooldown": list(range(11)),
    "min_lr": [0.0, *(float(f"{m}e{e}") for e in range(-8, -3) for m in (1, 2, 5)), 1e-3],
}
DASHES = ("-", (0, (6, 3)), (0, (1, 2)), (0, (6, 2, 1, 2)), (0, (10, 3)))  # one for each schedule


def step_rates(num_epochs: int, rate: float, step_size: int, gamma: float = 0.1) -> list[float]:
    """Times `gamma` after every `step_size` epochs, as `torch.optim.lr_scheduler.StepLR`."""
    return [rate * gamma ** (epoch // step_size) for epoch in range(num_epochs)]


def cosine_rates(num_epochs: int, rate: float) -> list[float]:
    """Half a period of a cosine from `rate` to 0, which the epoch after the last would reach.

    Source: Loshchilov and Hutter, 2017, arXiv:1608.03983, equation 5 without restarts. It is
    `torch.optim.lr_scheduler.CosineAnnealingLR(T_max=num_epochs)`.
    """
    return [rate * (1 + math.cos(math.pi * i / num_epochs)) / 2 for i in range(num_epochs)]


def one_cycle_rates(
    num_epochs: int, peak: float, pct_start: float = 0.3, start: float = 25, end: float = 1e4
) -> list[float]:
    """From peak / `start` up to the peak and down to peak / `start` / `end`, along cosines.

    Source: Smith, 2018, arXiv:1803.09820, who drew straight lines. It is
    `torch.optim.lr_scheduler.OneCycleLR(peak, total_steps=num_epochs)`, whose defaults these are.

    Args:
        num_epochs: at least 2.
        peak: the highest rate.
        pct_start: the share of the epochs in which the rate rises.
    """
    low, last = peak / start, peak / start / end
    top = pct_start * num_epochs - 1  # where the peak is, counted from 0
    rates = []
    for i in range(num_epochs):
        if i < top:
            rates.append(_along_cosine(low, peak, i / top))
        else:
            rates.append(_along_cosine(peak, last, (i - top) / (num_epochs - 1 - top)))
    return rates


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


class Rates(KernelWidget, script="rates.js"):
    """See `explore_schedules`. A request holds a value for each parameter in `slider_values`."""

    losses = traitlets.List(traitlets.Float()).tag(sync=True)  # one per epoch
    slider_values: traitlets.List[Any] = traitlets.List().tag(sync=True)  # [parameter, values], ...
    others = traitlets.Dict().tag(**PAIRS)  # schedule -> rate per epoch


def replay(losses: list[float], learning_rate: float, *settings: Any) -> dict[str, Any]:
    """What a plateau rule with these settings would have done: rates, falls, and a summary.

    Args:
        losses: one per epoch.
        learning_rate: of the first epoch.
        settings: a value for each parameter in `SLIDER_VALUES`.
    """
    rule = schedules.ReduceOnPlateau(**dict(zip(SLIDER_VALUES, settings, strict=True)))
    rates = schedules.replay(rule, losses, learning_rate)  # one per epoch
    falls = [epoch for epoch in range(1, len(rates)) if rates[epoch] < rates[epoch - 1]]
    if falls:
        steps = ", ".join(f"{epoch} (to {rates[epoch]:.1e})" for epoch in falls)
        summary = (
            f"The rate falls after epoch {steps}. Trust this replay up to its first fall only, "
            f"after epoch {falls[0]}: with another rate, other losses would follow."
        )
    else:
        summary = (
            "The rate never falls, so this replay can be trusted to its end. A replay in which it "
            "falls can be trusted up to its first fall only."
        )
    return {"rates": rates, "falls": falls, "summary": summary}


@notice_on_error
def explore_schedules(losses: Sequence[float], learning_rate: float = 1e-3) -> Widget:
    """Sliders for `schedules.ReduceOnPlateau`, replayed on a recorded loss curve.

    Beside it are a constant rate, a step to a tenth after every third of the epochs, a cosine, and
    one cycle that ends at a hundredth of its start.

    Args:
        losses: validation loss after each epoch, at least 2 epochs and at most 1,000.
        learning_rate: of the first epoch, and the peak of the cycle.

    Returns:
        A widget. If the losses or the rate are no such numbers, a notice that says why.
    """
    values = _checked(losses, learning_rate)
    learning_rate = float(learning_rate)
    count = len(values)
    settings = [getattr(PAPER, name) for name in SLIDER_VALUES]
    others = {
        "constant": [learning_rate] * count,
        "step": step_rates(count, learning_rate, step_size=-(-count // 3)),
        "cosine": cosine_rates(count, learning_rate),
        "one-cycle": one_cycle_rates(count, learning_rate, end=100),
    }
    answer = replay(values, learning_rate, *settings)
    return Rates(
        partial(replay, values, learning_rate),
        settings,
        still=_still(values, {"plateau": answer["rates"], **others}, answer["falls"]),
        alt=f"Validation loss and learning rates over {count} epochs. {answer['summary']}",
        losses=values,
        slider_values=list(SLIDER_VALUES.items()),
        others=others,
    )


def _checked(losses: Any, learning_rate: Any) -> list[float]:
    """The losses as a list of floats, after checking them and the rate."""
    try:
        values = np.asarray(losses, dtype=float)
        rate = float(learning_rate)
    except (TypeError, ValueError):
        raise CourseError("Give losses as one number per epoch, and one learning rate.") from None
    if values.ndim != 1 or not 2 <= len(values) <= 1000:
        raise CourseError(
            f"losses must be one number for each of 2 to 1,000 epochs, not of shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise CourseError("losses holds NaN or infinite values; pass the epochs before them.")
    if not 0 < rate < math.inf:
        raise CourseError(f"learning_rate must be a positive number, such as 1e-3, not {rate}.")
    return [float(value) for value in values]


def _still(losses: list[float], rates: dict[str, list[float]], falls: list[int]) -> Figure:
    """The losses with a vertical line at each fall; beside them the rates by epoch."""
    epochs = range(1, len(losses) + 1)
    figure = Figure(figsize=(9, 3.2), dpi=plots.DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, losses, "k.-", label="validation loss")
    for fall in falls:
        left.axvline(fall, color="0.5", linestyle="-.", label="fall" if fall == falls[0] else None)
    for (name, values), line in zip(rates.items(), DASHES, strict=True):
        right.plot(epochs, values, linestyle=line, label=name)
    left.set(xlabel="epoch", ylabel="validation loss")
    right.set(xlabel="epoch", ylabel="learning rate", yscale="log")
    for ax in (left, right):
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=5, frameon=False, fontsize=8)
    return figure
