"""The command `course`. Imports are inside the commands, so that `course --help` is quick."""

import math
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

# nbformat imports jsonschema, which without this builds 39 grammars of web addresses: 1.5 s of each
# command, for a check that no notebook needs.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from course_lib.files import CourseError, sentence, write_json  # noqa: E402
from course_tools.grading import cli as assignments  # noqa: E402

app = typer.Typer(
    name="course",
    help="Gray to Color: build, run and hand out the lessons.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(assignments.app, name="assignment")
Names = Annotated[
    list[str] | None, typer.Argument(help="Lessons, such as 01 or 3; none means all of them.")
]
Name = Annotated[str, typer.Argument(help="A lesson, such as 01 or 3.")]

# JupyterLab opens a text source as a notebook, and does not ask whether to show news.
LAB_OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"python": "Jupytext Notebook"}},
}
# None of nbgrader's menus, which are for instructors.
LAB_SETTINGS = {
    "labconfig/default_setting_overrides.json": LAB_OVERRIDES,
    "labconfig/page_config.json": {"disabledExtensions": {"@jupyter/nbgrader": True}},
    "jupyter_server_config.d/nbgrader.json": {
        "ServerApp": {
            "jpserver_extensions": {
                f"nbgrader.server_extensions.{name}": False
                for name in ("formgrader", "validate_assignment", "assignment_list", "course_list")
            }
        }
    },
}


def main() -> None:
    """Run the command; a problem the reader can fix is one sentence, with exit code 2."""
    try:
        app()
    except CourseError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(sentence(error), file=sys.stderr)
        sys.exit(2)


@app.command()
def build(
    names: Names = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether notebooks are those of the sources.")
    ] = False,
) -> None:
    """Make notebooks/NN_name.ipynb from its text source: executed, cleaned, checked."""
    from course_tools.lessons import build, lesson_source

    stale = []
    for lesson in lesson_source.select(names):
        if not check:
            print(f"{lesson.name}: building", flush=True)
            print(f"{lesson.name}: {build.build(lesson).relative_to(lesson.root)}")
        elif build.is_current(lesson):
            print(f"{lesson.name}: the notebook is that of the source")
        else:
            stale.append(lesson.name)
    if stale:
        raise CourseError(
            f"Not the notebooks of their sources: {', '.join(stale)}; run: course build "
            + " ".join(name[:2] for name in stale)
        )


@app.command()
def run(
    lesson: Annotated[
        list[str] | None, typer.Option(help="A lesson; may be given several times. None: all.")
    ] = None,
    profile: Annotated[str, typer.Option(help="quick (a laptop) or full (a GPU).")] = "quick",
    force: Annotated[bool, typer.Option("--force", help="Run again what has run.")] = False,
    figures: Annotated[bool, typer.Option("--figures", help="Make the figures too.")] = False,
) -> None:
    """Execute lessons into build/runs and close with a table; what has run is not run again."""
    from course_tools.lessons import lesson_source, run

    results = run.run(lesson_source.select(lesson), profile, force, say=_say)
    no_figures = None
    if figures:
        try:
            make_figures()
        except CourseError as error:
            no_figures = error  # the table first: the lessons have run
    print(f"\n{run.table(results)}\n")
    remarks = run.remarks(results, profile)
    print("\n".join([*remarks, "Open JupyterLab with:  make lab"]))
    if no_figures:
        raise no_figures
    if any(result.error for result in results):
        raise typer.Exit(1)


@app.command()
def start(names: Names = None) -> None:
    """Put student editions into work/. A file that is already there is left unchanged."""
    from course_tools.lessons import lesson_source, student_edition

    for lesson in lesson_source.select(names):
        path = lesson.student_file.relative_to(lesson.root)
        if student_edition.start(lesson):
            print(f"{path} is ready.")
        else:
            print(
                f"{path} is already there and was left unchanged; "
                f"`course reset {lesson.number}` keeps it under another name and starts again."
            )


