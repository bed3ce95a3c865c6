"""Train a Keras model with `model.fit`, and lose nothing."""

import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from course_lib import grayscale
from course_lib.files import CourseError, replacing
from course_lib.models_keras import keras
from course_lib.seeding import epoch_seed
from course_lib.training.record import (
    NUM_KEPT,
    Record,
    Stopwatch,
    check_images,
    order_of_epoch,
    progress_bar,
)

Weights = tuple[float, float, float]
# What ReduceLROnPlateau remembers from epoch to epoch.
PLATEAU_STATE = ("best", "wait", "cooldown_counter")


def gray_and_rgb(
    images: np.ndarray, weights: Weights | None = grayscale.BT601
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
    """What the model makes of gray images (N, H, W) or (N, H, W, 1): float32 (N, H, W, 3)."""
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
        folder: str | Path | None,
        plateau: "keras.callbacks.ReduceLROnPlateau | None",
        num_images: int,
        watch: Stopwatch,
        progress: bool,
    ) -> None:
        super().__init__()
        self.record = record
        self.kept_gray = kept_gray
        self.folder = None if folder is None else Path(folder)
        self.plateau = plateau
        self.num_images = num_images
        self.watch = watch
        self.progress = progress

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self.plateau is not None and self.record.schedule:
            # The callback forgets everything when training begins; this comes after it.
            vars(self.plateau).update(self.record.schedule)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.learning_rate = self._learning_rate()
        self.bar = progress_bar(epoch, self.params["epochs"], self.num_images, self.progress)
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        done = round((batch + 1) / self.params["steps"] * self.num_images)
        self.bar.update(done - self.bar.n)

    def on_test_begin(self, logs: dict | None = None) -> None:
        keras.ops.convert_to_numpy(self.model.optimizer.iterations)  # waits for the device
        self.seconds = time.perf_counter() - self.start

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
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
        )
        if self.plateau is not None:
            state = {name: vars(self.plateau)[name] for name in PLATEAU_STATE}
            self.record.schedule = {name: float(value) for name, value in state.items()}
        self.watch.lap()
        if self.folder is not None:
            save(self.folder, self.model, self.record)
        self.model.stop_training = self.watch.is_up

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
    weights: Weights | None = grayscale.BT601,
    seed: int = 0,
    folder: str | Path | None = None,
    until: float | None = None,
    progress: bool = True,
) -> Record:
    """Train a compiled Keras model and write down what happens; `training.fit` for Keras.

    Called again with the same `folder` it goes on where it was cut off, with the same bits:
    weights, optimizer, ReduceLROnPlateau and the order of the images.

    Args:
        model: maps gray (N, H, W, 1) to rgb (N, H, W, 3); compiled with an optimizer and "mse".
        train, validation: uint8 RGB images (N, H, W, 3).
        num_epochs: epochs in all, those of an earlier call included.
        batch_size: images in a step; the last step of an epoch may have fewer.
        callbacks: Keras callbacks, ReduceLROnPlateau among them if the rate is to fall.
        weights: see `gray_and_rgb`.
        folder: where last.npz and best.npz are kept; None keeps nothing.
        until: begin no epoch that would not end by this time, of `time.monotonic`, in this call.
        progress: show a bar.

    Raises:
        CourseError: no images; a loss that is not a number; a damaged checkpoint.
    """
    check_images(train, validation)
    record = resume(folder, model)
    plateaus = [c for c in callbacks if isinstance(c, keras.callbacks.ReduceLROnPlateau)]
    validation_data = gray_and_rgb(validation, weights)
    recorder = Recorder(
        record,
        validation_data[0][:NUM_KEPT],
        folder,
        plateaus[0] if plateaus else None,
        len(train),
        Stopwatch(record, until),
        progress,
    )
    if record.num_epochs < num_epochs and not recorder.watch.is_up:
        orders = (
            order_of_epoch(len(train), epoch_seed(seed, epoch))
            for epoch in itertools.count(record.num_epochs)
        )
        model.fit(
            _batches(train, weights, orders, batch_size),
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
    images: np.ndarray, weights: Weights | None, orders: Iterable[np.ndarray], batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of input and target in the order of epoch after epoch, without end.

    Images stay bytes until their batch is due: a fifth of the memory, for 0.1 ms a batch.
    """
    for order in orders:
        for start in range(0, len(order), batch_size):
            yield gray_and_rgb(images[order[start : start + batch_size]], weights)


def save(folder: Path, model: "keras.Model", record: Record) -> None:
    """Write best.npz (if this epoch is the best so far) and last.npz."""
    state = {"model": model.weights, "optimizer": model.optimizer.variables}
    content: dict[str, Any] = {
        f"{part}/{i}": keras.ops.convert_to_numpy(variable)
        for part, variables in state.items()
        for i, variable in enumerate(variables)
    }
    content["predictions"] = np.stack(record.predictions)
    content["record"] = np.array(json.dumps(record.to_json()))
    names = ["best.npz", "last.npz"] if record.last_is_best else ["last.npz"]
    for name in names:
        with replacing(folder / name) as path:
            np.savez(path, **content)


def load_checkpoint(path: str | Path, model: "keras.Model") -> Record:
    """Give `model` the weights and optimizer of best.npz or last.npz; return its record.

    Raises:
        CourseError: the file is missing, damaged or of another model.
    """
    record = read_record(path)
    try:
        with np.load(path, allow_pickle=False) as content:
            weights = [content[f"model/{i}"] for i in range(len(model.weights))]
            model.optimizer.build(model.trainable_variables)
            variables = [content[f"optimizer/{i}"] for i in range(len(model.optimizer.variables))]
        model.set_weights(weights)
        for variable, value in zip(model.optimizer.variables, variables, strict=True):
            variable.assign(value)
    except Exception as error:  # np.load and Keras raise many kinds
        raise _damaged(path) from error
    return record


def read_record(path: str | Path) -> Record:
    """The record in best.npz or last.npz. Raises CourseError if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as content:
            record = Record(**json.loads(str(content["record"])))
            record.predictions = list(content["predictions"])
    except Exception as error:  # np.load raises many kinds
        raise _damaged(path) from error
    return record


def _damaged(path: str | Path) -> CourseError:
    return CourseError(
        f"The checkpoint {path} is missing, damaged or of another model; "
        "move it away to train from the start."
    )


def resume(folder: str | Path | None, model: "keras.Model") -> Record:
    """The record of last.npz, its state given to `model`; a new record if there is none."""
    if folder is None or not (Path(folder) / "last.npz").exists():
        return Record()
    return load_checkpoint(Path(folder) / "last.npz", model)
