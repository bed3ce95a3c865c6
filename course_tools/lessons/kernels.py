"""How kernels are started without a user: quietly, and so that no reply is missed.

Two faults in the underlying packages make a run hang, about once in a hundred on a busy machine:

- A cell that shows an Output widget, as `interact` does, makes nbclient send on a socket that it
  is waiting on. The send may use up the signal that a reply has come (nbclient issue 312).
- Kernels pick free ports and bind them later; another kernel may have bound them meanwhile.

So replies are polled every second, with or without a signal, and where the system has Unix sockets
kernels communicate over those, which nobody else picks.

A kernel always runs in the environment that starts it: Jupyter would take the first `python3` on
its search path, which may be another environment's.
"""

import os
import tempfile
import time
import uuid
from queue import Empty
from typing import Any

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager, KernelManager

SECONDS_BETWEEN_LOOKS = 1.0
HAS_UNIX_SOCKETS = os.name == "posix"
MAX_SOCKET_PATH = 100  # the system allows 104 or 108; jupyter_client adds "-1" to "-5"


def own_kernel() -> dict[str, Any]:
    """The content of a kernel.json that starts the interpreter which runs this."""
    return get_kernel_dict()


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
    """A manager whose kernels no other kernel's ports can meet, where the system allows.

    Its kernels run in this environment, whatever kernel a notebook names.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        path = os.path.join(tempfile.gettempdir(), f"kernel-{uuid.uuid4().hex[:12]}")
        if HAS_UNIX_SOCKETS and len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            self.transport = "ipc"
            self.ip = path

    @property
    def kernel_spec(self) -> KernelSpec:
        """That of this environment."""
        if self._kernel_spec is None:
            self._kernel_spec = KernelSpec(**own_kernel())
        return self._kernel_spec


class SteadyKernelManager(UnixSocketKernelManager, AsyncKernelManager):
    """The same for a client that runs in an event loop, as nbclient's does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.client_factory = PatientKernelClient


# For nbclient's NotebookClient and papermill's execute_notebook alike.
OPTIONS: dict[str, Any] = {
    "kernel_manager_class": SteadyKernelManager,
    "extra_arguments": ["--IPKernelApp.log_level=ERROR"],  # else each says that it listens on TCP
}
