"""The comparison of models as a reader uses it: what is shown is what the arrays hold."""

import io

import numpy as np
import pytest
from matplotlib.image import imread
from playwright.sync_api import expect

from course_lib import data, grayscale, metrics
from course_lib.widgets.compare import METRICS

SETUP = """
import numpy as np
from course_lib import baselines, data, grayscale, widgets

cifar = data.load_cifar10("sample")
photos = data.as_float(cifar.x_test[:12])  # (12, 32, 32, 3)
classes = cifar.y_test[:12]
gray = grayscale.to_gray(photos)
pictures = {
    "gray copy": baselines.gray_copy(gray),
    "gray-level table": baselines.gray_level_table(gray),
    "pale": 0.5 * photos + 0.25,
    "mirrored": photos[:, :, ::-1],
    "shifted": np.roll(photos, 2, axis=1),
}
"""
given: dict = {}
exec(SETUP, given)  # what the notebook makes, made here too
CLASSES = [data.CLASS_NAMES[number] for number in given["classes"]]
MODELS = list(given["pictures"])
SCORES = {name: metrics.per_image(p, given["photos"]) for name, p in given["pictures"].items()}
STACKS = {
    name: np.rint(255 * np.broadcast_to(images, given["photos"].shape)).astype(np.uint8)
    for name, images in {
        "gray": grayscale.to_gray(given["photos"], keepdims=True),
        **given["pictures"],
        "truth": given["photos"],
    }.items()
}  # each (12, 32, 32, 3)


@pytest.fixture(scope="module")
def page(open_notebook):
    return open_notebook(
        SETUP + "widgets.compare_models(pictures, photos, classes=classes)",
        "widgets.compare_models(pictures | {'broken': photos * np.nan}, photos)",
    )


@pytest.fixture
def widget(page):
    """The widget as it begins."""
    widget = page.locator(".g2c").first
    for label, text in {"Class": "all", "Order": "original order", "Zoom": "4×"}.items():
        widget.get_by_label(label, exact=True).select_option(label=text)
    widget.get_by_label("Image", exact=True).press("Home")
    expect(widget).to_have_attribute("data-image", "0")
    return widget


@pytest.fixture
def slider(widget):
    return widget.get_by_label("Image", exact=True)


@pytest.fixture
def wipe(widget):
    """The slider of the wipe, over "pale"."""
    widget.get_by_label("Wipe over").select_option(label="pale")
    return widget.get_by_label("Wipe from gray")


def canvas(widget, name):
    return widget.locator(f"canvas[aria-label^='{name}, image ']")


def wiped(at, image):
    """The wipe over "pale" at a place from 0 to 2: (32, 32, 3)."""
    under, over = ("pale", "truth") if at > 1 else ("gray", "pale")
    edge = round(32 * (at - 1 if at > 1 else at))
    return np.concatenate([STACKS[over][image][:, :edge], STACKS[under][image][:, edge:]], axis=1)


def is_shown(page, widget, pixels, image):
    """Whether every picture on the page is the array's, with its name and class."""
    for name, images in STACKS.items():
        there = canvas(widget, name)
        np.testing.assert_array_equal(pixels(page, there), images[image], err_msg=name)
        expect(there).to_have_attribute("aria-label", f"{name}, image {image}, {CLASSES[image]}")


def test_keys_choose_the_image(page, widget, slider, pixels, save):
    for image in range(12):
        expect(widget).to_have_attribute("data-image", str(image))
        is_shown(page, widget, pixels, image)
        text = f"{image + 1} of 12: image {image}, {CLASSES[image]}"
        expect(slider).to_have_attribute("aria-valuetext", text)
        slider.press("ArrowRight")
    save(page, "compare")
    slider.press("Home")
    is_shown(page, widget, pixels, 0)


def test_the_last_of_many_held_keys_counts(page, widget, slider, pixels):
    slider.focus()
    for key, times, image in (("ArrowRight", 9, 9), ("ArrowLeft", 5, 4), ("ArrowRight", 40, 11)):
        for _ in range(times):
            page.keyboard.down(key)
        page.keyboard.up(key)
        expect(widget).to_have_attribute("data-image", str(image))
        is_shown(page, widget, pixels, image)


def test_scores_under_each_picture_are_those_of_metrics(widget, slider):
    for image in range(12):
        expect(widget).to_have_attribute("data-image", str(image))
        for name in MODELS:
            cells = widget.get_by_role("table", name=name, exact=True).get_by_role("cell")
            for (key, _, digits), text in zip(METRICS, cells.all_inner_texts(), strict=True):
                number = float(text.removeprefix("★ "))
                assert abs(number - SCORES[name][key][image]) <= 0.51 * 10.0**-digits, (name, key)
        slider.press("ArrowRight")


def test_the_star_marks_the_least_error_of_a_line(widget, slider):
    for image in range(12):
        least = min(round(SCORES[name]["mse"][image], 5) for name in MODELS)
        for name in MODELS:
            row = widget.get_by_role("table", name=name, exact=True).get_by_role("row")
            starred = "★" in row.filter(has_text="MSE").inner_text()
            assert starred == (round(SCORES[name]["mse"][image], 5) == least), (name, image)
        slider.press("ArrowRight")


def test_only_one_class_is_shown(page, widget, slider, pixels):
    for name in sorted(set(CLASSES)):
        images = [image for image, other in enumerate(CLASSES) if other == name]
        chosen = f"{name} ({len(images)})"
        widget.get_by_label("Class", exact=True).select_option(label=chosen)
        for image in images:
            expect(widget).to_have_attribute("data-image", str(image))
            is_shown(page, widget, pixels, image)
            slider.press("ArrowRight")
        expect(widget).to_have_attribute("data-image", str(images[-1]))


