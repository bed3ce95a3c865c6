"""Floor 5: the checks of lesson 03, the fully connected latent."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checks import Check, CheckFailed, random_array


def _two_layers(size: int, latent_dim: int) -> int:
    features = 256 * (size // 4) ** 2
    return (features + 1) * latent_dim + (latent_dim + 1) * features


def _descent(move: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """Descent whose steps are `move(gradient, sum of all gradients so far, number of samples)`."""

    def descend(weight: Any, x: Any, y: Any, learning_rate: float, num_steps: int) -> np.ndarray:
        total = np.zeros_like(weight)
        for _ in range(num_steps):
            gradient = 2 * x.T @ (x @ weight - y) / len(x)
            total = total + gradient
            weight = weight - learning_rate * move(gradient, total, len(x))
        return weight

    return descend


_right_descent = _descent(lambda gradient, total, n: gradient)


class _FourNumbers(Check):
    """A check that names a nested answer, such as ((c1, c2, c3), latent_dim)."""

    def outputs(self, answer: Callable[..., Any]) -> list[Any]:
        outputs = super().outputs(answer)
        for output in outputs:
            if isinstance(output, tuple | list) and any(np.ndim(part) for part in output):
                raise CheckFailed(
                    "Return four numbers side by side: return c1, c2, c3, latent_dim."
                )
        return outputs


def _design_problem(design: Any, budget: int) -> int:
    """What is wrong with a design of model B: 0 nothing, else the number of the problem."""
    if np.shape(design) != (4,):
        raise CheckFailed("Return four numbers: c1, c2, c3 and latent_dim.")
    c1, c2, c3, latent_dim = design
    if any(number < 1 or number != int(number) for number in design):
        return 1
    convolutions = (9 + 1) * c1 + 2 * 9 * (c1 * c2 + c2 * c3) + (c2 + c3) + (c2 + c1) + 27 * c1 + 3
    total = convolutions + 2 * 64 * c3 * latent_dim + latent_dim + 64 * c3
    return 2 if total > budget else 3 if latent_dim < 256 else 4 if total < 0.8 * budget else 0


# fmt: off
CHECKS = {
    "03.fc_parameters": Check(
        inputs=lambda: [(32, 256), (64, 256), (128, 48)],
        reference=_two_layers,
        misconceptions={
            "You count weights only: each output has a bias too.":
                lambda size, latent: 2 * 256 * (size // 4) ** 2 * latent,
            "You count fc1 only; fc2 leads back from the latent and is as large.":
                lambda size, latent: (256 * (size // 4) ** 2 + 1) * latent,
            "The picture is halved twice, so a quarter of its size is left, not half.":
                lambda size, latent: _two_layers(2 * size, latent),
            "The picture is halved twice before it reaches fc1; you count it at its full size.":
                lambda size, latent: _two_layers(4 * size, latent),
            "You count one map; fc1 sees all 256 of them.":
                lambda size, latent: (2 * latent + 1) * (size // 4) ** 2 + latent,
            "A map has rows and columns: square its size.":
                lambda size, latent: (2 * latent + 1) * 256 * (size // 4) + latent,
        },
    ),
    "03.inside_loss": Check(
        inputs=lambda: [(random_array(3, 6, 5, 3), random_array(3, 6, 5, 3)[::-1] ** 2,
                         random_array(3, 6, 5) < [[[0.3]], [[0.6]], [[0.9]]])],
        reference=lambda p, t, inside: np.mean((p[inside] - t[inside]) ** 2),
        misconceptions={
            "You count the corners too: take only the pixels where inside is True.":
                lambda p, t, inside: np.mean((p - t) ** 2),
            "You measure the corners alone: inside is True in the photograph.":
                lambda p, t, inside: np.mean((p[~inside] - t[~inside]) ** 2),
            "The corners add no error but still count: divide by the pixels inside, not by all.":
                lambda p, t, inside: np.mean(((p - t) * inside[..., None]) ** 2),
            "You divide by the number of pixels, but each pixel has three channels.":
                lambda p, t, inside: 3 * np.mean((p[inside] - t[inside]) ** 2),
            "You average image by image first, so pixels of images with large corners count more.":
                lambda *arrays: np.mean(
                    [np.mean((p[i] - t[i]) ** 2) for p, t, i in zip(*arrays, strict=True)]),
        },
    ),
    "03.descend": Check(
        inputs=lambda: [(np.array([0.5, -1.0, 2.0]), random_array(8, 3), 3 * random_array(8), 0.1,
                         num_steps) for num_steps in (1, 4)],
        reference=_right_descent,
        misconceptions={
            "Gradients add up from step to step, because you never clear them.":
                _descent(lambda gradient, total, n: total),
            "You climb: a step goes against the gradient, so subtract.":
                _descent(lambda gradient, total, n: -gradient),
            "Your loss is a sum, so your steps grow with the number of samples: take the mean.":
                _descent(lambda gradient, total, n: n * gradient),
            "The derivative of a square has a factor 2; it is missing in yours.":
                _descent(lambda gradient, total, n: gradient / 2),
            "You take one step only; repeat it num_steps times.":
                lambda *arguments: _right_descent(*arguments[:4], 1),
        },
    ),
    "03.design": _FourNumbers(
        inputs=lambda: [(1_330_307,)],
        reference=lambda budget: (32, 64, 36, 256),
        measure=_design_problem,
        misconceptions={
            "Layers have whole numbers of channels, one at least.": lambda budget: (64, 0, 8, 256),
            "Your model is over the budget: fc1 and fc2 have 64 * c3 * latent_dim weights each.":
                lambda budget: (64, 128, 256, 256),
            "Your latent has fewer than 256 numbers.": lambda budget: (64, 128, 36, 80),
            "You leave more than a fifth of the budget unused.": lambda budget: (16, 32, 16, 256),
        },
    ),
}
# fmt: on
