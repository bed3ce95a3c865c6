"""Comparing models: what the browser is given is what the arrays and the metrics say."""

import numpy as np
import pytest

from course_lib import data, grayscale, metrics
from course_lib.widgets import compare, compare_models

rng = np.random.default_rng(6)
TRUTH = rng.random((5, 12, 16, 3), dtype=np.float32)
PICTURES = {
    "near": np.clip(TRUTH + 0.02, 0, 1),
    "pale": TRUTH / 2 + 0.25,
    "noise": rng.random(TRUTH.shape),
}
ROW = {key: row for row, (key, _, _) in enumerate(compare.METRICS)}


def pixels(widget):
    """uint8 (P, N, H, W, 3) as it is sent."""
    return np.frombuffer(widget.pixels, np.uint8).reshape(-1, *widget.size, 3)


def sent_scores(widget):
    """float32 (P, K, N) as they are sent."""
    return np.frombuffer(widget.scores, np.float32).reshape(-1, len(ROW), widget.size[0])


def best(widget):
    """bool (P, K, N) as it is sent."""
    return np.frombuffer(widget.best, np.uint8).reshape(-1, len(ROW), widget.size[0]).astype(bool)


@pytest.fixture(scope="module")
def widget():
    return compare_models(PICTURES, TRUTH, classes=[3, 0, 3, 9, 0])


def levels(images):
    return np.rint(images * 255).astype(np.uint8)


def test_pixels_are_those_of_the_arrays(widget):
    gray, *models, truth = pixels(widget)
    assert widget.names == ["gray", *PICTURES, "truth"]
    np.testing.assert_array_equal(gray[..., 1], levels(grayscale.to_gray(TRUTH)))
    np.testing.assert_array_equal(gray[..., [0, 2]], gray[..., [1, 1]])
    for sent, given in zip(models, PICTURES.values(), strict=True):
        np.testing.assert_array_equal(sent, levels(given))
    np.testing.assert_array_equal(truth, levels(TRUTH))


def test_scores_are_those_of_metrics(widget):
    sent = sent_scores(widget)
    for model, predicted in zip(sent[1:-1], PICTURES.values(), strict=True):
        scores = metrics.per_image(predicted, TRUTH)
        np.testing.assert_allclose(model, [scores[key] for key in ROW], rtol=1e-6)
    assert np.isnan(sent[0]).all() and np.isnan(sent[-1, :-1]).all()
    np.testing.assert_allclose(sent[-1, -1], metrics.colourfulness(TRUTH), rtol=1e-6)


def test_eight_bits_are_shown_as_they_are_and_measured_as_floats():
    eight_bits = {name: levels(images) for name, images in PICTURES.items()}
    widget = compare_models(eight_bits, levels(TRUTH))
    np.testing.assert_array_equal(pixels(widget)[1:-1], list(eight_bits.values()))
    scores = metrics.per_image(data.as_float(eight_bits["pale"]), data.as_float(levels(TRUTH)))
    np.testing.assert_allclose(sent_scores(widget)[2, ROW["ssim"]], scores["ssim"], rtol=1e-6)


def test_the_best_of_a_line_is_marked_whatever_its_direction(widget):
    values, marks = sent_scores(widget)[1:-1], best(widget)
    for key in ("mse", "mse_luma", "mse_chroma", "ciede2000"):
        np.testing.assert_array_equal(
            marks[1:-1, ROW[key]].argmax(0), values[:, ROW[key]].argmin(0)
        )
    for key in ("psnr", "ssim"):
        np.testing.assert_array_equal(
            marks[1:-1, ROW[key]].argmax(0), values[:, ROW[key]].argmax(0)
        )
    assert (marks[1:-1].sum(axis=0) == 1).all()
    assert not marks[[0, -1]].any(), "gray and truth are not compared"


def test_the_best_colourfulness_is_the_nearest_not_the_greatest():
    vivid = np.clip(1.6 * (TRUTH - 0.5) + 0.5, 0, 1)
    marks = best(compare_models({"vivid": vivid, "near": PICTURES["near"]}, TRUTH))
    assert (metrics.colourfulness(vivid) > metrics.colourfulness(TRUTH)).all()
    assert marks[2, ROW["colourfulness"]].all() and not marks[1, ROW["colourfulness"]].any()


