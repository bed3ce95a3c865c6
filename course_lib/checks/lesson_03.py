"""The checks of lesson 03, the fully connected latent."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course_lib.checks import (
    Check,
    CheckFailed,
    Comparison,
    Sign,
    common_mistakes,
    everywhere,
    only_where,
    random_array,
    random_whole,
)

Wrong = dict[str, tuple[Callable[..., Any], ...]]


def _two_layers(size: int, latent_dim: int) -> int:
    features = 256 * (size // 4) ** 2
    return (features + 1) * latent_dim + (latent_dim + 1) * features


def _miscounted() -> Wrong:
    """Wrong numbers of features, with right and wrong numbers of biases; and wrong biases."""
    features: Mapping[str, Callable[[int], float]] = {
        "The picture is halved twice, so a quarter of its size is left, not half.":
            lambda size: 256 * (size // 2) ** 2,
        "The picture is halved twice before it reaches fc1; you count it at its full size.":
            lambda size: 256 * size**2,
        "You count one map; fc1 sees all 256 of them.": lambda size: (size // 4) ** 2,
        "A map has rows and columns: square its size.": lambda size: 256 * (size // 4),
        "You count for pictures of 32 x 32; use size.": lambda size: 256 * 64,
    }  # fmt: skip
    biases: Mapping[str, Callable[[float, int], float]] = {
        "You count weights only: each output has a bias too.": lambda features, latent: 0,
        "You give fc2 as few biases as fc1: it has one per output, 64 * 256 for a size of 32.":
            lambda features, latent: 2 * latent,
        "You give fc1 a bias for each input: it has one for each of its outputs, latent_dim.":
            lambda features, latent: 2 * features,
        "You forget the biases of fc2, one for each of its outputs.":
            lambda features, latent: latent,
        "You forget the biases of fc1, one for each of its outputs.":
            lambda features, latent: features,
        "You count one bias per layer; there is one for each output.":
            lambda features, latent: 2,
        "You give fc2 a bias for each map; it has one for each output, and a map has many.":
            lambda features, latent: latent + 256,
        "You give both layers the biases of both; each has one for each of its own outputs.":
            lambda features, latent: 2 * (features + latent),
        "A layer has one bias for each output, not for each weight.":
            lambda features, latent: 2 * features * latent,
    }  # fmt: skip

    def count(features: Callable[[int], float], biases: Callable[[float, int], float]) -> Any:
        return lambda size, latent: 2 * features(size) * latent + biases(features(size), latent)

    def right_features(size: int) -> float:
        return 256 * (size // 4) ** 2

    def right_biases(features: float, latent: int) -> float:
        return features + latent

    return {
        **{text: (count(right_features, wrong),) for text, wrong in biases.items()},
        **{
            text: tuple(count(wrong, each) for each in (right_biases, *list(biases.values())[:6]))
            for text, wrong in features.items()
        },
    }


def _is_between(weights: Callable[..., float], low: float, high: float) -> Sign:
    """The sign of a number of weights and, beside it, so many times the right number of biases."""

    def holds(output: np.ndarray, size: int, latent: int) -> bool:
        biases = latent + 256 * (size // 4) ** 2
        beside = output - weights(size, latent)
        return output.ndim == 0 and bool(low * biases <= beside <= high * biases)

    return everywhere(holds)


def _descent(move: Callable[..., Any]) -> Callable[..., Any]:
    """Descent whose steps are `move(gradient, sum of all gradients so far, number of samples)`."""

    def descend(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
        total = np.zeros_like(weight)
        for _ in range(num_steps):
            gradient = 2 * x.T @ (x @ weight - y) / len(x)
            total = total + gradient
            weight = weight - learning_rate * move(gradient, total, len(x))
        return weight

    return descend


_right_descent = _descent(lambda gradient, total, n: gradient)


def _optimizer(update: Callable[..., Any]) -> Callable[..., Any]:
    """Descent whose steps are `update(gradient, state, number of the step, rate, weight)`."""

    def descend(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
        state: dict[str, Any] = {"mean": 0 * weight, "square": 0 * weight}
        for step in range(1, num_steps + 1):
            gradient = 2 * x.T @ (x @ weight - y) / len(x)
            weight = weight - update(gradient, state, step, learning_rate, weight)
        return weight

    return descend


def _momentum(share: float, nesterov: bool = False, mean: bool = False) -> Callable[..., Any]:
    def update(gradient: Any, state: Any, step: int, rate: float, weight: Any) -> Any:
        state["mean"] = share * state["mean"] + (1 - share if mean else 1) * gradient
        return rate * (gradient + share * state["mean"] if nesterov else state["mean"])

    return _optimizer(update)


def _adam(bias_correction: bool = True) -> Callable[..., Any]:
    def update(gradient: Any, state: Any, step: int, rate: float, weight: Any) -> Any:
        state["mean"] = 0.9 * state["mean"] + 0.1 * gradient
        state["square"] = 0.999 * state["square"] + 0.001 * gradient**2
        first, second = (1 - 0.9**step, 1 - 0.999**step) if bias_correction else (1, 1)
        return rate * state["mean"] / first / (np.sqrt(state["square"] / second) + 1e-8)

    return _optimizer(update)


def _scaled(share: float) -> Callable[..., Any]:
    """Adagrad (a share of 0) and RMSprop."""

    def update(gradient: Any, state: Any, step: int, rate: float, weight: Any) -> Any:
        new = (1 - share if share else 1) * gradient**2
        state["square"] = (share or 1) * state["square"] + new
        return rate * gradient / (np.sqrt(state["square"]) + 1e-8)

    return _optimizer(update)


def _sample_by_sample(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
    for _ in range(num_steps):
        for row, value in zip(x, y, strict=True):
            weight = weight - learning_rate * 2 * (row @ weight - value) * row
    return weight


def _one_sample_a_step(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
    for step in range(num_steps):
        row, value = x[step % len(x)], y[step % len(x)]
        weight = weight - learning_rate * 2 * (row @ weight - value) * row
    return weight


def _with_bias(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
    ones = np.ones((len(x), 1))
    return _right_descent(np.r_[weight, 0], np.hstack([x, ones]), y, learning_rate, num_steps)[:-1]


def _without_square(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
    for _ in range(num_steps):
        weight = weight - learning_rate * x.T @ np.sign(x @ weight - y) / len(x)
    return weight


def _every_step(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> Any:
    return np.array([_right_descent(weight, x, y, learning_rate, n) for n in range(num_steps + 1)])


def _descents() -> list[tuple[Any, ...]]:
    start, x, y = np.array([0.5, -1.0, 2.0]), random_array(8, 3), 3 * random_array(8)
    return [
        (start, x, y, 0.1, 1),
        (start, x, y, 0.1, 4),
        (random_array(2), random_array(5, 2), random_array(5), 0.25, 3),
        (start.copy(), x.copy(), y.copy(), 0.25, 4),
        (start.copy(), x.copy(), y.copy(), 0.1, 0),
        (start.copy(), x.copy(), y.copy(), 0.1, 60),
        (random_array(3)[::-1].copy(), random_array(3, 3), 2 * random_array(3), 0.2, 2),
    ]


def _photographs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prediction, target, inside: the corners are black, and so are some pixels inside."""
    numbers = random_array(3, 6, 5)
    inside = numbers < [[[0.3]], [[0.6]], [[0.9]]]
    target = random_array(3, 6, 5, 3)[::-1] ** 2
    target[~inside | (numbers < 0.1)] = 0
    return random_array(3, 6, 5, 3), target, inside


