"""The files of what a learning platform gives: a folder or a zip, whatever is in it.

One file that is damaged, too large or no file is refused by itself and stops no other.
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from course_lib.files import CourseError

MAX_BYTES = 20_000_000  # a notebook without its outputs; a solved lesson with them has 3 MB
MAX_READ = 256_000_000  # a file as it comes
MAX_FILES = 20_000
FIRST_YEAR = 1990  # an earlier time is one that was never set
NOISE = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini")
UNICODE_PATH = 0x7075  # a zip's extra field with the name in UTF-8


@dataclass(frozen=True)
class Entry:
    """One file of the download.

    Attributes:
        modified: None if it is not known.
        problem: the reason why it must not be read, or "".
    """

    path: PurePosixPath
    modified: datetime | None
    open: Callable[[], IO[bytes]]
    problem: str = ""

    def content(self) -> bytes:
        """What the file holds.

        Raises:
            CourseError: it must not be read, is damaged, or is larger than `MAX_READ`.
        """
        if self.problem:
            raise CourseError(self.problem)
        try:
            with self.open() as file:
                content = file.read(MAX_READ + 1)
        except Exception as error:  # a decompressor may raise what it likes
            raise CourseError(f"it is damaged ({error or type(error).__name__})") from error
        if len(content) > MAX_READ:
            raise CourseError(too_large(MAX_READ))
        return content


def too_large(limit: int) -> str:
    """The reason why a file of more than `limit` bytes is refused."""
    return f"it is larger than {limit / 1e6:.0f} MB"


def printable(text: object) -> str:
    """The text on one line, with every character written out that a terminal does not show."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in str(text)
    )


@contextmanager
def opened(source: Path) -> Iterator[list[Entry]]:
    """The files of a folder or a zip, which is open as long as they may be read.

    Raises:
        CourseError: it is neither a folder nor a zip that can be read.
    """
    if source.is_dir():
        yield [entry for entry in _in_folder(source) if not _is_noise(entry.path)]
        return
    try:
        archive = zipfile.ZipFile(source)
    except FileNotFoundError:
        raise CourseError(f"There is no {source}; name a folder or a zip.") from None
    except (OSError, ValueError, NotImplementedError, struct.error, zipfile.BadZipFile) as error:
        raise CourseError(f"{source} is no zip that can be read ({error}).") from error
    with archive:
        if len(archive.infolist()) > MAX_FILES:
            raise CourseError(f"{source} holds more than {MAX_FILES:,} files; collect fewer.")
        yield _files_of(archive)


def in_own_zip(entry: Entry, content: bytes) -> list[Entry]:
    """The files of a zip that a student made: at the time of the zip, which the platform knows.

    Raises:
        CourseError: it is no zip that can be read.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        if len(archive.infolist()) > MAX_FILES:
            raise CourseError("it is a zip with too many files")
        found = _files_of(archive)
    except (OSError, ValueError, NotImplementedError, struct.error, zipfile.BadZipFile) as error:
        raise CourseError(f"it is a zip that cannot be read ({error})") from error
    return [
        replace(inner, path=entry.path / inner.path, modified=entry.modified)
        for inner in found
        if not inner.problem
    ]


def _files_of(archive: zipfile.ZipFile) -> list[Entry]:
    entries = [_in_zip(archive, info) for info in archive.infolist() if not info.is_dir()]
    return [entry for entry in entries if not _is_noise(entry.path)]


def _is_noise(path: PurePosixPath) -> bool:
    return bool(set(NOISE) & set(path.parts)) or path.name.startswith("._")


def _in_folder(source: Path) -> Iterator[Entry]:
    unread: list[OSError] = []
    for parent, folders, names in os.walk(source, onerror=unread.append):  # which follows no link
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in [*names, *links]:
            yield _file(source, Path(parent, name))
    for error in unread:
        path = PurePosixPath(os.path.relpath(error.filename, source))
        yield Entry(path, None, io.BytesIO, f"it cannot be read ({error.strerror})")


def _file(source: Path, path: Path) -> Entry:
    name = PurePosixPath(path.relative_to(source).as_posix())
    try:
        status = path.lstat()
    except OSError as error:
        return Entry(name, None, io.BytesIO, f"it cannot be read ({error.strerror})")
    problem = "" if stat.S_ISREG(status.st_mode) else "it is a link or no plain file"
    if not problem and status.st_size > MAX_READ:
        problem = too_large(MAX_READ)
    try:
        modified = _known(datetime.fromtimestamp(status.st_mtime, UTC))
    except (ValueError, OverflowError, OSError):
        modified = None
    return Entry(name, modified, partial(_open_file, path), problem or _bad_name(name))


def _open_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")


def _in_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    name = _zip_name(info).replace("\\", "/")
    path = PurePosixPath(name)
    problem = too_large(MAX_READ) if info.file_size > MAX_READ else _bad_name(path)
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name):
        problem = "its path leads out of the folder"
    elif stat.S_ISLNK(info.external_attr >> 16):
        problem = "it is a link"
    elif info.flag_bits & 1:
        problem = "it is encrypted"
    try:  # a zip's times are local and have no zone
        modified = _known(datetime(*info.date_time).astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        modified = None
    return Entry(path, modified, partial(archive.open, info), problem)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name of a file in a zip.

    Many programs write UTF-8 without saying so, and zipfile takes that for cp437.
    """
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[1:5] == struct.pack("<L", zlib.crc32(raw)):
            raw = field[5:]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return info.filename


def _known(time: datetime) -> datetime | None:
    return time if time.year >= FIRST_YEAR else None


def _bad_name(path: PurePosixPath) -> str:
    if not path.parts:
        return "it has no name"
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "its name is in an encoding that is not known; rename it"
    return ""
