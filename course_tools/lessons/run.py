"""Execute lessons with papermill into build/runs, and report on each in one line."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

from course_lib import files, profiles
from course_lib.files import CourseError
from course_tools import interrupts
from course_tools.dataset import fetch
from course_tools.lessons import gates, kernels, lesson_source
from course_tools.lessons.build import offline
from course_tools.lessons.lesson_source import Lesson

MAX_CELL_SECONDS = 60


@dataclass(frozen=True)
class LessonRun:
    """What one run of a lesson took and found. `error` is empty if every cell ran."""

    lesson: str
    seconds: float
    peak_memory_mb: float
    slowest_cell_seconds: float
    key_number: str
    executed: str
    stamp: str
    error: str = ""


class PeakMemory:
    """The largest resident memory, in bytes, of all processes this one started, while it is active.

    Pages that two processes share count twice.
    """

    def __init__(self, interval: float = 0.1) -> None:
        self.bytes = 0
        self._interval = interval
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        import psutil

        me = psutil.Process()
        while True:
            total = 0
            for process in me.children(recursive=True):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, total)
            if self._done.wait(self._interval):
                return


def run(
    selected: list[Lesson],
    profile: str = "quick",
    force: bool = False,
    say: Callable[[str], None] = print,
) -> list[LessonRun]:
    """Execute the lessons that have not run as they are now; one line when each begins and ends.

    Raises:
        CourseError: unknown profile, or it needs all of CIFAR-10 and no source could provide it.
        SystemExit: it was interrupted.
    """
    needs_cifar10 = profiles.get(profile).data == "full"
    results = []
    for position, lesson in enumerate(selected, start=1):
        label = f"[{position}/{len(selected)}] {lesson.name}"
        result = None if force else _finished(lesson, profile)
        if result:
            say(f"{label}: done before, nothing changed since")
        else:
            if needs_cifar10:
                fetch.fetch_cifar10()  # lessons only read the cache
            say(f"{label}: running in the {profile} profile")
            command = "the same command, without --force," if force else "the same command"
            with interrupts.explained(
                f"Lessons that have run are kept; {command} goes on with {lesson.name}."
            ):
                result = _execute(lesson, profile)
            say(f"{label}: {result.error or f'done in {result.seconds:.0f} s'}")
        results.append(result)
    return results


def table(results: list[LessonRun]) -> str:
    """The closing table, one row per lesson."""
    rows = [("lesson", "seconds", "peak MB", "key number", "where to look")]
    for result in results:
        rows.append(
            (
                result.lesson,
                f"{result.seconds:.0f}",
                f"{result.peak_memory_mb:.0f}",
                "failed" if result.error else result.key_number or "-",
                result.executed,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    align = ("<", ">", ">", "<", "<")
    lines = [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)
        )
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def remarks(results: list[LessonRun], profile: str) -> list[str]:
    """Sentences about lessons that failed or kept the reader waiting."""
    found = [f"{result.lesson} failed: {result.error}" for result in results if result.error]
    if profile == "quick":
        found += [
            f"{result.lesson} has a cell that took {result.slowest_cell_seconds:.0f} s; "
            f"in the quick profile no cell should take more than {MAX_CELL_SECONDS} s."
            for result in results
            if result.slowest_cell_seconds > MAX_CELL_SECONDS
        ]
    return found


def stamp(lesson: Lesson, profile: str) -> str:
    """A hash of all that a run depends on: the source, course_lib with its assets, the profile."""
    digest = hashlib.sha256(profile.encode())
    folder = lesson.root / "course_lib"
    library = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(map(_is_passing, path.relative_to(folder).parts))
    )
    for path in [lesson.source, *library]:
        digest.update(str(path.relative_to(lesson.root)).encode())
        digest.update(files.sha256_of_file(path).encode())
    return digest.hexdigest()


def _is_passing(name: str) -> bool:
    """Whether a file or a folder of this name is temporary, hidden or a cache."""
    return name.startswith(".") or name == "__pycache__"


def _folder(lesson: Lesson, profile: str) -> Path:
    return lesson.root / "build" / "runs" / profile


def _verdict(lesson: Lesson, profile: str) -> Path:
    """The file that says how the last run of the lesson ended."""
    return _folder(lesson, profile) / f"{lesson.name}.json"


def _finished(lesson: Lesson, profile: str) -> LessonRun | None:
    """The result of an earlier run of this very lesson, or None."""
    try:
        result = LessonRun(**files.read_hashed_json(_verdict(lesson, profile)))
    except (OSError, ValueError, TypeError):
        return None
    same = result.stamp == stamp(lesson, profile) and (lesson.root / result.executed).exists()
    return result if same and not result.error else None


def _execute(lesson: Lesson, profile: str) -> LessonRun:
    import papermill
    from nbclient.exceptions import CellControlSignal, DeadKernelError
    from papermill.exceptions import PapermillException, PapermillExecutionError

    folder = _folder(lesson, profile)
    executed = folder / lesson.notebook.name
    before = stamp(lesson, profile)
    error = ""
    begin = time.perf_counter()
    with (
        offline(profile == "quick"),
        kernels.interruptible(),
        PeakMemory() as peak,
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _verdict(lesson, profile).unlink(missing_ok=True)  # it is of another run
            executed.unlink(missing_ok=True)
            papermill.execute_notebook(
                lesson_source.read(lesson),
                str(executed),
                parameters={} if profile == "quick" else {"profile": profile},
                kernel_name="python3",
                progress_bar=False,
                cwd=str(lesson.source.parent.parent),
                execution_timeout=600 if profile == "quick" else None,
                **kernels.OPTIONS,
            )
        except PapermillExecutionError as failure:
            error = f"stopped with {failure.ename}: {failure.evalue}"
        except (PapermillException, CellControlSignal, DeadKernelError) as failure:
            error = f"stopped: {str(failure).splitlines()[0]}"
        except OSError as failure:
            raise CourseError(
                f"{executed} could not be written ({failure.strerror or failure}); "
                "free some space, then run the same command again."
            ) from failure
    seconds = time.perf_counter() - begin
    notebook = nbformat.read(executed, as_version=4) if executed.exists() else None
    result = LessonRun(
        lesson=lesson.name,
        seconds=round(seconds, 1),
        peak_memory_mb=round(peak.bytes / 1e6),
        slowest_cell_seconds=_slowest_cell(notebook),
        key_number=gates.key_number(notebook) if notebook else "",
        executed=str(executed.relative_to(lesson.root)),
        stamp=before,
        error=error,
    )
    files.write_hashed_json(_verdict(lesson, profile), asdict(result))
    return result


def _slowest_cell(notebook: nbformat.NotebookNode | None) -> float:
    cells = notebook.cells if notebook else []
    took = [cell.metadata.get("papermill", {}).get("duration") or 0.0 for cell in cells]
    return round(max(took, default=0.0), 1)