def test_scores_that_are_printed_alike_are_marked_alike():
    step = np.float32(1e-7)  # far below the last digit of any score
    noise = np.clip(PICTURES["noise"], 0.1, 0.9)
    assert best(compare_models({"one": noise, "other": noise + step}, TRUTH))[1:3].all()


@pytest.mark.parametrize("classes", [[3, 5], np.array([3, 5]), ["cat", "dog"]])
def test_classes_are_names_or_numbers(classes):
    few = {name: images[:2] for name, images in PICTURES.items()}
    assert compare_models(few, TRUTH[:2], classes=classes).classes == ["cat", "dog"]
    assert compare_models(few, TRUTH[:2]).classes == []


@pytest.mark.parametrize("shape", [(5, 12, 16), (5, 12, 16, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_the_gray_input_may_be_another_one(shape, dtype):
    given = rng.integers(0, 256, shape).astype(np.uint8)
    gray = given if dtype == np.uint8 else given / 255
    sent = pixels(compare_models(PICTURES, TRUTH, gray))[0]
    np.testing.assert_array_equal(sent, np.repeat(given.reshape(5, 12, 16, 1), 3, axis=-1))


def with_nan():
    images = TRUTH.copy()
    images[2, 3, 4, 1] = np.nan
    return images


@pytest.mark.parametrize(
    ("pictures", "truth", "more", "says"),
    [
        ({}, TRUTH, {}, "at least one name"),
        (TRUTH, TRUTH, {}, "at least one name"),
        ({"truth": TRUTH}, TRUTH, {}, "another name"),
        ({"A": TRUTH[:3]}, TRUTH, {}, "'A' has shape (3, 12, 16, 3)"),
        ({"A": TRUTH[:, :, :12]}, TRUTH, {}, "'A' has shape (5, 12, 12, 3)"),
        ({"A": TRUTH[0]}, TRUTH[0], {}, "(N, H, W, 3)"),
        ({"A": TRUTH[..., 0]}, TRUTH, {}, "last axis must be 3"),
        ({"A": np.moveaxis(TRUTH, -1, 1)}, TRUTH, {}, "channels first"),
        ({"A": TRUTH[:0]}, TRUTH[:0], {}, "is empty"),
        ({"A": [TRUTH[0], TRUTH[1, :5]]}, TRUTH, {}, "cannot be read"),
        ({"A": with_nan()}, TRUTH, {}, "'A' holds NaN"),
        ({"A": TRUTH * 255}, TRUTH, {}, "divide by 255"),
        ({"A": TRUTH}, TRUTH - 0.5, {}, "truth must be in [0, 1]"),
        ({"A": TRUTH[:, :8]}, TRUTH[:, :8], {}, "too small"),
        (PICTURES, TRUTH, {"gray": TRUTH}, "gray must have shape"),
        (PICTURES, TRUTH, {"gray": TRUTH[:3, ..., 0]}, "'gray' has shape (3, "),
        (PICTURES, TRUTH, {"classes": [1, 2]}, "2 entries, but there are 5 images"),
        (PICTURES, TRUTH, {"classes": [0, 1, 2, 3, 10]}, "numbers from 0 to 9"),
        (PICTURES, TRUTH, {"classes": [-1] * 5}, "numbers from 0 to 9"),
        (PICTURES, TRUTH, {"classes": np.eye(5)}, "classes must be names"),
        (PICTURES, TRUTH, {"classes": 3}, "classes must be names"),
    ],
)
def test_what_cannot_be_compared_gives_one_sentence(pictures, truth, more, says):
    notice = compare_models(pictures, truth, **more)
    assert not isinstance(notice, compare.Compare)
    assert says in notice.error and "\n" not in notice.error
    assert notice._repr_mimebundle_()[0]["text/plain"] == notice.error


def test_more_than_a_page_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr(compare, "LIMIT", 5 * TRUTH.size)
    assert not compare_models(PICTURES, TRUTH).error
    monkeypatch.setattr(compare, "LIMIT", 5 * TRUTH.size - 1)
    assert "5 times 5 images" in compare_models(PICTURES, TRUTH).error


def test_there_is_a_still_picture_with_alt_text(widget):
    bundle, metadata = widget._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBOR")
    assert metadata["image/png"]["alt"] == bundle["text/plain"]
    for word in ("cat", *widget.names):
        assert word in bundle["text/plain"]
