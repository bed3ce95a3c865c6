"""Files that are whole or absent, and errors that say what to do."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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

    named = os.environ.get("COURSE_CACHE")
    folder = expanded(named) if named else Path(pooch.os_cache("gray-to-color"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(
            f"The cache folder {folder} cannot be created ({error.strerror}); "
            "set COURSE_CACHE to a folder you can write to."
        ) from error
    return folder


def expanded(path: str) -> Path:
    """The path that a user has named, with `~` replaced. CourseError: there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise CourseError(
            f"The home folder in {path} is not known here; write the whole path instead."
        ) from error


FREE_SPACE = "free some space or choose another folder"
CHOOSE_ANOTHER = "change its permissions or choose another folder"
MOVE_ASIDE = "move aside what is there or choose another name"
FEWER_FILES = "close other programs or allow more open files (`ulimit -n 1024`)"
ADVICE = {
    None: FREE_SPACE,  # NumPy's own OSError, of a file that could not be written to its end
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EFBIG: FREE_SPACE,
    errno.EACCES: CHOOSE_ANOTHER,
    errno.EPERM: CHOOSE_ANOTHER,
    errno.EROFS: "choose a folder that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: MOVE_ASIDE,
    errno.ENOTDIR: MOVE_ASIDE,
    errno.EEXIST: MOVE_ASIDE,
    errno.EMFILE: FEWER_FILES,
    errno.ENFILE: FEWER_FILES,
    errno.ENOMEM: "close other programs",
    errno.EIO: "check the disk or choose another folder",
}


def advice(error: OSError) -> str:
    """What helps against an error of the system, as an imperative without a full stop."""
    return ADVICE.get(error.errno, "look whether the file and its folder are there")


def reason(error: OSError) -> str:
    """Why the system refused, in a few words."""
    return error.strerror or f"is the disk full? {error}"


def sentence(error: OSError) -> str:
    """An error of the system in one sentence: which file, why, and what to do."""
    about = f"{error.filename}: " if error.filename else ""
    why = error.strerror or str(error)
    return f"{about}{why}; {advice(error)}, then run the same command again."


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success sync it and rename it over `path`.

    If the block raises, or the process dies, `path` is what it was before.

    Raises:
        CourseError: the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
    except OSError as error:
        raise cannot_be("written", path, error) from error
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_be("written", path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def cannot_be(done: str, path: Path, error: OSError) -> CourseError:
    """The sentence for a file that could not be "written" or "moved aside"; nothing is lost."""
    return CourseError(
        f"{path} could not be {done} ({reason(error)}); nothing was lost: "
        f"{advice(error)}, then run the same command again."
    )


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all. NaN is refused."""
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_array(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes in C order, in hexadecimal. Shape and type do not matter."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
