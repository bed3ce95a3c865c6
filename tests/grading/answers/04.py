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


def table(channels):
    """Ends at six poolings."""
    for poolings in range(6):
        if channels < 4**poolings:
            return poolings
    return 6


def small_picture(channels):
    """Halves a picture of 64 x 64 in whole numbers."""
    side, poolings = 64, 0
    while channels * side * side >= 64 * 64 and side > 0:
        side //= 2
        poolings += 1
    return poolings


def endless(channels):
    side, poolings = 32, 0
    while channels * side * side >= 32 * 32:
        side = max(1, side // 2)
        poolings += 1
    return poolings


def counts_down(channels):
    poolings = 0
    while channels > 1:
        channels /= 4
        poolings += 1
    return poolings


def in_whole_numbers(channels):
    poolings = 0
    while channels > 0:
        channels //= 4
        poolings += 1
    return poolings


def doubles_at_two(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        if stride == 2:
            step *= 2
    return field


def kernels_whole(layers):
    field, step = 0, 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


def forwards(layers):
    field = 1
    for kernel, stride in layers:
        field = stride * (field - 1) + kernel
    return field


def without_the_last_layer(layers):
    field, step = 1, 1
    for kernel, stride in layers[:-1]:
        field += (kernel - 1) * step
        step *= stride
    return field


def without_end(start, goal):
    runs, run = [], list(start)
    for setting in range(len(start)):
        if run[setting] != goal[setting]:
            runs.append(list(run))
            run[setting] = goal[setting]
    return runs


def in_columns(start, goal):
    return np.array(backwards(start, goal)).T


def two_at_a_time(start, goal):
    runs, run = [start.copy()], start.copy()
    places = np.flatnonzero(start != goal)
    for i in range(0, len(places), 2):
        run[places[i : i + 2]] = goal[places[i : i + 2]]
        runs.append(run.copy())
    return runs


def all_differences(start, goal):
    return [(i, s, g) for i, (s, g) in enumerate(zip(start, goal, strict=True)) if s != g]


def one_by_one(start, goal):
    """Each value moves by 1 until it has arrived."""
    runs, run = [start.copy()], start.copy()
    for i in range(len(run)):
        while run[i] != goal[i]:
            run[i] += np.sign(goal[i] - run[i])
            runs.append(run.copy())
    return runs


def backward_formula(layers):
    field = 1
    for kernel, stride in layers[::-1]:
        field = (field - 1) * stride + kernel
    return field


def interval_of_pixels(layers):
    """Follows the first and the last pixel that the latent's number 0 sees."""
    first = last = 0
    for kernel, stride in reversed(layers.tolist()):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def recursive_field(layers, step=1):
    if len(layers) == 0:
        return 1
    (kernel, stride), rest = layers[0], layers[1:]
    return (kernel - 1) * step + recursive_field(rest, step * stride)


def generated(start, goal):
    run = start.copy()
    yield run.copy()
    for i in np.random.default_rng(3).permutation(np.flatnonzero(start != goal)):
        run[i] = goal[i]
        yield run.copy()


def torch_chain(start, goal):
    import torch

    start, goal = torch.tensor(start), torch.tensor(goal)
    runs = [start]
    for i in torch.nonzero(start != goal).flatten().tolist():
        runs.append(runs[-1].clone())
        runs[-1][i] = goal[i]
    return torch.stack(runs)


def repeated_rows(start, goal):
    places = np.flatnonzero(start != goal)
    runs = np.repeat(start[None], len(places) + 1, axis=0)
    for row, place in enumerate(places, start=1):
        runs[row:, place] = goal[place]
    return runs


def tuples(start, goal):
    run = tuple(start)
    runs = [run]
    for i, value in enumerate(goal):
        if run[i] != value:
            run = (*run[:i], value, *run[i + 1 :])
            runs.append(run)
    return tuple(runs)


WRONG = [
    ("04.mult_adds", lambda h, w, a, b, k: h * w * a * b, "leave the window out"),
    ("04.mult_adds", lambda h, w, a, b, k: h // 2 * (w // 2) * k * k * a * b, "stride is 1"),
    ("04.mult_adds", lambda h, w, a, b, k: h // k * (w // k) * k * k * a * b, "overlap"),
    ("04.poolings_needed", lambda c: c // 4, "too many; each pooling divides by 4"),
    ("04.receptive_field", lambda x: 1 + int(((x[:, 0] - 1) * x[:, 1]).sum()), "own stride"),
    ("04.receptive_field", lambda x: int(np.cumprod(x[:, 1])[-1]), "neighbours are apart"),
    ("04.mult_adds", lambda h, w, a, b, k: (k * k * a + 1) * b, "every place"),
    ("04.mult_adds", lambda h, w, a, b, k: k * k * a * b, "every place"),
    ("04.mult_adds", lambda h, w, a, b, k: h**2 * k**2 * a * b, "may differ"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k**2 * a * b + 1, "too large by 1"),
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
    ("04.poolings_needed", lambda c: np.log(c) / np.log(4), "yours has a fraction"),
    ("04.receptive_field", lambda x: 1 + sum(k - 1 for k, s in x), "leave the strides out"),
    ("04.receptive_field", field_by(lambda step, stride: stride), "replace the step"),
    ("04.receptive_field", field_by(lambda step, stride: step + stride - 1), "add up"),
    ("04.receptive_field", field_by(lambda step, stride: step + stride), "You add the stride"),
    ("04.receptive_field", without_pooling, "You leave the pooling out"),
    ("04.receptive_field", from_the_latent, "at the input"),
    ("04.receptive_field", lambda x: 1 + sum(k * s for k, s in x), "own stride"),
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
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k * k * a, "one output map"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k * k * (a + b), "multiply the channels"),
    ("04.mult_adds", lambda h, w, a, b, k: (h + w) * k * k * a * b, "not height + width"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k * k, "leave the maps out"),
    ("04.mult_adds", lambda h, w, a, b, k: h * w * k**3 * a * b, ""),
    ("04.mult_adds", lambda h, w, a, b, k: 75_497_472, "same for every input"),
    ("04.poolings_needed", table, "ends too early"),
    ("04.poolings_needed", small_picture, ""),
    ("04.poolings_needed", counts_down, "equality"),
    ("04.poolings_needed", lambda c: int(np.log2(c)), ""),
    ("04.poolings_needed", lambda c: int(np.sqrt(c)), ""),
    ("04.poolings_needed", lambda c: 5, "same for every input"),
    ("04.poolings_needed", lambda c: int(np.log(c) / np.log(4)), "too early"),
    ("04.poolings_needed", lambda c: int(np.log(c) / np.log(4)) + 2, "too many"),
    ("04.poolings_needed", lambda c: c / 4, "divides by 4"),
    ("04.poolings_needed", lambda c: next(n for n in range(99) if c < 3 * 4**n), "gray picture"),
    ("04.receptive_field", doubles_at_two, ""),
    ("04.receptive_field", kernels_whole, "by kernel - 1"),
    ("04.receptive_field", forwards, "begin with the layer at the input"),
    ("04.receptive_field", without_the_last_layer, "last layer"),
    ("04.receptive_field", lambda x: int(x[:, 0].max()), "largest window"),
    ("04.receptive_field", lambda x: field_by(lambda step, s: step * s)(x) ** 2, "area"),
    ("04.receptive_field", lambda x: 14, "same for every input"),
    ("04.receptive_field", lambda x: field_by(lambda step, s: step * 2)(x), "whatever the stride"),
    ("04.chain", without_end, "does not end with goal"),
    ("04.chain", in_columns, ""),
    ("04.chain", two_at_a_time, "exactly one setting"),
    ("04.chain", all_differences, "(R, S)"),
    ("04.chain", one_by_one, "shorter"),
    ("04.chain", lambda start, goal: backwards(goal, start), "from goal to start"),
    ("04.chain", lambda start, goal: [start, goal], "exactly one setting"),
    ("04.chain", lambda start, goal: [], "(R, S)"),
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
    ("04.mult_adds", lambda h, w, a, b, k: sum(k * k * a * b for _ in range(h * w))),
    ("04.mult_adds", lambda h, w, a, b, k: a * b * (k * h) * (k * w)),
    ("04.mult_adds", lambda h, w, a, b, k: Fraction(h * w) * (k * k * a) * b),
    ("04.mult_adds", lambda h, w, a, b, k: np.int64(h) * w * b * np.ones((k, k, a)).size),
    ("04.poolings_needed", in_whole_numbers),
    ("04.poolings_needed", lambda c: len(np.base_repr(c, 4))),
    ("04.poolings_needed", lambda c: [c < 4**n for n in range(64)].index(True)),
    ("04.poolings_needed", lambda c: np.floor(np.log(c) / np.log(4)) + 1),
    ("04.receptive_field", backward_formula),
    ("04.receptive_field", interval_of_pixels),
    ("04.receptive_field", recursive_field),
    ("04.receptive_field", lambda x: np.array([backward_formula(x)])),
    ("04.chain", generated),
    ("04.chain", torch_chain),
    ("04.chain", repeated_rows),
    ("04.chain", tuples),
]
