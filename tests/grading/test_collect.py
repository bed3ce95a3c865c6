"""What a learning platform gives is understood or refused, file by file, and nothing is lost."""

import json
import os
import zipfile
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from course_lib.files import CourseError
from course_tools import cli
from course_tools.grading import class_folder, release
from course_tools.grading.submissions import collect
from course_tools.lessons import lesson_source

LESSON = lesson_source.find("06")
NAME = LESSON.name


def notebook(text, cell_id="06-words"):
    """A notebook of one cell."""
    cell = {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": text}
    return json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5}).encode()


NOTEBOOK = notebook("Because.")
NOON = datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def folder(tmp_path):
    return class_folder.new(tmp_path / "class")


@pytest.fixture
def given(tmp_path):
    """A folder as a platform gives it: call it with path -> content."""

    def give(files, when=NOON):
        for name, content in files.items():
            path = tmp_path / "given" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (when, when))
        return tmp_path / "given"

    return give


def zipped(tmp_path, entries):
    """A zip of (name or ZipInfo, content), however odd the names are."""
    with zipfile.ZipFile(tmp_path / "given.zip", "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return tmp_path / "given.zip"


def reasons(collection):
    return dict(collection.refused)


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("Ada Lovelace_4711_assignsubmission_file_/anything.ipynb", "Ada-Lovelace"),
        ("Ada Lovelace_4711_assignsubmission_file/anything.ipynb", "Ada-Lovelace"),
        ("Ada Lovelace_4711_assignsubmission_file_work.ipynb", "Ada-Lovelace"),
        (f"lovelaceada_123_98765_{NAME}.ipynb", f"lovelaceada_123_98765_{NAME}"),
        ("ada.ipynb", "ada"),
        (f"ada/{NAME}.ipynb", "ada"),
        (f"ada/{NAME} (1).ipynb", "ada"),
        ("ada/work/final version.ipynb", "ada"),
        ("Zoë Ångström_1_assignsubmission_file_/x.ipynb", "Zoë-Ångström"),
    ],
)
def test_the_names_of_platforms_are_understood(folder, given, path, student):
    collection = collect.collect(folder, LESSON, given({path: NOTEBOOK, "b/c/d.ipynb": b"other"}))
    assert collection.refused == []
    assert folder.submitted(student, NAME).read_bytes() == NOTEBOOK
    stamp = folder.submitted(student, NAME).with_name("timestamp.txt").read_text()
    assert stamp == "2027-01-31 12:00:00 UTC\n"


def test_one_folder_around_all_files_is_no_student(folder, given):
    files = {"submissions/ada.ipynb": NOTEBOOK, "submissions/bob.ipynb": b"bob"}
    found = collect.collect(folder, LESSON, given(files))
    assert {taken.student for taken in found.taken} == {"ada", "bob"}


def test_a_folder_that_is_called_like_a_student_is_theirs(folder, given):
    """Alone in what was given it could be a folder around all files."""
    (folder.root / "students.csv").write_text("student\nada\n")
    (only,) = collect.collect(folder, LESSON, given({"ada/final version.ipynb": NOTEBOOK})).taken
    assert only.student == "ada"


def test_the_class_list_gives_students_their_names(folder, given):
    (folder.root / "students.csv").write_text(
        "\ufeffstudent,name,id,login\nal,Ada Lovelace,123,ada@example.org\n", encoding="utf-8"
    )
    for path in ("Ada Lovelace_9_assignsubmission_file_/x.ipynb", "ada@example.org.ipynb",
                 f"lovelaceada_123_5_{NAME}.ipynb", f"AL/{NAME}.ipynb"):  # fmt: skip
        (only,) = collect.collect(folder, LESSON, given({path: path.encode()})).taken
        assert only.student == "al"
        (given({}) / path).unlink()
    assert list(folder.students()) == ["al"]


def test_a_new_student_is_added_to_the_class_list_without_a_formula(folder, given):
    collect.collect(folder, LESSON, given({"=cmd()_7_assignsubmission_file_/x.ipynb": NOTEBOOK}))
    assert folder.students()["cmd"]["name"] == "cmd()"


