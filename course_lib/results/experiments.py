"""The recipes, as data. Nothing here runs anything.

`EXPERIMENTS["three_layer_plateau"]` is the paper's run A1 under our protocol (5,000 training images
held out for validation, the test set used once). The same name with `_paper` is under the
paper's own: the test set drives the schedule and chooses the checkpoint.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from course_lib import grayscale
from course_lib.files import CourseError


@dataclass(frozen=True)
class Experiment:
    """One recipe.

    Attributes:
        name: what `course train` and `published.load` call it.
        letter: what the paper calls its model: A1, A2, B or C.
        title: a few words for tables and pictures.
        framework: "keras" or "torch".
        model: name of the class or function in models_keras or models_torch.
        learning_rate: of Adam, in the first epoch.
        batch_size: images in a step.
        num_epochs: passes over the training images at full length.
        schedule: arguments of ReduceLROnPlateau; None keeps the rate constant.
        rotation: training images are rotated by up to this many degrees either way.
        flip: each training image is mirrored, left to right, with an even chance.
        gray_weights: name of the constant in `grayscale` that makes the input; None: the input is
            the RGB image itself, which separates "the bottleneck blurs" from "colour is ambiguous".
        protocol: "held_out" or "paper", see `data.split`.
        num_train: how many training images are used; None for all. The first ones of the split.
    """

    name: str
    letter: str
    title: str
    framework: str
    model: str
    learning_rate: float
    batch_size: int
    num_epochs: int
    schedule: dict[str, Any] | None = None
    rotation: float = 0.0
    flip: bool = False
    gray_weights: str | None = "BT601"
    protocol: str = "held_out"
    num_train: int | None = None
    model_arguments: dict[str, Any] = field(default_factory=dict)


A2 = Experiment(
    name="three_layer_constant",
    letter="A2",
    title="three-layer model, constant rate",
    framework="keras",
    model="build_three_layer_autoencoder",
    learning_rate=1e-3,
    batch_size=32,
    num_epochs=30,
)
A1 = replace(
    A2,
    name="three_layer_plateau",
    letter="A1",
    title="three-layer model, plateau schedule",
    schedule={
        "factor": math.sqrt(0.1),
        "patience": 5,
        "cooldown": 0,
        "min_lr": 0.5e-6,
        "min_delta": 1e-4,
    },
)
B = Experiment(
    name="fc_latent",
    letter="B",
    title="fully connected latent",
    framework="torch",
    model="FCLatentAutoencoder",
    learning_rate=1e-4,
    batch_size=100,
    num_epochs=20,
    rotation=15.0,
    gray_weights="TORCHVISION",
)
C = replace(
    B,
    name="conv_latent",
    letter="C",
    title="convolutional latent",
    model="ConvLatentAutoencoder",
)

PAPER = (A1, A2, B, C)
RGB_TO_RGB = replace(
    A2,
    name="three_layer_rgb",
    letter="A2 from RGB",
    title="three-layer model, RGB to RGB",
    gray_weights=None,
    model_arguments={"num_input_channels": 3},
)
EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        *PAPER,
        # The paper's own protocol: the test set is the validation set. Only to reproduce, and to
        # show the leak.
        *(replace(e, name=f"{e.name}_paper", protocol="paper") for e in PAPER),
        # The learning-rate ablation at a size that two CPU cores can train.
        *(replace(e, name=f"{e.name}_5k", num_train=5_000) for e in (A1, A2)),
        RGB_TO_RGB,
    )
}


def model_input(experiment: Experiment, rgb: np.ndarray) -> np.ndarray:
    """What the experiment's model is given for images (N, H, W, 3) in [0, 1].

    Returns:
        float32 gray (N, H, W, 1) under the experiment's weights, or `rgb` itself.
    """
    if experiment.gray_weights is None:
        return rgb
    return grayscale.to_gray(rgb, getattr(grayscale, experiment.gray_weights), keepdims=True)


def get(name: str) -> Experiment:
    """The experiment called `name`, or by the paper's letter. Raises CourseError if unknown."""
    by_letter = {experiment.letter: experiment for experiment in PAPER}
    experiment = EXPERIMENTS.get(name) or by_letter.get(name.upper())
    if experiment is None:
        known = ", ".join(EXPERIMENTS)
        raise CourseError(f"There is no experiment {name!r}; choose one of: {known}.")
    return experiment
