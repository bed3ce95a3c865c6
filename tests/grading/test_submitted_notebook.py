"""What comes in is found with care and put back into the assignment's order."""

import json
import os

import pytest

import classroom
from course_tools.grading.submissions import submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable

NAME = "01_grayscale_conversion"


@pytest.fixture(scope="module")
def assignment():
    return classroom.quick_assignment()


def clean(notebook, assignment):
    content = notebook if isinstance(notebook, bytes) else classroom.content(notebook)
    return submitted_notebook.clean(content, assignment)


def sources(made):
    return [step.source for step in made.steps]


def test_a_good_submission_is_left_as_it_is(assignment):
    notebook = classroom.quick()
    made = clean(notebook, assignment)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sources(made) == [cell.source for cell in code if "check" not in cell.id]
    assert made.remarks == []
    assert made.answers["gray-pixel"] == classroom.cell_of(notebook, "gray_pixel").source
    assert list(made.written) == ["written-1"]


def test_locked_cells_are_restored_and_checks_never_run(assignment):
    notebook = classroom.quick()
    classroom.cell_of(notebook, "needed").source = "import os"
    classroom.cell_of(notebook, "check-gray-pixel").source = "import evil"
    made = clean(notebook, assignment)
    assert sources(made)[0] == "import numpy as np"
    assert not any("import evil" in source for source in sources(made))
    assert made.remarks == ["A locked cell had been edited and was restored."]


def test_a_deleted_cell_of_ours_comes_back(assignment):
    notebook = classroom.quick()
    notebook.cells.remove(classroom.cell_of(notebook, "needed"))
    made = clean(notebook, assignment)
    assert sources(made)[0] == "import numpy as np"
    assert made.remarks == ["A locked cell was missing and was restored."]


def test_cells_in_another_order_are_put_back_with_those_that_follow_them(assignment):
    notebook = classroom.quick()
    exercise = classroom.cell_of(notebook, "gray_pixel")
    classroom.own_cell(notebook, "helper = 1", notebook.cells.index(exercise) + 1)
    expected = sources(clean(notebook, assignment))
    place = notebook.cells.index(exercise)
    moved = notebook.cells[place : place + 2]
    del notebook.cells[place : place + 2]
    notebook.cells += moved
    assert sources(clean(notebook, assignment)) == expected


def test_of_doubled_cells_the_last_that_is_not_blank_counts(assignment):
    notebook = classroom.released(classroom.quick())
    cell = classroom.cell_of(notebook, "gray_pixel")
    for text in ("def gray_pixel(*rgb): return 1", "def gray_pixel(*rgb): return 2", cell.source):
        copy = json.loads(json.dumps(cell))
        notebook.cells.append(type(cell)(copy, source=text, metadata=cell.metadata))
    made = clean(notebook, assignment)
    assert made.answers["gray-pixel"] == "def gray_pixel(*rgb): return 2"
    assert made.remarks == ["gray_pixel was answered in 2 cells; the last of them counts."]


def test_an_answer_in_a_new_cell_beside_the_blank_one_is_no_fault(assignment):
    notebook = classroom.released(classroom.quick())
    answer = classroom.cell_of(classroom.quick(), "gray_pixel").source
    made = clean(classroom.own_cell(notebook, answer), assignment)
    assert made.answers["gray-pixel"] == answer
    assert made.remarks == []


def test_without_metadata_cells_are_known_by_their_ids_or_by_what_they_define(assignment):
    notebook = classroom.quick()
    expected = sources(clean(notebook, assignment))
    for cell in notebook.cells:
        cell.metadata = type(cell.metadata)()
    assert sources(clean(notebook, assignment)) == expected
    file = json.loads(classroom.content(notebook))
    file["nbformat_minor"] = 4
    for cell in file["cells"]:
        del cell["id"]
    made = clean(json.dumps(file).encode(), assignment)
    assert sources(made) == expected
    assert len(made.answers) == 6


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "damaged"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"[]", "no notebook"),
        (b'{"cells": 3}', "no notebook"),
        (b'{"worksheets": []}', "no notebook"),
        (b"[" * 200_000, "of a kind"),
        (b'{"cells": [' + b"9" * 10_000 + b"]}", "of a kind"),
        (b'{"cells": [' + b"1," * 2000 + b"1]}", "more than 1000 cells"),
    ],
)
def test_what_is_no_notebook_is_said_in_a_sentence(content, said, assignment):
    with pytest.raises(Unreadable, match=said):
        clean(content, assignment)


