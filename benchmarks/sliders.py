"""How fast the pictures follow a slider, whether they lag, and what moving it costs in memory.

Five models are compared in JupyterLab, in headless Chromium, by arrow keys that are held. A move
lasts from the key press until the browser has drawn a frame in which all five pictures are new.
Run it on an idle machine: `.venv/bin/python benchmarks/sliders.py`. The last line is one JSON
object:

- median_ms, p95_ms: of 200 moves at 30 a second, after 200 to warm up;
- lost_values: times a key was let go and the pictures were not those of the last value;
- growth_mb: what the next 2,000 moves add to kernel and page, resident memory of both processes;
  the page's JavaScript heap is a part of it and also told alone.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, Locator, Page

from course_lib import data, grayscale
from course_lib.widgets.parts import as_bytes
from course_tools import chromium

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
import browser

IMAGES = 200
MODELS = 5
HELD = 20  # moves before the key is let go
KEYS_PER_SECOND = 30  # as fast as keyboards repeat

CELLS = """
import os
from course_lib import data, grayscale, widgets
truth = data.as_float(data.load_cifar10("sample").x_test[:{images}])
gray = grayscale.to_gray(truth)[..., None]
pictures = {{f"model {{k}}": gray + (truth - gray) * k / {models} for k in range({models})}}
print(os.getpid())
widgets.compare_models(pictures, truth)
"""
# After every frame: when it was drawn, for every key whose pictures are all new in it.
WATCH = """(widget) => {
  const slider = widget.querySelector("input[type=range]");
  const canvases = [...widget.querySelectorAll("canvas")].slice(1, 1 + MODELS);
  const read = () => canvases.map((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.join());
  let [waiting, last] = [[], read()];
  window.moves = [];
  slider.addEventListener("keydown", ({ timeStamp }) => waiting.push(timeStamp), true);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {  // the frame is drawn
    const now = performance.now();
    if (!waiting.length) return;
    const next = read();
    if (next.some((pixels, place) => pixels === last[place])) return;
    window.moves.push(...waiting.map((pressed) => now - pressed));
    [waiting, last] = [[], next];
  };
  const look = () => { port2.postMessage(null); requestAnimationFrame(look); };
  look();
}""".replace("MODELS", str(MODELS))


def main() -> None:
    executable = chromium.find()
    if executable is None:
        raise SystemExit("There is no Chromium; run: make browser")
    with browser.jupyter_lab() as server, browser.chromium(executable) as running:
        lab = browser.Lab(running, server)
        page = lab.open_cells(CELLS.format(images=IMAGES, models=MODELS))
        widget = page.locator(".g2c")
        widget.get_by_label("Image", exact=True).focus()
        widget.evaluate(WATCH)
        print(json.dumps(measure(running, page, widget)))
        lab.close(page)


def measure(chromium: Browser, page: Page, widget: Locator) -> dict:
    """The figures named at the top of this file."""
    pictures = model_pictures()
    lost = move(page, widget, pictures, 200, KEYS_PER_SECOND)
    page.evaluate("() => { window.moves = []; }")
    lost += move(page, widget, pictures, 200, KEYS_PER_SECOND)
    milliseconds = page.evaluate("() => window.moves")
    before = memory(chromium, page)
    lost += move(page, widget, pictures, 2_000)
    after = memory(chromium, page)
    growth = {name: round(after[name] - before[name], 1) for name in before}
    return {
        "moves": len(milliseconds),
        "median_ms": round(float(np.median(milliseconds)), 1),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 1),
        "lost_values": lost,
        "growth_mb": round(max(growth["kernel"], 0) + max(growth["page"], 0), 1),
        "growth_mb_of": growth,
    }


def model_pictures() -> np.ndarray:
    """uint8 (MODELS, IMAGES, 32, 32, 3): what the cell shows, computed here once more."""
    truth = data.as_float(data.load_cifar10("sample").x_test[:IMAGES])
    gray = grayscale.to_gray(truth)[..., np.newaxis]
    return np.stack([as_bytes(gray + (truth - gray) * k / MODELS) for k in range(MODELS)])


def move(
    page: Page, widget: Locator, pictures: np.ndarray, moves: int, per_second: float = np.inf
) -> int:
    """Hold arrow keys, back and forth; returns how often the last value was not shown."""
    slider = widget.get_by_label("Image", exact=True)
    canvases = [widget.locator("canvas").nth(1 + k) for k in range(MODELS)]
    lost = 0
    for hold in range(moves // HELD):
        key, step = (("ArrowRight", 1), ("ArrowLeft", -1))[hold // 5 % 2]
        expected = int(slider.input_value()) + step * HELD
        begin = time.perf_counter()
        for press in range(HELD):
            page.keyboard.down(key)  # again without up: the key repeats
            wait = begin + (press + 1) / per_second - time.perf_counter()
            if wait > 0:
                page.wait_for_timeout(1000 * wait)
        page.keyboard.up(key)
        shown = np.stack([browser.pixels(canvas) for canvas in canvases])
        same_value = int(slider.input_value()) == expected
        lost += not (same_value and np.array_equal(shown, pictures[:, expected - 1]))
    return lost


def memory(chromium: Browser, page: Page) -> dict[str, float]:
    """MB: resident memory of the kernel and of the page's process, and the page's heap."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    processes = chromium.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [psutil.Process(one["id"]) for one in processes if one["type"] == "renderer"]
    kernel = psutil.Process(int(page.locator(".jp-OutputArea-output pre").first.inner_text()))
    return {
        "kernel": kernel.memory_info().rss / 1e6,
        "page": sum(process.memory_info().rss for process in renderers) / 1e6,
        "heap": heap / 1e6,
    }


if __name__ == "__main__":
    main()
