"""From colour to gray, and the one check that every input image has to pass.

The course's definition of gray is BT.601 in floating point: 0.299 R + 0.587 G + 0.114 B.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib import quiet_stderr
from course_lib.files import CourseError

BT601 = (0.299, 0.587, 0.114)  # ITU-R BT.601, the course's definition and the paper's
BT709 = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, the primaries of sRGB
CHANNEL_MEAN = (1 / 3, 1 / 3, 1 / 3)
TORCHVISION = (0.2989, 0.587, 0.114)  # sums to 0.9999; TensorFlow uses the same three

TOLERANCE = 1e-4  # how far outside [0, 1] rounding may move a value


def check_images(images: Any, name: str, channels: int | None = None) -> np.ndarray:
    """`images` as a float array, after checking that it holds images in [0, 1].

    Args:
        images: floating-point array, values in [0, 1]; anything NumPy can read.
        name: its name in the error message.
        channels: length that the last axis must have; None accepts any shape.

    Raises:
        CourseError: not an array of numbers, empty, integers, wrong last axis, NaN or infinite
            values, or values further than `TOLERANCE` outside [0, 1].
    """
    try:
        images = np.asarray(images)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CourseError(f"{name} cannot be read as an array: {error}") from error
    if images.dtype.kind in "iub":
        raise CourseError(
            f"{name} holds integers ({images.dtype}), but float values in [0, 1] are needed: "
            "divide by 255 first."
        )
    if images.dtype.kind != "f":
        raise CourseError(f"{name} must be an array of floats, not of {images.dtype}.")
    if images.size == 0:
        raise CourseError(f"{name} is empty (shape {images.shape}); pass at least one image.")
    if channels and (images.ndim < 2 or images.shape[-1] != channels):
        first = images.ndim > 2 and images.shape[-3] == channels
        hint = "; these look like channels first: move that axis to the end" if first else ""
        raise CourseError(
            f"{name} has shape {images.shape}, but its last axis must be {channels} long{hint}."
        )
    low, high = float(images.min()), float(images.max())  # NaN passes through min and max
    if not np.isfinite([low, high]).all():
        raise CourseError(f"{name} holds NaN or infinite values; find where they come from first.")
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        hint = "divide by 255 first" if high > 2 else "clip or rescale it first"
        raise CourseError(
            f"{name} must be in [0, 1], but ranges from {low:.4g} to {high:.4g}: {hint}."
        )
    return images


def to_gray(rgb: Any, weights: Sequence[float] = BT601, keepdims: bool = False) -> np.ndarray:
    """Weighted sum of the three channels, without rounding.

    Args:
        rgb: float RGB in [0, 1], shape (..., H, W, 3).
        weights: the weights of red, green and blue; BT.601 by default.
        keepdims: keep a last axis of length 1, as a convolution needs it.

    Returns:
        float32 gray, shape (..., H, W), or (..., H, W, 1) with `keepdims`. It is in [0, 1] if
        the weights are not negative and add up to 1 at most.

    Raises:
        CourseError: wrong shape, integers, values outside [0, 1], NaN, or weights that are not
            three finite numbers.
    """
    rgb = check_images(rgb, "rgb", channels=3).astype(np.float32, copy=False)
    red, green, blue = _three_numbers(weights)
    gray = red * rgb[..., 0] + green * rgb[..., 1] + blue * rgb[..., 2]  # (..., H, W)
    return gray[..., np.newaxis] if keepdims else gray


def _three_numbers(weights: Sequence[float]) -> list[float]:
    try:
        numbers = [float(weight) for weight in weights]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        raise CourseError(
            f"weights must be three finite numbers, for red, green and blue, not {weights!r}."
        )
    return numbers


def linear_light_gray(rgb: Any, keepdims: bool = False) -> np.ndarray:
    """Gray of the same luminance: decode sRGB to linear light, weight with BT.709, encode again.

    Shapes, ranges and errors are those of `to_gray`. Source: IEC 61966-2-1 (sRGB).
    """
    rgb = check_images(rgb, "rgb", channels=3).astype(np.float32, copy=False)
    luminance = to_gray(srgb_to_linear(rgb), BT709, keepdims)
    return linear_to_srgb(luminance)


def srgb_to_linear(encoded: np.ndarray) -> np.ndarray:
    """Undo the sRGB transfer function: stored values in [0, 1] -> linear light in [0, 1]."""
    encoded = np.clip(encoded, 0, 1)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """Apply the sRGB transfer function: linear light in [0, 1] -> stored values in [0, 1]."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def library_conversions() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Gray as each library makes it, for comparison: name -> function.

    Each function takes uint8 RGB (N, H, W, 3) and returns gray (N, H, W) on the scale 0 to 255:
    uint8 where the library rounds to whole levels itself, float32 where it does not (the library
    is then given floats in [0, 1] and its answer is multiplied by 255). A library is imported
    when its function is called.
    """
    return {
        "course (BT.601)": lambda rgb: 255 * to_gray(rgb / np.float32(255)),
        "Pillow": _pillow,
        "torchvision, uint8 tensor": lambda rgb: _torchvision(rgb),
        "torchvision, float tensor": lambda rgb: 255 * _torchvision(rgb / np.float32(255)),
        "torchvision, PIL image": _torchvision_pil,
        "TensorFlow, uint8": lambda rgb: _tensorflow(rgb),
        "TensorFlow, float": lambda rgb: 255 * _tensorflow(rgb / np.float32(255)),
        "scikit-image": _skimage,
        "linear light": lambda rgb: 255 * linear_light_gray(rgb / np.float32(255)),
    }


def _pillow(rgb: np.ndarray) -> np.ndarray:
    from PIL import Image

    tall = Image.fromarray(rgb.reshape(-1, *rgb.shape[2:]))  # (N * H, W, 3): one conversion
    return np.asarray(tall.convert("L")).reshape(rgb.shape[:3])


def _torchvision(rgb: np.ndarray) -> np.ndarray:
    import torch
    from torchvision.transforms.v2.functional import rgb_to_grayscale

    tensor = torch.from_numpy(np.ascontiguousarray(rgb)).permute(0, 3, 1, 2)  # (N, 3, H, W)
    return rgb_to_grayscale(tensor)[:, 0].numpy()  # (N, 1, H, W) -> (N, H, W)


def _torchvision_pil(rgb: np.ndarray) -> np.ndarray:
    from PIL import Image
    from torchvision.transforms.v2.functional import rgb_to_grayscale

    tall = Image.fromarray(rgb.reshape(-1, *rgb.shape[2:]))
    return np.asarray(rgb_to_grayscale(tall)).reshape(rgb.shape[:3])


def _tensorflow(rgb: np.ndarray) -> np.ndarray:
    with quiet_stderr():
        import tensorflow as tf

    return tf.image.rgb_to_grayscale(rgb).numpy()[..., 0]


def _skimage(rgb: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2gray

    return 255 * rgb2gray(rgb / np.float32(255))
