"""The queue of all runs: its order, and that it can be interrupted anywhere and resumes."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import small_data
from course_lib.results import experiments
from course_tools.experiments import train, training_queue
from course_tools.experiments.train import Settings
from course_tools.experiments.training_queue import PlannedRun

ROOT = Path(__file__).resolve().parents[3]


def test_runs_are_made_in_the_order_of_their_use():
    made = training_queue.planned_runs()
    letters = [experiments.get(planned.name).letter for planned in made]
    assert letters[:4] == letters[4:8] == ["A1", "A2", "B", "C"]
    assert all(planned.name.endswith("_paper") for planned in made[:4])
    names = ("three_layer_plateau", "three_layer_constant", "fc_latent", "conv_latent")
    counts = Counter(planned.name for planned in made)
    assert [counts[name] for name in names] == [5, 5, 3, 3]
    assert {planned.name for planned in made} == set(experiments.EXPERIMENTS)
    assert len({planned.run for planned in made}) == len(made)
    seeds = [planned.seed for planned in made[4:20]]
    assert seeds == sorted(seeds)


@pytest.fixture
def short(monkeypatch):
    """Narrow recipes of three epochs, two planned runs, on a piece of the sample."""
    for name, recipe in experiments.EXPERIMENTS.items():
        narrow = replace(recipe, num_epochs=3, model_arguments={"channels": (2, 3, 4)})
        monkeypatch.setitem(experiments.EXPERIMENTS, name, narrow)
    monkeypatch.setattr(
        training_queue,
        "planned_runs",
        lambda: [PlannedRun("conv_latent"), PlannedRun("fc_latent", 1)],
    )
    monkeypatch.setattr(train, "NUM_MEASURED_TRAIN", 100)
    monkeypatch.setattr(train, "load_data", small_data.load)


@pytest.mark.slow
def test_pieces_make_the_whole_and_the_table_says_what_is_left(short, tmp_path, monkeypatch):
    lines = []
    settings = Settings("cpu", work=tmp_path, say=lines.append)
    assert training_queue.train_all(settings, minutes=0)[0].num_epochs == 0
    assert "time is up after epoch 0 of 3" in lines[1]
    assert "0 of 2 runs are done; 2 left: the same command resumes." in lines[-1]

    # A clock that jumps: the first part ends after two epochs, the second in the next run.
    now = time.monotonic()
    ticks = []
    monkeypatch.setattr(time, "monotonic", lambda: now + 20 * len(ticks))
    add_epoch = train.Record.add_epoch
    monkeypatch.setattr(
        train.Record, "add_epoch", lambda *a, **k: (add_epoch(*a, **k), ticks.append(1))
    )
    found = training_queue.train_all(settings, minutes=0.9)
    assert [(state.num_epochs, state.published) for state in found] == [(2, None), (0, None)]
    row = next(line for line in lines[-1].splitlines() if line.startswith("conv_latent"))
    assert row.split() == ["conv_latent", "2/3", "-", "-", "started"]
    found = training_queue.train_all(settings, minutes=0.9)
    assert found[0].published and found[1].num_epochs == 1
    assert "an epoch takes about 20 s here" in lines[-2]
    found = training_queue.train_all(settings)
    assert all(state.published for state in found) and len(ticks) == 6
    assert "2 of 2 runs are done; nothing is left to do." in lines[-1]
    assert training_queue.train_all(settings) and len(ticks) == 6  # what is done is left alone


WHOLE_QUEUE = """
import json, os, signal, sys
from dataclasses import replace
from pathlib import Path
import small_data
from course_lib import experiments, published
from course_tools.experiments import train, training_queue
from course_tools.experiments.training_queue import PlannedRun

work, kill_in = Path(sys.argv[1]), sys.argv[2:]
for name, recipe in experiments.EXPERIMENTS.items():
    small = {"num_epochs": 3, "model_arguments": {"channels": (2, 3, 4)}}
    experiments.EXPERIMENTS[name] = replace(recipe, **small, num_train=200)
names = ["three_layer_plateau", *json.loads(os.environ["MORE_JOBS"])]
seed = int(os.environ["SEED"])
training_queue.planned_runs = lambda: [PlannedRun(name, seed) for name in names]
train.NUM_MEASURED_TRAIN = 100
train.load_data = small_data.load
if kill_in:  # in the second epoch of that run, after its first batches
    from course_lib.training import keras_loop, torch_loop
    count = 0
    def count_and_die(function, at):
        def counted(*arguments, **more):
            global count
            count += 1
            if count > at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **more)
        return counted
    if kill_in == ["conv_latent"]:
        torch_loop.training_step = count_and_die(torch_loop.training_step, 3)
    else:
        recorder = keras_loop.Recorder
        recorder.on_train_batch_end = count_and_die(recorder.on_train_batch_end, 10)
found = training_queue.train_all(train.Settings("cpu", work=work))
runs = [state.published for state in found]
print(json.dumps([[run.manifest["device"], run.history] for run in runs]))
"""


def run_queue(work, *kill_in, seed=0):
    # TensorFlow runs in the other tests; here Keras runs on another backend.
    has_torch = importlib.util.find_spec("torch") is not None
    backend = {"KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "torch")}
    more = {"SEED": str(seed), "MORE_JOBS": json.dumps(["conv_latent"] if has_torch else [])}
    command = [sys.executable, "-c", WHOLE_QUEUE, str(work), *kill_in]
    environment = {
        **os.environ,
        **backend,
        **more,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")]),
    }
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.mark.slow
def test_a_queue_that_is_killed_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    whole = run_queue(tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    expected = json.loads(whole.stdout.splitlines()[-1])
    assert "Keras on" in expected[0][0] and "tensorflow" not in expected[0][0]

    names = ["three_layer_plateau", "conv_latent"][: len(expected)]
    for name in names:
        killed = run_queue(tmp_path / "pieces", name)
        assert killed.returncode == -9, killed.stderr
        kept = tmp_path / "pieces" / f"{name}-sample-seed0"
        assert train.num_epochs_kept(kept) == 1
    resumed = run_queue(tmp_path / "pieces")
    found = json.loads(resumed.stdout.splitlines()[-1])
    for (_, history), (_, wanted) in zip(found, expected, strict=True):
        for epoch, other in zip(history, wanted, strict=True):
            for which in ("train_loss", "validation_loss", "learning_rate"):
                np.testing.assert_allclose(epoch[which], other[which], rtol=1e-6)

    # Another seed starts from other weights, though every process is fresh.
    other = json.loads(run_queue(tmp_path / "other", seed=1).stdout.splitlines()[-1])
    for (_, history), (_, wanted) in zip(other, expected, strict=True):
        assert history[0]["validation_loss"] != pytest.approx(wanted[0]["validation_loss"], 1e-6)
