"""Grades a whole class, in parallel, and goes on where it was when it was stopped.

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
from course_tools.grading.sandbox import bubblewrap
from course_tools.grading.sandbox.sandboxed_process import SandboxLimits
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.grading.submissions.submitted_notebook import Found

CONNECT_SECONDS = 30
MAX_NAME = 200  # bytes of a student's name, which is that of a file
NOT_THERE = "Nothing was submitted."
Grade = Callable[[GradingTask], dict[str, Any]]


@dataclass
class Summary:
    """What a run did: students by what became of them."""

    graded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    as_before: int = 0

    def sentence(self) -> str:
        """One line for the instructor."""
        parts = [f"{len(self.graded)} graded", f"{self.as_before} as before"]
        for words in ("failed", "missing", "late"):
            if students := getattr(self, words):
                parts.append(f"{len(students)} {words} ({', '.join(students)})")
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
    def sha256(self) -> str:
        return judge.tests_sha256(self.assignment, self.tests)

    def jobs(
        self, students: list[str], force: bool, **options: Any
    ) -> Iterator[tuple[GradingTask, Found]]:
        """What is to be graded, read when its turn comes; what needs no grading is written."""
        name = self.assignment.name
        for student in students:
            if not student.isprintable() or len(student.encode()) > MAX_NAME:
                self.say(f"{student!r} cannot be a student's name; rename the folder.")
                self.summary.failed.append(repr(student))
                continue
            old = results.read(self.folder, name, student)
            try:
                found = submitted_notebook.find(self.folder, student, name)
            except Unreadable as error:
                found = Found(b"")
                self.write(grade_one.nothing(student, self.assignment, "failed", str(error)), found)
                continue
            if found is None:
                missing = grade_one.nothing(student, self.assignment, "missing", NOT_THERE)
                self.write(missing, Found(b""))
                continue
            submission = hashlib.sha256(found.content).hexdigest()
            if old and results.is_current(old, submission, self.sha256) and not force:
                self.summary.as_before += 1
                self._note(results.set_timestamp(self.folder, old, found.timestamp, self.due))
                continue
            job = GradingTask(
                student, self.assignment, self.tests, found.content, found.remark, **options
            )
            yield job, found

    def write(self, result: dict[str, Any], found: Found) -> None:
        """Put a result on disk and say its line."""
        whole = results.write(self.folder, result, self.sha256, found.timestamp, self.due)
        getattr(self.summary, whole["status"]).append(whole["student"])
        self._note(whole)
        got, most = results.points(whole)
        marks = f"{got:g} of {most:g}" if whole["status"] == "graded" else whole["status"]
        self.say(f"{whole['student']:{self.width}} {marks:>12}  {whole['remark']}".rstrip())

    def _note(self, result: dict[str, Any]) -> None:
        if result["late_seconds"]:
            self.summary.late.append(result["student"])


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
    """Grade an assignment of a class folder, write results, and tell the gradebook.

    Args:
        wanted: the assignment, such as "03".
        students: whom to grade; None is everybody.
        scheduler: the address of a Dask scheduler that runs; None starts workers here.
        unsafe: without a sandbox.
        force: grade again what has been graded.
        workers: how many at a time here; None is one for each core.

    Raises:
        CourseError: there is no sandbox, assignment or such student, or another run is at it.
    """
    if not (unsafe or scheduler):
        bubblewrap.require()
    chosen = assignment.read(folder, wanted)
    tests = judge.read_tests(folder, chosen.number)
    whom = _chosen(folder, students)
    width = max([20, *map(len, whom)])
    lock = FileLock(folder / "results" / f".{chosen.name}.lock")
    (folder / "results").mkdir(exist_ok=True)
    try:
        with lock.acquire(timeout=0):
            due = gradebook.due_date(folder, chosen.name)
            run = ClassRun(folder, chosen, tests, due, say, width)
            options = {"unsafe": unsafe, "limits": limits or SandboxLimits()}
            jobs = run.jobs(whom, force, **options)
            _work(run, jobs, scheduler, workers, unsafe)
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
    jobs: Iterator[tuple[GradingTask, Found]],
    scheduler: str | None,
    workers: int | None,
    unsafe: bool,
) -> None:
    """Let workers grade all jobs; a few more than workers are on their way, not all."""
    first = next(jobs, None)
    if first is None:
        return
    from dask.distributed import as_completed

    with _client(scheduler, workers) as client:
        if scheduler and not unsafe:
            client.run(bubblewrap.require)
        places = sum(client.nthreads().values())
        on_their_way = {}
        done = as_completed(loop=client.loop)

        def send(job: GradingTask, found: Found) -> None:
            future = client.submit(grade_one.grade, job, pure=False, retries=2)
            on_their_way[future] = (job, found)
            done.add(future)

        send(*first)
        for job, found in islice(jobs, 2 * places):
            send(job, found)
        for future in done:
            job, found = on_their_way.pop(future)
            run.write(_result_of(future, job), found)
            if (another := next(jobs, None)) is not None:
                send(*another)


def _result_of(future: Any, job: GradingTask) -> dict[str, Any]:
    """What a worker found; a fault of ours, or of its machine, is said to be one."""
    error = future.exception()
    if error is None:
        return future.result()
    remark = f"Grading itself failed ({type(error).__name__}: {error}); grade again."
    return grade_one.nothing(job.student, job.assignment, "failed", remark[:500])


@contextmanager
def _client(scheduler: str | None, workers: int | None) -> Iterator[Any]:
    """A connection to workers: those of a cluster that runs, or threads of this process.

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
