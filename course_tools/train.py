"""`course train`: run a recipe, measure it, publish it. Can be cut off anywhere and goes on."""

import importlib.metadata
import os
import platform
import resource
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from course_lib import baselines, data, experiments, grayscale, metrics, published
from course_lib.experiments import Experiment
from course_lib.files import CourseError
from course_lib.recording import NUM_KEPT, Record
from course_lib.seeding import seed_everything
from course_tools import publish
from course_tools.data import fetch_cifar10

ROOT = Path(__file__).parent.parent
NUM_MEASURED_TRAIN = 5_000  # training images the train metrics are taken on: the first ones


@dataclass(frozen=True)
class Preview:
    """What two CPU cores can do of a recipe until a GPU has run it whole.

    Attributes:
        minutes: training ends at the epoch that would pass them; None for all epochs.
        images_per_epoch: images between two points of the curve; None for all.
        num_validation: images the curve is validated on; None for all.
        preview_of: recipes this run stands in for.
        with_weights: whether its weights ship.
    """

    minutes: float | None
    images_per_epoch: int | None = None
    num_validation: int | None = None
    preview_of: tuple[str, ...] = ()
    with_weights: bool = True


# In the order `course train all --profile preview` takes them.
PREVIEWS = {
    "three_layer_constant": Preview(
        20, images_per_epoch=9_000, preview_of=("three_layer_constant", "three_layer_plateau")
    ),
    "conv_latent": Preview(22, 4_500, 1_000, ("conv_latent",)),
    "fc_latent": Preview(22, 4_500, 1_000, ("fc_latent",)),
    "three_layer_plateau_5k": Preview(None, with_weights=False),
    "three_layer_constant_5k": Preview(None, with_weights=False),
    "three_layer_rgb": Preview(12, images_per_epoch=9_000, preview_of=("three_layer_rgb",)),
}


def train(
    name: str,
    profile: str = "full",
    seed: int = 0,
    device: str = "auto",
    runs: Path = published.RUNS,
    work: Path = ROOT / "build" / "training",
    say: Callable[[str], None] = print,
) -> list[published.Run]:
    """Train and publish the experiment called `name`, or "all"; what is published is left alone.

    Args:
        name: of an experiment, a letter of the paper, or "all".
        profile: "preview" or "full".
        seed: of the weights and of every epoch.
        device: "auto", "cpu" or "cuda".
        runs: where published runs go.
        work: where checkpoints are kept while it runs.
        say: called with a line at every step.

    Raises:
        CourseError: unknown name or profile; a GPU was asked for and there is none.
    """
    if profile not in ("preview", "full"):
        raise CourseError(f"There is no training profile {profile!r}; choose preview or full.")
    if name == "all":
        queue = list(PREVIEWS) if profile == "preview" else list(experiments.EXPERIMENTS)
    else:
        queue = [experiments.get(name).name]
    finished = []
    for number, item in enumerate(queue, start=1):
        say(f"[{number}/{len(queue)}] {item}, profile {profile}, seed {seed}")
        finished.append(_train_one(experiments.get(item), profile, seed, device, runs, work, say))
    return finished


