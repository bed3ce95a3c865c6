"""What several test modules share."""

import shutil
from pathlib import Path

import nbval.kernel
import pytest

from course_tools import kernels
from course_tools.lessons import Lesson


def pytest_configure():
    """Workers start kernels at the same time; nbval's, too, must not meet on a port."""
    nbval.kernel.KernelManager = kernels.UnixSocketKernelManager


@pytest.fixture
def tiny(tmp_path: Path) -> Lesson:
    """A whole lesson of a few cells, in a repository of its own, where tests may write."""
    lesson = Lesson("01_tiny", tmp_path)
    lesson.source.parent.mkdir(parents=True)
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "module.py").write_text("value = 1\n")
    shutil.copy(Path(__file__).parent / "tiny_lesson.py", lesson.source)
    return lesson
