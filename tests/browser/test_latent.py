"""The latent explorer as a reader uses it: what is shown answers the latest choice."""

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from course_lib import data, grayscale, models_torch
from course_lib.results import published
from course_lib.widgets import show_feature_maps, walk_latent

NUM_IMAGES = 100
GRAY = grayscale.to_gray(data.as_float(data.load_cifar10("sample").x_test[:NUM_IMAGES]))
START = """
import time
import torch
from pathlib import Path
from course_lib import data, grayscale, models_torch, published, widgets
gray = grayscale.to_gray(data.as_float(data.load_cifar10("sample").x_test[:100]))
mood = Path({mood!r})

class Moody:
    "A model that does what the file says: good, slow, slower, raise, nan or shape."
    def moody(self, result):
        now = mood.read_text()
        time.sleep({{"slow": 0.4, "slower": 3}}.get(now, 0))
        if now == "raise":
            raise RuntimeError("not today")
        return {{"nan": result * float("nan"), "shape": result[:, :1]}}.get(now, result)

class B(Moody, models_torch.FCLatentAutoencoder):
    def decode(self, latent):
        return self.moody(super().decode(latent))

class C(Moody, models_torch.ConvLatentAutoencoder):
    def encode(self, gray):
        return self.moody(super().encode(gray))

torch.manual_seed(0)
untrained = C()
models = {{"trained": published.load("conv_latent").load_into(C()), "untrained": untrained}}
"""
# Notes, at every frame the browser draws, what is chosen and what is shown.
WATCH = """(root) => {
  window.seen = [];
  const look = () => {
    const titles = [...root.querySelectorAll(".g2c-title")];
    window.seen.push({
      chosen: [...root.querySelectorAll("input")].map((input) => input.value),
      titles: titles.map((title) => title.textContent),
      dimmed: titles.at(-1).closest(".g2c-stale") !== null,
    });
    window.watching = requestAnimationFrame(look);
  };
  look();
}"""
SEEN = "() => { cancelAnimationFrame(window.watching); return window.seen; }"


@pytest.fixture(scope="module")
def mood(tmp_path_factory):
    path = tmp_path_factory.mktemp("mood") / "mood"
    path.write_text("good")
    return path


@pytest.fixture(scope="module")
def page(open_notebook, mood):
    return open_notebook(
        START.format(mood=str(mood)),
        "walk = widgets.walk_latent(published.load('fc_latent').load_into(B()), gray)\nwalk",
        "widgets.show_feature_maps(models, gray)",
        "widgets.walk_latent(B(), gray[:0])",
        "walk  # a second view of the first widget",
    )


@pytest.fixture(autouse=True)
def good_mood(mood):
    yield
    mood.write_text("good")


@pytest.fixture
def walk(page):
    return page.get_by_role("group", name="Latent walk").first


@pytest.fixture
def maps(page):
    return page.get_by_role("group", name="Feature maps")


@pytest.fixture(scope="module")
def expected_walk():
    """expected_walk(kind, start, other) -> uint8 frames, their references, their captions."""
    widget = walk_latent(published.load("fc_latent").model(), GRAY)

    def ask(*request):
        widget.request = list(request)
        answer = widget.answer
        arrays = [np.frombuffer(answer[key], np.uint8) for key in ("frames", "references")]
        return [array.reshape(21, 32, 32, 3).astype(int) for array in arrays], answer["captions"]

    return ask


@pytest.fixture(scope="module")
def expected_maps():
    """expected_maps(image, model) -> the answer of `show_feature_maps`, its maps as int arrays."""
    torch.manual_seed(0)
    untrained = models_torch.ConvLatentAutoencoder()
    models = {"trained": published.load("conv_latent").model(), "untrained": untrained}
    widget = show_feature_maps(models, GRAY)

    def ask(image, model=0):
        widget.request = [image, model]
        answer = dict(widget.answer)
        for scale in ("each", "common"):
            answer[scale] = np.frombuffer(answer[scale], np.uint8).reshape(256, 16, 16).astype(int)
        return answer

    return ask


def set_to(slider, value):
    """Put a slider where a hand would, in one move."""
    slider.evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }", value
    )


