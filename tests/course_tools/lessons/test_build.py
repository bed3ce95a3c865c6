"""A lesson is built, run and cleaned; a lesson that breaks a gate is refused with the reason."""

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.files import CourseError
from course_tools.lessons import build, gates, lesson_source, run
from course_tools.lessons.lesson_source import Lesson

PNG = base64.b64encode(b"picture").decode()


@pytest.fixture(autouse=True)
def _where_kernels_live(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def edit(lesson: Lesson, old: str, new: str) -> None:
    text = lesson.source.read_text()
    assert old in text
    lesson.source.write_text(text.replace(old, new))


def test_build_writes_a_notebook_that_passes_every_gate_and_is_the_same_again(tiny):
    path = build.build(tiny)
    first = path.read_bytes()
    notebook = nbformat.reads(first.decode(), as_version=4)
    assert gates.problems(notebook) == []
    assert gates.key_number(notebook) == "the answer: 42"
    assert build.is_current(tiny)
    build.build(tiny)
    assert path.read_bytes() == first

    interact, boxed = [cell for cell in notebook.cells if "widget" in lesson_source.tags(cell)]
    assert interact.outputs[0].metadata["image/png"]["alt"] == "One pixel, as gray as you choose"
    assert boxed.outputs[0].metadata["image/png"]["alt"] == "The same pixel in a box"
    by_hand = next(cell for cell in notebook.cells if "tqdm(range" in cell.source)
    assert [output.output_type for output in by_hand.outputs] == ["display_data"]

    edit(tiny, "What is twice 21?", "What is twice 22?")
    assert not build.is_current(tiny)


def test_a_cell_that_fails_stops_the_build_and_leaves_the_old_notebook(tiny):
    tiny.notebook.write_text("old")
    edit(tiny, "== 4", "== 5")
    with pytest.raises(CourseError, match="01_tiny stopped with AssertionError"):
        build.build(tiny)
    assert tiny.notebook.read_text() == "old"
    assert (tiny.root / "build/rejected/01_tiny.ipynb").exists()


def test_a_gate_stops_the_build_and_leaves_the_old_notebook(tiny):
    tiny.notebook.write_text("old")
    edit(tiny, 'print("profile:", profile)', 'print("see /home/anna/file")')
    with pytest.raises(CourseError, match="prints a path of a machine: /home/anna"):
        build.build(tiny)
    assert tiny.notebook.read_text() == "old"


def test_ids_outlive_edits_to_other_cells(tiny):
    before = [cell.id for cell in lesson_source.read(tiny).cells]
    edit(tiny, "# One gray pixel.", "# One gray pixel, enlarged.")
    edit(tiny, "    return twice", "    return 2 * number")
    after = [cell.id for cell in lesson_source.read(tiny).cells]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    assert "01-double-it" in after and "01-check-double-it" in after


def test_two_equal_cells_get_two_ids(tiny):
    with open(tiny.source, "a") as file:
        file.write("\n# %%\n1\n\n# %%\n1\n")
    ids = [cell.id for cell in lesson_source.read(tiny).cells]
    assert len(ids) == len(set(ids))
    assert ids[-1] == f"{ids[-2]}-2"


def test_nbgrader_metadata_is_written_from_tags_and_points(tiny):
    cells = {cell.id: cell for cell in lesson_source.read(tiny).cells}
    exercise = cells["01-double-it"].metadata.nbgrader
    check = cells["01-check-double-it"].metadata.nbgrader
    assert (exercise.grade_id, exercise.solution, exercise.grade) == ("double-it", True, False)
    assert (check.grade_id, check.grade, check.points) == ("check-double-it", True, 2)


def test_a_written_answer_is_graded_by_a_person(tiny):
    with open(tiny.source, "a") as file:
        file.write('\n# %% [markdown] tags=["written"] points=3\n# *Your answer here.*\n')
    cell = lesson_source.read(tiny).cells[-1]
    assert (cell.cell_type, cell.id, cell.metadata.tags) == ("markdown", "01-written", ["written"])
    assert cell.metadata.nbgrader == {
        "schema_version": 3, "task": False, "grade_id": "written-1",
        "locked": False, "grade": True, "solution": True, "points": 3,
    }  # fmt: skip


def test_clean_takes_out_what_belongs_to_one_machine():
    cell = new_code_cell("1")
    cell.metadata = nbformat.from_dict({"papermill": {}, "execution": {}, "tags": ["check"]})
    cell.outputs = [
        new_output("stream", name="stdout", text="a"),
        new_output("stream", name="stdout", text="b"),
        new_output("stream", name="stderr", text="\r  0%|      | 0/3 [00:00<?, ?it/s]\r"),
        new_output("stream", name="stderr", text="Warning: mind this\n"),
        new_output("stream", name="stderr", text="\r100%|###| 3/3 [00:01<00:00, 3.1it/s]\n"),
        new_output("display_data", {build.WIDGET_VIEW: {"model_id": "gone"}, "text/plain": "HBox"}),
    ]
    notebook = new_notebook(cells=[cell], metadata={"papermill": {"input_path": "/home/anna"}})
    cleaned = build.clean(notebook)
    assert set(cleaned.metadata) == {"kernelspec", "language_info"}
    assert cleaned.cells[0].metadata == {"tags": ["check"]}
    assert [output.text for output in cleaned.cells[0].outputs] == ["ab", "Warning: mind this"]
    assert "papermill" in notebook.metadata  # the original is left as it was


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\r100%|██████| 10/10 [00:01<00:00, 9.9it/s, loss=0.0071]\n", ""),
        ("epoch 1:  50%|##   | 5/10 [00:01<00:01, 9.9it/s]", ""),
        ("\r12it [00:01, 9.9it/s]", ""),
        ("UserWarning: 3it/s is slow\n", "UserWarning: 3it/s is slow"),
        ("100%|##| 3/3 [00:01<00:00, 3it/s]Warning", "100%|##| 3/3 [00:01<00:00, 3it/s]Warning"),
    ],
)
def test_progress_bars_go_and_warnings_stay(written, kept):
    assert build.without_progress_bars(written) == kept


