"""The training scrubber, Python side: what goes to the browser is what the run holds."""

import base64
import copy
import dataclasses
import io
import shutil

import numpy as np
import pytest
from matplotlib import image

from course_lib import data, grayscale, widgets
from course_lib.results import published


@pytest.fixture(scope="module", params=["conv_latent", "three_layer_plateau_5k"])
def run(request):
    return published.load(request.param)


@pytest.fixture(scope="module")
def widget(run):
    return widgets.scrub_training(run)


def test_the_bytes_are_those_of_the_run(run, widget):
    predictions = np.frombuffer(widget.predictions, np.uint8).reshape(*widget.size, 3)
    np.testing.assert_array_equal(predictions, run.predictions)
    truth = np.frombuffer(widget.truth, np.uint8).reshape(run.truth.shape)
    np.testing.assert_array_equal(truth, run.truth)


def test_gray_is_the_courses_gray_of_the_truth(run, widget):
    gray = np.frombuffer(widget.gray, np.uint8).reshape(run.truth.shape)
    assert (gray == gray[..., :1]).all()
    expected = grayscale.to_gray(data.as_float(run.truth))
    np.testing.assert_allclose(gray[..., 0] / 255, expected, atol=0.5 / 255 + 1e-6)


def test_curves_have_a_loss_for_every_picture(run, widget):
    assert widget.curves["training"] == [epoch["train_loss"] for epoch in run.history]
    assert widget.curves["validation"] == [epoch["validation_loss"] for epoch in run.history]
    assert set(widget.curves["gray copy"]) == {run.metrics["gray_copy_validation"]["mse"]}
    assert {len(losses) for losses in widget.curves.values()} == {widget.size[0]}
    assert widget.events == [event["epoch"] for event in run.manifest["events"]]
    assert (widget.title, widget.error) == (run.label, "")


def test_a_still_picture_with_its_text_is_left(run, widget):
    content, metadata = widget._repr_mimebundle_()
    picture = image.imread(io.BytesIO(base64.b64decode(content["image/png"])))
    assert picture.shape[0] > 5 * 32 and picture.shape[1] > 8 * 32
    assert run.label in metadata["image/png"]["alt"]
    assert content["text/plain"] == metadata["image/png"]["alt"]


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_damaged_run_gives_one_sentence_and_no_traceback(run, tmp_path, harm):
    there = tmp_path / run.folder.name
    shutil.copytree(run.folder, there)
    if harm == "changed":
        (there / "predictions.npz").write_bytes(b"not what it was")
    else:
        (there / "predictions.npz").unlink()
    notice = widgets.scrub_training(published.load(run.folder.name, tmp_path))
    assert "predictions.npz" in notice.error and "git checkout" in notice.error
    content, _ = notice._repr_mimebundle_()
    assert content["text/plain"] == notice.error


def test_what_is_no_run_gives_one_sentence():
    for no_run in (None, "conv_latent", {"predictions": np.zeros((3, 16, 32, 32, 3))}):
        assert "scrub_training(published.load(" in widgets.scrub_training(no_run).error


@pytest.mark.parametrize(
    "harm, message",
    [
        (lambda history: history.pop(), "but both are needed of every epoch"),
        (lambda history: history.clear(), "has losses of 0 epochs"),
        (lambda history: history[2].update(train_loss=float("nan")), "hold NaN or infinite"),
        (lambda history: history[2].update(validation_loss=float("inf")), "hold NaN or infinite"),
    ],
)
def test_losses_that_do_not_fit_the_pictures_give_one_sentence(run, harm, message):
    manifest = copy.deepcopy(run.manifest)
    harm(manifest["history"])
    assert message in widgets.scrub_training(dataclasses.replace(run, manifest=manifest)).error
