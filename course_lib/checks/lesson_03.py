"""The checks of lesson 03, the fully connected latent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_lib.checks import Check, CheckFailed, random_array, random_whole


def _two_layers(size: int, latent_dim: int) -> int:
    features = 256 * (size // 4) ** 2
    return (features + 1) * latent_dim + (latent_dim + 1) * features


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


def _photographs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prediction, target, inside: the corners are black, and so are some pixels inside."""
    numbers = random_array(3, 6, 5)
    inside = numbers < [[[0.3]], [[0.6]], [[0.9]]]
    target = random_array(3, 6, 5, 3)[::-1] ** 2
    target[~inside | (numbers < 0.1)] = 0
    return random_array(3, 6, 5, 3), target, inside


@dataclass(frozen=True)
class _WithHints(Check):
    """A check with a sentence for errors that students meet: words of the error -> sentence."""

    hints: Mapping[str, str] = field(default_factory=dict)

    def outputs(self, answer: Callable[..., Any]) -> list[Any]:
        try:
            return super().outputs(answer)
        except Exception as error:
            for words, hint in self.hints.items():
                if words in str(error):
                    says = f"{type(error).__name__}: {str(error).strip()}"
                    raise CheckFailed(f"{says}. {hint}") from error
            raise


_PROBLEMS = {
    1: "A layer has one channel at least.",
    2: "Your latent has fewer than 256 numbers.",
    3: "Your latent has as many numbers as the picture: stay below 1024.",
    4: "Your latent has more numbers than the picture: stay below 1024.",
}


class _DesignCheck(Check):
    """A check that counts parameters, and names a nested answer, such as ((c1, c2, c3), d)."""

    def outputs(self, answer: Callable[..., Any]) -> list[Any]:
        outputs = super().outputs(answer)
        for output in outputs:
            if isinstance(output, tuple | list) and any(np.ndim(part) for part in output):
                raise CheckFailed("Return four numbers side by side: c1, c2, c3, latent_dim.")
        return outputs

    def _difference(self, given: list[np.ndarray], right: list[np.ndarray]) -> str:
        pairs = zip(self.inputs(), given, strict=True)
        budget, problem = next((budget, int(code)) for (budget,), code in pairs if code)
        if problem in _PROBLEMS:
            return f"For budget = {budget}: {_PROBLEMS[problem]}"
        least = f"{0.8 * budget:.0f} is the least" if problem < budget else "that is over it"
        return f"For budget = {budget} your model has {problem} parameters, and {least}."


def num_parameters(c1: int, c2: int, c3: int, latent_dim: int) -> int:
    """Parameters of model B with these widths."""
    convolutions = (9 + 1) * c1 + 2 * 9 * (c1 * c2 + c2 * c3) + (c2 + c3) + (c2 + c1) + 27 * c1 + 3
    return convolutions + 2 * 64 * c3 * latent_dim + latent_dim + 64 * c3


def _design_problem(design: Any, budget: int) -> int:
    """0 if nothing is wrong with a design of model B, else which of `_PROBLEMS`.

    Of a model that is over the budget or too far below it, how many parameters it has.
    """
    if np.shape(design) != (4,):
        raise CheckFailed("Return four numbers: c1, c2, c3 and latent_dim.")
    if np.asarray(design).dtype.kind not in "iu":
        raise CheckFailed("Layers have whole numbers of channels: return 9, not 9.0 or 9.5.")
    if min(design) < 1:
        return 1
    total, latent_dim = num_parameters(*map(int, design)), design[3]
    if not 256 <= latent_dim < 1024:
        return 2 if latent_dim < 256 else 3 if latent_dim == 1024 else 4
    return 0 if 0.8 * budget <= total <= budget else total


def _design(budget: int) -> tuple[int, int, int, int]:
    """The widest conv3 that the budget allows, beside 32 and 64 channels and 256 numbers."""
    c3 = max(c for c in range(1, 257) if num_parameters(32, 64, c, 256) <= budget)
    return 32, 64, c3, 256


