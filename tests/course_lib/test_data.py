"""The sample, the splits, the cache; and CIFAR-10 itself, where it is in the cache."""

import shutil

import numpy as np
import pooch
import pytest

import damage
from course_lib import data, files
from course_lib.files import CourseError
from course_tools.dataset import fetch as tools

REAL_CACHE = pooch.os_cache("gray-to-color")
needs_cifar10 = pytest.mark.skipif(
    not (REAL_CACHE / "cifar10" / "source.json").exists(),
    reason="CIFAR-10 is not in the cache; `course data` fetches it",
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, no network, and nothing on this computer to copy from."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.delenv("COURSE_CIFAR10", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def mini(monkeypatch):
    """Arrays of 20 training and 10 test images that represent CIFAR-10 in this test."""
    sample = data.load_cifar10("sample")
    arrays = {
        "x_train": sample.x_train[:20],
        "y_train": sample.y_train[:20].astype(np.uint8),
        "x_test": sample.x_test[:10],
        "y_test": sample.y_test[:10].astype(np.uint8),
    }
    hashes = {name: files.sha256_of_array(array) for name, array in arrays.items()}
    monkeypatch.setattr(data, "ARRAY_HASHES", hashes)
    return arrays


# The sample


def test_sample_has_the_promised_images():
    sample = data.load_cifar10("sample")
    assert sample.x_train.shape == (2000, 32, 32, 3) and sample.x_train.dtype == np.uint8
    assert sample.x_test.shape == (1000, 32, 32, 3) and sample.x_test.dtype == np.uint8
    assert sample.y_train.dtype == sample.y_test.dtype == np.int64
    assert (sample.name, sample.source) == ("sample", "the bundled sample")
    assert np.bincount(sample.y_train[:1600]).tolist() == [160] * 10
    assert np.bincount(sample.y_train[1600:]).tolist() == [40] * 10
    assert np.bincount(sample.y_test).tolist() == [100] * 10
    assert sample.test_indices[:100].tolist() == list(range(100))
    assert sample.y_test[:5].tolist() == [3, 8, 8, 0, 6]  # cat, ship, ship, airplane, frog
    assert len(set(sample.train_indices)) == 2000 and len(set(sample.test_indices)) == 1000


def test_sample_is_small():
    assert data.SAMPLE_FILE.stat().st_size < 5.2e6


def test_damaged_sample_is_refused(tmp_path, monkeypatch):
    content = bytearray(data.SAMPLE_FILE.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "sample.npz"
    damaged.write_bytes(content)
    monkeypatch.setattr(data, "SAMPLE_FILE", damaged)
    with pytest.raises(CourseError, match="missing or damaged"):
        data.load_cifar10("sample")
    monkeypatch.setattr(data, "SAMPLE_FILE", tmp_path / "absent.npz")
    with pytest.raises(CourseError, match="missing or damaged"):
        data.load_cifar10("sample")


def test_a_flipped_byte_in_the_sample_is_found_or_means_nothing(tmp_path, monkeypatch):
    """The archive's dates and lengths of comments count for nothing; no array changes unnoticed."""
    whole, path = data.load_cifar10("sample"), tmp_path / "sample.npz"
    content = data.SAMPLE_FILE.read_bytes()
    monkeypatch.setattr(data, "SAMPLE_FILE", path)
    tail = len(content) - 500  # the directory of the archive
    for start in damage.flipped(content[:200], 10), damage.flipped(content[tail:], 20):
        for changed in start:
            is_head = len(changed) == 200
            path.write_bytes(changed + content[200:] if is_head else content[:tail] + changed)
            try:
                loaded = data.load_cifar10("sample")
            except CourseError as error:
                assert "missing or damaged" in str(error)
            else:
                assert all(np.array_equal(v, vars(whole)[k]) for k, v in vars(loaded).items())


# Splits and floats


def test_as_float():
    images = np.array([[[0, 51, 255]]], np.uint8)
    floats = data.as_float(images)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, np.array([[[0, 0.2, 1]]], np.float32))
    with pytest.raises(CourseError, match="uint8"):
        data.as_float(floats)


def test_split_is_balanced_disjoint_and_the_same_everywhere():
    labels = np.tile(np.arange(10), 100)
    train, validation = data.train_validation_split(labels, num_validation=50)
    assert sorted([*train, *validation]) == list(range(1000))
    assert np.bincount(labels[validation]).tolist() == [5] * 10
    assert (np.diff(train) > 0).all() and (np.diff(validation) > 0).all()
    assert validation[:6].tolist() == [20, 23, 24, 28, 37, 66]
    other = data.train_validation_split(labels, num_validation=50, seed=1)[1]
    assert other.tolist() != validation.tolist()


@pytest.mark.parametrize("num_validation", [0, 7, 1000, -10])
def test_split_refuses_unequal_shares(num_validation):
    with pytest.raises(CourseError, match="equal shares"):
        data.train_validation_split(np.tile(np.arange(10), 100), num_validation)


def test_split_of_the_sample():
    sample = data.load_cifar10("sample")
    parts = data.split(sample)
    np.testing.assert_array_equal(parts.x_train, sample.x_train[:1600])
    np.testing.assert_array_equal(parts.y_validation, sample.y_train[1600:])
    leak = data.split(sample, "paper")
    assert leak.x_train is sample.x_train and leak.x_validation is sample.x_test
    with pytest.raises(CourseError, match="held_out or paper"):
        data.split(sample, "random")


# The cache


def test_unknown_data_is_refused():
    with pytest.raises(CourseError, match="choose auto, full or sample"):
        data.load_cifar10("half")


def test_without_cache_auto_serves_the_sample_and_says_so(cache, capsys):
    assert data.load_cifar10().name == "sample"
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "SAMPLE" in said and "course data" in said


def test_without_cache_and_network_full_is_one_sentence(cache):
    with pytest.raises(
        CourseError, match="COURSE_OFFLINE forbids the network.*course data"
    ) as info:
        tools.fetch_cifar10()
    assert "\n" not in str(info.value)


def test_full_reads_the_cache_and_fetches_nothing(cache, mini, tmp_path, monkeypatch):
    own = tmp_path / "mine.npz"
    np.savez(own, **mini)
    monkeypatch.setenv("COURSE_CIFAR10", str(own))
    with pytest.raises(CourseError) as info:
        data.load_cifar10("full")
    assert str(info.value) == (
        "CIFAR-10 is not in the cache: run `course data`, or `course data --from FILE` with a "
        'copy of cifar-10-python.tar.gz, or use the bundled sample, load_cifar10("sample").'
    )
    assert list(cache.iterdir()) == []
    tools.fetch_cifar10()
    assert data.load_cifar10("full").source == "the cache, filled from your own copy, mine.npz"
    (cache / "cifar10" / "x_test.npy").write_bytes(b"damaged")
    with pytest.raises(CourseError, match="is damaged .*: run `course data`, .* sample") as info:
        data.load_cifar10("full")
    assert "\n" not in str(info.value)


def test_own_file_fills_the_cache_and_the_cache_serves(cache, mini, tmp_path, monkeypatch, capsys):
    own = tmp_path / "mine.npz"
    np.savez(own, **mini)
    monkeypatch.setenv("COURSE_CIFAR10", str(own))
    cifar = tools.fetch_cifar10()
    assert (cifar.name, cifar.source) == ("full", "your own copy, mine.npz")
    assert cifar.y_train.dtype == np.int64 and cifar.train_indices.tolist() == list(range(20))
    own.unlink()
    again = data.load_cifar10()
    assert again.source == "the cache, filled from your own copy, mine.npz"
    np.testing.assert_array_equal(again.x_train, mini["x_train"])
    tools.fetch()
    assert "20 training and 10 test images, verified" in capsys.readouterr().out


def test_an_own_file_that_is_named_is_the_only_source(cache, mini, tmp_path):
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, **(mini | {"x_test": 255 - mini["x_test"]}))
    with pytest.raises(CourseError, match="x_test is not CIFAR-10's, for its SHA-256 differs"):
        tools.fetch(str(wrong))
    with pytest.raises(CourseError, match="There is no file"):
        tools.fetch(str(tmp_path / "absent.npz"))
    assert not (cache / "cifar10").exists()