def test_lessons_are_found_by_number_name_and_file(tiny):
    for wanted in ("1", "01", "01_tiny", "notebooks/source/01_tiny.py"):
        assert lesson_source.find(wanted, tiny.root) == tiny
    with pytest.raises(CourseError, match="There is no lesson '9'; the lessons are: 01_tiny."):
        lesson_source.find("9", tiny.root)


def test_run_runs_once_and_again_when_something_changed(tiny):
    said: list[str] = []
    first = run.run([tiny], say=said.append)
    assert said[0] == "[1/1] 01_tiny: running in the quick profile"
    assert first[0].key_number == "the answer: 42"
    assert first[0].error == "" and first[0].seconds > 0
    assert first[0].peak_memory_mb > 20  # a bare Python kernel takes about 50 MB
    assert run.run([tiny], say=said.append) == first
    assert said[-1] == "[1/1] 01_tiny: done before, nothing changed since"

    (tiny.root / "course_lib" / "module.py").write_text("value = 2\n")
    run.run([tiny], say=said.append)
    assert said[-2] == "[1/1] 01_tiny: running in the quick profile"
    row = run.table(first).splitlines()[-1]
    assert row.startswith("01_tiny ")
    assert row.endswith("the answer: 42  build/runs/quick/01_tiny.ipynb")


def test_run_hands_the_profile_over_and_reports_what_failed(tiny, monkeypatch):
    edit(tiny, 'print("the answer:", 42)', "assert profile == 'quick', profile")
    fetched = []
    monkeypatch.setattr(run.fetch, "fetch_cifar10", lambda: fetched.append("CIFAR-10"))
    results = run.run([tiny], profile="full", say=lambda line: None)
    assert fetched == ["CIFAR-10"]  # before the lesson, which only reads the cache
    assert results[0].error == "stopped with AssertionError: full"
    assert run.remarks(results, "full") == ["01_tiny failed: stopped with AssertionError: full"]
    assert "failed" in run.table(results)
    # What failed is not done.
    assert run._finished(tiny, "full") is None


def test_run_refuses_an_unknown_profile(tiny):
    with pytest.raises(CourseError, match="no profile 'fast'; choose one of: quick, full"):
        run.run([tiny], profile="fast")


