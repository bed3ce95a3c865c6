"""Feedback, marks and report: from results as grading writes them and a gradebook as people do."""

import csv
import html
import json
import re
from datetime import datetime

import pytest
from typer.testing import CliRunner

from course_lib.files import CourseError
from course_tools import cli
from course_tools.grading import class_folder, due_dates, gradebook, release
from course_tools.grading.reports import feedback, marks, marks_table
from course_tools.lessons import lesson_source

LESSON = lesson_source.find("03")
NAME = LESSON.name
HIDDEN = "0.61803"
HOSTILE = "</pre><script src='https://example.org/x.js'></script><img src=x onerror=alert(1)>&amp;"


def exercise(name="fc_parameters", outcome="right", **more):
    return {
        "name": name,
        "grade_id": f"check-{name.replace('_', '-')}",
        "points": float(outcome == "right"),
        "max_points": 1.0,
        "outcome": outcome,
        "sentence": "",
        "misconception": None,
        "seconds": 0.2,
        "source": f"def {name}():\n    pass\n",
        "printed": "",
        **more,
    }


def result(student, *exercises, **more):
    return {
        "schema": 1,
        "student": student,
        "assignment": NAME,
        "submission_sha256": "a" * 64,
        "tests_sha256": "t" * 64,
        "status": "graded",
        "remark": "",
        "late_seconds": None,
        "seconds": 3.5,
        "graded_at": "2027-02-01T10:00:00+00:00",
        "exercises": list(exercises),
        "written": [
            {"grade_id": "written-1", "max_points": 4.0, "source": "Too few numbers? Measure it."}
        ],
        "history": [],
        **more,
    }


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A class folder with the assignment in its gradebook."""
    folder = class_folder.new(tmp_path_factory.mktemp("class") / "2027")
    release.release(folder, LESSON)
    return folder


@pytest.fixture
def folder(released, tmp_path):
    """The same, a copy of its own: results may be written with `give`."""
    folder = class_folder.new(tmp_path / "class")
    (folder.root / "gradebook.db").write_bytes((released.root / "gradebook.db").read_bytes())
    return folder


def give(folder, *results):
    for one in results:
        path = folder.root / "results" / NAME / f"{one['student']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(one))


def write(folder, column=""):
    told = []
    feedback.write(folder, LESSON, column, told.append)
    return "\n".join(told)


def page(folder, student):
    return (folder.root / "feedback" / student / f"{NAME}.html").read_text()


def test_a_class_list_that_a_platform_can_match_is_not_mentioned(folder):
    (folder.root / "students.csv").write_text("student,login\nada,ada@example.org\n")
    give(folder, result("ada", exercise()))
    assert "students.csv" not in write(folder)


def marks_csv(folder):
    with open(folder.root / "reports" / f"{NAME}.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def score_by_hand(folder, student, score, comment, cell="written-1"):
    """What a person does in the formgrader, through the gradebook that it writes to."""
    with gradebook.opened(folder.root) as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(NAME, student)
        grade = book.find_grade(cell, NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        solution = cell.removeprefix("check-")
        book.find_comment(solution, NAME, NAME, student).manual_comment = comment
        book.db.commit()


def test_a_page_shows_answers_points_sentences_and_comments(folder):
    wrong = exercise("descend", "wrong", sentence="You climb: subtract.", printed="step 1\n")
    give(folder, result("ada", exercise(), wrong, late_seconds=7200.0))
    score_by_hand(folder, "ada", 3.0, "Well measured, but name the experiment.")
    write(folder)
    text = html.unescape(re.sub(r"<[^>]+>", " ", page(folder, "ada")))
    assert "4 of 6 points" in text
    for expected in (
        "fc_parameters",
        "def descend():",
        "You climb: subtract.",
        "step 1",
        "not right",
        "Too few numbers? Measure it.",
        "Well measured, but",
        "3\nof 4",
        "2.0 hours after the date",
    ):
        assert expected in text
    assert marks_csv(folder)[1][-1] == "4"


def test_a_person_can_change_the_points_of_an_exercise(folder):
    give(folder, result("ada", exercise("descend", "wrong")))
    score_by_hand(folder, "ada", 0.5, "The idea is right.", cell="check-descend")
    write(folder)
    assert "these points were given by a person" in page(folder, "ada")
    assert "The idea is right." in page(folder, "ada")
    assert marks_csv(folder)[1][-1] == "0.5"


def test_the_report_names_points_of_a_person_that_a_later_grading_overruled(folder):
    give(folder, result("ada", exercise("descend", "wrong")))
    score_by_hand(folder, "ada", 0.5, "", cell="check-descend")
    assert "Look at them again" not in write(folder)
    with gradebook.opened(folder.root) as book:  # what a grading writes that gives other points
        grade = book.find_grade("check-descend", NAME, NAME, "ada")
        grade.auto_score, grade.needs_manual_grade = 0.0, True
        book.db.commit()
    told = write(folder)
    assert re.search("Look at them again:\n  ada +descend\n", told)
    assert "ada (descend)." in (folder.root / "reports" / f"{NAME}.html").read_text()
    assert marks_csv(folder)[1][-1] == "0"


def test_a_page_loads_nothing_runs_nothing_and_escapes_everything(folder):
    (folder.root / "students.csv").write_text(f'student,name\nada,"{HOSTILE}"\n')
    bad = exercise(
        f"x{HOSTILE}",
        "error",
        sentence=HOSTILE,
        source=HOSTILE + "{{ 7 * 7 }}{% for %}",
        printed=HOSTILE + "\x1b[31m\u202e\ud800",
        misconception=HOSTILE,
    )
    written = [{"grade_id": "written-1", "max_points": 4.0, "source": HOSTILE}]
    give(folder, result("ada", bad, written=written, remark=HOSTILE))
    score_by_hand(folder, "ada", 1.0, HOSTILE)
    told = write(folder)
    report = (folder.root / "reports" / f"{NAME}.html").read_text()
    for text in (page(folder, "ada"), report):
        assert "default-src 'none'" in text
        for tag in re.findall(r"<\s*/?\s*(\w+)", text):
            assert tag in {
                "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "span",
                "section", "pre", "strong", "table", "tr", "th", "td", "br",
            }  # fmt: skip
        assert not re.search(r"<[^>]*\s(?:src|href|on\w+)\s*=", text)
        assert "url(" not in text and "@import" not in text
        assert html.escape("</pre><script", quote=False) in text
    assert "{{ 7 * 7 }}" in html.unescape(page(folder, "ada"))
    assert r"\x1b[31m\u202e\ud800" in page(folder, "ada")
    assert "\x1b" not in told


def test_only_what_the_result_holds_is_shown(folder):
    """Hidden values are not in results, so they cannot be in pages; private files are not read."""
    (folder.root / "private" / "03.py").write_text(f"SECRET = {HIDDEN}\n")
    give(folder, result("ada", exercise("descend", "wrong", sentence="For hidden inputs: wrong.")))
    give(folder, result("bob", exercise(source="print('only Bob')")))
    write(folder)
    assert HIDDEN not in page(folder, "ada")
    assert "only Bob" not in page(folder, "ada")
    assert "bob" not in page(folder, "ada")


def test_marks_have_the_columns_of_canvas_and_no_formula(folder):
    (folder.root / "students.csv").write_text(
        "student,name,id,sis_user_id,login,section\n"
        'ada,"Lovelace, Ada",123,S1,ada@example.org,A\n'
        'eve,"=HYPERLINK(""x"")",-5,@S,+eve,A\n'
    )
    give(folder, result("ada", exercise()), result("eve", exercise("descend", "wrong")))
    give(folder, result("new", exercise(outcome="blank")))
    told = write(folder, column="Assignment 3 (4711)")
    assert "1 of 3 students have no id, sis_user_id or login" in told
    header, *rows = marks_csv(folder)
    assert header == [
        "Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Assignment 3 (4711)"
    ]  # fmt: skip
    assert rows == [
        ["Lovelace, Ada", "123", "S1", "ada@example.org", "A", "1"],
        ['\'=HYPERLINK("x")', "'-5", "'@S", "'+eve", "A", "0"],
        ["new", "", "", "", "", "0"],
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_no_text_stays_a_formula(text):
    assert marks.harmless(text) == f"'{text}"
    assert marks.harmless("Ada") == "Ada"


def test_who_has_no_result_and_who_failed_have_an_empty_cell(folder):
    (folder.root / "students.csv").write_text("student\nada\nbob\ncy\n")
    remark = "The file is no notebook."
    lost = [exercise(name, "missing", sentence=remark) for name in ("descend", "design")]
    give(folder, result("bob", *lost, status="failed", remark=remark, late_seconds=3600.0))
    give(folder, result("cy", exercise(), written=[]))
    told = write(folder)
    assert [row[-1] for row in marks_csv(folder)[1:]] == ["", "", "1"]
    assert "bob" in told and "failed: The file is no notebook." in told
    assert "1 graded, 2 without a result; median 1 of 1 points" in told
    assert "Without a result: ada, bob (failed)\n" in told
    assert re.search(r"Late\n  bob +1.0 h", told)
    assert "Not graded: there is no mark" in page(folder, "bob")
    assert page(folder, "bob").count(remark) == 1
    report = (folder.root / "reports" / f"{NAME}.html").read_text()
    assert "1 graded, 2 without a result" in report and "ada, bob (failed)" in report
    assert not (folder.root / "feedback" / "ada").exists()


def test_the_report_counts_marks_misconceptions_and_seconds(folder):
    climb = "You climb: a step goes against the gradient, so subtract."
    for number in range(8):
        wrong = exercise("descend", "wrong", misconception=climb, seconds=1.0 + number)
        right = exercise("descend", seconds=0.5)
        one = right if number < 3 else wrong
        late = 3600.0 if number == 7 else 0.0
        give(folder, result(f"s{number}", exercise(), one, written=[], late_seconds=late))
    give(folder, result("t", exercise(), exercise("descend", "timeout", seconds=20.0), written=[]))
    lost = exercise("descend", "missing", max_points=2.0)
    give(folder, result("u", lost, status="failed", remark="It is empty.", written=[]))
    told = write(folder)
    report = feedback.report(LESSON, marks.read(folder, NAME))
    bins = dict(report.bins)
    assert bins | {"0 to 10 %": 0, "50 to 60 %": 6, "90 to 100 %": 3} == bins
    descend = next(exercise for exercise in report.exercises if exercise.name == "descend")
    assert descend.num_right == 3 and descend.num_answers == 9
    assert descend.misconceptions == [(climb, 5), ("took too long", 1)]
    assert report.slowest[0].name == "descend" and report.slowest[0].slowest == 20.0
    assert [record.student for record, _ in report.late] == ["s7"]
    for text in (told, (folder.root / "reports" / f"{NAME}.html").read_text()):
        assert f"5 x {climb}" in text.replace("×", "x")
    assert "Slowest exercises: descend (20.00 s)" in told


def test_the_report_says_how_many_faults_it_does_not_name(folder):
    for number in range(7):
        misconception = f"Thought {min(number, 4)}."
        wrong = exercise("descend", "wrong", misconception=misconception)
        give(folder, result(f"s{number}", wrong, written=[]))
    told = write(folder)
    assert re.search(r"3 x Thought 4\.\n( +1 x Thought \d\.\n){2} +2 x something else\n", told)
    report = (folder.root / "reports" / f"{NAME}.html").read_text()
    assert "2 × something else" in report


def test_who_is_missing_stands_in_the_report_once(folder):
    give(folder, result("ada", status="missing", remark="Nothing was submitted.", written=[]))
    told = write(folder)
    assert told.count("ada") == 1 and "Without a result: ada\n" in told
    assert not (folder.root / "feedback" / "ada").exists()


def test_a_right_answer_is_not_marked_as_a_fault(folder):
    give(folder, result("ada", exercise(sentence="Right.")))
    write(folder)
    assert '<p class="sentence right">Right.</p>' in page(folder, "ada")


def test_a_re_grade_lists_whose_marks_changed_and_why(folder):
    def before(points, **more):
        return [{"graded_at": "x", "points": points, "max_points": 1.0, "tests_sha256": "t" * 64,
                 "status": "graded", **more}]  # fmt: skip

    give(
        folder,
        result("ada", exercise(), history=before(0.0, tests_sha256="old")),
        result("bob", exercise(), history=before(1.0)),
        result("cy", status="failed", remark="It is empty.", written=[], history=before(1.0)),
        result("di", exercise(outcome="wrong"), history=before(1.0, submission_sha256="b" * 64)),
        result(
            "eli",
            exercise("descend", points=3.0, max_points=3.0),
            tests_sha256="new",
            history=before(1.0, submission_sha256="a" * 64),
        ),
        result("new", exercise()),
    )
    found = {change.student: change for change in marks.changes(marks.read(folder, NAME))}
    assert set(found) == {"ada", "cy", "di", "eli"}
    assert found["eli"].why == "the points have changed: 1 for all exercises, now 3"
    assert (found["ada"].old, found["ada"].new, found["ada"].why) == (
        0.0, 1.0, "the tests or the assignment have changed"
    )  # fmt: skip
    assert found["cy"].why == "graded before, failed now: It is empty."
    assert found["di"].why == "another submission"
    assert "0 to 1: the tests or the assignment have changed" in write(folder)


def test_written_answers_without_a_score_are_named_and_count_0(folder):
    give(folder, result("ada", exercise()))
    told = write(folder)
    report = (folder.root / "reports" / f"{NAME}.html").read_text()
    for text in (told, report):
        assert "1 written answer has no score yet and counts 0: these marks are not final" in text
    assert "1 of your written answers has no score yet and counts 0" in page(folder, "ada")
    assert "this mark is not final" in page(folder, "ada")
    give(folder, result("bob", exercise()))
    assert "2 written answers have no score yet and count 0" in write(folder)
    for student in ("ada", "bob"):
        score_by_hand(folder, student, 4.0, "")
    assert "no score yet" not in write(folder) + page(folder, "ada")


def test_a_written_answer_that_is_not_there_has_0_and_says_so(folder):
    """One whose cell was deleted, and one that was left as it was."""
    lost = [{"grade_id": "written-1", "max_points": 4.0, "source": " \n"}]
    left = [{"grade_id": "written-1", "max_points": 4.0, "source": "*Your answer here.*"}]
    give(folder, result("ada", exercise(), written=lost), result("bob", written=left))
    with gradebook.opened(folder.root) as book:  # what grading writes for a blank
        book.update_or_create_student("bob")
        book.update_or_create_submission(NAME, "bob")
        grade = book.find_grade("written-1", NAME, NAME, "bob")
        grade.auto_score, grade.needs_manual_grade = 0.0, False
        book.db.commit()
    assert "no score yet" not in write(folder) + page(folder, "ada") + page(folder, "bob")
    assert "The cell of this answer is empty, or it is not in your file." in page(folder, "ada")
    assert re.search(r"0\s+of 4", page(folder, "ada"))
    assert "*Your answer here.*" in page(folder, "bob")


def test_a_class_without_results_is_no_error(folder):
    assert "0 graded, 0 without a result" in write(folder)
    assert len(marks_csv(folder)) == 1


def test_what_cannot_be_read_is_one_sentence(folder):
    give(folder, result("ada"))
    (folder.root / "results" / NAME / "ada.json").write_text("{")
    with pytest.raises(CourseError, match="grade the student again"):
        write(folder)
    (folder.root / "results" / NAME / "ada.json").unlink()
    with pytest.raises(CourseError, match="does not know 04_.*: course assignment release 04"):
        feedback.write(folder, lesson_source.find("04"))


def due(folder, date):
    with gradebook.opened(folder.root) as book:
        book.update_or_create_assignment(NAME, duedate=date)


def test_an_extension_counts_and_late_work_loses_what_the_rule_says(folder):
    """Also when a date or the rule was written after grading."""
    due(folder, datetime(2027, 10, 31, 12))
    (folder.root / "extensions.csv").write_text("student,assignment,due\nada,03,2027-11-09\n")
    (folder.root / "late.toml").write_text("percent_per_day = 10\ngrace_minutes = 60\n")
    late = {"timestamp": "2027-11-02 12:30:00 UTC", "written": []}
    full = exercise(points=2.0, max_points=2.0)
    give(folder, result("ada", full, **late), result("bob", full, **late))
    give(folder, result("cy", full, timestamp="2027-10-31 12:59:00 UTC", written=[]))
    told = write(folder)
    assert [row[-1] for row in marks_csv(folder)[1:]] == ["2", "1.6", "2"]
    date = due_dates.local(datetime(2027, 10, 31, 12))
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page(folder, "bob"))).split())
    assert "1.6 of 2 points" in text
    assert f"48.5 hours after the date, {date}. 2 points before the late penalty, 1.6 after" in text
    assert "hours after" not in page(folder, "ada")
    assert "due on 2027-11-09 23:59" in page(folder, "ada")
    assert "penalty" not in page(folder, "cy")
    assert re.search(
        rf"Late\n  bob +48.5 h, due {date}: 2 to 1.6 points, 20 % less\n  cy +1.0 h", told
    )
    assert re.search("Extensions\n  ada +until 2027-11-09 23:59\n", told)
    report = (folder.root / "reports" / f"{NAME}.html").read_text()
    assert "2 to 1.6 points, 20 % less" in report and "until 2027-11-09 23:59" in report


def test_a_bad_line_of_dates_or_rules_stops_before_anything_is_written(folder):
    give(folder, result("ada", exercise()))
    for name, text in (
        ("extensions.csv", "student,assignment,due\nada,03,soon\n"),
        ("late.toml", "x"),
    ):
        (folder.root / name).write_text(text)
        with pytest.raises(CourseError, match="Nothing was written"):
            write(folder)
        with pytest.raises(CourseError, match="Nothing was written"):
            marks_table.write(folder)
        assert (folder.root / name).read_text() == text
        (folder.root / name).unlink()
    assert not (folder.root / "reports").exists() and not (folder.root / "feedback").exists()


def test_pairs_that_are_alike_stand_in_the_report_alone(folder):
    words = " ".join(f"Reason {n} and{n} because{n} it{n} follows." for n in range(9)) + HOSTILE
    written = [{"grade_id": "written-1", "max_points": 4.0, "source": words}]
    for student in ("ada", "bob"):
        give(folder, result(student, exercise(), written=written))
    give(folder, result("cy", exercise()))
    told = write(folder)
    assert re.search("a hint to look at both, and no proof", told)
    assert re.search(r"  ada +bob +0 % +0 % +100 %  in words\n", told)
    assert "A hint to look at both" in (folder.root / "reports" / f"{NAME}.html").read_text()
    assert "bob" not in page(folder, "ada") and "alike" not in page(folder, "ada")
    assert marks_csv(folder)[1][-1] == marks_csv(folder)[3][-1]


def test_marks_of_all_lessons_are_one_table(folder):
    (folder.root / "students.csv").write_text("student,name,id\nada,=Ada,7\nbob,Bob,\ncy,,\n")
    with gradebook.opened(folder.root) as book:
        book.add_assignment("04_name")
        book.update_or_create_notebook("04_name", "04_name")
    give(folder, result("ada", exercise(points=0.5), written=[]), result("bob", exercise()))
    later = result("ada", exercise(points=1.0, max_points=2.0), written=[]) | {
        "assignment": "04_name"
    }
    path = folder.root / "results" / "04_name" / "ada.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(later))
    told = []
    marks_table.write(folder, told.append)
    with open(folder.root / "reports" / "marks.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["student", "name", "id", "sis_user_id", "login", "section", NAME, "04_name", "total"],
        ["ada", "'=Ada", "7", "", "", "", "0.5", "1", "1.5"],
        ["bob", "Bob", "", "", "", "", "1", "", "1"],
        ["cy", "", "", "", "", "", "", "", ""],
    ]
    shown = [line.split() for line in told]
    assert shown[0] == ["student", "03", "04", "total"]
    assert shown[1:5] == [
        ["ada", "0.5", "1", "1.5"], ["bob", "1", "-", "1"], ["cy", "-", "-"], ["of", "5", "2", "7"]
    ]  # fmt: skip
    assert told[5] == "this table in reports/marks.csv"
    assert told[6] == "Written answers without a score count 0: 1. These marks are not final."


def test_a_class_in_which_nothing_was_released_has_no_table(tmp_path):
    with pytest.raises(CourseError, match="Nothing was released"):
        marks_table.write(class_folder.new(tmp_path / "class"))


def test_the_command_writes_all_of_it(folder):
    give(folder, result("ada", exercise()))
    where = ["--class", str(folder.root)]
    done = CliRunner().invoke(cli.app, ["assignment", "feedback", "03", "--zip", *where])
    assert done.exit_code == 0, done.output
    zipped = f"in reports/{NAME}-feedback.zip; 1 of them under STUDENT/, not in a platform's way"
    assert zipped in done.output
    assert f"marks for the learning platform in reports/{NAME}.csv" in done.output
    assert {path.name for path in (folder.root / "reports").iterdir()} == {
        f"{NAME}.csv", f"{NAME}.html", f"{NAME}.txt", f"{NAME}-feedback.zip"
    }  # fmt: skip
    done = CliRunner().invoke(cli.app, ["assignment", "marks", *where])
    assert done.exit_code == 0 and "this table in reports/marks.csv" in done.output, done.output