@pytest.mark.parametrize("damage", ["bit", "cut"])
def test_damaged_cache_is_set_aside_and_filled_again(cache, mini, tmp_path, capsys, damage):
    own = tmp_path / "mine.npz"
    np.savez(own, **mini)
    tools.fetch(str(own))
    path = cache / "cifar10" / "x_test.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content if damage == "bit" else content[:-1000])
    capsys.readouterr()
    assert data.load_cifar10().name == "sample"  # auto never waits for a download
    assert "damaged" in capsys.readouterr().out
    assert tools.fetch_cifar10(str(own)).name == "full"
    assert "set aside" in capsys.readouterr().out
    assert (cache / "cifar10-damaged" / "x_test.npy").exists()
    assert data.load_cifar10().name == "full"


def test_every_changed_byte_of_a_cached_array_is_found_or_means_nothing(cache, mini, tmp_path):
    """A space in the header may become a tab; no number, no type and no shape changes unnoticed."""
    own = tmp_path / "mine.npz"
    np.savez(own, **mini)
    tools.fetch(str(own))
    found = 0
    for name in mini:
        path = cache / "cifar10" / f"{name}.npy"
        content = path.read_bytes()
        header = [content[:i] + bytes([content[i] ^ bit]) + content[i + 1 :]
                  for i in range(128) for bit in (1, 4, 16)]  # fmt: skip
        header += [content.replace(b"|u1", kind) for kind in (b"|b1", b"|i1", b"|S1", b"|V1")]
        for changed in [*header, *damage.flipped(content[128:], 20)]:
            path.write_bytes(changed if len(changed) == len(content) else content[:128] + changed)
            try:
                loaded = data.read_cache(cache / "cifar10")
            except CourseError as error:
                assert "is damaged" in str(error)
                found += 1
            else:
                assert len(changed) == len(content) and changed[128:] == content[128:]
                for part, array in mini.items():
                    kept = getattr(loaded, part)
                    assert kept.dtype in (array.dtype, np.int64) and kept.shape == array.shape
                    np.testing.assert_array_equal(kept, array)
        path.write_bytes(content)
    assert found > 1000


