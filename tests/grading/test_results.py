"""Results on disk, and the gradebook that is made from them."""

import json
import shutil
from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from msgspec import structs

import classroom
from course_lib.files import CourseError
from course_tools.grading import class_folder, gradebook, results
from course_tools.grading.marking import grade_one

NAME = "01_grayscale_conversion"
DUE = datetime(2026, 11, 1, 12)
DAY = "2026-11-02 12:00:00 UTC"


def grading_of(student, text="", right=3, sha="a", status="graded"):
    """A grading with so many exercises right."""
    made = grade_one.not_graded(student, classroom.quick_assignment(), status, "")
    for exercise in made.exercises[:right]:
        exercise.points, exercise.outcome = 1.0, "right"
    made.written[0].source = text
    made.submission_sha256 = sha
    return made


@pytest.fixture
def folder(tmp_path):
    classroom.new_class(tmp_path, classroom.quick())
    return tmp_path


def write(folder, grading, tests="t", timestamp="", due=None):
    return results.record(folder, grading, tests, timestamp, due)


def test_a_regrade_keeps_the_earlier_mark_in_its_history(folder):
    first = write(folder, grading_of("ann"))
    assert first.history == []
    again = write(folder, grading_of("ann"))
    assert again.history == []  # the same file and tests gave the same
    third = write(folder, grading_of("ann", right=4), tests="others")
    assert [entry.points for entry in third.history] == [3]
    assert third.history[0].tests_sha256 == "t"
    assert results.read(folder, NAME, "ann") == third


def test_a_failed_regrade_leaves_the_old_mark_only_in_history(folder):
    write(folder, grading_of("ann"))
    failed = write(folder, grading_of("ann", right=0, sha="b", status="failed"))
    assert (failed.points, failed.max_points) == (0, 6)
    assert structs.replace(failed.history[0], graded_at="") == results.EarlierResult(
        graded_at="",
        points=3,
        max_points=6,
        submission_sha256="a",
        tests_sha256="t",
        status="graded",
    )


def test_only_the_same_file_and_tests_are_current(folder):
    result = write(folder, grading_of("ann"))
    assert result.is_current("a", "t")
    assert not result.is_current("b", "t")
    assert not result.is_current("a", "u")


@pytest.mark.parametrize(
    ("timestamp", "due", "late"),
    [
        (DAY, DUE, 86400.0),
        ("2026-10-31 12:00:00 UTC", DUE, 0.0),
        ("", DUE, None),
        (DAY, None, None),
        ("no date", DUE, None),
    ],
)
def test_late_submissions(timestamp, due, late, folder):
    assert write(folder, grading_of("ann"), timestamp=timestamp, due=due).late_seconds == late


def test_a_date_that_moves_is_noted_without_grading_again(folder):
    before = write(folder, grading_of("ann"), timestamp=DAY, due=DUE)
    after = results.set_timestamp(folder, before, DAY, datetime(2026, 11, 3))
    assert after.late_seconds == 0 and after.history == []
    assert results.read(folder, NAME, "ann") == after


