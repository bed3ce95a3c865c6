"""How far a run over a class is, and about how long the rest takes.

On a terminal there is a bar below the lines; elsewhere each line ends in `[12/200, about 3 min
left]`, so that a file of them can be followed.
"""

import sys
import time
from collections.abc import Callable
from typing import Self

from tqdm import tqdm

MIN_SECONDS = 2.0  # before anything is said about the time that is left


class Progress:
    """Takes one line for each student, in any order."""

    def __init__(
        self,
        num_students: int,
        say: Callable[[str], None] = print,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args: `say` takes the lines; `now` gives seconds."""
        self._total = num_students
        self._say, self._now = say, now
        self._begin = now()
        self._done = self._skipped = 0
        on_terminal = say is print and sys.stdout.isatty()
        self._bar = tqdm(total=num_students, unit="student", leave=False) if on_terminal else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def skip(self) -> None:
        """A student needs nothing; no line is printed."""
        self._skipped += 1
        if self._bar is not None:
            self._bar.update()

    def __call__(self, line: str) -> None:
        """A student is done; the line says with what result."""
        self._done += 1
        if self._bar is None:
            self._say(f"{line}  [{self.text()}]")
        else:
            self._bar.write(line)
            self._bar.update()

    def note(self, line: str) -> None:
        """Say something that is about no student."""
        (self._say if self._bar is None else self._bar.write)(line)

    def text(self) -> str:
        """Such as "12/200, about 3 min left"."""
        done = self._done + self._skipped
        seconds = self._now() - self._begin
        rest = (self._total - done) * seconds / max(1, self._done)
        left = f", about {duration(rest)} left" if rest and seconds >= MIN_SECONDS else ""
        return f"{done}/{self._total}{left}"


def duration(seconds: float) -> str:
    """Seconds as people say them: 40 s, 3 min, 2.5 h."""
    if seconds < 100:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
