"""Train a Keras model with `model.fit`, and lose nothing."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from course_lib import grayscale
from course_lib.models_keras import keras
from course_lib.profiles import check_precision
from course_lib.seeding import epoch_seed
from course_lib.training import checkpoint
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.record import (
    DEFAULTS,
    NUM_KEPT,
    GrayWeights,
    Options,
    Record,
    Stopwatch,
    check_images,
    order_of_epoch,
    progress_bar,
)

# What ReduceLROnPlateau remembers from epoch to epoch.
PLATEAU_STATE = ("best", "wait", "cooldown_counter")
PLATEAU_SETTINGS = ("monitor", "mode", "factor", "patience", "min_delta", "cooldown", "min_lr")


def gray_and_rgb(
    images: np.ndarray, weights: GrayWeights | None = grayscale.BT601
) -> tuple[np.ndarray, np.ndarray]:
    """Make model input and target from stored images.

    Args:
        images: uint8 (N, H, W, 3).
        weights: of red, green and blue in the gray image; None: the input is the RGB image too.

    Returns:
        gray (N, H, W, 1) and rgb (N, H, W, 3), float32 in [0, 1].
    """
    rgb = images.astype(np.float32) / 255
    if weights is None:
        return rgb, rgb
    return grayscale.to_gray(rgb, weights, keepdims=True), rgb


def predict(model: "keras.Model", gray: np.ndarray, batch_size: int = 250) -> np.ndarray:
    """What the model makes of gray images.

    Args:
        gray: float32 (N, H, W) or (N, H, W, 1) in [0, 1]; (N, H, W, 3) if it was trained on RGB.

    Returns:
        float32 (N, H, W, 3), as the model gives it.
    """
    gray = gray if gray.ndim == 4 else gray[..., np.newaxis]
    return np.asarray(model.predict(gray, batch_size=batch_size, verbose=0))


class Recorder(keras.callbacks.Callback):
    """Writes a Record while `model.fit` runs, and checkpoints after every epoch.

    Pass it last among the callbacks, so that it sees what the others have done.
    """

    async_safe = True  # so that Keras goes on to the next batch before the bar is moved

    def __init__(
        self,
        record: Record,
        kept_gray: np.ndarray,  # (16, H, W, 1)
        plateau: "keras.callbacks.ReduceLROnPlateau | None",
        num_images: int,
        specification: dict[str, Any],
        options: Options,
        progress: bool,
    ) -> None:
        super().__init__()
        self.record = record
        self.kept_gray = kept_gray
        self.plateau = plateau
        self.num_images = num_images
        self.specification = specification
        self.options = options
        self.stopwatch = Stopwatch(record, options.until)
        self.progress = progress

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give the plateau what it remembered when the run was interrupted."""
        if self.plateau is not None and self.record.schedule:
            # The callback forgets everything when training begins; this comes after it.
            vars(self.plateau).update(self.record.schedule)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the learning rate, show a bar, start the clock."""
        self.learning_rate = self._learning_rate()
        self.bar = progress_bar(epoch, self.params["epochs"], self.num_images, self.progress)
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar on."""
        done = round((batch + 1) / self.params["steps"] * self.num_images)
        self.bar.update(done - self.bar.n)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Stop the clock: the steps of the epoch are done, validation begins."""
        keras.ops.convert_to_numpy(self.model.optimizer.iterations)  # waits for the device
        self.seconds = time.perf_counter() - self.start

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the epoch to the record and write checkpoints; say whether there is time for more."""
        assert logs is not None
        self.bar.set_postfix(train=f"{logs['loss']:.5f}", validation=f"{logs['val_loss']:.5f}")
        self.bar.close()
        self.record.add_epoch(
            train_loss=float(logs["loss"]),
            validation_loss=float(logs["val_loss"]),
            learning_rate=self.learning_rate,
            next_learning_rate=self._learning_rate(),
            seconds=self.seconds,
            num_images=self.num_images,
            kept_predictions=self.model.predict_on_batch(self.kept_gray),
            made_on=self.options.made_on,
        )
        if self.plateau is not None:
            state = {name: vars(self.plateau)[name] for name in PLATEAU_STATE}
            self.record.schedule = {name: float(value) for name, value in state.items()}
        self.stopwatch.lap()
        if self.options.folder is not None:
            current = _settings(self.model.optimizer, self.plateau)
            kept = _checkpoint(self.model, self.record)
            kept = replace(kept, specification=self.specification, current=current)
            checkpoint.save(self.options.folder, kept)
        self.model.stop_training = self.stopwatch.is_up

    def _learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def fit_keras(
    model: "keras.Model",
    train: np.ndarray,
    validation: np.ndarray,
    *,
    num_epochs: int,
    batch_size: int,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    seed: int = 0,
    progress: bool = True,
    options: Options = DEFAULTS,
) -> Record:
    """Train a compiled Keras model and write down what happens; `training.fit` for Keras.

    Called again with the same folder in `options` it resumes where it was interrupted, with the
    same bits: weights, optimizer, ReduceLROnPlateau and the order of the images.

    Args:
        model: maps gray (N, H, W, 1) to rgb (N, H, W, 3); compiled with an optimizer and "mse".
        train, validation: uint8 RGB images (N, H, W, 3).
        num_epochs: epochs in all, those of an earlier call included.
        batch_size: images in a step; the last step of an epoch may have fewer.
        callbacks: Keras callbacks, ReduceLROnPlateau among them if the rate is to fall.
        seed: of the order of the images.
        progress: show a bar.
        options: what else a long run sets.

    Raises:
        CourseError: no images; a loss that is not a number; a damaged checkpoint, or one of
            another model or made with other settings; an unknown precision.
    """
    check_precision(options.precision)
    check_images(train, validation)
    plateaus = [c for c in callbacks if isinstance(c, keras.callbacks.ReduceLROnPlateau)]
    plateau = plateaus[0] if plateaus else None
    specification: dict[str, Any] = {}
    if options.folder is not None:
        more = _settings(model.optimizer, plateau)
        specification = checkpoint.specify(train, validation, batch_size, seed, options, more)
    kept = checkpoint.resume(options.folder)
    if kept is not None:
        _resume(kept, specification, num_epochs, model)
        specification = kept.specification
    record = Record() if kept is None else kept.record
    validation_data = gray_and_rgb(validation, options.gray_weights)  # (N, H, W, 1), (N, H, W, 3)
    recorder = Recorder(
        record,
        validation_data[0][:NUM_KEPT],
        plateau,
        len(train),
        specification,
        options,
        progress,
    )
    if record.num_epochs < num_epochs and not recorder.stopwatch.is_up:
        orders = (
            order_of_epoch(len(train), epoch_seed(seed, epoch))
            for epoch in itertools.count(record.num_epochs)
        )
        model.fit(
            _batches(train, options.gray_weights, orders, batch_size),
            steps_per_epoch=-(-len(train) // batch_size),
            initial_epoch=record.num_epochs,
            epochs=num_epochs,
            validation_data=validation_data,
            validation_batch_size=250,
            shuffle=False,  # the batches come shuffled
            callbacks=[*callbacks, recorder],
            verbose=0,
        )
    return record


def steps_at_once(num_images: int, batch_size: int, at_most: int = 64) -> int:
    """For `model.compile(steps_per_execution=...)`: steps that TensorFlow takes without Python.

    It divides the steps of an epoch, so that no step of the next one is taken before its time.
    The other backends take each step by itself. On a CPU it gains nothing: steps are long there.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    num_steps = -(-num_images // batch_size)
    return max(n for n in range(1, at_most + 1) if num_steps % n == 0)


def _batches(
    images: np.ndarray, weights: GrayWeights | None, orders: Iterable[np.ndarray], batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of gray (B, H, W, 1) and rgb (B, H, W, 3), epoch after epoch, without end.

    Images (N, H, W, 3) stay bytes until their batch is due: a fifth of the memory, for 0.1 ms a
    batch. An order is an epoch's indices (N,).
    """
    for order in orders:
        for start in range(0, len(order), batch_size):
            yield gray_and_rgb(images[order[start : start + batch_size]], weights)


def load_weights(model: "keras.Model", kept: Checkpoint) -> None:
    """Give `model` the weights of a checkpoint. Raises CourseError if it is of another model."""
    kept.check_fits(_arrays(model.weights))
    model.set_weights([kept.weights[str(i)] for i in range(len(model.weights))])


def _settings(
    optimizer: "keras.optimizers.Optimizer", plateau: "keras.callbacks.ReduceLROnPlateau | None"
) -> dict[str, Any]:
    """What the optimizer and ReduceLROnPlateau are set to."""
    config = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    found = {f"{name} of the optimizer": value for name, value in config.items()}
    if plateau is None:
        return {**found, "schedule": "none"}
    found["schedule"] = type(plateau).__qualname__
    return {
        **found,
        **{f"{name} of the schedule": vars(plateau)[name] for name in PLATEAU_SETTINGS},
    }


def _resume(
    kept: Checkpoint, specification: dict[str, Any], num_epochs: int, model: "keras.Model"
) -> None:
    """Give the model and its optimizer the state of the checkpoint, if it is of this run."""
    model.optimizer.build(model.trainable_variables)
    kept.check_fits(_arrays(model.weights), _kind(model.optimizer))
    kept.check_resumes(specification, num_epochs)
    load_weights(model, kept)
    for i, variable in enumerate(model.optimizer.variables):
        variable.assign(kept.optimizer[str(i)])


def _checkpoint(model: "keras.Model", record: Record) -> Checkpoint:
    optimizer = model.optimizer  # its learning rate is one of its variables
    settings = {"kind": _kind(optimizer)}
    return Checkpoint(record, _arrays(model.weights), _arrays(optimizer.variables), settings)


# Variables go by their place: Keras numbers the names of layers through the whole process.
def _arrays(variables: "Sequence[keras.Variable]") -> dict[str, np.ndarray]:
    return {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}


def _kind(optimizer: "keras.optimizers.Optimizer") -> str:
    """Such as "Adam with 18 variables"."""
    return f"{type(optimizer).__name__} with {len(optimizer.variables)} variables"
