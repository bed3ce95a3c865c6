"""The grayscale mixer, Python side: what its bytes hold, and a sentence for bad input."""

import base64
import io

import numpy as np
import pytest
from matplotlib import image

from course_lib import data, grayscale, widgets
from course_lib.files import CourseError
from course_lib.widgets import mixer

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def widget():
    return widgets.mix_gray(PHOTOS)


def gray_of(widget):
    """float32 (H, N * W): the latest answer."""
    count, height, width = widget.size
    return np.frombuffer(widget.answer["gray"], np.float32).reshape(height, count * width)


@pytest.mark.parametrize("photos", [PHOTOS, data.as_float(PHOTOS)], ids=["uint8", "float"])
def test_the_bytes_are_the_photographs_side_by_side(photos):
    widget = widgets.mix_gray(photos)
    assert (widget.error, widget.size) == ("", [3, 8, 6])
    row = np.frombuffer(widget.row, np.uint8).reshape(8, 18, 3)
    for number, photo in enumerate(PHOTOS):
        np.testing.assert_array_equal(row[:, 6 * number : 6 * number + 6], photo)


def test_weights_are_those_of_the_course_and_add_up_to_one(widget):
    assert widget.weights["BT.601"] == list(grayscale.BT601)
    assert widget.weights["BT.709"] == list(grayscale.BT709)
    for name, weights in widget.weights.items():
        assert sum(weights) == pytest.approx(1, abs=1e-12), name
    singles = [weights for weights in widget.weights.values() if 1 in weights]
    assert sorted(singles) == sorted(np.eye(3).tolist())


def test_all_libraries_are_offered_and_the_channel_mean(widget):
    assert set(grayscale.library_conversions()) < set(widget.libraries)
    assert "linear light" in widget.libraries
    mean = mixer.convert("channel mean", PHOTOS)
    np.testing.assert_allclose(mean, PHOTOS.sum(axis=-1) / 3, rtol=1e-6)


@pytest.mark.parametrize("library", mixer.conversions())
def test_a_library_is_answered_with_its_own_gray(widget, library):
    widget.request = [library]
    assert widget.answer["request"] == [library] and "failure" not in widget.answer
    gray = mixer.conversions()[library](PHOTOS)  # (N, H, W)
    np.testing.assert_allclose(gray_of(widget), np.concatenate(gray, axis=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda rgb: 1 / 0, "division by zero"),
        (lambda rgb: rgb, "no gray for each pixel"),
        (lambda rgb: np.full(rgb.shape[:-1], np.nan), "no gray for each pixel"),
    ],
    ids=["raises", "wrong shape", "NaN"],
)
def test_a_library_that_fails_gives_a_reason_and_others_still_work(monkeypatch, broken, said):
    widget = widgets.mix_gray(PHOTOS)
    monkeypatch.setattr(mixer, "conversions", lambda: {"broken": broken, "good": np.max})
    with pytest.raises(CourseError, match=said):
        mixer.convert("broken", PHOTOS)
    widget.request = ["broken"]
    assert said in widget.answer["failure"] and "choose another" in widget.answer["failure"]
    monkeypatch.setattr(mixer, "conversions", lambda: {"good": lambda rgb: rgb[..., 0]})
    widget.request = ["good"]
    np.testing.assert_array_equal(gray_of(widget), np.concatenate(PHOTOS[..., 0], axis=1))


def test_a_still_picture_with_its_text_is_left(widget):
    content, metadata = widget._repr_mimebundle_()
    picture = image.imread(io.BytesIO(base64.b64decode(content["image/png"])))
    assert picture.shape[0] > 5 * 8 and np.ptp(picture[..., :3]) > 0.5
    assert "BT.601" in metadata["image/png"]["alt"]
    assert content["text/plain"] == metadata["image/png"]["alt"]


@pytest.mark.parametrize(
    ("photos", "said"),
    [
        (PHOTOS[:0], "empty"),
        (PHOTOS[0], r"(N, H, W, 3)"),
        (PHOTOS[..., 0], r"(N, H, W, 3)"),
        ([PHOTOS[0], PHOTOS[1, :4]], "one shape"),
        ("frog", r"(N, H, W, 3)"),
        (PHOTOS.astype(float), "divide by 255"),
        (PHOTOS.astype(int), "integers"),
        (np.full((1, 4, 4, 3), np.nan), "NaN"),
        (np.zeros((13, 4, 4, 3)), "at most 12"),
        (np.zeros((1, 4, 257, 3)), "256 x 256"),
        (np.zeros((1, 0, 4, 3)), "empty"),
    ],
)
def test_bad_photographs_give_one_sentence(photos, said):
    notice = widgets.mix_gray(photos)
    assert said in notice.error
    content, _ = notice._repr_mimebundle_()
    assert content["text/plain"] == notice.error and "image/png" not in content
