"""Write published runs: the other half of `course_lib.results.published`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from course_lib import files
from course_lib.files import CourseError
from course_lib.results import published
from course_lib.training.record import Record


def weights_as_float16(model: Any) -> dict[str, np.ndarray]:
    """The weights of a PyTorch or Keras model by name, as they are published."""
    if published.is_keras(model):
        arrays = {name: v.numpy() for name, v in published.weights_by_name(model).items()}
    else:
        arrays = {name: w.detach().cpu().numpy() for name, w in model.state_dict().items()}
    return {name: np.ascontiguousarray(w, dtype=np.float16) for name, w in arrays.items()}


def write(
    name: str,
    manifest: dict[str, Any],
    record: Record,
    truth: np.ndarray,
    per_image: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray] | None = None,
    runs: Path = published.RUNS,
) -> published.Run:
    """Publish one run as the folder `runs/name`, whole or not at all.

    Args:
        name: of the folder, "conv_latent" or "conv_latent-seed1".
        manifest: see `published.Run`; files, history and events are filled in here.
        record: of the training.
        truth: uint8 (16, 32, 32, 3), the validation images whose predictions are in the record.
        per_image: "mse", "mse_luma" and "mse_chroma" of every test image.
        weights: from `weights_as_float16`; None publishes none.
    """
    from safetensors.numpy import save

    errors = {metric: array.astype(np.float32) for metric, array in per_image.items()}
    try:
        with files.replacing_folder(runs / name) as new:
            predictions = np.stack(record.predictions)
            np.savez_compressed(new / "predictions.npz", predictions=predictions, truth=truth)
            np.savez_compressed(new / "per_image.npz", **errors)  # type: ignore[arg-type]
            if weights is not None:  # safetensors' own writing hides why it fails
                (new / "weights.safetensors").write_bytes(save(dict(weights)))
            described = {
                path.name: {"sha256": files.sha256_of_file(path), "bytes": path.stat().st_size}
                for path in sorted(new.iterdir())
            }
            history = {"history": record.history, "events": record.events}
            content = {"name": name, **manifest, **history, "files": described}
            (new / "manifest.json").write_bytes(files.hashed_json(content))
    except CourseError as error:
        raise CourseError(f"{str(error).rstrip('.')}; the training itself is kept.") from error
    return published.load(name, runs)
