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


def _two(features, latent):
    return sum(
        rows * columns + columns for rows, columns in ((features, latent), (latent, features))
    )


def two_torch_layers(size, latent_dim):
    import torch

    wide = 256 * (size // 4) ** 2
    with torch.device("meta"):
        layers = torch.nn.Linear(wide, latent_dim), torch.nn.Linear(latent_dim, wide)
    return sum(p.numel() for layer in layers for p in layer.parameters())


def wide_for_the_second(budget):
    return (32, 64, 36, 256) if budget > 10**6 else (32, 64, 60, 64)


def torch_optimizer(make):
    def descend(weight, x, y, learning_rate, num_steps):
        import torch

        weight = torch.tensor(weight, requires_grad=True)
        x, y, optimizer = (
            torch.tensor(x),
            torch.tensor(y),
            make(torch.optim, [weight], learning_rate),
        )
        for _ in range(num_steps):
            optimizer.zero_grad()
            torch.mean((x @ weight - y) ** 2).backward()
            optimizer.step()
        return weight

    return descend


def column_of_predictions(weight, x, y, learning_rate, num_steps):
    """Compares predictions (N, 1) with y (N,)."""
    import torch

    weight = torch.tensor(weight[:, None], requires_grad=True)
    x, y = torch.tensor(x), torch.tensor(y)
    for _ in range(num_steps):
        weight.grad = None
        ((x @ weight - y) ** 2).mean().backward()
        with torch.no_grad():
            weight -= learning_rate * weight.grad
    return weight[:, 0]


def at_least_one_step(weight, x, y, learning_rate, num_steps):
    while True:
        weight = weight - learning_rate * 2 * x.T @ (x @ weight - y) / len(y)
        num_steps -= 1
        if num_steps <= 0:
            return weight


def returns_in_the_loop(weight, x, y, learning_rate, num_steps):
    for _ in range(num_steps):
        weight = weight - learning_rate * 2 * x.T @ (x @ weight - y) / len(y)
        return weight


def stops_when_small(weight, x, y, learning_rate, num_steps):
    for _ in range(num_steps):
        step = learning_rate * 2 * x.T @ (x @ weight - y) / len(y)
        if np.abs(step).max() < 0.02:
            break
        weight = weight - step
    return weight


def new_tensor(weight, x, y, learning_rate, num_steps):
    import torch

    weight, x, y = torch.tensor(weight, requires_grad=True), torch.tensor(x), torch.tensor(y)
    for _ in range(num_steps):
        torch.mean((x @ weight - y) ** 2).backward()
        with torch.no_grad():
            weight = weight - learning_rate * weight.grad
    return weight


def with_decay(weight, x, y, learning_rate, num_steps):
    for step in range(num_steps):
        gradient = 2 * x.T @ (x @ weight - y) / len(y)
        weight = weight - learning_rate / (1 + step) * gradient
    return weight


def loss_of_hits(p, t, inside):
    """Drops what is predicted exactly."""
    squares = ((p - t) * inside[..., None]) ** 2
    return squares[squares != 0].mean()


def mean_of_means(p, t, inside):
    return np.mean([((a - b)[m] ** 2).mean() for a, b, m in zip(p, t, inside, strict=True)])


def mean_of_channels(p, t, inside):
    return ((p.mean(axis=-1) - t.mean(axis=-1))[inside] ** 2).mean()


def central_crop(p, t, inside):
    return np.mean((p[:, 1:-1, 1:-1] - t[:, 1:-1, 1:-1]) ** 2)


def scaled_design(budget):
    share = budget / 9_278_115
    return 64, 128, max(1, int(256 * share)), 256


def all_scaled(budget):
    share = (budget / 1_330_307) ** 0.5
    return tuple(max(1, int(share * width)) for width in (32, 64, 36)) + (256,)


def latent_that_fits(budget):
    return 64, 128, 36, (budget - 100_000) // 4700


def masked_mean(p, t, inside):
    mask = np.repeat(~inside[..., None], 3, axis=-1)
    return np.ma.array((p - t) ** 2, mask=mask).mean()


def nan_mean(p, t, inside):
    return np.nanmean(np.where(inside[..., None], (p - t) ** 2, np.nan))


def keras_loss(p, t, inside):
    import torch

    return torch.nn.functional.mse_loss(torch.tensor(p[inside]), torch.tensor(t[inside])).item()


def recursive_descent(weight, x, y, learning_rate, num_steps):
    if num_steps == 0:
        return weight
    weight = weight - learning_rate * 2 / len(y) * (x @ weight - y) @ x
    return recursive_descent(weight, x, y, learning_rate, num_steps - 1)


def by_eigenvectors(weight, x, y, learning_rate, num_steps):
    """In closed form: each direction shrinks by a power."""
    values, vectors = np.linalg.eigh(2 * x.T @ x / len(y))
    best = np.linalg.pinv(x) @ y
    shrunk = (1 - learning_rate * values) ** num_steps * (vectors.T @ (weight - best))
    return best + vectors @ shrunk


def sample_loops(weight, x, y, learning_rate, num_steps):
    weight = [float(w) for w in weight]
    for _ in range(num_steps):
        gradient = [0.0] * len(weight)
        for row, value in zip(x, y, strict=True):
            error = sum(a * b for a, b in zip(row, weight, strict=True)) - value
            gradient = [g + 2 * error * a / len(y) for g, a in zip(gradient, row, strict=True)]
        weight = [w - learning_rate * g for w, g in zip(weight, gradient, strict=True)]
    return weight


def autograd(weight, x, y, learning_rate, num_steps):
    import torch

    weight, x, y = torch.tensor(weight, requires_grad=True), torch.tensor(x), torch.tensor(y)
    for _ in range(num_steps):
        (gradient,) = torch.autograd.grad(((x @ weight - y) ** 2).mean(), weight)
        weight = (weight - learning_rate * gradient).detach().requires_grad_()
    return weight


def count(c1, c2, c3, latent):
    convolutions = 10 * c1 + (9 * c1 + 1) * c2 + (9 * c2 + 1) * c3
    back = (9 * c3 + 1) * c2 + (9 * c2 + 1) * c1 + (9 * c1 + 1) * 3
    return convolutions + back + (64 * c3 + 1) * latent + (latent + 1) * 64 * c3


def widest(budget):
    return max(
        ((32, 64, c3, 256) for c3 in range(1, 200) if count(32, 64, c3, 256) <= budget),
        key=lambda design: count(*design),
    )


def bisected(budget):
    low, high = 1, 500
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(16, 32, middle, 300) <= budget else (low, middle)
    return [16, 32, low, 300]


def first_that_fits(budget):
    import itertools

    for design in itertools.product((8, 16), (16, 32), range(4, 120, 2), (256, 320, 512)):
        if 0.8 * budget <= count(*design) <= budget:
            return np.array(design)


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
    ("03.fc_parameters", lambda size, k: 256 * (size / 4) ** 2 * (k + 1), "fc2 only"),
    ("03.fc_parameters", lambda size, k: 8_405_248, "use size and latent_dim"),
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
    ("03.descend", broadcast_loss, "average over the weights"),
    ("03.descend", lambda w, x, y, r, n: None, "return statement"),
    ("03.descend", lambda w, x, y, r, n: by_sgd(w, x, y, 0.1, n), "learning rate of your own"),
    ("03.descend", always_eight_samples, "divide by 8"),
    ("03.inside_loss", lambda p, t, i: known_loss(p), "same for every input"),
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
    ("03.design", lambda budget: (32, 64, 36, 256), "For another budget"),
    ("03.design", lambda budget: (16, 32, 18, 256), "and 1064246 is the least"),
    ("03.design", lambda budget: (32, 64, 20, 256), "and 1064246 is the least"),
    ("03.design", lambda budget: (8, 8, 4, 1024), "as many numbers as the picture"),
    ("03.design", wide_for_the_second, "Your latent has fewer than 256"),
    ("03.design", lambda budget: (32, 64, 32), "Return four numbers"),
    ("03.design", lambda budget: ((32, 64, 36), 256), "side by side"),
    ("03.design", lambda budget: ([32, 64, 36, 256],), "side by side"),
    (
        "03.fc_parameters",
        lambda size, k: 2 * 256 * (size // 2) ** 2 * k + k + 256 * (size // 2) ** 2,
        "half",
    ),
    (
        "03.fc_parameters",
        lambda size, k: 2 * (size // 4) ** 2 * k + k + (size // 4) ** 2,
        "one map",
    ),
    ("03.fc_parameters", lambda size, k: 2 * 64 * size * k + k + 64 * size, "square its size"),
    ("03.fc_parameters", lambda size, k: (16 * size**2 + 1) * k, "fc1 only"),
    ("03.fc_parameters", lambda size, k: 32 * size**2 * k + 2, "one bias per layer"),
    ("03.fc_parameters", lambda size, k: 32 * size**2 * 256 + 256 + 16 * size**2, "use latent_dim"),
    ("03.fc_parameters", lambda size, k: 16 * size**2 + k, "multiplied"),
    ("03.fc_parameters", lambda size, k: 8 * size**2 * (2 * k + 1) + k, "256 channels"),
    ("03.inside_loss", loss_of_hits, "predicted exactly"),
    ("03.inside_loss", mean_of_means, "image by image"),
    ("03.inside_loss", mean_of_channels, "average first"),
    ("03.inside_loss", central_crop, ""),
    ("03.inside_loss", lambda p, t, i: ((p - t)[~i] ** 2).mean(), "corners alone"),
    ("03.inside_loss", lambda p, t, i: ((p - t) ** 2).mean(), "count the corners too"),
    ("03.inside_loss", lambda p, t, i: ((p[i] - t[i]) ** 2).mean() / 2, "factor 1/2"),
    ("03.inside_loss", lambda p, t, i: np.median((p[i] - t[i]) ** 2), "median"),
    ("03.inside_loss", lambda p, t, i: ((p[i] - t[i])[:, 0] ** 2).mean(), "one channel"),
    ("03.descend", torch_optimizer(lambda o, w, rate: o.SGD(w, rate, momentum=0.9)), "momentum"),
    ("03.descend", torch_optimizer(lambda o, w, rate: o.Adam(w, rate)), "Adam"),
    ("03.descend", torch_optimizer(lambda o, w, rate: o.RMSprop(w, rate)), "RMSprop"),
    ("03.descend", torch_optimizer(lambda o, w, rate: o.Adagrad(w, rate)), "Adagrad"),
    ("03.descend", column_of_predictions, "(N, 1)"),
    ("03.descend", at_least_one_step, "num_steps = 0"),
    ("03.descend", returns_in_the_loop, ""),
    ("03.descend", stops_when_small, ""),
    ("03.descend", new_tensor, "the same tensor"),
    ("03.descend", with_decay, "smaller from step to step"),
    ("03.descend", lambda w, x, y, r, n: w - by_sgd(w, x, y, r, n).detach().numpy(), "step alone"),
    ("03.design", scaled_design, "that is over it"),
    ("03.design", all_scaled, "another budget"),
    ("03.design", latent_that_fits, "that is over it"),
    ("03.design", lambda budget: (96, 96, 16 if budget > 10**6 else 7, 512), "another budget"),
    ("03.design", lambda budget: (64, 64, 34, 256.0), "whole numbers"),
    ("03.design", lambda budget: (0, 64, 34, 256), "one channel at least"),
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
    ("03.design", lambda budget: (64, 64, round(budget / 40_000), 256)),
    ("03.fc_parameters", lambda size, k: 16 * size**2 * (2 * k + 1) + k),
    (
        "03.fc_parameters",
        lambda size, k: np.int64((256 * (size / 4) ** 2 + 1) * k + (k + 1) * 16 * size**2),
    ),
    ("03.fc_parameters", lambda size, k: np.array([_two(16 * size**2, k)])),
    ("03.inside_loss", masked_mean),
    ("03.inside_loss", nan_mean),
    ("03.inside_loss", keras_loss),
    ("03.descend", recursive_descent),
    ("03.descend", by_eigenvectors),
    ("03.descend", sample_loops),
    ("03.descend", autograd),
    ("03.design", widest),
    ("03.design", bisected),
    ("03.design", first_that_fits),
    ("03.design", lambda budget: (32, 64, (budget - 60_000) // 34_200, 256)),
]
