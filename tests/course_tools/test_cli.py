"""The command `course`: what it prints, what it leaves alone, and its exit codes."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from course_lib import baselines, data
from course_lib.files import CourseError
from course_tools import cli, doctor
from course_tools.dataset import fetch, gray_table
from course_tools.experiments import figures, train, training_queue
from course_tools.lessons import lesson_source, run, student_edition

runner = CliRunner()


@pytest.fixture
def here(tiny, monkeypatch):
    """The command works on the tiny lesson's repository."""
    monkeypatch.setattr(lesson_source, "all_lessons", lambda root=None: [tiny])
    return tiny


def course(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "course_tools.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=lesson_source.ROOT)


def test_an_unknown_lesson_is_one_sentence_and_exit_code_2():
    ended = course("start", "99")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("There is no lesson '99'; the lessons are: ")
    assert len(ended.stderr.splitlines()) == 1


def test_help_lists_the_commands_and_loads_no_framework():
    code = (
        "import sys; from typer.testing import CliRunner; from course_tools.cli import app; "
        "print(CliRunner().invoke(app, ['--help']).output); "
        "sys.exit(bool({'torch', 'tensorflow', 'papermill', 'matplotlib'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for command in ("build", "run", "start", "reset", "lab", "doctor", "data", "figures", "train"):
        assert f"  {command} " in ended.stdout


def test_an_unknown_option_is_refused():
    assert runner.invoke(cli.app, ["run", "--fast"]).exit_code == 2


def test_start_says_what_is_there_already_and_leaves_it(here):
    assert runner.invoke(cli.app, ["start", "1"]).output == "work/01_tiny.ipynb is ready.\n"
    here.student_file.write_text("my work")
    again = runner.invoke(cli.app, ["start"])
    assert again.exit_code == 0
    assert "already there and was left unchanged; `course reset 01` keeps it" in again.output
    assert here.student_file.read_text() == "my work"


def test_reset_says_where_the_old_work_is(here):
    student_edition.start(here)
    output = runner.invoke(cli.app, ["reset", "01"]).output
    assert "Your work until now is in work/01_tiny.old-1.ipynb." in output


def test_build_check_names_the_notebooks_that_are_not_of_their_source(here):
    result = runner.invoke(cli.app, ["build", "--check"])
    assert isinstance(result.exception, CourseError)
    assert str(result.exception).endswith("01_tiny; run: course build 01")


def test_run_closes_with_the_table_and_fails_if_a_lesson_failed(here, monkeypatch):
    result = run.LessonRun("01_tiny", 3, 50, 1, "the answer: 42", "build/x.ipynb", "s")
    monkeypatch.setattr(run, "run", lambda *_, **__: [result])
    done = runner.invoke(cli.app, ["run"])
    assert done.exit_code == 0
    assert "the answer: 42  build/x.ipynb" in done.output
    assert done.output.splitlines()[-1] == "Open JupyterLab with:  make lab"

    failed = run.LessonRun("01_tiny", 3, 50, 1, "", "build/x.ipynb", "s", error="stopped")
    monkeypatch.setattr(run, "run", lambda *_, **__: [failed])
    done = runner.invoke(cli.app, ["run"])
    assert done.exit_code == 1
    assert "01_tiny failed: stopped" in done.output


def test_figures_are_made_before_the_closing_table(here, monkeypatch):
    monkeypatch.setattr(run, "run", lambda *_, **__: [])
    monkeypatch.setattr(figures, "main", lambda: print("figures"))
    output = runner.invoke(cli.app, ["run", "--figures"]).output
    assert output.index("figures") < output.index("where to look")


def test_figures_that_fail_do_not_take_the_table_with_them(here, monkeypatch):
    def fail() -> None:
        raise CourseError("There is no published run yet.")

    monkeypatch.setattr(run, "run", lambda *_, **__: [])
    monkeypatch.setattr(figures, "main", fail)
    ended = runner.invoke(cli.app, ["run", "--figures"])
    assert "where to look" in ended.output
    assert str(ended.exception) == "There is no published run yet."


def test_train_passes_its_options_through(monkeypatch):
    seen = []
    replacements = {
        "train_one": lambda *arguments: seen.append(("one", *arguments)),
        "train_all": lambda *arguments: seen.append(("all", *arguments)),
        "states": lambda settings: seen.append(("list", settings)),
        "table": lambda states: "a table",
    }
    for name, replacement in replacements.items():
        monkeypatch.setattr(training_queue, name, replacement)
    monkeypatch.setattr(train, "Settings", lambda *options, say: options)
    more = ["--seed", "3", "--device", "cpu", "--minutes", "2.5"]
    settings = ("cpu", "auto")
    runner.invoke(cli.app, ["train", "C", *more])
    runner.invoke(cli.app, ["train", "all", *more])
    assert "a table" in runner.invoke(cli.app, ["train", "all", "--list", *more]).output
    assert seen == [
        ("one", "C", 3, settings, 2.5),
        ("all", settings, 2.5),
        ("list", settings),
    ]


@pytest.mark.parametrize("user", [0, 1000])
def test_lab_opens_the_work_folder_without_news(user, here, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(cli.os, "geteuid", lambda: user)
    monkeypatch.setattr(lesson_source, "ROOT", tmp_path)
    monkeypatch.setattr(cli.os, "chdir", calls.append)
    monkeypatch.setattr(cli.os, "execve", lambda *arguments: calls.append(arguments))
    assert runner.invoke(cli.app, ["lab", "--no-browser"]).exit_code == 0
    folder, (program, command, environment) = calls
    assert folder == tmp_path / "work"
    as_root = ["--allow-root"] if user == 0 else []  # or JupyterLab refuses
    assert command == [program, "-m", "jupyterlab", *as_root, "--no-browser"]
    settings = tmp_path / "build/jupyter"
    assert environment["JUPYTER_CONFIG_PATH"].startswith(str(settings))
    assert environment["JUPYTER_PATH"].startswith(f"{settings / 'data'}")
    kernel = json.loads((settings / "data/kernels/python3/kernel.json").read_text())
    assert kernel["argv"][:3] == [sys.executable, "-m", "ipykernel_launcher"]
    overrides = (settings / "labconfig/default_setting_overrides.json").read_text()
    assert '"fetchNews": "false"' in overrides
    assert here.student_file.exists()
    page = (settings / "labconfig/page_config.json").read_text()
    assert '"@jupyter/nbgrader": true' in page
    server = json.loads((settings / "jupyter_server_config.d/nbgrader.json").read_text())
    assert set(server["ServerApp"]["jpserver_extensions"].values()) == {False}


def test_nothing_of_nbgrader_is_left_in_a_student_s_jupyterlab():
    """Every extension that nbgrader switches on is one that `course lab` switches off."""
    config = Path(sys.prefix) / "etc/jupyter/jupyter_server_config.d/nbgrader.json"
    on = json.loads(config.read_text())["ServerApp"]["jpserver_extensions"]
    off = cli.LAB_SETTINGS["jupyter_server_config.d/nbgrader.json"]
    assert set(on) == set(off["ServerApp"]["jpserver_extensions"])
    folders = Path(sys.prefix, "share/jupyter/labextensions/@jupyter").iterdir()
    installed = {f"@jupyter/{folder.name}" for folder in folders}
    assert set(cli.LAB_SETTINGS["labconfig/page_config.json"]["disabledExtensions"]) <= installed


@pytest.mark.parametrize("user", [0, 1000])
def test_the_formgrader_opens_in_the_class_folder_with_autograde_disarmed(
    user, monkeypatch, tmp_path
):
    """Its autograde buttons run students' code without a sandbox."""
    calls = []
    monkeypatch.setattr(cli.os, "geteuid", lambda: user)
    monkeypatch.setattr(cli.os, "chdir", calls.append)
    monkeypatch.setattr(cli.os, "execv", lambda *arguments: calls.append(arguments))
    assert runner.invoke(cli.app, ["assignment", "new", str(tmp_path / "class")]).exit_code == 0
    command = ["assignment", "formgrader", "--class", str(tmp_path / "class"), "--no-browser"]
    assert runner.invoke(cli.app, command).exit_code == 0
    folder, (_, options) = calls
    assert folder == tmp_path / "class"
    assert "--LabApp.default_url=/formgrader/gradebook" in options
    assert "--Autograde.exporter_class=course_tools.grading.autograde.Refused" in options
    assert ("--allow-root" in options) == (user == 0)  # or JupyterLab refuses
    assert options[-1] == "--no-browser"


def test_edit_opens_the_text_source_as_a_notebook(here, monkeypatch):
    calls = []
    monkeypatch.setattr(lesson_source, "ROOT", here.root)
    monkeypatch.setattr(cli.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(cli.os, "chdir", calls.append)
    monkeypatch.setattr(cli.os, "execve", lambda *arguments: calls.append(arguments))
    assert runner.invoke(cli.app, ["edit", "01", "--no-browser"]).exit_code == 0
    folder, (_, command, environment) = calls
    assert folder == here.source.parent
    assert command[3:] == ["--LabApp.default_url=/lab/tree/01_tiny.py", "--no-browser"]
    settings = Path(environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
    overrides = json.loads((settings / "labconfig/default_setting_overrides.json").read_text())
    viewers = overrides["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert viewers == {"python": "Jupytext Notebook"}


def test_the_kernel_of_course_lab_comes_before_any_other(here, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setenv("JUPYTER_PATH", "/another/environment")
    monkeypatch.setattr(lesson_source, "ROOT", tmp_path)
    monkeypatch.setattr(cli.os, "chdir", lambda _: None)
    monkeypatch.setattr(cli.os, "execve", lambda *arguments: calls.append(arguments))
    runner.invoke(cli.app, ["lab"])
    ((_, _, environment),) = calls
    first, second = environment["JUPYTER_PATH"].split(os.pathsep)
    assert (first, second) == (str(tmp_path / "build/jupyter/data"), "/another/environment")
    monkeypatch.setenv("JUPYTER_PATH", environment["JUPYTER_PATH"])
    assert doctor.kernel().ok


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["C", "--seed", "-1"], "whole number from 0"),
        (["C", "--seed", str(2**32)], "whole number from 0"),
        (["all", "--seed", "12345678901234567890123"], "whole number from 0"),
        (["C", "--minutes", "nan"], "leave it out for no limit"),
        (["all", "--minutes", "inf"], "leave it out for no limit"),
        (["all", "--minutes", "-inf"], "leave it out for no limit"),
        (["C", "--minutes", "-5"], "leave it out for no limit"),
        (["A1", "--list"], "course train all --list"),
        (["C", "--device", "tpu"], "choose one of: auto, cpu, cuda"),
        (["all", "--precision", "float8"], "choose one of: float32, tf32, bfloat16"),
        (["vae"], "There is no experiment 'vae'"),
        ([""], "There is no experiment ''"),
    ],
)
def test_train_refuses_bad_input_before_anything_is_read_or_written(
    arguments, message, monkeypatch
):
    for name in ("train_one", "train_all", "states"):
        monkeypatch.setattr(training_queue, name, lambda *_: pytest.fail("it has begun"))
    ended = runner.invoke(cli.app, ["train", *arguments])
    assert isinstance(ended.exception, CourseError) and message in str(ended.exception)
    assert "\n" not in str(ended.exception) and ended.output == ""


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "x", "", "1=2"])
@pytest.mark.parametrize("command", ["release", "grade"])
def test_assignments_refuse_numbers_that_are_none(command, number, tmp_path):
    runner.invoke(cli.app, ["assignment", "new", str(tmp_path)])
    before = sorted(tmp_path.rglob("*"))
    option = f"--points=descend={number}" if command == "release" else f"--seconds={number}"
    ended = runner.invoke(cli.app, ["assignment", command, "05", "--class", str(tmp_path), option])
    assert ended.exit_code == 2 or isinstance(ended.exception, CourseError)
    assert sorted(tmp_path.rglob("*")) == before


@given(seed=st.integers(), minutes=st.none() | st.floats())
def test_train_takes_every_number_or_refuses_it_in_one_sentence(seed, minutes):
    is_right = 0 <= seed < 2**32 and (minutes is None or 0 <= minutes < float("inf"))
    try:
        cli._check_training("C", seed, "cpu", "auto", minutes, False)
    except CourseError as error:
        assert not is_right and "\n" not in str(error)
    else:
        assert is_right
        np.random.seed(seed)


@pytest.mark.parametrize("number", sorted(set(errno.errorcode) - {errno.EPIPE}))
def test_an_error_of_the_system_is_one_sentence_and_exit_code_2(number, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr(fetch, "fetch", refuse)
    monkeypatch.setattr(sys, "argv", ["course", "data"])
    with pytest.raises(SystemExit) as info:
        cli.main()
    assert info.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"/some/file: {os.strerror(number)}; ") and said.count("\n") == 1


TALKS = """
import sys
from course_tools import cli
from course_tools.dataset import fetch
fetch.fetch = lambda _: [print("a line", flush=True) for _ in range(100_000)]
sys.argv = ["course", "data"]
cli.main()
"""


def test_a_reader_that_stops_reading_is_no_error_of_the_cache(tmp_path):
    (tmp_path / "talks.py").write_text(TALKS)
    command = f"{sys.executable} {tmp_path / 'talks.py'} | head -1"
    environment = os.environ | {"PYTHONPATH": str(lesson_source.ROOT)}
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
    assert (ended.stdout, ended.stderr) == ("a line\n", "")


def large(_=None):
    """The sample three times over: enough for a validation part of 5,000 images."""
    sample = data.load_cifar10("sample")
    return data.CIFAR10(
        np.concatenate([sample.x_train] * 3),
        np.concatenate([sample.y_train] * 3),
        *(sample.x_test, sample.y_test, "full", "this test"),
        *(np.arange(6000), np.arange(1000)),
    )


# Every command once, as nearly as a test can; what takes long or leaves this process is replaced.
CALLS = {
    "build": ["--check"],
    "run": [],
    "start": [],
    "reset": ["01"],
    "lab": [],
    "edit": ["01"],
    "doctor": [],
    "data": [],
    "figures": [],
    "train": ["all", "--list"],
    "make-sample": [],
    "make-gray-table": [],
    "assignment": ["--help"],  # its own are called by the tests of grading
}


def test_the_commands_are_known():
    assert set(CALLS) == set(typer.main.get_command(cli.app).commands)


@pytest.mark.parametrize("name", CALLS)
def test_every_command_can_be_called(name, here, monkeypatch, tmp_path):
    small = large()
    monkeypatch.setattr(lesson_source, "ROOT", tmp_path)
    monkeypatch.setattr(cli.os, "chdir", lambda _: None)
    monkeypatch.setattr(cli.os, "execve", lambda *_: None)
    monkeypatch.setattr(run, "run", lambda *_, **__: [])
    monkeypatch.setattr(figures, "main", lambda: None)
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.memory(), doctor.open_files()])
    monkeypatch.setattr(fetch, "fetch_cifar10", large)
    monkeypatch.setattr(fetch, "lossless_mosaic", lambda images: images[:1].ravel())
    monkeypatch.setattr(fetch.make_sample, "__defaults__", (tmp_path / "sample.npz",))
    monkeypatch.setattr(gray_table, "fetch_cifar10", large)
    table = tmp_path / "gray_level_table.npy"
    monkeypatch.setattr(gray_table.make_gray_level_table, "__defaults__", (table,))
    ended = runner.invoke(cli.app, [name, *CALLS[name]])
    if name == "build":  # the tiny lesson has no notebook
        assert isinstance(ended.exception, CourseError)
    else:
        assert ended.exception is None, ended.exception
    if name == "make-gray-table":
        made = np.load(table)
        gray = data.as_float(small.x_test[:2])[..., 0]
        assert baselines.gray_level_table(gray, made).shape == (2, 32, 32, 3)
        assert json.loads(table.with_suffix(".json").read_text())["command"] == f"course {name}"