def test_a_slow_cell_is_remarked_on_in_the_quick_profile_alone():
    slow = run.LessonRun("01_tiny", 99, 1, 61, "", "x.ipynb", "s")
    assert "a cell that took 61 s" in run.remarks([slow], "quick")[0]
    assert run.remarks([slow], "full") == []


def test_the_quick_profile_is_offline_and_the_variable_is_given_back(monkeypatch):
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    with build.offline():
        assert os.environ["COURSE_OFFLINE"] == "1"
    assert "COURSE_OFFLINE" not in os.environ
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    with build.offline():
        assert os.environ["COURSE_OFFLINE"] == "1"
    assert os.environ["COURSE_OFFLINE"] == "0"


def test_a_widget_that_brings_its_still_picture_leaves_that_alone():
    data = {build.WIDGET_VIEW: {"model_id": "7"}, "image/png": PNG, "text/plain": "what is seen"}
    shown = new_output("execute_result", data, metadata={"image/png": {"alt": "what is seen"}})
    notebook = build.clean(new_notebook(cells=[new_code_cell("widget", outputs=[shown])]))
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert output.metadata["image/png"]["alt"] == "what is seen"


@pytest.mark.parametrize("lesson", lesson_source.all_lessons(), ids=lambda lesson: lesson.number)
def test_a_source_saved_from_jupyterlab_stays_as_it_is(lesson, tmp_path):
    from jupyter_server.services.contents.largefilemanager import LargeFileManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    for path in (lesson.source, lesson.source.with_name("jupytext.toml")):
        shutil.copy(path, tmp_path)
    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)(root_dir=str(tmp_path))
    content = manager.get(lesson.source.name, type="notebook")["content"]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    content["metadata"] |= {"kernelspec": kernel, "language_info": {"version": "3.11.7"}}
    model = {"type": "notebook", "format": "json", "content": content}
    manager.save(model, lesson.source.name)
    assert (tmp_path / lesson.source.name).read_text() == lesson.source.read_text()


def test_an_interrupted_run_leaves_no_verdict_of_an_earlier_one(tiny, monkeypatch):
    run.run([tiny], say=lambda line: None)

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("papermill.execute_notebook", stop)
        with pytest.raises(SystemExit) as ended:
            run.run([tiny], force=True, say=lambda line: None)
    assert ended.value.code == 130
    assert run._finished(tiny, "quick") is None


@pytest.mark.parametrize("command", ["build", "run"])
def test_ctrl_c_is_one_line_that_says_what_is_kept(tiny, command):
    """A real one, sent to all processes of the terminal while a cell runs."""
    edit(tiny, "import sys\n", "import sys, time\nprint('begun', flush=True)\ntime.sleep(100)\n")
    code = (
        "import sys, pathlib\n"
        "from course_tools.lessons import build, run, lesson_source\n"
        "lesson = lesson_source.find('01', pathlib.Path(sys.argv[1]))\n"
        "build.build(lesson) if sys.argv[2] == 'build' else run.run([lesson], force=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny.root), command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    kernels = wait_for_kernel(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    lines = said.strip().splitlines()
    assert process.returncode == 130 and len(lines) == 1, said
    go_on = {"build": "go on with: course build 01", "run": "without --force, goes on with 01_tiny"}
    assert lines[0].startswith("Interrupted. ") and go_on[command] in lines[0]
    assert psutil.wait_procs(kernels, timeout=20)[1] == []


def wait_for_kernel(pid):
    """The processes that `pid` started, once a kernel is among them and has had a second."""
    for _ in range(600):
        found = psutil.Process(pid).children(recursive=True)
        with contextlib.suppress(psutil.Error):
            if any("ipykernel_launcher" in process.cmdline() for process in found):
                time.sleep(1)
                return found
        time.sleep(0.1)
    raise AssertionError("no kernel was started")


def test_what_is_hidden_or_temporary_makes_no_lesson_run_again(tiny):
    before = run.stamp(tiny, "quick")
    runs = tiny.root / "course_lib" / "assets" / "runs"
    for name in (".new-abc", ".conv_latent~abcdefgh", "__pycache__"):
        (runs / name / "deep").mkdir(parents=True)
        (runs / name / "deep" / "manifest.json").write_text("{}")
    assert run.stamp(tiny, "quick") == before
    (runs / "manifest.json").write_text("{}")
    assert run.stamp(tiny, "quick") != before
