"""The answers kept in `tests/grading/answers`, and how the self-checks do on them."""

import contextlib
import importlib.util
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from course_lib import checks
from course_lib.checks import CheckFailed

FOLDER = Path(__file__).resolve().parents[1] / "grading" / "answers"
LESSONS = sorted(path.stem for path in FOLDER.glob("[0-9][0-9].py"))
# Sentences that hold a type or a shape, and so are not in the list that `Check.is_named` knows.
ABOUT_TYPES = "The values are right, but "


@dataclass
class Shares:
    """How many answers to an exercise were judged as they should be."""

    wrong: int = 0
    refused: int = 0
    named: int = 0
    right: int = 0
    accepted: int = 0

    def add(self, other: "Shares") -> None:
        """Count another exercise's answers too."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)

    def percent(self) -> dict[str, float]:
        """Refused and named, of the wrong answers; accepted, of the right ones."""
        pairs = [("refused", self.wrong), ("named", self.wrong), ("accepted", self.right)]
        return {name: round(100 * getattr(self, name) / max(all_, 1), 1) for name, all_ in pairs}


def load(number: str) -> ModuleType:
    """The module with `WRONG` and `RIGHT` answers to a lesson."""
    spec = importlib.util.spec_from_file_location(f"answers_{number}", FOLDER / f"{number}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sentence(name: str, answer: Callable[..., Any]) -> str | None:
    """What the self-check says about an answer; None if it accepts it. An error is a sentence."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            checks.check(name, answer)
    except CheckFailed as failure:
        return str(failure)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def names_a_mistake(name: str, says: str) -> bool:
    """Whether a sentence says what is wrong, and does not only show a case."""
    return checks.of_lesson(name[:2])[name].is_named(says) or says.startswith(ABOUT_TYPES)


def shares(modules: dict[str, ModuleType]) -> Iterator[tuple[str, Shares]]:
    """The shares of each exercise, in the lessons' order."""
    for number, module in modules.items():
        for name in checks.of_lesson(number):
            found = Shares()
            for exercise, answer, _ in module.WRONG:
                if exercise == name:
                    says = sentence(name, answer)
                    found.wrong += 1
                    found.refused += says is not None
                    found.named += says is not None and names_a_mistake(name, says)
            for exercise, answer in module.RIGHT:
                if exercise == name:
                    found.right += 1
                    found.accepted += sentence(name, answer) is None
            yield name, found
