"""How much a process and all its descendants use, read from /proc; nothing is known without it."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
INODE = 2048  # bytes that a file takes beside its content, at most
SCRATCH = ("tmp", "dev/shm")  # file systems in memory


def tree(pid: int) -> Iterator[int]:
    """`pid` and its descendants, those that still live."""
    yield pid
    with suppress(OSError):
        for thread in os.listdir(PROC / str(pid) / "task"):
            with suppress(OSError):
                children = (PROC / str(pid) / "task" / thread / "children").read_text().split()
                for child in children:
                    yield from tree(int(child))


def seconds(pid: int) -> float:
    """Processor seconds of the whole tree."""
    total = 0.0
    for each in tree(pid):
        with suppress(OSError, ValueError, IndexError):
            fields = (PROC / str(each) / "stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / TICKS
    return total


def memory(pid: int, suspicious: float = float("inf")) -> int:
    """Bytes of memory of the whole tree: its own pages, shared ones, and what the kernel holds.

    Pages that processes share are counted once for each, which is quick; only a sum over
    `suspicious` is taken again with care.
    """
    pids = list(tree(pid))
    kernel = _sandbox_memory(pids)
    total = kernel + sum(_kilobytes(each, "status", OWN) for each in pids) * 1024
    if total > suspicious:
        total = kernel + sum(_kilobytes(each, "smaps_rollup", SHARE) for each in pids) * 1024
        total += sum(_kilobytes(each, "status", TABLES) for each in pids) * 1024
    return total


TABLES = ("VmPTE:",)
OWN = ("RssAnon:", "RssShmem:", "VmSwap:", *TABLES)
SHARE = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")


def _kilobytes(pid: int, file: str, names: tuple[str, ...]) -> int:
    """The sum of some lines of a process's file."""
    with suppress(OSError, ValueError, IndexError):
        lines = (PROC / str(pid) / file).read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(names))
    return 0


def _sandbox_memory(pids: list[int]) -> int:
    """Bytes, at most, of sockets and files in memory, which no process is charged for."""
    for pid in reversed(pids):  # the last one is inside, the first one is bubblewrap's own
        with suppress(OSError):
            if _is_outside(pid):
                continue
            scratch = sum(_file_system(PROC / str(pid) / "root" / path) for path in SCRATCH)
            return scratch + _sockets(pid)
    return 0


def _is_outside(pid: int) -> bool:
    if os.path.samefile(PROC / str(pid) / "root", "/"):
        return True  # it is on its way in
    spaces = [PROC / str(pid) / "ns", PROC / "self" / "ns"]
    return any(len({os.readlink(ns / name) for ns in spaces}) == 1 for name in ("mnt", "net"))


def _file_system(path: Path) -> int:
    """Bytes that a file system in memory takes; its empty files take some, too."""
    with suppress(OSError):
        found = os.statvfs(path)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        return used + (found.f_files - found.f_ffree) * INODE
    return 0


def _sockets(pid: int) -> int:
    """Bytes that the sockets of a sandbox may hold."""
    fields = (PROC / str(pid) / "net" / "sockstat").read_text().split()
    used, stream = int(fields[fields.index("used") + 1]), int(fields[fields.index("inuse") + 1])
    return used * 2 * _setting("core/wmem_default") + stream * (
        _setting("ipv4/tcp_wmem") + _setting("ipv4/tcp_rmem")
    )


@cache
def _setting(name: str) -> int:
    """The last number of a setting of the network."""
    try:
        return int((PROC / "sys" / "net" / name).read_text().split()[-1])
    except (OSError, ValueError, IndexError):
        return 1 << 22


def kill(pid: int) -> None:
    """Kill the tree. In a sandbox its first process takes the rest along, whoever hides."""
    for each in reversed(list(tree(pid))):
        with suppress(OSError):
            os.kill(each, signal.SIGKILL)
