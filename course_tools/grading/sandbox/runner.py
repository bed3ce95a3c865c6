"""Runs inside the sandbox: a submission's cells, one after the other, then its functions.

It reads its job from what was standard input, and then one line for each call, so that no inputs
are here before their turn. On what was standard output it tells, line by line, what each step
gave, and it decides nothing: whether a value is right is said outside.
"""

import io
import json
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

from course_tools.grading.sandbox import codec

FLOODED, NO_MEMORY = 81, 82  # exit codes
MAX_MESSAGE = 500
MAX_PRINTED = 2000


class Printed(io.TextIOBase):
    """Standard output for cells: keeps the beginning, and ends the process that floods it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.kept = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.total += len(text)
        if self.total > self.limit:
            os._exit(FLOODED)
        self.kept += text[: MAX_PRINTED - len(self.kept)]
        return len(text)

    def take(self) -> str:
        """What has been kept since this was last asked."""
        kept, self.kept = self.kept, ""
        return kept


def main() -> None:
    """Do what is asked on standard input."""
    with os.fdopen(os.dup(0)) as requests:
        channel = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        work(requests, _teller(channel))
    os._exit(0)  # whatever threads or exit handlers there are now


def work(requests: TextIO, tell: Callable[[Any], None]) -> None:
    """Run the cells, then each call that is asked for."""
    job = json.loads(requests.readline())
    confine(job["limits"])
    sys.stdout = sys.stderr = printed = Printed(job["limits"]["printed"])
    tell("ready")
    sys.meta_path.insert(0, _Later())
    shell = _shell()
    for number, source in enumerate(job["cells"]):
        tell([number, "begin"])
        tell([number, "end", _run_cell(shell, source)])
    for number, request in enumerate(requests, len(job["cells"])):
        call = json.loads(request)
        printed.take()
        tell([number, "begin"])
        result = _call(shell.user_ns.get(call["function"]), call["arguments"])
        tell([number, "end", result | {"printed": printed.take()}])


def confine(limits: dict[str, int | None]) -> None:
    """Limit this process and all that it starts, for good."""
    for name, limit in {
        resource.RLIMIT_DATA: limits["memory"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_NOFILE: limits["files"],
        resource.RLIMIT_CORE: 0,
    }.items():
        if limit is None:
            continue
        _, hard = resource.getrlimit(name)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(name, (limit, limit))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if the machine is out of memory, not the grader goes


class _Later(MetaPathFinder):
    """Loads a module of `course_lib` when it is first used: few answers use all of them."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if not name.startswith("course_lib."):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None and not spec.submodule_search_locations:
            spec.loader = LazyLoader(spec.loader)
        return spec


def _teller(channel: int) -> Callable[[Any], None]:
    def tell(message: Any) -> None:
        rest = memoryview(json.dumps(message).encode() + b"\n")
        while rest:
            rest = rest[os.write(channel, rest) :]

    return tell


def _shell() -> Any:
    """An IPython shell, as a notebook has, without files and without words of its own."""
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


def _run_cell(shell: Any, source: str) -> dict[str, Any]:
    try:
        result = shell.run_cell(source, silent=True)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:
        error = raised
    return {"error": _described(error)} if error is not None else {}


def _call(answer: Any, cases: list[Any]) -> dict[str, Any]:
    """What `answer` gives for each encoded tuple of arguments, up to its first error."""
    if not callable(answer):
        return {"absent": True}
    outputs: list[Any] = []
    for code in cases:
        arguments = codec.decode(code)
        try:
            output = answer(*arguments)
            outputs.append({"value": codec.encode(output)})
        except codec.TooLarge as error:
            return {"outputs": outputs, "too_large": str(error)[:MAX_MESSAGE]}
        except BaseException as error:
            if type(error) is NotImplementedError and not error.args:
                outputs.append({"blank": True})
                continue
            return {"outputs": outputs, "error": _described(error)}
        if codec.encode(arguments) != code:
            return {"outputs": outputs, "changed": True}
    return {"outputs": outputs}


def _described(error: BaseException) -> dict[str, Any]:
    """Type, message and line of an error, cut to size."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<ipython-input"):
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        message = "its own message cannot be read"
    return {"type": type(error).__name__, "message": str(message)[:MAX_MESSAGE], "line": line}


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        os._exit(NO_MEMORY)
