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
    batch_size=10,
    train=IMAGES[:24],
    validation=IMAGES[24:],
    **options,
):
    """Without a schedule of its own the rate falls after every epoch but the first."""
    seed_everything(seed)
    model = ConvLatentAutoencoder(channels)
    record = torch_loop.fit(
        model,
        step,
        train,
        validation,
        optimizer=make(model.parameters()),
        num_epochs=num_epochs,
        batch_size=batch_size,
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
    patience=2,
    factor=0.5,
    channels=(2, 3, 4),
    optimizer=None,
    batch_size=10,
    train=IMAGES[:24],
    validation=IMAGES[24:],
    **options,
):
    seed_everything(seed)
    model = build_three_layer_autoencoder(channels, latent_dim=5)
    model.compile(optimizer or keras.optimizers.Adam(1e-2), loss="mse")
    plateau = keras.callbacks.ReduceLROnPlateau(
        factor=factor, patience=patience, min_delta=min_delta
    )
    record = keras_loop.fit_keras(
        model,
        train,
        validation,
        num_epochs=num_epochs,
        batch_size=batch_size,
        callbacks=[plateau],
        seed=seed,
        progress=False,
        options=Options(folder=folder, **options),
    )
    return model, record
