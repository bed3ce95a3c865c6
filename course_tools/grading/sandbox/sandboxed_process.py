"""One process in a sandbox (bubblewrap): started, fed, supervised, and stopped with all it started.

Inside there is the system, the environment and `course_lib` without its checks, all read-only; a
scratch folder in memory; no network; no other process. What comes out is lines of text, and a
sandbox that does not keep within its limits is stopped.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from course_tools.grading.sandbox import bubblewrap, resource_usage, runner, seccomp
from course_tools.grading.sandbox.bubblewrap import SandboxError
from course_tools.grading.sandbox.protocol import (
    Job,
    ProtocolError,
    Ready,
    SandboxLimits,
    Shape,
    from_line,
    to_line,
)

StopReason = Literal["timeout", "memory", "killed", "output"]


class Stopped(Exception):
    """The process has ended or was stopped."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason)
        self.reason: StopReason = reason


class Process:
    """A runner in its sandbox. Use it with `with`: at the end nothing of it is left."""

    def __init__(self, limits: SandboxLimits, unsafe: bool = False) -> None:
        self.limits = limits
        self._unsafe = unsafe
        self._unread = self._unsent = b""
        self._exit = ExitStack()
        try:
            self._launch()
        except BaseException:
            self._exit.close()
            raise

    def _launch(self) -> None:
        command = [sys.executable, "-B", "-s", "-m", runner.__name__]
        scratch = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="grading-")))
        environment: dict[str, str] = {}
        inherited: list[int] = []
        if self._unsafe:
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
            cwd=scratch if self._unsafe else "/",
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
        """Kill the process with all it started: they die with the first process of its tree."""
        resource_usage.kill(self._process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._process.wait()

    def start(self, cells: list[str]) -> None:
        """Give the runner its job, and wait until it has read it and is ready.

        Raises:
            SandboxError: it did not start.
        """
        limits = self.limits
        if self._unsafe:  # without a sandbox all processes of the user would count
            limits = msgspec.structs.replace(limits, processes=None)
        self.send(Job(limits, cells))
        try:
            self.receive(Ready, limits.start_wall_seconds, limits.start_wall_seconds)
        except Stopped as error:
            raise SandboxError(
                f"The sandbox did not start ({self._complaint()}); grade again."
            ) from error

    def send(self, message: Struct) -> None:
        """Queue a message, to be written as the runner reads it: while `receive` waits."""
        self._unsent += to_line(message)
        if self._input not in self._selector.get_map():
            self._selector.register(self._input, selectors.EVENT_WRITE)

    def _complaint(self) -> str:
        """The last line on the error stream, on which only trusted code has written until now."""
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        lines = (self._process.stderr.read(10_000) or b"").decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")[:300]

    def receive(self, shape: type[Shape], cpu_seconds: float, wall_seconds: float) -> Shape:
        """The next message, if it has this shape and comes within so many seconds.

        Raises:
            Stopped: it did not come, or something else did.
        """
        line = self._line(cpu_seconds, wall_seconds)
        try:
            return from_line(line, shape)
        except ProtocolError as error:
            raise Stopped("killed") from error  # the runner does not write such a line

    def _line(self, cpu_seconds: float, wall_seconds: float) -> bytes:
        deadline = time.monotonic() + wall_seconds
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
            if time.monotonic() > deadline or cpu_now - cpu_before > cpu_seconds:
                raise Stopped("timeout")
        line, self._unread = self._unread.split(b"\n", 1)
        return line

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._input, self._unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = b""  # the runner no longer reads
        if not self._unsent:
            self._selector.unregister(self._input)

    def _read(self) -> None:
        assert self._process.stdout is not None
        content = os.read(self._process.stdout.fileno(), 1 << 20)
        if not content:
            raise Stopped(self._why_it_ended())
        self._unread += content

    def _why_it_ended(self) -> StopReason:
        """Why the process has closed its channel."""
        try:
            code = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return "killed"  # it closed its channel and still runs
        if code == runner.EXIT_FLOODED:
            return "output"
        return "memory" if code == runner.EXIT_NO_MEMORY else "killed"
