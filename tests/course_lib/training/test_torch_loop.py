"""Training in PyTorch: what is written down, and that nothing is lost."""

import time

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import hflip as torchvision_hflip
from torchvision.transforms.functional import rotate as torchvision_rotate

from course_lib import grayscale
from course_lib.data import load_cifar10
from course_lib.files import CourseError
from course_lib.models_torch import ConvLatentAutoencoder, FCLatentAutoencoder
from course_lib.seeding import epoch_seed
from course_lib.training import acceleration, torch_loop
from course_lib.training.record import Options
from tiny_training import IMAGES
from tiny_training import train_torch as train

PHOTOS = load_cifar10("sample").x_train[:40]


def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_history_says_what_happened():
    model, record = train(3)
    assert [e["epoch"] for e in record.history] == [1, 2, 3]
    assert record.losses("learning_rate") == pytest.approx([1e-2, 1e-2, 1e-2 * 0.1**0.5])
    assert [e["epoch"] for e in record.events] == [2, 3]
    assert all(e["images_per_second"] == pytest.approx(24 / e["seconds"]) for e in record.history)
    # The last validation loss is that of the model as it stands, and so are the kept images.
    rgb = IMAGES[24:].astype(np.float32) / 255
    prediction = torch_loop.predict(model, rgb @ np.array([0.299, 0.587, 0.114], np.float32))
    assert record.history[-1]["validation_loss"] == pytest.approx(((prediction - rgb) ** 2).mean())
    assert record.predictions[-1].shape == (16, 32, 32, 3)
    assert np.abs(record.predictions[-1] / 255 - prediction[:16]).max() <= 0.5 / 255 + 1e-6


def test_same_seed_same_run_and_another_seed_another():
    first, again, other = train(2)[0], train(2)[0], train(2, seed=1)[0]
    assert torch.equal(weights_of(first), weights_of(again))
    assert not torch.equal(weights_of(first), weights_of(other))


def test_resumed_run_equals_uninterrupted_run_bit_for_bit(tmp_path):
    whole, whole_record = train(5)
    train(2, tmp_path)
    resumed, record = train(5, tmp_path)
    assert torch.equal(weights_of(whole), weights_of(resumed))
    assert record.losses("learning_rate") == whole_record.losses("learning_rate")
    assert record.losses() == whole_record.losses()
    assert record.events == whole_record.events
    np.testing.assert_array_equal(record.predictions, whole_record.predictions)


def test_run_killed_inside_an_epoch_loses_that_epoch_only(tmp_path):
    calls = 0

    def step(*arguments):
        nonlocal calls
        calls += 1
        if calls == 8:  # three steps an epoch: the second of the third epoch
            raise KeyboardInterrupt
        return torch_loop.training_step(*arguments)

    with pytest.raises(KeyboardInterrupt):
        train(4, tmp_path, step=step)
    resumed, record = train(4, tmp_path)
    assert torch.equal(weights_of(train(4)[0]), weights_of(resumed))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best.checkpoint", "last.checkpoint"]


