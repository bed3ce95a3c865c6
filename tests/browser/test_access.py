"""Every widget: all of it by keyboard, named for screen readers, in narrow windows; Notebook 7."""

import re

import pytest
from playwright.sync_api import expect

from course_lib import widgets

CONTROLS = "input, select, textarea, button, summary, a[href], [tabindex]:not([tabindex='-1'])"
FOCUSED = """(widget) => {
  const node = document.activeElement;
  if (!widget.contains(node)) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  return { place: [...widget.querySelectorAll("*")].indexOf(node),
           outline: outlineStyle === "none" ? 0 : parseFloat(outlineWidth) };
}"""
# Of radio buttons that belong together the keyboard reaches the chosen one.
REACHABLE = """(widget, controls) => {
  const all = [...widget.querySelectorAll("*")];
  return [...widget.querySelectorAll(controls)]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.disabled)
    .filter((node) => node.type !== "radio" || node.checked)
    .map((node) => all.indexOf(node));
}"""
OVERFLOW = """(widget) => {
  const edge = Math.min(widget.getBoundingClientRect().right, innerWidth) + 0.5;
  return [widget, ...widget.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > edge)
    .map((node) => `${node.tagName} ${node.getAttribute("class") ?? ""} ${node.textContent}`);
}"""
DISTORTED = """(widget) => [...widget.querySelectorAll("canvas")]
  .filter((node) => node.checkVisibility())
  .map((node) => (node.clientWidth / node.clientHeight) / (node.width / node.height))
  .filter((times) => Math.abs(times - 1) > 0.02)"""
SMALLEST = """(widget) => Math.min(...[...widget.querySelectorAll("text")].map(
  (node) => parseFloat(getComputedStyle(node).fontSize) * node.ownerSVGElement.getScreenCTM().a))"""
DRAWN = """(widget) => [...widget.querySelectorAll("canvas, svg")].map(
  (node) => node.toDataURL?.() ?? node.outerHTML).join()"""
# In CSS pixels. A window of 1280 x 1024 at 200 % has half as many of them.
WINDOWS = {"400 px wide": (400, 900), "1280 px at 200 %": (640, 512)}

every_widget = pytest.mark.parametrize("name", widgets.__all__)


@pytest.fixture(scope="module")
def page(open_notebook, widget_cells):
    """One notebook with all widgets, in the order of their names."""
    return open_notebook(*widget_cells)


@pytest.fixture
def widget(page, name):
    widget = page.locator(".g2c").nth(widgets.__all__.index(name))
    expect(widget).to_be_visible()
    return widget


@every_widget
def test_tab_reaches_every_control_in_order_and_shows_where_it_is(page, name, widget, select_cell):
    expected = widget.evaluate(REACHABLE, CONTROLS)
    assert expected
    select_cell(page, 1 + widgets.__all__.index(name))
    seen = []
    for _ in range(len(expected) + 1):
        page.keyboard.press("Tab")
        focused = widget.evaluate(FOCUSED)
        assert focused is None or focused["outline"] >= 2, "the focus is not visible"
        seen.append(focused and focused["place"])
    assert seen == [*expected, None]  # and then leaves


@every_widget
def test_everything_has_a_name_for_screen_readers(name, widget):
    roles = "slider|combobox|spinbutton|checkbox|radio|button|textbox|img|group|table"
    tree = widget.aria_snapshot()
    lines = re.findall(rf"^\s*- ({roles})\b(.*)$", tree, re.MULTILINE)
    assert any(role in ("slider", "combobox") for role, _ in lines), tree
    nameless = [role for role, rest in lines if not re.match(r' ".*\w', rest)]
    assert nameless == [], tree


@every_widget
@pytest.mark.parametrize("window", WINDOWS)
def test_it_can_be_used_in_a_narrow_window(page, name, widget, window, save):
    before = page.viewport_size
    width, height = WINDOWS[window]
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("(width) => innerWidth === width", arg=width)
    widget.scroll_into_view_if_needed()
    found = {what: widget.evaluate(what) for what in (OVERFLOW, DISTORTED, SMALLEST)}
    save(page, f"{name}, {window}")
    page.set_viewport_size(before)
    assert found[OVERFLOW] == [], "something sticks out"
    assert found[DISTORTED] == [], "a picture is squeezed"
    assert found[SMALLEST] is None or found[SMALLEST] >= 8, "letters of a chart are too small"


def test_all_of_them_work_in_notebook_7(open_notebook, widget_cells, save):
    page = open_notebook(*widget_cells, notebook_7=True)
    assert "/notebooks/" in page.url
    for number, name in enumerate(widgets.__all__):
        widget = page.locator(".g2c").nth(number)
        slider = widget.locator("input[type=range]").first
        before, value = widget.evaluate(DRAWN), slider.input_value()
        slider.press("Home" if name == "scrub_training" else "End")
        assert slider.input_value() != value, name
        page.wait_for_function(f"([widget, before]) => ({DRAWN})(widget) !== before",
                               arg=[widget.element_handle(), before])  # fmt: skip
        save(page, f"{name}, Notebook 7")
