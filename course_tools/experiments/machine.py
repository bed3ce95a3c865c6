"""What a run is made on: devices, precision, memory, versions. It goes into every manifest."""

import ctypes
import gc
import importlib.metadata
import multiprocessing
import os
import platform
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from course_lib.files import CourseError
from course_lib.profiles import check_precision
from course_lib.results import published

ROOT = Path(__file__).parents[2]
# Parameters of glibc's mallopt.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
# Linux: the memory the process uses and its maximum so far, and where the maximum is reset.
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def torch_device_name(device: str) -> str:
    """The GPU's name or the processor's. Raises CourseError if a GPU is wanted and missing."""
    import torch

    from course_lib.models_torch import pick_device

    return torch.cuda.get_device_name() if pick_device(device).type == "cuda" else processor()


def keras_device_name(device: str) -> str:
    """The same for Keras' backend, which it names too."""
    from course_lib.models_keras import keras

    if device not in ("auto", "cpu", "cuda"):
        raise CourseError(f"There is no device {device!r}; choose one of: auto, cpu, cuda.")
    gpu = keras_gpu()
    backend = keras.backend.backend()
    if device == "cuda" and gpu is None:
        raise CourseError(
            f"Keras on {backend} sees no GPU on this machine; use --device cpu or auto, or a "
            "backend that sees it, such as KERAS_BACKEND=torch."
        )
    return f"{processor() if device == 'cpu' or gpu is None else gpu}, Keras on {backend}"


def keras_gpu() -> str | None:
    """Name of the GPU that Keras' backend sees; None if it sees none."""
    from course_lib.models_keras import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        gpus = tensorflow.config.list_physical_devices("GPU")
        details = [tensorflow.config.experimental.get_device_details(gpu) for gpu in gpus]
        names = [detail.get("device_name", "GPU") for detail in details]
    elif backend == "jax":
        import jax

        names = [one.device_kind for one in jax.local_devices() if one.platform == "gpu"]
    else:
        import torch

        names = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return names[0] if names else None


def precision_for(wanted: str, on_gpu: bool) -> str:
    """The precision that "auto" means on the device; any other one is returned as it is."""
    return ("tf32" if on_gpu else "float32") if wanted == "auto" else wanted


@contextmanager
def keras_on(device: str, precision: str) -> Iterator[None]:
    """Let Keras build and train models on that device, its products in that precision.

    Args:
        device: "cpu" or anything else, which leaves the choice to Keras.
        precision: one of `profiles.PRECISIONS`.
    """
    from course_lib.models_keras import keras

    check_precision(precision)
    backend = keras.backend.backend()
    policy = keras.config.dtype_policy()
    if precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    place = keras.device("cpu:0") if device == "cpu" and keras_gpu() else nullcontext()
    try:
        with place, _PRODUCTS[backend](precision):
            yield
    finally:
        keras.config.set_dtype_policy(policy)


@contextmanager
def _tensorflow_products(precision: str) -> Iterator[None]:
    from tensorflow.config import experimental

    before = experimental.tensor_float_32_execution_enabled()
    experimental.enable_tensor_float_32_execution(precision != "float32")
    try:
        yield
    finally:
        experimental.enable_tensor_float_32_execution(before)


@contextmanager
def _jax_products(precision: str) -> Iterator[None]:
    import jax

    with jax.default_matmul_precision("float32" if precision == "float32" else "tensorfloat32"):
        yield


@contextmanager
def _torch_products(precision: str) -> Iterator[None]:
    from course_lib.training.acceleration import products_in

    with products_in(precision):
        yield


_PRODUCTS = {
    "tensorflow": _tensorflow_products,
    "jax": _jax_products,
    "torch": _torch_products,
}


def processor() -> str:
    """The processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), name)
    cores = num_cores()
    return f"{name}, {cores} core{'s' if cores > 1 else ''}"


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent() -> None:
    """In a worker process: end when the process that started it has ended, however it did."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C inside the block. Processes that are started in it ignore it for good."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted, and may set this
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def keep_freed_memory() -> None:
    """Let the process keep memory that it frees, up to 2 GB, where the C library is glibc.

    The activations of a batch come and go in every step. By default large ones are returned to
    the system each time, which then has to provide and clear the same pages again.
    """
    if libc := _glibc():
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide on a result, where they are installed."""
    names = ("torch", "tensorflow", "jax", "keras", "numpy")
    found = {
        name: importlib.metadata.version(name)
        for name in names
        if any(importlib.metadata.distributions(name=name))
    }
    return found | {"python": platform.python_version()}


def commit() -> str:
    """The commit this copy of the course is at, and whether course_lib differs from it.

    Published runs do not count: in a queue each run would be "with changes" after the first.
    """

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    try:
        code = ("course_lib", f":(exclude){published.RUNS.relative_to(ROOT)}")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", *code)
        return (git("rev-parse", "HEAD") or "unknown") + (" with changes" if changed else "")
    except FileNotFoundError:  # there is no git
        return "unknown"


def forget_peaks() -> None:
    """Reset the peak memory, as far as the system and the frameworks allow."""
    gc.collect()
    if libc := _glibc():
        libc.malloc_trim(0)  # memory that is kept although it is free does not count
    if os.access(CLEAR, os.W_OK):
        CLEAR.write_text("5")
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def peak_mb() -> float:
    """Most memory the process has used since `forget_peaks`, in MB of 2**20 bytes."""
    if STATUS.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())):
        return int(found[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


def peak_gpu_mb() -> float | None:
    """Most GPU memory that PyTorch or JAX has used, in MB of 2**20 bytes; None without a GPU.

    PyTorch counts from `forget_peaks`, JAX from the start of the process.
    """
    peaks = []
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_initialized():
            peaks.append(torch.cuda.max_memory_allocated())
    if "jax" in sys.modules:
        import jax

        usage = [device.memory_stats() or {} for device in jax.local_devices()]
        peaks += [one["peak_bytes_in_use"] for one in usage if "peak_bytes_in_use" in one]
    return max(peaks) / 2**20 if peaks else None
