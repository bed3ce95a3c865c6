"""Runs that ship with the course, loaded and verified. `course train` writes them.

A published run is a folder: manifest.json (what was run, on what, with what result, and hashes),
predictions.npz (16 validation images after every epoch, and in truth), per_image.npz (errors of
every test image) and, for one seed of each model, weights.safetensors in float16.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.files import CourseError, read_hashed_json, sha256_of_file
from course_lib.results import experiments

RUNS = Path(__file__).parents[1] / "assets" / "runs"


@dataclass(frozen=True)
class Run:
    """One published run.

    Attributes:
        folder: where its files are.
        manifest: name (of the folder), experiment, letter, seed, command, commit, versions,
            device, data hash, history, events, metrics per split, files with their SHA-256,
            weights_epoch.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def history(self) -> list[dict[str, float]]:
        """One dict per epoch, see `recording.Record`."""
        return self.manifest["history"]

    def losses(self, which: str = "validation_loss") -> list[float]:
        """The named column of the history, one number per epoch."""
        return [epoch[which] for epoch in self.history]

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """For "train", "validation" and "test": what `metrics.evaluate` gave."""
        return self.manifest["metrics"]

    @property
    def label(self) -> str:
        """A few words for pictures and tables: the paper's letter and the title."""
        return f"{self.manifest['letter']}, {self.manifest['title']}"

    @property
    def predictions(self) -> np.ndarray:
        """uint8 (num_epochs, 16, 32, 32, 3): fixed validation images after every epoch."""
        return self._array("predictions.npz", "predictions")

    @property
    def truth(self) -> np.ndarray:
        """uint8 (16, 32, 32, 3): what `predictions` should be."""
        return self._array("predictions.npz", "truth")

    def per_image(self, metric: str = "mse") -> np.ndarray:
        """float32 (10000,): mse, mse_luma or mse_chroma of every test image, in order."""
        return self._array("per_image.npz", metric)

    @property
    def weights(self) -> Path:
        """The file of the weights. Raises CourseError if this run ships none, or damaged ones."""
        if "weights.safetensors" not in self.manifest["files"]:
            raise CourseError(
                f"The published run {self.folder.name} ships no weights; load another seed."
            )
        return self._verified("weights.safetensors")

    def load_into(self, model: Any) -> Any:
        """Give a PyTorch or Keras model with the same layer names these weights; return it.

        Raises:
            CourseError: the layers do not fit, or the file is damaged.
        """
        from safetensors.numpy import load_file

        arrays = load_file(self.weights)
        expected = {name: tuple(w.shape) for name, w in weights_by_name(model).items()}
        found = {name: w.shape for name, w in arrays.items()}
        for name in [*expected, *found]:
            if expected.get(name) != found.get(name):
                raise CourseError(
                    f"The weights do not fit the model: it has {name} of shape "
                    f"{expected.get(name, 'none')}, the file {found.get(name, 'none')}; "
                    "build the model with the paper's widths and layer names."
                )
        assign_weights(model, arrays)
        return model

    def model(self) -> Any:
        """The model of this run with its published weights. Imports its framework."""
        return self.load_into(build_model(self.manifest["experiment"]))

    def verify(self) -> None:
        """Raise CourseError unless every file is there and is what the manifest says."""
        for name in self.manifest["files"]:
            self._verified(name)

    def _verified(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists() or sha256_of_file(path) != self.manifest["files"][name]["sha256"]:
            raise CourseError(
                f"{path.name} of the published run {self.folder.name} is missing or damaged; "
                "restore it with: git checkout -- course_lib/assets"
            )
        return path

    def _array(self, file: str, key: str) -> np.ndarray:
        with np.load(self._verified(file)) as content:
            return content[key]


def build_model(name: str) -> Any:
    """A fresh model of the experiment called `name`. Imports its framework."""
    experiment = experiments.get(name)
    if experiment.framework == "torch":
        from course_lib import models_torch as models
    else:
        from course_lib import models_keras as models  # type: ignore[no-redef]
    return getattr(models, experiment.model)(**experiment.model_arguments)


def is_keras(model: Any) -> bool:
    """Whether it is a Keras model. On Keras' torch backend it is a PyTorch module as well."""
    return hasattr(model, "get_weights")


def predict(model: Any, gray: np.ndarray) -> np.ndarray:
    """RGB (N, H, W, 3) in [0, 1] that a PyTorch or Keras model predicts from gray (N, H, W)."""
    if is_keras(model):
        from course_lib.training.keras_loop import predict
    else:
        from course_lib.training.torch_loop import predict
    return np.clip(predict(model, gray), 0, 1)


def weights_by_name(model: Any) -> dict[str, Any]:
    """The weights of a PyTorch or Keras model (tensors, variables) by their published names."""
    if is_keras(model):
        return {variable.path: variable for variable in model.weights}
    return dict(model.state_dict())


def assign_weights(model: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a PyTorch or Keras model the weights in `arrays`, by name, as float32."""
    if is_keras(model):
        for name, variable in weights_by_name(model).items():
            variable.assign(arrays[name].astype(np.float32))
    else:
        import torch

        model.load_state_dict({name: torch.from_numpy(w).float() for name, w in arrays.items()})


def names(runs: Path = RUNS) -> list[str]:
    """The names of all published runs."""
    return sorted(path.parent.name for path in runs.glob("[!.]*/manifest.json"))


def load(name: str, runs: Path = RUNS) -> Run:
    """The published run called `name`.

    Raises:
        CourseError: there is none, or its manifest is damaged or that of another run.
    """
    path = runs / name / "manifest.json"
    if not path.exists():
        known = ", ".join(names(runs)) or "none yet"
        raise CourseError(f"There is no published run {name!r}; there are: {known}.")
    try:
        manifest = read_hashed_json(path)
    except OSError as error:
        raise CourseError(
            f"The manifest of the published run {name} cannot be read ({error.strerror}); "
            "change that, then run the same command again."
        ) from error
    except CourseError as error:
        raise _unusable(name, "is damaged") from error
    if manifest.get("name") != name:
        raise _unusable(name, f"is of another run, {manifest.get('name')}")
    return Run(path.parent, manifest)


def _unusable(name: str, why: str) -> CourseError:
    return CourseError(
        f"The manifest of the published run {name} {why}; "
        "restore it with: git checkout -- course_lib/assets"
    )
