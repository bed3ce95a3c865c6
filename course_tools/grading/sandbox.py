"""One process in a sandbox (bubblewrap): started, fed, watched and stopped with all it started.

Inside there is the system, the environment and `course_lib` without its checks, all read-only; a
scratch folder in memory; no network; no other process. What comes out is lines of text, and a
sandbox that does not keep within its limits is stopped.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import course_lib
from course_lib.files import CourseError
from course_tools.grading import driver, seccomp, values, watch

INSTALL = (
    "Hand-ins are graded in a sandbox, and bubblewrap is {state}; install it (Debian and Ubuntu: "
    "sudo apt install bubblewrap), then run the same command again."
)
FORBIDDEN = (
    "bubblewrap is there but may not make a sandbox ({reason}); run as root, or allow "
    "user namespaces (Ubuntu: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)."
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


@dataclass(frozen=True)
class Limits:
    """What one process may use; seconds of the processor are those of all it started, too."""

    cell_cpu: float = 40
    cell_wall: float = 240  # on a busy machine a framework may take a minute to load
    call_cpu: float = 10
    call_wall: float = 90
    start_wall: float = 120
    memory: int = 3 << 30  # bytes, of all processes together
    scratch: int = 256 << 20
    file: int = 64 << 20
    processes: int = 128  # and threads
    files: int = 256
    line: int = 24 << 20
    printed: int = 20 << 20


class Stopped(Exception):
    """The process has ended or was stopped. `outcome` is one of those that results know."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class SandboxError(CourseError):
    """The sandbox itself could not be had: the student is not to blame."""


class Process:
    """A driver in its sandbox. Use it with `with`: at the end nothing of it is left."""

    def __init__(self, limits: Limits, unsafe: bool = False) -> None:
        self.limits = limits
        self._unread = b""
        self._exit = ExitStack()
        try:
            self._start(unsafe)
        except BaseException:
            self._exit.close()
            raise

    def _start(self, unsafe: bool) -> None:
        command = [sys.executable, "-B", "-s", "-m", driver.__name__]
        scratch = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="grading-")))
        environment: dict[str, str] = {}
        inherited: list[int] = []
        if unsafe:
            places = {name: str(scratch) for name in ("HOME", "MPLCONFIGDIR", "IPYTHONDIR")}
            environment = ENVIRONMENT | places | {"COURSE_CACHE": str(scratch)}
        else:
            if (filter_ := seccomp.program()) is not None:
                file = self._exit.enter_context(tempfile.TemporaryFile())
                file.write(filter_)
                file.seek(0)
                inherited = [file.fileno()]
            command = wall(self.limits, scratch, inherited) + command
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=scratch if unsafe else "/",
            pass_fds=inherited,
            start_new_session=True,
        )
        self._exit.callback(self._end)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = self._exit.enter_context(selectors.DefaultSelector())
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    def _end(self) -> None:
        """Kill the process with all it started: the first process of its own tree takes them."""
        watch.kill(self._process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._process.wait()

    def send(self, job: Any) -> None:
        """Give the driver its job, and wait until it has read it and is ready.

        Raises:
            SandboxError: it did not start.
        """
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(json.dumps(job).encode())
            self._process.stdin.close()
        try:
            if self.receive(self.limits.start_wall, self.limits.start_wall) == "ready":
                return
        except Stopped:
            pass
        raise SandboxError(f"The sandbox did not start ({self._complaint()}); grade again.")

    def _complaint(self) -> str:
        """The last line on the error stream, which only trusted code has had until now."""
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        lines = (self._process.stderr.read(10_000) or b"").decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")[:300]

    def receive(self, cpu: float, wall: float) -> Any:
        """The next message, plain JSON, if it comes within so many seconds.

        Raises:
            Stopped: it did not come; what outcome that is stands in the exception.
        """
        deadline = time.monotonic() + wall
        cpu_before, _ = watch.usage(self._process.pid)
        pause = 0.02
        while b"\n" not in self._unread:
            if len(self._unread) > self.limits.line:
                raise Stopped("output")
            if self._selector.select(pause):
                self._read()
                continue
            pause = min(0.2, pause * 1.5)
            cpu_now, memory = watch.usage(self._process.pid, self.limits.memory)
            if memory > self.limits.memory:
                raise Stopped("memory")
            if time.monotonic() > deadline or cpu_now - cpu_before > cpu:
                raise Stopped("timeout")
        line, self._unread = self._unread.split(b"\n", 1)
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Stopped("killed") from error  # no line that the driver writes

    def _read(self) -> None:
        assert self._process.stdout is not None
        content = os.read(self._process.stdout.fileno(), 1 << 20)
        if not content:
            raise Stopped(self._how_it_ended())
        self._unread += content

    def _how_it_ended(self) -> str:
        """The outcome that an end without an answer deserves."""
        try:
            code = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return "killed"  # it closed its channel and goes on
        return {driver.FLOODED: "output", driver.NO_MEMORY: "memory"}.get(code, "killed")


def wall(limits: Limits, scratch: Path, inherited: list[int]) -> list[str]:
    """The command that puts what follows it behind the wall."""
    root = os.geteuid() == 0
    namespaces = ["ipc", "pid", "net", "uts", "cgroup-try"]
    arguments = ["bwrap", "--die-with-parent", "--new-session", "--clearenv"]
    arguments += [f"--unshare-{name}" for name in namespaces]
    if root:  # started as root, run as a user that nobody else is
        arguments += "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID".split()
    else:
        arguments += ["--unshare-user", "--disable-userns"]
    arguments += [word for fd in inherited for word in ("--seccomp", str(fd))]
    arguments += [word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)]
    arguments += _system()
    arguments += "--proc /proc --dev /dev".split()
    for folder in ("/tmp", "/dev/shm"):
        arguments += ["--perms", "1777", "--size", str(limits.scratch), "--tmpfs", folder]
    arguments += _course(scratch)
    arguments += "--remount-ro /dev --remount-ro / --chdir /tmp --".split()
    if root:
        user = str(NOBODY + os.getpid() % NUM_NOBODIES)
        arguments += ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"]
    return arguments


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


