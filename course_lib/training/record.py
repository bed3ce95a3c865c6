"""What the loops of both frameworks share: the record, the options, the clock, the order."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from course_lib import grayscale
from course_lib.files import CourseError

NUM_KEPT = 16  # validation images whose predictions are kept after every epoch

# A schedule maps (validation loss, learning rate) to the next learning rate.
Schedule = Callable[[float, float], float]
# How much of red, of green and of blue is in the gray image.
GrayWeights = tuple[float, float, float]


@dataclass(frozen=True)
class Options:
    """What a long run of the course sets, and a lesson leaves as it is.

    Attributes:
        gray_weights: see `gray_and_rgb`; None: the input is the RGB image too.
        precision: of products in training, see `profiles.PRECISIONS`. `fit` sets it; a Keras model
            was built with it, in its dtype policy.
        folder: where checkpoints are kept, see `checkpoint`; None keeps none.
        until: start no epoch that would not end by this time, of `time.monotonic`, in this call.
        made_on: what the record says about the machine, such as {"device": "cpu"}.
        recipe: what else decides on the run; a checkpoint of another recipe is refused.
    """

    gray_weights: GrayWeights | None = grayscale.BT601
    precision: str = "float32"
    folder: str | Path | None = None
    until: float | None = None
    made_on: Mapping[str, str] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)


DEFAULTS = Options()


@dataclass
class Record:
    """What happened, epoch by epoch.

    Attributes:
        history: one dict per epoch: epoch (from 1), train_loss and validation_loss (MSE),
            learning_rate, seconds (of the training steps), images_per_second.
        events: one dict per change of the learning rate: epoch (whose end changed it), what.
        predictions: per epoch, the predictions of 16 fixed validation images,
            uint8 (16, 32, 32, 3).
        schedule: state of the schedule after the last epoch.
        seconds: all time spent so far, evaluation included.
        made_on: what epochs were trained on, see `Options`; "one, then another" if it changed.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    predictions: list[np.ndarray] = field(default_factory=list)
    schedule: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    made_on: dict[str, str] = field(default_factory=dict)

    @property
    def num_epochs(self) -> int:
        """Epochs finished."""
        return len(self.history)

    def losses(self, which: str = "validation_loss") -> list[float]:
        """The named column of the history, one number per epoch."""
        return [epoch[which] for epoch in self.history]

    @property
    def last_is_best(self) -> bool:
        """Whether the last epoch has the lowest validation loss, first come first served."""
        losses = self.losses()
        return losses[-1] < min(losses[:-1], default=math.inf)

    def add_epoch(
        self,
        *,
        train_loss: float,
        validation_loss: float,
        learning_rate: float,
        next_learning_rate: float,
        seconds: float,
        num_images: int,
        kept_predictions: np.ndarray,  # float (16, 32, 32, 3) in [0, 1]
        made_on: Mapping[str, str] = DEFAULTS.made_on,
    ) -> None:
        """Write down one epoch. Raises CourseError if a loss is not a finite number."""
        epoch = self.num_epochs + 1
        if not (math.isfinite(train_loss) and math.isfinite(validation_loss)):
            raise CourseError(
                f"The loss of epoch {epoch} is not a finite number; train again with a lower "
                f"learning rate than {learning_rate:g}."
            )
        self.history.append(
            {
                "epoch": epoch,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "learning_rate": learning_rate,
                "seconds": seconds,
                "images_per_second": num_images / seconds,
            }
        )
        if next_learning_rate != learning_rate:
            what = f"learning rate {learning_rate:.3g} -> {next_learning_rate:.3g}"
            self.events.append({"epoch": epoch, "what": what})
        self.predictions.append(np.rint(255 * np.clip(kept_predictions, 0, 1)).astype(np.uint8))
        for topic, word in made_on.items():
            before = self.made_on.get(topic, word)
            self.made_on[topic] = before if before.endswith(word) else f"{before}, then {word}"

    def to_json(self) -> dict[str, Any]:
        """Everything but the predictions, as plain values. `Record(**value)` reads it back."""
        return {
            "history": self.history,
            "events": self.events,
            "schedule": self.schedule,
            "seconds": self.seconds,
            "made_on": self.made_on,
        }


class Stopwatch:
    """Says whether one more epoch fits into the time there is, judged by the slowest so far.

    Args:
        record: its `seconds` are those of all calls so far.
        until: when this call has to end, on the clock of `time.monotonic`; None for never.
    """

    def __init__(self, record: Record, until: float | None = None) -> None:
        self.record = record
        self.until = math.inf if until is None else until
        self.slowest = record.seconds / max(record.num_epochs, 1)
        self.start = time.monotonic()

    def lap(self) -> None:
        """An epoch, with its evaluation, has ended."""
        seconds = time.monotonic() - self.start
        self.slowest = max(self.slowest, seconds)
        self.record.seconds += seconds
        self.start = time.monotonic()

    @property
    def is_up(self) -> bool:
        """Whether an epoch as long as the slowest would end too late."""
        return time.monotonic() + self.slowest > self.until


def check_images(train: np.ndarray, validation: np.ndarray) -> None:
    """Raise CourseError unless both are uint8 (N, H, W, 3) with N > 0."""
    for name, images in {"training": train, "validation": validation}.items():
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise CourseError(
                f"The {name} images must be uint8 of shape (N, H, W, 3); these are "
                f"{images.dtype} of shape {images.shape}."
            )
        if len(images) == 0:
            raise CourseError(f"There are no {name} images; pass at least one.")


def progress_bar(epoch: int, num_epochs: int, num_images: int, enabled: bool) -> tqdm:
    """A bar over the images of one epoch; `epoch` counts from 0."""
    return tqdm(
        total=num_images,
        desc=f"epoch {epoch + 1}/{num_epochs}",
        unit=" images",
        mininterval=0.5,
        disable=not enabled,
    )


def order_of_epoch(num_images: int, seed: int) -> np.ndarray:
    """The order in which an epoch sees its images: indices (num_images,), shuffled by `seed`.

    Args:
        seed: of this epoch, see `seeding.epoch_seed`.
    """
    return np.random.default_rng(seed).permutation(num_images)
