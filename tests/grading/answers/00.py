"""Answers to lesson 00 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

import numpy as np


def in_place(gray):
    gray *= -1
    gray += 1
    return gray


def by_pixels(gray):
    result = np.empty_like(gray)
    for place in np.ndindex(gray.shape):
        result[place] = 1 - gray[place]
    return result


def in_bytes(gray):
    return 255 - np.round(gray * 255)


def first_row_only(gray):
    result = gray.copy()
    result[0] = 1 - gray[0]
    return result


def torch_negative(gray):
    import torch

    return torch.ones(gray.shape, dtype=torch.float64) - torch.from_numpy(np.array(gray))


WRONG = [
    ("00.negative", lambda gray: -gray, "white becomes -1"),
    ("00.negative", lambda gray: gray, "back as it came"),
    ("00.negative", lambda gray: 255 - gray, "between 0 and 1"),
    ("00.negative", in_bytes, "between 0 and 1"),
    ("00.negative", in_place, "work on a copy"),
    ("00.negative", lambda gray: gray.max() - gray, "brightest pixel"),
    ("00.negative", lambda gray: np.flip(gray), "mirror"),
    ("00.negative", lambda gray: gray[::-1], "upside down"),
    ("00.negative", lambda gray: (gray < 0.5).astype(float), "black and white only"),
    ("00.negative", lambda gray: np.abs(np.round(gray) - 1), "black and white only"),
    ("00.negative", lambda gray: gray - 1, "sign is wrong"),
    ("00.negative", lambda gray: 1 / (gray + 1e-9), "divide 1 by the gray"),
    ("00.negative", lambda gray: np.clip(0 - gray, 0, 1), "became black"),
    ("00.negative", lambda gray: 1 - gray**2, "bend the curve"),
    ("00.negative", lambda gray: np.sqrt(1 - gray), "bend the curve"),
    ("00.negative", lambda gray: 1 - gray.mean(), "every pixel has its own"),
    ("00.negative", lambda gray: 1 - gray / 255, "divide by 255"),
    ("00.negative", lambda gray: print(1 - gray), "return statement"),
    ("00.negative", lambda gray: np.where(gray > 0.5, 1 - gray, gray), "bright pixels only"),
    ("00.negative", first_row_only, ""),
]

RIGHT = [
    ("00.negative", lambda gray: 1 - gray),
    ("00.negative", lambda gray: -gray + 1),
    ("00.negative", lambda gray: np.abs(gray - 1)),
    ("00.negative", lambda gray: np.subtract(1, gray)),
    ("00.negative", lambda gray: np.ones_like(gray) - gray),
    ("00.negative", lambda gray: (255 - 255 * gray) / 255),
    ("00.negative", lambda gray: np.interp(gray, [0, 1], [1, 0])),
    ("00.negative", by_pixels),
    ("00.negative", torch_negative),
    ("00.negative", lambda gray: np.vectorize(lambda x: 1.0 - x)(gray)),
    ("00.negative", lambda gray: (1 - gray).tolist()),
]
