"""The checks of lesson 04, the convolutional latent."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checks import Check, CheckFailed, Sign, only_where, random_whole


def _field(
    layers: Any,
    lengthen: Callable[[Any, Any], float] = lambda step, stride: step * stride,
    *,
    widen: int = 1,
    start: int = 1,
    early: bool = False,
) -> float:
    """Receptive field; the arguments make it wrong in the ways that students do."""
    field: float = start
    step: float = 1
    for kernel, stride in layers:
        step = lengthen(step, stride) if early else step
        field += (kernel - widen) * step
        step = step if early else lengthen(step, stride)
    return field


def _miscounted() -> dict[str, tuple[Callable[[Any], float], ...]]:
    """Wrong walks through the layers, alone and together with other mistakes.

    A mistake with strides may stand beside `kernel` for `kernel - 1`, a field that starts from 0,
    or a step that is lengthened too early; the sentence is that of the strides.
    """
    strides: dict[str, Callable[[Any, Any], float]] = {
        "You leave the strides out: after a layer of stride 2, steps are twice as long.":
            lambda step, stride: step,
        "You replace the step by the stride; strides multiply: step * stride.":
            lambda step, stride: stride,
        "You add up the strides; strides multiply: step * stride.":
            lambda step, stride: step + stride - 1,
        "You add the stride to the step; strides multiply: step * stride.":
            lambda step, stride: step + stride,
        "You double the step whatever the stride is; the step grows stride times.":
            lambda step, stride: 2 * step,
        "You double the step at every stride above 1; it grows stride times.":
            lambda step, stride: 2 * step if stride > 1 else step,
        "You double the step at strides of 2 only; it grows stride times.":
            lambda step, stride: 2 * step if stride == 2 else step,
        "You raise a step to a power; strides multiply: step * stride.":
            lambda step, stride: step ** stride if step > 1 else stride,
    }  # fmt: skip

    def walk(**mistakes: Any) -> Callable[[Any], float]:
        return lambda layers: _field(layers, **mistakes)

    return {
        "You lengthen the steps too early: the stride of a layer counts for the layers after.":
            (walk(early=True), walk(early=True, start=0)),
        "A window of kernel pixels widens the field by kernel - 1.":
            (walk(widen=0), walk(widen=0, start=0), walk(widen=2), walk(widen=2, start=2),
             walk(widen=0, early=True), walk(widen=0, early=True, start=0)),
        "You start from 0; before the first layer a number sees its own pixel.":
            (walk(start=0),),
        **{
            text: tuple(
                walk(lengthen=wrong, widen=widen, start=start, early=early)
                for widen in ((1, 0) if wrong(2, 2) != 2 else (1,)) for start in (1, 0)
                for early in ((False, True) if wrong(2, 2) != 2 else (False,))
            )
            for text, wrong in strides.items()
        },
    }  # fmt: skip


def _never(sign: int) -> Sign:
    """The sign of numbers that are never too small (-1), or never too large (1)."""
    return lambda found: all(
        output.ndim == 0 and sign * (output - right) <= 0
        for output, right in zip(found.given, found.right, strict=True)
    )


def _steps(layers: Any) -> list[tuple[int, int]]:
    """Kernel and step of each layer."""
    steps = np.cumprod([1, *(stride for _, stride in layers)])
    return [(int(kernel), int(step)) for (kernel, _), step in zip(layers, steps, strict=False)]


def _from_the_latent_forwards(layers: Any) -> int:
    """The formula that goes from the latent to the input, in the wrong order."""
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


def _square(width: int) -> np.ndarray:
    """A white square of this width in a dark picture (32, 32)."""
    near = np.abs(np.arange(32) - 15.5 + width % 2 / 2) < width / 2
    return np.where(np.outer(near, near), 1, 0.25)


def _is_shortest_chain(runs: np.ndarray, start: np.ndarray, goal: np.ndarray) -> bool:
    """True. Or says what is wrong with a chain of runs."""
    if runs.ndim == 2 and runs.shape != runs.T.shape and runs.shape[0] == len(start):
        raise CheckFailed(_TRANSPOSED)
    if runs.ndim != 2 or runs.shape[1] != len(start) or len(runs) == 0:
        raise CheckFailed(_SHAPE)
    changes = (runs[1:] != runs[:-1]).sum(axis=1)
    without_start, without_goal = (runs[0] != start).any(), (runs[-1] != goal).any()
    problems = {
        _ALL_SAME: len(runs) > 1 and not changes.any(),
        _BACKWARDS: (runs[0] == goal).all() and (runs[-1] == start).all(),
        _NO_ENDS: without_start and without_goal,
        _NO_START: without_start,
        _NO_GOAL: without_goal,
        _TWICE: (changes == 0).any(),
        _TWO: (changes != 1).any(),
        _LONG: len(runs) != 1 + np.sum(start != goal),
    }
    for sentence, is_so in problems.items():
        if is_so:
            raise CheckFailed(sentence)
    return True


def _chain(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    places = np.flatnonzero(start != goal)
    steps = [np.isin(np.arange(len(start)), places[:n]) for n in range(len(places) + 1)]
    return np.where(steps, goal, start)


_SHAPE = "Return one row of settings per run, an array of shape (R, S)."
_TRANSPOSED = "Your runs are columns: return one row of settings per run, of shape (R, S)."
_ALL_SAME = "All your runs are the same: change a copy of a run, not the run itself."
_BACKWARDS = "Your chain leads from goal to start: it begins with start and ends with goal."
_NO_ENDS = "Your chain neither begins with start nor ends with goal."
_NO_START = "Your chain does not begin with start; start is its first run."
_NO_GOAL = "Your chain does not end with goal; goal is its last run."
_TWICE = (
    "Two neighbours in your chain are the same; neighbours differ in exactly one setting: skip "
    "those that start and goal have in common."
)
_TWO = "Two neighbours in your chain do not differ in exactly one setting."
_LONG = "Your chain is right, but a shorter one is possible: change each setting once."

# fmt: off
CHECKS = {
    "04.mult_adds": Check(
        # The first is so small that a message shows every digit.
        inputs=lambda: [(6, 8, 2, 3, 3), (32, 32, 64, 128, 3), (16, 24, 256, 10, 5),
                        (*random_whole(9, 50, 4), 7), (32, 16, 64, 128, 3), (32, 32, 64, 128, 5),
                        (16, 32, 64, 128, 3), (32, 32, 7, 128, 3), (32, 32, 64, 9, 3),
                        (1, 1, 5, 7, 3)],
        shown=3,
        reference=lambda height, width, channels_in, channels_out, kernel_size:
            height * width * kernel_size**2 * channels_in * channels_out,
        misconceptions={
            "These are the weights; each is used once at every place of the picture.":
                (lambda h, w, cin, cout, k: k * k * cin * cout,
                 lambda h, w, cin, cout, k: (k * k * cin + 1) * cout),
            "Height and width may differ: the places are height * width.":
                (lambda h, w, cin, cout, k: h * h * k * k * cin * cout,
                 lambda h, w, cin, cout, k: w * w * k * k * cin * cout),
            "You leave height or width out: the places are height * width.":
                (lambda h, w, cin, cout, k: h * k * k * cin * cout,
                 lambda h, w, cin, cout, k: w * k * k * cin * cout),
            "A window has rows and columns: square kernel_size.":
                (lambda h, w, cin, cout, k: h * w * k * cin * cout,
                 lambda h, w, cin, cout, k: h * w * 2 * k * cin * cout,
                 lambda h, w, cin, cout, k: h * w * k * (cin + cout)),
            "Every output map looks at every input map: multiply the channels.":
                (lambda h, w, cin, cout, k: h * w * k * k * (cin + cout),
                 lambda h, w, cin, cout, k: h * w * (k * k * cin + cout)),
            "You count one output map; there are channels_out.":
                (lambda h, w, cin, cout, k: h * w * k * k * cin,
                 lambda h, w, cin, cout, k: h * w * k * cin,
                 lambda h, w, cin, cout, k: h * w * k * k * cin**2),
            "A window looks at every input map: multiply by channels_in.":
                (lambda h, w, cin, cout, k: h * w * k * k * cout,
                 lambda h, w, cin, cout, k: h * w * k * k * cout**2,
                 lambda h, w, cin, cout, k: h * w * k * k * max(cin, cout)),
            "A multiplication and its addition are one mult-add; you count two.":
                lambda h, w, cin, cout, k: 2 * h * w * k * k * cin * cout,
            "The padding keeps the size: the output has as many places as the picture.":
                (lambda h, w, cin, cout, k: (h - k + 1) * (w - k + 1) * k * k * cin * cout,
                 lambda h, w, cin, cout, k: max(h - k + 1, 0) * max(w - k + 1,
                        0) * k * k * cin * cout,
                 lambda h, w, cin, cout, k: (h - k) * (w - k) * k * k * cin * cout,
                 lambda h, w, cin, cout, k: (h - 2) * (w - 2) * k * k * cin * cout),
            "The padding does not make the output larger: it has as many places as the picture.":
                (lambda h, w, cin, cout, k: (h + k - 1) * (w + k - 1) * k * k * cin * cout,
                 lambda h, w, cin, cout, k: (h + k) * (w + k) * k * k * cin * cout,
                 lambda h, w, cin, cout, k: (h + 2) * (w + 2) * k * k * cin * cout),
            "You leave the window out: a sum has kernel_size * kernel_size pixels of each map.":
                lambda h, w, cin, cout, k: h * w * cin * cout,
            "The places are height * width, and none is missing at the rim.":
                lambda h, w, cin, cout, k: (h - 1) * (w - 1) * k * k * cin * cout,
            "A window has kernel_size * kernel_size pixels, and not those of half of it.":
                (lambda h, w, cin, cout, k: h * w * (k // 2) ** 2 * cin * cout,
                 lambda h, w, cin, cout, k: h * w * (k // 2) * cin * cout),
            "You leave the maps out: multiply by channels_in and by channels_out.":
                lambda h, w, cin, cout, k: h * w * k * k,
            "The stride is 1: the output has as many places as the picture, and not a quarter.":
                (lambda h, w, cin, cout, k: (h // 2) * (w // 2) * k * k * cin * cout,
                 lambda h, w, cin, cout, k: h * w / 4 * k * k * cin * cout),
            "The places are height * width, not height + width.":
                lambda h, w, cin, cout, k: (h + w) * k * k * cin * cout,
            "Windows overlap: there is one at every place, not one next to the other.":
                lambda h, w, cin, cout, k: (h // k) * (w // k) * k * k * cin * cout,
            "You wrote 3 x 3; the window need not be 3 pixels wide: use kernel_size.":
                lambda h, w, cin, cout, k: h * w * 9 * cin * cout,
            "You add channels_out, the biases; a bias is an addition without a multiplication.":
                lambda h, w, cin, cout, k: h * w * k * k * cin * cout + cout,
            "You count biases; they are additions without a multiplication.":
                (lambda h, w, cin, cout, k: h * w * (k * k * cin + 1) * cout,
                 lambda h, w, cin, cout, k: h * w * k * k * (cin + 1) * cout,
                 lambda h, w, cin, cout, k: h * w * k * k * cin * cout + h * w),
            "You leave one addition out; each multiplication has its addition, and they count as "
            "one.":
                (lambda h, w, cin, cout, k: h * w * (k * k * cin - 1) * cout,
                 lambda h, w, cin, cout, k: h * w * (2 * k * k * cin - 1) * cout),
            "You leave the places out or the maps: multiply all five numbers, the window squared.":
                (lambda h, w, cin, cout, k: h * w * k * cin * cout * k * k,
                 lambda h, w, cin, cout, k: cin * cout * k,
                 lambda h, w, cin, cout, k: h * w * cin,
                 lambda h, w, cin, cout, k: h * w * cout,
                 lambda h, w, cin, cout, k: h * w),
            "You add where you should multiply: every place, every pixel of the window and every "
            "pair of maps is one mult-add.":
                (lambda h, w, cin, cout, k: h * w + k * k * cin * cout,
                 lambda h, w, cin, cout, k: h * w * cin * cout + k * k),
        },
    ),
    "04.poolings_needed": Check(
        inputs=lambda: [(256,), (255,), (3,), (100,), tuple(random_whole(300, 3000, 1)), (1,), (4,),
                        (16,), (1023,), (1024,), (4096,), (4097,), (10**5,), (2**16,), (10**6,),
                        (10**9,), (10**12,), (2,)],
        shown=4,
        reference=lambda channels: next(n for n in range(99) if channels < 4**n),
        misconceptions={
            "A pooling halves height and width, so a quarter is left and not half.":
                (lambda channels: next(n for n in range(99) if channels < 2**n),
                 lambda channels: next(n for n in range(99) if channels <= 2**n),
                 lambda channels: int(np.log2(channels))),
            "As many numbers as the input is not fewer: mind the case of equality.":
                lambda channels: next(n for n in range(99) if channels <= 4**n),
            "Compare with the gray picture that went in, one number per pixel, not three.":
                lambda channels: next(n for n in range(99) if channels < 3 * 4**n),
            "You return how many times the maps are too many; each pooling divides by 4.":
                (lambda channels: channels // 4, lambda channels: channels / 4,
                 lambda channels: channels // 2, lambda channels: int(np.sqrt(channels)),
                 lambda channels: channels // 4 + 1),
            "You stop one pooling too early.":
                (lambda channels: next(n for n in range(99) if channels < 4 ** (n + 1)),
                 lambda channels: max(1, next(n for n in range(99) if channels < 4 ** (n + 1)))),
            "You do one pooling too many.":
                (lambda channels: next(n for n in range(99) if channels < 4**n) + 1,
                 lambda channels: next(n for n in range(99) if channels <= 4**n) + 1),
            "Each pooling divides by 4 what is left; you multiply by the number of poolings.":
                lambda channels: int(np.sqrt(channels)) + 1,
            "A pooling halves both sides, and so divides by 4, not by 8 or 16.":
                (lambda channels: next(n for n in range(99) if channels < 8**n),
                 lambda channels: next(n for n in range(99) if channels < 16**n),
                 lambda channels: next(n for n in range(99) if channels < 3**n)),
            "You return how many numbers are left; return how many poolings there were.":
                (lambda channels: channels / 4 ** next(n for n in range(99) if channels < 4**n),
                 lambda channels: 4 ** next(n for n in range(99) if channels < 4**n)),
            "You compare with a picture of 32 x 32; its size does not matter: every pooling leaves "
            "a quarter.": (lambda channels: next(n for n in range(99) if channels < 1024 * 4**n),
                         lambda channels: next(n for n in range(99) if channels * 1024 < 4**n)),
            "With a logarithm, round down and add 1: equality needs one pooling more.":
                (lambda channels: max(1, int(np.ceil(np.log2(channels) / 2))),
                 lambda channels: int(np.round(np.log2(channels) / 2))),
            "You take the natural logarithm, or that of 10; each pooling divides by 4.":
                (lambda channels: int(np.log(channels)) + 1,
                 lambda channels: int(np.ceil(np.log(channels))),
                 lambda channels: int(np.log10(channels)) + 1),
        },
        signs={
            "One map, channels = 1, is as many numbers as the picture, and not fewer.":
                only_where(lambda channels: channels == 1),
            "As many numbers as the input is not fewer: mind the case of equality.":
                only_where(lambda channels: np.log2(channels) % 2 == 0),
            "Your loop, your picture or your table ends too early: there may be any number of "
            "channels.":
                only_where(lambda channels: channels > 500),
        },
        otherwise={
            "You find too few: after so many poolings the latent has as many numbers as the "
            "picture, or more.": _never(1),
            "You find too many: fewer poolings are enough.": _never(-1),
        },
    ),
    "04.receptive_field": Check(
        # The first has so few layers that a message shows them.
        inputs=lambda: [(np.array([[3, 2], [5, 2]]),),
                        (np.array([[3, 1], [3, 1], [2, 2], [3, 1], [3, 1]]),),
                        (np.array([[3, 2], [3, 2], [5, 2]]),),
                        (np.stack([random_whole(2, 6, 4), random_whole(1, 3, 4)], axis=1),),
                        (np.array([[3, 3], [3, 1]]),), (np.array([[5, 4], [3, 2], [2, 1]]),),
                        (np.array([[3, 3], [2, 2], [5, 5]]),), (np.array([[7, 1]]),),
                        (np.array([[4, 4], [3, 3], [2, 2]]),), (np.array([[1, 1], [3, 2]]),),
                        (np.array([[3, 1]] * 9),)],
        shown=3,
        reference=lambda layers: _field(layers),
        drawn_as="pictures",
        panel=lambda width, layers: {
            "kernels": tuple(layers[:, 0]), "strides": tuple(layers[:, 1]),
            "field": _square(width), "returns": width},
        caption="The field is white in a picture of 32 by 32 pixels.",
        misconceptions={
            "You leave the pooling out; it is a layer too, with kernel 2 and stride 2.":
                lambda layers: _field([layer for layer in layers if tuple(layer) != (2, 2)]),
            "A layer's own stride counts for the layers after it, and strides multiply.":
                (lambda layers: 1 + sum((kernel - 1) * stride for kernel, stride in layers),
                 lambda layers: sum(kernel * stride for kernel, stride in layers),
                 lambda layers: 1 + sum(kernel * stride for kernel, stride in layers),
                 lambda layers: sum((kernel - 1) * stride for kernel, stride in layers)),
            "You add up the windows; they overlap, and strides make the steps longer.":
                (lambda layers: sum(kernel for kernel, stride in layers),
                 lambda layers: 1 + sum(kernel for kernel, stride in layers)),
            **_miscounted(),
            "You multiply the windows; each one adds kernel - 1 steps.":
                (lambda layers: int(np.prod(layers[:, 0])), lambda layers: int(np.prod(layers))),
            "This is how far two neighbours are apart; asked is how wide one of them sees.":
                lambda layers: int(np.prod(layers[:, 1])),
            "You return the area; asked is how many pixels wide the field is.":
                lambda layers: _field(layers) ** 2,
            "You walk from the latent to the input; begin with the layer at the input.":
                (lambda layers: _field(layers[::-1]), _from_the_latent_forwards),
            "You leave the last layer out.": lambda layers: _field(layers[:-1]),
            "You take the step behind the last layer for every layer; a step is as long as the "
            "strides before it make it.":
                (lambda layers: 1 + int((layers[:, 0] - 1).sum() * layers[:, 1].prod()),
                 lambda layers: int(layers[:, 0].sum() * layers[:, 1].prod()),
                 lambda layers: 1 + int(((layers[:, 0] - 1) * np.cumsum(layers[:, 1])).sum())),
            "You count the layers, or look at one of them; each one widens the field.":
                (lambda layers: 2 * len(layers) + 1, lambda layers: len(layers),
                 lambda layers: int(layers[0, 0]), lambda layers: int(layers[-1, 0]),
                 lambda layers: len(layers) + 1),
            "You add a stride to the field; strides lengthen the steps of the layers after.":
                (lambda layers: int((layers[:, 0] + layers[:, 1] - 1).sum()),
                 lambda layers: 1 + int((layers[:, 0] + layers[:, 1] - 1).sum()),
                 lambda layers: int(layers.sum()), lambda layers: 1 + int(layers.sum()),
                 lambda layers: 1 + int((layers[:, 0] - 1 + layers[:, 1]).sum())),
            "You leave the first layer out.": lambda layers: _field(layers[1:]),
            "You take the largest window; the field grows with every layer.":
                lambda layers: int(np.max(layers[:, 0])),
            "Kernel and stride have changed places: a row is kernel, stride.":
                lambda layers: _field(layers[:, ::-1]),
            "A field is kernel - 1 steps wider on both sides together, not on each.":
                (lambda layers: 2 * _field(layers) - 1, lambda layers: 2 * (_field(layers) - 1),
                 lambda layers: 1 + 2 * int((layers[:, 0] - 1).sum()),
                 lambda layers: 1 + 2 * sum((kernel // 2) * step
                        for kernel, step in _steps(layers))),
            "You count the steps of a layer's stride away; the last pixel of a window counts too.":
                lambda layers: _field(layers) - int(np.prod(layers[:, 1])),
            "You divide by the strides; they make the steps longer: multiply.":
                (lambda layers: _field(layers, lambda step, stride: step / stride),
                 lambda layers: _field(layers, lambda step, stride: step // stride)),
            "You leave the windows' widths out: each layer adds kernel - 1 steps, not one.":
                (lambda layers: 1 + sum(step for _, step in _steps(layers)),
                 lambda layers: 1 + 2 * sum(step for _, step in _steps(layers))),
        },
        signs={
            "Strides above 2 lengthen the steps too: multiply the step by the stride.":
                only_where(lambda layers: layers[:, 1].max() > 2),
            "You treat the pooling apart; it is a layer like the others.":
                only_where(lambda layers: (layers == [2, 2]).all(axis=1).any()),
            "There may be any number of layers: walk through all of them.":
                only_where(lambda layers: len(layers) > 5 or len(layers) == 1),
            "Where all strides are 1 your field is right: mind how strides lengthen the steps.":
                only_where(lambda layers: layers[:, 1].max() > 1),
        },
    ),
    "04.chain": Check(
        inputs=lambda: [(np.zeros(5, int), np.array([1, 2, 0, 1, 3])),
                        (np.array([4, 1, 1, 7]), np.array([2, 1, 3, 5])),
                        (np.array(random_whole(0, 9, 6)),
                         random_whole(0, 9, 6) + np.array([1, 0, 2, 0, 0, 4])),
                        (np.array([3, 1, 4]), np.array([3, 2, 4])),
                        (np.array([5, -1, 2]), np.array([-1, 5, 0])),
                        (np.array([1, 2]), np.array([2, 1])),
                        (np.array([9, 0, 9, 0]), np.array([0, 9, 0, 9]))],
        shown=2,
        reference=_chain,
        measure=_is_shortest_chain,
        refusals=(_SHAPE, _TRANSPOSED, _BACKWARDS, _TWICE),
        panel=lambda runs, start, goal: {
            "start": start, "goal": goal, "rows of a right chain": len(runs)},
        misconceptions={
            _ALL_SAME: lambda start, goal: np.stack([goal, goal]),
            _NO_START: lambda start, goal: _chain(start, goal)[1:],
            _NO_GOAL: lambda start, goal: _chain(start, goal)[:-1],
            _NO_ENDS: lambda start, goal: [np.full(len(start), 99)],
            _TWO: lambda start, goal: np.stack([start, goal]),
            _LONG: lambda start, goal: np.vstack([_chain(start, goal)[[0, 1]], _chain(start,
                   goal)]),
        },
    ),
}
# fmt: on
