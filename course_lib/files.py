"""Files that are whole or absent, and errors that say what to do."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np


class CourseError(ValueError):
    """A problem that the reader can fix. The message is one sentence that says what to do.

    The command line prints the sentence alone; so does Jupyter, by `_render_traceback_`.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"CourseError: {self}"]


def cache_folder() -> Path:
    """The folder for downloaded data, created if absent: $COURSE_CACHE, else the user's cache."""
    import pooch

    folder = Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("gray-to-color"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(
            f"The cache folder {folder} cannot be created ({error.strerror}); "
            "set COURSE_CACHE to a folder you can write to."
        ) from error
    return folder


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it over `path`.

    If the block raises, or the process dies, `path` is what it was before.

    Raises:
        CourseError: the disk is full or the folder cannot be written to.
    """
    path = Path(path)

    def make() -> str:
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}~", suffix=path.suffix
        )
        os.close(descriptor)
        return name

    with _temporary(path, make) as temporary:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o644)
        os.replace(temporary, path)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; on success sync its files and put it in place.

    If the block raises, `path` is what it was before. If the process dies while the two folders
    change places, the next call puts the old one back before it begins.

    Raises:
        CourseError: the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    old = path.with_name(f".{path.name}~old")

    def make() -> str:
        if old.exists() and not path.exists():
            os.rename(old, path)
        return tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem}~", suffix=path.suffix)

    with _temporary(path, make) as temporary:
        yield temporary
        for file in temporary.iterdir():
            _sync(file)
            file.chmod(0o644)
        temporary.chmod(0o755)
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            os.rename(path, old)
        try:
            os.rename(temporary, path)
        except OSError:
            if old.exists():
                os.rename(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _temporary(path: Path, make: Callable[[], str]) -> Iterator[Path]:
    """Yield what `make` creates beside `path`, and delete it afterwards if it is still there.

    It is locked as long as this process lives. What is not locked was left by one that was killed,
    and is deleted.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _delete_leftovers(path)
        temporary, lock = _made_and_locked(make)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield temporary
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        _delete(temporary)
        os.close(lock)


def _made_and_locked(make: Callable[[], str]) -> tuple[Path, int]:
    """What `make` creates, and the descriptor that holds its lock."""
    while True:
        made = Path(make())
        with suppress(FileNotFoundError):  # another process took it for a leftover: once more
            lock = os.open(made, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            if made.exists():
                return made, lock
            os.close(lock)


def _delete_leftovers(path: Path) -> None:
    """Delete the temporary files beside `path` of processes that were killed."""
    name = re.compile(re.escape(f".{path.stem}~") + "[a-z0-9_]{8}" + re.escape(path.suffix))
    for found in [entry.path for entry in os.scandir(path.parent) if name.fullmatch(entry.name)]:
        with suppress(OSError):  # its process lives, or has just ended
            lock = os.open(found, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _delete(Path(found))
            finally:
                os.close(lock)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _cannot_write(path: Path, error: OSError) -> CourseError:
    reason = error.strerror or f"is the disk full? {error}"  # NumPy's own OSError has no strerror
    return CourseError(
        f"{path} could not be written ({reason}); nothing was lost: "
        "free some space or choose another folder, then run the same command again."
    )


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all. NaN is refused."""
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())


def write_hashed_json(path: str | os.PathLike[str], value: Mapping[str, Any]) -> None:
    """Write `hashed_json` to `path`, whole or not at all."""
    write_bytes(path, hashed_json(value))


def hashed_json(value: Mapping[str, Any]) -> bytes:
    """A file with `value` as JSON, and first in it, under "sha256", the file's own hash.

    It is the SHA-256 of the file with an empty text in place of the hash. NaN is refused.
    """
    text = json.dumps({"sha256": "", **value}, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text.replace('""', f'"{digest}"', 1).encode()


def read_hashed_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `hashed_json` was given, from a file, without the hash.

    Raises:
        OSError: the file cannot be read.
        CourseError: the file is damaged.
    """
    content = Path(path).read_bytes()
    found = re.match(rb'\{\n "sha256": "([0-9a-f]{64})"', content)
    whole = found and hashlib.sha256(content.replace(found[1], b"", 1)).hexdigest().encode()
    if not found or whole != found[1]:
        raise CourseError(f"{path} is damaged; restore it from a copy, or delete it.")
    value: dict[str, Any] = json.loads(content)
    del value["sha256"]
    return value


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_array(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes in C order, in hexadecimal. Shape and type do not matter."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
