"""One checkpoint for both frameworks: read back bit for bit, or refused in a sentence."""

import hashlib
import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.files import CourseError
from course_lib.models_keras import build_three_layer_autoencoder, keras
from course_lib.models_torch import ConvLatentAutoencoder
from course_lib.training import acceleration, checkpoint, keras_loop, torch_loop
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.record import Record
from tiny_training import IMAGES, adam, train_keras, train_torch

FRAMEWORKS = ["torch", "keras"]


def fit_torch(*arguments, **more):
    model, record = train_torch(*arguments, **more)
    return [p.detach().numpy().copy() for p in model.parameters()], record


def fit_keras(*arguments, **more):
    model, record = train_keras(*arguments, **more)
    return model.get_weights(), record


def fit(framework, *arguments, **more):
    return (fit_torch if framework == "torch" else fit_keras)(*arguments, **more)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Framework -> a folder with the checkpoints of one epoch."""
    folders = {name: tmp_path_factory.mktemp(name) for name in FRAMEWORKS}
    for name, folder in folders.items():
        fit(name, 1, folder)
    return folders


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_best_checkpoint_is_the_epoch_of_the_lowest_validation_loss(framework, tmp_path):
    _, record = fit(framework, 3, tmp_path)
    best = checkpoint.read(tmp_path, "best")
    losses = record.losses()
    assert len(best.record.history) == best.record.num_epochs == 1 + losses.index(min(losses))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_damaged_checkpoint_says_what_to_do(framework, tmp_path):
    fit(framework, 1, tmp_path)
    last = tmp_path / "last.checkpoint"
    last.write_bytes(last.read_bytes()[:500])
    with pytest.raises(CourseError, match="move it away"):
        fit(framework, 2, tmp_path)


def small(weights=None, optimizer=None):
    record = Record(
        history=[{"epoch": 1, "train_loss": 0.1 + 0.2, "validation_loss": 1 / 3}],
        events=[{"epoch": 1, "what": "learning rate 0.01 -> 0.001"}],
        predictions=[IMAGES[:16]],
        schedule={"best": math.inf, "num_bad_epochs": 0},
        seconds=1e-9,
    )
    weights = {"layer.weight": np.arange(6.0).reshape(2, 3)} if weights is None else weights
    settings = {"kind": "Adam over 1 parameters", "lr": 0.1 + 0.2}
    return Checkpoint(record, weights, optimizer or {}, settings)


def same_bits(array, other):
    return (array.dtype, array.shape, array.tobytes()) == (
        other.dtype,
        other.shape,
        other.tobytes(),
    )


NAMES = st.text("abc_./09", min_size=1, max_size=8)
ARRAYS = hnp.arrays(
    st.sampled_from(["float32", "float64", "float16", "int64", "uint8", "bool"]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, ARRAYS), st.dictionaries(NAMES, ARRAYS))
def test_every_array_comes_back_bit_for_bit(tmp_path_factory, weights, optimizer):
    folder = tmp_path_factory.mktemp("any")
    checkpoint.save(folder, small(weights, optimizer))
    back = checkpoint.read(folder, "last")
    for found, wanted in ((back.weights, weights), (back.optimizer, optimizer)):
        assert set(found) == set(wanted)
        assert all(same_bits(found[name], wanted[name]) for name in wanted)
    assert back.settings == small().settings
    best = checkpoint.read(folder, "best")
    assert set(best.weights) == set(weights) and best.optimizer == {}


def test_an_array_comes_back_whatever_its_layout_in_memory(tmp_path):
    images = np.random.default_rng(0).random((2, 5, 4, 3))
    layouts = {"channels last": images.transpose(0, 3, 1, 2), "every other": images[:, ::2]}
    checkpoint.save(tmp_path, small(layouts))
    for name, array in checkpoint.read(tmp_path, "last").weights.items():
        np.testing.assert_array_equal(array, layouts[name])


def test_the_record_comes_back_as_it_was(tmp_path):
    checkpoint.save(tmp_path, small())
    back, wanted = checkpoint.read(tmp_path, "last").record, small().record
    assert back.to_json() == wanted.to_json()
    np.testing.assert_array_equal(back.predictions, wanted.predictions)


def test_a_folder_without_a_last_checkpoint_begins_anew(tmp_path):
    assert checkpoint.resume(None) is None and checkpoint.resume(tmp_path / "none") is None
    checkpoint.save(tmp_path, small())
    (tmp_path / "last.checkpoint").unlink()
    assert checkpoint.resume(tmp_path) is None


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_both_frameworks_write_the_same_two_files(framework, kept):
    folder = kept[framework]
    assert sorted(p.name for p in folder.iterdir()) == ["best.checkpoint", "last.checkpoint"]
    last, best = checkpoint.read(folder, "last"), checkpoint.read(folder, "best")
    assert last.settings["kind"].startswith("Adam ") and last.optimizer and not best.optimizer
    assert best.record.to_json() == last.record.to_json()
    assert all(same_bits(best.weights[name], last.weights[name]) for name in last.weights)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_flipped_byte_is_found(framework, kept, tmp_path):
    content = (kept[framework] / "last.checkpoint").read_bytes()
    rng = np.random.default_rng(0)
    places = [*range(0, 300, 7), *rng.integers(0, len(content), 150), len(content) - 1]
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "last.checkpoint").write_bytes(flipped)
        with pytest.raises(CourseError, match=r"last\.checkpoint is damaged.*move it away"):
            checkpoint.read(tmp_path, "last")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_truncated_or_longer_file_is_damaged(framework, kept, tmp_path):
    content = (kept[framework] / "last.checkpoint").read_bytes()
    cuts = [content[:n] for n in (0, 1, 31, 32, 33, 500, len(content) // 2, len(content) - 1)]
    for changed in [*cuts, content + b"\0"]:
        (tmp_path / "last.checkpoint").write_bytes(changed)
        with pytest.raises(CourseError, match="is damaged"):
            fit(framework, 2, tmp_path)


def test_what_is_missing_is_named_and_moving_its_folder_mends_it(tmp_path):
    folder = tmp_path / "run"
    fit_torch(1, folder)
    (folder / "best.checkpoint").unlink()
    with pytest.raises(CourseError, match=r"run/best\.checkpoint is missing.*its folder.*away"):
        checkpoint.read(folder, "best")
    folder.rename(tmp_path / "away")
    fit_torch(1, folder)
    assert checkpoint.read(folder, "best").record.num_epochs == 1


def test_a_file_that_cannot_be_read_now_is_not_called_damaged(kept, monkeypatch):
    def fail(path):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(CourseError, match="cannot be read .Too many open files.") as caught:
        checkpoint.read(kept["torch"], "last")
    assert "damaged" not in str(caught.value)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"PK, but no archive",
        npz(weights=np.zeros(3)),
        npz(plain=np.array("[]"), predictions=np.zeros(3)),
        npz(plain=np.array([print], dtype=object)),  # a pickle, which is not read
    ],
)
def test_a_whole_file_of_something_else_is_one_sentence(payload, tmp_path):
    content = hashlib.sha256(payload).digest() + payload
    (tmp_path / "last.checkpoint").write_bytes(content)
    with pytest.raises(CourseError, match="of another version of the course") as caught:
        checkpoint.resume(tmp_path)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_another_model_or_optimizer_is_refused_in_a_sentence_of_its_own(framework, kept):
    folder = kept[framework]
    before = (folder / "last.checkpoint").read_bytes()
    other = {"torch": "keras", "keras": "torch"}[framework]
    sgd = {
        "torch": {"make": lambda parameters: torch.optim.SGD(parameters, lr=1e-2)},
        "keras": {"optimizer": keras.optimizers.SGD(1e-2)},
    }
    attempts = [
        (framework, {"channels": (2, 3, 5)}, "another model: its weight .* has shape .*, yours"),
        (other, {}, "another model: its weight .* has shape"),
        (framework, sgd[framework], "another optimizer: Adam .*, yours is SGD"),
    ]
    for tried, more, message in attempts:
        with pytest.raises(CourseError, match=message) as caught:
            fit(tried, 2, folder, **more)
        assert str(folder / "last.checkpoint") in str(caught.value)
        assert "damaged" not in str(caught.value)
    assert (folder / "last.checkpoint").read_bytes() == before


@pytest.mark.parametrize("number", [float, np.float64, np.float32])
def test_rates_that_are_numpys_numbers_are_stored_as_plain_ones(number, tmp_path):
    class Falling:
        num_calls = number(0)

        def __call__(self, validation_loss, learning_rate):
            self.num_calls = self.num_calls + 1
            return number(learning_rate) * number(0.7)

    def rate(parameters):
        return adam(parameters, number(0.013))

    whole, record = fit_torch(4, None, make=rate, schedule=Falling())
    for num_epochs in (1, 2, 4):
        resumed, again = fit_torch(num_epochs, tmp_path, make=rate, schedule=Falling())
    assert all(same_bits(a, b) for a, b in zip(whole, resumed, strict=True))
    assert again.losses("learning_rate") == record.losses("learning_rate")
    assert {type(rate) for rate in again.losses("learning_rate")} == {float}
    assert again.schedule == {"num_calls": 4}


OPTIMIZERS = {
    "fused Adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-2, fused=True),
    "AMSGrad": lambda parameters: torch.optim.Adam(parameters, lr=1e-2, amsgrad=True),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=1e-2),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=1e-2, momentum=0.9),
    "two groups": lambda parameters: torch.optim.AdamW(
        [{"params": [p], "lr": 1e-2 / (i + 1)} for i, p in enumerate(parameters)]
    ),
}


def keep_the_rate(validation_loss, learning_rate):
    return learning_rate


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_resumes_as_if_it_had_not_been_interrupted(name, tmp_path):
    make = OPTIMIZERS[name]
    whole, record = fit_torch(3, None, make=make, schedule=keep_the_rate)
    for num_epochs in (1, 3):
        resumed, again = fit_torch(num_epochs, tmp_path, make=make, schedule=keep_the_rate)
    assert all(same_bits(a, b) for a, b in zip(whole, resumed, strict=True))
    assert again.losses() == record.losses()


def test_the_state_of_an_optimizer_lies_in_memory_as_its_parameters_do(tmp_path):
    """Fused Adam reads both in the order of memory; a convolution's weights are channels last."""
    fit_torch(1, tmp_path)
    model = ConvLatentAutoencoder((2, 3, 4)).to(memory_format=torch.channels_last)
    optimizer = acceleration.adam(model, 1e-2)
    torch_loop._load_optimizer(optimizer, checkpoint.read(tmp_path, "last"))
    strides = [(p.stride(), optimizer.state[p]["exp_avg"].stride()) for p in model.parameters()]
    assert all(a == b for a, b in strides)
    assert any(p.ndim == 4 and not p.is_contiguous() for p in model.parameters())


def test_a_schedule_that_keeps_no_plain_values_is_one_sentence(tmp_path):
    class Hoarder:
        def __init__(self):
            self.images = IMAGES

        def __call__(self, validation_loss, learning_rate):
            return learning_rate

    with pytest.raises(CourseError, match="keep numbers and text only"):
        fit_torch(1, tmp_path, schedule=Hoarder())
    assert list(tmp_path.iterdir()) == []


def test_weights_are_given_to_a_fresh_model(kept):
    rgb = IMAGES[24:].astype(np.float32) / 255
    gray = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    models = {
        "torch": (torch_loop, ConvLatentAutoencoder((2, 3, 4))),
        "keras": (keras_loop, build_three_layer_autoencoder((2, 3, 4), latent_dim=5)),
    }
    for framework, (loop, model) in models.items():
        best = checkpoint.read(kept[framework], "best")
        loop.load_weights(model, best)
        mse = ((loop.predict(model, gray) - rgb) ** 2).mean()
        assert mse == pytest.approx(best.record.losses()[-1], rel=1e-5)