def _course(scratch: Path) -> list[str]:
    """The environment, `course_lib` without its checks, and the driver; nothing else of ours."""
    library = Path(course_lib.__file__).parent
    tools = Path(driver.__file__).parents[1]
    empty = scratch / "empty"
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
    arguments += ["--dir", str(tools), "--dir", str(tools / "grading")]
    for hidden in [*library.glob("checks_*"), *library.glob("__pycache__/checks_*")]:
        arguments += ["--ro-bind", str(empty), str(hidden)]
    modules = [tools / "__init__.py", tools / "grading" / "__init__.py"]
    for path in [*modules, driver.__file__, values.__file__]:
        arguments += ["--ro-bind", str(path), str(path)]
    if fonts := _font_list():
        arguments += ["--perms", "1777", "--dir", ENVIRONMENT["MPLCONFIGDIR"]]
        arguments += ["--ro-bind", str(fonts), f"{ENVIRONMENT['MPLCONFIGDIR']}/{fonts.name}"]
    return arguments


@cache
def _font_list() -> Path | None:
    """matplotlib's list of fonts, which it would else make anew in every sandbox."""
    from matplotlib import font_manager, get_cachedir

    path = Path(get_cachedir()) / f"fontlist-v{font_manager.FontManager.__version__}.json"
    return path if path.exists() else None


@contextmanager
def _probe() -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as scratch:
        yield wall(Limits(), Path(scratch), []) + ["true"]


def require() -> None:
    """Make sure that a sandbox can be had.

    Raises:
        SandboxError: it cannot; the sentence says what to install.
    """
    if not shutil.which("bwrap"):
        raise SandboxError(INSTALL.format(state="missing"))
    with _probe() as command:
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, env={})
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SandboxError(INSTALL.format(state=f"out of order ({error})")) from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise SandboxError(FORBIDDEN.format(reason=reason[:200]))


def settings(limits: Limits) -> dict[str, Any]:
    """The limits that the driver sets for itself before anything of the student's runs."""
    return {
        "memory": limits.memory,
        "file": limits.file,
        "processes": limits.processes,
        "files": limits.files,
        "printed": limits.printed,
    }
