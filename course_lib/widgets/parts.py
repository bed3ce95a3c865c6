"""What every widget is made of: pixels for the browser, a still picture, an error in its place.

A widget holds its images in the browser, so that a slider moves without asking the kernel. Scripts
draw; results are computed here. Browsers are given one script for each widget: the shared ones and
the widget's own, joined.
"""

import base64
import functools
import html
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from IPython.display import display
from matplotlib.figure import Figure

from course_lib import plots
from course_lib.files import CourseError

FOLDER = Path(__file__).parent
SHARED_SCRIPTS = ("parts.js", "kernel.js", "chart.js")
VIEW = "application/vnd.jupyter.widget-view+json"
# JupyterLab and Notebook 7 show the still until the widget next to it is there, and again in a
# notebook that is opened without its kernel, in place of their message that there is no widget.
STILL_STYLE = """<style>
.jp-OutputArea-child:has(.g2c-still):has(+ .jp-OutputArea-child .g2c) { display: none; }
.jp-OutputArea-child:has(.g2c-still) + .jp-OutputArea-child:not(:has(.g2c)) { display: none; }
</style>"""
# A trait that keeps its order where JSON is saved with sorted keys: a mapping, sent as pairs.
PAIRS = {"sync": True, "to_json": lambda mapping, _: [list(pair) for pair in mapping.items()]}


class Widget(anywidget.AnyWidget):
    """A widget with a still picture for pages without a kernel, and a place for an error message.

    A subclass names its script: `class Scrubber(Widget, script="scrubber.js")`. What the reader
    chooses is in traits, which may be read and set in Python, and last as long as the kernel.

    Args:
        still: what is shown in print, in a committed notebook, on a page without a kernel.
        alt: the same in one or two sentences.
        traits: values of the subclass's traits.
    """

    error = traitlets.Unicode().tag(sync=True)
    still_id = traitlets.Unicode().tag(sync=True)  # a class of the elements that hold the still
    _css = (FOLDER / "parts.css").read_text()

    def __init_subclass__(cls, script: str = "", **kwargs: Any) -> None:
        if script:  # anywidget makes subclasses of its own, without one
            cls._esm = "\n".join((FOLDER / name).read_text() for name in (*SHARED_SCRIPTS, script))
        super().__init_subclass__(**kwargs)

    def __init__(self, still: Figure | None, alt: str, **traits: Any) -> None:
        super().__init__(still_id=f"g2c-still-{secrets.token_hex(8)}", **traits)
        self._still = still
        self._alt = alt

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        alt = html.escape(self._alt)
        content = f"<p>{alt}</p>"
        if self._still is not None:
            image = base64.b64encode(plots.png(self._still)).decode()
            data["image/png"] = image
            metadata["image/png"] = {"alt": self._alt}
            content = f'<img src="data:image/png;base64,{image}" alt="{alt}">'
        data["text/plain"] = self._alt
        data["text/html"] = f'<div class="g2c-still {self.still_id}">{content}</div>{STILL_STYLE}'
        return data, metadata

    def _ipython_display_(self) -> None:
        """Show the still and then the widget, as two outputs, so that a saved still can be seen."""
        data, metadata = self._repr_mimebundle_()
        view = data.pop(VIEW)
        display(data, metadata=metadata, raw=True)
        display({VIEW: view}, raw=True)


class KernelWidget(Widget):
    """A widget whose choices the kernel answers. The latest choice wins.

    `request` is the latest choice; `answer` repeats it beside a result, or beside a `failure` in
    words. So the browser can tell, and shows no result under a newer choice.

    Args:
        compute: takes the items of a request and returns a result: bytes, numbers, text.
        request: the first choice. A CourseError about it is raised; later ones are shown.
        traits: those of `Widget` and of the subclass.
    """

    request: traitlets.List[Any] = traitlets.List().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(
        self, compute: Callable[..., dict[str, Any]], request: list[Any], **traits: Any
    ) -> None:
        answer = {"request": request, **compute(*request)}
        super().__init__(request=request, answer=answer, **traits)
        self._compute = compute
        self.observe(self._respond, "request")
        self.on_msg(self._say_it_is_here)

    def _say_it_is_here(self, _: Any, content: Any, __: Any) -> None:
        """Tell a browser that waits for an answer that this kernel will give one."""
        if content == "are you there?":
            self.send("yes")

    def _respond(self, change: Any) -> None:
        request = change["new"]
        try:
            result = self._compute(*request)
        except CourseError as reason:
            result = {"failure": str(reason)}
        except Exception as error:
            result = {"failure": f"This cannot be shown ({error!r}); choose something else."}
        self.answer = {"request": request, **result}


class Notice(Widget, script="notice.js"):
    """A message of one sentence in place of a widget."""


def notice_on_error(build: Callable[..., Widget]) -> Callable[..., Widget]:
    """Let a function that makes a widget return a `Notice` where it would raise CourseError."""

    @functools.wraps(build)
    def wrapper(*args: Any, **kwargs: Any) -> Widget:
        try:
            return build(*args, **kwargs)
        except CourseError as reason:
            return Notice(None, str(reason), error=str(reason))

    return wrapper


def as_bytes(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) of images of any kind that `plots.as_rgb` takes.

    Raises:
        CourseError: as `plots.as_rgb`: another shape, no image, NaN or values outside [0, 1].
    """
    levels: np.ndarray = np.rint(plots.as_rgb(images) * 255).astype(np.uint8)
    return levels
