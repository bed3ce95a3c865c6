"""How kernels are started without a user: quietly, and so that no reply is missed.

Two faults in the underlying packages make a run hang, about once in a hundred on a busy machine:

- A cell that shows an Output widget, as `interact` does, makes nbclient send on a socket that it
  is waiting on. The send may use up the signal that a reply has come (nbclient issue 312).
- Kernels pick free ports and bind them later; another kernel may have bound them meanwhile.

So replies are polled every second, with or without a signal, and where the system has Unix sockets
kernels communicate over those, which nobody else picks.
"""

import asyncio
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any, NoReturn
from weakref import WeakSet

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_core.utils import ensure_event_loop

SECONDS_BETWEEN_LOOKS = 1.0
HAS_UNIX_SOCKETS = os.name == "posix"


class PatientChannel(AsyncZMQSocketChannel):
    """A channel that looks again for messages whose arrival was not signalled."""

    async def get_msg(  # type: ignore[override]  # as its parent overrides it
        self, timeout: float | None = None
    ) -> dict:
        """The next message.

        Raises:
            Empty: none came within `timeout` seconds (None: wait for ever).
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                return await super().get_msg(min(left, SECONDS_BETWEEN_LOOKS))
            except Empty:
                if time.monotonic() >= deadline:
                    raise


class PatientKernelClient(AsyncKernelClient):
    """A client that never waits for a reply that has already arrived."""

    shell_channel_class = PatientChannel


class UnixSocketKernelManager(KernelManager):
    """A manager whose kernels no other kernel's ports can meet, where the system allows."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if HAS_UNIX_SOCKETS:
            self.transport = "ipc"
            self.ip = os.path.join(tempfile.gettempdir(), f"kernel-{uuid.uuid4().hex[:12]}")


STARTED: "WeakSet[KernelManager]" = WeakSet()  # the managers of kernels for lessons


class SteadyKernelManager(UnixSocketKernelManager, AsyncKernelManager):
    """The same for a client that runs in an event loop, as nbclient's does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.client_factory = PatientKernelClient
        STARTED.add(self)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in a client, and end its kernels without a word.

    nbclient asks its loop to end the kernel instead, and then reports that the kernel has died.
    """

    def refuse(*_: object) -> NoReturn:
        raise RuntimeError("Ctrl-C stays with Python")  # nbclient does without its own handler

    loop = ensure_event_loop()
    before = loop.add_signal_handler
    loop.add_signal_handler = refuse  # type: ignore[method-assign, assignment]
    try:
        yield
    except KeyboardInterrupt:
        for manager in STARTED:
            if process := getattr(manager.provisioner, "process", None):
                process.kill()
        tasks = asyncio.all_tasks(loop)  # those that wait for the kernel
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        raise
    finally:
        loop.add_signal_handler = before  # type: ignore[method-assign]


# For nbclient's NotebookClient and papermill's execute_notebook alike.
OPTIONS: dict[str, Any] = {
    "kernel_manager_class": SteadyKernelManager,
    "extra_arguments": ["--IPKernelApp.log_level=ERROR"],  # else each says that it listens on TCP
}
