"""Runs inside the sandbox: a submission's cells, one after the other, then its functions.

It reads its job from what was standard input, and then one line for each call, so that no inputs
are here before their turn. On what was standard output it reports what each step gave, and it
decides nothing: whether a value is right is judged outside.
"""

import io
import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any, TextIO

from msgspec import Struct

from course_tools.grading.sandbox import codec
from course_tools.grading.sandbox.protocol import (
    MAX_MESSAGE,
    MAX_PRINTED,
    Begin,
    CallRequest,
    End,
    ErrorReport,
    Job,
    Output,
    Ready,
    SandboxLimits,
    StepResult,
    from_line,
    to_line,
)

EXIT_FLOODED, EXIT_NO_MEMORY = 81, 82
Sender = Callable[[Struct], None]


class CapturedOutput(io.TextIOBase):
    """Standard output for cells: keeps the beginning, and ends the process that floods it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.kept = ""

    def writable(self) -> bool:
        """Always."""
        return True

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
        work(requests, _sender(channel))
    os._exit(0)  # whatever threads or exit handlers there are now


def work(requests: TextIO, send: Sender) -> None:
    """Run the cells, then each call that is asked for."""
    job = from_line(requests.readline(), Job)
    confine(job.limits)
    sys.stdout = sys.stderr = captured = CapturedOutput(job.limits.printed)
    send(Ready())
    sys.meta_path.insert(0, _LazyFinder())
    shell = _shell()
    for step, source in enumerate(job.cells):
        send(Begin(step))
        send(End(step, "end", _run_cell(shell, source)))
    for step, request in enumerate(requests, len(job.cells)):
        call = from_line(request, CallRequest)
        captured.take()
        send(Begin(step))
        result = _call(shell.user_ns.get(call.function), call.arguments)
        result.printed = captured.take()
        send(End(step, "end", result))


def confine(limits: SandboxLimits) -> None:
    """Limit this process and all that it starts, for good."""
    for name, limit in {
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.file,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: limits.files,
        resource.RLIMIT_CORE: 0,
    }.items():
        if limit is None:
            continue
        _, hard = resource.getrlimit(name)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(name, (limit, limit))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if the machine runs out of memory, the grader is not the one to go


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


def _shell() -> Any:
    """An IPython shell, as a notebook has, without files and without messages of its own."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    shell: Any = InteractiveShell.instance(config=config, user_module=module)
    for name in ("showtraceback", "showsyntaxerror"):
        setattr(shell, name, lambda *arguments, **options: None)
    shell.ask_exit = sys.exit  # what quit() and exit() call
    return shell


def _run_cell(shell: Any, source: str) -> StepResult:
    try:
        result = shell.run_cell(source, silent=True)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:
        error = raised
    return StepResult(error=None if error is None else _report(error))


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
