"""What is handed out: the solution minus its blanks, complete, and with nothing in it to find."""

import ast
import base64
import copy
import re
import time
from datetime import UTC, datetime
from functools import cache

import nbformat
import pytest
from typer.testing import CliRunner

from course_lib import checks
from course_lib.files import CourseError
from course_tools import cli
from course_tools.grading import class_folder, gradebook, release
from course_tools.grading.marking import judge
from course_tools.lessons import build, expected_output, gates, lesson_source, student_edition
from course_tools.lessons.lesson_source import tags

LESSONS = [lesson for lesson in lesson_source.all_lessons() if "01" <= lesson.number <= "06"]
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)


@cache
def solved(number):
    return release.solved(lesson_source.find(number))


def released(number):
    return student_edition.student_edition(solved(number))


def cell(notebook, id_):
    return next(cell for cell in notebook.cells if cell.id == id_)


def png_chunks(png):
    """The types of a PNG's chunks; text would be tEXt, zTXt, iTXt or eXIf."""
    found, at = [], 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        found.append(png[at + 4 : at + 8].decode())
        at += size + 12
    return found


def answer_lines(lesson):
    """Every line of a solution that says something, and that no other cell says too."""
    notebook = lesson_source.read(lesson)
    elsewhere = "\n".join(student_edition.blank(cell.source) for cell in notebook.cells)
    for one in notebook.cells:
        if "exercise" in tags(one):
            body = one.source.split(gates.BEGIN)[1].split(gates.END)[0]
            for line in map(str.strip, body.splitlines()):
                if len(line) > 12 and line not in elsewhere:
                    yield line


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """Every assignment, released into one class: lesson number -> its file and what is in it."""
    folder = class_folder.new(tmp_path_factory.mktemp("class") / "2027")
    (folder.root / "private" / "03.py").write_text("# private words: keep this to yourself\n")
    (folder.root / "private" / "seed.txt").write_text("20270131\n")
    paths = {lesson.number: release.release(folder, lesson).path for lesson in LESSONS}
    return {number: (path, nbformat.read(path, as_version=4)) for number, path in paths.items()}


@every_lesson
def test_the_stub_is_the_solution_minus_blanks(lesson):
    full, blank = solved(lesson.number), release.released(lesson)
    assert blank == released(lesson.number)
    assert gates.student_problems(full, blank) == []
    assert gates.format_problems(blank) == []
    exercises = [one for one in lesson_source.read(lesson).cells if "exercise" in tags(one)]
    assert [one.id for one in blank.cells if "exercise" in tags(one)] == [
        one.id for one in exercises
    ]
    assert sum("check" in tags(one) for one in blank.cells) == len(exercises)


@every_lesson
def test_nbgrader_hands_out_exactly_that(lesson, handed_out):
    _, notebook = handed_out[lesson.number]
    ours = released(lesson.number)
    assert [(one.id, one.source) for one in notebook.cells] == [
        (one.id, one.source) for one in ours.cells
    ]
    for one, other in zip(notebook.cells, ours.cells, strict=True):
        theirs = one.metadata.nbgrader
        assert {key: theirs[key] for key in other.metadata.nbgrader} == other.metadata.nbgrader
        assert theirs.schema_version == 3
        assert theirs.locked is not theirs.solution
        assert one.get("attachments") == other.get("attachments")


@every_lesson
def test_nothing_of_the_solution_is_in_it(lesson, handed_out):
    path, notebook = handed_out[lesson.number]
    everything = path.read_text()
    said = "\n".join(one.source for one in notebook.cells)
    assert all(line not in said for line in answer_lines(lesson))
    assert len(list(answer_lines(lesson))) >= 4
    for secret in (
        "SOLUTION",
        "HIDDEN TESTS",
        "<details>",
        "private words",
        "20270131",
        "/private",
    ):
        assert secret not in everything
    assert not any(one.get("outputs") for one in notebook.cells)
    assert {key for one in notebook.cells for key in one.metadata} <= {
        "nbgrader", "tags", "deletable", "editable"
    }  # fmt: skip
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


@every_lesson
def test_pictures_hold_a_picture_and_nothing_else(lesson, handed_out):
    _, notebook = handed_out[lesson.number]
    exercises = [one for one in notebook.cells if "exercise" in tags(one)]
    shown = [one for one in notebook.cells if one.get("attachments")]
    assert len(shown) == len(exercises)
    for picture in shown:
        after = notebook.cells[notebook.cells.index(picture) + 1]
        assert "exercise" in tags(after)
        png = base64.b64decode(picture.attachments["expected.png"]["image/png"])
        assert set(png_chunks(png)) == {"IHDR", "pHYs", "IDAT", "IEND"}
        assert "](attachment:expected.png)" in picture.source
    assert gates.alt_problems(notebook) == []


