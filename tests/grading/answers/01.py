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


def by_integers(rgb):
    """Whole numbers all the way, as a microcontroller does it."""
    r, g, b = (rgb[..., c].astype(int) for c in range(3))
    return (((77 * r + 150 * g + 29 * b) >> 8) / 255)[..., None]


def per_image_maximum(rgb):
    rgb = rgb / 255
    gray = rgb @ np.array([0.299, 0.587, 0.114])
    return (gray / gray.max(axis=(1, 2), keepdims=True))[..., None]


def channels_first(rgb):
    rgb = np.moveaxis(rgb, -1, 1) / 255
    return 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]


def linear_light(red, green, blue):
    r, g, b = (
        ((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in (red, green, blue)
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def rows_of_bytes(gray):
    result = []
    for row in gray:
        result.append((255 * row).astype(np.uint8))
    return np.array(result)


def stretched(gray):
    gray = (gray - gray.min()) / (gray.max() - gray.min() + 1e-12)
    return np.round(255 * gray).astype(np.uint8)


def percent(gray):
    return np.round(gray * 100).astype(np.uint8)


def keeps_the_sum(colour, change):
    red, green, blue = colour
    return np.array([red + change, green - change, blue])


def scaled_back(colour, change):
    """Adds the red, and scales the whole colour until its gray is the old one."""
    w = np.array([0.299, 0.587, 0.114])
    changed = colour + np.array([change, 0, 0])
    return changed * (w @ colour) / (w @ changed + 1e-12)


def sampled(colours, probabilities):
    """A simulation of 50 pixels."""
    drawn = np.random.default_rng(0).choice(len(colours), 50, p=probabilities)
    return colours[drawn].mean(axis=0)


def by_rows(colours, probabilities):
    return np.array([np.mean(c) * p for c, p in zip(colours, probabilities, strict=True)])


def mode_of_channels(colours, probabilities):
    order = np.argsort(probabilities)
    return colours[order[-1]]


def mean_of_top_two(colours, probabilities):
    top = np.argsort(probabilities)[::-1][:2]
    return colours[top].mean(axis=0)


def weights_by_std(rgb):
    spread = rgb.reshape(-1, 3).std(axis=0)
    return spread / spread.sum()


def weights_by_gray(rgb):
    pixels = rgb.reshape(-1, 3)
    gray = pixels @ np.array([0.299, 0.587, 0.114])
    return np.linalg.lstsq(pixels, gray, rcond=None)[0]


def few_steps(rgb):
    """Gradient descent that ends long before it has arrived."""
    pixels, w = rgb.reshape(-1, 3), np.array([0.299, 0.587, 0.114])
    for _ in range(5):
        w = w - 0.05 * 2 * pixels.T @ (3 * (pixels @ w) - pixels.sum(axis=1)) / (3 * len(pixels))
    return w


def first_component(rgb):
    pixels = rgb.reshape(-1, 3)
    _, _, axes = np.linalg.svd(pixels - pixels.mean(axis=0), full_matrices=False)
    return axes[0] / axes[0].sum()


def inverse_variances(rgb):
    w = 1 / rgb.reshape(-1, 3).var(axis=0)
    return w / w.sum()


def by_object_array(red, green, blue):
    return np.array([Fraction(299, 1000), Fraction(587, 1000), Fraction(114, 1000)]) @ np.array(
        [Fraction(red), Fraction(green), Fraction(blue)]
    )


def decimals(red, green, blue):
    from decimal import Decimal

    return sum(
        Decimal(w) * Decimal(repr(c))
        for w, c in zip(("0.299", "0.587", "0.114"), (red, green, blue), strict=True)
    )


def by_matmul(red, green, blue):
    return np.array([[red, green, blue]]) @ np.array([0.299, 0.587, 0.114])


def keras_gray(rgb):
    from course_lib.models_keras import layers

    layer = layers.Conv2D(1, 1, use_bias=False)
    layer.build((None, None, None, 3))
    layer.set_weights([np.array([0.299, 0.587, 0.114]).reshape(1, 1, 3, 1)])
    return layer(rgb.astype(np.float32) / 255)


def searched_guess(colours, probabilities):
    from scipy.optimize import minimize

    def cost(guess):
        return sum(
            p * np.sum((guess - c) ** 2) for p, c in zip(probabilities, colours, strict=True)
        )

    return minimize(cost, [0.5, 0.5, 0.5]).x


def colours_in_turn(colours, probabilities):
    for channel in range(3):
        yield sum(p * c[channel] for p, c in zip(probabilities, colours, strict=True))


def descended_weights(rgb):
    pixels, w = rgb.reshape(-1, 3), np.zeros(3)
    gram, target = pixels.T @ pixels / len(pixels), pixels.T @ pixels.mean(axis=1) / len(pixels)
    for _ in range(20_000):
        w = w - 0.5 * (gram @ w - target)
    return w


def minimized_weights(rgb):
    from scipy.optimize import minimize

    return minimize(lambda w: np.mean(((rgb @ w)[..., None] - rgb) ** 2), [0.3, 0.6, 0.1]).x


def solved_change(colour, change):
    gray = np.dot([0.299, 0.587, 0.114], colour)
    red, blue = colour[0] + change, colour[2]
    return red, (gray - 0.299 * red - 0.114 * blue) / 0.587, blue


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
    ("01.gray_pixel", lambda r, g, b: 0.3 * r + 0.6 * g + 0.1 * b, "rounded"),
    ("01.gray_batch", first_axis, "last axis"),
    ("01.gray_batch", truncating, "whole levels"),
    ("01.gray_batch", lambda rgb: to_gray(rgb / 255), "the shape is (3, 4, 5)"),
    ("01.gray_batch", lambda rgb: to_gray(rgb / 255, keepdims=True) * 255, "divide the bytes"),
    ("01.gray_batch", lambda rgb: rgb.mean(axis=-1, keepdims=True) / 255, "equal weight"),
    ("01.gray_batch", lambda rgb: rgb / 255, "one gray"),
    ("01.gray_pixel", lambda *rgb: np.dot(rgb, ROUNDED), "0.2989 is rounded"),
    ("01.gray_pixel", lambda *rgb: 255 * np.dot(rgb, [0.299, 0.587, 0.114]), "multiply by 255"),
    ("01.gray_pixel", lambda r, g, b: (77 * r + 150 * g + 29 * b) / 256, "in 256ths"),
    ("01.gray_batch", lambda rgb: (rgb / 255 @ ROUNDED)[..., None], "0.2989 is rounded"),
    ("01.gray_batch", largest_byte, "largest byte present"),
    ("01.gray_batch", overflowing, "wraps around"),
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
    ("01.best_weights", lambda rgb: np.array([0.2, 0.5, 0.3]), "the sum is 1"),
    ("01.best_weights", lambda rgb: np.array([0.33, 0.33, 0.33]), "do not add up to 1"),
    ("01.best_weights", lambda rgb: [0.3, 0.3, 0.3], "do not add up to 1"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1] - t / 2, c[2]], "The ratio is not 0.5"),
    ("01.best_weights", lambda rgb: np.array([0.5, 0.5]), "Return three weights"),
    ("01.gray_pixel", lambda r, g, b: max(r, g, b), "largest channel"),
    ("01.gray_pixel", lambda r, g, b: (max(r, g, b) + min(r, g, b)) / 2, "middle of the largest"),
    ("01.gray_pixel", lambda r, g, b: 0.587 * r + 0.299 * g + 0.114 * b, "changed places"),
    ("01.gray_pixel", lambda r, g, b: 0.299 * r + 0.587 * g, "leave a channel out"),
    ("01.gray_pixel", lambda r, g, b: 0.299 * r + 0.587 * g - 0.114 * b, "wrong sign"),
    ("01.gray_pixel", lambda r, g, b: 0.2125 * r + 0.7154 * g + 0.0721 * b, "BT.709"),
    ("01.gray_pixel", lambda r, g, b: 0.2627 * r + 0.678 * g + 0.0593 * b, "not those of BT.601"),
    ("01.gray_pixel", lambda r, g, b: 0.299 * r + 0.578 * g + 0.114 * b, "do not add up to 1"),
    ("01.gray_pixel", lambda r, g, b: (0.299 * r + 0.587 * g + 0.114 * b) / 255, "divide by 255"),
    ("01.gray_pixel", lambda r, g, b: (0.299 * r + 0.587 * g + 0.114 * b) ** 0.5, "root"),
    ("01.gray_pixel", linear_light, "linear light"),
    ("01.gray_pixel", lambda r, g, b: 0.587, "same for every input"),
    ("01.gray_pixel", lambda r, g, b: g, "one of the channels"),
    ("01.gray_pixel", lambda r, g, b: round(0.299 * r + 0.587 * g + 0.114 * b), "whole numbers"),
    ("01.gray_batch", by_integers, "whole levels"),
    ("01.gray_batch", per_image_maximum, "largest byte"),
    ("01.gray_batch", channels_first, "keep the axes"),
    ("01.gray_batch", lambda rgb: (rgb / 255)[..., 1:2], "one of the channels"),
    ("01.gray_batch", lambda rgb: rgb.max(axis=-1, keepdims=True) / 255, "largest channel"),
    ("01.gray_batch", lambda rgb: (rgb // 255) @ np.array([[0.299], [0.587], [0.114]]), "//"),
    (
        "01.gray_batch",
        lambda rgb: (rgb / 255 / 255) @ np.array([[0.299], [0.587], [0.114]]),
        "twice",
    ),
    (
        "01.gray_batch",
        lambda rgb: rgb[..., ::-1] / 255 @ np.array([[0.299], [0.587], [0.114]]),
        "BGR",
    ),
    (
        "01.gray_batch",
        lambda rgb: to_gray(rgb / 255).transpose(0, 2, 1)[..., None],
        "their order is not",
    ),
    ("01.gray_batch", lambda rgb: to_gray(rgb / 255).ravel(), "flatten"),
    ("01.gray_batch", lambda rgb: to_gray(rgb / 255).mean(axis=(1, 2)), "every pixel has a gray"),
    ("01.gray_batch", lambda rgb: (rgb / 256) @ np.array([[0.299], [0.587], [0.114]]), "256"),
    ("01.gray_batch", lambda rgb: np.sqrt(to_gray(rgb / 255, keepdims=True)), "root"),
    ("01.to_bytes", rows_of_bytes, "cut off"),
    ("01.to_bytes", stretched, "brightest pixel"),
    ("01.to_bytes", percent, ""),
    ("01.to_bytes", lambda gray: np.uint8(gray * 255.99), "256 and cut off"),
    ("01.to_bytes", lambda gray: np.ceil(gray * 255).astype(np.uint8), "round up"),
    ("01.to_bytes", lambda gray: np.uint8(gray + 0.5) * 255, "round before you multiply"),
    ("01.to_bytes", lambda gray: np.rint(gray * 255).astype(int), "type is int64"),
    ("01.to_bytes", lambda gray: np.rint(gray * 255).astype(np.uint16), "type is uint16"),
    ("01.to_bytes", lambda gray: gray * 255, "leave the fractions"),
    ("01.to_bytes", lambda gray: np.uint8(gray), "multiply by 255 first"),
    ("01.to_bytes", lambda gray: np.uint8(np.round(gray, 2) * 255), "one digit"),
    ("01.to_bytes", lambda gray: np.uint8(gray * 254 + 0.5), "254"),
    ("01.to_bytes", lambda gray: np.uint8(np.round(255 - 255 * gray)), "negative"),
    ("01.to_bytes", lambda gray: np.uint8(np.floor(255 * gray + 0.4)), "off by one"),
    ("01.same_gray", keeps_the_sum, "as if both weighed the same"),
    ("01.same_gray", scaled_back, "Red must change by red_change"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1] + 0.299 / 0.587 * t, c[2]], "sign is wrong"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1] - 0.587 / 0.299 * t, c[2]], "upside down"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1] - 0.299 * t, c[2]], "divide by green's"),
    (
        "01.same_gray",
        lambda c, t: np.clip([c[0] + t, c[1] - 0.299 / 0.587 * t, c[2]], 0, 1),
        "clip",
    ),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1], c[2]], "Green must give way"),
    ("01.same_gray", lambda c, t: [t, -0.299 / 0.587 * t, 0], "You return the change"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1], c[2] - 0.299 / 0.114 * t], "balance with blue"),
    (
        "01.same_gray",
        lambda c, t: [c[0] + t, c[1] - 0.299 / 0.701 * t, c[2]],
        "only green gives way",
    ),
    ("01.same_gray", lambda c, t: [c[0] + abs(t), c[1] - 0.299 / 0.587 * abs(t), c[2]], "sign of"),
    ("01.same_gray", lambda c, t: [c[0] + t, c[1] - 0.42 * t, c[2]], "gray still changes"),
    ("01.best_guess", sampled, ""),
    ("01.best_guess", by_rows, ""),
    ("01.best_guess", lambda c, p: c @ p, "belong to the K colours"),
    ("01.best_guess", lambda c, p: (c * p).sum(axis=0), "belong to the K colours"),
    ("01.best_guess", lambda c, p: c.mean(axis=0), "plain mean"),
    ("01.best_guess", lambda c, p: np.median(c, axis=0), "median"),
    ("01.best_guess", mode_of_channels, "likeliest"),
    ("01.best_guess", mean_of_top_two, ""),
    ("01.best_guess", lambda c, p: p @ c / p.size, "once too often"),
    ("01.best_guess", lambda c, p: np.sqrt(p @ c**2), "square or take roots"),
    ("01.best_guess", lambda c, p: int(np.argmax(p)), "which colour is the likeliest"),
    ("01.best_guess", lambda c, p: (1 - p) @ c, "one minus"),
    ("01.best_guess", lambda c, p: c.sum(axis=0), "leave the probabilities out"),
    ("01.best_guess", lambda c, p: p[:-1] @ c[:-1], "leave a colour out"),
    ("01.best_weights", weights_by_std, "standard deviation"),
    ("01.best_weights", weights_by_gray, "BT.601"),
    ("01.best_weights", few_steps, ""),
    ("01.best_weights", first_component, "scatter most"),
    ("01.best_weights", inverse_variances, "flat or dark"),
    ("01.best_weights", lambda rgb: rgb.mean(axis=(0, 1, 2)), "by its mean"),
    ("01.best_weights", lambda rgb: [0.299, 0.587, 0.114], "made for the eye"),
    ("01.best_weights", lambda rgb: [0, 1, 0], "copy one channel"),
    ("01.best_weights", lambda rgb: np.ones(3), "add up to 3"),
    ("01.best_weights", lambda rgb: np.full(3, 0.5), "do not add up to 1"),
    ("01.best_weights", lambda rgb: 1 / 3, "Return three weights"),
    ("01.best_weights", lambda rgb: rgb.mean(axis=-1), "Return three weights"),
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
    ("01.gray_pixel", by_object_array),
    ("01.gray_pixel", decimals),
    ("01.gray_pixel", by_matmul),
    ("01.gray_pixel", lambda r, g, b: float(to_gray(np.array([[[r, g, b]]]))[0, 0])),
    ("01.gray_pixel", lambda r, g, b: g + 0.299 * (r - g) + 0.114 * (b - g)),
    ("01.gray_batch", keras_gray),
    (
        "01.gray_batch",
        lambda rgb: (rgb * np.array([0.299, 0.587, 0.114])).sum(-1, keepdims=True) / 255,
    ),
    (
        "01.gray_batch",
        lambda rgb: np.average(rgb, axis=-1, weights=[299, 587, 114])[..., None] / 255,
    ),
    ("01.to_bytes", lambda gray: np.round(gray * 255).astype("uint8")),
    ("01.to_bytes", lambda gray: np.vectorize(lambda x: round(255 * x), otypes=[np.uint8])(gray)),
    ("01.to_bytes", lambda gray: np.uint8(np.clip(np.rint(gray * 255), 0, 255))),
    (
        "01.to_bytes",
        lambda gray: np.abs(gray[..., None] * 255 - np.arange(256)).argmin(-1).astype("u1"),
    ),
    ("01.same_gray", solved_change),
    ("01.same_gray", lambda c, t: c + t * np.array([1, -0.299 / 0.587, 0])),
    ("01.same_gray", lambda c, t: [x + t * f for x, f in zip(c, (1, -299 / 587, 0), strict=True)]),
    ("01.same_gray", lambda c, t: np.array([c[0] + t, (0.587 * c[1] - 0.299 * t) / 0.587, c[2]])),
    ("01.same_gray", lambda c, t: np.add(c, np.outer(t, [587, -299, 0])[0] / 587)),
    ("01.best_guess", searched_guess),
    ("01.best_guess", colours_in_turn),
    ("01.best_guess", lambda c, p: (c * p[:, None]).sum(axis=0)),
    ("01.best_guess", lambda c, p: np.average(c, axis=0, weights=p)),
    ("01.best_guess", lambda c, p: np.einsum("k,kc->c", p, c)),
    ("01.best_weights", descended_weights),
    ("01.best_weights", minimized_weights),
    ("01.best_weights", lambda rgb: (1 / 3, 1 / 3, 1 / 3)),
    ("01.best_weights", lambda rgb: np.array([0.34, 0.33, 0.33])),
]
