"""The command line of bubblewrap: what is inside the sandbox, and what is not.

Inside there is the system, the environment and a copy of `course_lib` without its checks, all
read-only, and scratch in memory. Nothing else of this machine is there, and nothing of the class
folder. Nothing is hidden by something mounted over it.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from course_lib.files import CourseError
from course_tools.grading.sandbox import library

INSTALL = (
    "Submissions are graded in a sandbox, and bubblewrap is {state}; install it (Debian and "
    "Ubuntu: sudo apt install bubblewrap), then run the same command again."
)
FORBIDDEN = (
    "bubblewrap is there but cannot make the sandbox ({reason}); it has to be 0.8 or later, "
    "and be run as root or where user namespaces are allowed (Ubuntu: sudo sysctl -w "
    "kernel.apparmor_restrict_unprivileged_userns=0)."
)
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "USER": "student",
    "LANG": "C.UTF-8",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "IPYTHONDIR": "/tmp/ipython",
    "COURSE_CACHE": "/tmp/course",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
NOBODY, NUM_NOBODIES = 61184, 4336  # user ids that systemd, too, lends to passing processes


class SandboxError(CourseError):
    """The sandbox itself is not available: the student is not to blame."""


def command(scratch: int, inherited: list[int]) -> list[str]:
    """The command that runs what follows it inside the sandbox.

    Args:
        scratch: bytes that each of the scratch folders holds.
        inherited: open files with filters of system calls.
    """
    root = os.geteuid() == 0
    namespaces = ["ipc", "pid", "net", "uts", "cgroup-try"]
    arguments = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--new-session"]
    arguments += ["--clearenv"]
    arguments += [f"--unshare-{name}" for name in namespaces]
    if root:  # started as root, run as a user that nobody else is
        arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--unshare-user", "--disable-userns"]
    arguments += [word for fd in inherited for word in ("--seccomp", str(fd))]
    arguments += [word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)]
    arguments += _system()
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for path in ("/tmp", "/dev/shm"):
        arguments += ["--perms", "1777", "--size", str(scratch), "--tmpfs", path]
    arguments += _environment()
    arguments += _course()
    arguments += _font_lists()
    for path in ("/proc", "/dev", "/"):  # /proc/self/oom_score_adj, too, is for reading only
        arguments += ["--remount-ro", path]
    arguments += ["--chdir", "/tmp", "--"]
    if root:
        arguments += _as_nobody()
    return arguments


def _as_nobody() -> list[str]:
    user = str(NOBODY + threading.get_native_id() % NUM_NOBODIES)
    identity = ["--reuid", user, "--regid", user, "--clear-groups"]
    return ["setpriv", *identity, "--inh-caps", "-all", "--"]


def _system() -> list[str]:
    arguments = []
    for path in SYSTEM:
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            arguments += _without_course(Path(path))
    arguments += ["--dir", "/etc"]
    for name in SETTINGS:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return arguments


def _environment() -> list[str]:
    """Python and its packages; nothing of ours, wherever it is installed."""
    arguments = []
    for path in map(Path, dict.fromkeys([sys.base_prefix, sys.prefix])):
        if not path.is_relative_to("/usr"):
            arguments += [*_parents(path), *_without_course(path)]
    return arguments


def _course() -> list[str]:
    """The copy of our code, at the place of the original; data as they are."""
    copy = library.copy()
    arguments = []
    for source, target in [(copy.library, library.LIBRARY), (copy.tools, library.TOOLS)]:
        arguments += [*_parents(target), "--ro-bind", str(source), str(target)]
    for folder in copy.data:
        arguments += ["--ro-bind", str(folder), str(folder)]
    return arguments


def _parents(path: Path) -> list[str]:
    """One that bwrap makes by itself nobody may enter."""
    return [word for parent in [*reversed(path.parents)][1:] for word in ("--dir", str(parent))]


def _without_course(path: Path) -> list[str]:
    """Mounts of a folder, but for our code in it: its neighbours are mounted one by one."""
    if not any(ours.is_relative_to(path) for ours in _ours()):
        return ["--ro-bind", str(path), str(path)]
    arguments = ["--dir", str(path)]
    for child in sorted(path.iterdir()):
        if child.is_symlink():
            arguments += ["--symlink", os.readlink(child), str(child)]
        elif child.is_dir() and child not in _ours():
            arguments += _without_course(child)
        elif child.is_file():
            arguments += ["--ro-bind", str(child), str(child)]
    return arguments


def _ours() -> list[Path]:
    """The packages, and the checkout that they are in if there is one."""
    root = library.LIBRARY.parent
    return [library.LIBRARY, library.TOOLS, *([root] if (root / "pyproject.toml").exists() else [])]


def _font_lists() -> list[str]:
    """matplotlib's lists of fonts, which it would otherwise make again in every sandbox."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("MPLCONFIGDIR") or Path(caches) / "matplotlib")
    inside = ENVIRONMENT["MPLCONFIGDIR"]
    arguments = ["--perms", "1777", "--dir", inside]
    for file in sorted(folder.glob("fontlist-*.json")):
        arguments += ["--ro-bind", str(file), f"{inside}/{file.name}"]
    return arguments


def require() -> None:
    """Make sure that there can be a sandbox.

    Raises:
        SandboxError: there cannot; the sentence says what to install.
    """
    if not shutil.which("bwrap"):
        raise SandboxError(INSTALL.format(state="missing"))
    probe = [*command(1 << 20, []), "true"]
    try:
        done = subprocess.run(probe, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(INSTALL.format(state=f"out of order ({error})")) from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise SandboxError(FORBIDDEN.format(reason=reason[:200]))
