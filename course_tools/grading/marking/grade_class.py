"""Grades a whole class, in parallel; started again after a stop, it continues where it was.

This process reads files and writes results; Dask's workers grade. What has a result for this very
file and these very tests is not graded again, so nothing is lost or done twice.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course_lib.files import CourseError
from course_tools.grading import assignment, due_dates, gradebook, results
from course_tools.grading.assignment import Assignment
from course_tools.grading.class_folder import ClassFolder
from course_tools.grading.due_dates import DueDates
from course_tools.grading.marking import grade_one, judge
from course_tools.grading.marking.grade_one import GradingTask
from course_tools.grading.marking.progress import Progress
from course_tools.grading.results import Grading, Result, Status
from course_tools.grading.sandbox import bubblewrap
from course_tools.grading.sandbox.protocol import SandboxLimits
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.grading.submissions.submitted_notebook import SubmittedFile

CONNECT_SECONDS = 30
LOOK_SECONDS = 10  # from one look whether there are workers to the next
NO_WORKERS = (
    "The Dask scheduler at {address} has no workers; grading goes on when one comes. Start one on "
    "any machine with this course: dask worker {address}"
)
MAX_NAME = 200  # bytes of a student's name, which is that of a file
NOT_SUBMITTED = "Nothing was submitted."


@dataclass
class Summary:
    """What a run did: students by the status of their results, by name once it is over."""

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
    dates: DueDates
    say: Progress
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
            old = self._old(student)
            sha256 = hashlib.sha256(submitted.content).hexdigest()
            if old and old.is_current(sha256, self.tests_sha256) and not force:
                self._keep(old, submitted)
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

    def _old(self, student: str) -> Result | None:
        """The result that there is; one that is damaged is put aside, and said to be."""
        try:
            return results.read(self.folder, self.assignment.name, student)
        except CourseError as error:
            file = results.path(self.folder, self.assignment.name, student)
            file.replace(file.with_suffix(".damaged"))
            self.say.note(f"{student}: {error} It is put aside, as {file.stem}.damaged.")
            return None

    def _keep(self, old: Result, submitted: SubmittedFile) -> None:
        """Leave a result as it is; one that failed is named again."""
        due = self.dates.of(old.student)
        result = results.set_timestamp(self.folder, old, submitted.timestamp, due)
        self._note_late(result)
        if result.status == "failed":
            self.summary.failed.append(result.student)
            self._say_line(result)
        else:
            self.summary.as_before += 1
            self.say.skip()

    def write(self, grading: Grading, submitted: SubmittedFile) -> None:
        """Put a result on disk and print its line; what goes wrong fails this student only."""
        self._old(grading.student)
        try:
            self._record(grading, submitted)
        except Exception as error:
            remark = grade_one.FAULT.format(error=f"{type(error).__name__}: {error}"[:400])
            failed = grade_one.not_graded(grading.student, self.assignment, "failed", remark)
            try:
                self._record(failed, submitted)
            except Exception:
                self.summary.failed.append(grading.student)
                self.say(_printable(f"{grading.student:{self.width}} {'failed':>12}  {remark}"))

    def _record(self, grading: Grading, submitted: SubmittedFile) -> None:
        due = self.dates.of(grading.student)
        result = results.record(self.folder, grading, self.tests_sha256, submitted.timestamp, due)
        getattr(self.summary, result.status).append(result.student)
        self._note_late(result)
        self._say_line(result)

    def _say_line(self, result: Result) -> None:
        is_graded = result.status == "graded"
        mark = f"{result.points:g} of {result.max_points:g}" if is_graded else result.status
        line = f"{result.student:{self.width}} {mark:>12}  {result.remark}"
        self.say(_printable(line.rstrip()))

    def _note_late(self, result: Result) -> None:
        if result.late_seconds:
            self.summary.late.append(result.student)


def _printable(line: str) -> str:
    """What a terminal shows and does not obey."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)


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
        with lock.acquire(timeout=0), ExitStack() as opened:
            dates = due_dates.read(folder, chosen.name)
            progress = opened.enter_context(Progress(len(names), say))
            run = ClassRun(folder, chosen, tests, dates, progress, width)
            options = {"unsafe": unsafe, "limits": limits or SandboxLimits()}
            tasks = run.tasks(names, force, **options)
            _work(run, tasks, scheduler, workers, unsafe)
            _sync(folder, chosen)
    except Timeout:
        raise CourseError(f"{chosen.name} is being graded already, by another command.") from None
    summary = run.summary
    for listed in (summary.graded, summary.failed, summary.missing, summary.late):
        listed.sort()  # workers finish in any order
    return summary


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
    with _client(scheduler, workers) as client:
        if scheduler:
            _wait_for_workers(client, run.say)
            if not unsafe:
                client.run(bubblewrap.require)
        in_flight: dict[Any, tuple[GradingTask, SubmittedFile]] = {}
        waiting = chain([first], tasks)
        while True:
            num_threads = sum(client.nthreads().values())
            for task, submitted in islice(waiting, max(0, 1 + 2 * num_threads - len(in_flight))):
                future = client.submit(grade_one.grade, task, pure=False, retries=2)
                in_flight[future] = (task, submitted)
            if not in_flight:
                return
            for future in _some_done(client, list(in_flight), run.say):
                task, submitted = in_flight.pop(future)
                run.write(_grading_of(future, task), submitted)


def _wait_for_workers(client: Any, say: Progress) -> None:
    """Return at once if there are workers; else say so, and wait until there is one."""
    if not client.nthreads():
        say.note(NO_WORKERS.format(address=client.scheduler.address))
        client.wait_for_workers(1)


def _some_done(client: Any, futures: list[Any], say: Progress) -> set[Any]:
    """Those that are done, as soon as one is; meanwhile somebody looks after the workers."""
    from dask.distributed import wait

    while True:
        try:
            with client.as_current():
                waited = wait(futures, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
            done: set[Any] = waited.done
            return done
        except TimeoutError:
            _wait_for_workers(client, say)


def _grading_of(future: Any, task: GradingTask) -> Grading:
    """What a worker found; an error of ours, or of its machine, is named as one."""
    error = future.exception()
    if error is None:
        grading: Grading = future.result()
        return grading
    remark = grade_one.FAULT.format(error=f"{type(error).__name__}: {error}"[:400])
    return grade_one.not_graded(task.student, task.assignment, "failed", remark)


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
