"""The baselines that a model has to beat: two ways to colour a picture without any learning."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.files import CourseError, sha256_of_file
from course_lib.grayscale import check_images

GRAY_LEVEL_TABLE = Path(__file__).parent / "assets" / "gray_level_table.npy"
CHUNK = 1000  # images at a time, so that 45,000 of them need little memory


def gray_copy(gray: Any) -> np.ndarray:
    """Gray in all three channels: the picture as it is, and no colour.

    Args:
        gray: float in [0, 1], shape (N, H, W) or (N, H, W, 1).

    Returns:
        float32 RGB in [0, 1], shape (N, H, W, 3).

    Raises:
        CourseError: wrong shape, integers, values outside [0, 1], NaN.
    """
    gray = _without_channel(gray)
    return np.repeat(gray[..., np.newaxis], 3, axis=-1)


def fit_gray_level_table(gray: Any, rgb: Any) -> np.ndarray:
    """The mean colour of every gray level: the best guess that sees one pixel and no more.

    A pixel's level is round(255 * gray). A level that no pixel has is interpolated linearly
    between its neighbours that have one, and held constant beyond the first and the last.

    Args:
        gray: float in [0, 1], shape (N, H, W) or (N, H, W, 1).
        rgb: float RGB in [0, 1] of the same pixels, shape (N, H, W, 3).

    Returns:
        float32 table of shape (256, 3), RGB in [0, 1].

    Raises:
        CourseError: shapes that do not fit, integers, values outside [0, 1], NaN.
    """
    gray = _without_channel(gray)
    rgb = check_images(rgb, "rgb", channels=3)
    if rgb.shape[:-1] != gray.shape:
        raise CourseError(
            f"gray has shape {gray.shape} and rgb {rgb.shape}, but they must be the same pixels: "
            "(N, H, W) and (N, H, W, 3)."
        )
    counts = np.zeros(256)
    sums = np.zeros((256, 3))
    for start in range(0, len(gray), CHUNK):
        levels = _levels(gray[start : start + CHUNK]).ravel()
        colours = rgb[start : start + CHUNK].reshape(-1, 3)
        counts += np.bincount(levels, minlength=256)
        for channel in range(3):
            sums[:, channel] += np.bincount(levels, colours[:, channel], minlength=256)
    seen = np.flatnonzero(counts)
    means = sums[seen] / counts[seen, np.newaxis]
    table = [np.interp(np.arange(256), seen, means[:, channel]) for channel in range(3)]
    return np.stack(table, axis=-1).clip(0, 1).astype(np.float32)


def gray_level_table(gray: Any, table: Any = None) -> np.ndarray:
    """Give every pixel the colour that `table` holds for its gray level.

    Args:
        gray: float in [0, 1], shape (N, H, W) or (N, H, W, 1).
        table: float RGB in [0, 1], shape (256, 3), as `fit_gray_level_table` makes it; None takes
            the table of the 45,000 training images, made by `course make-gray-table`.

    Returns:
        float32 RGB in [0, 1], shape (N, H, W, 3).

    Raises:
        CourseError: wrong shape, integers, values outside [0, 1], NaN.
    """
    gray = _without_channel(gray)
    colours = _bundled_table() if table is None else check_images(table, "table", channels=3)
    if colours.shape != (256, 3):
        raise CourseError(
            f"table must have shape (256, 3), one RGB per level, not {colours.shape}."
        )
    return colours.astype(np.float32, copy=False)[_levels(gray)]


def _without_channel(gray: Any) -> np.ndarray:
    """(N, H, W) or (N, H, W, 1) -> checked float32 (N, H, W)."""
    gray = check_images(gray, "gray").astype(np.float32, copy=False)
    if gray.ndim == 4 and gray.shape[-1] == 1:
        gray = gray[..., 0]
    if gray.ndim != 3:
        raise CourseError(f"gray must have shape (N, H, W) or (N, H, W, 1), not {gray.shape}.")
    return gray


def _levels(gray: np.ndarray) -> np.ndarray:
    return np.rint(255 * gray).astype(np.intp).clip(0, 255)


@cache
def _bundled_table() -> np.ndarray:
    """The table that ships with the course, if its hash is the one in the JSON beside it."""
    try:
        described = json.loads(GRAY_LEVEL_TABLE.with_suffix(".json").read_bytes())
        if sha256_of_file(GRAY_LEVEL_TABLE) != described["sha256_table"]:
            raise ValueError("its SHA-256 differs")
        table = np.load(GRAY_LEVEL_TABLE, allow_pickle=False)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CourseError(
            f"The bundled table {GRAY_LEVEL_TABLE} is missing or damaged; "
            "restore it from the repository, or make it again with `course make-gray-table`."
        ) from error
    table.flags.writeable = False
    return table
