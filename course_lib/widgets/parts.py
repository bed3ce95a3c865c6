"""What every widget is made of: pixels for the browser, a still picture, an error in its place.

A widget holds its frames in the browser, so that a slider moves without asking the kernel. The
script of a widget is `parts.js` and a file of its own; it draws, and computes no result.
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


class Widget(anywidget.AnyWidget):
    """A widget that leaves a picture where no kernel runs, and says an error where it would be.

    A subclass names its script: `class Scrubber(Widget, script="scrub.js")`.

    Args:
        still: what is seen on paper, in a committed notebook, on a page without a kernel.
        alt: the same in one or two sentences.
        traits: values of the subclass's traits.
    """

    error = traitlets.Unicode().tag(sync=True)
    _css = (FOLDER / "parts.css").read_text()

    def __init_subclass__(cls, script: str = "", **kwargs: Any) -> None:
        if script:  # anywidget makes subclasses of its own, without one
            cls._esm = "\n".join((FOLDER / name).read_text() for name in ("parts.js", script))
        super().__init_subclass__(**kwargs)

    def __init__(self, still: Figure | None, alt: str, **traits: Any) -> None:
        super().__init__(**traits)
        self._still = still
        self._alt = alt

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        data["text/plain"] = self._alt
        if self._still is not None:
            data["image/png"] = base64.b64encode(plots.png(self._still)).decode()
            metadata["image/png"] = {"alt": self._alt}
        return data, metadata


class Notice(Widget, script="notice.js"):
    """One clear sentence in place of a widget."""


def says_what_is_wrong(build: Callable[..., Widget]) -> Callable[..., Widget]:
    """Let a function that makes a widget return a notice where it would raise CourseError."""

    @functools.wraps(build)
    def careful(*args: Any, **kwargs: Any) -> Widget:
        try:
            return build(*args, **kwargs)
        except CourseError as reason:
            return Notice(None, str(reason), error=str(reason))

    return careful


def as_bytes(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) of images of any kind that `plots.as_rgb` takes.

    Raises:
        CourseError: as `plots.as_rgb`: another shape, no image, NaN or values outside [0, 1].
    """
    return np.rint(plots.as_rgb(images) * 255).astype(np.uint8)
