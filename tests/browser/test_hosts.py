"""A widget where there is no JupyterLab: another dark page, bytes of another kind, its keys."""

import base64

import pytest

from course_lib.results import published
from course_lib.widgets import scrub_training

# A page that shows a widget as another host would: with a model of its own, no --jp-* variables.
SHOW = """async ([script, style, state, bytes, kind]) => {
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  for (const [name, text] of Object.entries(bytes)) {
    const array = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    state[name] = { ArrayBuffer: array.buffer, Uint8Array: array,
                    DataView: new DataView(array.buffer) }[kind];
  }
  const handlers = {};
  const model = {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const handle of handlers[`change:${name}`] ?? []) handle();
    },
    on: (name, handle) => (handlers[name] ??= []).push(handle),
    off() {},
    save_changes() {},
    send() {},
  };
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const el = document.body.appendChild(document.createElement("div"));
  (await import(url)).default.render({ model, el, signal: new AbortController().signal });
  window.outside = [];
  document.addEventListener("keydown", ({ key }) => window.outside.push(key));
}"""
PIXELS = ("predictions", "gray", "truth")
OTHERS = ("_esm", "_css", "error", "still_id", "size", "curves", "events", "title", "epoch")
DARK = "<body class='vscode-dark' style='background: #1e1e1e; color: #d4d4d4'></body>"
INK = "(node) => getComputedStyle(node).color"


@pytest.fixture(scope="module")
def run():
    return published.load("conv_latent")


@pytest.fixture(params=["ArrayBuffer", "Uint8Array", "DataView"])
def page(lab, run, request):
    state = scrub_training(run).get_state([*PIXELS, *OTHERS])
    script, style = state.pop("_esm"), state.pop("_css")
    data = {name: base64.b64encode(state.pop(name)).decode() for name in PIXELS}
    page = lab.blank_page()
    page.set_content(DARK)
    page.evaluate(SHOW, [script, style, state, data, request.param])
    yield page
    page.context.close()


def test_a_dark_page_is_readable_bytes_are_read_and_shortcuts_pass(page, run, pixels):
    truth = pixels(page, page.get_by_role("img", name="Truth"))
    assert (truth[:32, :32] == run.truth[0]).all()
    for part in ("label", "output", ".g2c-title", "figcaption"):
        ink = page.locator(f".g2c {part}:not(:empty)").first.evaluate(INK)
        assert ink == "rgb(212, 212, 212)", part
    slider = page.get_by_label("Epoch", exact=True)
    plain = ["ArrowLeft", "Home", "a", "Shift+M", "Enter"]
    passing = {"Control+s": "s", "Control+Shift+C": "C", "Alt+x": "x", "Escape": "Escape"}
    for key in [*plain, *passing]:
        slider.press(key)
    modifiers = ("Control", "Alt", "Shift")
    outside = [key for key in page.evaluate("window.outside") if key not in modifiers]
    assert outside == list(passing.values())
    assert slider.input_value() == "1"
