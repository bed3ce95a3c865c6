"""Widgets whose kernel is busy, was restarted or has been shut down."""

import pytest
from playwright.sync_api import expect

import browser
from course_lib import widgets

# What needs Python of each widget that asks it, as the control that asks.
ASKING = {
    "explore_schedules": "patience",
    "mix_gray": "Compare with",
    "show_feature_maps": "Image",
    "walk_latent": "To",
}
NO_ANSWER = "No answer. Run the cell again."
BUSY = """() => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.requestExecute({ code: "import time; time.sleep(600)" });
}"""


@pytest.fixture
def page(open_notebook, widget_cells):
    return open_notebook(*widget_cells)


def widget_of(page, name):
    return page.locator(".g2c").nth(widgets.__all__.index(name))


def ask(page, name):
    """Move a control of a widget that asks the kernel, and give the place of its message."""
    widget = widget_of(page, name)
    control = widget.get_by_label(ASKING[name], exact=True)
    control.press("ArrowUp" if control.input_value() in ("0", "1", "4") else "ArrowDown")
    return widget.get_by_role("alert")


def others_go_on(page):
    """Widgets that need no kernel can still be used."""
    scrubber = widget_of(page, "scrub_training")
    scrubber.get_by_label("Epoch", exact=True).press("Home")
    expect(scrubber).to_contain_text("Prediction after epoch 1 of")
    expect(scrubber.get_by_role("alert")).to_be_hidden()


def test_a_restarted_kernel_gives_no_answer(page, save):
    page.evaluate(browser.RESTART_KERNEL)
    for name in ASKING:
        expect(ask(page, name)).to_have_text(NO_ANSWER)
    others_go_on(page)
    save(page, "no answer")


def test_a_kernel_that_is_shut_down_gives_no_answer(lab, page):
    page.evaluate(browser.STOP_KERNEL)
    for name in ASKING:
        expect(ask(page, name)).to_have_text(NO_ANSWER)
    others_go_on(page)
    page.evaluate("0")  # what the page has said by now has then been heard
    # JupyterLab's widget manager writes to the console that it cannot send.
    assert all("Could not send widget sync message" in problem for problem in lab.problems)
    lab.problems.clear()


def test_a_kernel_that_is_restarted_while_it_is_busy_gives_no_answer(page):
    page.evaluate(BUSY)
    message = ask(page, "walk_latent")
    expect(message).to_contain_text("The kernel is busy")
    page.wait_for_timeout(5000)
    expect(message).to_contain_text("The kernel is busy")
    page.evaluate(browser.RESTART_KERNEL)
    expect(message).to_have_text(NO_ANSWER)
