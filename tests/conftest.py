"""What several test modules share."""

import shutil
from pathlib import Path

import pytest

from course_tools.lessons import Lesson


@pytest.fixture
def tiny(tmp_path: Path) -> Lesson:
    """A whole lesson of a few cells, in a repository of its own, where tests may write."""
    lesson = Lesson("01_tiny", tmp_path)
    lesson.source.parent.mkdir(parents=True)
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "module.py").write_text("value = 1\n")
    shutil.copy(Path(__file__).parent / "tiny_lesson.py", lesson.source)
    return lesson
