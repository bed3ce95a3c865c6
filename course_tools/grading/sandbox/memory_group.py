"""A control group of the system: one limit for all memory of a process and all that it starts.

It holds whatever kind of memory that is: private, shared, of files in memory, of sockets and of the
kernel. There is one where groups can be made: as root, or where a part of the tree of groups
belongs to the user (systemd does that).
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

PREFIX = "grading-"
CLOSE_SECONDS = 2
_numbers = count()
_cleaning = threading.Lock()


@dataclass(frozen=True)
class Version:
    """The names of a version's files.

    Attributes:
        limit: takes the bytes; without it there is no such group.
        others: further files -> what is written into each, where it is there.
        events: counts in a line "oom_kill N" the processes that died of the limit.
    """

    limit: str
    others: dict[str, str]
    events: str


V1 = Version(
    "memory.limit_in_bytes", {"memory.memsw.limit_in_bytes": "{limit}"}, "memory.oom_control"
)
V2 = Version("memory.max", {"memory.swap.max": "0", "memory.oom.group": "1"}, "memory.events")


class MemoryGroup:
    """A group that is there until it is closed."""

    def __init__(self, folder: Path, version: Version) -> None:
        self.folder = folder
        self._version = version

    @property
    def entrance(self) -> Path:
        """The file into which a process writes its number to join."""
        return self.folder / "cgroup.procs"

    def was_exceeded(self) -> bool:
        """Whether the limit has cost a process its life."""
        with suppress(OSError):
            for line in (self.folder / self._version.events).read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1]) > 0
        return False

    def close(self) -> None:
        """Kill what is still in it, and remove it; what cannot be removed yet, a later run does."""
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")
        deadline = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.folder.rmdir()
            if not self.folder.exists():
                return
            time.sleep(0.02)


def make(limit: int) -> MemoryGroup | None:
    """A new group with a limit in bytes; None where there can be none."""
    for parent, version in _parents():
        _remove_abandoned(parent)
        folder = parent / f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if _set_limit(folder, version, limit):
            return MemoryGroup(folder, version)
        with suppress(OSError):
            folder.rmdir()
    return None


def _set_limit(folder: Path, version: Version, limit: int) -> bool:
    file = folder / version.limit
    try:
        if not file.exists() or not os.access(folder / "cgroup.procs", os.W_OK):
            return False
        file.write_text(str(limit))
    except OSError:
        return False
    for name, text in version.others.items():
        with suppress(OSError):
            if (folder / name).exists():
                (folder / name).write_text(text.format(limit=limit))
    return True


def _parents() -> Iterator[tuple[Path, Version]]:
    """Where a group may be made: inside our own, or beside it where ours may have none inside."""
    with suppress(OSError):
        for folder, root, version in _mounted():
            yield folder, version
            if version is V2 and folder != root:
                yield folder.parent, version


def _mounted() -> Iterator[tuple[Path, Path, Version]]:
    """Our own group's folder and the root of its tree, for each tree that could limit memory."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    ours = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    memory = next((path for names, path in ours.items() if "memory" in names.split(",")), None)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ")[:3]
        if kind == "cgroup" and "memory" in options.split(","):
            version, own = V1, memory
        elif kind == "cgroup2":
            version, own = V2, ours.get("")
        else:
            continue
        inside, root = before.split(" ")[3:5]
        relative = os.path.relpath(own or "/", inside)
        if own is not None and not relative.startswith(".."):
            yield Path(root) / relative, Path(root), version


@cache
def _remove_abandoned(parent: Path) -> None:
    """Remove what processes have left that no longer live; done once by each process."""
    with _cleaning, suppress(OSError):
        for folder in parent.glob(f"{PREFIX}*"):
            pid = folder.name.removeprefix(PREFIX).split("-")[0]
            if not Path("/proc", pid).exists():
                with suppress(OSError):
                    folder.rmdir()
