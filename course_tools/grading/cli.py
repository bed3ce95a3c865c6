"""`course assignment`: what instructors do. Imports stand inside the commands."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Hand out lessons as assignments, collect, grade, and give feedback.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Class = Annotated[Path, typer.Option("--class", help="The class folder; here if not named.")]
Name = Annotated[str, typer.Argument(help="A lesson, such as 03.")]
HERE = Path(".")


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
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run what students wrote without a sandbox.")
    ] = False,
    folder: Class = HERE,
) -> None:
    """Grade what was handed in and is not graded yet; stopped, it goes on where it was."""
    from course_tools.grading import class_run

    root = folder.resolve()
    summary = class_run.grade_class(root, name, student, scheduler, unsafe=unsafe, force=force)
    print(summary.sentence())
