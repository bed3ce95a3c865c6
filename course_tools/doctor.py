"""`course doctor`: is this machine ready? One sentence per finding."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course_lib import files
from course_lib.files import CourseError
from course_tools.lessons import lesson_source
from course_tools.lessons.lesson_source import ROOT

MIN_MEMORY_GB = 4
MIN_DISK_GB = 2
MIN_OPEN_FILES = 256  # macOS' own; JupyterLab with two lessons has about 150
RESTORE = "restore it with: git checkout --"

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
    checks: dict[str, Callable[[], Finding]] = {
        "Python": lambda: python_version(sys.version_info[:2]),
        "the packages": lambda: packages(
            locked_versions(root / "requirements.lock"), installed_versions()
        ),
        "the memory": memory,
        "the disk": lambda: disk(root),
        "the open files": open_files,
        "the folders": lambda: folders(root),
        "the lessons": lambda: lessons(root),
        "the sample": sample,
        "the gray-level table": gray_level_table,
        "the published runs": published_runs,
        "the cache": data_cache,
        "the kernel": kernel,
        "the frameworks": frameworks,
    }
    if lesson_source.INSTALLED.is_dir():
        del checks["the packages"]  # pip has chosen them; there is no lock
    for name, check in checks.items():
        yield _found(name, check)


def _found(name: str, check: Callable[[], Finding]) -> Finding:
    """What a check finds; an error that it did not expect is a finding as well."""
    try:
        return check()
    except CourseError as error:
        return Finding(False, str(error))
    except OSError as error:
        return Finding(False, files.sentence(error))
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return Finding(
            False, f"{name} could not be examined ({why}); run `make environment`, or report this."
        )


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


def open_files() -> Finding:
    """Enough files may be open at once for JupyterLab and its kernels."""
    try:
        import resource
    except ImportError:
        return Finding(True, "This system does not limit open files.")
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY or limit >= MIN_OPEN_FILES:
        return Finding(True, "Enough files may be open at once.")
    return Finding(False, f"Only {limit} files may be open at once; run first: ulimit -n 1024")


def folders(root: Path) -> Finding:
    """Everything can be written that lessons, `course lab` and `course train` write."""
    from jupyter_core.paths import jupyter_runtime_dir

    from course_tools.experiments.train import Settings

    written = [root / "work", root / "build", Settings().work, Settings().runs]
    for folder in (*written, Path(tempfile.gettempdir()), Path(jupyter_runtime_dir())):
        problem = _problem_of_writing(folder)
        if problem:
            return Finding(False, problem)
    return Finding(True, "The folders of the course, of Jupyter and for temporary files are ready.")


def _problem_of_writing(folder: Path) -> str | None:
    """Why nothing can be written to a folder, which need not be there yet; None if it can."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(1 << 16))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return f"{folder} cannot be written to ({files.reason(error)}); {files.advice(error)}."
    return None


def lessons(root: Path) -> Finding:
    """The text of every lesson is there and can be read."""
    found = lesson_source.all_lessons(root)
    names = {lesson.name for lesson in found}
    missing = sorted({path.stem for path in root.glob("notebooks/[0-9]*.ipynb")} - names)
    if missing or not found:
        what = f"The text of {missing[0]}" if missing else "The text of every lesson"
        return Finding(False, f"{what} is missing; {RESTORE} notebooks")
    for lesson in found:
        lesson_source.read(lesson)
    return Finding(True, f"All {len(found)} lessons are there.")


def sample() -> Finding:
    """The bundled sample is what it should be."""
    from course_lib import data

    num_images = len(data.load_cifar10("sample").x_train)
    return Finding(True, f"The bundled sample is whole ({num_images:,} training images).")


def gray_level_table() -> Finding:
    """The bundled table is the one that the note beside it describes."""
    import numpy as np

    from course_lib import baselines

    path = baselines.GRAY_LEVEL_TABLE
    baselines.gray_level_table(np.zeros((1, 1, 1), np.float32))
    try:
        expected = json.loads(path.with_suffix(".json").read_text())["sha256_table"]
    except (OSError, ValueError, LookupError, TypeError):
        expected = None
    if files.sha256_of_file(path) != expected:
        return Finding(
            False, f"The bundled gray-level table is damaged; {RESTORE} course_lib/assets"
        )
    return Finding(True, "The bundled gray-level table is whole.")


def published_runs() -> Finding:
    """Every run that lessons read is there, weights and all, with the hashes of its manifest."""
    from course_lib.results import published
    from course_tools.experiments import training_queue

    names = [planned.run for planned in training_queue.planned_runs()]
    for name in names:
        try:
            published.load(name).verify()
        except Exception as error:  # whatever a damaged manifest leads to
            why = str(error) if isinstance(error, CourseError) else "its manifest is damaged."
            return Finding(
                False,
                f"The published run {name} cannot be used, {RESTORE} course_lib/assets ({why})",
            )
    return Finding(True, f"All {len(names)} published runs are whole.")


def data_cache() -> Finding:
    """Which CIFAR-10 the course would use, and whether it could be fetched. Nothing is fetched."""
    from course_lib import data
    from course_tools.dataset import sources

    folder = data.cached_in()
    try:
        cifar = data.read_cache(folder)
    except data.DamagedCache as error:
        return Finding(False, f"{error} Run `course data`, which sets it aside and fetches all.")
    if cifar:
        return Finding(True, f"CIFAR-10 is in {cifar.source} ({folder}).")
    problem = _problem_of_writing(folder)
    if problem:
        return Finding(False, f"{problem} COURSE_CACHE can name another folder.")
    free = shutil.disk_usage(folder.parent).free
    if free < sources.ARRAYS_BYTES:
        return Finding(
            False,
            f"CIFAR-10 takes {sources.ARRAYS_BYTES / 1e6:.0f} MB and {folder.parent} has "
            f"{free / 1e6:.0f} MB free; free some space or set COURSE_CACHE to another folder.",
        )
    return Finding(
        True,
        "CIFAR-10 is not in the cache: the bundled sample is used; `course data` fetches all.",
    )


def kernel() -> Finding:
    """The kernel `python3`, in which every JupyterLab opens lessons, is of this environment."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    name = str(lesson_source.KERNEL["name"])
    remedy = "open lessons with `course lab`, which starts this environment's own"
    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except (NoSuchKernel, OSError, ValueError, TypeError) as error:
        return Finding(False, f"Jupyter's kernel {name} cannot be read ({error}); {remedy}.")
    program = spec.argv[0] if spec.argv else "nothing"
    if re.fullmatch(r"python(3(\.\d+)?)?", program):  # Jupyter takes the one that it runs in
        program = sys.executable
    if Path(program).parent == Path(sys.executable).parent and Path(program).exists():
        return Finding(True, "Jupyter starts lessons in this environment.")
    return Finding(
        False,
        f"Jupyter's kernel {name} in {spec.resource_dir} starts {program}, which is not this "
        f"environment's Python; {remedy}, or remove that folder from JUPYTER_PATH.",
    )


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