def plain_losses(model, num_epochs, flip=False, batch_size=10, seed=0):
    """Training written down as one would without thinking of speed, one image at a time."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=False)
    weights = torch.tensor(grayscale.BT601).view(3, 1, 1)
    losses = []
    for epoch in range(num_epochs):
        torch.manual_seed(epoch_seed(seed, epoch))
        order = np.random.default_rng(epoch_seed(seed, epoch)).permutation(24)
        angles = torch.empty(24).uniform_(-15, 15)
        flips = torch.rand(24) < 0.5
        total = 0.0
        for start in range(0, 24, batch_size):
            batch = []
            for place in range(start, min(start + batch_size, 24)):
                image = torch.from_numpy(PHOTOS[order[place]]).permute(2, 0, 1) / 255
                image = torchvision_hflip(image) if flip and flips[place] else image
                angle = float(angles[place])
                batch += [torchvision_rotate(image, angle, InterpolationMode.NEAREST, fill=[0.0])]
            rgb = torch.stack(batch)
            gray = (weights * rgb).sum(dim=1, keepdim=True)
            loss = ((model(gray) - rgb) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        rgb = torch.from_numpy(PHOTOS[24:]).permute(0, 3, 1, 2) / 255
        with torch.no_grad():
            prediction = model((weights * rgb).sum(dim=1, keepdim=True))
        losses.append((total / 24, ((prediction - rgb) ** 2).mean().item()))
    return np.array(losses)


def fast_losses(model, num_epochs, **arguments):
    record = torch_loop.fit(
        model,
        torch_loop.training_step,
        PHOTOS[:24],
        PHOTOS[24:],
        optimizer=acceleration.adam(model, 1e-3),
        num_epochs=num_epochs,
        batch_size=10,
        rotation=15.0,
        progress=False,
        **arguments,
    )
    return np.array([record.losses("train_loss"), record.losses()]).T


def two_of(kind):
    torch.manual_seed(0)
    model, twin = kind((8, 16, 32)), kind((8, 16, 32))
    twin.load_state_dict(model.state_dict())
    return model, twin


@pytest.mark.parametrize("kind", [FCLatentAutoencoder, ConvLatentAutoencoder])
@pytest.mark.parametrize("flip", [False, True])
def test_fast_and_plain_training_have_the_same_loss_curve(kind, flip):
    model, twin = two_of(kind)
    plain, fast = plain_losses(model, 4, flip), fast_losses(twin, 4, flip=flip)
    np.testing.assert_allclose(fast, plain, rtol=1e-5)
    assert plain[-1, 1] < plain[0, 1]  # there was something to learn


@pytest.mark.parametrize("kind", [FCLatentAutoencoder, ConvLatentAutoencoder])
def test_bfloat16_keeps_the_loss_curve_in_a_band_of_one_percent(kind):
    model, twin = two_of(kind)
    plain, rounded = (
        plain_losses(model, 4),
        fast_losses(twin, 4, options=Options(precision="bfloat16")),
    )
    np.testing.assert_allclose(rounded, plain, rtol=0.01)
    assert (rounded != plain).all()  # it was rounded
    assert {p.dtype for p in twin.parameters()} == {torch.float32}


def test_an_unknown_precision_is_one_sentence():
    with pytest.raises(CourseError, match="choose one of: float32, tf32, bfloat16"):
        train(1, precision="float8")


def test_a_call_ends_by_the_time_it_is_given(tmp_path):
    train(1, tmp_path)
    _, record = train(50, tmp_path, until=time.monotonic())
    assert record.num_epochs == 1
    _, record = train(2, tmp_path, until=time.monotonic() + 1000)
    assert record.num_epochs == 2


def test_predict_uses_no_gradients_and_gives_the_mode_back():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 1), torch.nn.Dropout(0.5))
    seen = []
    model.register_forward_hook(lambda *_: seen.append((model.training, torch.is_grad_enabled())))
    gray = np.random.default_rng(0).random((3, 4, 4), dtype=np.float32)
    for mode in (True, False):
        model.train(mode)
        assert torch_loop.predict(model, gray, batch_size=2).shape == (3, 4, 4, 3)
        assert model.training is mode
    assert seen == [(False, False)] * 4


def test_no_epoch_begins_that_would_not_end_in_time():
    now = time.monotonic()
    assert train(3, until=now - 1)[1].num_epochs == 0
    assert train(3, until=now + 1e9)[1].num_epochs == 3


@pytest.mark.parametrize(
    ("images", "words"),
    [(IMAGES / 255, "uint8"), (IMAGES[:0], "at least one"), (IMAGES[0], "N, H, W, 3")],
)
def test_wrong_images_are_refused_in_a_sentence(images, words):
    with pytest.raises(CourseError, match=words):
        torch_loop.fit(
            torch.nn.Conv2d(1, 3, 1),
            torch_loop.training_step,
            images,
            IMAGES,
            optimizer=None,
            num_epochs=1,
            batch_size=4,
        )


def test_a_loss_that_is_not_a_number_stops_the_run():
    def step(*_):
        return torch.tensor(float("nan"))

    with pytest.raises(CourseError, match="lower learning rate"):
        train(2, step=step)
