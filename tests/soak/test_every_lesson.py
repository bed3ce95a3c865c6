"""`make soak`: what takes too long for every push. Every lesson runs with several other seeds."""

import pytest

from course_tools.lessons import gates, lesson_source
from tests.notebooks.test_parameters import run_with


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("number", [lesson.number for lesson in lesson_source.all_lessons()])
def test_a_lesson_runs_with_any_seed(number, seed, tmp_path):
    assert gates.key_number(run_with({"seed": seed}, number, tmp_path))
