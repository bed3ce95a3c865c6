"""Training in Keras: the same promises as in PyTorch."""

import math
import time

import numpy as np
import pytest

from course_lib import grayscale
from course_lib.data import load_cifar10
from course_lib.models_keras import build_three_layer_autoencoder, keras
from course_lib.seeding import epoch_seed, seed_everything
from course_lib.training import keras_loop
from course_lib.training.schedules import ReduceOnPlateau, replay
from tiny_training import IMAGES
from tiny_training import train_keras as train

PHOTOS = load_cifar10("sample").x_train[:40]


def test_history_says_what_happened():
    model, record = train(4)
    assert [e["epoch"] for e in record.history] == [1, 2, 3, 4]
    assert record.losses("learning_rate") == pytest.approx([1e-2, 1e-2, 1e-2, 5e-3])
    assert [e["epoch"] for e in record.events] == [3]
    rgb = IMAGES[24:].astype(np.float32) / 255
    gray = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    prediction = keras_loop.predict(model, gray)
    expected = ((prediction - rgb) ** 2).mean()
    assert record.history[-1]["validation_loss"] == pytest.approx(expected, rel=1e-5)
    assert np.abs(record.predictions[-1] / 255 - prediction[:16]).max() <= 0.5 / 255 + 1e-6


@pytest.mark.slow
def test_resumed_run_equals_uninterrupted_run_bit_for_bit(tmp_path):
    whole, whole_record = train(5)
    # Cut off after epoch 2: the plateau has counted one bad epoch and not yet acted on it.
    train(2, tmp_path)
    resumed, record = train(5, tmp_path)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert record.losses("learning_rate") == whole_record.losses("learning_rate")
    assert record.losses() == whole_record.losses()
    assert record.events == whole_record.events
    np.testing.assert_array_equal(record.predictions, whole_record.predictions)
    other, _ = train(5, seed=1)
    assert not np.array_equal(whole.get_weights()[0], other.get_weights()[0])


def test_no_epoch_begins_that_would_not_end_in_time():
    now = time.monotonic()
    assert train(3, until=now - 1)[1].num_epochs == 0
    assert train(3, until=now + 1e9)[1].num_epochs == 3


def test_the_control_learns_from_colour():
    given, target = keras_loop.gray_and_rgb(IMAGES, weights=None)
    np.testing.assert_array_equal(given, target)
    model = build_three_layer_autoencoder((2, 3, 4), latent_dim=5, num_input_channels=3)
    assert keras_loop.predict(model, given[:2]).shape == (2, 32, 32, 3)


def plain_losses(model, num_epochs):
    """Training written down without thinking of speed: one batch after the other, by hand."""
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    losses = []
    for epoch in range(num_epochs):
        order = np.random.default_rng(epoch_seed(0, epoch)).permutation(24)
        total = 0.0
        for start in range(0, 24, 4):
            rgb = np.stack([PHOTOS[index] / 255 for index in order[start : start + 4]])
            gray = rgb @ np.array(grayscale.BT601)
            total += 4 * model.train_on_batch(gray[..., None], rgb)
            model.reset_metrics()
        rgb = PHOTOS[24:] / 255
        prediction = model.predict(rgb @ np.array(grayscale.BT601)[:, None], verbose=0)
        losses.append((total / 24, ((prediction - rgb) ** 2).mean()))
    return np.array(losses)


@pytest.mark.slow
def test_fast_and_plain_training_have_the_same_loss_curve():
    """With several steps in one call of TensorFlow; the other backends take them one by one."""
    seed_everything(0)
    models = [build_three_layer_autoencoder((8, 16, 32), latent_dim=8) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    at_once = keras_loop.steps_at_once(24, 4)
    assert at_once == (6 if keras.backend.backend() == "tensorflow" else 1)
    models[1].compile(keras.optimizers.Adam(1e-3), loss="mse", steps_per_execution=at_once)
    record = keras_loop.fit_keras(
        models[1], PHOTOS[:24], PHOTOS[24:], num_epochs=6, batch_size=4, progress=False
    )
    fast = np.array([record.losses("train_loss"), record.losses()]).T
    plain = plain_losses(models[0], 6)
    np.testing.assert_allclose(fast, plain, rtol=1e-4)
    assert plain[-1, 0] < plain[0, 0]  # there was something to learn


@pytest.mark.parametrize(("images", "batch"), [(45_000, 32), (50_000, 32), (5_000, 32), (1, 32)])
def test_steps_taken_at_once_divide_an_epoch(images, batch):
    steps = -(-images // batch)
    at_once = keras_loop.steps_at_once(images, batch)
    assert 1 <= at_once <= 64 and steps % at_once == 0


class Rate(keras.callbacks.Callback):
    """Feeds a recorded validation loss to the callbacks after it and notes the rate."""

    def __init__(self, losses):
        super().__init__()
        self.losses, self.rates = losses, []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_our_plateau_is_keras_plateau(seed):
    """The plain class and the callback see the same random curve and agree on every rate."""
    rng = np.random.default_rng(seed)
    losses = (0.01 + 0.002 * rng.random(40)).tolist()
    settings = {
        "factor": math.sqrt(0.1),
        "patience": int(rng.integers(1, 5)),
        "min_delta": float(rng.choice([0.0, 1e-4, 1e-3])),
        "cooldown": int(rng.integers(0, 4)),
        "min_lr": 1e-5,
    }
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mse")
    fed = Rate(losses)
    model.fit(
        np.zeros((1, 1)),
        np.zeros((1, 1)),
        epochs=len(losses),
        verbose=0,
        callbacks=[
            fed,
            keras.callbacks.ReduceLROnPlateau(monitor="val_loss", mode="min", **settings),
        ],
    )
    assert replay(ReduceOnPlateau(**settings), losses, 1e-3) == pytest.approx(fed.rates, rel=1e-5)