def test_what_is_not_understood_is_told_and_stops_nothing(folder, given, tmp_path):
    place = given(
        {
            "ada.ipynb": NOTEBOOK,
            "notes.txt": b"hello",
            f"{NAME}.ipynb": NOTEBOOK,
            "bob/03_pytorch_fc_latent.ipynb": NOTEBOOK,
            "carol.ipynb": b"x" * (collect.MAX_BYTES + 1),
            "a b.ipynb": b"one",
            "a-b.ipynb": b"two",
            "__MACOSX/ada/._x.ipynb": b"noise",
            "...ipynb": b"dots",
        }
    )
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "x.ipynb").write_bytes(b"private")
    (place / "dave.ipynb").symlink_to(secret / "x.ipynb")
    (place / "erin").symlink_to(secret)
    os.mkfifo(place / "frank.ipynb")
    found = collect.collect(folder, LESSON, place)
    told = reasons(found)
    assert {taken.student for taken in found.taken} == {"ada"}
    assert "no notebook" in told.pop("notes.txt")
    assert "not known whose" in told.pop(f"{NAME}.ipynb")
    assert "another lesson's file" in told.pop("bob/03_pytorch_fc_latent.ipynb")
    assert "larger than 20 MB" in told.pop("carol.ipynb")
    for name in ("dave.ipynb", "erin", "frank.ipynb"):
        assert "link" in told.pop(name)
    assert "not known whose" in told.pop("...ipynb")
    assert told.keys() == {"a b.ipynb", "a-b.ipynb"}
    assert all("would both be called 'a-b'" in reason for reason in told.values())
    everything = b"".join(p.read_bytes() for p in folder.root.rglob("*") if p.is_file())
    assert b"private" not in everything.replace(b"private/", b"")


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def test_a_zip_cannot_lead_out_of_its_folder(folder, tmp_path):
    entries = [
        ("ada.ipynb", NOTEBOOK),
        ("../../evil.ipynb", b"x"),
        ("/etc/evil.ipynb", b"x"),
        ("..\\..\\worse.ipynb", b"x"),
        ("C:\\evil.ipynb", b"x"),
        (link("bob.ipynb"), b"/etc/passwd"),
    ]
    before = {path for path in tmp_path.rglob("*") if folder.root not in path.parents}
    found = collect.collect(folder, LESSON, zipped(tmp_path, entries))
    assert [taken.student for taken in found.taken] == ["ada"]
    assert sorted(reasons(found).values()) == [
        "it is a link",
        *["its path leads out of the folder"] * 4,
    ]
    after = {path for path in tmp_path.rglob("*") if folder.root not in path.parents}
    assert after - before == {tmp_path / "given.zip"}


def test_a_zip_that_lies_about_its_size_is_refused(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "given.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.ipynb", bytes(3 * collect.MAX_BYTES))
        archive.writestr("ada.ipynb", NOTEBOOK)
    path = tmp_path / "given.zip"
    true, small = (size.to_bytes(4, "little") for size in (3 * collect.MAX_BYTES, 100))
    path.write_bytes(path.read_bytes().replace(true, small))
    found = collect.collect(folder, LESSON, path)
    assert [taken.student for taken in found.taken] == ["ada"]
    assert list(reasons(found)) == ["bomb.ipynb"]


def test_a_damaged_entry_is_refused_and_a_damaged_zip_is_one_sentence(folder, tmp_path):
    path = zipped(tmp_path, [("ada.ipynb", NOTEBOOK), ("bob.ipynb", b"unique words")])
    path.write_bytes(path.read_bytes().replace(b"unique words", b"others words"))
    found = collect.collect(folder, LESSON, path)
    assert [taken.student for taken in found.taken] == ["ada"]
    assert "damaged" in reasons(found)["bob.ipynb"]
    path.write_bytes(b"no zip at all")
    with pytest.raises(CourseError, match="is no zip that can be read"):
        collect.collect(folder, LESSON, path)
    with pytest.raises(CourseError, match="There is no .*nothing.zip"):
        collect.collect(folder, LESSON, tmp_path / "nothing.zip")


