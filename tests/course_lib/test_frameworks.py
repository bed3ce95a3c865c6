"""PyTorch and TensorFlow in one process, in fresh processes, whichever comes first."""

import subprocess
import sys

import pytest

USE_BOTH = """
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
assert float(tensorflow.reduce_sum(tensorflow.ones(3))) == 3
print("both work")
"""
ORDERS = {
    "PyTorch first": "import course_lib, torch, tensorflow",
    "TensorFlow first": "import course_lib, tensorflow, torch",
    "TensorFlow before the course": "import tensorflow, course_lib, torch",
    "PyTorch before the course": "import torch, course_lib, tensorflow",
}


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning:torch", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_both_frameworks_work_in_one_process(order):
    done = run(ORDERS[order] + "\n" + USE_BOTH)
    assert (done.returncode, done.stdout) == (0, "both work\n"), done.stderr


@pytest.mark.slow
def test_our_own_modules_load_both_and_say_nothing():
    code = (
        "from course_lib import models_keras\n"
        "from course_lib.training import keras_loop, torch_loop\n"
        "import tensorflow, torch"
    )
    done = run(code + "\n" + USE_BOTH)
    assert (done.stdout, done.stderr) == ("both work\n", "")


def test_importing_the_library_loads_no_framework():
    done = run(
        "import sys, course_lib\n"
        "from course_lib import baselines, checks, data, experiments, files, grayscale, metrics\n"
        "from course_lib import plots, profiles, published, schedules, seeding, training\n"
        "from course_lib.training import record\n"
        "from course_lib import statistics\n"
        "print([n for n in ('torch', 'tensorflow', 'keras', 'triton') if sys.modules.get(n)])"
    )
    assert done.stdout == "[]\n", done.stderr
