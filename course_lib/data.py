"""CIFAR-10, verified, the same for both frameworks.

CIFAR-10 is 60,000 colour photographs of 32 x 32 pixels in ten classes (Krizhevsky, Learning
Multiple Layers of Features from Tiny Images, 2009), 50,000 to train on and 10,000 to test with.
A sample of 3,000 of them ships with the course.
"""

import io
import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_lib import files
from course_lib.files import CourseError

CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

# SHA-256 of the arrays as uint8, images NHWC, in the original order. Nothing else is CIFAR-10.
ARRAY_HASHES = {
    "x_train": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
    "y_train": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
    "x_test": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
    "y_test": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
}

# Per channel (red, green, blue), over the 50,000 training images in [0, 1].
TRAIN_MEAN = (0.49139968, 0.48215841, 0.44653091)
TRAIN_STD = (0.24703223, 0.24348513, 0.26158784)

NUM_SAMPLE_TRAIN = 1600  # of the sample's 2,000 training images; the other 400 are for validation


@dataclass(frozen=True)
class CIFAR10:
    """CIFAR-10 or the bundled sample of it.

    Attributes:
        x_train: uint8 (N, 32, 32, 3), RGB in 0..255. N is 50,000, in the sample 2,000.
        y_train: int64 (N,), index into CLASS_NAMES.
        x_test: uint8 (M, 32, 32, 3). M is 10,000, in the sample 1,000.
        y_test: int64 (M,).
        name: "full" or "sample".
        source: a phrase that names the source of the data.
        train_indices: int64 (N,), which of the 50,000 each training image is.
        test_indices: int64 (M,), which of the 10,000 each test image is. The first 100 are 0 to 99.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    name: str
    source: str
    train_indices: np.ndarray
    test_indices: np.ndarray


def load_cifar10(which: str = "auto") -> CIFAR10:
    """CIFAR-10, verified against ARRAY_HASHES.

    Args:
        which: "full": all 60,000 images, from the cache, which `course data` fills. "sample":
            the bundled 3,000 images. "auto": all if they are in the cache, else the sample, and
            one printed line says so.

    Raises:
        CourseError: `which` is unknown, or "full" is asked for and the cache is empty or damaged.
    """
    if which == "sample":
        return _load_sample()
    if which not in ("auto", "full"):
        raise CourseError(f"There is no data {which!r}; choose auto, full or sample.")
    folder = cached_in()
    try:
        cached = read_cache(folder)
        reason = "CIFAR-10 is not in the cache"
    except CourseError as error:
        cached, reason = None, str(error).rstrip(".")
    if cached:
        return cached
    if which == "full":
        raise CourseError(
            f"{reason}: run `course data`, or `course data --from FILE` with a copy of "
            'cifar-10-python.tar.gz, or use the bundled sample, load_cifar10("sample").'
        )
    print(
        f"NOTE: {reason}. This is the bundled SAMPLE of 3,000 images: numbers will be worse and "
        "noisier than with all 60,000. To fetch them, run: course data",
        flush=True,
    )
    return _load_sample()


def as_float(images: np.ndarray) -> np.ndarray:
    """uint8 images in 0..255 -> float32 in [0, 1], same shape. Raises CourseError for others."""
    if images.dtype != np.uint8:
        raise CourseError(
            f"as_float takes uint8 images in 0..255, not {images.dtype}; "
            "floats are in [0, 1] already, so leave the call out."
        )
    return images.astype(np.float32) / np.float32(255)


def train_validation_split(
    labels: np.ndarray, num_validation: int = 5000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of a training and a validation part, each with the classes in equal shares.

    NumPy guarantees the stream of RandomState for good, so the split is the same everywhere.

    Args:
        labels: int (N,), as many of every class.
        num_validation: size of the validation part, a multiple of the number of classes.

    Returns:
        (train_indices, validation_indices), int64, sorted, without a common index.

    Raises:
        CourseError: the sizes do not allow equal shares.
    """
    classes, counts = np.unique(labels, return_counts=True)
    share, rest = divmod(num_validation, len(classes))
    if rest or not 0 < share < counts.min():
        raise CourseError(
            f"{num_validation} validation images cannot be drawn in equal shares from classes of "
            f"{counts.min()} images; choose a smaller multiple of {len(classes)}."
        )
    random = np.random.RandomState(seed)
    drawn = [random.permutation(np.flatnonzero(labels == c))[:share] for c in classes]
    validation = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(labels)), validation), validation