@app.command()
def reset(name: Name) -> None:
    """Start a lesson again in work/; the old file is kept under a numbered name."""
    from course_tools.lessons import lesson_source, student_edition

    lesson = lesson_source.find(name)
    kept = student_edition.reset(lesson)
    print(f"{lesson.student_file.relative_to(lesson.root)} is ready.")
    if kept:
        print(f"Your work until now is in {kept.relative_to(lesson.root)}.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Put student editions into work/ and open JupyterLab there; more options go to JupyterLab."""
    from course_tools.lessons.lesson_source import ROOT

    start(None)
    (ROOT / "work").mkdir(exist_ok=True)
    _become_jupyterlab(ROOT / "work", context.args)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def edit(context: typer.Context, name: Name) -> None:
    """Open a lesson's text source as a notebook in JupyterLab; saving writes the text."""
    from course_tools.lessons import lesson_source

    source = lesson_source.find(name).source
    url = f"--LabApp.default_url=/lab/tree/{source.name}"
    _become_jupyterlab(source.parent, [url, *context.args])


def _become_jupyterlab(folder: Path, options: list[str]) -> None:
    """Replace this process by JupyterLab, so that Ctrl-C reaches JupyterLab alone.

    The first `python3` that it finds is the interpreter that runs this.
    """
    from course_tools.lessons import kernels
    from course_tools.lessons.lesson_source import ROOT

    settings = ROOT / "build" / "jupyter"
    for name, content in LAB_SETTINGS.items():
        write_json(settings / name, content)
    write_json(settings / "data" / "kernels" / "python3" / "kernel.json", kernels.own_kernel())
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_PATH": _in_front("JUPYTER_CONFIG_PATH", settings),
        "JUPYTER_PATH": _in_front("JUPYTER_PATH", settings / "data"),
    }
    command = [sys.executable, "-m", "jupyterlab"]
    if (
        hasattr(os, "geteuid") and os.geteuid() == 0
    ):  # in a container, where JupyterLab would refuse
        command.append("--allow-root")
    os.chdir(folder)
    os.execve(sys.executable, [*command, *options], environment)


def _in_front(variable: str, folder: Path) -> str:
    """The value of a variable that lists folders, with one more in front."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get(variable)])])


@app.command()
def doctor(
    report: Annotated[
        bool, typer.Option("--report", help="Print it as text to paste into a bug report.")
    ] = False,
) -> None:
    """Say whether this machine is ready for the course."""
    from course_tools import doctor

    if report:
        print(doctor.report(doctor.examine()))
        return
    all_ok = True
    for finding in doctor.examine():
        print(f"{'ok ' if finding.ok else 'FIX'}  {finding.sentence}", flush=True)
        all_ok = all_ok and finding.ok
    if not all_ok:
        raise typer.Exit(1)


@app.command()
def data(
    source: Annotated[
        str | None, typer.Option("--from", help="Your own file, folder or URL, tried first.")
    ] = None,
) -> None:
    """Fetch CIFAR-10 into the cache, verified, and say which source was used."""
    from course_tools.dataset import fetch

    fetch.fetch(source)


@app.command("figures")
def make_figures() -> None:
    """Write the figures, those that are missing or whose inputs have changed."""
    from course_tools.experiments import figures

    figures.main()


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="An experiment, such as A1 or conv_latent, or all.")],
    seed: Annotated[int, typer.Option(help="Same seed, same run; with all, each has its own.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="float32, tf32 or bfloat16; auto: tf32 on a GPU, else float32.")
    ] = "auto",
    minutes: Annotated[
        float | None, typer.Option(help="Stop before they are over; the same command resumes.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="With all: only say what is done and what is left.")
    ] = False,
) -> None:
    """Train an experiment and publish the run; interrupted anywhere, it resumes where it was."""
    from course_tools.experiments import training_queue
    from course_tools.experiments.train import Settings

    _check_training(name, seed, device, precision, minutes, show)
    settings = Settings(device, precision, say=_say)
    if name != "all":
        training_queue.train_one(name, seed, settings, minutes)
    elif show:
        print(training_queue.table(training_queue.states(settings)))
    else:
        training_queue.train_all(settings, minutes)


def _check_training(
    name: str, seed: int, device: str, precision: str, minutes: float | None, show: bool
) -> None:
    """Raise CourseError for what `course train` cannot do, before anything is read or written."""
    from course_lib import profiles
    from course_lib.results import experiments

    if name != "all":
        experiments.get(name)
        if show:
            raise CourseError("--list is about all runs; write: course train all --list")
    if not 0 <= seed < 2**32:
        raise CourseError(f"A seed is a whole number from 0 to {2**32 - 1}, not {seed}.")
    if device not in ("auto", "cpu", "cuda"):
        raise CourseError(f"There is no device {device!r}; choose one of: auto, cpu, cuda.")
    if precision != "auto":
        profiles.check_precision(precision)
    if minutes is not None and not (minutes >= 0 and math.isfinite(minutes)):
        raise CourseError(
            f"--minutes takes a number of minutes from 0 on, not {minutes:g}; "
            "leave it out for no limit."
        )


@app.command()
def make_sample() -> None:
    """Write the bundled sample of CIFAR-10 from the full data."""
    from course_tools.dataset import fetch

    fetch.make_sample()


@app.command()
def make_gray_table() -> None:
    """Write the bundled table of the mean colour of every gray level from the full data."""
    from course_tools.dataset import gray_table

    gray_table.make_gray_level_table()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
