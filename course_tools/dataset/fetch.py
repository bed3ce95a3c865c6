"""What `course data` and `course make-sample` do: fill the cache, choose the sample."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image

from course_lib import data, files
from course_lib.files import CourseError
from course_tools.dataset import sources
from course_tools.dataset.downloads import SourceError


def fetch(source: str | None = None) -> None:
    """Fill the cache, from `source` (file, folder or URL) if given, and say which source it was.

    Raises:
        CourseError: no source could provide it, or the disk is full.
    """
    cifar = fetch_cifar10(source)
    print(
        f"CIFAR-10 is ready in {data.cached_in()}: {len(cifar.x_train):,} training "
        f"and {len(cifar.x_test):,} test images, verified. It came from {cifar.source}."
    )


def fetch_cifar10(own: str | None = None) -> data.CIFAR10:
    """All of CIFAR-10: the cache, filled first if need be. Two processes at once fill it once.

    Args:
        own: your own file, folder or URL, and nothing else is tried. With None, $COURSE_CIFAR10
            if it is set, then all other sources.

    Raises:
        CourseError: no source could provide it, the disk is full, or the cache cannot be read. No
            partial file is left, and a cache that may be whole is left as it is.
    """
    folder = data.cached_in()
    try:
        cached = data.read_cache(folder)
    except data.DamagedCache:
        cached = None  # read again below, when no other process writes
    if cached is None:
        with _alone(folder.with_suffix(".lock")):
            cached = _fill_cache(folder, own)
    return cached


def _fill_cache(folder: Path, own: str | None) -> data.CIFAR10:
    """Fetch CIFAR-10 into the cache, unless another process has just done so."""
    try:
        if cached := data.read_cache(folder):
            return cached
    except data.DamagedCache as error:
        aside = folder.with_name("cifar10-damaged")
        with _writing_to(folder.parent):
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
        print(f"{error} It was set aside as {aside}.", flush=True)
    if shutil.disk_usage(folder.parent).free < sources.ARRAYS_BYTES:
        raise CourseError(
            f"CIFAR-10 takes {sources.ARRAYS_BYTES / 1e6:.0f} MB and {folder.parent} has less "
            "free; free some space or set COURSE_CACHE to another folder."
        )
    scratch = folder.with_name("downloads")
    if own:
        candidates = [sources.own_source(own)]
    else:
        candidates = sources.find(os.environ.get("COURSE_CIFAR10"))
    try:
        arrays, phrase = sources.fetch(data.ARRAY_HASHES, scratch, candidates)
    except SourceError as error:
        raise CourseError(
            f"CIFAR-10 is not in the cache and could not be fetched ({error}): run `course data` "
            "where there is a network, or `course data --from FILE` with a copy of "
            'cifar-10-python.tar.gz, or use the bundled sample, load_cifar10("sample").'
        ) from error
    with _writing_to(folder):
        for leftover in folder.glob(".*"):  # of a process that was killed while it wrote
            leftover.unlink()
    for name, array in arrays.items():
        with files.replacing(folder / f"{name}.npy") as temporary:
            np.save(temporary, array)
    files.write_json(folder / "source.json", {"source": phrase})
    shutil.rmtree(scratch, ignore_errors=True)
    return data.all_images(arrays, phrase)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Admit one process at a time; a printed line says when this one waits for another."""
    lock = FileLock(path)
    is_ours = False
    with _writing_to(path.parent), suppress(Timeout):
        lock.acquire(timeout=0)
        is_ours = True
    if not is_ours:
        print("Another process is fetching CIFAR-10; waiting for it.", flush=True)
        with _writing_to(path.parent):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Give an error of the system met inside as one sentence about this folder of the cache."""
    try:
        yield
    except OSError as error:
        raise CourseError(
            f"The cache folder {folder} cannot be written to ({files.reason(error)}); "
            f"{files.advice(error)} (COURSE_CACHE names it), then run it again."
        ) from error


def choose_sample(cifar: data.CIFAR10) -> tuple[np.ndarray, np.ndarray]:
    """Original indices of the sample's 2,000 training and 1,000 test images, int32.

    Training: 1,600 of the 45,000, then 400 of the 5,000 that `train_validation_split` keeps for
    validation. Test: 0 to 99, which the paper's mosaics show, then 900 that make every class 100.
    Within each part the classes have equal shares and the original order is kept.
    """
    random = np.random.RandomState(0)

    def draw(labels: np.ndarray, pool: np.ndarray, shares: np.ndarray) -> np.ndarray:
        drawn = [
            random.permutation(pool[labels[pool] == c])[:share] for c, share in enumerate(shares)
        ]
        return np.sort(np.concatenate(drawn))

    train, validation = data.train_validation_split(cifar.y_train)
    test, first = np.arange(100, len(cifar.y_test)), np.arange(100)
    missing = 100 - np.bincount(cifar.y_test[first], minlength=10)
    train_indices = np.concatenate(
        [
            draw(cifar.y_train, train, np.full(10, data.NUM_SAMPLE_TRAIN // 10)),
            draw(cifar.y_train, validation, np.full(10, 40)),
        ]
    )
    test_indices = np.concatenate([first, draw(cifar.y_test, test, missing)])
    return train_indices.astype("<i4"), test_indices.astype("<i4")


def make_sample(path: Path = data.SAMPLE_FILE) -> dict[str, str]:
    """Write the bundled sample from the full data and print the hashes that data.py must hold.

    Lossless WebP at its slowest: 5.1 MB, where PNG mosaics take 6.5 MB and deflated arrays 8.5 MB.
    """
    cifar = fetch_cifar10()
    train_indices, test_indices = choose_sample(cifar)
    labels_and_indices = {
        "y_train": cifar.y_train[train_indices].astype(np.uint8),
        "y_test": cifar.y_test[test_indices].astype(np.uint8),
        "train_indices": train_indices,
        "test_indices": test_indices,
    }
    images = {"x_train": cifar.x_train[train_indices], "x_test": cifar.x_test[test_indices]}
    with files.replacing(path) as temporary:
        np.savez(
            temporary,
            train_webp=lossless_mosaic(images["x_train"]),
            test_webp=lossless_mosaic(images["x_test"]),
            **labels_and_indices,
        )
    hashes = {n: files.sha256_of_array(a) for n, a in (images | labels_and_indices).items()}
    for name, digest in hashes.items():
        print(f'    "{name}": "{digest}",')
    return hashes


def lossless_mosaic(images: np.ndarray) -> np.ndarray:
    """uint8 (N, 32, 32, 3) -> the bytes, uint8 (B,), of a lossless WebP mosaic."""
    tiles = images.reshape(-1, data.MOSAIC_COLUMNS, 32, 32, 3).swapaxes(1, 2)
    mosaic = tiles.reshape(-1, data.MOSAIC_COLUMNS * 32, 3)
    content = io.BytesIO()
    Image.fromarray(mosaic).save(content, "WEBP", lossless=True, quality=100, method=6)
    return np.frombuffer(content.getvalue(), np.uint8)
