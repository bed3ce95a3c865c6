"""Answers to lesson 03 as students write them: wrong ones with words of the sentence they meet,
and right ones written in unusual ways."""

import numpy as np

from course_lib import checks


def descend_in_torch(clear, sign=-1):
    import torch

    def descend(weight, x, y, learning_rate, num_steps):
        weight = torch.tensor(weight, requires_grad=True)
        for _ in range(num_steps):
            if clear:
                weight.grad = None
            torch.nn.functional.mse_loss(torch.tensor(x) @ weight, torch.tensor(y)).backward()
            with torch.no_grad():
                weight += sign * learning_rate * weight.grad
        return weight

    return descend


def in_place(weight, x, y, learning_rate, num_steps):
    for _ in range(num_steps):
        weight -= learning_rate * 2 * np.mean((x @ weight - y)[:, None] * x, axis=0)
    return weight


def by_sgd(weight, x, y, learning_rate, num_steps):
    import torch

    layer = torch.nn.Linear(len(weight), 1, bias=False).double()
    layer.weight.data = torch.tensor(weight)[None]
    optimizer = torch.optim.SGD(layer.parameters(), lr=learning_rate)
    for _ in range(num_steps):
        optimizer.zero_grad()
        torch.mean((layer(torch.tensor(x))[:, 0] - torch.tensor(y)) ** 2).backward()
        optimizer.step()
    return layer.weight[0]


def cleared_before_there_is_a_gradient(weight, x, y, learning_rate, num_steps):
    import torch

    weight = torch.tensor(weight, requires_grad=True)
    weight.grad.zero_()
    return weight


def broadcast_loss(weight, x, y, learning_rate, num_steps):
    for _ in range(num_steps):
        weight = weight - learning_rate * 2 * (x * (x @ weight - y)[:, None]).mean()
    return weight


def always_eight_samples(weight, x, y, learning_rate, num_steps):
    for _ in range(num_steps):
        weight = weight - learning_rate * 2 * x.T @ (x @ weight - y) / 8
    return weight


def known_loss(prediction):
    """What the expected output says, whatever comes in."""
    check = checks.of_lesson("03")["03.inside_loss"]
    return check.shown_cases()[0][1]


def one_gradient_for_all(weight, x, y, learning_rate, num_steps):
    gradient = 2 * x.T @ (x @ weight - y) / len(y)
    for _ in range(num_steps):
        weight = weight - learning_rate * gradient
    return weight


def without_both_factors(weight, x, y, learning_rate, num_steps):
    for _ in range(num_steps):
        weight = weight - learning_rate * x.T @ (x @ weight - y)
    return weight


def by_pixels(prediction, target, inside):
    squares = [
        (prediction[place][channel] - target[place][channel]) ** 2
        for place in np.ndindex(inside.shape)
        if inside[place]
        for channel in range(3)
    ]
    return sum(squares) / len(squares)


def torch_loss(prediction, target, inside):
    import torch

    mask = torch.tensor(inside)
    chosen = (torch.tensor(array)[mask] for array in (prediction, target))
    return torch.nn.functional.mse_loss(*chosen)


