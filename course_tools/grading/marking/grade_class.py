"""Grades a whole class, in parallel; started again after a stop, it continues where it was.

This process reads files and writes results; Dask's workers grade. What has a result for this very
file and these very tests is not graded again, so nothing is lost or done twice.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course_lib.files import CourseError
from course_tools.grading import assignment, gradebook, results
from course_tools.grading.assignment import Assignment
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.marking import grade_one, judge
from course_tools.grading.marking.grade_one import GradingTask
from course_tools.grading.results import Grading, Result, Status
from course_tools.grading.sandbox import bubblewrap
from course_tools.grading.sandbox.protocol import SandboxLimits
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.grading.submissions.submitted_notebook import SubmittedFile

CONNECT_SECONDS = 30
MAX_NAME = 200  # bytes of a student's name, which is that of a file
NOT_SUBMITTED = "Nothing was submitted."


@dataclass
class Summary:
    """What a run did: students by the status of their results."""

    graded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    as_before: int = 0

    def sentence(self) -> str:
        """One line for the instructor."""
        parts = [f"{len(self.graded)} graded", f"{self.as_before} as before"]
        listed = {"failed": self.failed, "missing": self.missing, "late": self.late}
        for status, students in listed.items():
            if students:
                parts.append(f"{len(students)} {status} ({', '.join(students)})")
        return "; ".join(parts) + "."


@dataclass
class ClassRun:
    """One run over a class folder."""

    folder: Path
    assignment: Assignment
    tests: judge.Tests
    due: datetime | None
    say: Callable[[str], None]
    width: int = 20  # of the longest name
    summary: Summary = field(default_factory=Summary)

    @cached_property
    def tests_sha256(self) -> str:
        """Changes when anything changes that marks depend on."""
        return judge.tests_sha256(self.assignment, self.tests)

    def tasks(
        self, students: list[str], force: bool, **options: Any
    ) -> Iterator[tuple[GradingTask, SubmittedFile]]:
        """What is to be graded, read when its turn comes; of the rest, results are written."""
        for student in students:
            if (submitted := self._submitted(student)) is None:
                continue
            old = results.read(self.folder, self.assignment.name, student)
            sha256 = hashlib.sha256(submitted.content).hexdigest()
            if old and old.is_current(sha256, self.tests_sha256) and not force:
                self.summary.as_before += 1
                timestamp = submitted.timestamp
                self._note_late(results.set_timestamp(self.folder, old, timestamp, self.due))
                continue
            yield (
                GradingTask(
                    student,
                    self.assignment,
                    self.tests,
                    submitted.content,
                    submitted.remark,
                    **options,
                ),
                submitted,
            )

    def _submitted(self, student: str) -> SubmittedFile | None:
        """The student's file. If there is none that can be graded, the result is written."""
        if not student.isprintable() or len(student.encode()) > MAX_NAME:
            self.say(f"{student!r} cannot be a student's name; rename the folder.")
            self.summary.failed.append(repr(student))
            return None
        status: Status = "missing"
        remark = NOT_SUBMITTED
        try:
            if found := submitted_notebook.find(self.folder, student, self.assignment.name):
                return found
        except Unreadable as error:
            status, remark = "failed", str(error)
        grading = grade_one.not_graded(student, self.assignment, status, remark)
        self.write(grading, SubmittedFile(b""))
        return None

    def write(self, grading: Grading, submitted: SubmittedFile) -> None:
        """Put a result on disk and print its line."""
        result = results.record(
            self.folder, grading, self.tests_sha256, submitted.timestamp, self.due
        )
        getattr(self.summary, result.status).append(result.student)
        self._note_late(result)
        is_graded = result.status == "graded"
        mark = f"{result.points:g} of {result.max_points:g}" if is_graded else result.status
        self.say(f"{result.student:{self.width}} {mark:>12}  {result.remark}".rstrip())

    def _note_late(self, result: Result) -> None:
        if result.late_seconds:
            self.summary.late.append(result.student)


