"""A short training of a narrow model in each framework, for tests of the loops and checkpoints."""

import numpy as np
import torch

from course_lib.models_keras import build_three_layer_autoencoder, keras
from course_lib.models_torch import ConvLatentAutoencoder
from course_lib.seeding import seed_everything
from course_lib.training import keras_loop, torch_loop
from course_lib.training.record import Options
from course_lib.training.schedules import ReduceOnPlateau

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)


def adam(parameters, learning_rate=1e-2):
    return torch.optim.Adam(parameters, lr=learning_rate)


def train_torch(
    num_epochs,
    folder=None,
    seed=0,
    step=torch_loop.training_step,
    channels=(2, 3, 4),
    make=adam,
    schedule=None,
    **options,
):
    """Without a schedule of its own the rate falls after every epoch but the first."""
    seed_everything(seed)
    model = ConvLatentAutoencoder(channels)
    record = torch_loop.fit(
        model,
        step,
        IMAGES[:24],
        IMAGES[24:],
        optimizer=make(model.parameters()),
        num_epochs=num_epochs,
        batch_size=10,
        rotation=15.0,
        schedule=schedule or ReduceOnPlateau(patience=1, min_delta=1.0),
        seed=seed,
        progress=False,
        options=Options(folder=folder, **options),
    )
    return model, record


def train_keras(
    num_epochs,
    folder=None,
    seed=0,
    min_delta=1.0,
    channels=(2, 3, 4),
    optimizer=None,
    **options,
):
    seed_everything(seed)
    model = build_three_layer_autoencoder(channels, latent_dim=5)
    model.compile(optimizer or keras.optimizers.Adam(1e-2), loss="mse")
    plateau = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_delta=min_delta)
    record = keras_loop.fit_keras(
        model,
        IMAGES[:24],
        IMAGES[24:],
        num_epochs=num_epochs,
        batch_size=10,
        callbacks=[plateau],
        seed=seed,
        progress=False,
        options=Options(folder=folder, **options),
    )
    return model, record
