"""The student edition: answers out, everything else the same, and no student's file ever lost."""

import errno
import json
import os
import threading
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from course_lib.files import CourseError
from course_tools.lessons import build, gates, kernels, lesson_source, student_edition


def test_a_blank_takes_the_indentation_of_its_markers():
    solved = (
        "class Model:\n"
        "    def forward(self, x):\n"
        '        """Twice x."""\n'
        "        ### BEGIN SOLUTION\n"
        "        y = 2 * x\n"
        "\n"
        "        return y\n"
        "        ### END SOLUTION\n"
        "\n"
        "    name = 'kept'"
    )
    assert student_edition.blank(solved) == (
        "class Model:\n"
        "    def forward(self, x):\n"
        '        """Twice x."""\n'
        "        raise NotImplementedError\n"
        "\n"
        "    name = 'kept'"
    )


def test_the_student_edition_is_the_solution_minus_blanks(tiny):
    solved = lesson_source.read(tiny)
    student = student_edition.student_edition(solved)
    assert gates.student_problems(solved, student) == []
    changed = [a.id for a, b in zip(solved.cells, student.cells, strict=True) if a != b]
    assert changed == ["01-double-it"]
    blank = next(cell for cell in student.cells if cell.id == "01-double-it").source
    assert blank.endswith('"""Twice the number."""\n    raise NotImplementedError')


def printed_by_checks(notebook):
    checks = (cell for cell in notebook.cells if "check" in lesson_source.tags(cell))
    return [output.text for cell in checks for output in cell.outputs]


def test_run_all_comes_to_the_end_of_an_edition_without_answers(tiny):
    check = 'from course_lib import checks\n\nchecks.check("00.negative", double_it)'
    text = tiny.source.read_text()
    tiny.source.write_text(text.replace("assert double_it(2) == 4", check))
    student = student_edition.student_edition(lesson_source.read(tiny))
    executed = build.execute(student, tiny)  # which stops at the first cell that fails
    (line,) = printed_by_checks(executed)
    assert line.startswith("Not answered yet: 00.negative.") and line.count("\n") == 1
    assert gates.key_number(executed) == "the answer: 42"


def test_run_all_comes_to_the_results_of_lesson_00():
    start_here = next(lesson for lesson in lesson_source.all_lessons() if lesson.number == "00")
    student = student_edition.student_edition(lesson_source.read(start_here))
    executed = build.execute(student, start_here)
    assert [line[:16] for line in printed_by_checks(executed)] == ["Not answered yet"]
    assert gates.key_number(executed).startswith("MSE of the gray copy")


def test_start_never_touches_a_file_that_is_there(tiny):
    assert student_edition.start(tiny)
    assert nbformat.read(tiny.student_file, as_version=4).cells[0].source.startswith("# 01 · Tiny")
    tiny.student_file.write_text("my work")
    assert not student_edition.start(tiny)
    assert tiny.student_file.read_text() == "my work"


def test_above_each_blank_stands_what_a_right_answer_returns(tmp_path):
    """And nothing else is added: less the pictures, it is the student edition."""
    lesson = lesson_source.Lesson("06_comparing_models", tmp_path)
    lesson.source.parent.mkdir(parents=True)
    lesson.source.write_bytes(lesson_source.find("06").source.read_bytes())
    student_edition.start(lesson)
    started = nbformat.read(lesson.student_file, as_version=4)
    pictures = [cell for cell in started.cells if cell.get("attachments")]
    exercises = [cell.id for cell in started.cells if "exercise" in lesson_source.tags(cell)]
    after = [started.cells[started.cells.index(cell) + 1].id for cell in pictures]
    assert after == exercises
    started.cells = [cell for cell in started.cells if cell not in pictures]
    edition = student_edition.student_edition(lesson_source.read(lesson))
    assert lesson_source.inputs(started) == lesson_source.inputs(edition)


def test_reset_keeps_every_old_file_under_a_number_of_its_own(tiny):
    assert student_edition.reset(tiny) is None
    for number, text in enumerate(["first", "second", "third"], start=1):
        tiny.student_file.write_text(text)
        kept = student_edition.reset(tiny)
        assert kept.name == f"01_tiny.old-{number}.ipynb"
        assert kept.read_text() == text
    (tiny.root / "work/01_tiny.old-2.ipynb").unlink()
    tiny.student_file.write_text("fourth")
    assert student_edition.reset(tiny).name == "01_tiny.old-4.ipynb"
    assert (tiny.root / "work/01_tiny.old-3.ipynb").read_text() == "third"