def shown(pixels, page, widget):
    """What all canvases hold, once the kernel has answered."""
    expect(widget.locator("[aria-busy=true]")).to_have_count(0)
    return [pixels(page, canvas).astype(int) for canvas in widget.locator("canvas").all()]


def assert_shows_walk(pixels, page, walk, expected, place):
    (frames, beside), captions = expected
    _, _, moving, still = shown(pixels, page, walk)
    # One level: the sums of another process may be rounded in another order.
    np.testing.assert_allclose(moving, frames[place], atol=1)
    np.testing.assert_allclose(still, beside[place], atol=1)
    expect(walk.locator("p").filter(has_text="RMS")).to_have_text(captions[place])


def test_a_walk_between_two_images_shows_what_the_model_decodes(
    page, walk, pixels, expected_walk, save
):
    set_to(walk.get_by_label("From", exact=True), 8)
    set_to(walk.get_by_label("To", exact=True), 33)
    gray = np.rint(GRAY * 255).astype(int)
    for canvas, image in zip(shown(pixels, page, walk)[:2], (8, 33), strict=True):
        np.testing.assert_array_equal(canvas, np.repeat(gray[image, :, :, None], 3, axis=2))
    position = walk.get_by_label("Position")
    expected = expected_walk("pair", 8, 33)
    for key, place in {"Home": 0, "ArrowRight": 1, "End": 20, "ArrowLeft": 19}.items():
        position.press(key)
        assert position.input_value() == str(place)
        expect(position).to_have_attribute("aria-valuetext", f"{place / 20:.0%} of the way")
        assert_shows_walk(pixels, page, walk, expected, place)
        picture = walk.get_by_role("img", name="walk from image 8 to image 33").first
        expect(picture).to_have_attribute(
            "aria-label", re.compile(f", {place / 20:.0%} of the way")
        )
    position.press("PageDown")
    save(page, "latent-walk")


def test_a_walk_along_a_direction_starts_at_the_image(page, walk, pixels, expected_walk, save):
    walk.get_by_label("Walk", exact=True).select_option("along a principal direction")
    set_to(walk.get_by_label("From", exact=True), 12)
    direction = walk.get_by_label("Direction", exact=True)
    assert len(direction.locator("option").all()) == 8
    direction.select_option(index=2)
    position = walk.get_by_label("Position")
    expect(position).to_have_attribute("aria-valuetext", "+0.0 standard deviations")
    expected = expected_walk("direction", 12, 2)
    assert_shows_walk(pixels, page, walk, expected, 10)
    position.press("End")
    assert_shows_walk(pixels, page, walk, expected, 20)
    expect(position).to_have_attribute("aria-valuetext", "+3.0 standard deviations")
    expect(walk.get_by_label("To", exact=True)).to_be_hidden()
    save(page, "latent-direction")
    walk.get_by_label("Walk", exact=True).select_option("between two images")
    expect(walk.get_by_label("Direction", exact=True)).to_be_hidden()
    assert_shows_walk(pixels, page, walk, expected_walk("pair", 12, 33), 10)


def test_the_latest_choice_is_shown_and_nothing_older_under_its_name(
    page, walk, pixels, mood, expected_walk
):
    start, end = walk.get_by_label("From", exact=True), walk.get_by_label("To", exact=True)
    set_to(end, 40)
    set_to(start, 20)
    shown(pixels, page, walk)
    mood.write_text("slow")
    walk.evaluate(WATCH)
    for _ in range(12):
        start.press("ArrowRight")
        page.wait_for_timeout(50)
    end.press("ArrowLeft")
    walk.get_by_label("Position").press("Home")
    assert_shows_walk(pixels, page, walk, expected_walk("pair", 32, 39), 0)
    walk.get_by_label("Position").press("End")
    assert_shows_walk(pixels, page, walk, expected_walk("pair", 32, 39), 20)
    seen = page.evaluate(SEEN)
    dimmed = [moment for moment in seen if moment["dimmed"]]
    clear = [moment for moment in seen if not moment["dimmed"]]
    assert len(dimmed) > 10 and len(clear) > 2
    for moment in clear:
        first, second, _ = moment["chosen"]
        assert moment["titles"][2] == f"walk from image {first} to image {second}"