def two_torch_layers(size, latent_dim):
    import torch

    wide = 256 * (size // 4) ** 2
    with torch.device("meta"):
        layers = torch.nn.Linear(wide, latent_dim), torch.nn.Linear(latent_dim, wide)
    return sum(p.numel() for layer in layers for p in layer.parameters())


def wide_for_the_second(budget):
    return (32, 64, 36, 256) if budget > 10**6 else (32, 64, 60, 64)


WRONG = [
    ("03.fc_parameters", lambda size, k: 2 * 16 * size**2 * k + k + 256, "a map has many"),
    ("03.fc_parameters", lambda size, k: 2 * 64 * 256 * k + k + 64 * 256, "use size"),
    ("03.inside_loss", lambda p, t, i: ((p - t)[i] ** 2).sum(), "return the sum"),
    ("03.inside_loss", lambda p, t, i: ((p - t) ** 2).sum() / (3 * i.sum()), "are in the sum"),
    ("03.inside_loss", lambda p, t, i: ((p - t)[i] ** 2).mean(axis=0), "Return one number"),
    ("03.descend", one_gradient_for_all, "find the gradient once"),
    ("03.descend", without_both_factors, "Two factors are missing"),
    ("03.descend", lambda w, x, y, r, n: by_sgd(w, x, y, r, n + 1), "one step too many"),
    ("03.descend", lambda w, x, y, r, n: np.linalg.pinv(x) @ y, "best weight there is"),
    ("03.descend", lambda w, x, y, r, n: by_sgd(w, x, y, 1.0, n), "leave learning_rate out"),
    ("03.fc_parameters", lambda size, k: 256 * (size // 4) ** 2 * k * 2, "bias"),
    (
        "03.fc_parameters",
        lambda size, k: (256 * size**2 + 1) * k + (k + 1) * 256 * size**2,
        "full size",
    ),
    ("03.fc_parameters", lambda size, k: 2 * (16 * size**2 * k + k), "64 * 256"),
    ("03.fc_parameters", lambda size, k: 2 * 16 * size**2 * (k + 1), "for each input"),
    ("03.fc_parameters", lambda size, k: 2 * 16 * size**2 * k + k, "biases of fc2"),
    ("03.fc_parameters", lambda size, k: 2 * 16 * size**2 * k + 16 * size**2, "biases of fc1"),
    ("03.fc_parameters", lambda size, k: 256 * (size / 4) ** 2 * (k + 1), "should be 33808"),
    ("03.fc_parameters", lambda size, k: 8_405_248, "size = 8, latent_dim = 16"),
    (
        "03.inside_loss",
        lambda p, t, i: np.mean((p * i[..., None] - t * i[..., None]) ** 2),
        "divide by the pixels inside",
    ),
    ("03.inside_loss", lambda p, t, i: ((p - t)[i] ** 2).sum() / i.sum(), "three channels"),
    ("03.inside_loss", lambda p, t, i: (p[i] - t[i]) ** 2, "the squared errors themselves"),
    ("03.inside_loss", lambda p, t, i: np.sqrt(np.mean((p[i] - t[i]) ** 2)), "root"),
    ("03.inside_loss", lambda p, t, i: np.abs(p - t)[i].mean(), "absolute value"),
    ("03.inside_loss", lambda p, t, i: (p - t)[i].mean(), "forget the square"),
    ("03.inside_loss", lambda p, t, i: np.mean((p - t)[(t > 0).all(axis=3)] ** 2), "black"),
    ("03.inside_loss", lambda p, t, i: np.mean((p - t) ** 2 * i), "inside[..., None]"),
    ("03.descend", descend_in_torch(clear=False), "add up"),
    ("03.descend", descend_in_torch(clear=True, sign=1), "climb"),
    ("03.descend", cleared_before_there_is_a_gradient, "there is no gradient"),
    ("03.descend", in_place, "work on a copy"),
    ("03.descend", broadcast_loss, "at index"),
    ("03.descend", lambda w, x, y, r, n: None, "return statement"),
    ("03.descend", lambda w, x, y, r, n: by_sgd(w, x, y, 0.1, n), "should be"),
    ("03.descend", always_eight_samples, "should be"),
    ("03.inside_loss", lambda p, t, i: known_loss(p), "should be"),
    ("03.design", lambda budget: (32, 64, 64, 128), "fewer than 256"),
    ("03.design", lambda budget: (64, 64, 64, 10), "fewer than 256"),
    (
        "03.design",
        lambda budget: (64, 128, 40, 256),
        "your model has 1555883 parameters, and that is over it",
    ),
    ("03.design", lambda budget: (32, 64, 12.5, 256), "whole numbers"),
    ("03.design", lambda budget: (32, 64, 36.0, 256), "whole numbers"),
    ("03.design", lambda budget: (1, 1, 1, 10311), "stay below 1024"),
    ("03.design", lambda budget: (32, 64, 36, 256), "parameters, and that is over it"),
    ("03.design", lambda budget: (16, 32, 18, 256), "and 1064246 is the least"),
    ("03.design", lambda budget: (32, 64, 20, 256), "and 1064246 is the least"),
    ("03.design", lambda budget: (8, 8, 4, 1024), "as many numbers as the picture"),
    ("03.design", wide_for_the_second, "Your latent has fewer than 256"),
    ("03.design", lambda budget: (32, 64, 32), "Return four numbers"),
    ("03.design", lambda budget: ((32, 64, 36), 256), "side by side"),
    ("03.design", lambda budget: ([32, 64, 36, 256],), "side by side"),
]


RIGHT = [
    ("03.inside_loss", by_pixels),
    ("03.inside_loss", torch_loss),
    ("03.descend", lambda *given: list(by_sgd(*given))),
    ("03.fc_parameters", two_torch_layers),
    ("03.fc_parameters", lambda size, k: sum([32 * size**2 * k, k, 16 * size**2])),
    ("03.fc_parameters", lambda size, k: float(2 * 16 * size * size * k + k + 16 * size**2)),
    ("03.inside_loss", lambda p, t, i: np.average((p - t) ** 2, weights=i[..., None] + 0 * p)),
    (
        "03.inside_loss",
        lambda p, t, i: sum(((p - t) ** 2)[..., c][i].sum() for c in range(3)) / (3 * i.sum()),
    ),
    ("03.descend", by_sgd),
    ("03.descend", descend_in_torch(clear=True)),
    ("03.design", lambda budget: [8, 8, budget // 138_000, 1000]),
    ("03.design", lambda budget: np.array([96, 96, 16 if budget > 10**6 else 7, 512])),
    ("03.design", lambda budget: (64, 64, round(budget / 40_000), 256)),
]
