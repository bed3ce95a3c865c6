"""IPython as a Jupyter kernel has it, without a front end: runs inside the sandbox.

It is ipykernel's own shell, so magics, `display`, `_` and top-level `await` behave as in Jupyter.
What it would send to a front end goes nowhere.
"""

import asyncio
import os
import sys
from types import ModuleType
from typing import Any

BACKEND = "module://matplotlib_inline.backend_inline"


def make() -> Any:
    """The shell, with an empty `__main__`, without files and without messages of its own."""
    from ipykernel.zmqshell import ZMQInteractiveShell
    from jupyter_client.session import Session
    from traitlets.config import Config

    class NoSession(Session):
        def send(self, *arguments: Any, **options: Any) -> dict[str, Any]:
            return {}

    os.environ["MPLBACKEND"] = BACKEND
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InlineBackend.figure_formats = set()  # nobody sees the pictures, so none is made
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    use_matplotlib = ZMQInteractiveShell.enable_matplotlib
    for name, method in {
        # There are no windows: pictures stay inline, whatever is asked for.
        "enable_gui": lambda self, gui=None: None,
        "enable_matplotlib": lambda self, gui=None: use_matplotlib(self, "inline"),
    }.items():
        setattr(ZMQInteractiveShell, name, method)
    shell: Any = ZMQInteractiveShell.instance(config=config, user_module=module)
    shell.displayhook.session = shell.display_pub.session = NoSession()
    shell.displayhook.topic = b"execute_result"
    for name in ("showtraceback", "showsyntaxerror"):
        setattr(shell, name, lambda *arguments, **options: None)
    shell.ask_exit = sys.exit  # what quit() and exit() call
    return shell


async def run_cell(shell: Any, source: str) -> BaseException | None:
    """Run a cell as a kernel does, inside a running event loop. Returns the error it ended in."""
    try:
        result = await _run_cell(shell, source)
        await asyncio.sleep(0)  # between cells a kernel goes on with what runs in the background
        error: BaseException | None = result.error_before_exec or result.error_in_exec
    except BaseException as raised:
        return raised
    return error


async def _run_cell(shell: Any, source: str) -> Any:
    try:
        transformed = shell.transform_cell(source)
    except Exception:
        return shell.run_cell(source, store_history=True)  # a syntax error, named there
    if not shell.should_run_async(source, transformed_cell=transformed):
        return shell.run_cell(source, store_history=True)
    result = await shell.run_cell_async(source, store_history=True, transformed_cell=transformed)
    shell.events.trigger("post_execute")
    shell.events.trigger("post_run_cell", result)
    return result
