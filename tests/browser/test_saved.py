"""A notebook with widgets that is saved, and opened again when its kernel is there or is not."""

import json

import nbformat
import pytest
from playwright.sync_api import expect

import browser
from course_lib import widgets

CONTROLS = """(widget) => [...widget.querySelectorAll("input, select")].map((node) => node.value)"""
# Another value for every control: the other end of a slider, the next option of a list.
MOVE_ALL = """(widget) => [...widget.querySelectorAll("input, select")].forEach((node) => {
  const isSlider = node.type === "range";
  const { min, max, value } = node;
  if (isSlider) node.value = value === max ? min : max;
  else node.selectedIndex = (node.selectedIndex + 1) % node.length;
  node.dispatchEvent(new Event(isSlider ? "input" : "change"));
})"""
# A widget, a trait of it, a value to give it in Python, the control that shows it and its value,
# and the value that the trait has after the right arrow is pressed there.
TRAITS = [
    ("compare_models", "image", 0, "Image", "1", 1),
    ("compare_models", "wipe", 1.0, "Wipe from gray to truth", "1", 1 + 1 / 32),
    ("explore_schedules", "request", [0.5, 3, 0.0, 2, 0.0], "patience", "2", [0.5, 4, 0.0, 2, 0.0]),
    ("mix_gray", "level", 100, "Gray level of the pairs", "100", 101),
    ("mix_gray", "sliders", [0.25, 0.5, 0.0], "Green", "0.5", [0.25, 0.51, 0.0]),
    ("scrub_training", "epoch", 3, "Epoch", "3", 4),
    ("show_feature_maps", "map", 7, "Map", "7", 8),
    ("show_feature_maps", "request", [1, 1], "Image", "1", [2, 1]),
    ("walk_latent", "frame", 4, "Position", "4", 5),
    ("walk_latent", "request", ["pair", 0, 1], "To", "1", ["pair", 0, 2]),
]


@pytest.fixture(scope="module")
def cells(widget_cells):
    """The cells that show all widgets, each of which is kept under its name."""
    setup, *calls = widget_cells
    named = [f"{name} = {call}\n{name}" for name, call in zip(widgets.__all__, calls, strict=True)]
    return [setup, *named]


def stills_alone(page):
    """Whether each widget's still stands in its place, with its alt text, and nothing beside it."""
    stills = page.locator(".g2c-still img")
    expect(stills).to_have_count(len(widgets.__all__))
    for still in stills.all():
        expect(still).to_be_visible()
        assert len(still.get_attribute("alt")) > 40
        assert still.evaluate("(image) => image.complete && image.naturalWidth > 100")
    expect(page.locator(".g2c")).to_have_count(0)
    outputs = page.locator(".jp-OutputArea-output:visible")
    assert not any(text.strip() for text in outputs.all_inner_texts()), "more than the stills"


@pytest.mark.parametrize("notebook_7", [False, True], ids=["JupyterLab", "Notebook 7"])
def test_opened_without_running_it_shows_the_stills(lab, cells, notebook_7, save):
    page = lab.open_cells(*cells, notebook_7=notebook_7)
    expect(page.locator(".g2c")).to_have_count(len(widgets.__all__))
    expect(page.locator(".g2c-still:visible")).to_have_count(0)
    path = lab.save(page)
    lab.close(page)
    assert path.stat().st_size < 2_000_000
    for _ in range(2):  # what was opened is saved and opened once more
        page = lab.open_file(path, notebook_7)
        page.wait_for_function(browser.DONE_AND_SHOWN)
        stills_alone(page)
        save(page, f"saved, {'Notebook 7' if notebook_7 else 'JupyterLab'}")
        assert lab.save(page) == path
        lab.close(page)
    assert {problem.splitlines()[0] for problem in lab.problems} <= {
        "Error: widget model not found"  # JupyterLab tells the console, but not the reader
    }
    lab.problems.clear()


def test_a_notebook_that_is_not_trusted_shows_the_stills_too(lab, cells):
    page = lab.open_cells(*cells)
    notebook = nbformat.read(lab.save(page), as_version=4)
    notebook.cells[0].source += "\n# from somebody else"
    lab.close(page)
    page = lab.open_file(lab.write(notebook))
    stills_alone(page)
    lab.close(page)


@pytest.fixture(scope="module")
def page(lab, cells):
    return lab.open_cells(*cells)


def widget_of(page, name):
    return page.locator(".g2c").nth(widgets.__all__.index(name))


@pytest.mark.parametrize(("name", "trait", "value", "label", "shown", "after"), TRAITS)
def test_a_choice_can_be_read_and_set_in_python(page, name, trait, value, label, shown, after):
    browser.printed(page, f"{name}.{trait} = {value!r}")
    control = widget_of(page, name).get_by_label(label, exact=True)
    expect(control).to_have_value(shown)
    control.press("ArrowRight")
    for _ in range(100):
        found = json.loads(browser.printed(page, f"import json; print(json.dumps({name}.{trait}))"))
        if found == after:
            break
        page.wait_for_timeout(100)
    assert found == after


def test_choices_last_over_a_reload_of_the_page(lab, page):
    chosen = {}
    for name in widgets.__all__:
        before = widget_of(page, name).evaluate(CONTROLS)
        widget_of(page, name).evaluate(MOVE_ALL)
        expect(page.locator(".g2c [aria-busy=true]")).to_have_count(0)
        chosen[name] = widget_of(page, name).evaluate(CONTROLS)
        moved = [now != then for now, then in zip(chosen[name], before, strict=True)]
        assert sum(moved) > len(moved) / 2, name
    lab.save(page)
    page.reload()
    page.wait_for_function(browser.OPEN_AND_IDLE)
    expect(page.locator(".g2c")).to_have_count(len(widgets.__all__))
    expect(page.locator(".g2c-still:visible")).to_have_count(0)
    for name in widgets.__all__:
        assert widget_of(page, name).evaluate(CONTROLS) == chosen[name], name
