"""students.csv is the instructor's: understood or refused, added to, never rewritten."""

import pytest

from course_lib.files import CourseError
from course_tools.grading import class_folder, class_list


@pytest.fixture
def folder(tmp_path):
    return class_folder.new(tmp_path / "class")


ROWS = "student,name,id\nada,Ada Lovelace,1\nzoë,Zoë Ångström,2\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_separators_and_encodings_of_spreadsheets_are_understood(separator, encoding):
    content = ROWS.replace(",", separator).replace("\n", "\r\n").encode(encoding)
    found = class_list.parse(content)
    assert list(found.students) == ["ada", "zoë"]
    assert found.students["zoë"]["name"] == "Zoë Ångström"
    more = found.with_added([{"student": "bob", "name": "Bob", "id": "3"}])
    assert more.startswith(content)
    assert list(class_list.parse(more).students) == ["ada", "zoë", "bob"]


def test_excels_line_on_the_separator_is_skipped():
    assert list(class_list.parse(b"sep=;\nstudent;name\nada;Ada\n").students) == ["ada"]


def test_names_that_an_old_encoding_lacks_make_the_file_utf8():
    found = class_list.parse("student,name\nzoë,Zoë\n".encode("cp1252"))
    more = class_list.parse(found.with_added([{"student": "प्रिया", "name": "प्रिया"}]))
    assert list(more.students) == ["zoë", "प्रिया"]


def test_what_is_no_text_is_told():
    with pytest.raises(CourseError, match="in no encoding that is known; save it as CSV in UTF-8"):
        class_list.parse(b"student\x81\x8d\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("student,name\n,Grace\nada,Ada\n", "line 2: the column student is empty"),
        ("student\nada\n\nbob\nada\n", "lines 2 and 5 have the same student, 'ada'"),
        ("student\nzo\u00eb\nzoe\u0308\n", "lines 2 and 3 have the same student"),
        ("student,name\n2027/17,Ada\n", "line 2: '2027/17' cannot be the name of a folder"),
        ("student\n.ada\n", "line 2: '.ada' cannot be the name of a folder"),
        ("student\na\x1b[2Jda\n", "holds a character that cannot be seen"),
        (f"student\n{'x' * 201}\n", "is longer than 200 bytes"),
        ("student,name\nada,Lovelace, Ada\n", "line 2 has 3 cells and the header 2"),
        ('student,name\nada,"Lovelace\nbob,Bob\n', "from line 2 on"),
        ("student,name,name\nada,A,B\n", "has the column 'name' twice"),
        ("name;mail\nAda;a@b\n", "must begin with the line student,name,id"),
    ],
)
def test_a_list_that_is_not_understood_is_told_with_the_line_and_left_alone(folder, text, reason):
    path = folder.root / "students.csv"
    path.write_text(text)
    with pytest.raises(CourseError) as error:
        folder.add_students([{"student": "eve"}])
    assert reason in str(error.value)
    assert path.read_text() == text


def test_columns_of_the_instructors_own_and_empty_lines_are_kept(folder):
    text = 'email,student,"team, or none",name\na@b.org,ada,"red, blue",Ada\n,,,\n\n'
    (folder.root / "students.csv").write_text(text)
    assert folder.students()["ada"]["team, or none"] == "red, blue"
    folder.add_students([{"student": "bob", "name": "Bob", "id": "7"}])
    assert (folder.root / "students.csv").read_text() == text + ",bob,,Bob\n"
    assert (folder.root / "older" / "students.csv.1").read_text() == text
    assert folder.students()["bob"]["name"] == "Bob"
