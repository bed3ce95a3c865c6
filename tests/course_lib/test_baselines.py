"""The baselines, computed by hand and measured on CIFAR-10."""

import json

import numpy as np
import pytest

import damage
from course_lib import baselines, data, files, grayscale
from course_lib.files import CourseError
from course_tools.dataset.gray_table import make_gray_level_table


def test_gray_copy_repeats_gray_in_three_channels():
    gray = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    rgb = baselines.gray_copy(gray)
    assert rgb.shape == (2, 3, 4, 3) and rgb.dtype == np.float32
    for channel in range(3):
        np.testing.assert_array_equal(rgb[..., channel], gray)
    np.testing.assert_array_equal(baselines.gray_copy(gray[..., np.newaxis]), rgb)


def two_levels() -> tuple[np.ndarray, np.ndarray]:
    """Three pixels: two of level 100, one of level 102."""
    gray = np.array([[[100, 100, 102]]]) / 255
    rgb = np.array([[[[0.0, 0.2, 0.4], [0.2, 0.4, 0.6], [0.5, 0.5, 0.9]]]])
    return gray, rgb


def test_table_by_hand():
    table = baselines.fit_gray_level_table(*two_levels())
    assert table.shape == (256, 3) and table.dtype == np.float32
    assert table[100] == pytest.approx([0.1, 0.3, 0.5])  # the mean of two pixels
    assert table[102] == pytest.approx([0.5, 0.5, 0.9])
    assert table[101] == pytest.approx([0.3, 0.4, 0.7])  # no pixel: half way
    np.testing.assert_array_equal(table[:100], np.tile(table[100], (100, 1)))
    np.testing.assert_array_equal(table[103:], np.tile(table[102], (153, 1)))


def test_table_does_not_depend_on_the_chunks(monkeypatch):
    rgb = np.random.default_rng(0).random((5, 8, 8, 3), dtype=np.float32)
    gray = grayscale.to_gray(rgb)
    whole = baselines.fit_gray_level_table(gray, rgb)
    monkeypatch.setattr(baselines, "CHUNK", 2)
    np.testing.assert_allclose(baselines.fit_gray_level_table(gray, rgb), whole, atol=1e-7)


def test_lookup_rounds_to_the_nearest_level():
    table = np.stack([np.arange(256)] * 3, axis=-1) / 255
    gray = np.array([[[0, 0.4, 0.6, 99.6, 254.6, 255]]]) / 255
    rgb = baselines.gray_level_table(gray, table)
    assert rgb.shape == (1, 1, 6, 3) and rgb.dtype == np.float32
    assert 255 * rgb[0, 0, :, 1] == pytest.approx([0, 0, 1, 100, 255, 255], abs=1e-4)
    with_channel = baselines.gray_level_table(gray[..., np.newaxis], table)
    np.testing.assert_array_equal(with_channel, rgb)


def test_no_other_table_fits_its_own_pixels_better():
    random = np.random.default_rng(0)
    rgb = random.random((4, 32, 32, 3), dtype=np.float32)
    gray = grayscale.to_gray(rgb)
    table = baselines.fit_gray_level_table(gray, rgb)

    def error(table: np.ndarray) -> float:
        return float(np.square(baselines.gray_level_table(gray, table) - rgb).mean())

    for _ in range(5):
        other = np.clip(table + random.normal(0, 0.01, table.shape), 0, 1)
        assert error(table) < error(other)


@pytest.mark.parametrize(
    ("gray", "message"),
    [
        (np.zeros((2, 4, 4), np.uint8), "divide by 255 first"),
        (np.full((2, 4, 4), 200.0), "divide by 255 first"),
        (np.zeros((4, 4)), r"must have shape \(N, H, W\)"),
        (np.zeros((2, 4, 4, 3)), r"must have shape \(N, H, W\)"),
        (np.full((2, 4, 4), np.nan), "NaN"),
    ],
)
def test_bad_gray_gets_one_sentence(gray, message):
    for use in (baselines.gray_copy, baselines.gray_level_table):
        with pytest.raises(CourseError, match=f"gray .*{message}"):
            use(gray)
    with pytest.raises(CourseError, match=message):
        baselines.fit_gray_level_table(gray, np.zeros((2, 4, 4, 3)))