def _with_hits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same, with pixels and single channels that are predicted exactly, some of them black."""
    prediction, target, inside = _photographs()
    target[1, :, 2:4] = [0.0, 0.5, 0.25]
    prediction[0, :, :2] = target[0, :, :2]
    prediction[1, :, 2:4] = [0.0, 0.5, 0.75]
    inside[1, :, 2:4] = True
    return prediction, target, inside


def _all_inside() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    prediction, target, inside = _photographs()
    return prediction[:1], target[:1], np.ones_like(inside[:1])


def _one_image_outside() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    prediction, target, inside = _photographs()
    inside[0] = False
    return prediction, target, inside


def _other_corners() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first photographs with other pixels outside, which must not matter."""
    prediction, target, inside = _photographs()
    prediction[~inside], target[~inside] = 0.75, 0.5
    return prediction, target, inside


def _twice() -> tuple[np.ndarray, ...]:
    """Every photograph twice, which must not matter either."""
    return tuple(np.concatenate([array, array]) for array in _photographs())


def _changes(other: int) -> Sign:
    """The sign of a loss that is not the same for the inputs 0 and `other`, as it should be."""
    return lambda found: not common_mistakes.close(found.given[0], found.given[other])


def _first_step(is_parallel: bool) -> Sign:
    """The sign of a first step along the gradient, but of another length; or not along it."""

    def sign(found: Comparison) -> bool:
        for output, (weight, x, y, _, num_steps) in zip(found.given, found.inputs, strict=True):
            if num_steps == 1 and output.shape == weight.shape:
                step, gradient = output - weight, x.T @ (x @ weight - y)
                cosine = (
                    step @ gradient / max(np.linalg.norm(step) * np.linalg.norm(gradient), 1e-12)
                )
                return bool(abs(cosine) > 1 - 1e-6) == is_parallel
        return False

    return sign