def grade_class(
    folder: Path,
    wanted: str,
    students: list[str] | None = None,
    scheduler: str | None = None,
    unsafe: bool = False,
    force: bool = False,
    say: Callable[[str], None] = print,
    limits: SandboxLimits | None = None,
    workers: int | None = None,
) -> Summary:
    """Grade an assignment of a class folder, write results, and fill the gradebook.

    Args:
        wanted: the assignment, such as "03".
        students: whom to grade; None is everybody.
        scheduler: the address of a running Dask scheduler; None starts workers here.
        unsafe: run students' code without a sandbox.
        force: grade again what has been graded.
        say: takes each line for the instructor.
        workers: how many at a time here; None is one for each core.

    Raises:
        CourseError: there is no sandbox, assignment or such student, or another run is grading it.
    """
    if not (unsafe or scheduler):
        bubblewrap.require()
    chosen = assignment.read(folder, wanted)
    tests = judge.read_tests(folder, chosen.number)
    names = _chosen(folder, students)
    width = max([20, *map(len, names)])
    lock = FileLock(folder / "results" / f".{chosen.name}.lock")
    (folder / "results").mkdir(exist_ok=True)
    try:
        with lock.acquire(timeout=0):
            due = gradebook.due_date(folder, chosen.name)
            run = ClassRun(folder, chosen, tests, due, say, width)
            options = {"unsafe": unsafe, "limits": limits or SandboxLimits()}
            tasks = run.tasks(names, force, **options)
            _work(run, tasks, scheduler, workers, unsafe)
            _sync(folder, chosen)
    except Timeout:
        raise CourseError(f"{chosen.name} is being graded already, by another command.") from None
    return run.summary


def _sync(folder: Path, chosen: Assignment) -> None:
    from sqlalchemy.exc import OperationalError

    try:
        gradebook.sync(folder, chosen)
    except OperationalError as error:
        raise CourseError(
            f"The gradebook could not be written ({error.orig}); is formgrader at it? The results "
            "are safe: run the same command again."
        ) from error


def everybody(folder: Path) -> list[str]:
    """Students on the class list, students.csv, and all who ever submitted something."""
    listed = ClassFolder(folder).students()
    submitted = folder / "submitted"
    there = [path.name for path in submitted.iterdir()] if submitted.exists() else []
    return sorted({name for name in [*listed, *there] if name and not name.startswith(".")})


def _chosen(folder: Path, students: list[str] | None) -> list[str]:
    """The students named, or everybody. Raises CourseError for one who is not in the class."""
    known = everybody(folder)
    if unknown := [name for name in students or [] if name not in known]:
        raise CourseError(
            f"{', '.join(map(repr, unknown))}: not on the class list, students.csv, and nothing "
            "was submitted under this name; the names are those of the folders in submitted/."
        )
    return students or known


def _work(
    run: ClassRun,
    tasks: Iterator[tuple[GradingTask, SubmittedFile]],
    scheduler: str | None,
    workers: int | None,
    unsafe: bool,
) -> None:
    """Let workers grade all tasks; a few more than there are workers are in flight, not all."""
    first = next(tasks, None)
    if first is None:
        return
    from dask.distributed import as_completed

    with _client(scheduler, workers) as client:
        if scheduler and not unsafe:
            client.run(bubblewrap.require)
        num_threads = sum(client.nthreads().values())
        in_flight = {}
        done = as_completed(loop=client.loop)

        def submit(task: GradingTask, submitted: SubmittedFile) -> None:
            future = client.submit(grade_one.grade, task, pure=False, retries=2)
            in_flight[future] = (task, submitted)
            done.add(future)

        submit(*first)
        for task, submitted in islice(tasks, 2 * num_threads):
            submit(task, submitted)
        for future in done:
            task, submitted = in_flight.pop(future)
            run.write(_grading_of(future, task), submitted)
            if (another := next(tasks, None)) is not None:
                submit(*another)


def _grading_of(future: Any, task: GradingTask) -> Grading:
    """What a worker found; an error of ours, or of its machine, is named as one."""
    error = future.exception()
    if error is None:
        grading: Grading = future.result()
        return grading
    remark = f"Grading itself failed ({type(error).__name__}: {error}); grade again."
    return grade_one.not_graded(task.student, task.assignment, "failed", remark[:500])


@contextmanager
def _client(scheduler: str | None, workers: int | None) -> Iterator[Any]:
    """A connection to workers: those of a running cluster, or threads of this process.

    Threads are enough, since sandboxes are processes of their own; and they listen on no port,
    where others with an account on this machine could give orders.
    """
    import dask
    from dask.distributed import Client, LocalCluster

    if scheduler:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise CourseError(
                f"No Dask scheduler answers at {scheduler} ({error}); start one: dask scheduler"
            ) from error
        with client:
            yield client
        return
    settings = {
        "distributed.admin.large-graph-warning-threshold": "1GB",  # a submission may be large
        "distributed.scheduler.http.routes": [],  # its pages: none
        "distributed.worker.http.routes": [],
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            processes=False,
            n_workers=1,
            threads_per_worker=workers or os.cpu_count(),
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs="ERROR",
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
