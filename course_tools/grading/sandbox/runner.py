"""Runs inside the sandbox: a submission's cells, and calls of its functions between them.

It reads its job from what was standard input, and then one line for each step, so that no inputs
are here before their turn. On what was standard output it reports what each step gave, and it
decides nothing: whether a value is right is judged outside.
"""

import asyncio
import io
import os
import resource
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from typing import Any, TextIO

from msgspec import Struct

from course_tools.grading.sandbox import codec, kernel_shell
from course_tools.grading.sandbox.protocol import (
    MAX_MESSAGE,
    MAX_PRINTED,
    Begin,
    End,
    ErrorReport,
    Job,
    Output,
    Ready,
    Remember,
    Request,
    RunCell,
    SandboxLimits,
    StepResult,
    from_line,
    request_from_line,
    to_line,
)

EXIT_FLOODED, EXIT_NO_MEMORY = 81, 82
Sender = Callable[[Struct], None]


class CapturedOutput(io.TextIOBase):
    """Standard output for cells: keeps the beginning, and ends the process that floods it."""

    encoding = "UTF-8"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.kept = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """One that swallows what programs write to it."""
        return 1

    def write(self, text: str) -> int:
        """Count the text, and keep what there is room for."""
        self.total += len(text)
        if self.total > self.limit:
            os._exit(EXIT_FLOODED)
        self.kept += text[: MAX_PRINTED - len(self.kept)]
        return len(text)

    def take(self) -> str:
        """What has been kept since this was last called."""
        kept, self.kept = self.kept, ""
        return kept


def main() -> None:
    """Do what is asked on standard input."""
    with os.fdopen(os.dup(0)) as requests:
        channel = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        asyncio.run(work(requests, _sender(channel)))
    os._exit(0)  # whatever threads or exit handlers there are now


async def work(requests: TextIO, send: Sender) -> None:
    """Do one step after the other; a loop runs meanwhile, as in a kernel."""
    job = from_line(requests.readline(), Job)
    confine(job.limits)
    sys.stdout = sys.stderr = captured = CapturedOutput(job.limits.printed)
    send(Ready())
    sys.meta_path.insert(0, _LazyFinder())
    notebook = Notebook(captured)
    for step, line in enumerate(requests):
        request = request_from_line(line)
        send(Begin(step))
        send(End(step, "end", await notebook.do(request)))


class Notebook:
    """The submission as it runs: its shell, and the states that were remembered."""

    def __init__(self, captured: CapturedOutput) -> None:
        self._captured = captured
        self._shell = kernel_shell.make()
        self._states: dict[str, dict[str, Any]] = {}

    async def do(self, request: Request) -> StepResult:
        """Do what is asked for."""
        if isinstance(request, RunCell):
            error = await kernel_shell.run_cell(self._shell, request.source)
            return StepResult(error=None if error is None else _report(error))
        names: dict[str, Any] = self._shell.user_ns
        if isinstance(request, Remember):
            self._states[request.state] = dict(names)
            return StepResult()
        if request.state in self._states:
            names.clear()
            names.update(self._states[request.state])
        self._captured.take()
        result = _call(names.get(request.function), request.arguments)
        result.printed = self._captured.take()
        return result


def confine(limits: SandboxLimits) -> None:
    """Limit this process and all that it starts, for good."""
    for name, limit in {
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.file,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: limits.files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }.items():
        if limit is None:
            continue
        _, hard = resource.getrlimit(name)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(name, (limit, limit))


class _LazyFinder(MetaPathFinder):
    """Loads a module of `course_lib` when it is first used: few answers use all of them."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if not name.startswith("course_lib."):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None and not spec.submodule_search_locations:
            spec.loader = LazyLoader(spec.loader)
        return spec


def _sender(channel: int) -> Sender:
    def send(message: Struct) -> None:
        rest = memoryview(to_line(message))
        while rest:
            rest = rest[os.write(channel, rest) :]

    return send


def _call(function: Any, cases: list[Any]) -> StepResult:
    """What `function` gives for each encoded tuple of arguments, up to its first error."""
    if not callable(function):
        return StepResult(is_absent=True)
    result = StepResult()
    for encoded in cases:
        arguments = codec.decode(encoded)
        try:
            result.outputs.append(Output(codec.encode(function(*arguments))))
        except codec.TooLarge:
            result.is_too_large = True
            break
        except BaseException as error:
            if type(error) is NotImplementedError and not error.args:
                result.outputs.append(Output(is_blank=True))
                continue
            result.error = _report(error)
            break
        if codec.encode(arguments) != encoded:
            result.has_changed_inputs = True
            break
    return result


def _report(error: BaseException) -> ErrorReport:
    """Type, message and line of an error, cut to size."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<ipython-input"):
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
    except BaseException:
        message = "its own message cannot be read"
    name = codec.safe_name(type(error).__name__)
    return ErrorReport(name, message[:MAX_MESSAGE], line if type(line) is int else None)


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        os._exit(EXIT_NO_MEMORY)
