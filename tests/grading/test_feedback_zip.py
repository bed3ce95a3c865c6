"""One zip of all pages: under the names that a platform takes back, unique, and safe to unpack."""

import unicodedata
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_tools.grading import class_folder
from course_tools.grading.reports import feedback_zip
from course_tools.grading.reports.marks import NO_RESULT, StudentMarks

NAME = "03_pytorch_fc_latent"


@pytest.fixture
def folder(tmp_path):
    return class_folder.new(tmp_path / "class")


def write(folder, origins, ids=None):
    """Write the zip of students with these origins (None: no such file); returns name -> page."""
    records = []
    for student, origin in origins.items():
        page = folder.root / "feedback" / student / f"{NAME}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(student)
        if origin is not None:
            place = folder.submitted(student, NAME).with_name("origin.txt")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(f"{origin}\n".encode("utf-8", "surrogatepass"))
        records.append(StudentMarks(student, {"id": (ids or {}).get(student, "")}, NO_RESULT))
    path, num_plain = feedback_zip.write(folder, NAME, records)
    with zipfile.ZipFile(path) as archive:
        return {
            info.filename: archive.read(info).decode() for info in archive.infolist()
        }, num_plain


@pytest.mark.parametrize(
    ("origin", "id_", "expected"),
    [
        (
            "Ada Lovelace_1234_assignsubmission_file_/03.ipynb",
            "",
            "Ada Lovelace_1234_assignsubmission_file_/feedback.html",
        ),
        (
            "Ada Lovelace_1234_assignsubmission_file/03.ipynb",  # Moodle since 4.1
            "",
            "Ada Lovelace_1234_assignsubmission_file/feedback.html",
        ),
        (
            "download/Zoë Å_7_assignsubmission_file_/work/03.ipynb",
            "",
            "Zoë Å_7_assignsubmission_file_/feedback.html",
        ),
        (
            "Ada Lovelace_1234_assignsubmission_file_03.ipynb",
            "",
            "Ada Lovelace_1234_assignsubmission_file_feedback.html",
        ),
        (
            "Participant 101_101_assignsubmission_file_/odd?name.ipynb",
            "",
            "Participant 101_101_assignsubmission_file_/feedback.html",
        ),
        (  # the folder is the platform's, what is in it is the student's
            "Mallory_1_assignsubmission_file_/Grace_2_assignsubmission_file_/x.ipynb",
            "",
            "Mallory_1_assignsubmission_file_/feedback.html",
        ),
        ("lovelaceada_12_5678_03.ipynb", "12", "lovelaceada_12_5678_03.html"),
        ("all/lovelaceada_LATE_12_5678_03-1.ipynb", "12", "lovelaceada_LATE_12_5678_03-1.html"),
        ("mallory/hoppergrace_1235_99_x.ipynb", "12", ""),  # by its list, not Mallory's number
        ("ada_2027_10_homework.ipynb", "", ""),
        ("ada/03.ipynb", "", ""),
        ("../x_1_assignsubmission_file_/a.ipynb", "", "x_1_assignsubmission_file_/feedback.html"),
        ("C:\\x_1_assignsubmission_file_/a.ipynb", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_a_page_has_the_name_by_which_the_platform_knows_the_student(origin, id_, expected):
    assert feedback_zip.platform_name(origin, id_) == expected


def test_who_came_from_no_platform_has_a_folder(folder):
    found, num_plain = write(
        folder,
        {"ada": "Ada_1_assignsubmission_file_/x.ipynb", "bob": None, "cy": "cy/03.ipynb"},
    )
    assert found == {
        "Ada_1_assignsubmission_file_/feedback.html": "ada",
        f"bob/{NAME}.html": "bob",
        f"cy/{NAME}.html": "cy",
    }
    assert num_plain == 2


def test_an_origin_that_is_no_text_is_as_none(folder):
    (path := folder.submitted("ada", NAME).with_name("origin.txt")).parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe")
    assert list(write(folder, {"ada": None})[0]) == [f"ada/{NAME}.html"]


names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and name.isprintable())
numbers = st.integers(0, 3)
parts = st.one_of(
    names,
    st.sampled_from(["..", ".", "", "C:", "a\\b", "x\ny", "\x00", "\ud800", "CON"]),
    st.builds(
        "{}_{}_assignsubmission_file_{}".format, names, st.integers(0, 3), names | st.just("")
    ),
    st.builds("{}_{}_{}_x.ipynb".format, names, st.integers(0, 3), st.integers(0, 3)),
)
origins = st.none() | st.lists(parts, max_size=4).map("/".join)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(names, origins, max_size=6), st.sampled_from(["", "1"]))
def test_no_page_is_lost_doubled_or_leads_out_of_the_folder(tmp_path_factory, students, id_):
    folder = class_folder.new(tmp_path_factory.mktemp("c") / "class")
    found, _ = write(folder, students, dict.fromkeys(students, id_))
    assert sorted(found.values()) == sorted(students)
    folded = [unicodedata.normalize("NFC", name).casefold() for name in found]
    assert len(set(folded)) == len(folded)
    for name in found:
        path = PurePosixPath(name)
        assert not path.is_absolute() and 1 <= len(path.parts) <= 2
        assert not set("\\:\0\n") & set(name)
        assert all(part.strip(". ") for part in name.split("/"))
        assert name.endswith(".html")