def test_gray_and_rgb_must_be_the_same_pixels():
    with pytest.raises(CourseError, match="same pixels"):
        baselines.fit_gray_level_table(np.zeros((2, 4, 4)), np.zeros((3, 4, 4, 3)))


def test_a_table_has_256_colours():
    with pytest.raises(CourseError, match=r"\(256, 3\)"):
        baselines.gray_level_table(np.zeros((1, 4, 4)), np.zeros((255, 3)))


# The bundled table


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"<html>not found</html>"])
def test_a_missing_or_damaged_table_says_what_to_do(tmp_path, monkeypatch, content):
    path = tmp_path / "table.npy"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(baselines, "GRAY_LEVEL_TABLE", path)
    baselines._bundled_table.cache_clear()
    with pytest.raises(CourseError, match="course make-gray-table"):
        baselines.gray_level_table(np.zeros((1, 4, 4)))


def test_every_flipped_byte_of_the_table_is_found(tmp_path, monkeypatch):
    path, bundled = tmp_path / "table.npy", baselines.GRAY_LEVEL_TABLE
    path.with_suffix(".json").write_bytes(bundled.with_suffix(".json").read_bytes())
    monkeypatch.setattr(baselines, "GRAY_LEVEL_TABLE", path)
    for content in damage.flipped(bundled.read_bytes()):
        path.write_bytes(content)
        baselines._bundled_table.cache_clear()
        with pytest.raises(CourseError, match="missing or damaged"):
            baselines.gray_level_table(np.zeros((1, 4, 4)))


@pytest.mark.parametrize("described", [b"", b"{}", b"[]", b"7", b'{"sha256_table": null}'])
def test_a_table_without_its_hash_is_not_used(tmp_path, monkeypatch, described):
    path = tmp_path / "table.npy"
    path.write_bytes(baselines.GRAY_LEVEL_TABLE.read_bytes())
    path.with_suffix(".json").write_bytes(described)
    monkeypatch.setattr(baselines, "GRAY_LEVEL_TABLE", path)
    baselines._bundled_table.cache_clear()
    with pytest.raises(CourseError, match="missing or damaged"):
        baselines.gray_level_table(np.zeros((1, 4, 4)))


@pytest.fixture(autouse=True)
def _no_table_is_remembered():
    yield
    baselines._bundled_table.cache_clear()


def test_the_bundled_table_is_what_its_description_says():
    path = baselines.GRAY_LEVEL_TABLE
    described = json.loads(path.with_suffix(".json").read_text())
    assert described["sha256_table"] == files.sha256_of_file(path)
    assert described["sha256_x_train"] == data.ARRAY_HASHES["x_train"]
    table = np.load(path, allow_pickle=False)
    assert table.shape == (256, 3) and table.dtype == np.float32
    # the mean colour of the pixels of a level has that level, up to the rounding of levels
    assert grayscale.to_gray(table) * 255 == pytest.approx(np.arange(256), abs=0.5)


@pytest.fixture(scope="module", params=["sample", "full"])
def cifar(request) -> data.CIFAR10:
    """The bundled sample and, where the cache has it, all of CIFAR-10."""
    loaded = data.load_cifar10("auto" if request.param == "full" else "sample")
    if loaded.name != request.param:
        pytest.skip("the full CIFAR-10 is not in the cache: run `course data`")
    return loaded


def test_what_a_model_has_to_beat(cifar):
    images = data.as_float(cifar.x_test)
    gray = grayscale.to_gray(images)

    def mse(prediction: np.ndarray) -> float:
        return float(np.square(prediction - images, dtype=np.float64).mean())

    expected = {"sample": (0.00652838, 0.00604466), "full": (0.00661604, 0.00610150)}[cifar.name]
    scores = mse(baselines.gray_copy(gray)), mse(baselines.gray_level_table(gray))
    assert scores == pytest.approx(expected, abs=2e-8)


def test_the_command_makes_the_bundled_table_again(tmp_path):
    if data.load_cifar10("auto").name != "full":
        pytest.skip("the full CIFAR-10 is not in the cache: run `course data`")
    path = make_gray_level_table(tmp_path / "gray_level_table.npy")
    made, bundled = np.load(path), np.load(baselines.GRAY_LEVEL_TABLE)
    np.testing.assert_allclose(made, bundled, atol=1e-6)
    described = json.loads(path.with_suffix(".json").read_text())
    assert described["sha256_table"] == files.sha256_of_file(path)
