"""Extensions and the late penalty: what instructors write is understood, or named by its line."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course_lib.files import CourseError
from course_tools import cli
from course_tools.grading import class_folder, due_dates, gradebook
from course_tools.grading.due_dates import DueDates, Extension
from course_tools.grading.reports import late_penalty
from course_tools.grading.reports.late_penalty import LatePenalty
from course_tools.grading.submissions import collect
from course_tools.lessons import lesson_source

NAME = "03_pytorch_fc_latent"
DUE = datetime(2027, 10, 31, 12)
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def read(tmp_path, monkeypatch):
    """read("ada,03,2027-11-07"): the dates with these lines in extensions.csv."""
    monkeypatch.setattr(gradebook, "due_date", lambda folder, name: DUE)

    def read_lines(text, header="student,assignment,due\n"):
        content = text if isinstance(text, bytes) else (header + text).encode()
        (tmp_path / "extensions.csv").write_bytes(content)
        found = due_dates.read(tmp_path, NAME)
        assert (tmp_path / "extensions.csv").read_bytes() == content
        return found

    return read_lines


def utc(*local):
    return datetime(*local).astimezone(UTC).replace(tzinfo=None)


def test_without_a_file_the_date_of_the_class_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(gradebook, "due_date", lambda folder, name: DUE)
    assert due_dates.read(tmp_path, NAME) == DueDates(DUE)


@pytest.mark.parametrize("assignment", ["3", "03", NAME])
def test_an_extension_is_for_one_student_and_one_assignment(read, assignment):
    dates = read(f"ada,{assignment},2027-11-07T10:00\nada,04,2028-01-01\nbob,4,2028-01-01\n")
    assert dates.of("ada") == utc(2027, 11, 7, 10)
    assert dates.of("bob") == DUE
    assert dates.is_extended("ada") and not dates.is_extended("bob")


def test_a_day_without_a_time_means_until_its_end(read):
    assert read("ada,03,2027-11-07").of("ada") == utc(2027, 11, 7, 23, 59, 59)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfstudent,assignment,due\r\nada,03,2027-11-07T10:00\r\n",
        b"student;assignment;due\nada;03;2027-11-07T10:00\n",
        b"note\tdue\tStudent \tassignment\nill, twice\t2027-11-07 10:00\tada\t03\n\n",
        b'student,assignment,due\n"ada" , 03 , 2027-11-07T10:00 \n,,\n',
    ],
)
def test_files_of_spreadsheets_are_understood(read, content):
    assert read(content).of("ada") == utc(2027, 11, 7, 10)


def test_names_are_compared_as_people_read_them(read):
    assert read("Zoe\u0308,03,2027-11-07").is_extended("Zo\u00eb")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("ada,03,2027-11-07\nbob,03,7.11.2027\n", "line 3: '7.11.2027' is no date; write it as"),
        ("\nada,03\n", "line 3: '' is no date"),
        ("ada,third,2027-11-07\n", "line 2: 'third' is no assignment; write it as 03"),
        (",03,2027-11-07\n", "line 2: the column student is empty"),
        ("ada,03,2027-11-07\nada,3,2027-11-08\n", "line 3: 'ada' has another date for 3 in line 2"),
        ("ada,04,nonsense\n", "line 2: 'nonsense' is no date"),
    ],
)
def test_a_line_that_is_not_understood_is_named_by_its_number(read, lines, reason):
    with pytest.raises(CourseError) as failure:
        read(lines)
    assert reason in str(failure.value)
    assert "Nothing was written." in str(failure.value)


def test_a_file_without_its_header_or_in_another_encoding_is_refused(read):
    with pytest.raises(CourseError, match="must begin with the line student,assignment,due"):
        read("", header="ada,03,2027-11-07\n")
    with pytest.raises(CourseError, match="save it as UTF-8"):
        read("student,assignment,due\n".encode("utf-16"))


def test_lines_that_change_nothing_are_told(read):
    remarks = read("kay,03,2027-11-07\nada,03,2027-10-01\nbob,03,2027-11-07\n").remarks(
        {"ada", "bob"}
    )
    assert remarks == [
        "extensions.csv, line 2: nobody is called 'kay' so far.",
        "extensions.csv, line 3: the date of the class is not earlier, and counts.",
    ]


cells = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["ada", "03", "3", "2027-11-07", "2027-11-07T23:59", "0001-01-01", "9999-12-31", '"', "\u2028"]
)


@settings(deadline=None)
@given(rows=st.lists(st.lists(cells, max_size=5), max_size=6), separator=st.sampled_from(",;\t"))
def test_whatever_is_in_the_file_is_understood_or_one_sentence(tmp_path_factory, rows, separator):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([["student", "assignment", "due"], *rows])
    folder = tmp_path_factory.mktemp("class")
    (folder / "extensions.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    try:
        dates = due_dates.read(folder, NAME)
    except CourseError as problem:
        assert str(problem).startswith("extensions.csv")
        return
    for student in dates.extensions:
        assert dates.of(student) == dates.extensions[student].due


@given(st.datetimes(), st.none() | st.datetimes())
def test_the_later_date_counts(extended, due):
    dates = DueDates(due, {"ada": Extension("ada", extended, 2)})
    assert dates.of("ada") == (max(due, extended) if due else extended)
    assert dates.of("bob") == due


@pytest.mark.parametrize(
    ("late", "percent"),
    [(0, 0), (600, 0), (601, 10), (600 + DAY, 10), (601 + DAY, 20), (4 * DAY, 35), (99 * DAY, 35)],
)
def test_the_penalty_grows_by_the_day_after_the_grace_up_to_a_maximum(late, percent):
    rule = LatePenalty(percent_per_day=10, maximum_percent=35, grace_minutes=10)
    assert rule.percent(late) == percent


@given(
    st.floats(0, 100), st.floats(0, 100), st.floats(0, 100), st.floats(0, 1e9), st.floats(0, 1e9)
)
def test_the_penalty_never_falls_and_stays_in_its_bounds(per_day, maximum, grace, late, more):
    rule = LatePenalty(per_day, maximum, grace)
    assert 0 <= rule.percent(late) <= rule.percent(late + more) <= maximum


def test_the_rule_is_read_and_costs_nothing_by_default(tmp_path):
    assert late_penalty.read(tmp_path).percent(timedelta(days=9).total_seconds()) == 0
    (tmp_path / "late.toml").write_text("\ufeffpercent_per_day = 5 # of the points\n", "utf-8")
    assert late_penalty.read(tmp_path) == LatePenalty(percent_per_day=5)


@pytest.mark.parametrize(
    "text",
    ["percent_per_day = -1", "percent_per_day = 101", "percent = 10", "percent_per_day = 'ten'",
     "percent_per_day = nan", "percent_per_day", "grace_minutes = inf", "\ud800"],
)  # fmt: skip
def test_a_rule_that_is_not_understood_is_one_sentence(tmp_path, text):
    (tmp_path / "late.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(CourseError, match="late.toml is not understood .* Nothing was written"):
        late_penalty.read(tmp_path)


def test_collecting_tells_lateness_by_the_date_that_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(gradebook, "due_date", lambda folder, name: DUE)
    folder, lesson = class_folder.new(tmp_path / "class"), lesson_source.find("03")
    (folder.root / "students.csv").write_text("student\nada\nbob\n")
    (folder.root / "extensions.csv").write_text("student,assignment,due\nada,03,2027-11-07\n")
    for student in ("ada", "bob"):
        place = folder.submitted(student, NAME).parent
        place.mkdir(parents=True)
        (place / "timestamp.txt").write_text("2027-10-31 14:00:00 UTC\n")
    told = collect.table(folder, lesson, collect.Collection([], [])).splitlines()
    assert "late" not in told[0] and "2.0 h late" in told[1]


def test_a_bad_line_stops_collecting_before_anything_is_taken(tmp_path):
    folder = class_folder.new(tmp_path / "class")
    (folder.root / "extensions.csv").write_text("student,assignment,due\nada,03,soon\n")
    before = sorted(folder.root.rglob("*"))
    command = ["assignment", "collect", "03", str(tmp_path), "--class", str(folder.root)]
    done = CliRunner().invoke(cli.app, command)
    assert "extensions.csv, line 2: 'soon' is no date" in str(done.exception)
    assert sorted(folder.root.rglob("*")) == before
