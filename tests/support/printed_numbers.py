"""Compares what a cell printed with what it should have printed, number by number.

A line is described by the items that stand in it, from left to right: words (a row's label, a
column's heading) and quantities. Between items other words without a digit may stand.

    ["A1", Quantity("MSE of A1", 0.00768), "luma", Quantity("luma of A1", 0.00154)]

describes `A1: MSE 0.00768, of which luma 0.00154`. Every digit of a line belongs to an item.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Quantity(NamedTuple):
    """What a printed number is, in words, and its value."""

    what: str
    value: float


Line = Sequence[str | Quantity]

DIGIT = re.compile(r"\d")
NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?%?")
TOLERANCE = 0.50001  # in units of the last printed digit; beyond a half, for floating point


def agrees(printed: str, value: float) -> bool:
    """Whether `printed` is `value`, as far as its digits go; 12% is 0.12, and 1,000 is 1000."""
    digits, _, exponent = printed.rstrip("%").replace(",", "").partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    if printed.endswith("%"):
        value = 100 * value
    return abs(float(printed.rstrip("%").replace(",", "")) - value) <= TOLERANCE * unit


def disagreements(printed: str, expected: Sequence[Line]) -> list[str]:
    """What is wrong with the printed text, one sentence per line; none if all of it agrees."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    found = [_disagreement(*pair) for pair in zip(lines, expected, strict=False)]
    if len(lines) != len(expected):
        found.append(f"{len(lines)} lines are printed, but {len(expected)} are described.")
    return [sentence for sentence in found if sentence]


def _disagreement(line: str, items: Line) -> str | None:
    rest = line
    for item in items:
        if isinstance(item, str):
            match = re.search(rf"(?<!\w){re.escape(item)}(?!\w)", rest)
            missing = f"the words {item!r}"
        else:
            match = NUMBER.search(rest)
            missing = f"a number: {item.what}"
        if match is None:
            return f"{line!r}: {missing} should stand in {rest!r}."
        if isinstance(item, Quantity) and not agrees(match[0], item.value):
            return f"{line!r}: {match[0]} is printed, but {item.what} is {item.value:.7g}."
        passed_over, rest = rest[: match.start()], rest[match.end() :]
        if DIGIT.search(passed_over):
            return f"{line!r}: nothing says which number stands in {passed_over!r}."
    if DIGIT.search(rest):
        return f"{line!r}: nothing says which number stands in {rest!r}."
    return None
