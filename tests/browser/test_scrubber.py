"""The training scrubber as a reader uses it: what is shown is what the run predicted."""

import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from course_lib import data, grayscale
from course_lib.results import published

RUN = published.load("conv_latent")
EPOCHS = len(RUN.history)
CELL = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"


@pytest.fixture(scope="module")
def page(open_notebook, tmp_path_factory):
    """The run, a second cell to go to, and a copy of the run whose pictures are damaged."""
    runs = tmp_path_factory.mktemp("runs")
    shutil.copytree(RUN.folder, runs / "damaged")
    (runs / "damaged" / "predictions.npz").write_bytes(b"not what it was")
    return open_notebook(
        "from pathlib import Path\n"
        "from course_lib import published, widgets\n"
        f"widgets.scrub_training(published.load({RUN.folder.name!r}))",
        f"widgets.scrub_training(published.load('damaged', Path({str(runs)!r})))",
    )


@pytest.fixture
def widget(page):
    return page.locator(".g2c").first


@pytest.fixture
def slider(widget):
    return widget.get_by_label("Epoch", exact=True)


def sheet(images):
    """The 16 images as the widget lays them out: (16, 32, 32, 3) -> (64, 256, 3)."""
    rows = images.reshape(2, 8, 32, 32, 3)
    return rows.swapaxes(1, 2).reshape(64, 256, 3)


def shown(pixels, page, widget):
    """The three sheets: gray, prediction, truth."""
    return [pixels(page, canvas) for canvas in widget.locator("canvas").all()]


def test_gray_and_truth_are_the_arrays(page, widget, pixels):
    gray, _, truth = shown(pixels, page, widget)
    levels = np.rint(grayscale.to_gray(data.as_float(RUN.truth)) * 255).astype(np.uint8)
    np.testing.assert_array_equal(truth, sheet(RUN.truth))
    np.testing.assert_array_equal(gray, sheet(np.repeat(levels[..., None], 3, axis=-1)))


def test_keys_choose_the_epoch_and_leave_the_notebook_alone(
    page, widget, slider, pixels, select_cell
):
    select_cell(page, 0)
    page.keyboard.press("Tab")
    expect(slider).to_be_focused()
    before = page.evaluate(CELL)
    page_step = max(1, round((EPOCHS - 1) / 10))
    epoch = EPOCHS
    steps = {
        "Home": -EPOCHS,
        "ArrowRight": 1,
        "ArrowUp": 1,
        "PageUp": page_step,
        "ArrowLeft": -1,
        "PageDown": -page_step,
        "ArrowDown": -1,
        "End": EPOCHS,
    }
    for key, step in steps.items():
        page.keyboard.press(key)
        epoch = min(max(epoch + step, 1), EPOCHS)
        assert slider.input_value() == str(epoch), key
        _, prediction, _ = shown(pixels, page, widget)
        np.testing.assert_array_equal(prediction, sheet(RUN.predictions[epoch - 1]))
        expect(slider).to_be_focused()
        assert page.evaluate(CELL) == before, f"{key} went to another cell"


def test_every_epoch_is_described_and_marked_on_the_curves(page, widget, slider, save):
    slider.press("Home")
    marks = []
    for epoch, losses in enumerate(RUN.history, start=1):
        caption = widget.locator("figcaption").filter(has_text="Prediction")
        expect(caption).to_contain_text(f"after epoch {epoch} of {EPOCHS};")
        expect(caption).to_contain_text(f"training {losses['train_loss']:.5f}")
        expect(caption).to_contain_text(f"validation {losses['validation_loss']:.5f}")
        picture = widget.get_by_role("img", name="Prediction")
        expect(picture).to_have_attribute("aria-label", caption.inner_text())
        expect(slider).to_have_attribute("aria-valuetext", str(epoch))
        marks.append(widget.locator(".g2c-marker").get_attribute("d"))
        if epoch == EPOCHS // 2:
            save(page, "scrubber")
        slider.press("ArrowRight")
    places = [float(mark.removeprefix("M").split()[0]) for mark in marks]
    curve = widget.locator("path.g2c-line-0").first.get_attribute("d").removeprefix("M")
    points = [float(point.split()[0]) for point in curve.split("L")]
    np.testing.assert_allclose(places, points, atol=0.06)  # curves are written to a tenth


def test_the_mouse_drags_the_slider(page, widget, slider, pixels):
    slider.press("End")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, middle)
    page.mouse.down()
    seen = set()
    for part in (0.8, 0.5, 0.3, 0.0):
        page.mouse.move(box["x"] + part * box["width"], middle, steps=4)
        epoch = int(slider.input_value())
        seen.add(epoch)
        _, prediction, _ = shown(pixels, page, widget)
        np.testing.assert_array_equal(prediction, sheet(RUN.predictions[epoch - 1]))
    page.mouse.up()
    assert len(seen) == 4 and min(seen) == 1


def test_a_damaged_run_gives_one_sentence(page):
    notice = page.locator(".g2c").nth(1)
    message = notice.get_by_role("alert")
    expect(message).to_contain_text("is missing or damaged; restore it with: git checkout")
    expect(notice.locator("canvas, input")).to_have_count(0)
    expect(page.locator(".jp-RenderedText[data-mime-type*=error]")).to_have_count(0)
