"""What a student's file is when JupyterLab opens it, before anything is run."""

import nbformat
import pytest

from course_tools.lessons import lesson_source, student_edition

DIRTY = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
PICTURES = "() => [...document.querySelectorAll('img[alt]')].filter((one) => one.alt)"
SHOWN = f"() => ({PICTURES})().length && ({PICTURES})().every((one) => one.naturalWidth)"
METADATA = "() => window.jupyterapp.shell.currentWidget.context.model.toJSON().metadata"


@pytest.fixture(scope="module")
def student_file(tmp_path_factory):
    """Lesson 00 as `course start` writes it."""
    start_here = lesson_source.find("00")
    lesson = lesson_source.Lesson(start_here.name, tmp_path_factory.mktemp("course"))
    lesson.source.parent.mkdir(parents=True)
    lesson.source.write_bytes(start_here.source.read_bytes())
    student_edition.start(lesson)
    return nbformat.read(lesson.student_file, as_version=4)


def test_a_lesson_that_is_opened_is_not_unsaved(lab, student_file):
    page = lab.open(student_file, run=False)
    page.wait_for_timeout(1000)  # what JupyterLab learns from the kernel comes a little later
    assert page.evaluate(METADATA) == student_file.metadata
    assert not page.evaluate(DIRTY)
    page.wait_for_function(SHOWN)  # the pictures above the blanks


def test_a_lesson_without_its_metadata_would_be(lab, student_file):
    """Else the test above could not fail."""
    bare = nbformat.from_dict(student_file)
    bare.metadata = nbformat.from_dict({"kernelspec": lesson_source.KERNEL})
    page = lab.open(bare, run=False)
    page.wait_for_function(DIRTY)
