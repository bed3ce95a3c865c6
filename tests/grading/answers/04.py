"""Answers to lesson 04 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

from fractions import Fraction

import numpy as np


def field_by(lengthen):
    def receptive_field(layers):
        field, step = 1, 1
        for kernel, stride in layers:
            field += (kernel - 1) * step
            step = lengthen(step, stride)
        return field

    return receptive_field


def from_the_latent(layers):
    return field_by(lambda step, stride: step * stride)(reversed(layers))


def without_pooling(layers):
    convolutions = [(kernel, stride) for kernel, stride in layers if (kernel, stride) != (2, 2)]
    return field_by(lambda step, stride: step * stride)(convolutions)


def colour_poolings(channels):
    """Halves a picture of 64 x 64 until the latent has fewer numbers than its three channels."""
    side = 64
    while channels * side**2 >= 3 * 64**2:
        side /= 2
    return np.log2(64 / side)


def without_copies(start, goal):
    runs, run = [], start.copy()
    for setting in range(len(start)):
        runs.append(run)
        run[setting] = goal[setting]
    return np.stack([*runs, run])


def in_place(start, goal):
    runs = [start.copy()]
    for setting in np.flatnonzero(start != goal):
        start[setting] = goal[setting]
        runs.append(start.copy())
    return np.stack(runs)


def every_setting(start, goal):
    """A step for settings that are equal, too."""
    return np.stack([np.r_[goal[:n], start[n:]] for n in range(len(start) + 1)])


def star(start, goal):
    """One factor at a time, each from the start: neighbours differ in two."""
    runs = [start]
    for setting in np.flatnonzero(start != goal):
        run = start.copy()
        run[setting] = goal[setting]
        runs.append(run)
    return np.stack([*runs, goal])


def backwards(start, goal):
    rows = [[int(x) for x in start]]
    for setting in reversed(range(len(start))):
        if start[setting] != goal[setting]:
            rows.append([*rows[-1][:setting], int(goal[setting]), *rows[-1][setting + 1 :]])
    return rows


def there_and_back(start, goal):
    """Wanders to a third value of one setting first."""
    setting = np.flatnonzero(start != goal)[0]
    third = start.copy()
    third[setting] = 99
    return np.vstack([start, third, np.stack(backwards(third, goal))[1:]])


def by_shrinking(channels):
    """Shrinks a picture of 2^20 pixels a side, in exact fractions."""
    side, count = Fraction(2**20), 0
    while channels * side * side >= 2**40:
        side, count = side / 2, count + 1
    return count


def lists_of_lists(start, goal):
    rows = [start.tolist()]
    for place in range(len(start)):
        if rows[-1][place] != goal[place]:
            rows.append(rows[-1][:place] + [int(goal[place])] + rows[-1][place + 1 :])
    return rows


WRONG = [
    ("04.mult_adds", lambda h, w, a, b, k: h * w * a * b, "leave the window out"),
    ("04.mult_adds", lambda h, w, a, b, k: h // 2 * (w // 2) * k * k * a * b, "stride is 1"),
    ("04.mult_adds", lambda h, w, a, b, k: h // k * (w // k) * k * k * a * b, "overlap"),
    ("04.poolings_needed", lambda c: c // 4, "too many; each pooling divides by 4"),
    ("04.receptive_field", lambda x: 1 + int(((x[:, 0] - 1) * x[:, 1]).sum()), "own stride"),
    ("04.receptive_field", lambda x: int(np.cumprod(x[:, 1])[-1]), "neighbours are apart"),
    ("04.mult_adds", lambda h, w, a, b, k: (k * k * a + 1) * b, "should be"),
    ("04.mult_adds", lambda h, w, a, b, k: k * k * a * b, "every place"),
    ("04.mult_adds", lambda h, w, a, b, k: h**2 * k**2 * a * b, "may differ"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k**2 * a * b + 1, "2593 and should be 2592"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k * a * b, "square kernel_size"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * (k * k * a * b + b), "biases"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k * k * b, "channels_in"),
    ("04.mult_adds", lambda h, w, a, b, k: 2 * h * w * k * k * a * b, "count two"),
    (
        "04.mult_adds",
        lambda h, w, a, b, k: (h - k + 1) * (w - k + 1) * k**2 * a * b,
        "keeps the size",
    ),
    ("04.mult_adds", lambda h, w, a, b, k: 9 * h * w * a * b, "You wrote 3 x 3"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * a * b * k * k + b, "You add channels_out"),
    ("04.poolings_needed", lambda c: int(np.ceil(np.log2(c) / 2)), "equality"),
    ("04.poolings_needed", lambda c: int(np.floor(np.log2(c))) + 1, "a quarter is left"),
    ("04.poolings_needed", colour_poolings, "the gray picture"),
    ("04.poolings_needed", lambda c: np.log(c) / np.log(4), "should be"),
    ("04.receptive_field", lambda x: 1 + sum(k - 1 for k, s in x), "leave the strides out"),
    ("04.receptive_field", field_by(lambda step, stride: stride), "replace the step"),
    ("04.receptive_field", field_by(lambda step, stride: step + stride - 1), "add up"),
    ("04.receptive_field", field_by(lambda step, stride: step + stride), "You add the stride"),
    ("04.receptive_field", without_pooling, "You leave the pooling out"),
    ("04.receptive_field", from_the_latent, "at the input"),
    ("04.receptive_field", lambda x: 1 + sum(k * s for k, s in x), "[[3, 2], [5, 2]]"),
    ("04.receptive_field", lambda x: sum(k for k, s in x), "windows; they overlap"),
    ("04.receptive_field", lambda x: int(np.prod(x[:, 0])), "multiply the windows"),
    ("04.chain", without_copies, "the same"),
    ("04.chain", in_place, "work on a copy"),
    ("04.chain", star, "exactly one setting"),
    ("04.chain", every_setting, "exactly one setting"),
    ("04.chain", lambda start, goal: backwards(start, goal)[1:], "does not begin with start"),
    ("04.chain", lambda start, goal: backwards(start, goal)[:-1], "does not end with goal"),
    ("04.chain", lambda start, goal: backwards(start, goal)[1:-1], "neither"),
    ("04.chain", there_and_back, "shorter"),
    ("04.chain", lambda start, goal: goal - start, "(R, S)"),
]


def measured_field(layers):
    """Push one number's gradient back through the layers and see how far it spreads."""
    import torch

    x = torch.zeros(1, 1, 128, requires_grad=True)
    y = x
    for kernel, stride in layers.tolist():
        y = torch.nn.functional.conv1d(y, torch.ones(1, 1, kernel), stride=stride)
    y[0, 0, 2].backward()
    return (x.grad != 0).sum()


RIGHT = [
    ("04.poolings_needed", by_shrinking),
    ("04.chain", lists_of_lists),
    ("04.mult_adds", lambda h, w, a, b, k: np.prod([float(v) for v in (h, w, a, b, k, k)])),
    ("04.mult_adds", lambda *n: n[-1] ** 2 * int(np.prod(n[:4]))),
    ("04.poolings_needed", lambda c: (int(c).bit_length() + 1) // 2),
    ("04.poolings_needed", lambda c: 1 + int(np.emath.logn(4, c + 1e-9))),
    ("04.receptive_field", measured_field),
    (
        "04.receptive_field",
        lambda x: 1 + np.dot(x[:, 0] - 1, np.r_[1, np.cumprod(x[:-1, 1])]),
    ),
    ("04.chain", backwards),
]
