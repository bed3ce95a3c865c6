"""`course train`: run a recipe, measure it, publish it. Interrupted anywhere, it resumes."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from course_lib import baselines, data, grayscale, metrics
from course_lib.files import (
    CourseError,
    read_hashed_json,
    sha256_of_array,
    sha256_of_file,
    write_hashed_json,
)
from course_lib.results import experiments, published
from course_lib.results.experiments import Experiment
from course_lib.seeding import seed_everything
from course_lib.training import checkpoint
from course_lib.training.record import NUM_KEPT, Options, Record
from course_tools.dataset.fetch import fetch_cifar10
from course_tools.experiments import machine, publish

ROOT = Path(__file__).parents[2]
NUM_MEASURED_TRAIN = 5_000  # training images the train metrics are taken on: the first ones
NUM_PER_TASK = 500  # images that a process measures at a time
NOT_TRAINED_BY = ("letter", "title", "num_epochs")  # parts of a recipe that may change in a run


@dataclass(frozen=True)
class Settings:
    """How runs are made.

    Attributes:
        device: "auto", "cpu" or "cuda".
        precision: one of `profiles.PRECISIONS`, or "auto": tf32 on a GPU, float32 without.
        until: start no epoch that would not end by this time, of `time.monotonic`; None for any.
        runs: where published runs go.
        work: where checkpoints are kept while a run is made.
        say: called with a line at every step.
    """

    device: str = "auto"
    precision: str = "auto"
    until: float | None = None
    runs: Path = published.RUNS
    work: Path = ROOT / "build" / "training"
    say: Callable[[str], None] = field(default=print, repr=False)

    def destination(self, data_name: str) -> Path:
        """Where runs go: what was trained on the sample does not ship with the course."""
        return self.runs if data_name == "full" else self.work / "sample-runs"

    def checkpoints(self, name: str, seed: int, data_name: str) -> Path:
        """The folder in which a run is kept while it is made."""
        return self.work / f"{name}-{data_name}-seed{seed}"


def train(name: str, seed: int = 0, settings: Settings | None = None) -> published.Run | None:
    """Train and publish the experiment called `name`; what is published is left alone.

    Args:
        name: of an experiment, or a letter of the paper.
        seed: of the weights and of every epoch.

    Returns:
        The run; None if the time was up before the last epoch. The same call resumes there.

    Raises:
        CourseError: unknown name or precision; a GPU was asked for and there is none.
    """
    experiment, settings = experiments.get(name), settings or Settings()
    cifar = load_data(settings.say)
    runs = settings.destination(cifar.name)
    folder = settings.checkpoints(experiment.name, seed, cifar.name)
    folder_name = run_name(experiment.name, seed)
    if folder_name in published.names(runs):
        done = published.load(folder_name, runs)
        both = " and ".join(str(place) for place in (done.folder, folder) if place.exists())
        settings.say(f"  published already; to train it again, delete {both}")
        return done
    parts = data.split(cifar, experiment.protocol)
    machine.keep_freed_memory()
    machine.forget_peaks()
    record, peaks = _fit(experiment, parts, seed, settings, folder)
    if record.num_epochs < experiment.num_epochs:
        settings.say(_time_is_up(record, experiment.num_epochs))
        return None
    minutes = record.seconds / 60
    settings.say(f"  trained {record.num_epochs} epochs in {minutes:.1f} minutes; measuring")

    # What ships is measured: the weights of the chosen epoch, rounded to float16.
    model, epoch = _chosen_model(experiment, folder)
    shipped = publish.weights_as_float16(model)
    published.assign_weights(model, shipped)
    scores, per_image = _measure(model, experiment, cifar, parts, settings.work)
    manifest = {
        **_provenance(experiment, settings, seed, cifar, record),
        **record.made_on,
        **peaks,
        "weights_epoch": epoch,
        "seconds": record.seconds,
        "metrics": scores,
    }
    run = publish.write(
        folder_name,
        manifest,
        record,
        parts.x_validation[:NUM_KEPT],
        per_image,
        shipped if _ships_weights(experiment, seed) else None,
        runs,
    )
    if cifar.name == "sample":
        settings.say("  trained on the SAMPLE, so it is not published with the course")
    test, gray = (scores[part]["mse"] for part in ("test", "gray_copy_test"))
    settings.say(f"  test MSE {test:.5f} (gray copy {gray:.5f}); written to {run.folder}")
    return run


def run_name(experiment: str, seed: int) -> str:
    """The folder of a published run."""
    return experiment if seed == 0 else f"{experiment}-seed{seed}"


def num_epochs_kept(folder: Path) -> int:
    """Epochs of a run that is being made, by its checkpoint; 0 if there is none."""
    kept = checkpoint.last(folder)
    return 0 if kept is None else kept.record.num_epochs


def _time_is_up(record: Record, num_epochs: int) -> str:
    seconds = record.seconds / max(record.num_epochs, 1)
    return (
        f"  time is up after epoch {record.num_epochs} of {num_epochs}; an epoch takes about "
        f"{seconds:.0f} s here, and the same command resumes there"
    )


def _ships_weights(experiment: Experiment, seed: int) -> bool:
    """One seed of each recipe that lessons look at; all of them together are 40 MB."""
    return seed == 0 and experiment.protocol == "held_out" and experiment.num_train is None


def load_data(say: Callable[[str], None]) -> data.CIFAR10:
    """All of CIFAR-10, fetched if necessary; if it is not available, the sample, with a warning."""
    try:
        return fetch_cifar10()
    except CourseError as error:
        say(f"  WARNING: {error} Continuing with the bundled SAMPLE.")
        return data.load_cifar10("sample")


def _fit(
    experiment: Experiment, parts: data.Split, seed: int, settings: Settings, folder: Path
) -> tuple[Record, dict[str, float | None]]:
    """Train, resuming from the checkpoint in `folder`.

    Returns:
        The record, and for the manifest the peak memory.
    """
    arguments: dict[str, Any] = {
        "train": parts.x_train[: experiment.num_train],
        "validation": parts.x_validation,
        "num_epochs": experiment.num_epochs,
        "batch_size": experiment.batch_size,
        "seed": seed,
    }
    is_torch = experiment.framework == "torch"
    device, on_gpu = (_torch_place if is_torch else _keras_place)(settings.device)
    name = experiment.gray_weights
    precision = machine.precision_for(settings.precision, on_gpu)
    recipe = {key: v for key, v in asdict(experiment).items() if key not in NOT_TRAINED_BY}
    options = Options(
        gray_weights=None if name is None else getattr(grayscale, name),
        precision=precision,
        folder=folder,
        until=settings.until,
        made_on={"device": device, "precision": precision},
        recipe=recipe,
    )
    if is_torch:
        record = _fit_torch(experiment, settings.device, options, arguments)
    else:
        record = _fit_keras(experiment, settings.device, on_gpu, options, arguments)
    return record, {"peak_mb": machine.peak_mb(), "peak_gpu_mb": machine.peak_gpu_mb()}


def _torch_place(device: str) -> tuple[str, bool]:
    """The name of the device, and whether it is a GPU."""
    from course_lib.models_torch import pick_device

    return machine.torch_device_name(device), pick_device(device).type == "cuda"


def _keras_place(device: str) -> tuple[str, bool]:
    return machine.keras_device_name(device), device != "cpu" and machine.keras_gpu() is not None


def _fit_torch(
    experiment: Experiment, device: str, options: Options, arguments: dict[str, Any]
) -> Record:
    from course_lib import models_torch
    from course_lib.training import acceleration, torch_loop
    from course_lib.training.schedules import ReduceOnPlateau

    seed_everything(arguments["seed"])  # here, where PyTorch is imported and can be seeded
    model = published.build_model(experiment.name).to(models_torch.pick_device(device))
    return torch_loop.fit(
        model,
        torch_loop.training_step,
        optimizer=acceleration.adam(model, experiment.learning_rate),
        schedule=ReduceOnPlateau(**experiment.schedule) if experiment.schedule else None,
        rotation=experiment.rotation,
        flip=experiment.flip,
        options=options,
        **arguments,
    )


def _fit_keras(
    experiment: Experiment, device: str, on_gpu: bool, options: Options, arguments: dict[str, Any]
) -> Record:
    from course_lib.models_keras import keras
    from course_lib.training.keras_loop import fit_keras, steps_at_once

    at_once = steps_at_once(len(arguments["train"]), experiment.batch_size) if on_gpu else 1
    with machine.keras_on(device, options.precision):
        seed_everything(arguments["seed"])  # here, where Keras is imported and can be seeded
        model = published.build_model(experiment.name)
        model.compile(
            optimizer=keras.optimizers.Adam(experiment.learning_rate),
            loss="mse",
            steps_per_execution=at_once,
        )
        callbacks = []
        if experiment.schedule:
            callbacks.append(keras.callbacks.ReduceLROnPlateau(**experiment.schedule))
        return fit_keras(model, callbacks=callbacks, options=options, **arguments)


def _chosen_model(experiment: Experiment, folder: Path) -> tuple[Any, int]:
    """A new model with the weights that ship, and the epoch they are of.

    Under our protocol the best on validation; under the paper's the last, as in its pictures.
    """
    which = "last" if experiment.protocol == "paper" else "best"
    kept = checkpoint.read(folder, which)
    model = published.build_model(experiment.name)
    if experiment.framework == "torch":
        from course_lib.training.torch_loop import load_weights
    else:
        from course_lib.training.keras_loop import load_weights
    load_weights(model, kept)
    return model, kept.record.num_epochs


def _measure(
    model: Any, experiment: Experiment, cifar: data.CIFAR10, parts: data.Split, work: Path
) -> tuple[dict[str, dict[str, float]], dict[str, np.ndarray]]:
    """Metrics of the model and of both baselines on every split."""
    splits = {
        "train": parts.x_train[:NUM_MEASURED_TRAIN],
        "validation": parts.x_validation,
        "test": cifar.x_test,
    }
    known = work / f"baselines-{cifar.name}-{experiment.protocol}-{NUM_MEASURED_TRAIN}.json"
    scores = {}
    for name, images in splits.items():
        rgb = data.as_float(images)
        prediction = published.predict(model, experiments.model_input(experiment, rgb))
        errors = per_image_on_all_cores(prediction, rgb)
        scores[name] = metrics.summary(errors)
    scores |= _measure_baselines(splits, known)
    # What a test recomputes from the shipped weights, in a second, wherever the course is.
    first = data.load_cifar10("sample").x_test[:100]
    rgb = data.as_float(first)
    prediction = published.predict(model, experiments.model_input(experiment, rgb))
    scores["first_100_test"] = {"mse": float(np.square(prediction - rgb).mean(dtype=float))}
    return scores, {key: errors[key] for key in ("mse", "mse_luma", "mse_chroma")}  # of test


def per_image_on_all_cores(prediction: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """`metrics.per_image`, by as many processes as there are cores if there are many images."""
    starts = range(0, len(target), NUM_PER_TASK)
    if len(starts) < 4 or machine.num_cores() == 1:
        return metrics.per_image(prediction, target)
    slices = [slice(start, start + NUM_PER_TASK) for start in starts]
    # Fresh processes: a copy of one that has computed with PyTorch or TensorFlow may hang.
    num_workers = min(machine.num_cores(), len(starts))
    with ProcessPoolExecutor(num_workers, get_context("spawn"), machine.end_with_parent) as pool:
        parts = ([images[s] for s in slices] for images in (prediction, target))
        with machine.deaf_to_interrupts():  # the workers start here; Ctrl-C is for this process
            found = pool.map(metrics.per_image, *parts)
        chunks = list(found)
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _measure_baselines(splits: dict[str, np.ndarray], known: Path) -> dict[str, dict[str, float]]:
    """Metrics of gray copy and of the gray-level table on each split, measured once for all runs.

    Args:
        splits: uint8 (N, H, W, 3) each.
        known: the file they are kept in. If it is damaged, or of other images or another table,
            they are measured again.
    """
    measured_on = {split: sha256_of_array(images) for split, images in splits.items()}
    measured_on["table"] = sha256_of_file(baselines.GRAY_LEVEL_TABLE)
    with suppress(FileNotFoundError, CourseError):
        kept = read_hashed_json(known)
        if kept.get("measured_on") == measured_on:
            return kept["scores"]
    scores: dict[str, dict[str, float]] = {}
    for split, images in splits.items():
        rgb = data.as_float(images)
        gray = grayscale.to_gray(rgb)
        for colour in (baselines.gray_copy, baselines.gray_level_table):
            errors = per_image_on_all_cores(colour(gray), rgb)
            scores[f"{colour.__name__}_{split}"] = metrics.summary(errors)
    write_hashed_json(known, {"measured_on": measured_on, "scores": scores})
    return scores


def _provenance(
    experiment: Experiment, settings: Settings, seed: int, cifar: data.CIFAR10, record: Record
) -> dict[str, Any]:
    command = f"course train {experiment.name} --seed {seed}"
    if record.made_on["precision"].endswith(settings.precision):  # it trained the last epoch
        command += f" --precision {settings.precision}"
    return {
        "experiment": experiment.name,
        "letter": experiment.letter,
        "title": experiment.title,
        "recipe": asdict(experiment),
        "seed": seed,
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "versions": machine.versions(),
        "data": {"name": cifar.name, "sha256": data.ARRAY_HASHES},
    }