DAMAGE = [
    lambda result: "",
    lambda result: "[]",
    lambda result: "{}",
    lambda result: "[" * 100_000,
    lambda result: json.dumps(result)[:-1],
    lambda result: json.dumps(result | {"schema": 2}),
    lambda result: json.dumps(result | {"note": "by hand"}),
    lambda result: json.dumps(result | {"status": "right"}),
    lambda result: json.dumps(result | {"exercises": [{"name": "gray_pixel"}]}),
    lambda result: json.dumps(result | {"exercises": [result["exercises"][0] | {"points": "1"}]}),
    lambda result: json.dumps(result | {"history": [{}]}),
    *(
        lambda result, lost=lost: json.dumps({k: v for k, v in result.items() if k != lost})
        for lost in ("schema", "student", "status", "remark", "exercises", "written", "history")
    ),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_result_is_not_overwritten(folder, damage):
    write(folder, grading_of("ann"))
    file = results.path(folder, NAME, "ann")
    damaged = damage(json.loads(file.read_bytes()))
    file.write_text(damaged)
    with pytest.raises(CourseError, match="move it away") as told:
        write(folder, grading_of("ann"))
    assert "\n" not in str(told.value)
    assert file.read_text() == damaged


def test_the_file_has_the_keys_that_it_always_had(folder):
    write(folder, grading_of("ann", "Because.", right=1))
    write(folder, grading_of("ann", "Because.", sha="b"))
    file = json.loads(results.path(folder, NAME, "ann").read_bytes())
    keys = "schema student assignment submission_sha256 tests_sha256 status remark timestamp "
    keys += "late_seconds seconds graded_at exercises written added history"
    assert file.keys() == set(keys.split())
    keys = "name grade_id points max_points outcome sentence misconception seconds source printed"
    assert file["exercises"][0].keys() == set(keys.split())
    keys = "grade_id max_points source note manual_scores manual_score"
    assert file["written"][0].keys() == set(keys.split())
    keys = "graded_at points max_points submission_sha256 tests_sha256 status"
    assert file["history"][0].keys() == set(keys.split())


def marks(folder):
    """What the gradebook says: student -> (score, needs a person)."""
    with gradebook.opened(folder) as book:
        return {
            submission.student.id: (submission.score, submission.needs_manual_grade)
            for submission in book.assignment_submissions(NAME)
        }


def score_by_hand(folder, student, score, cell="written-1"):
    """What formgrader does."""
    with gradebook.opened(folder) as book:
        grade = book.find_grade(cell, NAME, NAME, student)
        grade.manual_score = score
        grade.needs_manual_grade = False
        book.db.commit()


def sync(folder):
    gradebook.sync(folder, classroom.quick_assignment())


def test_the_gradebook_says_what_results_say_once_or_twice(folder):
    write(folder, grading_of("ann", "Because."), timestamp=DAY, due=DUE)
    write(folder, grading_of("bob"))
    write(folder, grading_of("eve", status="failed", right=0))
    write(folder, grading_of("zoe", status="missing", right=0))
    for _ in range(2):
        sync(folder)
        assert marks(folder) == {"ann": (3, True), "bob": (3, False), "eve": (0, True)}
    with gradebook.opened(folder) as book:
        submission = book.find_submission(NAME, "ann")
        assert submission.timestamp == datetime(2026, 11, 2, 12)
        assert submission.max_score == 8


@pytest.mark.parametrize(
    ("listed", "first", "last"),
    [
        ("Ada King Lovelace", "Ada King", "Lovelace"),
        ('"Lovelace, Ada"', "Ada", "Lovelace"),
        ("Ada", "", "Ada"),
        ("Pat O'Brien", "Pat", "O\u2019Brien"),
        ("Eve <script>alert(1)</script>", "Eve", "scriptalert(1)/script"),
        ("", None, None),
    ],
)
def test_names_of_the_class_list_reach_the_gradebook(folder, listed, first, last):
    (folder / "students.csv").write_text(f"student,name\nann,{listed}\n")
    write(folder, grading_of("ann"))
    sync(folder)
    with gradebook.opened(folder) as book:
        student = book.find_student("ann")
        assert (student.first_name, student.last_name) == (first, last)


def test_manual_scores_are_kept_until_the_text_changes(folder):
    write(folder, grading_of("ann", "Because."))
    sync(folder)
    score_by_hand(folder, "ann", 2)
    sync(folder)
    assert marks(folder)["ann"] == (5, False)
    write(folder, grading_of("ann", "Because.", right=4, sha="b"))
    sync(folder)
    assert marks(folder)["ann"] == (6, False)
    write(folder, grading_of("ann", "No.", right=4, sha="c"))
    sync(folder)
    assert marks(folder)["ann"] == (4, True)
    write(folder, grading_of("ann", "", right=0, sha="d", status="failed"))
    sync(folder)
    assert marks(folder)["ann"] == (0, True)
    write(folder, grading_of("ann", "Because.", right=4, sha="b"))
    sync(folder)
    assert marks(folder)["ann"] == (6, False)


def test_the_gradebook_can_be_made_anew(folder):
    write(folder, grading_of("ann", "Because."))
    sync(folder)
    score_by_hand(folder, "ann", 1.5)
    sync(folder)
    (folder / "gradebook.db").unlink()
    sync(folder)
    assert marks(folder) == {"ann": (4.5, False)}


def test_a_score_that_a_person_gave_to_code_is_kept_and_asked_about_when_points_change(folder):
    write(folder, grading_of("ann"))
    sync(folder)
    score_by_hand(folder, "ann", 0.5, "check-gray-pixel")
    sync(folder)
    assert marks(folder)["ann"] == (2.5, False)
    write(folder, grading_of("ann", right=0, sha="b"))
    for _ in range(2):
        sync(folder)
        assert marks(folder)["ann"] == (0.5, True)


def test_formgrader_has_a_notebook_to_show(folder):
    grading = grading_of("ann", "Because.")
    grading.exercises[0].source = "def gray_pixel(): pass"
    grading.exercises[0].sentence = "Right."
    write(folder, grading)
    sync(folder)
    file = json.loads((folder / "autograded" / "ann" / NAME / f"{NAME}.ipynb").read_text())
    cells = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in file["cells"]}
    assert ">Because&#46;</pre>" in "".join(cells["written-1"]["source"])
    assert "".join(cells["gray-pixel"]["source"]) == "def gray_pixel(): pass"
    assert cells["check-gray-pixel"]["outputs"][0]["text"] in ("Right.", ["Right."])
    sources = "".join("".join(cell["source"]) for cell in file["cells"])
    assert "0.587" not in "".join(cells["gray-batch"]["source"]) and "BEGIN SOLUTION" not in sources


