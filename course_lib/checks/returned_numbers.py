"""What an answer returned, as numbers: which types count as numbers, and how they are shown.

The grader takes the same types: `course_tools.grading.sandbox.codec` carries each of them.
"""

from collections.abc import Iterator, KeysView, ValuesView
from contextlib import suppress
from itertools import islice
from numbers import Number
from typing import Any

import numpy as np

MAX_ITEMS = 50_000  # that are taken from a generator; it may have no end
MAX_SHOWN = 32  # numbers of an array that a sentence shows in full
UNEVEN = "Its rows must be of equal length"
_ADVICE = {
    "function": "Call it, with parentheses",
    "builtin_function_or_method": "Call it, with parentheses",
    "method": "Call it, with parentheses",
    "ellipsis": "Replace the three dots",
    "set": "A set has no order: return a list",
    "dict": "Return the value alone that is asked for",
    "bytes": "Return an array",
    "complex": "Take the real part, if that is what you mean",
}


_KINDS = (*_ADVICE, "str", "list", "tuple", "type", "module")


class NotNumbers(ValueError):
    """Something that cannot be read as an array of numbers. The message says why."""


def plain(value: Any) -> Any:
    """A copy of `value` that later calls cannot change, with tensors as arrays.

    A generator becomes the list of its values.
    """
    if isinstance(value, Iterator | KeysView | ValuesView):
        return [plain(part) for part in islice(value, MAX_ITEMS)]
    if isinstance(value, list | tuple):
        parts = [plain(part) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, np.ndarray):
        return value.copy()
    return _from_tensor(value) if hasattr(value, "numpy") else value


def _from_tensor(tensor: Any) -> Any:
    """A copy as an array; the tensor itself if it has no numbers, as on the device "meta"."""
    with suppress(Exception):
        if not hasattr(tensor, "detach"):
            return np.array(tensor.numpy())  # TensorFlow's, and Keras' on it
        local = tensor.detach().cpu()
        # NumPy has no bfloat16.
        return np.array(local.float() if str(local.dtype) == "torch.bfloat16" else local)
    return tensor


def as_array(value: Any) -> np.ndarray:
    """`value` as an array of numbers; a fraction's exactness is left behind.

    Raises:
        NotNumbers: it is none.
    """
    kind = type(value).__name__
    try:
        array = np.asarray(plain(value))
        if array.dtype.kind == "V" or _is_of_numbers(array):  # "V": TensorFlow's bfloat16
            array = array.astype(float)
    except Exception as error:
        advice = UNEVEN if "inhomogeneous" in str(error) else _ADVICE.get(kind)
        raise NotNumbers(_sentence(kind, advice)) from error
    if array.dtype.kind not in "biuf":
        raise NotNumbers(_sentence(kind, _ADVICE.get(kind)))
    return array


def sentences() -> list[str]:
    """What is said of common types that are no numbers."""
    return [_sentence(kind, _ADVICE.get(kind)) for kind in _KINDS] + [
        _sentence(kind, UNEVEN) for kind in ("list", "tuple")
    ]


def _is_of_numbers(array: np.ndarray) -> bool:
    """Whether an array of Python objects holds numbers only, such as fractions."""
    return array.dtype.kind == "O" and all(isinstance(one, Number) for one in array.flat)


def _sentence(kind: str, advice: str | None) -> str:
    says = f"Your function returns {kind}, not numbers."
    return f"{says[:-1]}: {advice[0].lower()}{advice[1:]}." if advice else says


def in_words(value: Any) -> str:
    """A short array in full, a long one by shape and type; anything else as Python prints it."""
    array = np.asarray(value)
    numbers = array.dtype.kind in "biuf"
    if array.size > (MAX_SHOWN if numbers else 4):
        return f"an array of shape {array.shape} and type {array.dtype}"
    if not isinstance(value, np.ndarray):
        return str(value)
    text = np.array2string(array, separator=", ", formatter={"float_kind": "{:.5g}".format})
    return " ".join(text.split())