def _train_one(
    experiment: Experiment,
    profile: str,
    seed: int,
    device: str,
    runs: Path,
    work: Path,
    say: Callable[[str], None],
) -> published.Run:
    folder_name = experiment.name if seed == 0 else f"{experiment.name}-seed{seed}"
    done = _already_published(folder_name, profile, runs)
    if done is not None:
        say(f"  published already in {done.folder}; delete that folder to train it again")
        return done
    preview = None if profile == "full" else _preview_of(experiment)
    cifar = _load_data(say)
    parts = data.split(cifar, experiment.protocol)
    folder = work / f"{experiment.name}-{profile}-{cifar.name}-seed{seed}"
    seed_everything(seed)
    model, record, where = _fit(experiment, preview, parts, seed, device, folder)
    say(f"  trained {record.num_epochs} epochs in {record.seconds / 60:.1f} minutes; measuring")

    # What ships is measured: the weights of the chosen epoch, rounded to float16.
    epoch = _load_chosen_weights(experiment, model, folder)
    shipped = publish.weights_as_float16(model)
    published.assign_weights(model, shipped)
    scores, per_image = _measure(model, experiment, cifar, parts)
    manifest = {
        **_provenance(experiment, profile, seed, where, cifar),
        "preview_of": list(preview.preview_of) if preview else [],
        "preview": asdict(preview) if preview else None,
        "weights_epoch": epoch,
        "seconds": record.seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "metrics": scores,
    }
    if cifar.name == "sample":
        runs = work / "sample-runs"
        say("  trained on the SAMPLE, so it is not published with the course")
    with_weights = seed == 0 and (preview is None or preview.with_weights)
    truth = parts.x_validation[:NUM_KEPT]
    run = publish.write(
        folder_name, manifest, record, truth, per_image, shipped if with_weights else None, runs
    )
    test = scores["test"]["mse"]
    gray = scores["gray_copy_test"]["mse"]
    say(f"  test MSE {test:.5f} (gray copy {gray:.5f}); written to {run.folder}")
    return run


def _already_published(name: str, profile: str, runs: Path) -> published.Run | None:
    if name not in published.names(runs):
        return None
    run = published.load(name, runs)
    # A full run replaces a preview, never the other way about.
    return run if profile == "preview" or run.manifest["profile"] == "full" else None


def _preview_of(experiment: Experiment) -> Preview:
    if experiment.name not in PREVIEWS:
        raise CourseError(
            f"{experiment.name} has no preview; choose one of: {', '.join(PREVIEWS)}, "
            "or --profile full."
        )
    return PREVIEWS[experiment.name]


def _load_data(say: Callable[[str], None]) -> data.CIFAR10:
    try:
        return fetch_cifar10()
    except CourseError as error:
        say(f"  WARNING: {error} Going on with the bundled SAMPLE.")
        return data.load_cifar10("sample")


def _fit(
    experiment: Experiment,
    preview: Preview | None,
    parts: data.Split,
    seed: int,
    device: str,
    folder: Path,
) -> tuple[Any, Record, str]:
    """Train, going on from the checkpoint in `folder`; return model, record and device name."""
    arguments: dict[str, Any] = {
        "train": parts.x_train[: experiment.num_train],
        "validation": parts.x_validation[: preview.num_validation if preview else None],
        "num_epochs": experiment.num_epochs,
        "batch_size": experiment.batch_size,
        "weights": experiment.gray_weights and getattr(grayscale, experiment.gray_weights),
        "seed": seed,
        "folder": folder,
    }
    if preview:
        arguments["images_per_epoch"] = preview.images_per_epoch
        if preview.minutes:
            # The clock ends it, not the count of shortened epochs.
            arguments.update(max_seconds=60 * preview.minutes, num_epochs=10_000)
    if experiment.framework == "torch":
        return _fit_torch(experiment, device, arguments)
    return _fit_keras(experiment, device, arguments)


def _fit_torch(
    experiment: Experiment, device: str, arguments: dict[str, Any]
) -> tuple[Any, Record, str]:
    import torch

    from course_lib import models_torch, training
    from course_lib.schedules import ReduceOnPlateau

    model = published.build_model(experiment.name).to(models_torch.pick_device(device))
    record = training.fit(
        model,
        training.training_step,
        optimizer=torch.optim.Adam(model.parameters(), lr=experiment.learning_rate),
        schedule=ReduceOnPlateau(**experiment.schedule) if experiment.schedule else None,
        rotation=experiment.rotation,
        **arguments,
    )
    return model, record, _device_name(device)