def test_reset_moves_nothing_when_the_source_cannot_be_read(tiny):
    student_edition.start(tiny)
    tiny.student_file.write_text("my work")
    tiny.source.unlink()
    with pytest.raises(CourseError, match="01_tiny.py could not be read"):
        student_edition.reset(tiny)
    assert tiny.student_file.read_text() == "my work"


def refuse(number):
    def call(*_, **__):
        raise OSError(number, os.strerror(number))

    return call


def left_over(lesson):
    """Names in work/ that are not the student's."""
    return [path.name for path in lesson.student_file.parent.glob(".*")]


def test_a_file_that_appears_while_start_runs_is_left_unchanged(tiny, monkeypatch):
    made = student_edition._with_pictures

    def meanwhile(lesson):
        notebook = made(lesson)
        lesson.student_file.parent.mkdir(exist_ok=True)
        lesson.student_file.write_text("saved meanwhile")
        return notebook

    monkeypatch.setattr(student_edition, "_with_pictures", meanwhile)
    assert not student_edition.start(tiny)
    assert tiny.student_file.read_text() == "saved meanwhile" and left_over(tiny) == []


def test_a_file_that_appears_while_reset_moves_the_old_one_is_left_unchanged(tiny, monkeypatch):
    student_edition.start(tiny)
    tiny.student_file.write_text("my work")
    keep = student_edition._keep

    def meanwhile(path):
        kept = keep(path)
        path.write_text("saved meanwhile")
        return kept

    monkeypatch.setattr(student_edition, "_keep", meanwhile)
    assert student_edition.reset(tiny).read_text() == "my work"
    assert tiny.student_file.read_text() == "saved meanwhile"


@pytest.mark.parametrize("links", [True, False])
def test_many_resets_at_once_keep_every_version(links, tiny, monkeypatch):
    if not links:
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    notebook = student_edition._with_pictures(tiny)
    monkeypatch.setattr(student_edition, "_with_pictures", lambda _: notebook)
    student_edition.start(tiny)
    fresh = tiny.student_file.read_bytes()
    tiny.student_file.write_bytes(b"my work")
    kept, threads = [], []
    for _ in range(8):
        target = lambda: kept.append(student_edition.reset(tiny))  # noqa: E731
        threads.append(threading.Thread(target=target))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(kept) == 8
    contents = [path.read_bytes() for path in kept if path]
    assert contents.count(b"my work") == 1 and tiny.student_file.read_bytes() == fresh
    assert set(contents) <= {b"my work", fresh, *([] if links else [b""])}
    assert left_over(tiny) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES])
@pytest.mark.parametrize("place", ["fsync", "link", "replace", "mkdir"])
@pytest.mark.parametrize("command", ["start", "reset"])
def test_a_disk_that_refuses_is_one_sentence_and_loses_nothing(
    command, place, number, tiny, monkeypatch
):
    tiny.student_file.parent.mkdir()
    if command == "reset":
        tiny.student_file.write_text("my work")
    with monkeypatch.context() as patch:
        patch.setattr(os, place, refuse(number))
        with pytest.raises(CourseError) as info:
            getattr(student_edition, command)(tiny)
    assert os.strerror(number) in str(info.value) and "\n" not in str(info.value)
    files = list(tiny.student_file.parent.glob("*.ipynb"))
    if command == "reset":
        (file,) = files
        assert file.read_text() == "my work"
        assert file == tiny.student_file or str(file) in str(info.value)
    else:
        assert files == []


def test_a_folder_in_the_place_of_a_lesson_is_left_unchanged(tiny):
    tiny.student_file.mkdir(parents=True)
    (tiny.student_file / "notes").write_text("mine")
    assert not student_edition.start(tiny)
    with pytest.raises(CourseError, match="move aside what is there"):
        student_edition.reset(tiny)
    assert (tiny.student_file / "notes").read_text() == "mine"
    assert [path.name for path in tiny.student_file.parent.iterdir()] == [tiny.student_file.name]


def test_a_student_file_has_the_kernel_metadata_that_jupyterlab_writes(tiny):
    """JupyterLab writes the kernelspec that it started, and what the kernel says of itself."""
    student_edition.start(tiny)
    metadata = json.loads(tiny.student_file.read_text())["metadata"]
    manager, client = start_new_kernel(
        kernel_name="python3", extra_arguments=["--IPKernelApp.log_level=ERROR"]
    )
    try:
        reply = client.kernel_info(reply=True, timeout=60)["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    own = kernels.own_kernel()
    assert metadata == {
        "kernelspec": {
            "display_name": own["display_name"],
            "language": own["language"],
            "name": "python3",
        },
        "language_info": reply["language_info"],
    }
    assert Path(own["argv"][0]).is_absolute()
