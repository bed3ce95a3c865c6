"""`course assignment`: release, collect, grade, give feedback. Commands import what they need."""

import math
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from course_lib.files import CourseError

app = typer.Typer(
    help="Hand out lessons as assignments, collect, grade, and give feedback.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Class = Annotated[Path, typer.Option("--class", help="The class folder; here if not named.")]
Name = Annotated[str, typer.Argument(help="A lesson, such as 03.")]
HERE = Path(".")


@app.command()
def new(path: Annotated[Path, typer.Argument(help="The folder to make.")]) -> None:
    """Make the folder of a class; what is there already is left as it is."""
    from course_tools.grading import class_folder

    folder = class_folder.new(path)
    print(f"{folder.root} is ready; next, in it: course assignment release 01")


@app.command()
def release(
    name: Name,
    points: Annotated[
        list[str] | None, typer.Option(help="Such as descend=3 or written-1=6; several times.")
    ] = None,
    due: Annotated[str, typer.Option(help="Such as 2027-01-31T23:59, in local time.")] = "",
    folder: Class = HERE,
) -> None:
    """Write the assignment of a lesson, as it is handed out, into release/."""
    from course_tools.grading import class_folder
    from course_tools.grading.release import release
    from course_tools.lessons import lesson_source

    lesson = lesson_source.find(name)
    done = release(class_folder.at(folder), lesson, _points(points or []), _date(due))
    if done.kept:
        print(f"It was released before and has changed; the old one is kept in {done.kept}.")
    if done.points:
        changed = ", ".join(
            f"{name} {old:g} -> {new:g}" for name, (old, new) in done.points.items()
        )
        back = " ".join(f"--points {name}={old:g}" for name, (old, _) in done.points.items())
        print(f"Points have changed: {changed}. To keep the old ones, add {back}.")
    print(f"{done.path} is {'ready: hand it out' if done.changed else 'as it was'}.")


@app.command()
def collect(
    name: Name,
    source: Annotated[Path, typer.Argument(help="A folder or a zip, as the platform gives it.")],
    folder: Class = HERE,
) -> None:
    """Take in what students submitted; a second submission replaces the first, which is kept."""
    from course_tools.grading import class_folder, due_dates
    from course_tools.grading.submissions import collect
    from course_tools.lessons import lesson_source

    lesson, here = lesson_source.find(name), class_folder.at(folder)
    due_dates.read(here.root, lesson.name)  # a bad line stops it before anything is taken
    collection = collect.collect(here, lesson, source)
    print(collect.table(here, lesson, collection))
    new = f", {len(collection.new)} NEW (put on the class list)" if collection.new else ""
    print(f"{len(collection.taken)} taken{new}, {len(collection.refused)} files not taken.")


@app.command()
def grade(
    name: Name,
    student: Annotated[
        list[str] | None, typer.Option(help="Whom to grade; several times. None: everybody.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="The address of a Dask scheduler that runs.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is graded.")] = False,
    seconds: Annotated[
        float, typer.Option(min=1, help="That one submission may take, all in all.")
    ] = 180,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run what students wrote without a sandbox.")
    ] = False,
    folder: Class = HERE,
) -> None:
    """Grade what was submitted and is not graded yet; after a stop, run it again to continue."""
    from course_tools.grading import class_folder
    from course_tools.grading.marking import grade_class
    from course_tools.grading.sandbox.protocol import SandboxLimits

    if not math.isfinite(seconds):
        raise CourseError(f"--seconds takes a number of seconds, not {seconds:g}.")
    root = class_folder.at(folder).root
    limits = SandboxLimits(submission_wall_seconds=seconds)
    summary = grade_class.grade_class(
        root, name, student, scheduler, unsafe=unsafe, force=force, limits=limits
    )
    print(summary.sentence())


@app.command()
def feedback(
    name: Name,
    column: Annotated[
        str, typer.Option(help="How the learning platform calls the assignment.")
    ] = "",
    as_zip: Annotated[
        bool, typer.Option("--zip", help="Also all pages in one zip, as the platform takes it.")
    ] = False,
    folder: Class = HERE,
) -> None:
    """Write a page for each student, the marks as one CSV, and a report on the class."""
    from course_tools.grading import class_folder
    from course_tools.grading.reports import feedback
    from course_tools.lessons import lesson_source

    feedback.write(class_folder.at(folder), lesson_source.find(name), column, as_zip=as_zip)


@app.command()
def marks(folder: Class = HERE) -> None:
    """Write the marks of all assignments as one table, and print it."""
    from course_tools.grading import class_folder
    from course_tools.grading.reports import marks_table

    marks_table.write(class_folder.at(folder))


@app.command()
def points(name: Annotated[str | None, typer.Argument(help="A lesson; none: all.")] = None) -> None:
    """Print points and minutes of each assignment, as docs/instructors.md has them."""
    from course_tools.grading.release import points_tables

    print(points_tables(name))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def formgrader(context: typer.Context, folder: Class = HERE) -> None:
    """Open nbgrader's formgrader for written answers; more options go to JupyterLab."""
    from course_tools.grading import class_folder

    root = class_folder.at(folder).root
    os.chdir(root)
    # Its autograde buttons would run students' code here and unprotected: they must fail.
    guard = "--Autograde.exporter_class=course_tools.grading.autograde.Refused"
    options = ["--LabApp.default_url=/formgrader/gradebook", guard]
    options += ["--allow-root"] if os.geteuid() == 0 else []
    options += context.args
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])


def _points(given: list[str]) -> dict[str, float]:
    try:
        points = {name: float(value) for name, value in (item.split("=") for item in given)}
    except ValueError:
        points = {"": math.nan}
    if not all(map(math.isfinite, points.values())):
        raise CourseError("Write points as --points descend=3, one for each answer.")
    return points


def _date(text: str) -> datetime | None:
    from course_tools.grading import due_dates

    try:
        return due_dates.parse(text) if text else None
    except ValueError:
        raise CourseError(f"{text!r} is no date; write it as 2027-01-31T23:59.") from None
