"""One cell as a student submitted it, and whether its text is still ours."""

from typing import Literal

from msgspec import Struct


class SubmittedCell(Struct):
    """A cell as it was submitted.

    Attributes:
        id, grade_id: "" where it has none.
        is_prose: it says something and does nothing, as Markdown or in a code cell.
        has_words: its comments and texts are long enough to be an answer in words.
        is_as_released: nobody has changed it since a release, now or earlier.
    """

    type: Literal["code", "markdown", "raw"]
    source: str
    id: str
    grade_id: str
    is_prose: bool = False
    has_words: bool = False
    is_as_released: bool = False


def is_same(text: str, ours: str) -> bool:
    """Whether two texts differ in nothing but spaces at the ends of lines."""
    return trimmed(text) == trimmed(ours)


def trimmed(text: str) -> str:
    """The text without spaces at its ends and at those of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