@pytest.mark.parametrize("name", ["raise", "nan", "shape"])
@pytest.mark.parametrize("kind", ["walk", "maps"])
def test_a_model_that_fails_leaves_the_last_picture_and_recovers(
    page, walk, maps, pixels, mood, kind, name, save
):
    widget, label, place = {
        "walk": (walk, "From", "Position"),
        "maps": (maps, "Image", "Map"),
    }[kind]
    message = {"raise": "not today", "nan": "NaN or infinite", "shape": "is needed"}[name]
    slider = widget.get_by_label(label, exact=True)
    set_to(slider, 5)
    before = shown(pixels, page, widget)[-2:]
    mood.write_text(name)
    slider.press("ArrowRight")
    expect(widget.get_by_role("alert")).to_contain_text(message)
    expect(widget.locator(".g2c-stale:has(.g2c-picture)")).to_have_count(1)
    widget.get_by_label(place, exact=True).press("Home")
    widget.get_by_label(place, exact=True).press("ArrowRight")
    for now, then in zip(shown(pixels, page, widget)[-2:], before, strict=True):
        np.testing.assert_array_equal(now, then)
    save(page, f"latent-{kind}-{name}")
    mood.write_text("good")
    slider.press("ArrowRight")
    expect(widget.get_by_role("alert")).to_be_hidden()
    expect(widget.locator(".g2c-stale")).to_have_count(0)
    after = shown(pixels, page, widget)[-2:]
    assert not np.array_equal(after[0], before[0]) and not np.array_equal(after[1], before[1])
    expect(page.locator(".jp-RenderedText[data-mime-type*=error]")).to_have_count(0)


