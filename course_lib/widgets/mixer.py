"""Weights of red, green and blue, the gray that they give, and the gray of libraries."""

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets

from course_lib import data, grayscale, plots
from course_lib.files import CourseError
from course_lib.widgets.parts import PAIRS, KernelWidget, Widget, as_bytes, notice_on_error

MAX_PHOTOS, MAX_SIDE = 12, 256  # more would not fit side by side, and be slow
WEIGHTS = {
    "BT.601": grayscale.BT601,
    "BT.709": grayscale.BT709,
    "mean": grayscale.CHANNEL_MEAN,
    "red only": (1, 0, 0),
    "green only": (0, 1, 0),
    "blue only": (0, 0, 1),
}
FIRST = "Pillow"  # shown at the start; it loads no framework


class Mixer(KernelWidget, script="mixer.js"):
    """See `mix_gray`. A request is the name of a library, and the answer its gray."""

    size = traitlets.List(traitlets.Int()).tag(sync=True)  # N, height, width
    row = traitlets.Bytes().tag(sync=True)  # uint8 (H, N * W, 3), the photographs side by side
    weights = traitlets.Dict().tag(**PAIRS)  # name -> three numbers for red, green, blue
    libraries = traitlets.List(traitlets.Unicode()).tag(sync=True)
    # What is chosen: the sliders of red, green, blue, and the level of the pairs of colours.
    sliders = traitlets.List(traitlets.Float(min=0, max=1), minlen=3, maxlen=3).tag(sync=True)
    level = traitlets.Int(128, min=64, max=192).tag(sync=True)


@notice_on_error
def mix_gray(photos: np.ndarray) -> Widget:
    """Weights of red, green and blue under sliders, and the gray that they give.

    Beside it are the gray that libraries give, how far it differs, and pairs of colours that the
    chosen weights make equal. The sliders work without the kernel.

    Args:
        photos: (N, H, W, 3), uint8 or float in [0, 1]; at most 12, of at most 256 x 256 pixels.

    Returns:
        A widget. If there are no photographs, too many, or not in RGB, a notice that says why.
    """
    pixels = _rgb_bytes(photos)  # (N, H, W, 3)
    rows = {"photograph": pixels}
    for name in ("BT.601", "red only", "green only", "blue only"):
        rows[name] = grayscale.to_gray(data.as_float(pixels), WEIGHTS[name])  # (N, H, W)
    return Mixer(
        lambda library: {"gray": side_by_side(convert(library, pixels)).tobytes()},
        [FIRST],
        still=plots.side_by_side(rows, zoom=max(1, 96 // pixels.shape[2])),
        alt=f"Photographs ({len(pixels)}) above their gray: with the weights of BT.601, then with "
        "all weight on red, on green, on blue.",
        size=list(pixels.shape[:3]),
        row=side_by_side(pixels).tobytes(),
        weights={name: list(weights) for name, weights in WEIGHTS.items()},
        libraries=list(conversions()),
        sliders=list(WEIGHTS["BT.601"]),
    )


def conversions() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """`grayscale.library_conversions`, and the mean of the three channels."""
    mean = {"channel mean": lambda rgb: rgb.mean(axis=-1)}
    return grayscale.library_conversions() | mean


def convert(library: str, rgb: np.ndarray) -> np.ndarray:
    """The gray that a library gives for uint8 (N, H, W, 3): float32 (N, H, W), 0 to 255, unrounded.

    Raises:
        CourseError: the library is not there, fails, or gives no finite number for each pixel.
    """
    try:
        gray = np.asarray(conversions()[library](rgb), dtype=np.float32)
    except Exception as reason:
        raise CourseError(f"{library} fails ({reason}); choose another library.") from reason
    if gray.shape != rgb.shape[:-1] or not np.isfinite(gray).all():
        raise CourseError(f"{library} gives no gray for each pixel; choose another library.")
    return gray


def side_by_side(images: np.ndarray) -> np.ndarray:
    """(N, H, W, ...) -> (H, N * W, ...): all images in one row."""
    return np.concatenate(images, axis=1)


def _rgb_bytes(photos: Any) -> np.ndarray:
    """Checked photographs as uint8 (N, H, W, 3)."""
    try:
        shape = np.shape(photos)
    except ValueError:
        raise CourseError("All photographs must have one shape, (H, W, 3).") from None
    if len(shape) != 4 or shape[-1] != 3:
        raise CourseError(f"photos must have shape (N, H, W, 3), not {shape}.")
    if shape[0] > MAX_PHOTOS or max(shape[1:3]) > MAX_SIDE:
        raise CourseError(
            f"photos has shape {shape}; pass at most {MAX_PHOTOS} photographs of at most "
            f"{MAX_SIDE} x {MAX_SIDE} pixels, such as photos[:6]."
        )
    return as_bytes(photos)
