"""The checks of lesson 04, the convolutional latent."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checks import Check, CheckFailed, random_whole


def _step_field(layers: Any, lengthen: Callable[[int, int], int]) -> int:
    """Receptive field whose step becomes `lengthen(step, stride)`; right if that multiplies."""
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = lengthen(step, stride)
    return field


def _field(layers: Any, widen: int = 1, strides: bool = True, early: bool = False) -> int:
    """Receptive field; the arguments make it wrong in the ways that students do."""
    field, step = 1, 1
    for kernel, stride in layers:
        step = step * stride if early else step
        field += (kernel - widen) * step
        step = step * stride if strides and not early else step
    return field


def _square(width: int) -> np.ndarray:
    """A white square of this width in a dark picture (32, 32)."""
    near = np.abs(np.arange(32) - 15.5 + width % 2 / 2) < width / 2
    return np.where(np.outer(near, near), 1, 0.25)


def _chain_problem(runs: Any, start: np.ndarray, goal: np.ndarray) -> int:
    """What is wrong with a chain of runs: 0 nothing, else the number of the problem."""
    runs = np.asarray(runs)
    if runs.ndim != 2 or runs.shape[1] != len(start):
        raise CheckFailed("Return one row of settings per run, an array of shape (R, S).")
    if (runs == goal).all() or (runs == start).all():
        return 1
    without_start, without_goal = (runs[0] != start).any(), (runs[-1] != goal).any()
    if without_start or without_goal:
        return 2 if not without_goal else 5 if not without_start else 6
    if ((runs[1:] != runs[:-1]).sum(axis=1) != 1).any():
        return 3
    return 0 if len(runs) == 1 + np.sum(start != goal) else 4


def _chain(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    places = np.flatnonzero(start != goal)
    steps = [np.isin(np.arange(len(start)), places[:n]) for n in range(len(places) + 1)]
    return np.where(steps, goal, start)


# fmt: off
CHECKS = {
    "04.mult_adds": Check(
        # The first is so small that a message shows every digit.
        inputs=lambda: [(6, 8, 2, 3, 3), (32, 32, 64, 128, 3), (16, 24, 256, 10, 5),
                        (*random_whole(9, 50, 4), 7)],
        reference=lambda height, width, channels_in, channels_out, kernel_size:
            height * width * kernel_size**2 * channels_in * channels_out,
        misconceptions={
            "These are the weights; each is used once at every place of the picture.":
                lambda h, w, cin, cout, k: k * k * cin * cout,
            "Height and width may differ: the places are height * width.":
                lambda h, w, cin, cout, k: h * h * k * k * cin * cout,
            "A window has rows and columns: square kernel_size.":
                lambda h, w, cin, cout, k: h * w * k * cin * cout,
            "Every output map looks at every input map: multiply the channels.":
                lambda h, w, cin, cout, k: h * w * k * k * (cin + cout),
            "You count one output map; there are channels_out.":
                lambda h, w, cin, cout, k: h * w * k * k * cin,
            "A window looks at every input map: multiply by channels_in.":
                lambda h, w, cin, cout, k: h * w * k * k * cout,
            "A multiplication and its addition are one mult-add; you count two.":
                lambda h, w, cin, cout, k: 2 * h * w * k * k * cin * cout,
            "The padding keeps the size: the output has as many places as the picture.":
                lambda h, w, cin, cout, k: (h - k + 1) * (w - k + 1) * k * k * cin * cout,
            "You leave the window out: a sum has kernel_size * kernel_size pixels of each map.":
                lambda h, w, cin, cout, k: h * w * cin * cout,
            "You leave the maps out: multiply by channels_in and by channels_out.":
                lambda h, w, cin, cout, k: h * w * k * k,
            "The stride is 1: the output has as many places as the picture, and not a quarter.":
                lambda h, w, cin, cout, k: (h // 2) * (w // 2) * k * k * cin * cout,
            "The places are height * width, not height + width.":
                lambda h, w, cin, cout, k: (h + w) * k * k * cin * cout,
            "Windows overlap: there is one at every place, not one next to the other.":
                lambda h, w, cin, cout, k: (h // k) * (w // k) * k * k * cin * cout,
            "You wrote 3 x 3; the window need not be 3 pixels wide: use kernel_size.":
                lambda h, w, cin, cout, k: h * w * 9 * cin * cout,
            "You add channels_out, the biases; a bias is an addition without a multiplication.":
                lambda h, w, cin, cout, k: h * w * k * k * cin * cout + cout,
            "You count biases; they are additions without a multiplication.":
                lambda h, w, cin, cout, k: h * w * (k * k * cin + 1) * cout,
        },
    ),
    "04.poolings_needed": Check(
        inputs=lambda: [(256,), (255,), (3,), (100,), tuple(random_whole(300, 3000, 1))],
        reference=lambda channels: next(n for n in range(99) if channels < 4**n),
        misconceptions={
            "A pooling halves height and width, so a quarter is left and not half.":
                lambda channels: next(n for n in range(99) if channels < 2**n),
            "As many numbers as the input is not fewer: mind the case of equality.":
                lambda channels: next(n for n in range(99) if channels <= 4**n),
            "Compare with the gray picture that went in, one number per pixel, not three.":
                lambda channels: next(n for n in range(99) if channels < 3 * 4**n),
            "You return how many times the maps are too many; each pooling divides by 4.":
                lambda channels: channels // 4,
            "You stop one pooling too early.":
                lambda channels: next(n for n in range(99) if channels < 4 ** (n + 1)),
            "You do one pooling too many.":
                lambda channels: next(n for n in range(99) if channels < 4**n) + 1,
        },
    ),
    "04.receptive_field": Check(
        # The first has so few layers that a message shows them.
        inputs=lambda: [(np.array([[3, 2], [5, 2]]),),
                        (np.array([[3, 1], [3, 1], [2, 2], [3, 1], [3, 1]]),),
                        (np.array([[3, 2], [3, 2], [5, 2]]),),
                        (np.stack([random_whole(2, 6, 4), random_whole(1, 3, 4)], axis=1),)],
        reference=_field,
        drawn_as="pictures",
        panel=lambda width, layers: {
            "kernels": tuple(layers[:, 0]), "strides": tuple(layers[:, 1]),
            "field": _square(width), "returns": width},
        caption="The field is white in a picture of 32 by 32 pixels.",
        misconceptions={
            "You leave the strides out: after a layer of stride 2, steps are twice as long.":
                lambda layers: _field(layers, strides=False),
            "You replace the step by the stride; strides multiply: step * stride.":
                lambda layers: _step_field(layers, lambda step, stride: stride),
            "You add up the strides; strides multiply: step * stride.":
                lambda layers: _step_field(layers, lambda step, stride: step + stride - 1),
            "You add the stride to the step; strides multiply: step * stride.":
                lambda layers: _step_field(layers, lambda step, stride: step + stride),
            "You leave the pooling out; it is a layer too, with kernel 2 and stride 2.":
                lambda layers: _field([layer for layer in layers if tuple(layer) != (2, 2)]),
            "You lengthen the steps too early: the stride of a layer counts for the layers after.":
                lambda layers: _field(layers, early=True),
            "A window of kernel pixels widens the field by kernel - 1.":
                lambda layers: _field(layers, widen=0),
            "A layer's own stride counts for the layers after it, and strides multiply.":
                lambda layers: 1 + sum((kernel - 1) * stride for kernel, stride in layers),
            "You add up the windows; they overlap, and strides make the steps longer.":
                lambda layers: sum(kernel for kernel, stride in layers),
            "You multiply the windows; each one adds kernel - 1 steps.":
                lambda layers: int(np.prod(layers[:, 0])),
            "This is how far two neighbours are apart; asked is how wide one of them sees.":
                lambda layers: int(np.prod(layers[:, 1])),
            "You return the area; asked is how many pixels wide the field is.":
                lambda layers: _field(layers) ** 2,
            "You walk from the latent to the input; begin with the layer at the input.":
                lambda layers: _field(layers[::-1]),
            "You start from 0; before the first layer a number sees its own pixel.":
                lambda layers: _field(layers) - 1,
        },
    ),
    "04.chain": Check(
        inputs=lambda: [(np.zeros(5, int), np.array([1, 2, 0, 1, 3])),
                        (np.array([4, 1, 1, 7]), np.array([2, 1, 3, 5])),
                        (np.array(random_whole(0, 9, 6)),
                         random_whole(0, 9, 6) + np.array([1, 0, 2, 0, 0, 4]))],
        reference=_chain,
        measure=_chain_problem,
        panel=lambda runs, start, goal: {
            "start": start, "goal": goal, "rows of a right chain": len(runs)},
        misconceptions={
            "All your runs are the same: change a copy of a run, not the run itself.":
                lambda start, goal: np.stack([goal, goal]),
            "Your chain does not begin with start; start is its first run.":
                lambda start, goal: _chain(start, goal)[1:],
            "Your chain does not end with goal; goal is its last run.":
                lambda start, goal: _chain(start, goal)[:-1],
            "Your chain neither begins with start nor ends with goal.":
                lambda start, goal: _chain(start, goal)[1:-1],
            "Two neighbours in your chain do not differ in exactly one setting.":
                lambda start, goal: np.stack([start, goal]),
            "Your chain is right, but a shorter one is possible: change each setting once.":
                lambda start, goal: np.vstack([_chain(start, goal)[[0, 1]], _chain(start, goal)]),
        },
    ),
}
# fmt: on
