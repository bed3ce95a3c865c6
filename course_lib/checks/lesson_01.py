"""The checks of lesson 01, grayscale conversion."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checks import (
    Check,
    CheckFailed,
    Comparison,
    Sign,
    everywhere,
    random_array,
)
from course_lib.grayscale import BT601, BT709, linear_light_gray, srgb_to_linear


def _gray(rgb: Any, weights: Any = BT601) -> np.ndarray:
    gray: np.ndarray = np.asarray(rgb) @ np.array(weights)  # (..., 3) -> (...)
    return gray


def _patch(colour: Any) -> np.ndarray:
    """A picture (1, 1, 3) of one colour."""
    return np.reshape(colour, (1, 1, 3))


def _move(green_for_red: float) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda colour, change: colour + change * np.array([1, -green_for_red, 0])


def _weights(found: Comparison) -> np.ndarray | None:
    """The weights that give an answer's grays from red, green and blue; None if none do."""
    if [one.shape for one in found.given] != [one.shape for one in found.right]:
        return None
    rgb = [np.reshape(inputs, (-1, 3)).astype(float) for inputs in found.inputs]
    pixels, grays = np.concatenate(rgb), np.concatenate([one.ravel() for one in found.given])
    scale = 255 if pixels.max() > 1 else 1
    weights: np.ndarray = np.linalg.lstsq(pixels / scale, grays.astype(float), rcond=None)[0]
    return weights if np.allclose(pixels / scale @ weights, grays, atol=1e-6) else None


def _has_right_shapes(found: Comparison) -> bool:
    return [one.shape for one in found.given] == [one.shape for one in found.right]


def _lifts_black(found: Comparison) -> bool:
    """Whether grays are a weighted sum, and a number that is not 0."""
    if not _has_right_shapes(found):
        return False
    rgb = [np.reshape(inputs, (-1, 3)).astype(float) for inputs in found.inputs]
    pixels, grays = np.concatenate(rgb), np.concatenate([one.ravel() for one in found.given])
    terms = np.column_stack([pixels, np.ones(len(pixels))])
    weights = np.linalg.lstsq(terms, grays.astype(float), rcond=None)[0]
    return abs(weights[3]) > 1e-4 and np.allclose(terms @ weights, grays, atol=1e-6)


def _weighs(holds: Callable[[np.ndarray], Any]) -> Sign:
    """The sign of a weighted sum whose weights are like this."""

    def sign(found: Comparison) -> bool:
        weights = _weights(found)
        return weights is not None and bool(holds(weights))

    return sign


def _is_off_by_one_level(output: np.ndarray, gray: np.ndarray) -> bool:
    right = np.rint(255 * gray)
    off = np.abs(output.astype(float) - right)
    return output.shape == gray.shape and bool((np.minimum(off, 256 - off) <= 1).all())