# fmt: off
CHECKS = {
    "03.fc_parameters": Check(
        # The first is so small that a message shows every digit.
        inputs=lambda: [(8, 16), (32, 256), (64, 256), (128, 48), (20, *random_whole(10, 300, 1))],
        reference=_two_layers,
        misconceptions={
            "You count weights only: each output has a bias too.":
                lambda size, latent: 2 * 256 * (size // 4) ** 2 * latent,
            "You give fc2 as few biases as fc1: it has one per output, 64 * 256 for a size of 32.":
                lambda size, latent: 2 * (256 * (size // 4) ** 2 + 1) * latent,
            "You give fc1 a bias for each input: it has one for each of its outputs, latent_dim.":
                lambda size, latent: 2 * (latent + 1) * 256 * (size // 4) ** 2,
            "You forget the biases of fc2, one for each of its outputs.":
                lambda size, latent: (2 * 256 * (size // 4) ** 2 + 1) * latent,
            "You forget the biases of fc1, one for each of its outputs.":
                lambda size, latent: (2 * latent + 1) * 256 * (size // 4) ** 2,
            "You count one bias per layer; there is one for each output.":
                lambda size, latent: 2 * 256 * (size // 4) ** 2 * latent + 2,
            "You give fc2 a bias for each map; it has one for each output, and a map has many.":
                lambda size, latent: 2 * 256 * (size // 4) ** 2 * latent + latent + 256,
            "You count for pictures of 32 x 32; use size.": lambda size, k: _two_layers(32, k),
            "You count 256 latent numbers; use latent_dim.": lambda size, k: _two_layers(size, 256),
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
    "03.inside_loss": _WithHints(
        inputs=lambda: [_photographs(), tuple(array[1:] for array in _photographs())],
        hints={
            "broadcast":
                "An array (N, H, W) does not multiply one (N, H, W, 3): write inside[..., None], "
                "or let it choose pixels: prediction[inside].",
        },
        reference=lambda prediction, target, inside:
            np.mean((prediction[inside] - target[inside]) ** 2),
        drawn_as="pictures",
        caption="White where inside is True.",
        misconceptions={
            "You count the corners too: take only the pixels where inside is True.":
                lambda p, t, inside: np.mean((p - t) ** 2),
            "You measure the corners alone: inside is True in the photograph.":
                lambda p, t, inside: np.mean((p[~inside] - t[~inside]) ** 2),
            "The corners add no error but still count: divide by the pixels inside, not by all.":
                lambda p, t, inside: np.mean(((p - t) * inside[..., None]) ** 2),
            "You take black pixels for corners; a photograph has black pixels too: use inside.":
                lambda p, t, inside: np.mean((p - t)[t.any(axis=-1)] ** 2),
            "You forget the square: errors of either sign cancel.":
                lambda p, t, inside: np.mean(p[inside] - t[inside]),
            "You take the absolute value in place of the square.":
                lambda p, t, inside: np.mean(np.abs(p[inside] - t[inside])),
            "You take a root at the end; the mean squared error has none.":
                lambda p, t, inside: np.sqrt(np.mean((p[inside] - t[inside]) ** 2)),
            "You divide by the number of pixels, but each pixel has three channels.":
                lambda p, t, inside: 3 * np.mean((p[inside] - t[inside]) ** 2),
            "You return the sum; divide by how many numbers it has.":
                lambda p, t, inside: np.sum((p[inside] - t[inside]) ** 2),
            "You divide by the pixels inside, but the errors of the corners are in the sum.":
                lambda p, t, inside: np.mean((p - t) ** 2) / np.mean(inside),
            "You average first and square then, and errors of either sign cancel: square first.":
                lambda p, t, inside: np.mean(p[inside] - t[inside]) ** 2,
            "You return the squared errors themselves; return one number, their mean.":
                lambda p, t, inside: (p[inside] - t[inside]) ** 2,
            "Return one number: the mean over channels too.":
                lambda p, t, inside: np.mean((p[inside] - t[inside]) ** 2, axis=0),
            "You average image by image first, so pixels of images with large corners count more.":
                lambda *arrays: np.mean(
                    [np.mean((p[i] - t[i]) ** 2) for p, t, i in zip(*arrays, strict=True)]),
        },
    ),
    "03.descend": _WithHints(
        inputs=lambda: [(np.array([0.5, -1.0, 2.0]), random_array(8, 3), 3 * random_array(8), 0.1,
                         num_steps) for num_steps in (1, 4)]
        + [(random_array(2), random_array(5, 2), random_array(5), 0.25, 3)],
        reference=_right_descent,
        panel=lambda output, weight, x, y, learning_rate, num_steps: {
            "learning_rate": learning_rate, "num_steps": num_steps, "weight": weight,
            "returns": output.round(3)},
        hints={
            "zero_":
                "Before the first backward there is no gradient: put zero_() behind the step, "
                "or write weight.grad = None at the start.",
        },
        misconceptions={
            "Gradients add up from step to step, because you never clear them.":
                _descent(lambda gradient, total, n: total),
            "You climb: a step goes against the gradient, so subtract.":
                _descent(lambda gradient, total, n: -gradient),
            "Your loss is a sum, so your steps grow with the number of samples: take the mean.":
                _descent(lambda gradient, total, n: n * gradient),
            "The derivative of a square has a factor 2; it is missing in yours.":
                _descent(lambda gradient, total, n: gradient / 2),
            "Two factors are missing, the 2 of the square and the 1 / N of the mean.":
                _descent(lambda gradient, total, n: n * gradient / 2),
            "You divide by all numbers of x; the mean is over its N rows.":
                _descent(lambda gradient, total, n: gradient / len(gradient)),
            "You leave learning_rate out.":
                lambda w, x, y, rate, steps: _right_descent(w, x, y, 1, steps),
            "You find the gradient once; each step needs its own, where it begins.":
                lambda w, x, y, rate, steps: _right_descent(w, x, y, steps * rate, 1),
            "You take one step too many.":
                lambda *arguments: _right_descent(*arguments[:4], arguments[4] + 1),
            "You take one step too few.":
                lambda *arguments: _right_descent(*arguments[:4], arguments[4] - 1),
            "You return the weight that you began with; change it, and return what it became.":
                lambda weight, *arguments: weight,
            "You return the best weight there is; asked is where num_steps steps end.":
                lambda w, x, y, rate, steps: np.linalg.lstsq(x, y, rcond=None)[0],
            "You take one step only; repeat it num_steps times.":
                lambda *arguments: _right_descent(*arguments[:4], 1),
        },
    ),
    "03.design": _DesignCheck(
        inputs=lambda: [(1_330_307,), tuple(random_whole(600_000, 800_000, 1))],
        reference=_design,
        measure=_design_problem,
        panel=lambda output, budget: {
            "budget": budget, "use at least": round(0.8 * budget),
            "one right design has": num_parameters(*output)},
        misconceptions={
            _PROBLEMS[1]: lambda budget: (64, 0, 8, 256),
            _PROBLEMS[2]: lambda budget: (64, 128, 36, 80),
            _PROBLEMS[3]: lambda budget: (8, 8, 4, 1024),
            _PROBLEMS[4]: lambda budget: (1, 1, 1, budget // 129 - 200),
        },
    ),
}
# fmt: on
