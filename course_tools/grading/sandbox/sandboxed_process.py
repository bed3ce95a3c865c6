"""One process in a sandbox (bubblewrap): started, fed, supervised, and stopped with all it started.

Inside there is the system, the environment and `course_lib` without its checks, all read-only; a
scratch folder in memory; no network; no other process. What comes out is lines of text, and a
sandbox that does not keep within its limits is stopped: the limits are looked at on every turn of
the loop that waits, whatever arrives meanwhile.
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

from course_tools.grading.sandbox import (
    bubblewrap,
    memory_group,
    resource_usage,
    runner,
    seccomp,
    workspace,
)
from course_tools.grading.sandbox.bubblewrap import SandboxError
from course_tools.grading.sandbox.protocol import (
    Begin,
    End,
    Job,
    ProtocolError,
    Ready,
    SandboxLimits,
    Shape,
    StepResult,
    from_line,
    to_line,
)

# If the machine runs out of memory, the grader is not the one to go; and one group for all memory.
ENTER = 'echo 1000 > /proc/self/oom_score_adj; [ -z "$0" ] || echo $$ > "$0" || exit 1; exec "$@"'
LOOK_SECONDS = 0.02, 0.2  # from one look at what a process uses to the next: at first, later
StopReason = Literal["timeout", "memory", "killed", "output", "forged"]


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
        folder = tempfile.TemporaryDirectory(prefix="process-", dir=workspace.folder())
        scratch = Path(self._exit.enter_context(folder))
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
            command = bubblewrap.command(self.limits.scratch, inherited) + command
        self._group = memory_group.make(self.limits.memory)
        if self._group:
            self._exit.callback(self._group.close)
        entrance = str(self._group.entrance) if self._group else ""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", ENTER, entrance, *command],
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

    def start(self) -> None:
        """Give the runner its limits, and wait until it keeps within them and is ready.

        Raises:
            SandboxError: it did not start.
        """
        limits = self.limits
        if self._unsafe:  # without a sandbox all processes of the user would count
            limits = msgspec.structs.replace(limits, processes=None)
        self.send(Job(limits))
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

    def step(self, number: int, cpu_seconds: float, wall_seconds: float) -> StepResult:
        """Wait for a step to begin and to end, which may take so many seconds all in all.

        Raises:
            Stopped: it did not; also for a message about another step.
        """
        ends = time.monotonic() + wall_seconds
        begin = self.receive(Begin, cpu_seconds, wall_seconds)
        end = self.receive(End, cpu_seconds, ends - time.monotonic())
        if (begin.step, end.step) != (number, number):
            raise Stopped("forged")
        if self._group and self._group.was_exceeded():
            raise Stopped("memory")  # it cost a process that this one had started
        return end.result

    def receive(self, shape: type[Shape], cpu_seconds: float, wall_seconds: float) -> Shape:
        """The next message, if it has this shape and comes within so many seconds.

        Raises:
            Stopped: it did not come, or something else did.
        """
        line = self._line(cpu_seconds, wall_seconds)
        try:
            return from_line(line, shape)
        except ProtocolError as error:
            raise Stopped("forged") from error  # the runner does not write such a line

    def _line(self, cpu_seconds: float, wall_seconds: float) -> bytes:
        deadline = time.monotonic() + wall_seconds
        max_cpu_seconds = resource_usage.seconds(self._process.pid) + cpu_seconds
        pause, slowest = LOOK_SECONDS
        next_look = time.monotonic() + pause
        while b"\n" not in self._unread:
            if len(self._unread) > self.limits.line:
                raise Stopped("output")
            now = time.monotonic()
            if now > deadline:
                raise Stopped("timeout")
            if now >= next_look:
                self._look(max_cpu_seconds)
                pause = min(slowest, pause * 1.5)
                next_look = time.monotonic() + pause
            for key, _ in self._selector.select(min(pause, max(0, next_look - now))):
                self._write() if key.fd == self._input else self._read()
        line, self._unread = self._unread.split(b"\n", 1)
        return line

    def _look(self, max_cpu_seconds: float) -> None:
        """Raise Stopped if the processes have used more than they may."""
        if resource_usage.seconds(self._process.pid) > max_cpu_seconds:
            raise Stopped("timeout")
        if self._has_exceeded_memory():
            raise Stopped("memory")

    def _has_exceeded_memory(self) -> bool:
        if self._group:
            return self._group.was_exceeded()
        limit = self.limits.memory
        return resource_usage.memory(self._process.pid, limit) > limit

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
            code = None  # it closed its channel and still runs
        if self._group and self._group.was_exceeded():
            return "memory"
        if code == runner.EXIT_FLOODED:
            return "output"
        return "memory" if code == runner.EXIT_NO_MEMORY else "killed"