SCRIPTS = """I think that
<script>document.querySelector("input.score").value = 4</script>
</pre><script>alert(1)</script><pre>
<img src=x onerror=alert(1)> ![picture](https://example.org/x.png)

<iframe src="https://example.org"></iframe> <svg/onload=alert(1)>
[link](javascript:alert(1)) <https://example.org> $\\href{javascript:alert(1)}{x}$ $$y$$
&lt;script&gt; &#60;script&#62; <style>*{display:none}</style>
```
</code></pre><script>alert(1)</script>
```
<!-- --> ]]> {{ resources }} {% raw %} \x00 end"""


def shown(folder, student):
    """What formgrader shows of a submission: its own exporter, template and settings."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    file = folder / "autograded" / student / NAME / f"{NAME}.ipynb"
    about = {"base_url": "", "index": 0, "total": 1}
    page, resources = HTMLExporter(config=config).from_filename(str(file), resources=about)
    assert resources["should_sanitize_html"]
    return BeautifulSoup(page, "html.parser").select_one("#notebook-container")


def living(page):
    """Everything on a page that could run, load or lead away."""
    for tag in page.find_all(True):
        if tag.name in ("script", "iframe", "img", "svg", "style", "a", "object", "embed"):
            yield str(tag)
        for key, value in tag.attrs.items():
            if key.startswith("on") or "javascript:" in str(value):
                yield str(tag)


def test_nbgraders_autograde_is_refused_in_a_sentence_and_removes_nothing(folder):
    """What the buttons of formgrader call; it would run students' code without a sandbox."""
    classroom.submit(folder, "ann", NAME, classroom.own_cell(classroom.quick(), "import evil"))
    write(folder, grading_of("ann", "Because."))
    sync(folder)
    file = folder / "autograded" / "ann" / NAME / f"{NAME}.ipynb"
    before = file.read_bytes()
    outcome = class_folder.nbgrader_api(class_folder.at(folder)).autograde(NAME, "ann")
    assert not outcome["success"]
    assert outcome["error"].splitlines()[-1].endswith("terminal: course assignment grade NN")
    assert file.read_bytes() == before and marks(folder) == {"ann": (3, True)}


def test_nothing_of_a_student_runs_or_loads_in_formgrader(folder):
    for student, text in (("ann", "Because."), ("eve", SCRIPTS)):
        grading = grading_of(student, text)
        grading.exercises[0].source = grading.exercises[0].sentence = text
        grading.exercises[1].source = f"%%javascript\n{text}"
        write(folder, grading)
    sync(folder)
    harmless, hostile = shown(folder, "ann"), shown(folder, "eve")
    assert list(living(hostile)) == list(living(harmless))
    assert hostile.select("pre")[-1].get_text() == SCRIPTS.replace("\x00", "\ufffd")
    assert len(hostile.select("input.score")) == len(harmless.select("input.score")) == 7
    assert "alert(1)" in hostile.select_one(".input_area").get_text() + hostile.get_text()


def test_scores_are_for_the_text_and_not_for_how_it_is_shown(folder, monkeypatch):
    write(folder, grading_of("ann", SCRIPTS))
    sync(folder)
    score_by_hand(folder, "ann", 2)
    monkeypatch.setattr(gradebook, "inert_markdown", lambda source: "shown in another way")
    for _ in range(2):
        sync(folder)
        assert marks(folder)["ann"] == (5, False)
    assert results.read(folder, NAME, "ann").written[0].source == SCRIPTS


def test_an_exercise_that_comes_later_is_entered_too(folder):
    smaller = classroom.quick()
    for name in ("gray_pixel", "check-gray-pixel"):
        smaller.cells.remove(classroom.cell_of(smaller, name))
    source = folder / "source" / NAME / f"{NAME}.ipynb"
    whole = source.read_bytes()
    source.write_bytes(classroom.content(smaller))
    from course_tools.grading import assignment

    made = grading_of("ann", right=6)
    made.exercises.pop(0)
    write(folder, made)
    gradebook.sync(folder, assignment.from_notebook(NAME, smaller))
    assert marks(folder)["ann"] == (5, False)
    source.write_bytes(whole)
    write(folder, grading_of("ann", right=6, sha="b"))
    sync(folder)
    assert marks(folder)["ann"] == (6, False)
    shutil.rmtree(folder / "autograded")