@every_lesson
def test_run_all_fails_only_for_want_of_answers(lesson, handed_out):
    notebook = handed_out[lesson.number][1]
    executed = build.execute(copy.deepcopy(notebook), lesson, allow_errors=True)
    assert gates.student_run_problems(executed) == []
    for one in executed.cells:
        errors = [out for out in one.get("outputs", []) if out.output_type == "error"]
        assert not errors or {"exercise", "check"} & set(tags(one))


@every_lesson
def test_the_solved_one_passes_every_check(lesson, record_property):
    begin = time.perf_counter()
    executed = build.execute(copy.deepcopy(solved(lesson.number)), lesson)
    seconds = round(time.perf_counter() - begin, 1)
    record_property("seconds", seconds)
    print(f"lesson {lesson.number}: the solved assignment ran in {seconds} s")
    checked = (one.outputs for one in executed.cells if "check" in tags(one))
    # On a busy machine the end of a line may come as an output of its own.
    says = ["".join(output.text for output in outputs) for outputs in checked]
    assert says == [f"ok  {name}\n" for name in checks.of_lesson(lesson.number)]


@every_lesson
def test_expected_outputs_are_the_same_bytes_each_time_and_of_public_inputs(lesson):
    shown = [one for one in solved(lesson.number).cells if one.get("attachments")]
    again = expected_output.beside_exercises(lesson, lesson_source.read(lesson).cells)
    assert [one.attachments for one in shown] == [
        one.attachments for one in again if one.get("attachments")
    ]
    for one, name in zip(shown, checks.of_lesson(lesson.number), strict=True):
        alt_text = one.source.split("![")[1].split("](")[0]
        assert alt_text.startswith(f"What a right {name[3:]} returns") and len(alt_text) > 60


def test_an_exercise_that_no_check_knows_has_no_expected_output(tiny):
    notebook = lesson_source.read(tiny)
    assert expected_output.beside_exercises(tiny, notebook.cells) == notebook.cells
    assert expected_output.of_exercise("99.nothing") is None


def test_a_lesson_that_says_nothing_of_what_exercises_need_is_no_assignment(tiny):
    with pytest.raises(CourseError, match="Lesson 01 is no assignment: no cell is tagged needed"):
        release.solved(tiny)
    assert release.points_table(tiny) == ""
    text = tiny.source.read_text()
    tiny.source.write_text(
        text.replace("# %%\nimport base64", '# %% tags=["needed"]\nimport base64')
    )
    assert "`double_it`" in release.points_table(tiny)
    assert "2 points." in release.solved(tiny).cells[0].source


def test_what_belongs_to_the_lesson_alone_is_left_out():
    """Answers to compare with, and code that needs a trained model."""
    for number, text in (("01", "One answer to the written question"), ("02", "published.predict")):
        lesson = lesson_source.find(number)
        assert any(text in one.source for one in lesson_source.read(lesson).cells)
        assert not any(text in one.source for one in solved(number).cells)


def test_the_instructors_guide_has_the_points_and_rubrics_of_the_sources():
    guide = (lesson_source.ROOT / "docs" / "instructors.md").read_text()
    assert release.points_tables() in guide, "run `course assignment points` and paste it"


