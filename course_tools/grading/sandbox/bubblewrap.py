"""The command line of bubblewrap: what is inside the sandbox, and what is not.

Inside there is the system, the environment and `course_lib` without its checks, all read-only,
and scratch in memory. Nothing else of this machine is there, and nothing of the class folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import course_lib
from course_lib.files import CourseError
from course_tools.grading.sandbox import codec, protocol, runner

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
    "MPLBACKEND": "agg",
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


def command(folder: Path, scratch: int, inherited: list[int]) -> list[str]:
    """The command that runs what follows it inside the sandbox.

    Args:
        folder: where an empty file can be put, which is bound over others to hide them.
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
    arguments += _course(folder)
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]
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
            arguments += ["--ro-bind", path, path]
    arguments += ["--dir", "/etc"]
    for name in SETTINGS:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return arguments


def _course(folder: Path) -> list[str]:
    """The environment, `course_lib` without its checks, and the runner; nothing else of ours."""
    library = Path(course_lib.__file__).parent
    tools = Path(runner.__file__).parents[2]
    empty = folder / "empty"
    empty.touch()
    empty.chmod(0o444)
    arguments: list[str] = []
    environment = [
        path for path in (sys.base_prefix, sys.prefix) if not Path(path).is_relative_to("/usr")
    ]
    for path in dict.fromkeys([*environment, str(library)]):
        for parent in [*reversed(Path(path).parents)][1:]:
            arguments += ["--dir", str(parent)]  # one that bwrap makes by itself nobody may enter
        arguments += ["--ro-bind", path, path]
    packages = [tools, tools / "grading", tools / "grading" / "sandbox"]
    arguments += [word for package in packages for word in ("--dir", str(package))]
    for hidden in (library / "checks").rglob("lesson_*"):
        arguments += ["--ro-bind", str(empty), str(hidden)]
    modules = [package / "__init__.py" for package in packages]
    for file in [*modules, runner.__file__, protocol.__file__, codec.__file__]:
        arguments += ["--ro-bind", str(file), str(file)]
    arguments += ["--perms", "1777", "--dir", ENVIRONMENT["MPLCONFIGDIR"]]
    for fonts in _font_lists():
        arguments += ["--ro-bind", str(fonts), f"{ENVIRONMENT['MPLCONFIGDIR']}/{fonts.name}"]
    return arguments


def _font_lists() -> list[Path]:
    """matplotlib's lists of fonts, which it would otherwise make again in every sandbox."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("MPLCONFIGDIR") or Path(caches) / "matplotlib")
    return sorted(folder.glob("fontlist-*.json"))


def require() -> None:
    """Make sure that there can be a sandbox.

    Raises:
        SandboxError: there cannot; the sentence says what to install.
    """
    if not shutil.which("bwrap"):
        raise SandboxError(INSTALL.format(state="missing"))
    with tempfile.TemporaryDirectory() as folder:
        probe = [*command(Path(folder), 1 << 20, []), "true"]
        try:
            done = subprocess.run(probe, capture_output=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SandboxError(INSTALL.format(state=f"out of order ({error})")) from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise SandboxError(FORBIDDEN.format(reason=reason[:200]))
