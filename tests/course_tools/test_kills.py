"""SIGKILL at random moments: what is stored is whole, and the next run ends as if undisturbed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def kill(scenario: str, folder: Path, num_kills: int) -> int:
    """How many of `num_kills` attempts were killed before they had ended. See support/kills.py."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": "torch",  # TensorFlow does not live through a fork
        "OMP_NUM_THREADS": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")]),
    }
    script = ROOT / "tests" / "support" / "kills.py"
    command = [sys.executable, str(script), scenario, str(folder), str(num_kills)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["torch", "keras", "publish", "build", "start"])
def test_three_kills_lose_nothing(scenario, tmp_path):
    assert kill(scenario, tmp_path, 3) > 0
