"""Metrics, each compared with a value computed by hand or published."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.color import lab2rgb

from course_lib import metrics
from course_lib.files import CourseError
from course_lib.grayscale import to_gray

W_SQUARED = 0.446966  # 0.299^2 + 0.587^2 + 0.114^2


def constant(*colour: float, n: int = 1, size: int = 16) -> np.ndarray:
    return np.full((n, size, size, 3), colour, np.float32)


def test_uniform_error_of_a_tenth():
    scores = metrics.evaluate(constant(0.5), constant(0.4))
    assert scores["mse"] == pytest.approx(0.01, rel=1e-5)
    assert scores["mae"] == pytest.approx(0.1, rel=1e-5)
    assert scores["psnr"] == pytest.approx(20, abs=1e-4)
    assert scores["psnr_per_image"] == pytest.approx(20, abs=1e-4)
    # w.e = 0.1, because the weights add up to 1
    assert scores["mse_luma"] == pytest.approx(0.01 / (3 * W_SQUARED), rel=1e-5)
    # without contrast SSIM is (2ab + c) / (a^2 + b^2 + c) with c = 0.0001
    assert scores["ssim"] == pytest.approx(0.4001 / 0.4101, abs=1e-5)
    assert scores["colourfulness"] == 0


def test_one_changed_pixel():
    target = constant(0.0)
    prediction = target.copy()
    prediction[0, 8, 8, 0] = 1  # red, in one of 256 pixels
    scores = metrics.evaluate(prediction, target)
    assert scores["mse"] == pytest.approx(1 / 768)
    assert scores["mae"] == pytest.approx(1 / 768)
    assert scores["mse_luma"] == pytest.approx(0.299**2 / (3 * W_SQUARED) / 256)
    assert scores["mse_chroma"] == pytest.approx((0.587**2 + 0.114**2) / (3 * W_SQUARED) / 256)


def test_identical_images_are_reported_with_finite_numbers():
    images = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    scores = metrics.evaluate(images, images)
    assert scores["psnr"] == scores["psnr_per_image"] == metrics.PSNR_LIMIT == 100
    assert scores["ssim"] == pytest.approx(1)
    for name in ("mse", "mse_luma", "mse_chroma", "mae", "ciede2000"):
        assert scores[name] == 0, name
    assert scores["colourfulness"] == scores["colourfulness_target"] > 0
    json.dumps(scores, allow_nan=False)


def test_pooled_and_mean_psnr_are_different_numbers():
    target = np.concatenate([constant(0.5), constant(0.5)])
    prediction = np.concatenate([constant(0.6), constant(0.51)])  # MSE 0.01 and 0.0001
    scores = metrics.evaluate(prediction, target)
    assert scores["psnr_per_image"] == pytest.approx((20 + 40) / 2, abs=1e-3)
    assert scores["psnr"] == pytest.approx(22.967, abs=1e-3)  # -10 log10(0.00505)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # the pairs of Sharma, Wu and Dalal 2005, table 1, that sRGB can show
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_ciede2000_of_published_pairs(first, second, expected):
    prediction, target = (constant(*lab2rgb(np.array(lab))) for lab in (first, second))
    assert metrics.evaluate(prediction, target)["ciede2000"] == pytest.approx(expected, abs=5e-4)


def test_ciede2000_is_a_mean_over_pixels():
    target = constant(0.0)
    prediction = target.copy()
    prediction[0, :4] = 1  # a quarter of the pixels is white: 100 away from black
    assert metrics.evaluate(prediction, target)["ciede2000"] == pytest.approx(25, abs=1e-3)


def test_colourfulness_by_hand():
    image = constant(1.0, 0.0, 0.0)  # left half red: rg = 255, yb = 127.5
    image[:, :, 8:] = (0, 0, 1)  # right half blue: rg = 0, yb = -255
    spread = (127.5**2 + 191.25**2) ** 0.5
    offset = (127.5**2 + 63.75**2) ** 0.5
    assert metrics.colourfulness(image) == pytest.approx(spread + 0.3 * offset)


def test_black_and_white_has_no_colour():
    checks = np.indices((16, 16)).sum(axis=0) % 2
    image = np.repeat(checks[..., np.newaxis], 3, axis=-1).astype(np.float32)
    assert metrics.colourfulness(image) == 0
    scores = metrics.evaluate(image[np.newaxis], constant(1.0, 0.0, 0.0))
    assert scores["colourfulness"] == 0
    # a plain red has no spread: 0.3 sqrt(255^2 + 127.5^2)
    assert scores["colourfulness_target"] == pytest.approx(85.53, abs=0.01)


pixels = st.floats(0, 1, width=32)
images = arrays(np.float32, (2, 11, 11, 3), elements=pixels)


@settings(max_examples=30, deadline=None)
@given(images, images)
def test_luma_and_chroma_add_up_to_the_mse(prediction, target):
    scores = metrics.per_image(prediction, target)
    np.testing.assert_allclose(
        scores["mse_luma"] + scores["mse_chroma"], scores["mse"], rtol=1e-12, atol=1e-18
    )
    assert (scores["mse_luma"] >= 0).all() and (scores["mse_chroma"] >= 0).all()
    gray_error = (prediction.astype(float) - target) @ (0.299, 0.587, 0.114)
    expected = np.square(gray_error).mean(axis=(1, 2)) / (3 * W_SQUARED)
    np.testing.assert_allclose(scores["mse_luma"], expected, rtol=1e-9, atol=1e-18)


@settings(max_examples=30, deadline=None)
@given(images)
def test_a_gray_copy_has_no_luma_error(target):
    copy = np.repeat(to_gray(target, keepdims=True), 3, axis=-1)
    scores = metrics.per_image(copy, target)
    assert (scores["mse_luma"] < 1e-14).all()  # float32 rounds the gray
    np.testing.assert_allclose(scores["mse_chroma"], scores["mse"], rtol=1e-6, atol=1e-13)


def test_an_error_along_the_weights_is_all_luma():
    scores = metrics.evaluate(constant(0.299, 0.587, 0.114), constant(0.0))
    assert scores["mse_luma"] == pytest.approx(scores["mse"])
    assert scores["mse_chroma"] < 1e-14


def test_per_image_keeps_the_order_across_chunks(monkeypatch):
    random = np.random.default_rng(0)
    prediction, target = random.random((2, 5, 16, 16, 3), dtype=np.float32)
    whole = metrics.per_image(prediction, target)
    monkeypatch.setattr(metrics, "CHUNK", 2)
    chunked = metrics.per_image(prediction, target)
    assert {values.shape for values in chunked.values()} == {(5,)}
    for name, values in whole.items():
        np.testing.assert_array_equal(chunked[name], values)
        alone = metrics.per_image(prediction[3:4], target[3:4])[name]
        np.testing.assert_allclose(alone, values[3], rtol=1e-6)


def test_evaluate_is_the_mean_of_per_image_and_holds_every_name():
    random = np.random.default_rng(1)
    prediction, target = random.random((2, 3, 16, 16, 3), dtype=np.float32)
    scores, values = metrics.evaluate(prediction, target), metrics.per_image(prediction, target)
    assert set(scores) == {
        "mse", "mse_luma", "mse_chroma", "mae", "psnr", "psnr_per_image", "ssim", "ciede2000",
        "colourfulness", "colourfulness_target",
    }  # fmt: skip
    assert all(type(score) is float for score in scores.values())
    for name in set(scores) - {"psnr", "psnr_per_image"}:
        assert scores[name] == pytest.approx(values[name].mean())
    assert scores["psnr_per_image"] == pytest.approx(values["psnr"].mean())


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch):
    monkeypatch.setattr(metrics, "CHUNK", 20)

    def peak(n: int) -> int:
        images = np.zeros((n, 32, 32, 3), np.float32)
        tracemalloc.start()
        metrics.evaluate(images, images)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    metrics.evaluate(constant(0.0), constant(0.0))  # imports
    assert peak(60) < 1.2 * peak(20)


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        (constant(0.5)[0], constant(0.5)[0], r"same \(N, H, W, 3\)"),
        (constant(0.5, n=2), constant(0.5), "same"),
        (constant(0.5, size=8), constant(0.5, size=8), "at least 11 pixels"),
        (np.zeros((1, 16, 16, 3), np.uint8), constant(0.5), "prediction holds integers"),
        (constant(0.5), 255 * constant(0.5), "target must be in .* divide by 255"),
        (constant(np.nan), constant(0.5), "prediction holds NaN"),
        (constant(0.5)[..., :1], constant(0.5), "last axis must be 3"),
    ],
)
def test_bad_input_gets_one_sentence(prediction, target, message):
    with pytest.raises(CourseError, match=message):
        metrics.evaluate(prediction, target)
