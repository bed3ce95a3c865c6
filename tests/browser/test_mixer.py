"""The grayscale mixer as a reader uses it: the gray shown is the gray of the weights shown."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from skimage.color import deltaE_ciede2000, rgb2lab

from course_lib import data, grayscale, profiles
from course_lib.widgets import mixer

PHOTOS = data.load_cifar10(profiles.get("quick").data).x_test[[4, 5, 6, 7, 14, 23]]
CHANNELS = ("Red", "Green", "Blue")
CELL = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"
SETUP = (
    "from course_lib import data, profiles, widgets\n"
    "cifar = data.load_cifar10(profiles.get('quick').data)\n"
    "photos = data.as_float(cifar.x_test[[4, 5, 6, 7, 14, 23]])\n"
)


@pytest.fixture(scope="module")
def page(open_notebook):
    return open_notebook(SETUP + "widgets.mix_gray(photos)", "widgets.mix_gray(photos[:0])")


@pytest.fixture
def widget(page):
    page.set_viewport_size({"width": 1200, "height": 1500})
    return page.locator(".g2c").first


def set_weights(widget, values):
    """Move each slider as a hand would: the value, then the event."""
    for label, value in zip(CHANNELS, values, strict=True):
        widget.get_by_label(label, exact=True).fill(str(value))


def said_weights(widget):
    """The three weights that stand beside the sliders."""
    texts = widget.locator("output").all_inner_texts()[:3]
    return [float(text.removeprefix("weight ")) for text in texts]


def gray_row(weights):
    """int (H, N * W): what the course makes of the photographs, as levels."""
    gray = grayscale.to_gray(data.as_float(PHOTOS), weights)
    return np.rint(255 * mixer.side_by_side(gray)).astype(int)


def drawn(page, widget, pixels, name):
    shown = pixels(page, widget.get_by_role("img", name=name, exact=False)).astype(int)
    assert (shown == shown[..., :1]).all(), "it is not gray"
    return shown[..., 0]


@pytest.mark.parametrize(
    "sliders", [(0.3, 0.59, 0.11), (1, 1, 1), (0, 0, 0.37), (0.01, 0.99, 0.5), (0.25, 0, 0.25)]
)
def test_the_gray_is_that_of_the_weights_and_they_add_up_to_one(page, widget, pixels, sliders):
    set_weights(widget, sliders)
    weights = np.divide(sliders, np.sum(sliders))
    assert said_weights(widget) == pytest.approx(weights, abs=5.1e-5)
    shown = drawn(page, widget, pixels, "The photographs in gray with the weights")
    assert np.abs(shown - gray_row(weights)).max() <= 1


def test_the_photographs_are_the_arrays(page, widget, pixels):
    shown = pixels(page, widget.get_by_role("img", name="photographs", exact=True))
    np.testing.assert_array_equal(shown, mixer.side_by_side(PHOTOS))


@pytest.mark.parametrize("name", mixer.WEIGHTS)
def test_a_button_sets_its_weights_exactly(page, widget, pixels, name):
    set_weights(widget, (0.5, 0.2, 0.9))
    pressed = widget.locator("button[aria-pressed=true]")
    expect(pressed).to_have_count(0)
    button = widget.get_by_role("button", name=name)
    button.focus()
    page.keyboard.press("Enter")
    expect(pressed).to_have_count(1)
    expect(button).to_have_attribute("aria-pressed", "true")
    weights = mixer.WEIGHTS[name]
    assert said_weights(widget) == pytest.approx(weights, abs=5.1e-5)
    shown = drawn(page, widget, pixels, "The photographs in gray with the weights")
    assert np.abs(shown - gray_row(weights)).max() <= 1


def test_no_weight_at_all_gives_a_sentence_and_no_nan(page, widget, save):
    set_weights(widget, (0, 0, 0))
    message = widget.get_by_role("alert").filter(has_text="All three weights are 0")
    expect(message).to_be_visible()
    expect(widget.locator("canvas").first).to_be_hidden()
    assert "NaN" not in widget.inner_text()
    save(page, "mixer-no-weight")
    widget.get_by_label("Green", exact=True).press("ArrowRight")
    expect(message).to_be_hidden()
    expect(widget.locator("canvas").first).to_be_visible()


@pytest.mark.parametrize("name", [name for name in mixer.conversions() if "Tensor" not in name])
def test_what_a_library_gives_and_how_far_it_is_off(page, widget, pixels, name):
    widget.get_by_role("button", name="BT.709").click()
    widget.get_by_label("Compare with").select_option(label=name)
    answer = mixer.side_by_side(mixer.conversions()[name](PHOTOS))  # (H, N * W)
    status = widget.locator("p[role=status]")
    expect(status).to_contain_text(f"Between your weights and {name}:")
    shown = drawn(page, widget, pixels, f"The photographs in the gray of {name}")
    assert np.abs(shown - answer).max() <= 0.5 + 1e-4
    gray = mixer.side_by_side(grayscale.to_gray(PHOTOS / np.float64(255), grayscale.BT709))
    off = np.abs(answer - 255 * gray)
    largest, mean = map(float, re.findall(r"\d+\.\d\d(?= levels| on)", status.inner_text()))
    assert (largest, mean) == pytest.approx((off.max(), off.mean()), abs=0.0051)


@pytest.mark.parametrize("level", [64, 128, 192])
def test_pairs_of_different_colours_become_the_same_gray(page, widget, pixels, level):
    widget.get_by_label("Gray level of the pairs").fill(str(level))
    settings = np.random.default_rng(level).integers(0, 101, (6, 3)) / 100
    for sliders in [*np.eye(3), (0.5, 0.5, 0), (0.3, 0.59, 0.11), *settings]:
        set_weights(widget, sliders)
        weights = np.divide(sliders, np.sum(sliders))
        pairs = widget.get_by_role("img", name="and its opposite").all()
        assert len(pairs) >= 4
        for pair in pairs:
            ((first, middle, second),) = pixels(page, pair)  # each (3,)
            grays = [first @ weights, second @ weights]
            assert np.rint(grays) == pytest.approx(level, abs=0)
            assert (middle == level).all()
            lab = rgb2lab(np.stack([first, second])[None] / 255)[0]
            assert deltaE_ciede2000(*lab) > 20, "nobody would call them clearly different"
            numbers = re.findall(r"\d+(?:\.\d+)?", pair.get_attribute("aria-label"))
            said = [float(number) for number in numbers]
            np.testing.assert_array_equal(said[:6], [*first, *second])
            assert said[6:8] == pytest.approx(grays, abs=0.0051)
            assert said[8] == level


def test_keys_and_mouse_move_a_slider_and_leave_the_notebook_alone(page, widget, select_cell):
    select_cell(page, 0)
    before = page.evaluate(CELL)
    red = widget.get_by_label("Red", exact=True)
    red.press("Home")
    red.press("ArrowRight")
    assert red.input_value() == "0.01"
    assert red.get_attribute("aria-valuetext").startswith("weight 0.")
    box = red.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert float(red.input_value()) == pytest.approx(0.5, abs=0.03)
    assert page.evaluate(CELL) == before


def test_no_photograph_gives_one_sentence(page):
    notice = page.locator(".g2c").nth(1)
    expect(notice.get_by_role("alert")).to_contain_text("empty")
    expect(notice.locator("canvas, input")).to_have_count(0)
