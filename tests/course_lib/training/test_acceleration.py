"""What makes a step fast changes neither its result nor the settings of the process."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch

from course_lib import profiles
from course_lib.models_torch import ConvLatentAutoencoder
from course_lib.training import acceleration, torch_loop
from course_lib.training.record import Options

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")


def settings():
    cudnn = torch.backends.cudnn
    return torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("float32", ("highest", False, True)),
        ("tf32", ("high", True, True)),
        ("bfloat16", ("high", True, True)),
    ],
)
def test_settings_of_products_hold_inside_the_block_and_are_given_back(precision, expected):
    before = settings()
    with pytest.raises(KeyError), acceleration.products_in(precision):
        assert settings() == expected
        raise KeyError
    assert settings() == before


def test_bfloat16_rounds_products_and_gives_float32():
    layer = torch.nn.Linear(3, 1)
    x = torch.rand(5, 3)
    rounded = acceleration.InBfloat16(layer)(x)
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, rounded.bfloat16().float())
    torch.testing.assert_close(rounded, layer(x), rtol=0.02, atol=0.01)
    rounded.sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_our_adam_takes_the_steps_of_pytorchs():
    models = [torch.nn.Linear(4, 2) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    plain = torch.optim.Adam(models[0].parameters(), lr=0.1, foreach=False)
    for model, optimizer in zip(models, (plain, acceleration.adam(models[1], 0.1)), strict=True):
        torch.manual_seed(0)
        for _ in range(5):
            optimizer.zero_grad()
            model(torch.rand(3, 4)).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(models[0].weight, models[1].weight, rtol=1e-5, atol=1e-6)
    assert not acceleration.fits_a_graph(optimizer)  # the weights are on the CPU


def test_a_recorded_step_sees_every_batch_once(monkeypatch):
    """The order of calls, on a CUDA that is made up: recording computes nothing, a replay does."""
    seen, recorded = [], []

    @contextmanager
    def graph(_):
        count = len(seen)
        yield
        recorded.append(seen[count:])
        del seen[count:]

    replay = SimpleNamespace(replay=lambda: seen.extend(x.clone() for x in recorded[0]))
    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, stand_in in {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
        "CUDAGraph": lambda: replay,
        "graph": graph,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    run = acceleration.replayed(seen.append)
    batches = list(torch.arange(23).split(3))  # the last one is shorter
    for batch in batches:
        run(batch)
    assert [x.tolist() for x in seen] == [x.tolist() for x in batches]
    assert len(recorded) == 1


@needs_gpu
@pytest.mark.parametrize("precision", profiles.PRECISIONS)
def test_a_graph_on_a_gpu_trains_like_plain_steps(precision):
    images = torch.randint(0, 256, (130, 32, 32, 3), dtype=torch.uint8).numpy()
    losses = []
    for capturable in (False, True):
        torch.manual_seed(0)
        model = ConvLatentAutoencoder((8, 16, 32)).cuda()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, capturable=capturable)
        assert acceleration.fits_a_graph(optimizer) == capturable
        record = torch_loop.fit(
            model,
            torch_loop.training_step,
            images,
            images[:20],
            optimizer=optimizer,
            num_epochs=3,
            batch_size=12,
            rotation=15.0,
            progress=False,
            options=Options(precision=precision),
        )
        losses.append(record.losses("train_loss") + record.losses())
    assert losses[0] == pytest.approx(losses[1], rel=0.01 if precision == "bfloat16" else 1e-3)
