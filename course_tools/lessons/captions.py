"""What a picture of an expected output shows, in words, under the labels of the picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MAX_LISTED = 24  # numbers of an array that are listed; of a longer one the shape is told


def short(value: Any, max_listed: int = MAX_LISTED) -> str:
    """A number, or an array of numbers, in few characters; all else as Python prints it."""
    if isinstance(value, np.ndarray | list | tuple):
        array = np.asarray(value)
        if array.size > max_listed:
            return f"array {array.shape}"
        return _nested(array.squeeze()) if array.dtype.kind in "biuf" else str(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def listing(numbers: np.ndarray) -> str:
    """The numbers of a row, with five digits each."""
    return ", ".join(f"{number:.5g}" for number in numbers)


def _nested(array: np.ndarray) -> str:
    if array.ndim == 0:
        return short(array[()])
    return f"({listing(array) if array.ndim == 1 else ', '.join(map(_nested, array))})"


def labelled(label: str, value: Any, max_listed: int = MAX_LISTED) -> str:
    """A value behind its label, in one line."""
    return f"{label} {short(value, max_listed)}".replace("\n", ", ")


def caption(panels: Sequence[Mapping[str, Any]], max_length: int) -> str:
    """All panels in words: with their numbers or, where these take too much room, with fewer."""
    for max_listed in (MAX_LISTED, 0):
        cases = (", ".join(labelled(*item, max_listed) for item in p.items()) for p in panels)
        text = "; ".join(cases)
        if len(text) <= max_length:
            return text
    answers = [labelled(*list(panel.items())[-1]) for panel in panels]
    return f"{len(panels)} cases: {'; '.join(answers)}"
