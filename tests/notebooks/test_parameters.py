"""Lessons take other parameters from papermill, as a runner gives them; nothing else is edited."""

import nbformat
import papermill
import pytest

from course_tools.lessons import gates, kernels, lesson_source
from course_tools.lessons.build import offline


def run_with(parameters, number, folder):
    """The lesson of this number, executed by papermill with `parameters`."""
    lesson = lesson_source.find(number)
    executed = folder / lesson.notebook.name
    with offline():
        papermill.execute_notebook(
            lesson_source.read(lesson),
            str(executed),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(lesson.notebook.parent),
            execution_timeout=600,
            **kernels.OPTIONS,
        )
    return nbformat.read(executed, as_version=4)


@pytest.mark.parametrize("number", ["01", "03"])
def test_a_lesson_runs_with_another_seed(number, tmp_path):
    notebook = run_with({"seed": 1}, number, tmp_path)
    injected = [c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert [cell.source.splitlines()[-1] for cell in injected] == ["seed = 1"]
    assert gates.key_number(notebook)
    assert all(c.execution_count for c in notebook.cells if c.cell_type == "code")