def test_damaged_cells_cost_themselves_only(assignment):
    file = json.loads(classroom.content(classroom.quick()))
    file["cells"] += [3, {}, {"cell_type": "code", "source": 3}, {"cell_type": "x"}]
    file["cells"].append({"cell_type": "code", "source": "\ud800", "metadata": 3, "id": [1]})
    file["cells"].append({"cell_type": "code", "source": "", "id": "\ud800"})
    made = clean(json.dumps(file).encode(), assignment)
    assert made.remarks == ["4 cells are damaged and were left out."]
    assert len(made.answers) == 6


def test_another_lessons_notebook_is_known_by_its_ids_or_by_its_grade_ids(assignment):
    other = classroom.solved("03")
    without_ids = json.loads(classroom.content(other))
    for cell in without_ids["cells"]:
        del cell["id"]
        cell["metadata"].setdefault("nbgrader", {}).setdefault("grade_id", "03-text")
    for file in (classroom.content(other), json.dumps(without_ids).encode()):
        with pytest.raises(Unreadable, match="notebook of lesson 03, not of lesson 01; submit"):
            submitted_notebook.clean(file, assignment)
    mixed = classroom.quick()
    mixed.cells += other.cells  # copied into the right one: that is no reason to refuse it
    assert (
        clean(mixed, assignment).answers.keys()
        == clean(classroom.quick(), assignment).answers.keys()
    )


def test_a_file_that_unfolds_to_much_memory_is_refused(assignment):
    content = b'{"cells": [' + b"{}," * 16_000_000 + b"{}]}"
    assert len(content) < submitted_notebook.MAX_FILE
    with pytest.raises(Unreadable):
        clean(content, assignment)


def test_a_submission_is_found_with_its_timestamp(tmp_path):
    assert submitted_notebook.find(tmp_path, "ann", NAME) is None
    place = classroom.submit(tmp_path, "ann", NAME, b"{}")
    place.with_name("timestamp.txt").write_text("2026-11-01 12:00:00 UTC\n")
    found = submitted_notebook.find(tmp_path, "ann", NAME)
    assert found == submitted_notebook.SubmittedFile(b"{}", "2026-11-01 12:00:00 UTC", "")
    assert submitted_notebook.find(tmp_path, "bob", NAME) is None


def test_another_file_name_is_accepted_if_there_is_one_file_only(tmp_path):
    place = classroom.submit(tmp_path, "ann", NAME, b"{}")
    place.rename(place.with_name("mine (1).ipynb"))
    assert "mine (1).ipynb" in submitted_notebook.find(tmp_path, "ann", NAME).remark
    place.with_name("other.ipynb").write_bytes(b"{}")
    with pytest.raises(Unreadable, match="several others"):
        submitted_notebook.find(tmp_path, "ann", NAME)


def test_no_link_is_followed(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_text("secret")
    place = classroom.submit(tmp_path, "ann", NAME, b"{}")
    place.unlink()
    place.symlink_to(secret)
    with pytest.raises(Unreadable, match="link"):
        submitted_notebook.find(tmp_path, "ann", NAME)
    place.unlink()
    place.write_bytes(b"{}")
    place.with_name("timestamp.txt").symlink_to(secret)
    assert submitted_notebook.find(tmp_path, "ann", NAME).timestamp == ""
    (tmp_path / "submitted" / "bob").symlink_to(tmp_path / "submitted" / "ann")
    with pytest.raises(Unreadable, match="link"):
        submitted_notebook.find(tmp_path, "bob", NAME)


@pytest.mark.parametrize("kind", ["pipe", "folder", "large"])
def test_what_is_no_plain_file_of_a_sensible_size_is_refused(kind, tmp_path):
    place = classroom.submit(tmp_path, "ann", NAME, b"{}")
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        with open(place, "wb") as file:
            file.truncate(submitted_notebook.MAX_FILE + 1)
    with pytest.raises(Unreadable):
        submitted_notebook.find(tmp_path, "ann", NAME)
