"""Published runs: what ships is whole, verified and what its manifest says."""

import json

import numpy as np
import pytest
import torch

import damage
from course_lib import data
from course_lib.files import CourseError
from course_lib.models_torch import ConvLatentAutoencoder
from course_lib.results import experiments, published
from course_lib.training.record import Record
from course_tools.experiments import publish

MANIFEST = {
    "experiment": "conv_latent",
    "letter": "C",
    "title": "t",
    "seed": 0,
}


def record():
    value = Record()
    value.add_epoch(
        train_loss=0.02,
        validation_loss=0.01,
        learning_rate=1e-3,
        next_learning_rate=1e-4,
        seconds=2.0,
        num_images=50,
        kept_predictions=np.full((16, 32, 32, 3), 0.5),
    )
    return value


def write(runs, name="conv_latent", weights=None, **changes):
    manifest = {**MANIFEST, **changes}
    truth = np.zeros((16, 32, 32, 3), np.uint8)
    errors = {"mse": np.arange(3.0)}
    return publish.write(name, manifest, record(), truth, errors, weights, runs)


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    torch.manual_seed(0)
    model = ConvLatentAutoencoder()
    write(tmp_path, weights=publish.weights_as_float16(model))
    run = published.load("conv_latent", tmp_path)
    run.verify()
    assert run.history == record().history and run.history[0]["images_per_second"] == 25
    assert run.manifest["events"] == [{"epoch": 1, "what": "learning rate 0.001 -> 0.0001"}]
    assert run.predictions.shape == (1, 16, 32, 32, 3) and (run.predictions == 128).all()
    np.testing.assert_array_equal(run.per_image("mse"), [0, 1, 2])
    for loaded, original in zip(run.model().parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(loaded, original.half().float(), rtol=0, atol=0)


def test_a_students_own_class_with_the_same_layer_names_can_load_the_weights(tmp_path):
    class Mine(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.only = torch.nn.Conv2d(1, 3, 3)

    original, other = Mine(), Mine()
    run = write(tmp_path, weights=publish.weights_as_float16(original))
    run.load_into(other)
    torch.testing.assert_close(other.only.weight, original.only.weight.half().float())
    with pytest.raises(CourseError, match=r"has weight of shape \(2, 2\), the file none"):
        run.load_into(torch.nn.Linear(2, 2))


def test_a_run_without_weights_says_so(tmp_path):
    with pytest.raises(CourseError, match="ships no weights"):
        _ = write(tmp_path).weights


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_damage_is_one_sentence(tmp_path, harm):
    run = write(tmp_path)
    path = run.folder / "predictions.npz"
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    for look in (run.verify, lambda: run.predictions):
        with pytest.raises(CourseError, match="restore it with: git checkout"):
            look()


def test_every_flipped_byte_of_a_run_is_found(tmp_path):
    """In the manifest and in all that it names."""
    weights = {"weight": np.ones((3, 4), np.float16)}
    run = write(tmp_path, weights=weights)
    assert damage.names_in(run.folder) == [
        *("manifest.json", "per_image.npz", "predictions.npz", "weights.safetensors")
    ]
    for path in sorted(run.folder.iterdir()):
        content = path.read_bytes()
        for changed in damage.flipped(content):
            path.write_bytes(changed)
            with pytest.raises(CourseError, match="restore it with: git checkout"):
                published.load("conv_latent", tmp_path).verify()
        path.write_bytes(content)
    published.load("conv_latent", tmp_path).verify()


def test_a_run_under_the_name_of_another_is_refused(tmp_path):
    write(tmp_path).folder.rename(tmp_path / "conv_latent-seed1")
    with pytest.raises(CourseError, match="conv_latent-seed1 is of another run, conv_latent;"):
        published.load("conv_latent-seed1", tmp_path)


def test_a_full_disk_is_one_sentence_and_keeps_the_old_run(tmp_path):
    weights = {"weight": np.random.default_rng(0).random((300, 300)).astype(np.float16)}
    write(tmp_path, title="first", weights=weights)
    sizes = [path.stat().st_size for path in (tmp_path / "conv_latent").iterdir()]
    for limit in [10, *(size - 1 for size in sorted(sizes))]:
        message = "could not be written .*the training itself is kept"
        with pytest.raises(CourseError, match=message), damage.full_disk(limit):
            write(tmp_path, title="second", weights=weights)
        assert damage.names_in(tmp_path) == ["conv_latent"]
    run = published.load("conv_latent", tmp_path)
    run.verify()
    assert run.manifest["title"] == "first"


def test_unknown_runs_and_damaged_manifests_are_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="there are: none yet"):
        published.load("conv_latent", tmp_path)
    run = write(tmp_path)
    (run.folder / "manifest.json").write_text("{")
    with pytest.raises(CourseError, match="manifest .* is damaged"):
        published.load("conv_latent", tmp_path)


def test_writing_again_replaces_whole_and_a_failure_keeps_the_old(tmp_path, monkeypatch):
    write(tmp_path, title="first")
    write(tmp_path, title="second")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(CourseError, match="the training itself is kept"):
        write(tmp_path, title="third")
    assert published.load("conv_latent", tmp_path).manifest["title"] == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["conv_latent"]


# What ships with the course.


@pytest.mark.parametrize("name", published.names())
def test_shipped_run_is_whole_and_its_manifest_complete(name):
    run = published.load(name)
    run.verify()
    assert {"experiment", "seed", "command", "commit", "versions", "device", "data"} <= set(
        run.manifest
    )
    assert len(run.predictions) == len(run.history)
    assert run.truth.shape == (16, 32, 32, 3)
    assert run.manifest["data"]["sha256"] == data.ARRAY_HASHES
    assert len(run.per_image()) == 10_000
    mse = run.metrics["test"]["mse"]
    assert run.per_image("mse").mean() == pytest.approx(mse, rel=1e-5)
    assert run.metrics["gray_copy_test"]["mse"] == pytest.approx(0.00662, abs=5e-6)
    parts = run.per_image("mse_luma") + run.per_image("mse_chroma")
    np.testing.assert_allclose(parts, run.per_image("mse"), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", ["three_layer_plateau", "fc_latent", "conv_latent"])
def test_shipped_weights_give_the_metric_in_the_manifest(name):
    run = published.load(name)
    rgb = data.as_float(data.load_cifar10("sample").x_test[:100])
    gray = experiments.model_input(experiments.get(name), rgb)
    prediction = published.predict(run.model(), gray)
    mse = float(((prediction - rgb) ** 2).mean())
    assert mse == pytest.approx(run.metrics["first_100_test"]["mse"], rel=1e-3)


def test_shipped_weights_keep_to_40_mb():
    sizes = [p.stat().st_size for p in published.RUNS.glob("*/weights.safetensors")]
    assert 0 < sum(sizes) <= 40 * 2**20  # of which full runs of A1, A2, B, C and RGB take 39.6


def test_every_manifest_is_plain_json():
    for name in published.names():
        text = (published.RUNS / name / "manifest.json").read_text()
        assert "/tmp" not in text and "/home" not in text
        json.loads(text)
