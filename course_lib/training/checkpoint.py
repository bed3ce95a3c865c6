"""What a training resumes from: one file format for both frameworks.

A run that is being made keeps two files in its folder: `last.checkpoint`, to resume from, and
`best.checkpoint`, the weights of the epoch with the lowest validation loss. Both hold the settings
of the run, so that it is not resumed with others.

A file is the SHA-256 of all that follows, 32 bytes, and then an .npz archive: arrays by name, and
one JSON text with the rest. It holds no code, and none is run when it is read.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from course_lib.files import CourseError, sha256_of_array, write_bytes
from course_lib.training.record import Options, Record

Arrays = dict[str, np.ndarray]
NUM_HASH_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after an epoch.

    Attributes:
        record: all that happened so far.
        weights: of the model, by name.
        optimizer: its arrays, by name. The best checkpoint has none.
        settings: plain values of the optimizer that are in no array; "kind" says which one it is.
        specification: what the run began with, see `specify`.
        current: those of its settings that training may change, as they are now.
        path: the file it was read from.
    """

    record: Record
    weights: Arrays
    optimizer: Arrays
    settings: dict[str, Any] = field(default_factory=dict)
    specification: dict[str, Any] = field(default_factory=dict)
    current: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def check_fits(self, weights: Arrays, optimizer: str | None = None) -> None:
        """Raise CourseError if it is of another model or optimizer.

        Args:
            weights: those the model has; their names and shapes count.
            optimizer: the kind it is of; None if only the weights are used.
        """
        kept, yours = _shapes(self.weights), _shapes(weights)
        kind = self.settings["kind"]
        differing = [name for name in [*yours, *kept] if kept.get(name) != yours.get(name)]
        if differing:
            shape, other = (shapes.get(differing[0], "none") for shapes in (kept, yours))
            what = f"model: its weight {differing[0]} has shape {shape}, yours {other}"
        elif optimizer not in (None, kind):
            what = f"optimizer: {kind}, yours is {optimizer}"
        else:
            return
        raise self._refused(f"is of another {what}")

    def check_resumes(self, specification: Mapping[str, Any], num_epochs: int) -> None:
        """Raise CourseError if the run would resume with other settings, or has more epochs.

        Settings that training changes, such as a rate, may be those of the beginning or, in an
        optimizer or a schedule that is used again, those of this checkpoint.
        """
        for name in {**self.specification, **specification}:
            began, now = self.specification.get(name), specification.get(name)
            known = (began, self.current.get(name, began))
            if _text(now, sort=True) not in [_text(value, sort=True) for value in known]:
                raise self._refused(f"was made with another {name}: {began}, and now it is {now}")
        if self.record.num_epochs > num_epochs:
            raise self._refused(f"has {self.record.num_epochs} epochs, more than {num_epochs}")

    def _refused(self, why: str) -> CourseError:
        return CourseError(
            f"The checkpoint {self.path} {why}; change that back, "
            "train in another folder, or move this one away to train from the start."
        )


def specify(
    train: np.ndarray,
    validation: np.ndarray,
    batch_size: int,
    seed: int,
    options: Options,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """All settings that decide on a run, apart from its weights and its length, as plain values.

    Args:
        train, validation: the images.
        more: the settings of one framework, by names that a reader understands.

    Raises:
        CourseError: a setting is not a plain value.
    """
    settings = {
        "training images": _described(train),
        "validation images": _described(validation),
        "batch size": batch_size,
        "seed": seed,
        "gray weights": options.gray_weights,
        **more,
        **{f"{name} in the recipe": value for name, value in options.recipe.items()},
    }
    return json.loads(_text(settings))


def save(folder: str | Path, checkpoint: Checkpoint) -> None:
    """Write the last checkpoint and, if its epoch is the best so far, the best; each whole or not.

    Raises:
        CourseError: a file cannot be written; a setting is not a plain value.
    """
    _write(_path(folder, "last"), checkpoint)
    if checkpoint.record.last_is_best:
        _write(_path(folder, "best"), replace(checkpoint, optimizer={}))


def _write(path: Path, checkpoint: Checkpoint) -> None:
    plain = {
        "record": checkpoint.record.to_json(),
        "settings": checkpoint.settings,
        "specification": checkpoint.specification,
        "current": checkpoint.current,
    }
    arrays = {
        "plain": np.array(_text(plain)),
        "predictions": np.stack(checkpoint.record.predictions),
        **{f"weights/{name}": array for name, array in checkpoint.weights.items()},
        **{f"optimizer/{name}": array for name, array in checkpoint.optimizer.items()},
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    payload = buffer.getvalue()
    write_bytes(path, hashlib.sha256(payload).digest() + payload)


def last(folder: str | Path | None) -> Checkpoint | None:
    """The last checkpoint in `folder`; None if there is none. Raises as `read` does."""
    if folder is None or not _path(folder, "last").exists():
        return None
    return read(folder, "last")


def resume(folder: str | Path | None) -> Checkpoint | None:
    """The last checkpoint in `folder`, if the best one is usable too; the run ends with that.

    A process that is killed between the two files has not yet written the best; then this does.

    Raises:
        CourseError: as `read` does; the best checkpoint is of another run.
    """
    kept = last(folder)
    if folder is None or kept is None:
        return None
    if kept.record.last_is_best:
        _write(_path(folder, "best"), replace(kept, optimizer={}))
    losses = kept.record.losses()
    best = read(folder, "best")
    if best.record.history != kept.record.history[: 1 + losses.index(min(losses))]:
        raise _unusable(_path(folder, "best"), "of another run")
    return kept


def read(folder: str | Path, which: str) -> Checkpoint:
    """The "last" or the "best" checkpoint in `folder`.

    Raises:
        CourseError: it is missing or damaged, or cannot be read.
    """
    path = _path(folder, which)
    if not path.is_file():
        raise _unusable(path, "missing")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"The checkpoint {path} cannot be read ({error.strerror}); "
            "change that, then run the same command again."
        ) from error
    payload = content[NUM_HASH_BYTES:]
    if hashlib.sha256(payload).digest() != content[:NUM_HASH_BYTES]:
        raise _unusable(path, "damaged")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            arrays = dict(archive)
        plain = json.loads(str(arrays["plain"]))
        record = Record(**plain["record"], predictions=list(arrays["predictions"]))
        weights, optimizer = _part(arrays, "weights/"), _part(arrays, "optimizer/")
        more = {name: plain[name] for name in ("settings", "specification", "current")}
        return Checkpoint(record, weights, optimizer, **more, path=path)
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:  # it is whole
        raise _unusable(path, "of another version of the course") from error


def _described(images: np.ndarray) -> str:
    return f"{len(images)} with SHA-256 {sha256_of_array(images)[:16]}"


def _text(value: Any, sort: bool = False) -> str:
    return json.dumps(value, default=_plain_number, sort_keys=sort)


def _shapes(arrays: Arrays) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


def _part(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names start with `prefix`, without it."""
    return {k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)}


def _path(folder: str | Path, which: str) -> Path:
    return Path(folder) / f"{which}.checkpoint"


def _unusable(path: Path, why: str) -> CourseError:
    return CourseError(
        f"The checkpoint {path} is {why}, so training cannot resume from its folder, "
        f"{path.parent}: move it away to train from the start."
    )


def _plain_number(value: Any) -> Any:
    """A number of NumPy or of a framework as Python's, for JSON."""
    try:
        return value.item()
    except (AttributeError, ValueError, RuntimeError) as error:
        raise CourseError(
            f"A checkpoint cannot hold {value!r}; let the schedule and the optimizer keep "
            "numbers and text only."
        ) from error