def test_a_second_submission_replaces_the_first_which_is_kept(folder, given):
    collect.collect(folder, LESSON, given({"ada.ipynb": notebook("first")}))
    again = collect.collect(folder, LESSON, given({"ada.ipynb": notebook("first")}, NOON + 60))
    assert again.taken[0].remark == "the same as before"
    collect.collect(folder, LESSON, given({"ada.ipynb": notebook("second")}, NOON + 120))
    third = collect.collect(folder, LESSON, given({"ada.ipynb": notebook("third")}, NOON + 180))
    assert third.taken[0].remark == f"the one before is older/submitted/ada/{NAME}.2"
    kept = folder.root / "older" / "submitted" / "ada"
    assert (kept / f"{NAME}.1" / f"{NAME}.ipynb").read_bytes() == notebook("first")
    assert (kept / f"{NAME}.2" / f"{NAME}.ipynb").read_bytes() == notebook("second")
    assert folder.submitted("ada", NAME).read_bytes() == notebook("third")
    assert "12:03" in folder.submitted("ada", NAME).with_name("timestamp.txt").read_text()


def test_the_newest_of_several_files_of_a_student_counts(folder, given):
    given({"ada/new.ipynb": notebook("new")}, NOON + 60)
    old = {"ada/old.ipynb": notebook("old"), "b/x.ipynb": NOTEBOOK}
    collect.collect(folder, LESSON, given(old))
    assert folder.submitted("ada", NAME).read_bytes() == notebook("new")


BAD = [
    (b"", "The file is empty."),
    (NOTEBOOK[:-20], "The file is damaged: it stops being JSON"),
    (b'{"cells": []}', "it has no cells"),
    (notebook("Because.", "01-words"), "the notebook of lesson 01, not of lesson 06"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_what_cannot_be_graded_replaces_no_good_submission(folder, given, bad, reason):
    collect.collect(folder, LESSON, given({"ada.ipynb": NOTEBOOK}))
    found = collect.collect(folder, LESSON, given({"ada.ipynb": bad, "bob.ipynb": bad}, NOON + 60))
    assert folder.submitted("ada", NAME).read_bytes() == NOTEBOOK
    assert not (folder.root / "older" / "submitted").exists()
    told = reasons(found)["ada.ipynb"]
    assert reason in told and told.endswith("The earlier file of ada stays.")
    (bob,) = found.taken  # who had nothing before: grading will list them as failed
    assert bob.student == "bob" and reason in bob.remark
    assert folder.submitted("bob", NAME).read_bytes() == bad
    collect.collect(folder, LESSON, given({"bob.ipynb": NOTEBOOK}, NOON + 120))
    assert folder.submitted("bob", NAME).read_bytes() == NOTEBOOK


def test_a_name_that_is_not_on_a_filled_class_list_is_marked(folder, given):
    command = ["assignment", "collect", "06", "", "--class", str(folder.root)]
    command[3] = str(given({"ada.ipynb": NOTEBOOK}))
    assert "NEW" not in CliRunner().invoke(cli.app, command).output  # the list was empty
    given({"eve.ipynb": NOTEBOOK})
    told = CliRunner().invoke(cli.app, command).output.splitlines()
    assert "NEW" not in told[0] and told[1].startswith("eve ")
    assert "NEW, not on the class list before" in told[1]
    assert told[2] == "2 taken, 1 NEW (put on the class list), 0 files not taken."


def test_namesakes_are_not_taken_for_one_student(folder, given):
    files = {f"Ada Lovelace_{n}_assignsubmission_file_/x.ipynb": b"%d" % n for n in (1, 2)}
    found = collect.collect(folder, LESSON, given(files))
    assert found.taken == []
    assert len(found.refused) == 2
    assert all("would both be called 'Ada-Lovelace'" in reason for _, reason in found.refused)


def test_the_table_names_the_late_and_the_missing(folder, given):
    due = datetime(2027, 1, 31, 10, tzinfo=UTC)
    release.release(folder, LESSON, due=due)
    (folder.root / "students.csv").write_text("student,name\nada,\nbob,\n")
    place = str(given({"ada.ipynb": NOTEBOOK, "hello.txt": b""}))
    command = ["assignment", "collect", "06", place, "--class", str(folder.root)]
    told = CliRunner().invoke(cli.app, command).output.splitlines()
    assert told[0].startswith("ada ") and told[0].endswith("  2.0 h late")
    assert told[1].split() == ["bob", "nothing", "yet"]
    assert told[2] == "not taken: hello.txt: it is no notebook (.ipynb)"
    assert told[3] == "1 taken, 1 files not taken."


def test_a_class_list_that_is_none_is_told(folder, given):
    (folder.root / "students.csv").write_text("name;mail\n")
    with pytest.raises(CourseError, match="must begin with the line student,name,id"):
        collect.collect(folder, LESSON, given({"ada.ipynb": NOTEBOOK}))
