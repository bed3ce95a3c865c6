"""Values that go into the sandbox and come out of it, as plain JSON. No pickle: nothing can run.

Numbers, short texts, lists, tuples, dictionaries and arrays of numbers arrive as they are, and all
else that a check takes as numbers, such as fractions and tensors, as an array. Of anything else
only the name of its type arrives: decoded, it is an empty object of such a type.
"""

import base64
import binascii
import math
from typing import Any

import numpy as np

from course_lib.checks import returned_numbers

MAX_DEPTH = 8
MAX_ITEMS = 50_000  # lists, tuples, dictionaries and what they hold, all in all
MAX_BYTES = 4 << 20  # of all arrays and texts
MAX_BITS = 4096  # of a whole number
MAX_AXES = 32
MAX_NAME = 60
MAX_TEXT = 200  # characters; an array of many texts takes the longest for each of them
DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in ["bool", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"]
}


class TooLarge(ValueError):
    """A value that is larger, deeper or of more parts than is allowed."""


class NotAValue(ValueError):
    """Something that `encode` does not write."""


def encode(value: Any) -> Any:
    """`value` as what `json.dumps` takes. Raises TooLarge."""
    return _Encoder().encode(returned_numbers.plain(value))


def decode(code: Any) -> Any:
    """The value that was encoded. Raises NotAValue, or TooLarge."""
    return _Decoder().decode(code)


class _Budget:
    """How much of a value has been seen so far. Raises TooLarge beyond the limits."""

    def __init__(self) -> None:
        self.items = 0
        self.bytes = 0

    def count(self, depth: int, items: int = 1, size: int = 0) -> None:
        self.items += items
        self.bytes += size
        if depth > MAX_DEPTH:
            raise TooLarge(f"is nested more than {MAX_DEPTH} deep")
        if self.items > MAX_ITEMS:
            raise TooLarge(f"has more than {MAX_ITEMS:,} parts")
        if self.bytes > MAX_BYTES:
            raise TooLarge(f"is larger than {MAX_BYTES >> 20} MB")


class _Encoder(_Budget):
    def encode(self, value: Any, depth: int = 0) -> Any:
        self.count(depth)
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            return value if value.bit_length() <= MAX_BITS else _other(kind)
        if isinstance(value, str):
            return str(value) if len(value) <= MAX_TEXT else _other(kind)
        if isinstance(value, list | tuple):
            name = "list" if isinstance(value, list) else "tuple"
            self.count(depth, len(value))
            return {name: [self.encode(part, depth + 1) for part in value]}
        if isinstance(value, dict):
            self.count(depth, len(value))
            if not all(map(_is_key, value)):
                return _other(kind)
            pairs = [(_plain_key(key), part) for key, part in value.items()]
            return {"dict": [[self.encode(part, depth + 1) for part in pair] for pair in pairs]}
        return self._array(value, depth)

    def _array(self, value: Any, depth: int) -> Any:
        """What a check takes as numbers; anything else becomes the name of its type."""
        try:
            array = returned_numbers.as_array(value)
            if array.dtype.kind == "f" and array.dtype.itemsize > 8:
                array = array.astype(np.float64)
            array = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        except Exception:
            return _other(type(value))
        if array.dtype.str not in DTYPES:
            return _other(type(value))
        self.count(depth, size=array.nbytes)
        text = base64.b64encode(array.tobytes()).decode()
        return {"array": [array.dtype.str, list(array.shape), text]}


def _is_key(key: Any) -> bool:
    """Whether a dictionary that crosses may have this key."""
    if isinstance(key, tuple):
        return all(not isinstance(part, tuple) and _is_key(part) for part in key)
    return key is None or isinstance(key, str | int | float | np.number | np.bool_)


def _plain_key(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(map(_plain_key, key))
    return key.item() if isinstance(key, np.generic) else key


class _Decoder(_Budget):
    def decode(self, code: Any, depth: int = 0) -> Any:
        self.count(depth)
        if code is None or type(code) in (bool, int, float):
            return code
        if type(code) is str:
            return code if len(code) <= MAX_TEXT else _stand_in("str")
        if type(code) is not dict or len(code) != 1:
            raise NotAValue("neither a plain value nor one with a kind")
        ((kind, content),) = code.items()
        if kind == "other":
            return _stand_in(content)
        if type(content) is not list:
            raise NotAValue("no list where one is needed")
        if kind == "array":
            return self._array(content, depth)
        self.count(depth, len(content))
        if kind in ("list", "tuple"):
            parts = [self.decode(part, depth + 1) for part in content]
            return parts if kind == "list" else tuple(parts)
        if kind == "dict" and all(type(pair) is list and len(pair) == 2 for pair in content):
            pairs = [[self.decode(part, depth + 1) for part in pair] for pair in content]
            if all(_is_key(key) for key, _ in pairs):
                return dict(pairs)
        raise NotAValue("of an unknown kind")

    def _array(self, content: list, depth: int) -> np.ndarray:
        if len(content) != 3:
            raise NotAValue("an array of other than three parts")
        dtype, shape, text = content
        if type(dtype) is not str or dtype not in DTYPES or type(text) is not str:
            raise NotAValue("an array of a type that is not allowed")
        if type(shape) is not list or not all(type(n) is int and n >= 0 for n in shape):
            raise NotAValue("an array without a shape")
        if len(shape) > MAX_AXES or math.prod(n or 1 for n in shape) > MAX_BYTES:
            raise TooLarge("has too many axes, or too long ones")
        self.count(depth, size=len(text) * 3 // 4)
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotAValue("an array without bytes in base64") from error
        if len(data) != math.prod(shape) * DTYPES[dtype].itemsize:
            raise NotAValue("an array whose bytes do not fill its shape")
        if dtype == "|b1" and data.strip(b"\x00\x01"):
            raise NotAValue("truth values other than 0 and 1")
        return np.frombuffer(data, DTYPES[dtype]).reshape(shape).copy()


def _other(kind: type) -> dict[str, str]:
    return {"other": str(getattr(kind, "__name__", "object"))[:MAX_NAME]}


def _stand_in(name: Any) -> Any:
    return type(safe_name(name), (), {})()


def safe_name(name: Any) -> str:
    """`name` if it can be that of a type, else "object"."""
    is_name = type(name) is str and len(name) <= MAX_NAME and name.isidentifier()
    return name if is_name else "object"
