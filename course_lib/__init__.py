"""What the lessons of Gray to Color import. Importing it loads neither PyTorch nor TensorFlow.

It settles how the two live in one process. PyTorch (2.11 to 2.15) imports triton when the first
optimizer is made. Triton and TensorFlow each carry a copy of LLVM, and if TensorFlow came first
the process aborts. Without an NVIDIA GPU nothing needs triton, so it is hidden; with one it is
imported here, before TensorFlow can be. This also quiets TensorFlow's start-up messages.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

# TensorFlow logs errors only.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# An idle worker sleeps instead of spinning: torch is ten times faster on a busy laptop.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _settle_triton() -> None:
    if "triton" in sys.modules or importlib.util.find_spec("triton") is None:
        return
    if Path("/proc/driver/nvidia/version").exists() and "tensorflow" not in sys.modules:
        import triton  # noqa: F401  (before TensorFlow)
    else:
        sys.modules["triton"] = None  # type: ignore[assignment]  # `import triton` now fails


_settle_triton()

# Where TensorFlow came first and there is no GPU, torch's look for one meets TensorFlow's empty
# CUDA library and warns; there is nothing to fix.
warnings.filterwarnings("ignore", message="CUDA initialization: Unexpected error")


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send what compiled code writes to standard error nowhere: TensorFlow greets on import."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# So that a lesson can write: from course_lib import published
_DEEPER = {
    "claims": "results",
    "experiments": "results",
    "published": "results",
    "schedules": "training",
}


def __getattr__(name: str) -> ModuleType:
    if name not in _DEEPER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{_DEEPER[name]}.{name}")
