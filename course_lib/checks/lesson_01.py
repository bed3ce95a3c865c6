"""The checks of lesson 01, grayscale conversion."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checks import Check, CheckFailed, random_array
from course_lib.grayscale import BT601, BT709


def _gray(rgb: Any, weights: Any = BT601) -> np.ndarray:
    gray: np.ndarray = np.asarray(rgb) @ np.array(weights)  # (..., 3) -> (...)
    return gray


def _patch(colour: Any) -> np.ndarray:
    """A picture (1, 1, 3) of one colour."""
    return np.reshape(colour, (1, 1, 3))


def _move(green_for_red: float) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda colour, change: colour + change * np.array([1, -green_for_red, 0])


def _copy_error(weights: np.ndarray, rgb: np.ndarray) -> float:
    """MSE of the gray copy under these weights."""
    if weights.shape != (3,):
        raise CheckFailed("Return three weights, for red, green and blue.")
    error = float(np.mean((_gray(rgb, weights)[..., np.newaxis] - rgb) ** 2))
    least = np.mean((rgb.mean(axis=-1, keepdims=True) - rgb) ** 2)
    if error > least + 2e-5 and 0.005 < abs(weights.sum() - 1) < 0.5:
        raise CheckFailed(_SUM)
    return error


def _search(rgb: np.ndarray) -> np.ndarray:
    """The best weights on a grid with steps of 0.1 that add up to 1."""
    tries = [np.array([r, g, 10 - r - g]) / 10 for r in range(11) for g in range(11 - r)]
    return min(tries, key=lambda weights: _copy_error(weights, rgb))


_ROUNDED = (0.2989, 0.587, 0.114)  # TensorFlow's and torchvision's
_FOUR_DIGITS = "The weight 0.2989 is rounded, and the three add up to 0.9999: BT.601 has 0.299."
_SUM = "Your weights do not add up to 1, so a gray pixel changes: divide them by their sum."
_EQUAL = "You give the channels equal weight; the eye does not, and nor does BT.601."
_BGR = "Red and blue have changed places: BGR is the order of OpenCV, this is RGB."

# fmt: off
CHECKS = {
    "01.gray_pixel": Check(
        inputs=lambda: [(0.2, 0.5, 0.9), (1.0, 0.0, 0.0), (0.0, 0.3, 0.8), (0.7, 0.7, 0.7),
                        tuple(random_array(3).round(2).tolist())],
        reference=lambda red, green, blue: _gray((red, green, blue)),
        drawn_as="pictures",
        panel=lambda gray, *rgb: {"red, green, blue": _patch(rgb), "returns": np.array([[gray]])},
        misconceptions={
            _EQUAL: lambda *rgb: sum(rgb) / 3,
            _BGR: lambda *rgb: _gray(rgb[::-1]),
            "These are the weights of BT.709; the course uses those of BT.601.":
                lambda *rgb: _gray(rgb, BT709),
            _FOUR_DIGITS:
                lambda *rgb: _gray(rgb, _ROUNDED),
            "The colours are in [0, 1] already, and so is their gray: do not multiply by 255.":
                lambda *rgb: 255 * _gray(rgb),
            "The colours are in [0, 1] already: do not divide by 255.":
                lambda *rgb: _gray(rgb) / 255,
            "The weights add up to 1 already; do not divide by 3 as well.":
                lambda *rgb: _gray(rgb) / 3,
            "You return the three terms; add them up.":
                lambda *rgb: np.multiply(rgb, BT601),
            "You return gray three times; it is one number.": lambda *rgb: np.full(3, _gray(rgb)),
            "Your weights are rounded to two digits: BT.601 has 0.299, 0.587 and 0.114.":
                lambda *rgb: _gray(rgb, (0.3, 0.59, 0.11)),
            "You return the largest channel: that is the value of HSV, not a weighted sum.": max,
            "You return whole numbers; on the scale from 0 to 1 there are only two of them.":
                lambda *rgb: int(_gray(rgb)),
        },
    ),
    "01.gray_batch": Check(
        inputs=lambda: [((256 * random_array(3, 4, 5, 3)).astype(np.uint8),),
                        ((256 * random_array(1, 8, 8, 3)).astype(np.uint8),),
                        # No white in this one.
                        ((201 * random_array(2, 4, 4, 3)).astype(np.uint8),)],
        reference=lambda rgb: _gray(rgb / 255)[..., np.newaxis],
        dtype=np.floating,
        drawn_as="pictures",
        panel=lambda gray, rgb: {"rgb": rgb, "returns": gray, "returns shape": gray.shape},
        caption="Batches of small colour pictures, and their gray in [0, 1].",
        misconceptions={
            _EQUAL: lambda rgb: rgb.mean(axis=-1) / 255,
            _BGR: lambda rgb: _gray(rgb[..., ::-1] / 255),
            "These are the weights of BT.709; the course uses those of BT.601.":
                lambda rgb: _gray(rgb / 255, BT709),
            _FOUR_DIGITS:
                lambda rgb: _gray(rgb / 255, _ROUNDED),
            "The values reach 255: divide the bytes by 255.": _gray,
            "You divide by the largest byte present; white is 255 whatever is in the batch.":
                lambda rgb: _gray(rgb / rgb.max()),
            "The operator // cuts off, and almost every byte becomes 0: divide with /.":
                lambda rgb: _gray(rgb // 255),
            "You divide by 256, so white does not reach 1: the largest byte is 255.":
                lambda rgb: _gray(rgb / 256),
            "The sum wraps around, because bytes stay bytes: 200 + 100 is 44. Divide by 255 first.":
                lambda rgb: (rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) / 3 / 255,
            "The products wrap around, because bytes stay bytes: make them floats first.":
                lambda rgb: np.sum(rgb * np.array([77, 150, 29], np.uint8), -1, np.uint8) / 255,
            "You cut gray down to whole levels: make the bytes floats first, and keep floats.":
                lambda rgb: _gray(rgb).astype(np.uint8) / 255,
            "You cut each term down to whole levels: make the bytes floats first, and keep floats.":
                lambda rgb: (rgb * np.array(BT601)).astype(np.uint8).sum(axis=-1) / 255,
            "You weigh the channels and leave them apart: add them up, over the last axis.":
                lambda rgb: rgb / 255 * np.array(BT601),
            "You copy the gray into three channels; the network wants it once.":
                lambda rgb: np.repeat(_gray(rgb / 255)[..., np.newaxis], 3, axis=-1),
            "You return one image; keep the gray of all N.": lambda rgb: _gray(rgb / 255)[-1:],
            "You add up rows of the picture: the channels are on the last axis, rgb[..., 0].":
                lambda rgb: _gray(np.moveaxis(rgb[:, :3] / 255, 1, -1)),
        },
    ),
    "01.to_bytes": Check(
        inputs=lambda: [(np.arange(256, dtype=np.float32).reshape(16, 16) / np.float32(255),),
                        (0.999 * random_array(2, 3, 4),), (0.999 * random_array(5, 7),)],
        reference=lambda gray: np.rint(255 * gray).astype(np.uint8),
        dtype=np.uint8,
        drawn_as="pictures",
        caption="The first is a ramp of all 256 levels.",
        misconceptions={
            "You cut off what is behind the point, so some levels come out too dark: round first.":
                lambda gray: (255 * gray).astype(np.uint8),
            "You multiply by 256 and cut off; the levels lie 1/255 apart: use 255 and round.":
                lambda gray: np.minimum(256 * gray, 255).astype(np.uint8),
            "The factor 255.5 saves the ramp, but between levels it may miss the nearest: round.":
                lambda gray: (255.5 * gray).astype(np.uint8),
            "You round up, so some levels come out too bright: round to the nearest.":
                lambda gray: np.ceil(255 * gray),
            "You multiply by 256, and white becomes 256, which is no byte: white is 255.":
                lambda gray: np.rint(256 * gray).astype(int) % 256,
            "You multiply by 256, and white wraps around to 0: 256 is no byte, and white is 255.":
                lambda gray: np.floor(256 * gray).astype(int) % 256,
            "The type int8 ends at 127, and what is brighter becomes negative: use uint8.":
                lambda gray: np.rint(255 * gray).astype(np.uint8).view(np.int8),
            "You turn fractions into bytes, and almost all become 0: multiply by 255 first.":
                lambda gray: gray.astype(np.uint8),
            "You cast before you multiply, and every fraction becomes 0: multiply, round, cast.":
                lambda gray: gray.astype(np.uint8) * 255,
            "You round before you multiply, and only black and white are left.":
                lambda gray: np.rint(gray) * 255,
        },
    ),
    "01.same_gray": Check(
        inputs=lambda: [(np.array([0.4, 0.5, 0.6]), 0.1), (np.array([0.9, 0.2, 0.3]), -0.4),
                        (np.array([0.9, 0.1, 0.5]), 0.4), (random_array(3).round(2), -0.23)],
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
            "These are the weights of BT.709; the course uses those of BT.601.":
                _move(BT709[0] / BT709[1]),
            _FOUR_DIGITS: _move(0.2989 / 0.587),
            "The ratio is not 0.5: divide red's weight by green's, 0.299 / 0.587.": _move(0.5),
            "You let blue change as well; it stays as it is, and green gives way alone.":
                lambda colour, change: colour + change * np.array([1, *[-0.299 / 0.701] * 2]),
            "You set red to the change; it is added to the red that is there.":
                lambda colour, change: _move(0.299 / 0.587)(colour, change) - colour * [1, 0, 0],
            "You return green alone; return the whole colour.":
                lambda colour, change: _move(0.299 / 0.587)(colour, change)[1],
            "You balance with blue; the exercise asks for green, and blue stays.":
                lambda colour, change: colour + change * np.array([1, 0, -0.299 / 0.114]),
        },
    ),
    "01.best_guess": Check(
        inputs=lambda: [(random_array(3, 3).round(4), np.array([0.6, 0.3, 0.1])),
                        (random_array(4, 3).round(4), np.array([0.1, 0.45, 0.25, 0.2])),
                        (random_array(2, 3), np.array([0.35, 0.65]))],
        reference=lambda colours, probabilities: probabilities @ colours,
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
            "You return the gray of the mean colour; its red, green and blue cost less.":
                lambda colours, probabilities: np.full(3, _gray(probabilities @ colours)),
            "You return one number, the gray of the mean colour; return its red, green and blue.":
                lambda colours, probabilities: _gray(probabilities @ colours),
            "You weigh the colours and leave them apart: add them up.":
                lambda colours, probabilities: colours * probabilities[:, None],
            "You return one number, the mean of the channels; return red, green and blue.":
                lambda colours, probabilities: np.mean(probabilities @ colours),
            "You divide once too often: the probabilities add up to 1 already.":
                lambda colours, probabilities: probabilities @ colours / len(colours),
        },
    ),
    "01.best_weights": Check(
        # Like photographs, brightness varies more than colour; the second set has a red cast.
        inputs=lambda: [(0.2 + 0.6 * random_array(6, 8, 8, 1)
                         + (random_array(6, 8, 8, 3) - 0.5) * [0.3, 0.1, 0.4],),
                        (random_array(6, 8, 8, 1) * [0.9, 0.6, 0.5],)],
        reference=lambda rgb: np.full(3, 1 / 3),
        measure=_copy_error,
        measured="the gray copy's MSE with your weights",
        tolerance=2e-5,
        panel=lambda weights, rgb: {
            "images": rgb, "gray copy's MSE, BT.601": round(_copy_error(np.array(BT601), rgb), 5),
            "with the best weights": round(_copy_error(weights, rgb), 5)},
        misconceptions={
            "BT.601's weights were made for the eye; the squared error counts the channels alike.":
                lambda rgb: BT601,
            "You weigh each channel by its mean; the error counts all alike, bright or not.":
                lambda rgb: rgb.mean(axis=(0, 1, 2)) / rgb.mean(axis=(0, 1, 2)).sum(),
            "You are close: the sum is 1, but the step of your search is too coarse. Try 0.02.":
                _search,
            "You weigh each channel by its variance; the error counts all alike, flat or not.":
                lambda rgb: rgb.var(axis=(0, 1, 2)) / rgb.var(axis=(0, 1, 2)).sum(),
            _SUM: lambda rgb: np.full(3, 0.33),
            "You copy one channel; a mixture comes closer to all three.": lambda rgb: (0, 1, 0),
            "These weights add up to 3, so the gray is three times too bright.":
                lambda rgb: (1, 1, 1),
            "You scale the weights to length 1; to keep a gray pixel they must add up to 1.":
                lambda rgb: np.full(3, 3 ** -0.5),
        },
    ),
}
# fmt: on
