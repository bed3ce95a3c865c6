"""Whose file it is: no two students share one, and no file disappears without a line."""

import io
import json
import os
import shutil
import tempfile
import unicodedata
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course_tools import cli
from course_tools.grading import class_folder
from course_tools.grading.submissions import collect, downloads, submitted_notebook
from course_tools.grading.submissions.notebook_reader import Unreadable
from course_tools.lessons import lesson_source

LESSON = lesson_source.find("03")
NAME = LESSON.name
NOON = datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp()


def notebook(text="Because.", number="03", **more):
    cell = {"cell_type": "markdown", "id": f"{number}-words", "metadata": {}, "source": text}
    return json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5, **more}).encode()


@pytest.fixture
def folder(tmp_path):
    return class_folder.new(tmp_path / "class")


def given_folder(root, files, when=NOON):
    """A folder as a platform gives it, of path -> content."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (when, when))
    return root


@pytest.fixture
def take(folder, tmp_path):
    """Collect files, path -> content or text of a sound notebook; returns owners and refusals."""

    def collected(files, students="", when=NOON):
        if students:
            (folder.root / "students.csv").write_text(students)
        files = {k: v if isinstance(v, bytes) else notebook(v) for k, v in files.items()}
        found = collect.collect(folder, LESSON, given_folder(tmp_path / "given", files, when))
        return {one.file: one.student for one in found.taken}, dict(found.refused)

    return collected


def words(folder, student):
    return json.loads(folder.submitted(student, NAME).read_bytes())["cells"][0]["source"]


@pytest.mark.parametrize("inner", ["work", "Submission attachment(s)", "Version 1", "bob"])
def test_the_outermost_folder_is_the_student_whatever_is_in_it(folder, take, inner):
    taken, refused = take({f"ada/{inner}/{NAME}.ipynb": "a", f"bob/{inner}/{NAME}.ipynb": "b"})
    assert set(taken.values()) == {"ada", "bob"} and not refused
    assert (words(folder, "ada"), words(folder, "bob")) == ("a", "b")


def test_folders_around_everything_are_no_students(take):
    taken, refused = take({f"all/03/{name}/{NAME}.ipynb": name for name in ("ada", "bob")})
    assert set(taken.values()) == {"ada", "bob"} and not refused
    one = {f"all/ada/{NAME}.ipynb": "a"}
    taken, refused = take(one, "student\nada\n")
    assert set(taken.values()) == {"ada"} and not refused


@pytest.mark.parametrize("path", [f"all/ada/{NAME}.ipynb", "all/homework.ipynb"])
def test_where_one_folder_can_be_a_student_or_not_it_is_refused(take, path):
    taken, refused = take({path: "a"})
    assert not taken and "one folder, 'all', is around everything" in refused[path]


def test_the_newest_version_counts_and_of_one_time_the_highest(folder, take):
    versions = {f"ada/Version {n}/{NAME}.ipynb": str(n) for n in (1, 10, 9)}
    taken, refused = take({**versions, f"bob/{NAME}.ipynb": "b"})
    assert words(folder, "ada") == "10"
    assert set(refused.values()) == {"a newer file of this student counts"}
    assert len(taken) + len(refused) == 4


def test_of_several_files_of_one_time_none_is_chosen_by_chance(take):
    files = {"ada/one.ipynb": "1", "ada/two.ipynb": "2", "bob/x.ipynb": "b"}
    taken, refused = take(files)
    assert set(taken.values()) == {"bob"}
    assert refused.keys() == {"ada/one.ipynb", "ada/two.ipynb"}
    assert all("2 files of ada have the same time" in reason for reason in refused.values())
    taken, refused = take({**files, f"ada/{NAME}.ipynb": "3"})
    assert set(taken.values()) == {"ada", "bob"} and len(refused) == 2


def test_a_date_in_a_name_is_not_canvas_pattern(folder, take):
    one, _ = take({"ada_2027_10_homework.ipynb": "a"})
    two, _ = take({"bob_2027_10_homework.ipynb": "b"})
    (ada,), (bob,) = one.values(), two.values()
    assert ada != bob
    assert (words(folder, ada), words(folder, bob)) == ("a", "b")


LIST = "student,name,id,login\ngrace,Grace Brewster Hopper,1235,gh@x.org\nmal,Mal Lory,7,m\n"


@pytest.mark.parametrize("name", ["hoppergracebrewster", "gh", "grace", "bréwsterhoppergrace"])
@pytest.mark.parametrize("late", ["", "LATE_"])
def test_canvas_name_and_number_must_agree_with_the_class_list(folder, take, name, late):
    path = f"{name}_{late}1235_99_x.ipynb"
    taken, refused = take({path: "g"}, LIST)
    assert taken == {path: "grace"} and not refused


def test_canvas_number_with_another_name_is_refused(take):
    taken, refused = take({"lorymal_1235_99_x.ipynb": "m"}, LIST)
    assert not taken and "do not agree" in refused["lorymal_1235_99_x.ipynb"]


def test_of_canvas_files_with_one_time_that_of_the_highest_number_counts(folder, take):
    files = {f"hoppergracebrewster_1235_{n}_{NAME}.ipynb": str(n) for n in (9, 10)}
    take(files, LIST)
    assert words(folder, "grace") == "10"


@pytest.mark.parametrize(
    "chosen",
    ["hoppergracebrewster_1235_99_x.ipynb", "Grace Brewster Hopper_5_assignsubmission_file_x.ipynb",
     "Grace Brewster Hopper_5_assignsubmission_file_/x.ipynb", "grace.ipynb", "grace/x.ipynb"],
)  # fmt: skip
@pytest.mark.parametrize("top", ["mal", "Mal Lory_8_assignsubmission_file_", "unlisted"])
def test_names_within_a_students_folder_say_nothing(folder, take, top, chosen):
    taken, refused = take({f"{top}/{chosen}": "m", f"grace/{NAME}.ipynb": "g"}, LIST)
    assert not refused and words(folder, "grace") == "g"
    assert taken[f"{top}/{chosen}"] == ("unlisted" if top == "unlisted" else "mal")


MOODLE = "{}_{}_assignsubmission_file_/x.ipynb"
TWO_ANNAS = "student,name\nanna1,Anna Muster\nanna2,Anna Muster\n"


def test_namesakes_are_never_guessed_and_their_numbers_are_remembered(folder, take):
    for number in (101, 102):
        taken, refused = take({MOODLE.format("Anna Muster", number): "?"}, TWO_ANNAS)
        assert not taken and "can be anna1 or anna2" in next(iter(refused.values()))
    files = {MOODLE.format("anna1", 101): "1", MOODLE.format("anna2", 102): "2"}
    assert set(take(files)[0].values()) == {"anna1", "anna2"}
    for number, student in ((102, "anna2"), (101, "anna1")):  # as the platform calls them
        taken, _ = take({MOODLE.format("Anna Muster", number): f"new {student}"})
        assert list(taken.values()) == [student]
        assert words(folder, student) == f"new {student}"


@pytest.mark.parametrize("students", ["", "student,name\nanna,Anna Muster\n"])
def test_another_number_is_another_person(folder, take, students):
    first, _ = take({MOODLE.format("Anna Muster", 101): "one"}, students)
    (student,) = first.values()
    taken, refused = take({MOODLE.format("Anna Muster", 102): "two"})
    assert not taken and "is not the one with number 101" in next(iter(refused.values()))
    assert words(folder, student) == "one"


def test_a_number_that_changes_its_name_is_refused(take):
    students = "student,name\nada,Ada\nbob,Bob\n"
    take({MOODLE.format("Ada", 1): "a"}, students)
    taken, refused = take({MOODLE.format("Bob", 1): "b"})
    assert not taken and "number 1 was that of ada" in next(iter(refused.values()))


@pytest.mark.parametrize("word", ["Participant", "Teilnehmerin", "Tuesday Lab-Participant"])
def test_in_a_blind_download_everybody_is_a_student_of_their_own(folder, take, word):
    numbers = range(101, 105)
    taken, refused = take({MOODLE.format(word, n): str(n) for n in numbers})
    assert not refused and len(set(taken.values())) == 4
    for n in numbers:
        assert words(folder, f"{word.rpartition('-')[2]}-{n}") == str(n)
    again, refused = take({MOODLE.format(word, 103): "new"})
    assert words(folder, f"{word.rpartition('-')[2]}-103") == "new" and not refused


def test_the_group_in_front_of_a_name_is_no_part_of_it(take):
    students = "student,name\nada,Ada Lovelace\nal,Anna-Lena Muster\nlm,Lena Muster\n"
    names = {"Tuesday Lab-Ada Lovelace": "ada", "Mo-1-Ada Lovelace": "ada",
             "Anna-Lena Muster": "al", "Lab-Lena Muster": "lm"}  # fmt: skip
    for n, (name, student) in enumerate(names.items()):
        taken, _ = take({MOODLE.format(name, 7 if student == "ada" else n): name}, students)
        assert list(taken.values()) == [student]
    taken, refused = take({MOODLE.format("Lab-Anna-Lena Muster", 9): "?"})
    assert not taken and "can be" in next(iter(refused.values()))


def test_names_that_differ_in_what_a_folder_cannot_hold_are_two_people(folder, take):
    for one, other in (("Anna Lena", "Anna-Lena"), ("=a", "a"), ("b.", "b"), ("Weiß", "Weiss")):
        take({f"{one}.ipynb": one})
        for _ in range(2):
            take({f"{one}.ipynb": one})
            taken, refused = take({f"{other}.ipynb": other})
            owners = [s for s in folder.students() if folder.submitted(s, NAME).exists()]
            assert len({words(folder, s) for s in owners}) == len(owners)
            assert one in {words(folder, s) for s in owners}
            assert len(taken) + len(refused) == 1


@pytest.mark.parametrize(
    ("path", "student"),
    [("ada/03_solution.ipynb", "ada"), ("17_ada.ipynb", "17_ada"), ("ada/99_x.ipynb", "ada"),
     ("2027_ada.ipynb", "2027_ada")],
)  # fmt: skip
def test_only_a_number_of_another_lesson_of_ours_is_another_lessons(take, path, student):
    taken, refused = take({path: "a", "bob/homework.ipynb": "b"})
    assert taken[path] == student and not refused
    taken, refused = take({"bob/02_homework.ipynb": "b", "eve/x.ipynb": "e"})
    assert "another lesson's file" in refused["bob/02_homework.ipynb"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("flag", [True, False])
def test_names_in_a_zip_are_utf8_first_and_compared_in_nfc(folder, tmp_path, form, flag):
    (folder.root / "students.csv").write_text("student,name\nzoe,Zoë Ångström\n")
    raw = unicodedata.normalize(form, "Zoë Ångström.ipynb").encode()
    path = tmp_path / "given.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x" * len(raw), notebook("z"))
    content = path.read_bytes().replace(b"x" * len(raw), raw)
    if flag:  # the bit that says UTF-8, in both headers
        content = content.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0\0\x08")
        content = content.replace(
            b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\0\x08"
        )
    path.write_bytes(content)
    found = collect.collect(folder, LESSON, path)
    assert [one.student for one in found.taken] == ["zoe"] and not found.refused


def test_combining_marks_belong_to_a_name(folder, take):
    names = ["प्रिया शर्मा", "प्रीया शर्मा", "กิตติ", "กตต", "தமிழ்", "தமழ"]
    taken, refused = take({MOODLE.format(name, n): name for n, name in enumerate(names)})
    assert not refused and len(set(taken.values())) == len(names)
    assert set(taken.values()) == {name.replace(" ", "-") for name in names}


def zipped(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("name", ["x.ipynb.txt", "x.ipynb.json", "x.json", "x.IPYNB", "x.txt"])
def test_a_notebook_is_taken_whatever_its_suffix(folder, take, name):
    taken, refused = take({f"Ada_1_assignsubmission_file_/{name}": "a"})
    assert set(taken.values()) == {"Ada"} and not refused
    assert words(folder, "Ada") == "a"


def test_a_students_own_zip_is_opened_at_the_time_that_the_platform_knows(folder, take):
    own = {"notes.txt": b"x", f"work/{NAME}.ipynb": notebook("a"), "__MACOSX/._x.ipynb": b""}
    taken, refused = take({"Ada_1_assignsubmission_file_/my.zip": zipped(own)})
    assert set(taken.values()) == {"Ada"} and words(folder, "Ada") == "a"
    stamp = folder.submitted("Ada", NAME).with_name("timestamp.txt").read_text()
    assert stamp == "2027-01-31 12:00:00 UTC\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [("essay.pdf", b"%PDF-1.7"), ("x.ipynb", b"{"), ("a.zip", zipped({"a.txt": b""})),
     ("b.zip", b"PK\x03\x04 broken"), ("x.ipynb.txt", b"hello"), ("\x1b[2J.docx", b"PK\x03\x04")],
)  # fmt: skip
def test_what_is_no_notebook_is_listed_as_failed(folder, take, name, content):
    path = f"Ada_1_assignsubmission_file_/{name}"
    taken, refused = take({path: content})
    assert taken.keys() | refused.keys() == {path}
    if taken:
        try:
            found = submitted_notebook.find(folder.root, "Ada", NAME)
        except Unreadable as error:
            assert "no notebook in what was submitted, only" in str(error)
        else:
            assert submitted_notebook.problem(found.content, LESSON.number)
    assert set(take({path: "good"})[0].values()) == {"Ada"}
    assert words(folder, "Ada") == "good"


def test_odd_entries_of_a_zip_stop_no_other(folder, tmp_path):
    path = tmp_path / "given.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bob.ipynb", notebook("b" * 500), zipfile.ZIP_LZMA)
        for name in (".", "./", "..", "//", "a/../../x.ipynb"):
            archive.writestr(zipfile.ZipInfo(name), b"x")
        archive.writestr("ada.ipynb", notebook("a"))
    content = bytearray(path.read_bytes())
    begin = content.index(b"bob.ipynb") + 30
    content[begin : begin + 40] = bytes(40)
    path.write_bytes(content)
    found = collect.collect(folder, LESSON, path)
    assert [one.student for one in found.taken] == ["ada"]
    assert "damaged" in dict(found.refused)["bob.ipynb"]


@pytest.mark.parametrize("date", [(1980, 0, 0, 0, 0, 0), (1980, 1, 1, 0, 0, 0)])
def test_a_time_that_was_never_set_is_not_known(folder, tmp_path, date):
    info = zipfile.ZipInfo("ada.ipynb")
    info.date_time = date
    with zipfile.ZipFile(tmp_path / "given.zip", "w") as archive:
        archive.writestr(info, notebook("a"))
    found = collect.collect(folder, LESSON, tmp_path / "given.zip")
    assert found.taken[0].modified is None
    assert "time unknown" in collect.table(folder, LESSON, found)
    assert submitted_notebook.find(folder.root, "ada", NAME).timestamp == ""


def test_outputs_are_dropped_before_the_size_is_judged(folder, take):
    cell = {"cell_type": "code", "id": "03-x", "metadata": {}, "source": "x = 1"}
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 21_000_000}]
    large = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}).encode()
    taken, refused = take({"ada.ipynb": large})
    assert set(taken.values()) == {"ada"} and not refused
    assert folder.submitted("ada", NAME).stat().st_size < 1000
    assert words(folder, "ada") == "x = 1"


def test_control_characters_never_reach_the_terminal(folder, tmp_path):
    files = {"ada\x1b[2J.txt": b"", "b\x07ob.ipynb": notebook("b"), "c\u202e.ipynb": b"{"}
    place = given_folder(tmp_path / "given", files)
    (folder.root / "students.csv").write_text("student,name\nada,A\n")
    command = ["assignment", "collect", "03", str(place), "--class", str(folder.root)]
    told = CliRunner().invoke(cli.app, command).output
    assert "ada\\x1b[2J.txt" in told
    assert all(c.isprintable() or c == "\n" for c in told)
    assert downloads.printable("a\nb\ud800") == "a\\nb\\ud800"


def test_a_platforms_path_is_kept_for_giving_back(folder, take):
    path = MOODLE.format("Ada Lovelace", 4711)
    take({path: "a"})
    assert folder.submitted("Ada-Lovelace", NAME).with_name("origin.txt").read_text() == f"{path}\n"


# Names that platforms and people write: accents in both forms, scripts, marks, signs, namesakes.
LETTERS = st.sampled_from([*"aeAB-_.=+@ '12ßéÅ\u0301\u030a\u200dकिीשا"])
PEOPLE = st.one_of(
    st.sampled_from(["Ada Lovelace", "ada lovelace", "Ada-Lovelace", "Anna Muster", "Participant",
                     "Zoë", "Zoe\u0308", "Weiß", "Weiss", "प्रिया", "प्रीया", "Lab-Anna Muster"]),
    st.text(LETTERS, min_size=1, max_size=6).filter(lambda n: n.strip(". ") == n),
)  # fmt: skip
PATTERNS = st.sampled_from(
    ["{name}_{number}_assignsubmission_file_/x.ipynb",
     "{name}_{number}_assignsubmission_file_x.ipynb",
     "{name}_{number}_77_x.ipynb", "{name}_LATE_{number}_78_x.ipynb", "{name}.ipynb",
     "{name}/x.ipynb", "{name}/work/y.ipynb", "{name}/{number}/Version 2/x.ipynb", "{name}.json"]
)  # fmt: skip
FILES = st.lists(st.tuples(PATTERNS, PEOPLE, st.integers(1, 3)), min_size=1, max_size=5)
LISTS = st.lists(st.tuples(PEOPLE, st.integers(0, 3)), max_size=3)


def identity(pattern, name, number):
    """Who really made the file: the platform's number, or else the name that it is called after."""
    name = unicodedata.normalize("NFC", " ".join(name.split())).lower()
    return ("moodle", number) if "assignsubmission" in pattern else ("name", name)


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a failure small takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(downloads_=st.lists(FILES, min_size=1, max_size=2), listed=LISTS)
def test_no_two_students_share_a_file_and_none_disappears(downloads_, listed, monkeypatch):
    monkeypatch.setattr(submitted_notebook, "problem", lambda content, number: "")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        folder = class_folder.new(root / "class")
        rows = [f'student{n},"{name}",{id_ or ""}' for n, (name, id_) in enumerate(listed)]
        (folder.root / "students.csv").write_text("\n".join(["student,name,id", *rows]) + "\n")
        makers = {}  # student -> who was found to be them
        for files in downloads_:
            named = {p.format(name=n, number=k): identity(p, n, k) for p, n, k in files}
            # a file system may hold some of these under one name
            content = {path: repr(who).encode() for path, who in named.items()}
            try:
                place = given_folder(root / "given", content)
            except (NotADirectoryError, FileExistsError, IsADirectoryError):
                continue
            there = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()}
            found = collect.collect(folder, LESSON, place)
            assert {one.file for one in found.taken} | {f for f, _ in found.refused} == there
            for one in found.taken:
                who = named[one.file]
                known = makers.setdefault(one.student, who)
                if known != who:  # a file by name can be that of one whom a platform knows
                    assert {known[0], who[0]} == {"moodle", "name"}
            before = snapshot(folder.root)
            again = collect.collect(folder, LESSON, place)
            assert snapshot(folder.root) == before
            assert {one.file for one in again.taken} == {one.file for one in found.taken}


def snapshot(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
