"""The learning-rate explorer as a reader uses it: what it shows is what the kernel replayed."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from course_lib.results import published
from course_lib.training import schedules
from course_lib.widgets import rates

LOSSES = [epoch["validation_loss"] for epoch in published.load("three_layer_constant_5k").history]
NAMES = ["factor", "patience", "min_delta", "cooldown", "floor (min_lr)"]
SETUP = (
    "from course_lib import published, widgets\n"
    "run = published.load('three_layer_constant_5k')\n"
    "losses = [epoch['validation_loss'] for epoch in run.history]\n"
)


@pytest.fixture(scope="module")
def page(open_notebook):
    return open_notebook(
        SETUP + "explorer = widgets.explore_schedules(losses)\nexplorer",
        "widgets.explore_schedules([0.1, float('nan'), 0.2])",
        "widgets.explore_schedules([1.0, 0.0, -1.0, -1.0, -1.0])",
    )


@pytest.fixture
def widget(page):
    page.set_viewport_size({"width": 1200, "height": 1500})
    return page.locator(".g2c").first


def slider(widget, name):
    return widget.get_by_label(name, exact=True)


def summary(widget):
    return widget.locator("p[role=status]")


def settings(widget):
    """The values of the sliders, as parameters of the rule."""
    return [
        values[int(slider(widget, name).input_value())]
        for name, values in zip(NAMES, rates.SLIDER_VALUES.values(), strict=True)
    ]


def falls(chosen):
    rule = schedules.ReduceOnPlateau(*chosen)
    replayed = schedules.replay(rule, LOSSES, 1e-3)
    return [epoch for epoch in range(1, len(replayed)) if replayed[epoch] < replayed[epoch - 1]]


def said_falls(text):
    return [int(epoch) for epoch in re.findall(r"(\d+) \(to", text)]


def marked_falls(widget):
    """The epochs at which there are an upright line and a ▼ above it."""
    chart = widget.locator("svg").first
    places = [x for x, _ in points_of(chart.locator("path.g2c-line-0").first)]
    marks = [float(mark.get_attribute("x")) for mark in chart.get_by_text("▼", exact=True).all()]
    lines = [line.get_attribute("d") for line in chart.locator(".g2c-event").all()]
    assert [float(line[1:].split()[0]) for line in lines] == marks
    return [int(np.argmin(np.abs(np.subtract(places, mark)))) + 1 for mark in marks]


def points_of(path):
    return [tuple(map(float, p.split())) for p in path.get_attribute("d")[1:].split("L")]


def steps_of(path):
    """The places of a line that goes level, upright and level from each to the next."""
    points = points_of(path)
    places, leave, arrive = points[::3], points[1::3], points[2::3]
    for (_, y), (left, from_y), (right, to_y), (_, next_y) in zip(
        places, leave, arrive, places[1:], strict=False
    ):
        assert (y, left) == (from_y, right) and to_y == next_y
    return places


def test_at_first_it_shows_the_papers_settings(widget):
    chosen = settings(widget)
    assert chosen == [getattr(rates.PAPER, name) for name in rates.SLIDER_VALUES]
    assert falls(chosen), "this run was chosen because its rate would have fallen"
    assert said_falls(summary(widget).inner_text()) == marked_falls(widget) == falls(chosen)
    expect(summary(widget)).to_contain_text(f"first fall only, after epoch {falls(chosen)[0]}")


@pytest.mark.parametrize("name", NAMES)
def test_each_slider_is_moved_by_keys_and_answered_from_the_kernel(page, widget, name):
    moved = slider(widget, name)
    first = moved.input_value()
    for key in ("Home", "ArrowRight", "ArrowRight", "PageUp", "ArrowLeft", "End"):
        moved.press(key)
        expected = rates.replay(LOSSES, 1e-3, *settings(widget))
        expect(summary(widget)).to_have_text(expected["summary"])
        assert marked_falls(widget) == expected["falls"]
    moved.fill(first)
    expect(summary(widget)).to_have_text(rates.replay(LOSSES, 1e-3, *settings(widget))["summary"])


def test_the_last_of_many_quick_moves_is_the_one_shown(page, widget):
    for at, name in enumerate(NAMES * 2):
        moved = slider(widget, name)
        moved.focus()
        for press in range(40):
            page.keyboard.press("ArrowLeft" if (press + at) % 7 < 3 else "ArrowRight")
    expected = rates.replay(LOSSES, 1e-3, *settings(widget))
    expect(summary(widget)).to_have_text(expected["summary"])
    assert marked_falls(widget) == expected["falls"]
    for name in NAMES:
        slider(widget, name).press("Home")
    expected = rates.replay(LOSSES, 1e-3, *(values[0] for values in rates.SLIDER_VALUES.values()))
    expect(summary(widget)).to_have_text(expected["summary"])


def test_rates_are_drawn_on_a_logarithmic_axis_and_distinct_without_colour(widget):
    for name, values in zip(NAMES, rates.SLIDER_VALUES.values(), strict=True):
        parameter = name.split("(")[-1].strip(")")
        slider(widget, name).fill(str(values.index(getattr(rates.PAPER, parameter))))
    chosen = settings(widget)
    replayed = rates.replay(LOSSES, 1e-3, *chosen)
    expect(summary(widget)).to_have_text(replayed["summary"])
    chart = widget.locator("svg").nth(1)
    count = len(LOSSES)
    shown = {
        "plateau": replayed["rates"],
        "constant": [1e-3] * count,
        "step": rates.step_rates(count, 1e-3, 10),
        "cosine": rates.cosine_rates(count, 1e-3),
        "one-cycle": rates.one_cycle_rates(count, 1e-3, end=100),
    }
    texts = chart.locator("text").all_text_contents()
    dashes = set()
    heights, logs = [], []
    for position, (name, values) in enumerate(shown.items()):
        assert name in texts
        path = chart.locator(f"path.g2c-line-{position}").first
        dashes.add(path.get_attribute("stroke-dasharray"))
        heights += [y for _, y in steps_of(path)]
        logs += list(np.log10(values))
    assert len(dashes) == len(shown)
    slope, offset = np.polyfit(logs, heights, 1)
    assert slope < 0
    np.testing.assert_allclose(np.polyval([slope, offset], logs), heights, atol=0.2)


def test_bad_losses_give_one_sentence_and_negative_ones_a_linear_axis(page):
    notice = page.locator(".g2c").nth(1)
    expect(notice.get_by_role("alert")).to_contain_text("losses holds NaN")
    expect(notice.locator("svg, input")).to_have_count(0)
    linear = page.locator(".g2c").nth(2)
    path = linear.locator("svg").first.locator("path.g2c-line-0").first
    heights = [y for _, y in points_of(path)]
    np.testing.assert_allclose(np.diff(heights)[0], np.diff(heights)[1], atol=0.11)


def test_the_mouse_moves_a_slider(page, widget):
    patience = slider(widget, "patience")
    patience.scroll_into_view_if_needed()
    box = patience.bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    assert settings(widget)[1] == 1
    expect(summary(widget)).to_have_text(rates.replay(LOSSES, 1e-3, *settings(widget))["summary"])
