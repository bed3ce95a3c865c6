"""Answers to lesson 01 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

import statistics
from fractions import Fraction

import numpy as np

from course_lib.grayscale import to_gray


def overflowing(rgb):
    gray = (rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) // 3
    return (gray / 255)[..., None]


def truncating(rgb):
    gray = np.zeros(rgb.shape[:-1], dtype=np.uint8)
    for n, y, x in np.ndindex(gray.shape):
        r, g, b = (int(v) for v in rgb[n, y, x])
        gray[n, y, x] = 0.299 * r + 0.587 * g + 0.114 * b
    return gray[..., None].astype(np.float32) / 255


def first_axis(rgb):
    rgb = rgb / 255
    return 0.299 * rgb[:, 0] + 0.587 * rgb[:, 1] + 0.114 * rgb[:, 2]


def in_place(colour, change):
    colour[0] += change
    colour[1] -= 0.299 / 0.587 * change
    return colour


def largest_byte(rgb):
    rgb = rgb.astype(float)
    gray = 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]
    return gray[..., None] / rgb.max()


def cast_first(gray):
    levels = gray.astype("uint8") * 255
    return np.round(levels).astype("uint8")


def wrapping(gray):
    return (256 * gray).astype(np.int64).astype(np.uint8)


def modern_weights(colour, change):
    red, green, blue = colour
    return np.array([red + change, green - change * 0.2126 / 0.7152, blue])


def coarse_search(rgb):
    tries = [(r, g, 1 - r - g) for r in np.arange(0, 1.01, 0.1) for g in np.arange(0, 1.01, 0.1)]
    return min(tries, key=lambda w: ((rgb @ np.array(w)[:, None] - rgb) ** 2).mean())


ROUNDED = np.array([0.2989, 0.587, 0.114])


def gray_of_mean(colours, probabilities):
    return to_gray((probabilities @ colours)[None, None])[0]


def to_pixel(rgb):
    return float(np.dot(rgb, [0.299, 0.587, 0.114]))


def last_image_only(rgb):
    for image in rgb / 255:
        gray = to_gray(image[None], keepdims=True)
    return gray


def exact_fractions(red, green, blue):
    weights = [Fraction(part, 1000) for part in (299, 587, 114)]
    return sum(w * Fraction(x) for w, x in zip(weights, (red, green, blue), strict=True))


def torch_bytes(gray):
    import torch

    return torch.from_numpy(np.asarray(gray, dtype=np.float64)).mul(255).round().to(torch.uint8)


def expected_by_loops(colours, probabilities):
    guess = [0.0, 0.0, 0.0]
    for colour, probability in zip(colours.tolist(), probabilities.tolist(), strict=True):
        for channel in range(3):
            guess[channel] += probability * colour[channel]
    return tuple(guess)


WRONG = [
    ("01.gray_pixel", lambda r, g, b: [0.299 * r, 0.587 * g, 0.114 * b], "add them up"),
    ("01.gray_pixel", lambda r, g, b: 0.3 * r + 0.59 * g + 0.11 * b, "rounded to two digits"),
    ("01.gray_pixel", lambda r, g, b: [0.299 * r + 0.587 * g + 0.114 * b] * 3, "one number"),
    ("01.gray_pixel", lambda *rgb: round(to_pixel(rgb), 2), "You round to 2 digits"),
    ("01.gray_batch", lambda rgb: rgb / 255.0 * [0.299, 0.587, 0.114], "leave them apart"),
    ("01.gray_batch", lambda rgb: np.float16(to_gray(rgb / 255, keepdims=True)), "float16"),
    ("01.gray_batch", last_image_only, "keep the gray of all N"),
    ("01.to_bytes", lambda gray: np.round(gray * 255).astype(int).astype(np.int8), "uint8"),
    ("01.same_gray", lambda c, t: [t, c[1] - 0.299 / 0.587 * t, c[2]], "added to the red"),
    ("01.same_gray", lambda c, t: c[1] - 0.299 * t / 0.587, "green alone"),
    ("01.same_gray", lambda c, t: c + t * np.array([1, -0.4265335, -0.4265335]), "blue change"),
    ("01.best_guess", lambda c, p: np.array([q * x for q, x in zip(p, c, strict=True)]), "apart"),
    ("01.gray_pixel", lambda r, g, b: (r + g + b) / 3, "equal weight"),
    ("01.gray_pixel", lambda r, g, b: 0.114 * r + 0.587 * g + 0.299 * b, "BGR"),
    ("01.gray_pixel", lambda r, g, b: None, "return statement"),
    ("01.gray_pixel", lambda r, g, b: "0.5", "returns str, not numbers"),
    ("01.gray_pixel", lambda r, g, b: float("nan"), "NaN"),
    ("01.gray_pixel", lambda r, g, b: 0.3 * r + 0.6 * g + 0.1 * b, "should be 0.4559"),
    ("01.gray_batch", first_axis, "last axis"),
    ("01.gray_batch", truncating, "whole levels"),
    ("01.gray_batch", lambda rgb: to_gray(rgb / 255), "the shape is (3, 4, 5)"),
    ("01.gray_batch", lambda rgb: to_gray(rgb / 255, keepdims=True) * 255, "divide the bytes"),
    ("01.gray_batch", lambda rgb: rgb.mean(axis=-1, keepdims=True) / 255, "equal weight"),
    ("01.gray_batch", lambda rgb: rgb / 255, "(3, 4, 5, 3) and should be (3, 4, 5, 1)"),
    ("01.gray_pixel", lambda *rgb: np.dot(rgb, ROUNDED), "0.2989 is rounded"),
    ("01.gray_pixel", lambda *rgb: 255 * np.dot(rgb, [0.299, 0.587, 0.114]), "multiply by 255"),
    ("01.gray_pixel", lambda r, g, b: (77 * r + 150 * g + 29 * b) / 256, "should be"),
    ("01.gray_batch", lambda rgb: (rgb / 255 @ ROUNDED)[..., None], "0.2989 is rounded"),
    ("01.gray_batch", largest_byte, "largest byte present"),
    ("01.gray_batch", overflowing, "should be"),
    ("01.gray_batch", lambda rgb: rgb.sum(axis=-1, dtype=np.uint8) / 3 / 255, "wraps around"),
    ("01.to_bytes", lambda gray: (gray * 255).astype("uint8"), "cut off"),
    ("01.to_bytes", wrapping, "wraps around to 0"),
    ("01.to_bytes", cast_first, "cast before you multiply"),
    ("01.to_bytes", lambda gray: np.round(gray * 255), "type is float"),
    ("01.same_gray", in_place, "work on a copy"),
    ("01.same_gray", modern_weights, "BT.709"),
    ("01.best_guess", lambda c, p: c[p.argmax()], "likeliest"),
    ("01.best_guess", gray_of_mean, "one number"),
    ("01.best_guess", lambda c, p: np.repeat(gray_of_mean(c, p), 3), "cost less"),
    ("01.best_weights", coarse_search, "step of your search"),
    ("01.best_weights", lambda rgb: np.array([0.2, 0.5, 0.3]), "MSE with your weights is"),
    ("01.best_weights", lambda rgb: np.array([0.33, 0.33, 0.33]), "do not add up to 1"),
    ("01.best_weights", lambda rgb: [0.3, 0.3, 0.3], "do not add up to 1"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1] - t / 2, c[2]], "The ratio is not 0.5"),
    ("01.best_weights", lambda rgb: np.array([0.5, 0.5]), "Return three weights"),
]


def slow_but_right(rgb):
    rgb = np.asarray(rgb).astype(object)  # exact Python integers
    return ((299 * rgb[..., :1] + 587 * rgb[..., 1:2] + 114 * rgb[..., 2:]) / 255_000).astype(float)


def torch_gray(rgb):
    import torch

    image = torch.tensor(rgb / 255, requires_grad=True)
    return image @ torch.tensor([[0.299], [0.587], [0.114]], dtype=image.dtype)


def search(rgb):
    grid = np.arange(0, 1.01, 0.05)
    tries = [(r, g, 1 - r - g) for r in grid for g in grid if r + g <= 1]
    return min(tries, key=lambda w: ((rgb @ np.array(w)[:, None] - rgb) ** 2).mean())


def least_squares(rgb):
    pixels = rgb.reshape(-1, 3)
    return np.linalg.lstsq(np.tile(pixels, (3, 1)), pixels.T.ravel(), rcond=None)[0]


RIGHT = [
    ("01.gray_pixel", lambda r, g, b: 3 * statistics.mean([0.299 * r, 0.587 * g, 0.114 * b])),
    ("01.gray_pixel", exact_fractions),
    ("01.to_bytes", torch_bytes),
    ("01.best_guess", expected_by_loops),
    ("01.gray_pixel", lambda *rgb: np.float32(np.dot(rgb, [0.299, 0.587, 0.114]))),
    ("01.gray_pixel", lambda r, g, b: [0.587 * g + 0.114 * b + 0.299 * r][0]),
    ("01.gray_batch", slow_but_right),
    ("01.gray_batch", torch_gray),
    (
        "01.gray_batch",
        lambda rgb: np.einsum("nhwc,cd->nhwd", rgb / 255, [[0.299], [0.587], [0.114]]),
    ),
    ("01.gray_batch", lambda rgb: to_gray(np.float32(rgb) / np.float32(255), keepdims=True)),
    ("01.to_bytes", lambda gray: (gray * 255 + 0.5).astype(np.uint8)),
    ("01.same_gray", lambda c, t: (c[0] + t, c[1] - t * 299 / 587, c[2])),
    ("01.best_guess", lambda c, p: [float(np.average(c[:, i], weights=p)) for i in range(3)]),
    ("01.best_weights", least_squares),
    ("01.best_weights", search),
]
