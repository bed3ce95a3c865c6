"""Expected outputs: every kind of drawing shows what its check says, legibly, and in words too."""

import numpy as np
import pytest

from course_lib import checks
from course_lib.checks import Check
from course_tools.lessons import captions, drawings, expected_output, lesson_source

NAMES = [name for lesson in lesson_source.all_lessons() for name in checks.of_lesson(lesson.number)]
MAX_WIDTH = 1000  # pixels: the width of a notebook's cell


def drawing(**fields):
    """The drawing of a check with one shown case, and the words for it."""
    defaults = {"inputs": lambda: [(np.arange(3.0),)], "misconceptions": {}}
    check = Check(**defaults | fields)
    return drawings.draw(check), captions.caption(check.panels(), 600)


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_output_of_every_exercise_is_legible_and_told_in_words(name):
    expected = expected_output.of_exercise(name)
    assert int.from_bytes(expected.png[16:20], "big") <= MAX_WIDTH
    assert 60 < len(expected.alt) <= expected_output.MAX_ALT and "..." not in expected.alt
    assert not set("[]") & set(expected.alt)


def test_drawings_know_no_exercise():
    with open(drawings.__file__) as source:
        text = source.read()
    assert not any(name in text or f'"{name[3:]}"' in text for name in NAMES)


def test_a_check_that_says_nothing_is_drawn_as_a_table_of_its_arguments():
    figure, words = drawing(
        inputs=lambda: [(2, 0.5), (3, 0.25), (4, 0.125)],
        reference=lambda count, share: 1000 * count,
    )
    assert texts(figure) == ["count", "share", "returns", "2", "0.5", "2,000", "3", "0.25", "3,000"]
    assert words == "count 2, share 0.5, returns 2,000; count 3, share 0.25, returns 3,000"


def test_small_pictures_show_their_values_and_impossible_colours_are_not_shown():
    figure, words = drawing(reference=lambda gray: gray / 4, drawn_as="pictures")
    assert texts(figure)[-3:] == ["0", "0.25", "0.5"]
    assert words == "gray (0, 1, 2), returns (0, 0.25, 0.5)"
    patch = {"reference": lambda gray: np.array([[[1.3, 0, 0.5]]]), "drawn_as": "pictures"}
    assert texts(drawing(**patch)[0])[-1] == "1.3\n0\n0.5\ncannot be shown"


@pytest.mark.parametrize(
    "shape, count", [((5,), 1), ((4, 5), 1), ((4, 5, 3), 1), ((2, 4, 5), 2), ((2, 4, 5, 1), 2)]
)
def test_a_batch_is_drawn_as_so_many_pictures(shape, count):
    figure, _ = drawing(
        inputs=lambda: [(np.zeros(shape),)], reference=lambda gray: gray, drawn_as="pictures"
    )
    assert sum(len(ax.images) for ax in figure.axes) == 2 * count


@pytest.mark.parametrize(
    "marks, answer, lines", [(None, 2, 1), ("epoch", 2, 2), ("epoch", 0, 1), ("loss", 0.5, 2)]
)
def test_the_answer_is_marked_among_curves_where_the_check_says_what_it_is(marks, answer, lines):
    figure, words = drawing(reference=lambda losses: answer, drawn_as="curves", marks=marks)
    (ax,) = figure.axes
    assert len(ax.lines) == lines and ax.get_title() == f"returns {answer}"
    assert ax.get_xlabel() == "epoch\n0, 1, 2"
    assert words == f"losses (0, 1, 2), returns {answer}"


def test_an_interval_has_its_mean_and_its_ends():
    figure, words = drawing(reference=lambda a: (2.0, 1.0, 3.0), drawn_as="intervals")
    (ax,) = figure.axes
    assert ax.get_xlabel() == "returns (2, 1, 3)" and words == "a (0, 1, 2), returns (2, 1, 3)"
    assert ax.lines[0].get_xdata().tolist() == [2.0]


def test_words_that_are_too_long_leave_out_numbers_and_are_never_cut_off():
    panels = [{"losses": np.arange(9.0), "returns": answer} for answer in (1, 2)]
    assert captions.caption(panels, 60).startswith("losses array (9,), returns 1; losses")
    assert captions.caption(panels, 40) == "2 cases: returns 1; returns 2"
