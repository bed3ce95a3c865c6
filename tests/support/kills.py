"""Work that is killed at random moments and begun again, in processes of their own.

    python kills.py SCENARIO FOLDER NUM_KILLS

All that is imported is imported once; each attempt is a fork of that. After every kill, and in the
end, the scenario says what is wrong. The last line printed is the number of attempts that were
killed.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np


class Training:
    """A run in either framework resumes, and ends as if it had not been killed."""

    def __init__(self, framework: str) -> None:
        from contextlib import suppress

        import torch

        import tiny_training

        # What the loops import only when they train.
        torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
        with suppress(ImportError):
            import tensorflow  # noqa: F401

        self.train = getattr(tiny_training, f"train_{framework}")

    def work(self, folder: Path) -> None:
        self.train(8, folder)

    def check(self, folder: Path) -> None:
        from course_lib.training import checkpoint

        checkpoint.last(folder)

    def check_end(self, whole: Path, folder: Path) -> None:
        from course_lib.training import checkpoint

        for which in ("last", "best"):
            one, other = (checkpoint.read(place, which) for place in (whole, folder))
            assert one.record.losses() == other.record.losses()
            for name, weight in one.weights.items():
                np.testing.assert_array_equal(weight, other.weights[name])
        assert sorted(os.listdir(folder)) == ["best.checkpoint", "last.checkpoint"]


class Publishing:
    """A run that is published over an older one: it is there and whole."""

    def work(self, folder: Path) -> None:
        from course_lib.training.record import Record
        from course_tools.experiments import publish

        rng = np.random.default_rng(0)
        record = Record(predictions=[rng.integers(0, 256, (16, 32, 32, 3), np.uint8)])
        errors = {"mse": rng.random(10_000)}
        weights = {"weight": rng.random((1000, 1000)).astype(np.float16)}
        for _ in range(5):
            publish.write("run", {}, record, record.predictions[0], errors, weights, folder)

    def check(self, folder: Path) -> None:
        from course_lib.results import published

        for name in published.names(folder):
            published.load(name, folder).verify()

    def check_end(self, whole: Path, folder: Path) -> None:
        from course_lib.results import published

        assert os.listdir(folder) == ["run"]
        assert published.load("run", folder).manifest == published.load("run", whole).manifest


class Lesson:
    """A lesson that is built or started: its notebook is there and whole, or it is not there."""

    def __init__(self, is_start: bool) -> None:
        from course_tools.lessons import build, lesson_source, student_edition

        self.make = student_edition.start if is_start else build.build
        self.kind = "student_file" if is_start else "notebook"
        self.lesson = lesson_source.Lesson

    def of(self, folder: Path):
        lesson = self.lesson("01_tiny", folder)
        lesson.source.parent.mkdir(parents=True, exist_ok=True)
        tiny = Path(__file__).with_name("tiny_lesson.py")
        lesson.source.write_bytes(tiny.read_bytes())
        return lesson

    def work(self, folder: Path) -> None:
        self.make(self.of(folder))

    def check(self, folder: Path) -> None:
        import nbformat

        path = getattr(self.of(folder), self.kind)
        if path.exists():
            nbformat.validate(nbformat.read(path, as_version=4))

    def check_end(self, whole: Path, folder: Path) -> None:
        one, other = (getattr(self.of(place), self.kind) for place in (whole, folder))
        assert one.read_bytes() == other.read_bytes()


SCENARIOS = {
    "torch": lambda: Training("torch"),
    "keras": lambda: Training("keras"),
    "publish": Publishing,
    "build": lambda: Lesson(is_start=False),
    "start": lambda: Lesson(is_start=True),
}


def attempt(scenario, folder: Path, seconds: float | None = None) -> bool:
    """Work in a process of its own, killed after so many seconds. Whether it was killed."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            scenario.work(folder)
            status = 0
        finally:
            os._exit(status)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    was_killed = os.WIFSIGNALED(status)
    assert was_killed or os.waitstatus_to_exitcode(status) == 0
    return was_killed


def main(name: str, place: str, num_kills: int) -> None:
    scenario, whole, folder = SCENARIOS[name](), Path(place, "whole"), Path(place, "killed")
    begin = time.monotonic()
    attempt(scenario, whole)
    seconds = time.monotonic() - begin
    rng = np.random.default_rng()
    num_killed = 0
    for _ in range(num_kills):
        num_killed += attempt(scenario, folder, rng.uniform(0, seconds / 2))
        scenario.check(folder)
    attempt(scenario, folder)
    scenario.check(folder)
    scenario.check_end(whole, folder)
    print(num_killed)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