def _of_hits(p: np.ndarray, t: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Squared errors inside, without those that are 0."""
    squares: np.ndarray = (p[inside] - t[inside]) ** 2
    return squares[squares > 0]


_FOUR = "Return four numbers: c1, c2, c3 and latent_dim."
_SIDE_BY_SIDE = "Return four numbers side by side: c1, c2, c3, latent_dim."
_WHOLE = "Layers have whole numbers of channels: return 9, not 9.0 or 9.5."
_NO_CHANNEL = "A layer has one channel at least."
_FEW = "Your latent has fewer than 256 numbers."
_AS_MANY = "Your latent has as many numbers as the picture: stay below 1024."
_MORE = "Your latent has more numbers than the picture: stay below 1024."
_OVER = (
    "For another budget your model has more parameters than it may: work the widths out from "
    "`budget`."
)
_UNDER = (
    "For another budget your model uses less than 80 % of it: work the widths out from `budget`."
)
_BUDGET = 1_330_307  # model C's parameters, and the budget that students know


class _DesignCheck(Check):
    """A check that names a nested answer, such as ((c1, c2, c3), d)."""

    def outputs(self, answer: Callable[..., Any]) -> list[Any]:
        outputs = super().outputs(answer)
        for output in outputs:
            if isinstance(output, tuple | list) and any(np.ndim(part) for part in output):
                raise CheckFailed(_SIDE_BY_SIDE)
        return outputs

    def is_named(self, sentence: str) -> bool:
        return super().is_named(sentence) or sentence.startswith(f"For budget = {_BUDGET} ")


def num_parameters(c1: int, c2: int, c3: int, latent_dim: int) -> int:
    """Parameters of model B with these widths."""
    convolutions = (9 + 1) * c1 + 2 * 9 * (c1 * c2 + c2 * c3) + (c2 + c3) + (c2 + c1) + 27 * c1 + 3
    return convolutions + 2 * 64 * c3 * latent_dim + latent_dim + 64 * c3


def _fits(design: Any, budget: int) -> bool:
    """True. Or says what is wrong with a design of model B; only of the known budget by number."""
    if np.shape(design) != (4,):
        raise CheckFailed(_FOUR)
    if np.asarray(design).dtype.kind not in "iu":
        raise CheckFailed(_WHOLE)
    total, latent_dim = num_parameters(*map(int, design)), design[3]
    problems = {
        _NO_CHANNEL: min(design) < 1,
        _FEW: latent_dim < 256,
        _AS_MANY: latent_dim == 1024,
        _MORE: latent_dim > 1024,
        _total(total, budget, "that is over it", _OVER): total > budget,
        _total(total, budget, f"{0.8 * budget:.0f} is the least", _UNDER): total < 0.8 * budget,
    }
    for sentence, is_so in problems.items():
        if is_so:
            raise CheckFailed(sentence)
    return True


def _total(total: int, budget: int, why: str, otherwise: str) -> str:
    known = f"For budget = {budget} your model has {total} parameters, and {why}."
    return known if budget == _BUDGET else otherwise


def _design(budget: int) -> tuple[int, int, int, int]:
    """The widest conv3 that the budget allows, beside 32 and 64 channels and 256 numbers."""
    c3 = max(c for c in range(1, 257) if num_parameters(32, 64, c, 256) <= budget)
    return 32, 64, c3, 256


_BROADCAST = (
    "An array (N, H, W) does not multiply one (N, H, W, 3): write inside[..., None], or let it "
    "choose pixels: prediction[inside]."
)
_CLEAR = (
    "Before the first backward there is no gradient: put zero_() behind the step, or write "
    "weight.grad = None at the start."
)
_NO_GRADIENT = (
    "There is no gradient: the weight must be a tensor made with requires_grad=True, and it must "
    "be changed in place, with -=, so that it stays the same tensor."
)

# fmt: off
CHECKS = {
    "03.fc_parameters": Check(
        # The first is so small that a message shows every digit.
        inputs=lambda: [(8, 16), (32, 256), (64, 256), (128, 48), (20, *random_whole(10, 300, 1)),
                        (32, 16), (12, 48), (4, 5)],
        shown=4,
        reference=_two_layers,
        misconceptions={
            "You count 256 latent numbers; use latent_dim.":
                (lambda size, k: _two_layers(size, 256), lambda size, k: _two_layers(size, 128)),
            "You count fc1 only; fc2 leads back from the latent and is as large.":
                (lambda size, latent: (256 * (size // 4) ** 2 + 1) * latent,
                 lambda size, latent: 256 * (size // 4) ** 2 * latent),
            "You count fc2 only; fc1 leads to the latent and is as large.":
                lambda size, latent: 256 * (size // 4) ** 2 * (latent + 1),
            "You add what should be multiplied: each output has a weight for every input.":
                (lambda size, latent: 2 * (256 * (size // 4) ** 2 + latent),
                 lambda size, latent: 256 * (size // 4) ** 2 + latent),
            "You return the number of features; asked are the parameters of both layers.":
                lambda size, latent: 256 * (size // 4) ** 2,
            "You square the number of features; a layer has a weight for each input and output.":
                (lambda size, latent: (256 * (size // 4) ** 2) ** 2 * latent,
                 lambda size, latent: (256 * (size // 4) ** 2) ** 2),
            **_miscounted(),
            "You take another number of maps: conv3 has 256 channels.":
                tuple(lambda size, latent, c=c: (2 * latent + 1) * c * (size // 4) ** 2 + latent
                      for c in (3, 32, 64, 128, 512)),
        },
        signs={
            "The numbers of a photograph of 32 x 32 with 256 latent numbers are right, the others "
            "are not: use size and latent_dim.":
                only_where(lambda size, latent: (size, latent) != (32, 256)),
        },
        otherwise={
            "You count the weights right, but not the biases: each layer has one for each output.":
                _is_between(lambda size, latent: 2 * 256 * (size // 4) ** 2 * latent, 0.0, 3.0),
            "You count the weights of one layer, or of more than two: fc1 and fc2 have as many.":
                everywhere(lambda output, size, latent: output.ndim == 0),
        },
    ),
    "03.inside_loss": Check(
        inputs=lambda: [_photographs(), tuple(array[1:] for array in _photographs()), _with_hits(),
                        _all_inside(), _one_image_outside(), _other_corners(), _twice()],
        shown=1,
        hints={
            "broadcast": _BROADCAST,
            "boolean index did not match":
                "Let inside choose pixels of whole pictures, prediction[inside], before anything "
                "is added up or reshaped.",
            "mse_loss": "These are NumPy arrays: take np.mean of the squared differences.",
            "must be Tensor": "These are NumPy arrays: use NumPy, or make tensors of them first.",
        },
        reference=lambda prediction, target, inside:
            np.mean((prediction[inside] - target[inside]) ** 2),
        drawn_as="pictures",
        caption="White where inside is True.",
        misconceptions={
            "You count the corners too: take only the pixels where inside is True.":
                lambda p, t, inside: np.mean((p - t) ** 2),
            "You measure the corners alone: inside is True in the photograph.":
                (lambda p, t, inside: np.mean((p[~inside] - t[~inside]) ** 2),
                 lambda p, t, inside: np.mean(((p - t) * ~inside[..., None]) ** 2)),
            "The corners add no error but still count: divide by the pixels inside, not by all.":
                lambda p, t, inside: np.mean(((p - t) * inside[..., None]) ** 2),
            "You take black pixels for corners; a photograph has black pixels too: use inside.":
                (lambda p, t, inside: np.mean((p - t)[t.any(axis=-1)] ** 2),
                 lambda p, t, inside: np.mean((p - t)[t > 0] ** 2),
                 lambda p, t, inside: np.mean((p - t)[t.all(axis=-1)] ** 2),
                 lambda p, t, inside: np.mean((p - t)[inside & t.any(axis=-1)] ** 2),
                 lambda p, t, inside: np.mean((p - t)[inside & p.any(axis=-1)] ** 2)),
            "You leave out what is predicted exactly; an error of 0 counts too.":
                (lambda p, t, inside: np.mean(_of_hits(p, t, inside)),
                 lambda p, t, inside: np.mean((p - t)[inside & (p != t).any(axis=-1)] ** 2),
                 lambda p, t, inside: np.mean((p - t)[inside & (p != t).all(axis=-1)] ** 2)),
            "You forget the square: errors of either sign cancel.":
                (lambda p, t, inside: np.mean(p[inside] - t[inside]),
                 lambda p, t, inside: np.mean(t[inside] - p[inside])),
            "You take the absolute value in place of the square.":
                lambda p, t, inside: np.mean(np.abs(p[inside] - t[inside])),
            "You take a root at the end; the mean squared error has none.":
                (lambda p, t, inside: np.sqrt(np.mean((p[inside] - t[inside]) ** 2)),
                 lambda p, t, inside: np.linalg.norm(p[inside] - t[inside])),
            "You divide by the number of pixels, but each pixel has three channels.":
                lambda p, t, inside: 3 * np.mean((p[inside] - t[inside]) ** 2),
            "You divide by three once too often: the mean over all numbers has the channels in it.":
                lambda p, t, inside: np.mean((p[inside] - t[inside]) ** 2) / 3,
            "You return the sum; divide by how many numbers it has.":
                (lambda p, t, inside: np.sum((p[inside] - t[inside]) ** 2),
                 lambda p, t, inside: np.sum((p[inside] - t[inside]) ** 2) / len(p),
                 lambda p, t, inside: np.sum((p - t) ** 2)),
            "You divide by the pixels inside, but the errors of the corners are in the sum.":
                (lambda p, t, inside: np.mean((p - t) ** 2) / np.mean(inside),
                 lambda p, t, inside: np.sum((p - t) ** 2) / np.sum(inside)),
            "You average first and square then, and errors of either sign cancel: square first.":
                (lambda p, t, inside: np.mean(p[inside] - t[inside]) ** 2,
                 lambda p, t, inside: np.mean((p[inside] - t[inside]).mean(axis=-1) ** 2),
                 lambda p, t, inside: np.mean((p[inside] - t[inside]).mean(axis=0) ** 2)),
            "You square prediction and target apart; square their difference.":
                lambda p, t, inside: np.mean(p[inside] ** 2 - t[inside] ** 2),
            "You return the squared errors themselves; return one number, their mean.":
                (lambda p, t, inside: (p[inside] - t[inside]) ** 2,
                 lambda p, t, inside: (p - t) ** 2 * inside[..., None]),
            "Return one number: the mean over channels too.":
                (lambda p, t, inside: np.mean((p[inside] - t[inside]) ** 2, axis=0),
                 lambda p, t, inside: np.mean((p[inside] - t[inside]) ** 2, axis=1)),
            "You average image by image first, so pixels of images with large corners count more.":
                (lambda *arrays: np.mean(
                    [np.mean((p[i] - t[i]) ** 2) for p, t, i in zip(*arrays, strict=True)]),
                 lambda *arrays: np.mean([np.mean((p[i] - t[i]) ** 2)
                                          for p, t, i in zip(*arrays, strict=True) if i.any()]),
                 lambda *arrays: np.mean([np.mean((p[i] - t[i]) ** 2) if i.any() else 0
                                          for p, t, i in zip(*arrays, strict=True)])),
            "You return a loss for each image; the exercise asks for one number.":
                lambda p, t, inside: [np.mean((a[i] - b[i]) ** 2)
                       for a, b, i in zip(p, t, inside, strict=True)],
            "You make the corners of one of the two black and count them: choose the same pixels "
            "of both.":
                (lambda p, t, inside: np.mean((p * inside[..., None] - t) ** 2),
                 lambda p, t, inside: np.mean((p - t * inside[..., None]) ** 2)),
            "You take the median; the loss is a mean.":
                lambda p, t, inside: np.median((p[inside] - t[inside]) ** 2),
            "You use one channel; all three count.":
                tuple(lambda p, t, inside, c=c: np.mean((p[inside] - t[inside])[:, c] ** 2)
                      for c in range(3)),
            "You use one image; all N count.":
                (lambda p, t, inside: np.mean((p[0] - t[0])[inside[0]] ** 2),
                 lambda p, t, inside: np.mean((p[-1] - t[-1])[inside[-1]] ** 2)),
            "You halve the error; the mean squared error has no factor 1/2.":
                lambda p, t, inside: np.mean((p[inside] - t[inside]) ** 2) / 2,
        },
        signs={
            "Your result changes with what is in the corners: choose the pixels by inside, and no "
            "others.": _changes(5),
            "Your result grows with the number of photographs: take the mean over all pixels "
            "inside.":
                _changes(6),
            "An image may have no pixel inside: choose pixels of all images together, then take "
            "the mean.": only_where(lambda p, t, inside: not inside.any(axis=(1, 2)).all()),
        },
        otherwise={
            "The right pixels count, but not by the mean of their squared differences.":
                everywhere(lambda output, p, t, inside: output.ndim == 0),
        },
    ),
    "03.descend": Check(
        inputs=_descents,
        shown=2,
        reference=_right_descent,
        panel=lambda output, weight, x, y, learning_rate, num_steps: {
            "learning_rate": learning_rate, "num_steps": num_steps, "weight": weight,
            "returns": output.round(3)},
        hints={
            "zero_": _CLEAR,
            "NoneType": _NO_GRADIENT,
            "a leaf Variable": "Change the weight inside `with torch.no_grad():`.",
            "does not require grad": _NO_GRADIENT,
            "same dtype":
                "NumPy's numbers are float64: torch.tensor(x) keeps that, so leave it so.",
            "expected scalar type": "NumPy's numbers are float64: keep that type for all tensors.",
            "backward through the graph a second time": "Compute the loss again in every step.",
            "scalar outputs": "The loss must be one number before backward(): take the mean.",
            "must be Tensor": "Make tensors of x and y too, with torch.tensor.",
            "unsupported operand type": "Make tensors of x and y too, with torch.tensor.",
            "can't convert": "Make tensors of x and y too, with torch.tensor.",
            "matmul": "x is (N, D) and the residuals are (N,): the gradient is x.T @ residuals.",
            "broadcast": "x is (N, D) and the residuals are (N,): the gradient is x.T @ residuals.",
            "size mismatch": "x is (N, D) and weight is (D,): the prediction is x @ weight.",
            "not aligned": "x is (N, D) and weight is (D,): the prediction is x @ weight.",
        },
        misconceptions={
            "Gradients add up from step to step, because you never clear them.":
                _descent(lambda gradient, total, n: total),
            "You climb: a step goes against the gradient, so subtract.":
                (_descent(lambda gradient, total, n: -gradient),
                 _descent(lambda gradient, total, n: -gradient / 2),
                 _descent(lambda gradient, total, n: -n * gradient)),
            "Your loss is a sum, so your steps grow with the number of samples: take the mean.":
                _descent(lambda gradient, total, n: n * gradient),
            "The derivative of a square has a factor 2; it is missing in yours.":
                _descent(lambda gradient, total, n: gradient / 2),
            "The derivative of a square has a factor 2; you have it twice.":
                _descent(lambda gradient, total, n: 2 * gradient),
            "Two factors are missing, the 2 of the square and the 1 / N of the mean.":
                _descent(lambda gradient, total, n: n * gradient / 2),
            "You divide by N twice; the mean does so once.":
                (_descent(lambda gradient, total, n: gradient / n),
                 _descent(lambda gradient, total, n: gradient / n / 2)),
            "You divide by all numbers of x; the mean is over its N rows.":
                (_descent(lambda gradient, total, n: gradient / len(gradient)),
                 _descent(lambda gradient, total, n: n * gradient / len(gradient)),
                 _descent(lambda gradient, total, n: gradient / len(gradient) / 2)),
            "You average over the weights too; each weight has a slope of its own: average over "
            "the N samples alone.":
                (_descent(lambda gradient, total, n: np.full_like(gradient, gradient.mean())),
                 _descent(lambda gradient, total, n: np.full_like(gradient, gradient.sum()))),
            "Two shapes, (N, 1) and (N,), were combined to (N, N), so every prediction is compared "
            "with every y: give both the same shape.":
                lambda w, x, y, rate, steps: _right_descent(w, x, 0 * y + y.mean(), rate, steps),
            "You leave learning_rate out.":
                lambda w, x, y, rate, steps: _right_descent(w, x, y, 1, steps),
            "You use a learning rate of your own; use learning_rate.":
                tuple(lambda w, x, y, rate, steps, mine=mine: _right_descent(w, x, y, mine, steps)
                      for mine in (0.1, 0.01, 0.001, 0.25, 0.05)),
            "You make the learning rate smaller from step to step; it stays as it is.":
                (_optimizer(lambda gradient, state, step, rate, weight: rate * gradient / step),
                 _optimizer(lambda gradient, state, step, rate,
                        weight: rate * gradient / step**0.5),
                 _optimizer(lambda gradient, state, step, rate,
                        weight: rate * 0.9**(step - 1) * gradient),
                 _optimizer(lambda gradient, state, step, rate,
                        weight: rate * 0.5**(step - 1) * gradient)),
            "You find the gradient once; each step needs its own, where it begins.":
                lambda w, x, y, rate, steps: _right_descent(w, x, y, steps * rate, 1),
            "You take one step too many.":
                lambda *arguments: _right_descent(*arguments[:4], arguments[4] + 1),
            "You take one step too few.":
                lambda *arguments: _right_descent(*arguments[:4], arguments[4] - 1),
            "You return the weight that you began with; change it, and return what it became.":
                lambda weight, *arguments: weight,
            "You return the best weight there is; asked is where num_steps steps end.":
                (lambda w, x, y, rate, steps: np.linalg.lstsq(x, y, rcond=None)[0],
                 lambda w, x, y, rate, steps: _right_descent(w, x, y, rate, 1000)),
            "You take one step only; repeat it num_steps times.":
                lambda *arguments: _right_descent(*arguments[:4], 1),
            "You take a number of steps of your own; take num_steps.":
                tuple(lambda *arguments, n=n: _right_descent(*arguments[:4], n)
                      for n in (2, 3, 4, 5, 10, 20, 50, 100)),
            "You add momentum; plain descent knows the present gradient only.":
                (*(_momentum(share, nesterov) for share in (0.9, 0.5, 0.99)
                    for nesterov in (False, True)),
                 _momentum(0.9, mean=True)),
            "This is Adam; plain descent goes learning_rate times the gradient.":
                (_adam(), _adam(bias_correction=False)),
            "You scale each weight's steps by its past gradients, as RMSprop and Adagrad do; plain "
            "descent goes learning_rate times the gradient.":
                (_scaled(0.0), _scaled(0.99), _scaled(0.9)),
            "All your steps are equally long; a step is learning_rate times the gradient.":
                (_descent(lambda gradient, total, n: gradient / np.linalg.norm(gradient)),
                 _descent(lambda gradient, total, n: np.sign(gradient))),
            "You step after every sample; a step uses all of x and y.":
                (_sample_by_sample, _one_sample_a_step),
            "You train a bias as well; the prediction is x @ weight alone.": _with_bias,
            "You descend on the absolute error; the loss is the mean squared error.":
                _without_square,
            "You make the weights decay; the loss has the squared error only.":
                tuple(_optimizer(lambda gradient, state, step, rate, weight, d=d:
                                 rate * (gradient + d * weight)) for d in (0.01, 0.1, 1e-4, 0.02)),
            "The sign of y is wrong: the residual is x @ weight - y.":
                lambda w, x, y, rate, steps: _right_descent(w, x, -y, rate, steps),
            "You leave y out; the residual is x @ weight - y.":
                lambda w, x, y, rate, steps: _right_descent(w, x, 0 * y, rate, steps),
            "You start from zero; start from weight.":
                (lambda w, x, y, rate, steps: _right_descent(0 * w, x, y, rate, steps),
                 lambda w, x, y, rate, steps: _right_descent(0 * w + 1, x, y, rate, steps)),
            "You return the step alone; subtract it from the weight.":
                (lambda w, *rest: _right_descent(w, *rest) - w,
                 lambda w, *rest: w - _right_descent(w, *rest)),
            "You return the weight of every step; return the last one.":
                (_every_step, lambda *arguments: _every_step(*arguments)[1:],
                 lambda *arguments: _every_step(*arguments)[:-1]),
            "You return the loss; return the weight.":
                (lambda *a: np.mean((a[1] @ _right_descent(*a) - a[2]) ** 2),
                 lambda *a: np.mean((a[1] @ _right_descent(*a[:4], max(0, a[4] - 1)) - a[2]) ** 2)),
            "You return the predictions; return the weight.": lambda *a: a[1] @ _right_descent(*a),
            "You average the weights of all steps; return the last one.":
                lambda *arguments: _every_step(*arguments).mean(axis=0),
        },
        signs={
            "Without a step, num_steps = 0, the weight comes back as it is.":
                only_where(lambda weight, x, y, learning_rate, num_steps: num_steps == 0),
            "You stop before all steps are taken, or change them on the way: take num_steps, all "
            "alike.":
                only_where(lambda weight, x, y, learning_rate, num_steps: num_steps > 5),
            "You divide by 8, or by another number of your own; x may have any number of rows: "
            "len(x).":
                only_where(lambda weight, x, y, learning_rate, num_steps: len(x) != 8),
            "The first step is right, and the later ones are not: each one starts at the new "
            "weight, with a new gradient, and keeps nothing else.":
                only_where(lambda weight, x, y, learning_rate, num_steps: num_steps > 1),
        },
        otherwise={
            "Your step has the gradient's direction, but not its length: it is learning_rate times "
            "the gradient.": _first_step(is_parallel=True),
            "Your step does not go along the gradient of the mean squared error: derive it once "
            "more, or let PyTorch find it.": _first_step(is_parallel=False),
        },
    ),
    "03.design": _DesignCheck(
        inputs=lambda: [(_BUDGET,), tuple(random_whole(600_000, 800_000, 1)), (1_000_000,),
                        (1_150_000,), (2_000_000,)],
        shown=1,
        reference=_design,
        measure=_fits,
        refusals=(_FOUR, _SIDE_BY_SIDE, _WHOLE, _OVER, _UNDER),
        panel=lambda output, budget: {
            "budget": budget, "use at least": round(0.8 * budget),
            "one right design has": num_parameters(*output)},
        misconceptions={
            _NO_CHANNEL: lambda budget: (64, 0, 8, 256),
            _FEW: lambda budget: (64, 128, 36, 80),
            _AS_MANY: lambda budget: (8, 8, 4, 1024),
            _MORE: lambda budget: (1, 1, 1, budget // 129 - 200),
        },
    ),
}
# fmt: on
