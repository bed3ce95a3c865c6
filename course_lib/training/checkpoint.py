"""What a training resumes from: one file format for both frameworks.

A run that is being made keeps two files in its folder: `last.checkpoint`, to resume from, and
`best.checkpoint`, the weights of the epoch with the lowest validation loss.

A file is the SHA-256 of all that follows, 32 bytes, and then an .npz archive: arrays by name, and
one JSON text with the rest. It holds no code, and none is run when it is read.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from course_lib.files import CourseError, write_bytes
from course_lib.training.record import Record

Arrays = dict[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
NUM_HASH_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training after an epoch.

    Attributes:
        record: all that happened so far.
        weights: of the model, by name.
        optimizer_kind: its class, and what it is over, in a few words.
        optimizer: its arrays, by name. The best checkpoint has none.
        settings: plain values of the optimizer that are in no array, its learning rate for one.
        path: the file it was read from.
    """

    record: Record
    weights: Arrays
    optimizer_kind: str
    optimizer: Arrays = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def check_weights(self, shapes: Shapes) -> None:
        """Raise CourseError unless the weights have these names and shapes."""
        kept = {name: array.shape for name, array in self.weights.items()}
        for name in [*shapes, *kept]:
            if kept.get(name) != shapes.get(name):
                raise self._of_another(
                    f"model: its weight {name} has shape {kept.get(name, 'none')}, "
                    f"yours {shapes.get(name, 'none')}"
                )

    def check_optimizer(self, kind: str) -> None:
        """Raise CourseError unless the optimizer is of this kind."""
        if self.optimizer_kind != kind:
            raise self._of_another(f"optimizer: {self.optimizer_kind}, yours is {kind}")

    def _of_another(self, what: str) -> CourseError:
        return CourseError(
            f"The checkpoint {self.path} is of another {what}; "
            "train in another folder, or move this one away to train from the start."
        )


def save(folder: str | Path, checkpoint: Checkpoint) -> None:
    """Write the last checkpoint and, if its epoch is the best so far, the best; each whole or not.

    Raises:
        CourseError: a file cannot be written; a setting is no plain value.
    """
    if checkpoint.record.last_is_best:
        best = Checkpoint(checkpoint.record, checkpoint.weights, checkpoint.optimizer_kind)
        _write(_path(folder, "best"), best)
    _write(_path(folder, "last"), checkpoint)


def resume(folder: str | Path | None) -> Checkpoint | None:
    """The last checkpoint in `folder`; None if there is none. Raises as `read` does."""
    if folder is None or not _path(folder, "last").exists():
        return None
    return read(folder, "last")


def read(folder: str | Path, which: str) -> Checkpoint:
    """The "last" or the "best" checkpoint in `folder`.

    Raises:
        CourseError: it is missing, damaged, or cannot be read.
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
    expected, payload = content[:NUM_HASH_BYTES], content[NUM_HASH_BYTES:]
    if hashlib.sha256(payload).digest() != expected:
        raise _unusable(path, "damaged")
    try:
        return _unpack(payload, path)
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:  # it is whole
        raise _unusable(path, "of another version of the course") from error


def _path(folder: str | Path, which: str) -> Path:
    return Path(folder) / f"{which}.checkpoint"


def _unusable(path: Path, why: str) -> CourseError:
    return CourseError(
        f"The checkpoint {path} is {why}, so training cannot resume from its folder: "
        "move it away to train from the start."
    )


def _write(path: Path, checkpoint: Checkpoint) -> None:
    payload = _pack(checkpoint)
    write_bytes(path, hashlib.sha256(payload).digest() + payload)


def _pack(checkpoint: Checkpoint) -> bytes:
    plain = {
        "record": checkpoint.record.to_json(),
        "optimizer_kind": checkpoint.optimizer_kind,
        "settings": checkpoint.settings,
    }
    arrays = {
        "plain": np.array(json.dumps(plain, default=_plain_number)),
        "predictions": np.stack(checkpoint.record.predictions),
        **{f"weights/{name}": array for name, array in checkpoint.weights.items()},
        **{f"optimizer/{name}": array for name, array in checkpoint.optimizer.items()},
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _unpack(payload: bytes, path: Path) -> Checkpoint:
    with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
        arrays = dict(archive)
    plain = json.loads(str(arrays["plain"]))
    record = Record(**plain["record"], predictions=list(arrays["predictions"]))
    return Checkpoint(
        record=record,
        weights=_part(arrays, "weights/"),
        optimizer_kind=plain["optimizer_kind"],
        optimizer=_part(arrays, "optimizer/"),
        settings=plain["settings"],
        path=path,
    )


def _part(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with `prefix`, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _plain_number(value: Any) -> Any:
    """A number of NumPy or of a framework as Python's, for JSON."""
    try:
        return value.item()
    except (AttributeError, ValueError, RuntimeError) as error:
        raise CourseError(
            f"A checkpoint cannot hold {value!r}; let the schedule and the optimizer keep "
            "numbers and text alone."
        ) from error
