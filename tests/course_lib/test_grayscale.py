"""The course's gray, and what other libraries call gray."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib import data, grayscale
from course_lib.files import CourseError
from course_lib.grayscale import BT601, BT709, CHANNEL_MEAN, TORCHVISION, to_gray

CONVERSIONS = grayscale.library_conversions()

RAMP = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None], (256, 3)).reshape(1, 16, 16, 3)
COLOURS = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)


# The course's gray


@pytest.mark.parametrize(
    ("colour", "gray"),
    [
        ((1, 0, 0), 0.299),
        ((0, 1, 0), 0.587),
        ((0, 0, 1), 0.114),
        ((1, 1, 1), 1),
        ((0.2, 0.4, 0.6), 0.0598 + 0.2348 + 0.0684),
    ],
)
def test_bt601_by_hand(colour, gray):
    assert to_gray(np.array([[colour]], float)) == pytest.approx(gray, abs=1e-6)


def test_shapes_and_types():
    for dtype in (np.float16, np.float32, np.float64):
        batch = np.zeros((2, 5, 4, 3), dtype)
        assert to_gray(batch).shape == (2, 5, 4)
        assert to_gray(batch, keepdims=True).shape == (2, 5, 4, 1)
        assert to_gray(batch[0]).shape == (5, 4)
        assert to_gray(batch).dtype == grayscale.linear_light_gray(batch).dtype == np.float32
    assert grayscale.linear_light_gray(batch, keepdims=True).shape == (2, 5, 4, 1)


def test_the_input_is_left_alone():
    batch = np.full((1, 2, 2, 3), 0.5, np.float32)
    to_gray(batch)
    grayscale.linear_light_gray(batch)
    assert (batch == 0.5).all()


@given(arrays(np.float32, (3, 2, 3), elements=st.floats(0, 1, width=32)))
def test_gray_lies_between_the_darkest_and_the_brightest_channel(rgb):
    for gray in (to_gray(rgb), to_gray(rgb, BT709), grayscale.linear_light_gray(rgb)):
        assert (gray >= rgb.min(axis=-1) - 1e-5).all()
        assert (gray <= rgb.max(axis=-1) + 1e-5).all()


@pytest.mark.parametrize(
    ("rgb", "message"),
    [
        (COLOURS, "divide by 255 first"),
        (255 * np.ones((1, 2, 2, 3)), r"ranges from 255 to 255: divide by 255 first"),
        (np.full((1, 2, 2, 3), -0.5), "clip or rescale"),
        (np.full((1, 2, 2, 3), 1.001), "clip or rescale"),
        (np.full((1, 2, 2, 3), np.nan), "NaN"),
        (np.full((1, 2, 2, 3), np.inf), "NaN or infinite"),
        (np.zeros((1, 2, 2)), "last axis must be 3"),
        (np.zeros(3), "last axis must be 3"),
        (np.zeros((1, 3, 32, 32)), "channels first"),
        (np.zeros((0, 2, 2, 3)), "empty"),
        (np.zeros((1, 2, 2, 3), complex), "array of floats"),
        ([[0.1, 0.2, 0.3], [0.1]], "cannot be read"),
        ("a photograph", "array of floats"),
    ],
)
def test_bad_input_gets_one_sentence(rgb, message):
    for convert in (to_gray, grayscale.linear_light_gray):
        with pytest.raises(CourseError, match=message) as raised:
            convert(rgb)
        assert str(raised.value).startswith("rgb ")


def test_rounding_outside_the_range_is_let_through():
    assert to_gray(np.full((1, 1, 3), 1 + 5e-5)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "weights", [(1, 2), (1, 2, 3, 4), "abc", 0.3, (1, None, 2), (1, 2, np.nan)]
)
def test_weights_must_be_three_numbers(weights):
    with pytest.raises(CourseError, match="three finite numbers"):
        to_gray(np.zeros((1, 2, 2, 3)), weights)


# Linear light


def test_srgb_transfer_function_by_hand():
    assert grayscale.srgb_to_linear(np.array(0.5)) == pytest.approx(0.214041, abs=1e-6)
    assert grayscale.linear_to_srgb(np.array(0.5)) == pytest.approx(0.735357, abs=1e-6)
    # the straight piece near black: divided by 12.92
    assert grayscale.srgb_to_linear(np.array(0.04)) == pytest.approx(0.04 / 12.92)
    assert grayscale.linear_to_srgb(np.array(0.003)) == pytest.approx(0.003 * 12.92)


def test_linear_light_of_the_primaries():
    # 1.055 w^(1/2.4) - 0.055 for the weights of BT.709
    primaries = np.eye(3)[:, np.newaxis]
    expected = [[1.055 * weight ** (1 / 2.4) - 0.055] for weight in BT709]
    assert grayscale.linear_light_gray(primaries) == pytest.approx(np.array(expected), abs=1e-6)
    assert expected[0][0] == pytest.approx(0.4983, abs=1e-3)  # red: BT.601 says 0.299


def test_linear_light_agrees_with_the_luminance_of_scikit_image():
    from skimage.color import rgb2xyz

    rgb = COLOURS / 255
    luminance = grayscale.srgb_to_linear(grayscale.linear_light_gray(rgb))
    assert luminance == pytest.approx(rgb2xyz(rgb)[..., 1], abs=1e-4)


# Other libraries: what each does to the gray ramp 0..255, and to colours


def off_the_ramp(name: str) -> np.ndarray:
    """How far each of the levels 0 to 255 is moved, (256,)."""
    return (CONVERSIONS[name](RAMP).astype(float) - RAMP[..., 0]).ravel()


@pytest.mark.parametrize(
    "name",
    ["course (BT.601)", "Pillow", "torchvision, PIL image", "scikit-image", "linear light",
     "TensorFlow, uint8"],
)  # fmt: skip
def test_these_keep_the_ramp(name):
    assert np.abs(off_the_ramp(name)).max() < 1e-4


def test_torchvision_darkens_every_uint8_level_by_one():
    moved = off_the_ramp("torchvision, uint8 tensor")
    assert moved[0] == 0  # black cannot be darker
    assert (moved[1:] == -1).all()


@pytest.mark.parametrize("name", ["torchvision, float tensor", "TensorFlow, float"])
def test_weights_that_sum_to_0_9999_darken_a_float_ramp_by_one_in_ten_thousand(name):
    assert off_the_ramp(name) == pytest.approx(-1e-4 * np.arange(256), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("course (BT.601)", BT601),
        ("torchvision, float tensor", TORCHVISION),
        ("TensorFlow, float", TORCHVISION),
        ("scikit-image", (0.2125, 0.7154, 0.0721)),
    ],
)
def test_these_weight_without_rounding(name, weights):
    gray = CONVERSIONS[name](COLOURS)
    assert gray.dtype == np.float32
    assert gray == pytest.approx(COLOURS @ np.array(weights), abs=1e-3)


@pytest.mark.parametrize("name", ["Pillow", "torchvision, PIL image"])
def test_pillow_rounds_to_the_nearest_level_in_fixed_point(name):
    gray = CONVERSIONS[name](COLOURS)
    assert gray.dtype == np.uint8
    red, green, blue = np.moveaxis(COLOURS.astype(int), -1, 0)
    np.testing.assert_array_equal(
        gray, (19595 * red + 38470 * green + 7471 * blue + 2**15) // 2**16
    )
    assert np.abs(gray - COLOURS @ np.array(BT601)).max() < 0.51


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("torchvision, uint8 tensor", 1),  # truncated after the point
        ("TensorFlow, uint8", 255.5 / 255),  # to floats, then 255.5 times that, truncated
    ],
)
def test_these_cut_off_instead_of_rounding(name, scale):
    gray = CONVERSIONS[name](COLOURS)
    assert gray.dtype == np.uint8
    exact = scale * (COLOURS @ np.array(TORCHVISION))
    clear = np.abs(exact - np.rint(exact)) > 1e-3  # float32 may fall on either side of a level
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(gray[clear], np.floor(exact[clear]))


def test_the_paper_s_two_grays_differ_by_less_than_half_a_level():
    rgb = COLOURS / np.float32(255)
    difference = 255 * (to_gray(rgb, BT601) - to_gray(rgb, TORCHVISION))
    assert 0.02 < np.abs(difference).max() <= 0.0256


# What a gray copy costs on the test set


@pytest.fixture(scope="module", params=["sample", "full"])
def photographs(request) -> tuple[str, np.ndarray]:
    """("sample", the bundled 1,000) and, where the cache has them, ("full", all 10,000)."""
    cifar = data.load_cifar10("auto" if request.param == "full" else "sample")
    if cifar.name != request.param:
        pytest.skip("the full CIFAR-10 is not in the cache: run `course data`")
    return cifar.name, cifar.x_test


def copy_mse(gray: np.ndarray, images: np.ndarray) -> float:
    return float(np.square(gray[..., np.newaxis] - images, dtype=np.float64).mean())


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (BT601, {"sample": 0.00652838, "full": 0.00661604}),
        (BT709, {"sample": 0.00680353, "full": 0.00688369}),
        (CHANNEL_MEAN, {"sample": 0.00591567, "full": 0.00600609}),
        (TORCHVISION, {"sample": 0.00652755, "full": 0.00661518}),
    ],
)
def test_gray_copy_mse_of_weights(photographs, weights, expected):
    name, images = photographs
    images = data.as_float(images)
    assert copy_mse(to_gray(images, weights), images) == pytest.approx(expected[name], abs=2e-8)


@pytest.mark.parametrize(
    ("name", "sample", "full"),
    [
        ("course (BT.601)", 0.00652838, 0.00661604),
        ("Pillow", 0.00652950, 0.00661723),
        ("torchvision, uint8 tensor", 0.00650568, 0.00659233),
        ("torchvision, float tensor", 0.00652755, 0.00661518),
        ("torchvision, PIL image", 0.00652950, 0.00661723),
        ("TensorFlow, uint8", 0.00651639, 0.00660370),
        ("TensorFlow, float", 0.00652755, 0.00661518),
        ("scikit-image", 0.00680427, 0.00688441),
        ("linear light", 0.00690085, 0.00700115),
    ],
)
def test_gray_copy_mse_of_libraries(photographs, name, sample, full):
    which, images = photographs
    gray = CONVERSIONS[name](images).astype(np.float32) / 255
    expected = {"sample": sample, "full": full}[which]
    assert copy_mse(gray, data.as_float(images)) == pytest.approx(expected, abs=2e-8)


def test_every_library_is_compared():
    compared = test_gray_copy_mse_of_libraries.pytestmark[0].args[1]
    assert [name for name, *_ in compared] == list(CONVERSIONS)
