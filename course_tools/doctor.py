"""`course doctor`: is this machine ready? One sentence per finding."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course_tools.lessons.lesson_source import ROOT

MIN_MEMORY_GB = 4
MIN_DISK_GB = 2

# Run in a separate process: a crash is then a finding and does not end the doctor.
PROBE = """
import json
import course_lib, tensorflow, torch
weight = torch.nn.Parameter(torch.zeros(1))
torch.optim.Adam([weight])
gpu = torch.cuda.is_available()
print(json.dumps(torch.cuda.get_device_name(0) if gpu else None))
"""


@dataclass(frozen=True)
class Finding:
    """One sentence, and whether it is good news."""

    ok: bool
    sentence: str


def examine(root: Path = ROOT) -> Iterator[Finding]:
    """Every finding, the quick ones first."""
    checks: tuple[Callable[[], Finding], ...] = (
        lambda: python_version(sys.version_info[:2]),
        lambda: packages(locked_versions(root / "requirements.lock"), installed_versions()),
        memory,
        lambda: disk(root),
        data_cache,
        frameworks,
    )
    for check in checks:
        yield check()


def report(findings: Iterable[Finding]) -> str:
    """What a bug report needs to say of this machine, in Markdown; no path of the user's in it."""
    from course_tools.experiments import machine

    versions = ", ".join(f"{name} {version}" for name, version in machine.versions().items())
    lines = [
        f"- gray-to-color {metadata.version('gray-to-color')}, commit {machine.commit()}",
        f"- {platform.system()} {platform.release()} ({platform.machine()}), {machine.processor()}",
        f"- {versions}",
        *(f"- {'ok' if one.ok else '**fix**'}: {one.sentence}" for one in findings),
    ]
    return "\n".join(lines).replace(str(Path.home()), "~")


def python_version(version: tuple[int, int]) -> Finding:
    """Python is a version that the course supports."""
    name = ".".join(map(str, version))
    if (3, 11) <= version < (3, 13):
        return Finding(True, f"Python {name} ({platform.machine()}, {os.cpu_count()} cores).")
    return Finding(False, f"Python is {name}; the course needs 3.11 or 3.12, so install one.")


def locked_versions(lock: Path) -> dict[str, str]:
    """Name and version of every package that the lock asks for on this machine."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    text = lock.read_text() if lock.exists() else ""
    pinned = re.findall(r"^([A-Za-z0-9][^\s\\]*==[^\s\\]+(?: *;[^\\\n]*)?)", text, re.MULTILINE)
    requirements = [Requirement(line) for line in pinned]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in requirements
        if one.marker is None or one.marker.evaluate()
    }


def installed_versions() -> dict[str, str]:
    """Name and version of every package this Python finds."""
    from packaging.utils import canonicalize_name

    return {canonicalize_name(d.metadata["Name"]): d.version for d in metadata.distributions()}


def packages(locked: dict[str, str], installed: dict[str, str]) -> Finding:
    """Installed versions are the locked ones."""
    if not locked:
        return Finding(False, "requirements.lock is missing or empty: get it back from git.")
    differing = [
        f"{name} is {installed.get(name, 'missing')} and not {version}"
        for name, version in sorted(locked.items())
        if installed.get(name) != version
    ]
    if not differing:
        return Finding(True, f"All {len(locked)} packages are those of the lock.")
    more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
    return Finding(
        False,
        f"Packages differ from the lock ({'; '.join(differing[:3])}{more}): run `make environment` "
        "for the tested versions.",
    )


def memory() -> Finding:
    """Enough memory is free for a lesson."""
    import psutil

    found = psutil.virtual_memory()
    free, total = found.available / 1e9, found.total / 1e9
    if free >= MIN_MEMORY_GB:
        return Finding(True, f"{free:.0f} of {total:.0f} GB of memory are free.")
    return Finding(
        False, f"Only {free:.1f} of {total:.0f} GB of memory are free; close other programs."
    )


def disk(folder: Path) -> Finding:
    """Enough disk is free for data and results."""
    free = shutil.disk_usage(folder).free / 1e9
    if free >= MIN_DISK_GB:
        return Finding(True, f"{free:.0f} GB of disk are free.")
    return Finding(False, f"Only {free:.1f} GB of disk are free; make room for data and results.")


def data_cache() -> Finding:
    """Which CIFAR-10 the course would use. Nothing is downloaded."""
    from course_lib import files

    try:
        folder = files.cache_folder() / "cifar10"
        origin = json.loads((folder / "source.json").read_text())["source"]
    except files.CourseError as error:
        return Finding(False, str(error))
    except (OSError, ValueError, LookupError):
        return Finding(
            True,
            "CIFAR-10 is not in the cache: the bundled sample is used; `course data` fetches all.",
        )
    return Finding(True, f"CIFAR-10 is in the cache ({folder}), filled from {origin}.")


def frameworks(probe: str = PROBE) -> Finding:
    """TensorFlow and PyTorch live in one process; whether PyTorch sees a GPU."""
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"the process ended with {ended.returncode}"
        return Finding(False, f"TensorFlow and PyTorch do not work together here: {reason}.")
    gpu = json.loads(ended.stdout.splitlines()[-1])
    sees = f"PyTorch sees {gpu}" if gpu else "there is no GPU, and the quick profile needs none"
    return Finding(True, f"TensorFlow and PyTorch work in one process; {sees}.")
