"""Lines that say how far a run is, and about how long the rest takes."""

import pytest

from course_tools.grading.marking import progress
from course_tools.grading.marking.progress import Progress


def test_lines_in_a_file_say_how_far_it_is_and_how_long_the_rest_takes():
    lines, seconds = [], iter([0, 1, 30, 60, 90])
    with Progress(5, lines.append, lambda: next(seconds)) as run:
        run("ada  4 of 4")
        run.skip()
        for student in ("bob", "cy", "di"):
            run(student)
    assert lines == [
        "ada  4 of 4  [1/5]",
        "bob  [3/5, about 30 s left]",
        "cy  [4/5, about 20 s left]",
        "di  [5/5]",
    ]


def test_a_terminal_has_a_bar_and_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with Progress(2) as run:
        run("ada  4 of 4")
        run.skip()
    out, err = capsys.readouterr()
    assert "ada  4 of 4\n" in out and "[1/2" not in out
    assert "0/2" in err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "10 s"),
        (94, "90 s"),
        (100, "2 min"),
        (180, "3 min"),
        (5400, "90 min"),
        (9000, "2.5 h"),
    ],
)
def test_seconds_are_said_as_people_say_them(seconds, text):
    assert progress.duration(seconds) == text