def sheet(maps, chosen_at):
    """Maps (256, 16, 16), two white pixels around each, black ones around the chosen."""
    picture = np.full((16 * 18 + 2, 16 * 18 + 2), 255)
    top, left = 18 * (chosen_at // 16), 18 * (chosen_at % 16)
    picture[top : top + 20, left : left + 20] = 0
    for at, levels in enumerate(maps):
        top, left = 2 + 18 * (at // 16), 2 + 18 * (at % 16)
        picture[top : top + 16, left : left + 16] = levels
    return np.repeat(picture[..., None], 3, axis=-1)


def assert_shows_maps(pixels, page, maps, answer, scale, order, at):
    _, one, all_maps = shown(pixels, page, maps)
    number = order[at]
    levels = np.repeat(answer[scale][number][..., None], 3, axis=-1)
    np.testing.assert_allclose(one, levels, atol=1)  # as in a walk
    np.testing.assert_allclose(all_maps, sheet(answer[scale][order], at), atol=1)
    picture = maps.get_by_role("img", name=re.compile(f"^Map {number} of image"))
    expect(picture).to_have_attribute(
        "aria-label", re.compile(re.escape(answer["captions"][number]))
    )
    place = maps.get_by_label("Map", exact=True)
    expect(place).to_have_attribute("aria-valuetext", f"map {number}, place {at + 1} of 256")


def test_feature_maps_are_the_latent_in_any_order_and_scale(
    page, maps, pixels, expected_maps, save
):
    by_number = np.arange(256)
    place = maps.get_by_label("Map", exact=True)
    set_to(maps.get_by_label("Image", exact=True), 17)
    answer = expected_maps(17)
    place.press("Home")
    assert_shows_maps(pixels, page, maps, answer, "each", by_number, 0)
    place.press("ArrowRight")
    assert_shows_maps(pixels, page, maps, answer, "each", by_number, 1)
    gray = np.rint(GRAY[17] * 255).astype(int)
    np.testing.assert_array_equal(
        shown(pixels, page, maps)[0], np.repeat(gray[..., None], 3, axis=-1)
    )
    maps.get_by_label("Gray levels").select_option("one scale for all maps")
    assert_shows_maps(pixels, page, maps, answer, "common", by_number, 1)
    expect(maps).to_contain_text("black is {}, white {}".format(*answer["range"]))
    maps.get_by_label("Order").select_option("by mean activation, highest first")
    order = np.array(answer["order"])
    at = answer["order"].index(1)  # the same map is still chosen
    assert_shows_maps(pixels, page, maps, answer, "common", order, at)
    maps.get_by_label("Gray levels").select_option("each map in its own scale")
    place.press("End")
    assert_shows_maps(pixels, page, maps, answer, "each", order, 255)
    place.press("Home")
    assert_shows_maps(pixels, page, maps, answer, "each", order, 0)
    save(page, "feature-maps")
    maps.get_by_label("Image", exact=True).press("ArrowRight")  # the map stays, its place does not
    other = expected_maps(18)
    at = other["order"].index(order[0])
    assert_shows_maps(pixels, page, maps, other, "each", np.array(other["order"]), at)
    maps.get_by_label("Order").select_option("by number")


def test_another_model_may_be_chosen(page, maps, pixels, expected_maps, save):
    set_to(maps.get_by_label("Image", exact=True), 17)
    maps.get_by_label("Map", exact=True).press("Home")
    maps.get_by_label("Model", exact=True).select_option("untrained")
    title = maps.locator(".g2c-title", has_text="all 256 maps")
    expect(title).to_have_text("all 256 maps of 16 x 16, untrained")
    answer = expected_maps(17, 1)
    assert_shows_maps(pixels, page, maps, answer, "each", np.arange(256), 0)
    save(page, "feature-maps-untrained")
    maps.get_by_label("Model", exact=True).select_option("trained")
    expect(title).to_have_text("all 256 maps of 16 x 16, trained")


def test_a_click_on_the_sheet_chooses_a_map(page, maps, pixels, expected_maps):
    set_to(maps.get_by_label("Image", exact=True), 17)
    canvas = maps.locator("canvas").last
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for number in (0, 37, 255):
        row, column = divmod(number, 16)
        scale = box["width"] / 290
        spot = {"x": (18 * column + 10) * scale, "y": (18 * row + 10) * scale}
        canvas.click(position=spot)
        assert_shows_maps(pixels, page, maps, expected_maps(17), "each", np.arange(256), number)


def test_two_views_of_a_widget_show_the_same(page, walk, pixels):
    views = [walk, page.get_by_role("group", name="Latent walk").last]
    places = [view.get_by_label("Position") for view in views]
    assert places[0].evaluate("(one, other) => one !== other", places[1].element_handle())
    walk.get_by_label("Walk", exact=True).select_option("along a principal direction")
    views[1].get_by_label("Direction", exact=True).select_option(index=4)
    set_to(walk.get_by_label("From", exact=True), 8)
    for place in places:  # each view has a position of its own
        place.press("End")
    for first, second in zip(*(shown(pixels, page, view) for view in views), strict=True):
        np.testing.assert_array_equal(first, second)
    for view in views:
        title = view.locator(".g2c-title", has_text="walk from")
        expect(title).to_have_text("walk from image 8 along direction 5")
    views[1].get_by_label("Walk", exact=True).select_option("between two images")
    expect(walk.get_by_label("Direction", exact=True)).to_be_hidden()


def test_a_busy_kernel_is_reported_and_the_choice_is_not_lost(page, walk, pixels, mood):
    set_to(walk.get_by_label("To", exact=True), 1)
    set_to(walk.get_by_label("From", exact=True), 0)
    shown(pixels, page, walk)
    mood.write_text("slower")
    for _ in range(5):
        walk.get_by_label("From", exact=True).press("ArrowRight")
    expect(walk.get_by_role("alert")).to_contain_text("The kernel is busy")
    mood.write_text("good")
    expect(walk.get_by_role("alert")).to_be_hidden()
    title = walk.locator(".g2c-title", has_text="walk from")
    expect(title).to_have_text("walk from image 5 to image 1")
    expect(walk.locator(".g2c-stale")).to_have_count(0)


def test_no_image_gives_one_sentence(page):
    notice = page.get_by_role("group", name="Notice")
    expect(notice.get_by_role("alert")).to_contain_text("gray is empty")
    expect(notice.locator("canvas, input")).to_have_count(0)
