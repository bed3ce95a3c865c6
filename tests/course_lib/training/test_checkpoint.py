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

import damage
from course_lib.files import CourseError
from course_lib.models_keras import build_three_layer_autoencoder, keras
from course_lib.models_torch import ConvLatentAutoencoder
from course_lib.training import acceleration, checkpoint, keras_loop, torch_loop
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.record import Options, Record
from course_lib.training.schedules import ReduceOnPlateau
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


# What decides on a run, the word by which it is refused, and another value of it in each framework.
OTHER_SETTINGS = {
    "patience": (
        "patience of the schedule: ., and now it is 7",
        {"schedule": ReduceOnPlateau(patience=7, min_delta=1.0)},
        {"patience": 7},
    ),
    "factor": (
        "factor of the schedule: .*, and now it is 0.3",
        {"schedule": ReduceOnPlateau(patience=1, min_delta=1.0, factor=0.3)},
        {"factor": 0.3},
    ),
    "rate": (
        "(lr|learning_rate) of the optimizer: 0.0",
        {"make": lambda parameters: adam(parameters, 3e-2)},
        {"optimizer": lambda: keras.optimizers.Adam(3e-2)},
    ),
    "betas": (
        "beta.* of the optimizer",
        {"make": lambda parameters: torch.optim.Adam(parameters, lr=1e-2, betas=(0.5, 0.999))},
        {"optimizer": lambda: keras.optimizers.Adam(1e-2, beta_1=0.5)},
    ),
    "batch size": ("batch size: 10, and now it is 12", {"batch_size": 12}, {"batch_size": 12}),
    "seed": ("seed: 0, and now it is 1", {"seed": 1}, {"seed": 1}),
    "images": ("training images: 24 with", {"train": IMAGES[1:25]}, {"train": IMAGES[1:25]}),
    "validation": (
        "validation images: 16 with .* now it is 15",
        {"validation": IMAGES[25:]},
        {"validation": IMAGES[25:]},
    ),
    "gray": ("gray weights", {"gray_weights": (0.2, 0.5, 0.3)}, {"gray_weights": (0.2, 0.5, 0.3)}),
    "recipe": (
        "title in the recipe: None, and now it is new",
        {"recipe": {"title": "new"}},
        {"recipe": {"title": "new"}},
    ),
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_other_settings_are_refused_and_the_files_are_left_alone(framework, name, kept):
    message, of_torch, of_keras = OTHER_SETTINGS[name]
    more = dict({"torch": of_torch, "keras": of_keras}[framework])
    if "optimizer" in more:
        more["optimizer"] = more["optimizer"]()
    before = {path: path.read_bytes() for path in kept[framework].iterdir()}
    with pytest.raises(CourseError, match=f"was made with another {message}") as caught:
        fit(framework, 2, kept[framework], **more)
    assert "\n" not in str(caught.value) and "train in another folder" in str(caught.value)
    assert {path: path.read_bytes() for path in kept[framework].iterdir()} == before


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_fewer_epochs_than_there_are_is_a_sentence(framework, tmp_path):
    fit(framework, 2, tmp_path)
    with pytest.raises(CourseError, match="has 2 epochs, more than 1; change that back"):
        fit(framework, 1, tmp_path)
    assert fit(framework, 2, tmp_path)[1].num_epochs == 2


def test_objects_that_were_trained_with_resume_as_new_ones_do(tmp_path):
    """As in a notebook: the cell is run again, and optimizer and schedule are those from before."""
    whole, record = fit_torch(4)
    torch.manual_seed(0)
    model = ConvLatentAutoencoder((2, 3, 4))
    optimizer, schedule = adam(model.parameters()), ReduceOnPlateau(patience=1, min_delta=1.0)
    for num_epochs in (1, 3, 4):
        again = torch_loop.fit(
            model, torch_loop.training_step, IMAGES[:24], IMAGES[24:], optimizer=optimizer,
            num_epochs=num_epochs, batch_size=10, schedule=schedule, rotation=15.0,
            progress=False, options=Options(folder=tmp_path),
        )  # fmt: skip
    assert again.losses("learning_rate") == record.losses("learning_rate")
    assert len(set(record.losses("learning_rate"))) == 3


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_how_a_step_is_computed_may_change(framework, tmp_path):
    """A run that began with fused kernels resumes without, as on another machine."""
    fused = {"torch": {"make": OPTIMIZERS["fused Adam"]}, "keras": {}}[framework]
    fit(framework, 1, tmp_path, **fused)
    assert fit(framework, 2, tmp_path)[1].num_epochs == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_a_run_was_made_on_is_written_down_with_an_epoch(framework, tmp_path):
    for number, word in [(1, "cpu"), (1, "nothing is trained"), (2, "cpu"), (3, "gpu")]:
        _, record = fit(framework, number, tmp_path, made_on={"device": word})
    assert record.made_on == {"device": "cpu, then gpu"}
    assert checkpoint.read(tmp_path, "last").record.made_on == record.made_on


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_unknown_precision_is_refused_before_anything_is_written(framework, tmp_path):
    with pytest.raises(CourseError, match="choose one of: float32, tf32, bfloat16"):
        fit(framework, 2, tmp_path, precision="float8", until=0.0)
    assert damage.names_in(tmp_path) == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_best_checkpoint_that_was_not_yet_written_is_made_from_the_last(framework, tmp_path):
    fit(framework, 1, tmp_path)
    best = (tmp_path / "best.checkpoint").read_bytes()
    (tmp_path / "best.checkpoint").unlink()  # the process was killed between the two
    fit(framework, 1, tmp_path)
    assert (tmp_path / "best.checkpoint").read_bytes() == best


@pytest.mark.parametrize("harm", ["missing", "damaged", "of another run"])
def test_a_best_checkpoint_that_cannot_be_used_is_named_before_more_is_trained(harm, tmp_path):
    path = tmp_path / "best.checkpoint"
    raised = {"make": lambda parameters: adam(parameters, 0.5)}  # the first epoch stays the best
    _, record = fit_torch(3, tmp_path, **raised)
    assert not record.last_is_best
    if harm == "missing":
        path.unlink()
    elif harm == "damaged":
        path.write_bytes(next(damage.flipped(path.read_bytes())))
    else:
        fit_torch(1, tmp_path / "other", **raised, seed=1)
        path.write_bytes((tmp_path / "other" / "best.checkpoint").read_bytes())
    with pytest.raises(CourseError, match=f"best.checkpoint is {harm}.*{tmp_path}: move it away"):
        fit_torch(4, tmp_path, **raised)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_full_disk_is_one_sentence_and_keeps_what_was_trained(framework, tmp_path):
    whole, _ = fit(framework, 3)
    fit(framework, 1, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for limit in (1000, 50_000):
        message = "could not be written .File too large.*run the same command again"
        with pytest.raises(CourseError, match=message) as caught, damage.full_disk(limit):
            fit(framework, 3, tmp_path)
        assert "\n" not in str(caught.value)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    resumed, _ = fit(framework, 3, tmp_path)
    assert all(same_bits(a, b) for a, b in zip(whole, resumed, strict=True))


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
