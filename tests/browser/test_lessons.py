"""Every lesson that shows a widget: run in JupyterLab, and its sliders moved."""

from contextlib import contextmanager

import nbformat
import pytest
from playwright.sync_api import expect

from course_tools.lessons.lesson_source import all_lessons, tags

NOTEBOOKS = {
    lesson.name: nbformat.read(lesson.notebook, as_version=4)
    for lesson in all_lessons()
    if lesson.notebook.exists()
}
WIDGETS = {
    name: [place for place, cell in enumerate(notebook.cells) if "widget" in tags(cell)]
    for name, notebook in NOTEBOOKS.items()
}
# Everything drawn: canvases, curves, pictures that came from the kernel.
DRAWN = """(output) => [...output.querySelectorAll("canvas, svg, img")].map(
  (node) => node.toDataURL?.() ?? node.src ?? node.outerHTML).join()"""
DRAWN_ANEW = f"([output, before]) => ({DRAWN})(output) !== before"
SHARE = "(slider) => (slider.value - slider.min) / (slider.max - slider.min)"


def test_some_lessons_show_widgets():
    assert any(WIDGETS.values())


@contextmanager
def moved(output, slider):
    """What is done here must move the slider, and change what is drawn."""
    before, value = output.evaluate(DRAWN), slider.input_value()
    yield
    assert slider.input_value() != value
    output.page.wait_for_function(DRAWN_ANEW, arg=[output.element_handle(), before])


@pytest.mark.timeout(1000)
@pytest.mark.parametrize("name", [name for name, places in WIDGETS.items() if places])
def test_a_lesson_runs_in_jupyterlab_and_its_widgets_move(lab, name, select_cell, save):
    page = lab.open(NOTEBOOKS[name])  # fails if a cell does
    for number, place in enumerate(WIDGETS[name], start=1):
        select_cell(page, place)
        output = page.locator(".jp-Cell.jp-mod-active .jp-Cell-outputArea")
        slider = output.locator("input[type=range]").first
        expect(slider).to_be_visible()
        expect(output.get_by_role("alert")).to_have_count(0)
        assert output.evaluate(DRAWN), "nothing is drawn"
        with moved(output, slider):
            slider.press("ArrowLeft" if slider.evaluate(SHARE) == 1 else "ArrowRight")
        box = slider.bounding_box()
        share = 0.2 if slider.evaluate(SHARE) > 0.5 else 0.8  # far from where it stands
        with moved(output, slider):
            slider.click(position={"x": share * box["width"], "y": box["height"] / 2})
        save(page, f"{name}-{number}")
