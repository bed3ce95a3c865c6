"""The temporary folder of this process; those of processes that were killed are removed."""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

PREFIX = "grading-"
LOCK = "lock"  # held while the folder's process lives
_making = threading.Lock()
_made: dict[int, Path] = {}  # by process: a forked one makes its own


def folder() -> Path:
    """This process's folder. It is there until the process ends."""
    with _making:
        if os.getpid() not in _made:
            remove_abandoned()
            _made[os.getpid()] = _new()
        return _made[os.getpid()]


def _new() -> Path:
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    lock = os.open(unlocked / LOCK, os.O_CREAT | os.O_RDWR)  # closed, and so free, at the end
    fcntl.flock(lock, fcntl.LOCK_EX)
    made = unlocked.with_name(unlocked.name.removeprefix("new-"))
    unlocked.rename(made)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def remove_abandoned() -> None:
    """Remove folders of this user whose processes no longer live."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.geteuid():
                continue
            lock = os.open(path / LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
