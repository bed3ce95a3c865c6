"""One process in a sandbox (bubblewrap): started, fed, watched and stopped with all it started.

Inside there is the system, the environment and `course_lib` without its checks, all read-only; a
scratch folder in memory; no network; no other process. What comes out is lines of text, and a
sandbox that does not keep within its limits is stopped.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_tools.grading.sandbox import bubblewrap, resource_usage, runner, seccomp
from course_tools.grading.sandbox.bubblewrap import SandboxError


@dataclass(frozen=True)
class SandboxLimits:
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
    line: int = 8 << 20  # of what comes out
    printed: int = 20 << 20


class Stopped(Exception):
    """The process has ended or was stopped. `outcome` is one of those that results know."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Process:
    """A driver in its sandbox. Use it with `with`: at the end nothing of it is left."""

    def __init__(self, limits: SandboxLimits, unsafe: bool = False) -> None:
        self.limits = limits
        self._unread = self._unsent = b""
        self._exit = ExitStack()
        try:
            self._start(unsafe)
        except BaseException:
            self._exit.close()
            raise

    def _start(self, unsafe: bool) -> None:
        command = [sys.executable, "-B", "-s", "-m", runner.__name__]
        scratch = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="grading-")))
        environment: dict[str, str] = {}
        inherited: list[int] = []
        if unsafe:
            places = {name: str(scratch) for name in ("HOME", "MPLCONFIGDIR", "IPYTHONDIR")}
            environment = bubblewrap.ENVIRONMENT | places | {"COURSE_CACHE": str(scratch)}
        else:
            if (program := seccomp.program()) is not None:
                (scratch / "filter").write_bytes(program)
                inherited = [os.open(scratch / "filter", os.O_RDONLY)]
                self._exit.callback(os.close, inherited[0])
            command = bubblewrap.command(scratch, self.limits.scratch, inherited) + command
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
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input = self._process.stdin.fileno()
        for descriptor in (self._input, self._process.stdout.fileno()):
            os.set_blocking(descriptor, False)
        self._selector = self._exit.enter_context(selectors.DefaultSelector())
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    def _end(self) -> None:
        """Kill the process with all it started: the first process of its own tree takes them."""
        resource_usage.kill(self._process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._process.wait()

    def start(self, job: Any) -> None:
        """Give the driver its job, and wait until it has read it and is ready.

        Raises:
            SandboxError: it did not start.
        """
        self.send(job)
        try:
            if self.receive(self.limits.start_wall, self.limits.start_wall) == "ready":
                return
        except Stopped:
            pass
        raise SandboxError(f"The sandbox did not start ({self._complaint()}); grade again.")

    def send(self, message: Any) -> None:
        """Let a message go to the driver, as it takes it: while `receive` waits."""
        self._unsent += json.dumps(message).encode() + b"\n"
        if self._input not in self._selector.get_map():
            self._selector.register(self._input, selectors.EVENT_WRITE)

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
        cpu_before, _ = resource_usage.usage(self._process.pid)
        pause = 0.02
        while b"\n" not in self._unread:
            if len(self._unread) > self.limits.line:
                raise Stopped("output")
            if ready := self._selector.select(pause):
                for key, _ in ready:
                    self._write() if key.fd == self._input else self._read()
                continue
            pause = min(0.2, pause * 1.5)
            cpu_now, memory = resource_usage.usage(self._process.pid, self.limits.memory)
            if memory > self.limits.memory:
                raise Stopped("memory")
            if time.monotonic() > deadline or cpu_now - cpu_before > cpu:
                raise Stopped("timeout")
        line, self._unread = self._unread.split(b"\n", 1)
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Stopped("killed") from error  # no line that the driver writes

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._input, self._unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = b""  # it reads no more
        if not self._unsent:
            self._selector.unregister(self._input)

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
        return {runner.FLOODED: "output", runner.NO_MEMORY: "memory"}.get(code, "killed")


def settings(limits: SandboxLimits, unsafe: bool) -> dict[str, Any]:
    """The limits that the driver sets for itself before anything of the student's runs."""
    return {
        "memory": limits.memory,
        "file": limits.file,
        # Without a sandbox all processes of the user would count.
        "processes": None if unsafe else limits.processes,
        "files": limits.files,
        "printed": limits.printed,
    }
