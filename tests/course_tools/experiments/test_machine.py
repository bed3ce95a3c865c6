"""What a manifest says of the machine, and what is set on it for training."""

import platform
import re
import subprocess
import sys

import numpy as np
import pytest

from course_lib.files import CourseError
from course_tools.experiments import machine


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


@pytest.mark.skipif(not machine.STATUS.exists(), reason="only Linux lets a peak be forgotten")
def test_peak_memory_is_reset_even_where_freed_memory_is_kept():
    before, with_more, after = run("""
import numpy as np
from course_tools.experiments import machine
machine.keep_freed_memory()
machine.forget_peaks()
print(machine.peak_mb())
more = np.ones(40_000_000)  # 305 MB of 2**20 bytes
print(machine.peak_mb())
del more
machine.forget_peaks()
print(machine.peak_mb())
""")
    assert 290 < with_more - before < 320
    assert after - before < 100


def test_the_machine_is_described():
    assert re.fullmatch(r".+, (1 core|\d+ cores)", machine.processor())
    assert re.fullmatch(r"[0-9a-f]{40}( with changes)?", machine.commit())
    found = machine.versions()
    assert found["python"] == platform.python_version() and found["numpy"] == np.__version__


def test_changed_code_is_told_and_a_new_run_is_not_changed_code(tmp_path, monkeypatch):
    runs = tmp_path / "course_lib" / "assets" / "runs"
    code, manifest = tmp_path / "course_lib" / "models.py", runs / "fc_latent" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    code.touch(), manifest.touch()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine.published, "RUNS", runs)
    manifest.write_text("{}")
    assert re.fullmatch("[0-9a-f]{40}", machine.commit())
    code.write_text("x = 1")
    assert machine.commit().endswith(" with changes")


def test_no_gpu_no_gpu_memory():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        assert machine.peak_gpu_mb() is None


@pytest.mark.parametrize(
    ("wanted", "on_gpu", "expected"),
    [("auto", True, "tf32"), ("auto", False, "float32"), ("bfloat16", False, "bfloat16")],
)
def test_auto_is_tf32_on_a_gpu_alone(wanted, on_gpu, expected):
    assert machine.precision_for(wanted, on_gpu) == expected


def test_keras_computes_in_the_precision_it_is_told_and_only_there():
    from course_lib.models_keras import keras

    with machine.keras_on("cpu", "bfloat16"):
        layer = keras.layers.Dense(2)
        assert layer(np.ones((1, 3), np.float32)).dtype in (
            "bfloat16",
            keras.ops.ones(1, "bfloat16").dtype,
        )
    assert layer.kernel.dtype == "float32"
    for precision in ("float32", "tf32"):
        with machine.keras_on("auto", precision):
            assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(CourseError, match="no precision 'half'"), machine.keras_on("cpu", "half"):
        pass
    with pytest.raises(CourseError, match="no device 'tpu'"):
        machine.keras_device_name("tpu")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is a setting of glibc")
def test_freed_memory_is_kept_and_not_asked_for_again():
    plain, kept = run("""
import resource
import torch
from course_tools.experiments import machine

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.zeros(25_000_000)  # 100 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
machine.keep_freed_memory()
for _ in range(10):
    faults()  # until small blocks in between have found their places
print(plain, faults())
""")
    assert kept < plain / 10