@pytest.mark.parametrize(
    ("order", "key", "sign"),
    [
        ("worst first (MSE)", "mse", -1),
        ("best first (MSE)", "mse", 1),
        ("most saturated first (colourfulness)", "colourfulness", -1),
    ],
)
@pytest.mark.parametrize("judge", ["gray-level table", "mirrored"])
def test_images_come_in_the_order_of_a_models_scores(widget, slider, order, key, sign, judge):
    widget.get_by_label("Order").select_option(label=order)
    widget.get_by_label("judged by").select_option(label=judge)
    for image in np.argsort(sign * SCORES[judge][key], kind="stable"):
        expect(widget).to_have_attribute("data-image", str(image))
        slider.press("ArrowRight")


def test_no_model_judges_images_in_the_original_order(widget):
    expect(widget.get_by_label("judged by")).to_be_disabled()


@pytest.mark.parametrize("zoom", [2, 4, 6, 8])
def test_zoom_makes_squares_of_pixels(page, widget, save, zoom):
    widget.get_by_label("Zoom").select_option(label=f"{zoom}×")
    there = canvas(widget, "truth")
    there.scroll_into_view_if_needed()
    box = there.bounding_box()
    top, left = round(box["y"]) + 1, round(box["x"]) + 1  # within the border
    window = imread(io.BytesIO(page.screenshot()))[..., :3]
    seen = np.rint(255 * window[top : top + 32 * zoom, left : left + 32 * zoom])
    blocks = seen.reshape(32, zoom, 32, zoom, 3)
    np.testing.assert_array_equal(blocks[:, 0, :, 0], STACKS["truth"][0])
    assert (blocks == blocks[:, :1, :, :1]).all(), "a pixel is not a square of one colour"
    save(page, f"compare-zoom-{zoom}")


def test_keys_wipe_from_gray_over_the_prediction_to_truth(page, widget, slider, wipe, pixels):
    slider.press("ArrowRight")
    stage = widget.locator(".g2c-stage canvas")
    wipe.press("Home")
    for step in range(65):
        assert float(wipe.input_value()) == step / 32
        np.testing.assert_array_equal(pixels(page, stage), wiped(step / 32, image=1))
        wipe.press("ArrowRight")
    expect(wipe).to_have_attribute("aria-valuetext", "truth alone")


def test_the_mouse_wipes_on_the_picture(page, widget, slider, wipe, pixels, save):
    stage = widget.locator(".g2c-stage canvas")
    wipe.press("Home")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    page.mouse.down()
    for share in (0.25, 0.5, 0.75, 1.0, 1.5):  # past the right edge the truth comes in
        page.mouse.move(box["x"] + share * box["width"], middle, steps=3)
        assert abs(float(wipe.input_value()) - share) <= 1.5 / 32
        np.testing.assert_array_equal(pixels(page, stage), wiped(float(wipe.input_value()), 0))
    page.mouse.up()
    page.mouse.move(box["x"], middle)
    assert abs(float(wipe.input_value()) - 1.5) <= 1.5 / 32, "it moves after the button is up"
    handle = widget.locator(".g2c-handle").bounding_box()
    assert abs(handle["x"] - box["x"] - 0.5 * box["width"]) < 10
    expect(stage).to_have_attribute("aria-label", "Wipe: truth over pale, 50 %; image 0, cat")
    save(page, "compare-wipe")
    slider.press("ArrowRight")  # another image, the same place
    np.testing.assert_array_equal(pixels(page, stage), wiped(1.5, image=1))


def test_a_finger_wipes_too(page, widget, wipe, pixels):
    stage = widget.locator(".g2c-stage canvas")
    wipe.press("Home")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    finger = page.context.new_cdp_session(page)
    for kind, share in (("Start", 0.1), ("Move", 0.2), ("Move", 0.4), ("Move", 0.75)):
        point = {"x": box["x"] + share * box["width"], "y": box["y"] + box["height"] / 2}
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    finger.detach()
    assert abs(float(wipe.input_value()) - 0.75) <= 1.5 / 32
    np.testing.assert_array_equal(pixels(page, stage), wiped(float(wipe.input_value()), 0))


def test_the_wipe_is_of_the_chosen_model(page, widget, wipe, pixels):
    stage = widget.locator(".g2c-stage canvas")
    for name in MODELS:
        widget.get_by_label("Wipe over").select_option(label=name)
        wipe.press("End")
        for _ in range(32):
            wipe.press("ArrowLeft")
        expect(wipe).to_have_attribute("aria-valuetext", f"{name} alone")
        np.testing.assert_array_equal(pixels(page, stage), STACKS[name][0])


def test_moving_makes_no_new_elements(page, widget, slider, wipe):
    mark = "node => [...node.querySelectorAll('*')].forEach((one) => (one.marked = true))"
    widget.evaluate(mark)
    for _ in range(11):
        slider.press("ArrowRight")
        wipe.press("ArrowLeft")
    new = "node => [...node.querySelectorAll('*')].filter((one) => !one.marked).length"
    assert widget.evaluate(new) == 0


def test_an_invalid_picture_gives_one_sentence(page):
    notice = page.locator(".g2c").nth(1)
    expect(notice.get_by_role("alert")).to_contain_text("'broken' holds NaN or infinite values")
    expect(notice.locator("canvas, input")).to_have_count(0)
