"""What being late costs: nothing, unless the class folder has a late.toml, for all assignments.

- `percent_per_day = 10`: of the points that the work got, for each day that has begun;
- `maximum_percent = 50`: never more than this;
- `grace_minutes = 15`: so late costs nothing, and the first day begins after them.
"""

import codecs
import math
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from course_lib.files import CourseError

FILE = "late.toml"
DAY = 24 * 60 * 60
Percent = Annotated[float, Meta(ge=0, le=100)]


class LatePenalty(Struct, frozen=True, forbid_unknown_fields=True):
    """The rule of late.toml; its defaults take nothing off."""

    percent_per_day: Percent = 0.0
    maximum_percent: Percent = 100.0
    grace_minutes: Annotated[float, Meta(ge=0, le=10 * DAY)] = 0.0

    def percent(self, late_seconds: float) -> float:
        """How much of its points late work loses, from 0 to 100."""
        days = math.ceil(max(0.0, late_seconds - 60 * self.grace_minutes) / DAY)
        return min(self.maximum_percent, self.percent_per_day * days)


NO_PENALTY = LatePenalty()


def read(folder: Path) -> LatePenalty:
    """The rule of a class folder.

    Raises:
        CourseError: late.toml cannot be read, or says something else than the three numbers.
    """
    try:
        content = (folder / FILE).read_bytes().removeprefix(codecs.BOM_UTF8)
        return msgspec.toml.decode(content, type=LatePenalty)
    except FileNotFoundError:
        return NO_PENALTY
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{FILE} is not understood ({error}); it may hold percent_per_day, maximum_percent and "
            "grace_minutes, each a number. Nothing was written."
        ) from error
