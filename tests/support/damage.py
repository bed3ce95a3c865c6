"""Stored files with one byte changed, and a disk that is full, for tests of what is read back."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


def flipped(content: bytes, num_places: int = 60, seed: int = 0) -> Iterator[bytes]:
    """`content` with one bit of one byte flipped, at the start, at the end and at random places."""
    rng = np.random.default_rng(seed)
    ends = [*range(min(10, len(content))), len(content) - 1]
    for place in [*ends, *rng.integers(0, len(content), num_places)]:
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        yield bytes(changed)


@contextmanager
def full_disk(num_bytes: int = 1000) -> Iterator[None]:
    """No file of this process may become longer than `num_bytes` inside the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names_in(folder: Path) -> list[str]:
    """The names of all files and folders in `folder`, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
