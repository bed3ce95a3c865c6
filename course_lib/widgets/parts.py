"""What every widget is made of: pixels for the browser, a still picture, an error in its place.

A widget holds its images in the browser, so that a slider moves without asking the kernel. Scripts
draw; results are computed here. Browsers are given one script for each widget: the shared ones and
the widget's own, joined.
"""

import base64
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from course_lib import plots
from course_lib.files import CourseError

FOLDER = Path(__file__).parent
SHARED_SCRIPTS = ("parts.js", "kernel.js", "chart.js")


class Widget(anywidget.AnyWidget):
    """A widget with a still picture for pages without a kernel, and a place for an error message.

    A subclass names its script: `class Scrubber(Widget, script="scrubber.js")`.

    Args:
        still: what is shown in print, in a committed notebook, on a page without a kernel.
        alt: the same in one or two sentences.
        traits: values of the subclass's traits.
    """

    error = traitlets.Unicode().tag(sync=True)
    _css = (FOLDER / "parts.css").read_text()

    def __init_subclass__(cls, script: str = "", **kwargs: Any) -> None:
        if script:  # anywidget makes subclasses of its own, without one
            cls._esm = "\n".join((FOLDER / name).read_text() for name in (*SHARED_SCRIPTS, script))
        super().__init_subclass__(**kwargs)

    def __init__(self, still: Figure | None, alt: str, **traits: Any) -> None:
        super().__init__(**traits)
        self._still = still
        self._alt = alt

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        data["text/plain"] = self._alt
        if self._still is not None:
            data["image/png"] = base64.b64encode(plots.png(self._still)).decode()
            metadata["image/png"] = {"alt": self._alt}
        return data, metadata


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