def _fit_keras(
    experiment: Experiment, device: str, arguments: dict[str, Any]
) -> tuple[Any, Record, str]:
    from course_lib.models_keras import keras
    from course_lib.training_keras import fit_keras

    where = _device_name(device)  # Keras takes a GPU by itself; this says if there is none
    model = published.build_model(experiment.name)
    model.compile(optimizer=keras.optimizers.Adam(experiment.learning_rate), loss="mse")
    callbacks = []
    if experiment.schedule:
        callbacks.append(keras.callbacks.ReduceLROnPlateau(**experiment.schedule))
    record = fit_keras(model, callbacks=callbacks, **arguments)
    return model, record, f"{where}, Keras on {keras.backend.backend()}"


def _load_chosen_weights(experiment: Experiment, model: Any, folder: Path) -> int:
    """Give `model` the weights that ship and say of which epoch.

    Under our protocol the best on validation; under the paper's the last, as in its pictures.
    """
    which = "last" if experiment.protocol == "paper" else "best"
    if experiment.framework == "torch":
        from course_lib.training import load_checkpoint

        checkpoint = load_checkpoint(folder / f"{which}.pt")
        model.load_state_dict(checkpoint["model"])
        return len(checkpoint["record"]["history"])
    from course_lib import training_keras

    return training_keras.load_checkpoint(folder / f"{which}.npz", model).num_epochs


def _measure(
    model: Any, experiment: Experiment, cifar: data.CIFAR10, parts: data.Split
) -> tuple[dict[str, dict[str, float]], dict[str, np.ndarray]]:
    """Metrics of the model and of both baselines on every split."""
    splits = {
        "train": parts.x_train[:NUM_MEASURED_TRAIN],
        "validation": parts.x_validation,
        "test": cifar.x_test,
    }
    scores = {}
    for name, images in splits.items():
        rgb = data.as_float(images)
        prediction = published.predict(model, experiments.model_input(experiment, rgb))
        scores[name] = metrics.evaluate(prediction, rgb)
        scores |= _measure_baselines(name, rgb)
    errors = metrics.per_image(prediction, rgb)  # of the last split, test
    # What a test recomputes from the shipped weights, in a second, wherever the course is.
    first = data.load_cifar10("sample").x_test[:100]
    rgb = data.as_float(first)
    prediction = published.predict(model, experiments.model_input(experiment, rgb))
    scores["first_100_test"] = {"mse": float(np.square(prediction - rgb).mean(dtype=float))}
    return scores, {key: errors[key] for key in ("mse", "mse_luma", "mse_chroma")}


def _measure_baselines(split: str, rgb: np.ndarray) -> dict[str, dict[str, float]]:
    """Metrics of gray copy and of the gray-level table on the images (N, H, W, 3) of a split."""
    gray = grayscale.to_gray(rgb)
    return {
        f"gray_copy_{split}": metrics.evaluate(baselines.gray_copy(gray), rgb),
        f"gray_level_table_{split}": metrics.evaluate(baselines.gray_level_table(gray), rgb),
    }


def _provenance(
    experiment: Experiment, profile: str, seed: int, where: str, cifar: data.CIFAR10
) -> dict[str, Any]:
    return {
        "experiment": experiment.name,
        "letter": experiment.letter,
        "title": experiment.title,
        "recipe": asdict(experiment),
        "profile": profile,
        "seed": seed,
        "command": f"course train {experiment.name} --profile {profile} --seed {seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("torch", "tensorflow", "keras", "numpy")
            if _installed(name)
        }
        | {"python": platform.python_version()},
        "device": where,
        "data": {"name": cifar.name, "sha256": data.ARRAY_HASHES},
    }


def _installed(name: str) -> bool:
    return any(importlib.metadata.distributions(name=name))


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "course_lib")
    return (git("rev-parse", "HEAD") or "unknown") + (" with changes" if changed else "")


def _device_name(device: str) -> str:
    import torch

    from course_lib.models_torch import pick_device

    return torch.cuda.get_device_name() if pick_device(device).type == "cuda" else _processor()


def _processor() -> str:
    """The processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0))} cores"