def test_the_guides_example_of_private_tests_works(tmp_path):
    guide = (lesson_source.ROOT / "docs" / "instructors.md").read_text()
    (example,) = re.findall("```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "06.py").write_text(example)
    tests = judge.read_tests(tmp_path, "06")  # refuses what its own right answer fails
    shown, hidden = judge.cases(tests)["06.separating_experiment"]
    assert shown.shown and not hidden.shown and shown.arguments() != hidden.arguments()


def test_the_seed_reaches_the_exercises_that_the_guide_says():
    """Held by hand against the checks of two lessons: inputs at random, and fixed ones."""
    table = release.points_table(LESSONS[0]) + release.points_table(LESSONS[5])
    assert "| `gray_batch` | 1 | yes |" in table
    assert "| `separating_experiment` | 1 | no |" in table
    assert "| written answer | 4 |  |" in table


def test_the_sheet_speaks_of_written_answers_only_where_there_are_some():
    for lesson in LESSONS:
        sheet = solved(lesson.number).cells[0].source
        asked = any("written" in tags(one) for one in solved(lesson.number).cells)
        assert ("the written question" in sheet) == asked == ("| written answer |" in sheet)
        assert "may be called with other inputs" in sheet and "work on a copy" in sheet
    assert "the written question" not in solved("01").cells[0].source


def test_points_can_be_set_and_wrong_names_are_told():
    notebook = release.released(LESSONS[2], {"descend": 3, "written-1": 6})
    assert cell(notebook, "03-check-descend").metadata.nbgrader.points == 3
    assert "12 points." in notebook.cells[0].source
    assert "| `descend` | 3 |" in notebook.cells[0].source
    with pytest.raises(CourseError, match="its answers are fc-parameters"):
        release.released(LESSONS[2], {"nothing": 1})


@pytest.fixture
def folder(tmp_path):
    return class_folder.new(tmp_path / "class")


def test_an_update_keeps_what_was_handed_out_and_says_so(folder):
    lesson = LESSONS[5]
    first = release.release(folder, lesson)
    assert first.changed and first.kept is None
    before = first.path.read_bytes()
    assert not release.release(folder, lesson).changed
    assert first.path.read_bytes() == before

    second = release.release(folder, lesson, {"skill": 2})
    assert second.kept == folder.root / "older" / "release" / f"{lesson.name}.1"
    assert (second.kept / first.path.name).read_bytes() == before
    third = release.release(folder, lesson)
    assert third.kept.name == f"{lesson.name}.2"
    assert (first.points, second.points, third.points) == ({}, {"skill": (1, 2)}, {"skill": (2, 1)})


def test_a_student_s_work_is_not_touched_by_a_release(folder):
    lesson = LESSONS[5]
    release.release(folder, lesson)
    work = folder.submitted("ada", lesson.name)
    work.parent.mkdir(parents=True)
    work.write_text("Ada's work")
    release.release(folder, lesson, {"skill": 2})
    assert work.read_text() == "Ada's work"


def test_what_nbgrader_refuses_leaves_everything_as_it_was(folder, monkeypatch):
    lesson = LESSONS[5]
    path = release.release(folder, lesson).path
    before = path.read_bytes(), folder.assignment("source", lesson.name).read_bytes()

    class Refuses:
        def generate_assignment(self, name):
            path.parent.mkdir()
            return {"success": False, "error": "Traceback\nRuntimeError: there are submissions"}

    monkeypatch.setattr(release, "nbgrader_api", lambda folder: Refuses())
    with pytest.raises(CourseError, match="did not release 06_.*: RuntimeError: there are subm"):
        release.release(folder, lesson, {"skill": 2})
    assert (path.read_bytes(), folder.assignment("source", lesson.name).read_bytes()) == before


def test_the_gradebook_knows_the_assignment_its_points_and_its_date(folder):
    lesson = LESSONS[2]
    due = datetime(2027, 1, 31, 23, 59, tzinfo=UTC)
    release.release(folder, lesson, {"descend": 3}, due)
    with gradebook.opened(folder.root) as book:
        assignment = book.find_assignment(lesson.name)
        assert assignment.duedate == due.replace(tzinfo=None)
        cells = {grade.name: grade.max_score for grade in assignment.notebooks[0].grade_cells}
    assert cells == {
        "check-fc-parameters": 1, "check-inside-loss": 1, "check-descend": 3, "check-design": 1,
        "written-1": 4,
    }  # fmt: skip


def test_a_class_folder_is_made_once_and_never_over_other_files(tmp_path):
    folder = class_folder.new(tmp_path / "class")
    (folder.root / "students.csv").write_text("student,name\nada,Ada Lovelace\n")
    assert class_folder.new(tmp_path / "class").students()["ada"]["name"] == "Ada Lovelace"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(CourseError, match="is no class folder; choose a new name"):
        class_folder.new(tmp_path / "other")
    with pytest.raises(CourseError, match="make one with `course assignment new CLASS`"):
        class_folder.at(tmp_path)


def test_the_commands_say_what_they_did(tmp_path):
    run = CliRunner().invoke
    there = str(tmp_path / "class")
    assert "is ready; next, in it" in run(cli.app, ["assignment", "new", there]).output
    done = run(cli.app, ["assignment", "release", "06", "--class", there, "--due", "2027-01-31"])
    assert "is ready: hand it out." in done.output
    again = run(cli.app, ["assignment", "release", "06", "--class", there, "--points", "power=2"])
    assert "It was released before and has changed; the old one is kept in" in again.output
    assert "Points have changed: power 1 -> 2." in again.output
    forgot = run(cli.app, ["assignment", "release", "06", "--class", there]).output
    assert "power 2 -> 1. To keep the old ones, add --points power=2." in forgot
    wrong = run(cli.app, ["assignment", "release", "06", "--class", there, "--points", "power"])
    assert "Write points as --points descend=3" in str(wrong.exception)
    wrong = run(cli.app, ["assignment", "release", "06", "--class", there, "--due", "Sunday"])
    assert "'Sunday' is no date" in str(wrong.exception)


def test_solutions_of_exercises_are_functions_with_named_arguments():
    """The table of the expected output names them."""
    for lesson in LESSONS:
        for one in lesson_source.read(lesson).cells:
            if "exercise" in tags(one):
                function = next(n for n in ast.parse(one.source).body if hasattr(n, "name"))
                assert isinstance(function, ast.FunctionDef) and function.args.args
