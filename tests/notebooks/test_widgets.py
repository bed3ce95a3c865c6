"""Widgets where nobody moves them: papermill runs them in silence and quickly."""

import nbformat
import papermill

from course_tools.lessons import kernels
from course_tools.lessons.lesson_source import KERNEL

MAX_SECONDS = 15  # for the slowest of them, on a machine with more to do


def test_papermill_runs_every_widget_in_silence_and_quickly(widget_cells, tmp_path, capfd):
    cells = [nbformat.v4.new_code_cell(source) for source in widget_cells]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    papermill.execute_notebook(
        notebook,
        str(tmp_path / "executed.ipynb"),
        cwd=str(tmp_path),
        progress_bar=False,
        **kernels.OPTIONS,
    )
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    setup, *shown = executed.cells
    assert setup.outputs == []
    for cell in shown:
        (output,) = cell.outputs  # so nothing was printed
        assert output.output_type == "execute_result", cell.source
        assert output.data["image/png"], "no still picture is left"
        assert len(output.metadata["image/png"]["alt"]) > 40
        assert cell.metadata.papermill.duration < MAX_SECONDS, cell.source
    assert capfd.readouterr() == ("", "")
