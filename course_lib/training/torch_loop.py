"""Train a PyTorch model with a step of your own, and lose nothing.

The step is the lesson. `fit` is what is around it: epochs, validation, the schedule, the record,
checkpoints. `train_epoch` takes the step on every batch.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from tqdm import tqdm

from course_lib.profiles import check_precision
from course_lib.seeding import epoch_seed
from course_lib.training import acceleration, checkpoint
from course_lib.training.augmentation import Augmentation, gray_and_rgb
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.record import (
    DEFAULTS,
    NUM_KEPT,
    GrayWeights,
    Options,
    Record,
    Schedule,
    Stopwatch,
    check_images,
    order_of_epoch,
    progress_bar,
)

# Settings of optimizers that say how a step is computed on a device, and not what.
HOW_NOT_WHAT = ("foreach", "fused", "capturable", "differentiable")

# step(model, optimizer, gray, rgb) -> the loss of the batch, a scalar tensor.
Step = Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor], Tensor]


def training_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, gray: Tensor, rgb: Tensor
) -> Tensor:
    """One step of gradient descent on the mean squared error; lessons 03 and 04 write it by hand.

    Args:
        gray: (N, 1, H, W) in [0, 1].
        rgb: (N, 3, H, W) in [0, 1].

    Returns:
        The loss before the step, a scalar.
    """
    loss = mse_loss(model(gray), rgb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def predict(model: nn.Module, gray: np.ndarray, batch_size: int = 250) -> np.ndarray:
    """What the model makes of gray images, without gradients; its mode is what it was before.

    Args:
        gray: float32 (N, H, W) or (N, H, W, 1) in [0, 1].

    Returns:
        float32 (N, H, W, 3), as the model gives it.
    """
    gray = gray if gray.ndim == 4 else gray[..., np.newaxis]
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    batches = []
    with torch.no_grad():
        for start in range(0, len(gray), batch_size):
            batch = torch.from_numpy(gray[start : start + batch_size])  # (N, H, W, 1)
            batches.append(model(batch.permute(0, 3, 1, 2).to(device)).permute(0, 2, 3, 1).cpu())
    model.train(was_training)
    return torch.cat(batches).numpy()


def fit(
    model: nn.Module,
    step: Step,
    train: np.ndarray,
    validation: np.ndarray,
    *,
    optimizer: torch.optim.Optimizer,
    num_epochs: int,
    batch_size: int,
    schedule: Schedule | None = None,
    rotation: float = 0.0,
    flip: bool = False,
    seed: int = 0,
    progress: bool = True,
    options: Options = DEFAULTS,
) -> Record:
    """Train `model` with your `step` and write down what happens.

    Every epoch starts from a random seed of its own, made of `seed` and its number. So the same
    seed gives the same run on one machine, and a run that was interrupted and called again with the
    same folder in `options` ends with the same bits as one that was not. (On a GPU the last bits
    may differ: it adds numbers up in no fixed order.)

    The images lie on the model's device from the beginning, as bytes, and a batch is chosen,
    augmented and made gray there. On a GPU an optimizer with `capturable=True`, such as
    `acceleration.adam` gives, lets the step run as a CUDA graph; it then must not ask the GPU for
    a number, as `loss.item()` does.

    Args:
        model: maps gray (N, 1, H, W) to rgb (N, 3, H, W); trained where its parameters are.
        step: see `training_step`.
        train, validation: uint8 RGB images (N, H, W, 3).
        optimizer: over the model's parameters; its learning rate is that of the first epoch.
        num_epochs: epochs in all, those of an earlier call included.
        batch_size: images in a step; the last step of an epoch may have fewer.
        schedule: see `schedules`; None keeps the learning rate.
        rotation, flip: see `gray_and_rgb`; validation images are left as they are.
        seed: of the order of the images and of what is drawn for them.
        progress: show a bar.
        options: what else a long run sets. In a precision other than "float32" validation is
            computed in "tf32".

    Raises:
        CourseError: no images; a loss that is not a number; a damaged checkpoint, or one of
            another model or made with other settings; an unknown precision.
    """
    check_precision(options.precision)
    check_images(train, validation)
    device = next(model.parameters()).device
    images, validation_images = _on(device, train), _on(device, validation)
    augmentation = Augmentation(rotation, flip, options.gray_weights)
    model.to(memory_format=torch.channels_last)
    trained = acceleration.InBfloat16(model) if options.precision == "bfloat16" else model
    _make_learning_rates_plain(optimizer)
    specification: dict[str, Any] = {}
    if options.folder is not None:
        more = {"rotation": rotation, "flip": flip, **_settings(optimizer, schedule)}
        specification = checkpoint.specify(train, validation, batch_size, seed, options, more)
    kept = checkpoint.resume(options.folder)
    if kept is not None:
        _resume(kept, specification, num_epochs, model, optimizer, schedule)
        specification = kept.specification
    record = Record() if kept is None else kept.record
    stopwatch = Stopwatch(record, options.until)

    while record.num_epochs < num_epochs and not stopwatch.is_up:
        epoch = record.num_epochs
        torch.manual_seed(epoch_seed(seed, epoch))
        order = order_of_epoch(len(train), epoch_seed(seed, epoch))  # (N,)
        learning_rate = optimizer.param_groups[0]["lr"]
        with (
            acceleration.products_in(options.precision),
            progress_bar(epoch, num_epochs, len(train), progress) as bar,
        ):
            start = time.perf_counter()
            train_loss = train_epoch(
                trained, step, optimizer, images, _on(device, order), augmentation, batch_size, bar
            )
            seconds = time.perf_counter() - start
            validation_loss, predictions = validate(model, validation_images, options.gray_weights)
            bar.set_postfix(train=f"{train_loss:.5f}", validation=f"{validation_loss:.5f}")

        if schedule is not None:
            _set_learning_rate(optimizer, schedule(validation_loss, learning_rate))
            record.schedule = dict(vars(schedule))
        record.add_epoch(
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=learning_rate,
            next_learning_rate=optimizer.param_groups[0]["lr"],
            seconds=seconds,
            num_images=len(train),
            kept_predictions=predictions,
            made_on=options.made_on,
        )
        stopwatch.lap()
        if options.folder is not None:
            current = _settings(optimizer, schedule)
            state = _checkpoint(model, optimizer, record)
            state = replace(state, specification=specification, current=current)
            checkpoint.save(options.folder, state)
    return record


def train_epoch(
    model: nn.Module,
    step: Step,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    order: Tensor,
    augmentation: Augmentation,
    batch_size: int,
    bar: "tqdm[Any]",
) -> float:
    """Take `step` once on every image, batch by batch; on a GPU, if it can be, as a CUDA graph.

    Args:
        images: uint8 (N, H, W, 3), on the model's device.
        order: in which images are seen, integers (N,), on that device too.
        bar: moved on after every batch.

    Returns:
        The mean of the loss over the images.
    """
    total_loss = torch.zeros((), device=images.device)  # the sum over the images

    def train_on(indices: Tensor, degrees: Tensor, flips: Tensor) -> None:  # (B,) each
        gray, rgb = augmentation(images[indices], degrees, flips)  # (B, 1, H, W), (B, 3, H, W)
        total_loss.add_(step(model, optimizer, gray, rgb).detach() * len(indices))

    run = acceleration.replayed(train_on) if acceleration.fits_a_graph(optimizer) else train_on
    per_image = (order, *augmentation.draw(len(order), order.device))  # (N,) each
    model.train()
    for batch in zip(*(part.split(batch_size) for part in per_image), strict=True):
        run(*batch)
        bar.update(len(batch[0]))
    return float(total_loss) / len(order)  # waits until the GPU is done


def validate(
    model: nn.Module, images: Tensor, gray_weights: GrayWeights | None, batch_size: int = 250
) -> tuple[float, np.ndarray]:
    """The mean squared error over images, and what the model makes of the first of them.

    Args:
        images: uint8 (N, H, W, 3), on the model's device.
        gray_weights: see `gray_and_rgb`.

    Returns:
        The error, and the predictions of the first NUM_KEPT images, float32 (16, H, W, 3).
    """
    model.eval()
    squares = torch.zeros((), dtype=torch.float64, device=images.device)
    first: list[Tensor] = []
    with torch.no_grad():
        for batch in images.split(batch_size):
            gray, rgb = gray_and_rgb(batch, gray_weights)
            prediction = model(gray)  # (B, 3, H, W)
            squares += (prediction - rgb).square().sum(dtype=torch.float64)
            first = first or [prediction[:NUM_KEPT]]
    model.train()
    mse = float(squares) / images.numel()
    return mse, first[0].permute(0, 2, 3, 1).cpu().numpy()


def load_weights(model: nn.Module, kept: Checkpoint) -> None:
    """Give `model` the weights of a checkpoint. Raises CourseError if it is of another model."""
    kept.check_fits(_arrays(model.state_dict()))
    model.load_state_dict({name: torch.tensor(array) for name, array in kept.weights.items()})


def _on(device: torch.device, array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = float(learning_rate)


def _make_learning_rates_plain(optimizer: torch.optim.Optimizer) -> None:
    """Python's numbers in place of NumPy's, so that a run computes the same after it is resumed."""
    for group in optimizer.param_groups:
        group["lr"] = float(group["lr"])


def _settings(optimizer: torch.optim.Optimizer, schedule: Schedule | None) -> dict[str, Any]:
    """What optimizer and schedule are set to, and what they remember as plain values."""
    found = {
        f"{name} of the optimizer" + (f", group {number}" if number > 1 else ""): value
        for number, group in enumerate(optimizer.param_groups, start=1)
        for name, value in group.items()
        if name != "params" and name not in HOW_NOT_WHAT
    }
    if schedule is None:
        return {**found, "schedule": "none"}
    found["schedule"] = getattr(schedule, "__qualname__", type(schedule).__qualname__)
    return {**found, **{f"{name} of the schedule": v for name, v in vars(schedule).items()}}


def _resume(
    kept: Checkpoint,
    specification: dict[str, Any],
    num_epochs: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule | None,
) -> None:
    """Give model, optimizer and schedule the state of the checkpoint, if it is of this run."""
    kept.check_fits(_arrays(model.state_dict()), _kind(optimizer))
    kept.check_resumes(specification, num_epochs)
    load_weights(model, kept)
    _load_optimizer(optimizer, kept)
    if schedule is not None:
        vars(schedule).update(kept.record.schedule)


def _checkpoint(model: nn.Module, optimizer: torch.optim.Optimizer, record: Record) -> Checkpoint:
    state = optimizer.state_dict()
    values = {
        f"{index}/{name}": value  # of the parameter with that index
        for index, of_parameter in state["state"].items()
        for name, value in of_parameter.items()
    }
    tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    plain = {name: value for name, value in values.items() if name not in tensors}
    settings = {"kind": _kind(optimizer), "param_groups": state["param_groups"], "state": plain}
    return Checkpoint(record, _arrays(model.state_dict()), _arrays(tensors), settings)


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _kind(optimizer: torch.optim.Optimizer) -> str:
    """Such as "Adam over 12 parameters"; a number for every group of them."""
    sizes = " and ".join(str(len(group["params"])) for group in optimizer.param_groups)
    return f"{type(optimizer).__name__} over {sizes} parameters"


def _load_optimizer(optimizer: torch.optim.Optimizer, kept: Checkpoint) -> None:
    """Give `optimizer` its state, in the memory format of its parameters: fused Adam needs it."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Any]] = defaultdict(dict)
    for key, value in {**kept.settings["state"], **kept.optimizer}.items():
        index, name = key.split("/", maxsplit=1)
        parameter = parameters[int(index)]
        if isinstance(value, np.ndarray):
            value = torch.tensor(value)
            if value.ndim > 0 and value.shape == parameter.shape:
                value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        state[int(index)][name] = value
    groups = [
        {**group, **{name: own[name] for name in HOW_NOT_WHAT if name in own}}
        for group, own in zip(kept.settings["param_groups"], optimizer.param_groups, strict=True)
    ]
    optimizer.load_state_dict({"state": dict(state), "param_groups": groups})
