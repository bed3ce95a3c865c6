"""Whatever a student wrote is shown to the person who scores it, wherever in the notebook it is."""

import copy
import json

import nbformat
import pytest

import classroom
from course_tools.grading import assignment, class_folder, gradebook, release, results
from course_tools.grading.marking import grade_one
from course_tools.grading.reports import marks
from course_tools.grading.submissions import submitted_notebook
from course_tools.lessons import lesson_source, student_edition

LESSON = lesson_source.find("03")
WORDS = "The loss is on turned pictures.\nLuma suffers."


@pytest.fixture(scope="module")
def solved():
    return release.solved(LESSON)


@pytest.fixture(scope="module")
def ours(solved):
    return assignment.from_notebook(LESSON.name, solved)


@pytest.fixture
def notebook(solved):
    """What a student is given."""
    return student_edition.student_edition(copy.deepcopy(solved))


def clean(notebook, ours):
    return submitted_notebook.clean(classroom.content(notebook), ours)


def markdown(text):
    return nbformat.v4.new_markdown_cell(text)


def answer_of(notebook):
    return classroom.cell_of(notebook, "written-1")


def below(notebook):
    notebook.cells.append(markdown(WORDS))


def above(notebook):
    notebook.cells.insert(-1, markdown(WORDS))


def at_the_top(notebook):
    notebook.cells.insert(0, markdown(WORDS))


def in_the_question(notebook):
    notebook.cells[-2].source += f"\n\n{WORDS}"


def as_code(notebook):
    cell = answer_of(notebook)
    made = nbformat.v4.new_code_cell(WORDS, id=cell.id, metadata=cell.metadata)
    notebook.cells[-1] = made


def as_raw(notebook):
    answer_of(notebook).update(cell_type="raw", source=WORDS)


def typed_again(notebook):
    notebook.cells[-1] = markdown(WORDS)


def typed_again_as_comment(notebook):
    notebook.cells[-1] = nbformat.v4.new_code_cell("# " + WORDS.replace("\n", "\n# "))


def printed(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell(f"print({WORDS!r})"))


def split(notebook):
    cell = answer_of(notebook)
    first, second = WORDS.split("\n")
    cell.source = first
    notebook.cells.append(nbformat.v4.new_markdown_cell(second, metadata=cell.metadata))


def split_and_moved(notebook):
    split(notebook)
    notebook.cells.insert(3, notebook.cells.pop())


@pytest.mark.parametrize(
    "change",
    [below, above, at_the_top, in_the_question, as_code, as_raw, typed_again,
     typed_again_as_comment, printed, split, split_and_moved],
)  # fmt: skip
def test_words_are_found_wherever_they_are(change, notebook, ours):
    change(notebook)
    made = clean(notebook, ours)
    for line in WORDS.splitlines():
        assert line in made.written["written-1"]
    if change is not as_raw:
        assert made.notes["written-1"]
        assert f"written-1: {made.notes['written-1']}" in made.remarks


def test_words_beside_an_answer_are_added_in_order(notebook, ours):
    answer_of(notebook).source = "Second."
    notebook.cells.insert(-1, markdown("First."))
    notebook.cells += [markdown("Third."), markdown("Second."), markdown("  ")]
    notebook.cells.insert(0, markdown("Elsewhere."))
    text = clean(notebook, ours).written["written-1"]
    places = [text.index(word) for word in ("First.", "Second.", "Third.", "Elsewhere.")]
    assert places == sorted(places) and text.count("Second.") == 1


def test_what_was_given_out_has_no_words_and_no_remarks(notebook, ours):
    notebook.cells.insert(2, nbformat.v4.new_code_cell("%matplotlib inline\nimport math"))
    notebook.cells.append(nbformat.v4.new_code_cell("fc_parameters(32, 256)\nfc_parameters?"))
    made = clean(notebook, ours)
    assert (made.remarks, made.notes) == ([], {})
    assert made.written["written-1"] == answer_of(notebook).source
    assert [cell.source for cell in made.added] == [
        notebook.cells[2].source,
        notebook.cells[-1].source,
    ]


def test_windows_line_ends_are_no_edit(notebook, ours):
    expected = clean(notebook, ours)
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    assert clean(notebook, ours) == expected


@pytest.mark.parametrize(("kind", "called"), [("markdown", "Markdown"), ("raw", "raw text")])
def test_an_exercise_that_is_no_code_any_more_is_told(solved, ours, kind, called):
    notebook = copy.deepcopy(solved)
    cell = classroom.cell_of(notebook, "descend")
    cell.update(cell_type=kind)
    made = clean(notebook, ours)
    sentence = f"The cell of descend is {called} and not code, so it does not run."
    assert made.not_run == {"descend": sentence} and sentence in made.remarks
    assert made.answers["descend"] == cell.source
    notebook.cells.insert(5, nbformat.v4.new_code_cell(cell.source))
    assert clean(notebook, ours).not_run == {}


def test_cells_of_an_earlier_release_are_no_words_of_the_student(tmp_path, ours):
    folder = class_folder.new(tmp_path / "class")
    release.release(folder, LESSON)
    notebook = nbformat.read(folder.assignment("release", LESSON.name), as_version=4)
    for place, cell in enumerate(ours.cells):
        if cell.kind == "text":
            cells = list(ours.cells)
            cells[place] = assignment.Cell("text", "new-name", "new-id", "A new text.")
            later = assignment.Assignment(ours.name, tuple(cells))
            made = clean(notebook, later)
            assert (made.remarks, made.added) == ([], [])
            break


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Enter a submission of the quick assignment into a gradebook: its answer in words there."""
    name = classroom.new_class(tmp_path, classroom.quick())
    assigned = classroom.quick_assignment()
    (tmp_path / "students.csv").write_text("student\nada\n")

    def enter(notebook):
        cleaned = clean(notebook, assigned)
        made = grade_one.not_graded("ada", assigned, "graded", "")
        made.written = grade_one._written(assigned, cleaned)
        made.added = cleaned.added
        results.record(tmp_path, made, "tests", "", None)
        gradebook.sync(tmp_path, assigned)
        (found,) = marks.read(class_folder.at(tmp_path), name)
        page = (tmp_path / "autograded" / "ada" / name / f"{name}.ipynb").read_text()
        return found.answers[-1].points, page

    return enter


def test_only_an_answer_that_is_there_and_blank_counts_0_by_itself(graded):
    notebook = classroom.quick()
    assert graded(notebook)[0] == 0.0
    blank = copy.deepcopy(notebook)
    notebook.cells.remove(answer_of(notebook))
    points, page = graded(notebook)
    assert points is None
    assert "is not in the file" in page
    blank.cells.append(markdown("Because."))
    assert graded(blank)[0] is None


def test_formgrader_shows_a_students_own_cells_at_their_places(graded):
    notebook = classroom.own_cell(classroom.quick(), "helper = 1", 3)
    notebook.cells += [markdown("<b>mine</b>"), copy.deepcopy(markdown("<b>mine</b>"))]
    _, page = graded(notebook)
    cells = json.loads(page)["cells"]
    own = [cell for cell in cells if cell["id"].startswith("added-")]
    assert "".join(own[0]["source"]) == "helper = 1" and own[0]["cell_type"] == "code"
    assert "<b>" not in "".join(own[-1]["source"]) and "mine" in "".join(own[-1]["source"])
    assert len({cell["id"] for cell in cells}) == len(cells)
