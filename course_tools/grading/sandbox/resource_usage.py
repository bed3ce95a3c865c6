"""How much a process and all its descendants use, read from /proc; nothing is known without it."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


def tree(pid: int) -> Iterator[int]:
    """`pid` and its descendants, those that still live."""
    yield pid
    with suppress(OSError):
        for thread in os.listdir(PROC / str(pid) / "task"):
            with suppress(OSError):
                children = (PROC / str(pid) / "task" / thread / "children").read_text().split()
                for child in children:
                    yield from tree(int(child))


def usage(pid: int, suspicious: float = float("inf")) -> tuple[float, int]:
    """Processor seconds and bytes of memory of the whole tree.

    Pages that processes share are counted once for each, which is quick; only a sum over
    `suspicious` is taken again with care.
    """
    seconds, memory = 0.0, 0
    pids = list(tree(pid))
    for each in pids:
        with suppress(OSError, ValueError, IndexError):
            fields = (PROC / str(each) / "stat").read_text().rpartition(")")[2].split()
            seconds += sum(map(int, fields[11:15])) / TICKS
            _, resident, shared = (PROC / str(each) / "statm").read_text().split()[:3]
            memory += (int(resident) - int(shared)) * PAGE
    if memory > suspicious:
        memory = sum(map(_proportional, pids))
    return seconds, memory


def _proportional(pid: int) -> int:
    """Bytes of a process, shared pages divided by those who share them."""
    with suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def kill(pid: int) -> None:
    """Kill the tree. In a sandbox its first process takes the rest along, whoever hides."""
    for each in reversed(list(tree(pid))):
        with suppress(OSError):
            os.kill(each, signal.SIGKILL)
