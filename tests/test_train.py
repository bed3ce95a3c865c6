"""`course train`, from recipe to published run, with narrow models on the bundled sample."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib import data, experiments, published
from course_lib.files import CourseError
from course_tools import train

QUICK = train.Preview(None, images_per_epoch=200, num_validation=50, preview_of=("conv_latent",))


@pytest.fixture
def lines(monkeypatch):
    """Narrow, short recipes; only the sample can be had; what is said is kept."""
    for name, short in experiments.EXPERIMENTS.items():
        narrow = replace(short, num_epochs=2, model_arguments={"channels": (2, 3, 4)})
        monkeypatch.setitem(experiments.EXPERIMENTS, name, narrow)
    monkeypatch.setitem(train.PREVIEWS, "conv_latent", QUICK)
    monkeypatch.setitem(train.PREVIEWS, "three_layer_plateau_5k", replace(QUICK, preview_of=()))
    monkeypatch.setattr(train, "NUM_MEASURED_TRAIN", 100)
    monkeypatch.setattr(train, "_load_data", lambda say: data.load_cifar10("sample"))
    return []


@pytest.mark.parametrize("name", ["conv_latent", "three_layer_plateau_5k"])
def test_a_recipe_becomes_a_run_with_everything_a_reader_may_ask(name, lines, tmp_path):
    (run,) = train.train(name, "preview", 1, "cpu", tmp_path / "runs", tmp_path, lines.append)
    run.verify()
    manifest = run.manifest
    assert manifest["command"] == f"course train {name} --profile preview --seed 1"
    assert manifest["profile"] == "preview" and manifest["seed"] == 1
    assert manifest["recipe"]["num_epochs"] == 2 and manifest["weights_epoch"] in (1, 2)
    assert {"numpy", "python", "torch", "tensorflow"} <= set(manifest["versions"])
    assert "cores" in manifest["device"] and manifest["peak_mb"] > 10
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
    # A run on the sample does not ship with the course, and another seed ships no weights.
    assert published.names(tmp_path / "runs") == [] and run.folder.parent.name == "sample-runs"
    assert any("not published" in line for line in lines)
    with pytest.raises(CourseError, match="ships no weights"):
        _ = run.weights


def test_a_run_that_was_trained_is_only_measured_again(lines, tmp_path):
    arguments = ("conv_latent", "preview", 0, "cpu", tmp_path / "runs", tmp_path, lines.append)
    first, again = train.train(*arguments)[0], train.train(*arguments)[0]
    assert first.history == again.history  # seconds and all: nothing was trained
    assert again.model() is not None


def test_what_is_published_is_left_alone_and_full_replaces_preview(lines, tmp_path):
    (run,) = train.train("C", "preview", 0, "cpu", tmp_path / "runs", tmp_path, lines.append)
    runs = run.folder.parent
    assert train._already_published("conv_latent", "preview", runs) is not None
    assert train._already_published("conv_latent", "full", runs) is None
    assert train._already_published("fc_latent", "preview", runs) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("vae",), "There is no experiment 'vae'"),
        (("C", "fast"), "choose preview or full"),
        (("conv_latent_paper", "preview"), "has no preview"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words, tmp_path):
    with pytest.raises(CourseError, match=words):
        train.train(*arguments, runs=tmp_path, work=tmp_path, say=lambda line: None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("name", ["conv_latent", "three_layer_plateau_5k"])
def test_a_gpu_that_is_not_there_is_one_sentence_in_both_frameworks(name, lines, tmp_path):
    with pytest.raises(CourseError, match="no GPU on this machine"):
        train.train(name, "preview", 0, "cuda", tmp_path / "runs", tmp_path, lines.append)


def test_without_the_data_the_sample_serves_and_says_so_loudly(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    said = []
    assert train._load_data(said.append).name == "sample"
    assert "WARNING" in said[0] and "SAMPLE" in said[0]
