"""Train a PyTorch model with a step of your own, and lose nothing.

The step is the lesson; `fit` is everything around it: order, augmentation, gray, history,
schedule, checkpoints, time.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, mse_loss

from course_lib import grayscale
from course_lib.files import CourseError, replacing
from course_lib.seeding import epoch_seed
from course_lib.training import acceleration
from course_lib.training.record import (
    NUM_KEPT,
    Record,
    Schedule,
    Stopwatch,
    check_images,
    order_of_epoch,
    progress_bar,
)

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


def gray_and_rgb(
    images: Tensor,
    weights: tuple[float, float, float] = grayscale.BT601,
    rotation: float | Tensor = 0.0,
    flip: bool | Tensor = False,
) -> tuple[Tensor, Tensor]:
    """Make model input and target from stored images, on the device they are on.

    What is done to an image is done before gray is taken, so input and target stay alike.

    Args:
        images: uint8 (N, H, W, 3).
        weights: of red, green and blue in the gray image.
        rotation: each image is turned by an angle drawn from [-rotation, rotation] degrees, with
            black corners; or the angles themselves, (N,).
        flip: whether each image has an even chance to be mirrored, left to right, before it is
            turned; or which ones are, bool (N,).

    Returns:
        gray (N, 1, H, W) and rgb (N, 3, H, W), float32 in [0, 1].
    """
    rgb = images.permute(0, 3, 1, 2).float() / 255  # (N, 3, H, W), channels last in memory
    if isinstance(rotation, int | float) and rotation:
        rotation = draw_angles(len(rgb), rotation, rgb.device)
    if flip is True:
        flip = draw_flips(len(rgb), rgb.device)
    if isinstance(flip, Tensor):
        rgb = torch.where(flip.view(-1, 1, 1, 1), rgb.flip(-1), rgb)
    if isinstance(rotation, Tensor):
        rgb = rotate(rgb, rotation)
    red, green, blue = weights
    gray = red * rgb[:, 0:1] + green * rgb[:, 1:2] + blue * rgb[:, 2:3]
    return gray, rgb


def draw_angles(num_images: int, rotation: float, device: torch.device) -> Tensor:
    """An angle in [-rotation, rotation] degrees per image, (N,); the CPU draws, for all devices."""
    return torch.empty(num_images).uniform_(-rotation, rotation).to(device)


def draw_flips(num_images: int, device: torch.device) -> Tensor:
    """For each image whether it is mirrored, bool (N,); the CPU draws, for all devices."""
    return (torch.rand(num_images) < 0.5).to(device)


def rotate(images: Tensor, degrees: Tensor) -> Tensor:
    """Turn each image counter-clockwise about its centre; nearest neighbour, black corners.

    What `torchvision.transforms.functional.rotate` does to one image, for a batch of angles.

    Args:
        images: float (N, C, H, W), square.
        degrees: (N,).
    """
    angle = torch.deg2rad(degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # Where in the input each output pixel comes from: the inverse rotation.
    matrix = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)  # (N, 2, 3)
    grid = affine_grid(matrix, list(images.shape), align_corners=False)  #            (N, H, W, 2)
    return grid_sample(images, grid, mode="nearest", align_corners=False)


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
    weights: tuple[float, float, float] = grayscale.BT601,
    rotation: float = 0.0,
    flip: bool = False,
    precision: str = "float32",
    seed: int = 0,
    folder: str | Path | None = None,
    until: float | None = None,
    progress: bool = True,
) -> Record:
    """Train `model` with your `step` and write down what happens.

    Every epoch starts from a random seed of its own, made of `seed` and its number. So the same
    seed gives the same run on one machine, and a run that was cut off and called again with the
    same `folder` ends with the same bits as one that was not. (On a GPU the last bits may differ:
    it adds numbers up in no fixed order.)

    The images lie on the model's device from the beginning, as bytes, and a batch is chosen,
    turned and made gray there. On a GPU an optimizer with `capturable=True`, such as
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
        weights, rotation, flip: see `gray_and_rgb`; validation images are left as they are.
        precision: of products in training, see `profiles.PRECISIONS`; validation is always
            computed as in "tf32" or "float32".
        folder: where last.pt and best.pt are kept; None keeps nothing.
        until: begin no epoch that would not end by this time, of `time.monotonic`, in this call.
        progress: show a bar.

    Raises:
        CourseError: no images; a loss that is not a number; a damaged checkpoint; an unknown
            precision.
    """
    check_images(train, validation)
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last)
    images, validation_images = (
        torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in (train, validation)
    )  # uint8 (N, H, W, 3)
    trained = acceleration.InBfloat16(model) if precision == "bfloat16" else model
    total_loss = torch.zeros((), device=device)  # of the epoch: the sum over its images
    record = _resume(folder, model, optimizer, schedule)
    watch = Stopwatch(record, until)

    def train_on(indices: Tensor, degrees: Tensor, flips: Tensor) -> None:
        gray, rgb = gray_and_rgb(
            images[indices], weights, degrees if rotation else 0.0, flips if flip else False
        )
        total_loss.add_(step(trained, optimizer, gray, rgb).detach() * len(indices))

    while record.num_epochs < num_epochs and not watch.is_up:
        epoch = record.num_epochs
        torch.manual_seed(epoch_seed(seed, epoch))
        order = order_of_epoch(len(train), epoch_seed(seed, epoch))
        learning_rate = optimizer.param_groups[0]["lr"]
        run = acceleration.replayed(train_on) if acceleration.fits_a_graph(optimizer) else train_on
        start = time.perf_counter()
        total_loss.zero_()
        per_image = (
            torch.from_numpy(order).to(device),
            draw_angles(len(order), rotation, device),
            draw_flips(len(order), device),
        )
        model.train()
        with (
            acceleration.products_in(precision),
            progress_bar(epoch, num_epochs, len(order), progress) as bar,
        ):
            for batch in zip(*(part.split(batch_size) for part in per_image), strict=True):
                run(*batch)
                bar.update(len(batch[0]))
            train_loss = float(total_loss) / len(order)  # waits until the GPU is done
            seconds = time.perf_counter() - start
            validation_loss, kept = _validate(model, validation_images, weights)
            bar.set_postfix(train=f"{train_loss:.5f}", validation=f"{validation_loss:.5f}")

        if schedule is not None:
            _set_learning_rate(optimizer, schedule(validation_loss, learning_rate))
            record.schedule = vars(schedule)
        record.add_epoch(
            train_loss=train_loss,
            validation_loss=validation_loss,
            learning_rate=learning_rate,
            next_learning_rate=optimizer.param_groups[0]["lr"],
            seconds=seconds,
            num_images=len(order),
            kept_predictions=kept,
        )
        watch.lap()
        if folder is not None:
            _save(Path(folder), model, optimizer, record)
    return record


def _validate(
    model: nn.Module, images: Tensor, weights: tuple[float, float, float], batch_size: int = 250
) -> tuple[float, np.ndarray]:
    """Mean squared error over images (N, H, W, 3), and the predictions of the first NUM_KEPT."""
    model.eval()
    squares = torch.zeros((), dtype=torch.float64, device=images.device)
    first: list[Tensor] = []
    with torch.no_grad():
        for batch in images.split(batch_size):
            gray, rgb = gray_and_rgb(batch, weights)
            prediction = model(gray)  # (N, 3, H, W)
            squares += (prediction - rgb).square().sum(dtype=torch.float64)
            first = first or [prediction[:NUM_KEPT]]
    model.train()
    mse = float(squares) / images.numel()
    return mse, first[0].permute(0, 2, 3, 1).cpu().numpy()


def _set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def _save(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, record: Record) -> None:
    checkpoint = {
        "model": model.state_dict(),
        "record": record.to_json(),
        "predictions": torch.from_numpy(np.stack(record.predictions)),
    }
    if record.last_is_best:
        with replacing(folder / "best.pt") as path:
            torch.save(checkpoint, path)
    with replacing(folder / "last.pt") as path:  # to go on from, so with twice as much besides
        torch.save({**checkpoint, "optimizer": optimizer.state_dict()}, path)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read best.pt or last.pt: model, record, predictions, and in last.pt the optimizer.

    Runs no code from the file. Numbers are read when they are used.

    Raises:
        CourseError: the file is missing or damaged.
    """
    try:
        return torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    except Exception as error:  # torch.load raises many kinds
        raise CourseError(
            f"The checkpoint {path} is missing or damaged; move it away to train from the start."
        ) from error


def _resume(
    folder: str | Path | None,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule | None,
) -> Record:
    if folder is None or not (Path(folder) / "last.pt").exists():
        return Record()
    checkpoint = load_checkpoint(Path(folder) / "last.pt")
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    record = Record(**checkpoint["record"])
    record.predictions = list(checkpoint["predictions"].numpy())
    if schedule is not None:
        vars(schedule).update(record.schedule)
    return record