def _times(factor: float, whole: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda gray: np.clip(whole(factor * gray), 0, 255)


def _is_proportional(output: np.ndarray, gray: np.ndarray) -> bool:
    """Whether levels are a number times the gray, but for rounding."""
    factor = output.max() / gray.max()
    return output.shape == gray.shape and bool((np.abs(output - factor * gray) < 2).all())


def _is_scaled_by_image(found: Comparison) -> bool:
    """Whether each image is right but for a factor of its own."""
    for given, right in zip(found.given, found.right, strict=True):
        if given.shape != right.shape:
            return False
        ratios = np.where(right > 0.01, given / np.maximum(right, 0.01), np.nan).reshape(
            len(right), -1
        )
        if np.nanmax(np.nanmax(ratios, axis=1) - np.nanmin(ratios, axis=1)) > 1e-3:
            return False
    return True


def _channel(place: int, change: Callable[[float], float]) -> Sign:
    """The sign of a colour whose channel `place` changes by other than `change(red_change)`."""

    def holds(output: np.ndarray, colour: np.ndarray, red_change: float) -> bool:
        if output.shape != (3,):
            return False
        return not np.isclose(output[place], colour[place] + change(red_change), atol=1e-6)

    return lambda found: any(map(holds, found.given, *zip(*found.inputs, strict=True)))


def _is_a_colour(output: np.ndarray, colours: np.ndarray, probabilities: np.ndarray) -> bool:
    return output.shape == (3,) and np.isclose(output, colours).all(axis=1).any()


def _weighted_median(colours: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """For each channel the first value at which half of the probability is reached."""
    order = colours.argsort(axis=0)
    reached = np.cumsum(probabilities[order], axis=0) >= 0.5 - 1e-9  # (K, 3)
    return np.take_along_axis(colours, order, 0)[reached.argmax(axis=0), range(3)]


def _of_the_two_likeliest(colours: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    two = np.argsort(probabilities)[-2:]
    mean: np.ndarray = probabilities[two] @ colours[two] / probabilities[two].sum()
    return mean


def _leaves_a_colour_out(found: Comparison) -> bool:
    """The first colour is missing everywhere, or the last."""
    return any(
        all(
            np.shape(output) == (3,) and np.allclose(output, p[some] @ colours[some], atol=1e-6)
            for output, (colours, p) in zip(found.given, found.inputs, strict=True)
        )
        for some in (slice(1, None), slice(None, -1))
    )


def _error(weights: np.ndarray, rgb: np.ndarray) -> float:
    return float(np.mean((_gray(rgb, weights)[..., np.newaxis] - rgb) ** 2))


def _copy_error(weights: np.ndarray, rgb: np.ndarray) -> float:
    """MSE of the gray copy under these weights."""
    if weights.shape != (3,):
        raise CheckFailed(_THREE)
    return _error(weights, rgb)


def _is_close(weights: np.ndarray, rgb: np.ndarray) -> bool:
    """Whether a better search would have come to the best weights."""
    least = _error(np.full(3, 1 / 3), rgb)
    return abs(weights.sum() - 1) < 0.05 and _error(weights, rgb) < least + 5e-4


def _shares(numbers: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Weights that share out 1 by three numbers, made of the pixels (P, 3)."""

    def weights(rgb: np.ndarray) -> np.ndarray:
        found = numbers(rgb.reshape(-1, 3))
        return found / found.sum()

    return weights


def _main_axis(pixels: np.ndarray) -> np.ndarray:
    """The direction in which the colours scatter most."""
    axis: np.ndarray = np.linalg.svd(pixels - pixels.mean(axis=0), full_matrices=False)[2][0]
    return axis * np.sign(axis.sum())


def _colours_from_gray(pixels: np.ndarray) -> np.ndarray:
    """What each channel is times the mean of the three, by least squares."""
    gray = pixels.mean(axis=1)
    ratios: np.ndarray = gray @ pixels / (gray @ gray)
    return ratios


def _are(weights: Callable[[np.ndarray], Any], scaled: bool = False) -> Sign:
    """The sign of weights that are these for every set of images, up to a factor if `scaled`."""

    def holds(output: np.ndarray, rgb: np.ndarray) -> bool:
        other = np.array(weights(rgb))
        factor = other.sum() / output.sum() if scaled and output.sum() else 1
        return bool(np.allclose(factor * output, other, atol=2e-3))

    return everywhere(holds)


def _is_any_of(*fixed: Any) -> Sign:
    """The sign of these weights, whatever the images."""
    return everywhere(lambda output, rgb: any(np.allclose(output, w, atol=2e-3) for w in fixed))


def _is_any_of_shares(*ways: Callable[[np.ndarray], np.ndarray]) -> Sign:
    signs = [_are(_shares(way), scaled=True) for way in ways]
    return lambda found: any(sign(found) for sign in signs)


_ROUNDED = (0.2989, 0.587, 0.114)  # TensorFlow's and torchvision's
_FOUR_DIGITS = "The weight 0.2989 is rounded, and the three add up to 0.9999: BT.601 has 0.299."
_SUM = "Your weights do not add up to 1, so a gray pixel changes: divide them by their sum."
_THREE = "Return three weights, for red, green and blue."
_EQUAL = "You give the channels equal weight; the eye does not, and nor does BT.601."
_BGR = "Red and blue have changed places: BGR is the order of OpenCV, this is RGB."
_BT709 = "These are the weights of BT.709; the course uses those of BT.601."
_PRIMARIES = (0.2125, 0.7154, 0.0721)  # scikit-image's
_LAST_AXIS = "The three channels are on the last axis: rgb[..., 0] is the red of all pixels."
_MAXIMUM = "You return the largest channel: that is the value of HSV, not a weighted sum."
_LIGHTNESS = (
    "You return the middle of the largest and smallest channel: that is the lightness of "
    "HSL, not a weighted sum."
)
_BRIGHT = "BT.601's weights were made for the eye; the squared error counts the channels alike."
_SIGNS_OF_WEIGHTS: dict[str, Sign] = {
    _EQUAL: _weighs(lambda w: np.ptp(w) < 1e-3 * abs(w).max()),
    "You divide by 255 twice: once is enough.": _weighs(lambda w: abs(w).sum() < 0.01),
    "The values reach 255: divide the bytes by 255.": _weighs(lambda w: abs(w).sum() > 50),
    "A weight has the wrong sign: a gray is the sum of its three terms.": _weighs(
        lambda w: w.min() < -1e-3
    ),
    "You leave a channel out, or use one twice: red, green and blue each have a weight.": _weighs(
        lambda w: w.min() < 1e-3
    ),
    "The weights have changed places: green weighs most, and blue least.": _weighs(
        lambda w: np.allclose(np.sort(w), np.sort(BT601), atol=1e-3)
    ),
    "Your weights do not add up to 1, so white is not 1: compare them with BT.601's.": _weighs(
        lambda w: abs(w.sum() - 1) > 1e-3
    ),
    "Your weights add up to 1, but they are not those of BT.601.": _weighs(lambda w: True),
}
_NO_SUM: dict[str, Sign] = {
    "Black does not stay black: a gray is a weighted sum, without another term.": _lifts_black,
    "Your gray is no weighted sum: each channel counts times its weight.": _has_right_shapes,
}

# fmt: off
CHECKS = {
    "01.gray_pixel": Check(
        inputs=lambda: [(0.2, 0.5, 0.9), (1.0, 0.0, 0.0), (0.0, 0.3, 0.8), (0.7, 0.7, 0.7),
                        tuple(random_array(3).round(2).tolist()),
                        (0.25, 0.75, 0.5), (1.0, 1.0, 1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)],
        shown=4,
        reference=lambda red, green, blue: _gray((red, green, blue)),
        drawn_as="pictures",
        panel=lambda gray, *rgb: {"red, green, blue": _patch(rgb), "returns": np.array([[gray]])},
        misconceptions={
            _EQUAL: lambda *rgb: sum(rgb) / 3,
            _BGR: lambda *rgb: _gray(rgb[::-1]),
            _BT709: (lambda *rgb: _gray(rgb, BT709), lambda *rgb: _gray(rgb, _PRIMARIES)),
            _FOUR_DIGITS:
                (lambda *rgb: _gray(rgb, _ROUNDED),
                 lambda *rgb: _gray(rgb, (0.2989, 0.587, 0.1141)),
                 lambda *rgb: _gray(rgb, (0.2989, 0.5870, 0.1140))),
            "The colours are in [0, 1] already, and so is their gray: do not multiply by 255.":
                (lambda *rgb: 255 * _gray(rgb), lambda *rgb: np.rint(255 * _gray(rgb)),
                 lambda *rgb: int(255 * _gray(rgb))),
            "The colours are in [0, 1] already: do not divide by 255.":
                lambda *rgb: _gray(rgb) / 255,
            "The weights add up to 1 already; do not divide by 3 as well.":
                lambda *rgb: _gray(rgb) / 3,
            "You return the three terms; add them up.":
                lambda *rgb: np.multiply(rgb, BT601),
            "You return gray three times; it is one number.": lambda *rgb: np.full(3, _gray(rgb)),
            "Your weights are rounded to two digits: BT.601 has 0.299, 0.587 and 0.114.":
                (lambda *rgb: _gray(rgb, (0.3, 0.59, 0.11)),
                 lambda *rgb: _gray(rgb, (0.3, 0.6, 0.1))),
            "These are BT.601's weights in 256ths, rounded: write 0.299, 0.587 and 0.114.":
                (lambda *rgb: _gray(rgb, (77 / 256, 150 / 256, 29 / 256)),
                 lambda *rgb: _gray(rgb, (76 / 255, 150 / 255, 29 / 255))),
            _MAXIMUM: max,
            _LIGHTNESS: lambda *rgb: (max(rgb) + min(rgb)) / 2,
            "You return one of the channels; a gray is a weighted sum of all three.":
                (min, lambda *rgb: rgb[0], lambda *rgb: rgb[1], lambda *rgb: rgb[2],
                 lambda *rgb: sorted(rgb)[1]),
            "You multiply the three terms; add them up.":
                (lambda *rgb: float(np.prod(np.multiply(rgb, BT601))),
                 lambda *rgb: float(np.prod(rgb))),
            "You square the channels; a gray is a weighted sum of the stored values.":
                (lambda *rgb: _gray(np.square(rgb)), lambda *rgb: _gray(np.square(rgb)) ** 0.5,
                 lambda *rgb: float(np.linalg.norm(rgb)), lambda *rgb: _gray(rgb) ** 2),
            "You decode the colours to linear light; luma is a weighted sum of the stored values.":
                (lambda *rgb: _gray(srgb_to_linear(np.array(rgb))),
                 lambda *rgb: _gray(srgb_to_linear(np.array(rgb)), BT709),
                 lambda *rgb: linear_light_gray(_patch(rgb))[0, 0],
                 lambda *rgb: _gray(np.power(rgb, 2.2)) ** (1 / 2.2),
                 lambda *rgb: _gray(np.power(rgb, 2.2))),
            "You return whole numbers; on the scale from 0 to 1 there are only two of them.":
                (lambda *rgb: int(_gray(rgb)), lambda *rgb: round(float(_gray(rgb)))),
            "You return the negative: white is 1.": lambda *rgb: 1 - _gray(rgb),
        },
        signs=_SIGNS_OF_WEIGHTS,
        otherwise=_NO_SUM,
    ),
    "01.gray_batch": Check(
        inputs=lambda: [((256 * random_array(3, 4, 5, 3)).astype(np.uint8),),
                        ((256 * random_array(1, 8, 8, 3)).astype(np.uint8),),
                        # No white in this one.
                        ((201 * random_array(2, 4, 4, 3)).astype(np.uint8),),
                        (np.full((2, 1, 3, 3), 255, np.uint8),)],
        shown=2,
        reference=lambda rgb: _gray(rgb / 255)[..., np.newaxis],
        dtype=np.floating,
        drawn_as="pictures",
        panel=lambda gray, rgb: {"rgb": rgb, "returns": gray, "returns shape": gray.shape},
        caption="Batches of small colour pictures, and their gray in [0, 1].",
        misconceptions={
            _EQUAL: lambda rgb: rgb.mean(axis=-1) / 255,
            _BGR: lambda rgb: _gray(rgb[..., ::-1] / 255),
            _BT709:
                (lambda rgb: _gray(rgb / 255, BT709), lambda rgb: _gray(rgb / 255, _PRIMARIES)),
            _FOUR_DIGITS:
                lambda rgb: _gray(rgb / 255, _ROUNDED),
            "The values reach 255: divide the bytes by 255.":
                (_gray, lambda rgb: np.rint(_gray(rgb)), lambda rgb: _gray(rgb).astype(np.uint8)),
            "You divide by the largest byte present; white is 255 whatever is in the batch.":
                (lambda rgb: _gray(rgb / rgb.max()), lambda rgb: _gray(rgb) / _gray(rgb).max(),
                 lambda rgb: _gray(rgb / rgb.max(axis=(1, 2, 3), keepdims=True)),
                 lambda rgb: _gray((rgb - float(rgb.min())) / np.ptp(rgb))),
            "The operator // cuts off, and almost every byte becomes 0: divide with /.":
                (lambda rgb: _gray(rgb // 255), lambda rgb: _gray(rgb) // 255,
                 lambda rgb: _gray(rgb / 255).astype(np.uint8)),
            "You divide by 256, so white does not reach 1: the largest byte is 255.":
                lambda rgb: _gray(rgb / 256),
            "The sum wraps around, because bytes stay bytes: 200 + 100 is 44. Divide by 255 first.":
                (lambda rgb: (rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) / 3 / 255,
                 lambda rgb: (rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) // 3 / 255,
                 lambda rgb: rgb.sum(axis=-1, dtype=np.uint8) / 255),
            "The products wrap around, because bytes stay bytes: make them floats first.":
                (lambda rgb: np.sum(rgb * np.array([77, 150, 29], np.uint8), -1, np.uint8) / 255,
                 lambda rgb: (rgb[..., 0] * np.uint8(77) + rgb[..., 1] * np.uint8(150)
                              + rgb[..., 2] * np.uint8(29)) / 256 / 255),
            "You round gray to whole levels: make the bytes floats first, and keep floats.":
                (lambda rgb: _gray(rgb).astype(np.uint8) / 255,
                 lambda rgb: np.rint(_gray(rgb)) / 255,
                 lambda rgb: (rgb.astype(int) @ [77, 150, 29] >> 8) / 255,
                 lambda rgb: rgb.astype(int).sum(axis=-1) // 3 / 255),
            "You cut each term down to whole levels: make the bytes floats first, and keep floats.":
                lambda rgb: (rgb * np.array(BT601)).astype(np.uint8).sum(axis=-1) / 255,
            "Fractions became whole numbers, and almost all of them 0: keep the floats.":
                lambda rgb: np.rint(_gray(rgb / 255)),
            "You weigh the channels and leave them apart: add them up, over the last axis.":
                lambda rgb: rgb / 255 * np.array(BT601),
            "You only divide: the three channels have to become one gray.": lambda rgb: rgb / 255,
            "You copy the gray into three channels; the network wants it once.":
                lambda rgb: np.repeat(_gray(rgb / 255)[..., np.newaxis], 3, axis=-1),
            "You return one image; keep the gray of all N.":
                (lambda rgb: _gray(rgb / 255)[-1:], lambda rgb: _gray(rgb / 255)[0],
                 lambda rgb: _gray(rgb / 255).mean(axis=0)),
            "You add up rows of the picture: the channels are on the last axis, rgb[..., 0].":
                (lambda rgb: _gray(np.moveaxis(rgb[:, :3] / 255, 1, -1)),
                 lambda rgb: _gray(np.moveaxis(rgb[:, :, :3] / 255, 2, -1))),
            "You add up images of the batch: the channels are on the last axis, rgb[..., 0].":
                lambda rgb: np.tensordot(BT601, rgb / 255, (0, 0)),
            _MAXIMUM: lambda rgb: rgb.max(axis=-1) / 255,
            _LIGHTNESS: lambda rgb: (rgb.max(axis=-1) / 2 + rgb.min(axis=-1) / 2) / 255,
            "You return one of the channels; a gray is a weighted sum of all three.":
                (lambda rgb: rgb[..., 0] / 255, lambda rgb: rgb[..., 1] / 255,
                 lambda rgb: rgb[..., 2] / 255),
            "You flatten the batch: keep the axes N, H and W, and add one of length 1.":
                (lambda rgb: _gray(rgb / 255).ravel(),
                 lambda rgb: _gray(rgb / 255).reshape(len(rgb), -1)),
            "You average over the pixels; every pixel has a gray of its own.":
                (lambda rgb: _gray(rgb / 255).mean(axis=(1, 2)),
                 lambda rgb: _gray(rgb / 255).mean()),
            "You scale the values to [-1, 1]; the exercise asks for [0, 1].":
                lambda rgb: _gray(rgb / 127.5 - 1),
        },
        signs={
            **_SIGNS_OF_WEIGHTS,
            "You divide by the largest byte present; white is 255 whatever is in the batch.":
                _is_scaled_by_image,
            "Your result must keep the axes N, H and W, with one of length 1 behind them.":
                everywhere(lambda output, rgb:
                           output.shape not in (rgb.shape[:3], (*rgb.shape[:3], 1))),
        },
        otherwise=_NO_SUM,
        hints={
            "matmul": _LAST_AXIS, "broadcast": _LAST_AXIS, "not aligned": _LAST_AXIS,
        },
    ),
    "01.to_bytes": Check(
        inputs=lambda: [(np.arange(256, dtype=np.float32).reshape(16, 16) / np.float32(255),),
                        (0.999 * random_array(2, 3, 4),), (0.999 * random_array(5, 7),),
                        (np.array([1.0, 0.0, 0.998, 0.0019, 0.00197, 0.51]),), (np.array([0.71]),)],
        shown=2,
        reference=lambda gray: np.rint(255 * gray).astype(np.uint8),
        dtype=np.uint8,
        drawn_as="pictures",
        caption="The first is a ramp of all 256 levels.",
        misconceptions={
            "You cut off what is behind the point, so some levels come out too dark: round first.":
                lambda gray: (255 * gray).astype(np.uint8),
            "You multiply by 256 and cut off; the levels lie 1/255 apart: use 255 and round.":
                (lambda gray: np.minimum(256 * gray, 255).astype(np.uint8),
                 *(_times(factor, np.floor) for factor in (255.9, 255.99, 255.999, 255.9999))),
            "The factor 255.5 saves the ramp, but between levels it may miss the nearest: round.":
                (lambda gray: (255.5 * gray).astype(np.uint8), _times(255.5, np.rint)),
            "You round up, so some levels come out too bright: round to the nearest.":
                (lambda gray: np.ceil(255 * gray), lambda gray: np.floor(255 * gray + 1),
                 lambda gray: np.minimum(255 * gray + 1, 255).astype(np.uint8)),
            "You multiply by 256, and white becomes 256, which is no byte: white is 255.":
                (lambda gray: np.rint(256 * gray).astype(int) % 256, _times(256, np.rint),
                 lambda gray: np.rint(256 * gray), lambda gray: np.floor(256 * gray)),
            "You multiply by 256, and white wraps around to 0: 256 is no byte, and white is 255.":
                lambda gray: np.floor(256 * gray).astype(int) % 256,
            "You multiply by 254, so white does not reach 255.":
                (_times(254, np.rint), _times(254, np.floor)),
            "The type int8 ends at 127, and what is brighter becomes negative: use uint8.":
                (lambda gray: np.rint(255 * gray).astype(np.uint8).view(np.int8),
                 lambda gray: np.floor(255 * gray).astype(np.uint8).view(np.int8),
                 lambda gray: np.rint(127 * gray), lambda gray: np.floor(127 * gray)),
            "You turn fractions into bytes, and almost all become 0: multiply by 255 first.":
                (lambda gray: gray.astype(np.uint8), np.rint, np.ceil),
            "You cast before you multiply, and every fraction becomes 0: multiply, round, cast.":
                lambda gray: gray.astype(np.uint8) * 255,
            "You round before you multiply, and only black and white are left.":
                (lambda gray: np.rint(gray) * 255, lambda gray: np.ceil(gray) * 255),
            "You multiply by 255 and leave the fractions: round, then make bytes.":
                lambda gray: 255 * gray,
            "You divide by 255; the values are in [0, 1], so multiply.":
                (lambda gray: (gray / 255).astype(np.uint8), lambda gray: gray / 255,
                 lambda gray: np.rint(gray / 255)),
            "You return the negative: white is 255.":
                (lambda gray: np.rint(255 * (1 - gray)), lambda gray: np.floor(255 * (1 - gray))),
            "You stretch the gray until its brightest pixel is 255: a level is 255 times the gray.":
                (lambda gray: np.rint(255 * gray / gray.max()),
                 lambda gray: np.floor(255 * gray / gray.max()),
                 lambda gray: np.rint(255 * (gray - gray.min()) / np.ptp(gray)),
                 lambda gray: np.floor(255 * (gray - gray.min()) / np.ptp(gray))),
            "You round to one digit first, and most levels are lost: multiply, then round.":
                (lambda gray: np.rint(255 * gray.round(1)),
                 lambda gray: np.rint(255 * gray.round(2)),
                 lambda gray: np.floor(255 * gray.round(1)),
                 lambda gray: np.floor(255 * gray.round(2))),
            "You flatten the picture: keep its shape.": lambda gray: np.rint(255 * gray).ravel(),
        },
        signs={
            "Some levels are off by one: multiply by 255, and round to the nearest.":
                everywhere(_is_off_by_one_level),
            "Bytes reach from 0 to 255: multiply by 255 before you make bytes.":
                everywhere(lambda output, gray: output.max() <= 1),
            "You stretch the gray until its brightest pixel is 255: a level is 255 times the gray.":
                lambda found: any(output.max() == 255 and gray.max() < 0.98
                                  for output, (gray,) in zip(found.given, found.inputs,
                                         strict=True)),
            "Your levels rise with the gray, but white is not 255: multiply by 255.":
                everywhere(_is_proportional),
        },
        otherwise={
            "Your levels do not rise in proportion to the gray: a level is 255 times the gray.":
                everywhere(lambda output, gray: output.shape == gray.shape),
        },
    ),
    "01.same_gray": Check(
        inputs=lambda: [(np.array([0.4, 0.5, 0.6]), 0.1), (np.array([0.9, 0.2, 0.3]), -0.4),
                        (np.array([0.9, 0.1, 0.5]), 0.4), (random_array(3).round(2), -0.23),
                        (np.array([0.3, 0.8, 0.2]), 0.0), (np.array([0.0, 0.0, 0.0]), 1.0)],
        shown=3,
        reference=lambda colour, red_change: _move(0.299 / 0.587)(colour, red_change),
        drawn_as="pictures",
        panel=lambda output, colour, change: {
            "red_change": f"{change:+g}", "colour": _patch(colour), "returns": _patch(output),
            "gray of both": _gray(_patch(colour))},
        misconceptions={
            "You clip to [0, 1], and the gray changes with what you cut: let the colour leave it.":
                lambda colour, change: np.clip(_move(0.299 / 0.587)(colour, change), 0, 1),
            "Green must give way, or the gray changes with the red.": _move(0),
            "You take from green what you gave to red, as if both weighed the same.": _move(1),
            "The sign is wrong: when red goes up, green must come down.": _move(-0.299 / 0.587),
            "The ratio is upside down: green weighs more, so it moves less.": _move(0.587 / 0.299),
            "What green loses is weighed too: divide by green's weight.": _move(0.299),
            _BT709: (_move(BT709[0] / BT709[1]), _move(0.2125 / 0.7154)),
            _FOUR_DIGITS: _move(0.2989 / 0.587),
            "The ratio is not 0.5: divide red's weight by green's, 0.299 / 0.587.":
                (_move(0.5), _move(0.51), _move(0.3 / 0.59), _move(0.3 / 0.6), _move(0.509)),
            "You take red's weight over green's and blue's: only green gives way, so divide by "
            "green's.": (_move(0.299 / 0.701), _move(0.299 / 0.886)),
            "You take green's weight of red's change; divide red's weight by green's.":
                (_move(0.587), _move(1 - 0.299), _move(1 / 0.587), _move(0.299 * 0.587)),
            "You let blue change as well; it stays as it is, and green gives way alone.":
                lambda colour, change: colour + change * np.array([1, *[-0.299 / 0.701] * 2]),
            "You set red to the change; it is added to the red that is there.":
                lambda colour, change: _move(0.299 / 0.587)(colour, change) - colour * [1, 0, 0],
            "You return green alone; return the whole colour.":
                lambda colour, change: _move(0.299 / 0.587)(colour, change)[1],
            "You balance with blue; the exercise asks for green, and blue stays.":
                lambda colour, change: colour + change * np.array([1, 0, -0.299 / 0.114]),
            "You return the change; add it to the colour.":
                lambda colour, change: _move(0.299 / 0.587)(colour, change) - colour,
            "You return the colour as it came.": lambda colour, change: colour,
            "You set green to the change; it is added to the green that is there.":
                lambda colour, change: _move(0.299 / 0.587)(colour, change) - colour * [0, 1, 0],
            "You return the gray, which stays the same; return the new colour.":
                (lambda colour, change: _gray(colour),
                 lambda colour, change: np.full(3, _gray(colour))),
            "You drop the sign of red_change: it may be negative.":
                (lambda colour, change: _move(0.299 / 0.587)(colour, abs(change)),
                 lambda colour, change: colour + np.array([change, -0.299 / 0.587 * abs(change),
                        0])),
            "You scale the channels by red_change; it is added to red.":
                (lambda colour, change: colour * [1 + change, 1 - 0.299 / 0.587 * change, 1],
                 lambda colour, change: colour + colour * change * [1, -0.299 / 0.587, 0]),
        },
        signs={
            "Red must change by red_change, and by nothing else.":
                _channel(0, lambda change: change),
            "Blue stays as it is: only red and green change.": _channel(2, lambda change: 0.0),
            "The gray still changes: what red and green gain and lose, times their weights, must "
            "add up to 0.": _channel(1, lambda change: -0.299 / 0.587 * change),
        },
    ),
    "01.best_guess": Check(
        inputs=lambda: [(random_array(3, 3).round(4), np.array([0.6, 0.3, 0.1])),
                        (random_array(4, 3).round(4), np.array([0.1, 0.45, 0.25, 0.2])),
                        (random_array(2, 3), np.array([0.35, 0.65])),
                        (random_array(1, 3), np.array([1.0])),
                        (random_array(5, 3), np.array([0.3, 0.0, 0.4, 0.05, 0.25]))],
        shown=2,
        reference=lambda colours, probabilities: probabilities @ colours,
        tolerance=1e-4,  # for who searches
        drawn_as="pictures",
        panel=lambda output, colours, probabilities: {
            "colours": colours[np.newaxis], "probabilities": probabilities,
            "returns": _patch(output)},
        misconceptions={
            "You pick the likeliest colour; when wrong it is far off, and squares punish that.":
                lambda colours, probabilities: colours[np.argmax(probabilities)],
            "You pick the best of the K colours; a colour between them can cost less.":
                lambda colours, probabilities: colours[np.argmin(
                    probabilities @ np.square(colours[:, None] - colours).sum(axis=-1))],
            "You take the plain mean, as if all colours were equally likely.":
                lambda colours, probabilities: colours.mean(axis=0),
            "You take the median: that is best for the absolute error, not for the squared one.":
                lambda colours, probabilities: np.median(colours, axis=0),
            "You average over the channels: axis 0 counts the colours, axis 1 red, green, blue.":
                lambda colours, probabilities: colours.mean(axis=1),
            "You let the probabilities weigh red, green and blue; they belong to the K colours, "
            "which are on axis 0.":
                (lambda colours, probabilities: colours @ probabilities,
                 lambda colours, probabilities: (colours * probabilities).sum(axis=0),
                 lambda colours, probabilities: (colours * probabilities).mean(axis=0),
                 lambda colours, probabilities: colours * probabilities),
            "You return the gray of the mean colour; its red, green and blue cost less.":
                lambda colours, probabilities: np.full(3, _gray(probabilities @ colours)),
            "You return one number, the gray of the mean colour; return its red, green and blue.":
                lambda colours, probabilities: _gray(probabilities @ colours),
            "You weigh the colours and leave them apart: add them up.":
                lambda colours, probabilities: colours * probabilities[:, None],
            "You return one number, the mean of the channels; return red, green and blue.":
                lambda colours, probabilities: np.mean(probabilities @ colours),
            "You divide once too often: the probabilities add up to 1 already.":
                (lambda colours, probabilities: probabilities @ colours / len(colours),
                 lambda colours, probabilities: probabilities @ colours / 3),
            "You leave the probabilities out: the mean weighs each colour by its own.":
                lambda colours, probabilities: colours.sum(axis=0),
            "You square or take roots; the derivative of the expected squared error is zero at a "
            "plain weighted mean.":
                (lambda colours, probabilities: probabilities**2 @ colours,
                 lambda colours, probabilities:
                     probabilities**2 @ colours / (probabilities**2).sum(),
                 lambda colours, probabilities: probabilities**0.5 @ colours,
                 lambda colours, probabilities:
                     probabilities**0.5 @ colours / (probabilities**0.5).sum(),
                 lambda colours, probabilities: probabilities @ colours**2,
                 lambda colours, probabilities: (probabilities @ colours**2) ** 0.5,
                 lambda colours, probabilities: np.exp(probabilities @ np.log(colours))),
            "You weigh by one minus the probability, so the unlikeliest colour counts most.":
                (lambda colours, probabilities: (1 - probabilities) @ colours,
                 lambda colours, probabilities:
                     (1 - probabilities) @ colours / max((1 - probabilities).sum(), 1e-9),
                 lambda colours, probabilities: colours[np.argmin(probabilities)]),
            "You take the middle of the extremes; weigh all colours by their probabilities.":
                lambda colours, probabilities: (colours.max(axis=0) + colours.min(axis=0)) / 2,
            "You return which colour is the likeliest; return a colour.":
                lambda colours, probabilities: np.argmax(probabilities),
            "You return the expected error; return the colour at which it is smallest.":
                (lambda colours, probabilities:
                     probabilities @ np.square(colours - probabilities @ colours).mean(axis=-1),
                 lambda colours, probabilities:
                     probabilities @ np.square(colours - probabilities @ colours).sum(axis=-1),
                 lambda colours, probabilities:
                     probabilities @ np.square(colours - probabilities @ colours)),
            "You weigh the medians: a weighted median is best for the absolute error, not for the "
            "squared one.": _weighted_median,
            "You mix the two likeliest colours only; weigh all K of them.": _of_the_two_likeliest,
        },
        signs={
            "You pick one of the K colours; a colour between them can cost less.":
                everywhere(_is_a_colour),
            "You return a gray; its three channels may differ, and cost less.":
                everywhere(lambda output, colours, probabilities:
                           output.shape == (3,) and np.ptp(output) < 1e-6),
            "You leave a colour out: all K of them count, the first and the last too.":
                _leaves_a_colour_out,
            "Return one colour, an array of red, green and blue.":
                everywhere(lambda output, colours, probabilities: output.shape != (3,)),
        },
        otherwise={
            "Another colour costs less: set the derivative of the expected squared error to zero, "
            "and see how much each of the K colours counts.": lambda found: True,
        },
        hints=dict.fromkeys(("matmul", "broadcast", "not aligned", "out of bounds"),
               "The K probabilities weigh the K colours: (K,) and (K, 3) become (3,)."),
    ),
    "01.best_weights": Check(
        # Like photographs, brightness varies more than colour; the second set has a red cast, in
        # the third the red varies most, in the fourth the blue hardly at all.
        inputs=lambda: [(0.2 + 0.6 * random_array(6, 8, 8, 1)
                         + (random_array(6, 8, 8, 3) - 0.5) * [0.3, 0.1, 0.4],),
                        (random_array(6, 8, 8, 1) * [0.9, 0.6, 0.5],),
                        (0.4 + (random_array(3, 9, 7, 3) - 0.5) * [0.3, 0.15, 0.1],),
                        ([0.35, 0.4, 0.55] + random_array(2, 8, 8, 3) * [0.3, 0.2, 0.05],)],
        shown=1,
        reference=lambda rgb: np.full(3, 1 / 3),
        measure=_copy_error,
        measured="the gray copy's MSE with your weights",
        refusals=(_THREE,),
        tolerance=2e-5,
        panel=lambda weights, rgb: {
            "images": rgb, "gray copy's MSE, BT.601": round(_copy_error(np.array(BT601), rgb), 5),
            "with the best weights": round(_copy_error(weights, rgb), 5)},
        misconceptions={
            "You copy one channel; a mixture comes closer to all three.":
                (lambda rgb: (0, 1, 0), lambda rgb: (1, 0, 0), lambda rgb: (0, 0, 1)),
            "These weights add up to 3, so the gray is three times too bright.":
                lambda rgb: (1, 1, 1),
            "You scale the weights to length 1; to keep a gray pixel they must add up to 1.":
                lambda rgb: np.full(3, 3 ** -0.5),
            _BRIGHT: lambda rgb: BT601,
        },
        signs={
            _BRIGHT: _is_any_of(BT601, BT709, _PRIMARIES, BT601[::-1], (0.3, 0.59, 0.11)),
            _SUM: everywhere(lambda output, rgb: abs(output.sum() - 1) > 1e-3
                             and np.ptp(output) < 0.02 * abs(output).max()),
            "You copy one channel; a mixture comes closer to all three.":
                everywhere(lambda output, rgb: np.allclose(np.sort(np.abs(output)), [0, 0, 1],
                       atol=1e-3)),
            "You weigh each channel by its mean; the error counts all alike, bright or not.":
                _are(lambda rgb: rgb.mean(axis=(0, 1, 2)), scaled=True),
            "You weigh each channel by its variance; the error counts all alike, flat or not.":
                _are(lambda rgb: rgb.var(axis=(0, 1, 2)), scaled=True),
            "You weigh each channel by its standard deviation; the error counts all alike, flat or "
            "not.": _are(lambda rgb: rgb.std(axis=(0, 1, 2)), scaled=True),
            "You weigh flat or dark channels more; the error counts all alike.":
                _is_any_of_shares(lambda pixels: 1 / pixels.var(axis=0),
                                  lambda pixels: 1 / pixels.std(axis=0),
                                  lambda pixels: 1 / pixels.mean(axis=0)),
            "You take the direction in which the colours scatter most; asked is the gray that "
            "comes closest to the three channels.":
                _is_any_of_shares(_main_axis,
                lambda pixels: _main_axis(pixels + pixels.mean(axis=0))),
            "You fit how the channels follow from the gray; fit the gray to the three channels.":
                _are(lambda rgb: _colours_from_gray(rgb.reshape(-1, 3)), scaled=True),
            "You fit the gray to BT.601's gray, or to one channel; fit it to all three channels.":
                everywhere(lambda output, rgb: any(
                    np.allclose(output, w, atol=0.02) for w in [BT601, BT709, *np.eye(3)])),
            "Your weights depend on the order of the pixels or on one pixel; average over all.":
                _is_any_of_shares(lambda pixels: pixels[0], lambda pixels: pixels[-1],
                                  lambda pixels: pixels.max(axis=0),
                                  lambda pixels: pixels.min(axis=0)),
            "You are close: the sum is 1, but the step of your search is too coarse, or it ended "
            "too early.": everywhere(_is_close),
            "A weight is negative: what one channel adds is taken away by another.":
                everywhere(lambda output, rgb: output.min() < -1e-3),
        },
        otherwise={
            "Your weights do not add up to 1, and they are not in the best proportion either: try "
            "the gray copy's MSE with other weights.":
                everywhere(lambda output, rgb: abs(output.sum() - 1) > 0.01),
            "Your weights add up to 1, but they favour a channel: the squared error counts all "
            "three alike.": lambda found: any(np.ptp(output) > 0.01 for output in found.given),
        },
    ),
}
# fmt: on
