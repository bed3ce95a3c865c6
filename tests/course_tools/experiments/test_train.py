"""`course train`, from recipe to published run, with narrow models on the bundled sample."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

import damage
import small_data
from course_lib import data, metrics
from course_lib.files import CourseError
from course_lib.results import experiments, published
from course_tools.experiments import train
from course_tools.experiments.train import Settings


@pytest.fixture
def lines(monkeypatch):
    """Narrow, short recipes on a piece of the sample; what is printed is kept."""
    for name, short in experiments.EXPERIMENTS.items():
        narrow = replace(short, num_epochs=2, model_arguments={"channels": (2, 3, 4)})
        monkeypatch.setitem(experiments.EXPERIMENTS, name, narrow)
    monkeypatch.setattr(train, "NUM_MEASURED_TRAIN", 100)
    monkeypatch.setattr(train, "load_data", small_data.load)
    return []


def settings(tmp_path, lines, **changes):
    changes = {"device": "cpu", **changes}
    return Settings(runs=tmp_path / "runs", work=tmp_path, say=lines.append, **changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv_latent", "three_layer_plateau_5k"])
def test_a_recipe_becomes_a_run_with_everything_a_reader_may_ask(name, lines, tmp_path):
    run = train.train(name, 1, settings(tmp_path, lines))
    run.verify()
    manifest = run.manifest
    assert manifest["command"] == f"course train {name} --seed 1"
    assert manifest["experiment"] == name and manifest["seed"] == 1
    assert manifest["recipe"]["num_epochs"] == 2 and manifest["weights_epoch"] in (1, 2)
    assert {"numpy", "python", "torch", "keras"} <= set(manifest["versions"])
    assert "core" in manifest["device"] and manifest["peak_mb"] > 10
    assert manifest["precision"] == "float32"
    assert all(epoch["seconds"] > 0 and epoch["images_per_second"] > 0 for epoch in run.history)
    assert len(run.history) == 2 and run.predictions.shape == (2, 16, 32, 32, 3)
    validation = data.split(data.load_cifar10("sample")).x_validation
    np.testing.assert_array_equal(run.truth, validation[:16])
    assert set(manifest["metrics"]) == {
        *("train", "validation", "test"),
        *(f"gray_copy_{split}" for split in ("train", "validation", "test")),
        *(f"gray_level_table_{split}" for split in ("train", "validation", "test")),
        "first_100_test",
    }
    assert run.per_image("mse").mean() == pytest.approx(run.metrics["test"]["mse"], rel=1e-5)
    # A run on the sample does not ship with the course, and other seeds have no weights.
    assert published.names(tmp_path / "runs") == [] and run.folder.parent.name == "sample-runs"
    assert any("not published" in line for line in lines)
    with pytest.raises(CourseError, match="ships no weights"):
        _ = run.weights


@pytest.mark.slow
def test_a_run_that_was_trained_is_only_measured_again(lines, tmp_path):
    first = train.train("conv_latent", 0, settings(tmp_path, lines))
    shutil.rmtree(first.folder)
    again = train.train("conv_latent", 0, settings(tmp_path, lines, precision="bfloat16"))
    assert first.history == again.history  # seconds and all: nothing was trained
    assert again.manifest["precision"] == "float32"  # as it was trained, not as was asked for now
    assert again.model() is not None


@pytest.mark.slow
def test_a_run_in_pieces_says_all_that_it_was_trained_on(lines, tmp_path, monkeypatch):
    recipe = experiments.get("conv_latent")
    monkeypatch.setitem(experiments.EXPERIMENTS, "conv_latent", replace(recipe, num_epochs=1))
    shutil.rmtree(train.train("conv_latent", 0, settings(tmp_path, lines)).folder)
    monkeypatch.setitem(experiments.EXPERIMENTS, "conv_latent", recipe)
    monkeypatch.setattr(train.machine, "torch_device_name", lambda device: "another machine")
    manifest = train.train(
        "conv_latent", 0, settings(tmp_path, lines, precision="bfloat16")
    ).manifest
    assert manifest["precision"] == "float32, then bfloat16"
    assert "core" in manifest["device"] and manifest["device"].endswith(", then another machine")


@pytest.mark.slow
def test_what_is_published_is_left_alone_until_its_folder_is_deleted(lines, tmp_path):
    run = train.train("C", 0, settings(tmp_path, lines))
    assert train.train("C", 0, settings(tmp_path, lines)).manifest == run.manifest
    checkpoints = settings(tmp_path, lines).checkpoints("conv_latent", 0, "sample")
    assert lines[-1].endswith(
        f"published already; to train it again, delete {run.folder} and {checkpoints}"
    )
    shutil.rmtree(run.folder)
    shutil.rmtree(checkpoints)
    again = train.train("C", 0, settings(tmp_path, lines))
    assert again.folder == run.folder and "published already" not in lines[-1]
    assert again.manifest["seconds"] != run.manifest["seconds"]  # it was trained again


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv_latent", "three_layer_constant_5k"])
def test_bfloat16_is_recorded_and_measured_in_float32(name, lines, tmp_path):
    losses = {}
    for precision in ("float32", "bfloat16"):
        place = tmp_path / precision
        run = train.train(name, 0, settings(place, lines, precision=precision))
        assert run.manifest["precision"] == precision
        assert run.manifest["command"].endswith(f"--seed 0 --precision {precision}")
        losses[precision] = np.array(run.history[-1]["train_loss"])
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)
    assert losses["bfloat16"] != losses["float32"]
    model, _ = train._chosen_model(experiments.get(name), place / f"{name}-sample-seed0")
    gray = np.random.default_rng(0).random((4, 32, 32), dtype=np.float32)
    coarse = torch.from_numpy(published.predict(model, gray)).bfloat16().float().numpy()
    assert (published.predict(model, gray) != coarse).any()


@pytest.mark.parametrize(
    ("experiment", "ships"),
    [("A1", True), ("three_layer_rgb", True), ("conv_latent_paper", False)]
    + [("three_layer_plateau_5k", False)],
)
def test_runs_ship_the_weights_that_lessons_look_at(experiment, ships):
    recipe = experiments.get(experiment)
    assert train._ships_weights(recipe, 0) == ships
    assert not train._ships_weights(recipe, 1)


def test_many_images_are_measured_by_several_processes(monkeypatch):
    monkeypatch.setattr(train, "NUM_PER_TASK", 10)
    monkeypatch.setattr(train.machine, "num_cores", lambda: 2)
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 45, 32, 32, 3), dtype=np.float32)
    expected = metrics.per_image(one, other)
    for name, values in train.per_image_on_all_cores(one, other).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vae", "auto"), "There is no experiment 'vae'"),
        (("C", "float8"), "choose one of: float32, tf32, bfloat16"),
        (("A2", "float8"), "choose one of: float32, tf32, bfloat16"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, lines, tmp_path):
    name, precision = arguments
    with pytest.raises(CourseError, match=message):
        train.train(name, 0, settings(tmp_path, lines, precision=precision))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("name", ["conv_latent", "three_layer_plateau_5k"])
def test_a_gpu_that_is_not_there_is_one_sentence_in_both_frameworks(name, lines, tmp_path):
    with pytest.raises(CourseError, match="no GPU on this machine"):
        train.train(name, 0, settings(tmp_path, lines, device="cuda"))


def test_without_the_data_the_sample_serves_and_says_so_loudly(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    said = []
    assert train.load_data(said.append).name == "sample"
    assert "WARNING" in said[0] and "SAMPLE" in said[0]


CHANGES = {"learning_rate": 0.5, "num_train": 100, "batch_size": 7, "flip": True, "rotation": 1.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv_latent", "three_layer_plateau_5k"])
def test_a_recipe_that_changed_is_refused_where_a_run_resumes(name, lines, tmp_path, monkeypatch):
    """Whether epochs are left or all are trained and only measured; nothing is published."""
    recipe = experiments.get(name)
    monkeypatch.setitem(experiments.EXPERIMENTS, name, replace(recipe, num_epochs=1))
    shutil.rmtree(train.train(name, 0, settings(tmp_path, lines)).folder)
    for num_epochs in (1, 2):
        for part, value in CHANGES.items():
            changed = replace(recipe, num_epochs=num_epochs, **{part: value})
            monkeypatch.setitem(experiments.EXPERIMENTS, name, changed)
            with pytest.raises(CourseError, match="was made with another .*change that back"):
                train.train(name, 0, settings(tmp_path, lines))
    assert published.names(tmp_path / "sample-runs") == []
    monkeypatch.setitem(experiments.EXPERIMENTS, name, replace(recipe, title="a new title"))
    run = train.train(name, 0, settings(tmp_path, lines))
    assert len(run.history) == 2 and run.manifest["title"] == "a new title"


@pytest.mark.slow
def test_a_precision_counts_from_the_first_epoch_that_is_trained_in_it(lines, tmp_path):
    in_bfloat16 = settings(tmp_path, lines, precision="bfloat16", until=time.monotonic())
    assert train.train("C", 0, in_bfloat16) is None  # no time for an epoch
    with pytest.raises(CourseError, match="choose one of: float32"):
        train.train("C", 0, settings(tmp_path, lines, precision="float8", until=0.0))
    assert damage.names_in(tmp_path) == []
    assert train.train("C", 0, settings(tmp_path, lines)).manifest["precision"] == "float32"


def test_baselines_are_measured_again_if_their_file_is_damaged_or_of_other_images(tmp_path):
    known = tmp_path / "baselines.json"
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 32, 32, 3), np.uint8)
    expected = train._measure_baselines({"test": images[0]}, known)
    content = known.read_bytes()
    for changed in damage.flipped(content, 10):
        known.write_bytes(changed)
        assert train._measure_baselines({"test": images[0]}, known) == expected
        assert known.read_bytes() == content
    assert train._measure_baselines({"test": images[1]}, known) != expected


def test_baselines_are_measured_once(tmp_path, monkeypatch):
    known, images = tmp_path / "baselines.json", np.zeros((6, 32, 32, 3), np.uint8)
    expected = train._measure_baselines({"test": images}, known)
    monkeypatch.delattr(train, "per_image_on_all_cores")
    assert train._measure_baselines({"test": images}, known) == expected


MEASURE = """
import numpy as np
from course_tools.experiments import train
if __name__ == "__main__":
    train.NUM_PER_TASK, train.machine.num_cores = 50, lambda: 2
    images = np.zeros((100_000, 32, 32, 3), np.float32)
    train.per_image_on_all_cores(images, images)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_the_process_that_measures(sent, tmp_path):
    script = tmp_path / "measure.py"
    script.write_text(MEASURE)
    process = subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    workers = []
    while len(workers) < 3:  # the third one counts what the other two share
        assert process.poll() is None
        time.sleep(0.1)
        workers = psutil.Process(process.pid).children(recursive=True)
    time.sleep(2)
    (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)  # Ctrl-C reaches all
    _, said = process.communicate(timeout=60)
    assert said.count("Traceback") == (sent == signal.SIGINT)  # of the process, not of workers
    assert psutil.wait_procs(workers, timeout=20)[1] == []
