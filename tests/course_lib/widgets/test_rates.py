"""The learning-rate explorer, Python side: formulas held to PyTorch's, replays to the course's."""

import base64
import io
import math
import warnings

import numpy as np
import pytest
from matplotlib import image

from course_lib import widgets
from course_lib.training import schedules
from course_lib.widgets import rates

LOSSES = [0.5, 0.3, 0.29, 0.295, 0.28, 0.281, 0.279, 0.2799, 0.28, 0.3, 0.27, 0.27, 0.27]
FIRST = [getattr(rates.PAPER, name) for name in rates.SLIDER_VALUES]


def torch_rates(make, num_epochs, rate):
    """What a scheduler of PyTorch gives each epoch; `make` takes an optimizer."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(num_epochs):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one step past the last
            if len(found) < num_epochs:
                scheduler.step()
    return found


@pytest.mark.parametrize("step_size", [1, 3, 10, 50])
@pytest.mark.parametrize("gamma", [0.1, 0.5])
def test_step_is_pytorchs(step_size, gamma):
    expected = torch_rates(lambda module, sgd: module.StepLR(sgd, step_size, gamma), 31, 2e-3)
    assert rates.step_rates(31, 2e-3, step_size, gamma) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("num_epochs", [2, 3, 7, 30, 100])
def test_cosine_is_pytorchs(num_epochs):
    expected = torch_rates(
        lambda module, sgd: module.CosineAnnealingLR(sgd, T_max=num_epochs), num_epochs, 1e-3
    )
    assert rates.cosine_rates(num_epochs, 1e-3) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("num_epochs", [2, 3, 4, 7, 10, 30, 100])
@pytest.mark.parametrize(("start", "end"), [(25, 1e4), (25, 100), (10, 1)])
@pytest.mark.parametrize("pct_start", [0.3, 0.45])
def test_one_cycle_is_pytorchs(num_epochs, start, end, pct_start):
    expected = torch_rates(
        lambda module, sgd: module.OneCycleLR(
            sgd,
            1e-3,
            total_steps=num_epochs,
            pct_start=pct_start,
            div_factor=start,
            final_div_factor=end,
            cycle_momentum=False,
        ),
        num_epochs,
        1e-3,
    )
    found = rates.one_cycle_rates(num_epochs, 1e-3, pct_start, start, end)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.fixture
def widget():
    return widgets.explore_schedules(LOSSES, 2e-3)


def replay(settings):
    return schedules.replay(schedules.ReduceOnPlateau(*settings), LOSSES, 2e-3)


def test_sliders_offer_the_papers_settings_and_rising_values(widget):
    assert widget.request == FIRST
    for (name, values), value in zip(widget.slider_values, FIRST, strict=True):
        assert value in values, name
        assert values == sorted(set(values)), name
    assert [name for name, _ in widget.slider_values] == list(rates.SLIDER_VALUES)


@pytest.mark.parametrize(
    "settings",
    [FIRST, [0.5, 1, 0.0, 0, 0.0], [0.1, 1, 1e-2, 2, 1e-3], [0.9, 2, 1e-3, 1, 1e-8]],
)
def test_the_kernel_answers_with_the_courses_own_replay(widget, settings):
    widget.request = settings
    assert widget.answer["request"] == settings
    assert widget.answer["rates"] == replay(settings)


def test_falls_are_where_rates_fall_and_are_in_the_summary():
    settings = [0.5, 2, 1e-3, 0, 1e-6]
    answer = rates.replay(LOSSES, 2e-3, *settings)
    found = replay(settings)
    assert len(found) == len(LOSSES) and answer["falls"]
    for epoch in range(1, len(LOSSES)):
        assert (found[epoch] < found[epoch - 1]) == (epoch in answer["falls"])
    first = answer["falls"][0]
    assert f"after epoch {first} (to 1.0e-03)" in answer["summary"]
    assert f"first fall only, after epoch {first}:" in answer["summary"]


def test_a_rate_that_never_falls_is_said_to():
    answer = rates.replay([3.0, 2.0, 1.0], 1e-3, *FIRST)
    assert answer["falls"] == [] and "never falls" in answer["summary"]
    assert "first fall only" in answer["summary"]


def test_settings_that_cannot_be_replayed_give_a_reason_until_others_can(widget):
    widget.request = [0.5, "five", 0.0, 0, 0.0]
    assert "cannot be shown" in widget.answer["failure"]
    widget.request = FIRST
    assert "failure" not in widget.answer and widget.answer["rates"] == replay(FIRST)


def test_the_others_are_beside_it_with_a_rate_for_each_epoch(widget):
    assert widget.losses == LOSSES
    assert list(widget.others) == ["constant", "step", "cosine", "one-cycle"]
    for name, values in widget.others.items():
        assert len(values) == len(LOSSES), name
        assert max(values) == pytest.approx(2e-3, rel=0.05), name
    assert widget.others["constant"] == [2e-3] * len(LOSSES)
    assert widget.others["step"] == rates.step_rates(len(LOSSES), 2e-3, 5)


def test_a_still_picture_with_its_text_is_left(widget):
    content, metadata = widget._repr_mimebundle_()
    picture = image.imread(io.BytesIO(base64.b64decode(content["image/png"])))
    assert picture.shape[1] == 900 and np.ptp(picture[..., :3]) > 0.5
    assert widget.answer["summary"] in metadata["image/png"]["alt"]
    assert content["text/plain"] == metadata["image/png"]["alt"]


@pytest.mark.parametrize("losses", [np.array(LOSSES), tuple(LOSSES), np.float32(LOSSES)])
def test_any_row_of_numbers_will_do(losses):
    assert widgets.explore_schedules(losses).losses == pytest.approx(LOSSES)


@pytest.mark.parametrize(
    ("losses", "rate", "said"),
    [
        ([], 1e-3, "shape (0,)"),
        ([0.1], 1e-3, "2 to 1,000 epochs"),
        ([0.1] * 1001, 1e-3, "2 to 1,000 epochs"),
        ([[0.1, 0.2], [0.1, 0.2]], 1e-3, "shape (2, 2)"),
        ([0.1, math.nan], 1e-3, "NaN"),
        ([0.1, math.inf], 1e-3, "NaN or infinite"),
        ([[0.1, 0.2], [0.1]], 1e-3, "one number per epoch"),
        ([{"validation_loss": 0.1}] * 3, 1e-3, "one number per epoch"),
        (LOSSES, 0, "positive"),
        (LOSSES, -1e-3, "positive"),
        (LOSSES, math.nan, "positive"),
        (LOSSES, math.inf, "positive"),
        (LOSSES, "fast", "one learning rate"),
    ],
)
def test_bad_input_gives_one_sentence(losses, rate, said):
    notice = widgets.explore_schedules(losses, rate)
    assert said in notice.error
    content, _ = notice._repr_mimebundle_()
    assert content["text/plain"] == notice.error and "image/png" not in content
