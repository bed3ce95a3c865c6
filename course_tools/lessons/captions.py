"""Numbers of a target picture in words: short, and the same in the picture and in its text."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def short(value: Any) -> str:
    """A number or a short row of numbers in few characters."""
    if isinstance(value, np.ndarray | list | tuple):
        array = np.asarray(value)
        if array.size > 12:
            return f"array {array.shape}"
        return str(array.tolist()).replace("'", "")
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def rgb_row(numbers: Sequence[float]) -> str:
    """Red, green and blue, to four digits where there are as many."""
    return " ".join(f"{value:.4f}".rstrip("0").rstrip(".") for value in numbers)


def named(names: Sequence[str], arrays: Sequence[np.ndarray]) -> str:
    """Rows of errors under their names; of a long one, how many images it is of."""
    rows = [
        ", ".join(map(short, array)) if array.size <= 6 else f"of {array.size:,} images"
        for array in arrays
    ]
    return "; ".join(map(" ".join, zip(names, rows, strict=True)))


def captions(titles: Sequence[str], results: Sequence[str]) -> str:
    """What stands over each picture, and under it."""
    pairs = zip(titles, results, strict=True)
    return "; ".join(f"{title}: {result}" for title, result in pairs).replace("\n", ", ")