def test_half_filled_cache_counts_as_empty(cache, mini, tmp_path):
    own = tmp_path / "mine.npz"
    np.savez(own, **mini)
    tools.fetch(str(own))
    (cache / "cifar10" / "y_test.npy").unlink()
    (cache / "cifar10" / ".x_train-left.npy").write_bytes(b"of a killed process")
    assert data.load_cifar10().name == "sample"
    assert tools.fetch_cifar10(str(own)).name == "full"
    assert not list((cache / "cifar10").glob(".*"))


def test_too_little_space_is_said_before_anything_is_fetched(cache, mini, monkeypatch):
    usage = shutil.disk_usage(cache.parent)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(CourseError, match="500 MB"):
        tools.fetch_cifar10()


# CIFAR-10 itself


@pytest.fixture(scope="module")
def cifar():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(REAL_CACHE))
        return data.load_cifar10("full")


@needs_cifar10
def test_cifar10_is_what_the_literature_says(cifar):
    assert cifar.x_train.shape == (50000, 32, 32, 3) and cifar.x_test.shape == (10000, 32, 32, 3)
    assert cifar.y_train[:5].tolist() == [6, 9, 9, 4, 1]
    assert np.bincount(cifar.y_train).tolist() == [5000] * 10
    per_level = np.stack(
        [np.bincount(cifar.x_train[..., c].ravel(), minlength=256) for c in range(3)]
    )
    level = np.arange(256) / 255
    mean = per_level @ level / per_level.sum(axis=1)
    std = np.sqrt(per_level @ level**2 / per_level.sum(axis=1) - mean**2)
    np.testing.assert_allclose(mean, data.TRAIN_MEAN, atol=1e-8)
    np.testing.assert_allclose(std, data.TRAIN_STD, atol=1e-8)


@needs_cifar10
def test_sample_lies_in_the_parts_it_claims(cifar):
    sample = data.load_cifar10("sample")
    np.testing.assert_array_equal(sample.x_train, cifar.x_train[sample.train_indices])
    np.testing.assert_array_equal(sample.y_train, cifar.y_train[sample.train_indices])
    np.testing.assert_array_equal(sample.x_test, cifar.x_test[sample.test_indices])
    train, validation = data.train_validation_split(cifar.y_train)
    assert (len(train), len(validation)) == (45000, 5000)
    assert set(sample.train_indices[:1600]) <= set(train)
    assert set(sample.train_indices[1600:]) <= set(validation)


@needs_cifar10
def test_make_sample_chooses_the_bundled_sample(cifar):
    train_indices, test_indices = tools.choose_sample(cifar)
    sample = data.load_cifar10("sample")
    np.testing.assert_array_equal(train_indices, sample.train_indices)
    np.testing.assert_array_equal(test_indices, sample.test_indices)


def test_mosaic_is_cut_into_the_images_it_was_made_of():
    image, row, column, channel = np.ogrid[:100, :32, :32, :3]  # two rows of the mosaic
    images = (image + 4 * row + column // 8 + 80 * channel).astype(np.uint8)
    webp = tools.lossless_mosaic(images)
    np.testing.assert_array_equal(data.cut_mosaic(webp.tobytes()), images)