@dataclass(frozen=True)
class Split:
    """Images to learn from and images to choose by: uint8 (N, 32, 32, 3) and int64 (N,)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray


def split(cifar: CIFAR10, protocol: str = "held_out") -> Split:
    """The training and validation parts of the full data or of the sample.

    Args:
        protocol: "held_out": validation images are drawn from the training set, 45,000 and 5,000
            of the full data, 1,600 and 400 of the sample. The sample's parts are inside the full
            data's, so a model trained on the 45,000 has seen none of the 400.
            "paper": validation IS THE TEST SET, and all training images are trained on. This is
            the leak in the paper: a schedule or a checkpoint chosen this way has seen the test
            set. It is here to reproduce the paper and to show what the leak does.

    Raises:
        CourseError: the protocol is unknown.
    """
    if protocol == "paper":
        return Split(cifar.x_train, cifar.y_train, cifar.x_test, cifar.y_test)
    if protocol != "held_out":
        raise CourseError(f"There is no protocol {protocol!r}; choose held_out or paper.")
    if cifar.name == "full":
        train, validation = train_validation_split(cifar.y_train)
    else:
        train, validation = np.split(np.arange(len(cifar.y_train)), [NUM_SAMPLE_TRAIN])
    return Split(
        cifar.x_train[train], cifar.y_train[train],
        cifar.x_train[validation], cifar.y_train[validation],
    )  # fmt: skip


# What NumPy, zipfile and Pillow raise when a file is damaged; a CourseError is a ValueError.
DAMAGE = (
    OSError, ValueError, LookupError, EOFError, SyntaxError, TypeError, RuntimeError,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

# The cache


def cached_in() -> Path:
    """The folder that contains all of CIFAR-10 once `course data` has filled it: 184 MB."""
    return files.cache_folder() / "cifar10"


def verify(arrays: Mapping[str, np.ndarray], hashes: Mapping[str, str]) -> None:
    """Raise CourseError unless every array has its SHA-256, type and shape."""
    for name, expected in hashes.items():
        array = arrays[name]
        shape = (32, 32, 3) if name.startswith("x_") else ()
        kind = "<i4" if name.endswith("_indices") else "uint8"
        is_alike = array.shape[1:] == shape and array.dtype == kind
        if not is_alike or files.sha256_of_array(array) != expected:
            raise CourseError(f"{name} is not CIFAR-10's, for its SHA-256 differs.")


def all_images(arrays: Mapping[str, np.ndarray], source: str) -> CIFAR10:
    """All of CIFAR-10 from its four arrays, and a phrase that says where they come from."""
    return CIFAR10(
        x_train=arrays["x_train"],
        y_train=arrays["y_train"].astype(np.int64),
        x_test=arrays["x_test"],
        y_test=arrays["y_test"].astype(np.int64),
        name="full",
        source=source,
        train_indices=np.arange(len(arrays["y_train"])),
        test_indices=np.arange(len(arrays["y_test"])),
    )


def read_cache(folder: Path) -> CIFAR10 | None:
    """All of CIFAR-10 from the cache; None if not all arrays are there.

    All are hashed at every load: half a second for the 184 MB, and no wrong pixel goes unnoticed.

    Raises:
        CourseError: the cache is damaged.
    """
    paths = {name: folder / f"{name}.npy" for name in ARRAY_HASHES}
    if not all(path.exists() for path in paths.values()):
        return None
    try:
        arrays = {name: np.load(path, allow_pickle=False) for name, path in paths.items()}
        verify(arrays, ARRAY_HASHES)
    except DAMAGE as error:
        raise CourseError(f"The cached CIFAR-10 in {folder} is damaged ({error}).") from error
    try:
        origin = json.loads((folder / "source.json").read_text())["source"]
    except (OSError, ValueError, LookupError):
        origin = "an unknown source"
    return all_images(arrays, f"the cache, filled from {origin}")


# The bundled sample, made by `course make-sample`

SAMPLE_FILE = Path(__file__).parent / "assets" / "cifar10_sample.npz"
MOSAIC_COLUMNS = 50
SAMPLE_HASHES = {
    "x_train": "647fb245de841abf1760eac91d6ad95a5b1bceb0919c627fff1b257095e51435",
    "x_test": "a4949fcebc46ec97223aad60fdefab6c3eaaae51299acd96fdb0d5bd3d671844",
    "y_train": "26732825e38e5189ddd02216b0ccca56983a1ea627f2f9c12c8d5092a4034b18",
    "y_test": "ce86d963146f9bbed1344fa8b001a70c4197d380c12687579c278511d3f329c5",
    "train_indices": "9886e867ff5b6a4492b6145ad2af66c01a09e07a760fd34935abd6f67556863d",
    "test_indices": "562e65075507c90d0251e53ce7afa723a8e79991c7c36f2fcf310089dfdd7e60",
}


def _load_sample() -> CIFAR10:
    """The sample: two lossless WebP mosaics, labels and original indices in one .npz."""
    try:
        with np.load(SAMPLE_FILE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        for part in ("train", "test"):
            arrays[f"x_{part}"] = cut_mosaic(arrays.pop(f"{part}_webp").tobytes())
        verify(arrays, SAMPLE_HASHES)
    except DAMAGE as error:
        raise CourseError(
            f"The bundled sample {SAMPLE_FILE} is missing or damaged ({error}); restore it with "
            "`git checkout` or install the course again."
        ) from error
    labels = {name: arrays.pop(name).astype(np.int64) for name in ("y_train", "y_test")}
    indices = {
        f"{p}_indices": arrays.pop(f"{p}_indices").astype(np.int64) for p in ("train", "test")
    }
    return CIFAR10(**arrays, **labels, **indices, name="sample", source="the bundled sample")


def cut_mosaic(webp: bytes) -> np.ndarray:
    """(N, 32, 32, 3) from a mosaic of MOSAIC_COLUMNS images a row."""
    with Image.open(io.BytesIO(webp), formats=["WEBP"]) as picture:
        mosaic = np.asarray(picture.convert("RGB"))
    # (row of images, row of pixels, column of images, column of pixels, RGB)
    tiles = mosaic.reshape(-1, 32, MOSAIC_COLUMNS, 32, 3)
    return tiles.swapaxes(1, 2).reshape(-1, 32, 32, 3)
