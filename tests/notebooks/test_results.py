"""Every number in a results cell is what the published runs give; none is typed by hand.

What each cell should print is described in `tests/support/results_cells.py`, line by line: that is
where a new results cell, or a new layout, gets its few lines.
"""

from functools import cache
from random import Random

import pytest

import results_cells
from printed_numbers import NUMBER, Quantity, agrees, disagreements
from results_cells import DESCRIPTIONS, committed_cells

NUM_CHANGES = 200
CELLS = [
    pytest.param(lesson, index, id=f"{lesson}-{description.__name__}")
    for lesson, descriptions in DESCRIPTIONS.items()
    for index, description in enumerate(descriptions)
]


@cache
def expected(lesson, index):
    return list(DESCRIPTIONS[lesson][index]())


def printed(lesson, index):
    outputs = committed_cells()[lesson][index].outputs
    return "".join(output.text for output in outputs if output.output_type == "stream")


def replace(text, position, digit):
    return text[:position] + digit + text[position + 1 :]


def significant_digits(number):
    """Positions in the text of a number's digits, from the first that is not zero on."""
    positions = [i for i in range(*number.span()) if number.string[i].isdigit()]
    while len(positions) > 1 and number.string[positions[0]] == "0":
        del positions[0]
    return positions


def change_a_digit(text, random):
    """The text with one significant digit of one of its numbers changed."""
    position = random.choice(significant_digits(random.choice(list(NUMBER.finditer(text)))))
    return replace(text, position, random.choice("0123456789".replace(text[position], "")))


def test_there_are_results_in_every_lesson_that_publishes_a_run():
    assert set(committed_cells()) == {"02", "03", "04", "05", "06"}


@pytest.mark.parametrize("lesson", sorted(committed_cells().keys() | DESCRIPTIONS.keys()))
def test_every_results_cell_is_described(lesson):
    described = [description.__name__ for description in DESCRIPTIONS[lesson]]
    first_lines = [cell.source.partition("\n")[0] for cell in committed_cells()[lesson]]
    assert len(first_lines) == len(described), (
        f"Lesson {lesson} has results cells that begin {first_lines}, but {results_cells.__file__} "
        f"describes {described}: one function for each cell, in their order."
    )


@pytest.mark.parametrize(("lesson", "index"), CELLS)
def test_results_are_what_the_published_runs_give(lesson, index):
    text = printed(lesson, index)
    assert NUMBER.search(text), "a results cell prints results"
    assert disagreements(text, expected(lesson, index)) == []


def test_200_changed_digits_are_all_found():
    random = Random(0)
    changes = []
    for number in range(NUM_CHANGES):
        cell = CELLS[number % len(CELLS)].values
        changes.append((change_a_digit(printed(*cell), random), expected(*cell)))
    assert [text for text, lines in changes if not disagreements(text, lines)] == []


@pytest.mark.parametrize(("lesson", "index"), CELLS)
def test_each_digit_that_a_results_cell_prints_is_looked_at(lesson, index):
    text = printed(lesson, index)
    digits = [position for position, character in enumerate(text) if character.isdigit()]
    passed_over = [
        text[position - 10 : position + 10]
        for position in digits
        for other in {str((int(text[position]) + step) % 10) for step in (1, 9)}
        if not disagreements(replace(text, position, other), expected(lesson, index))
    ]
    assert passed_over == []


@pytest.mark.parametrize(("lesson", "index"), CELLS)
def test_a_line_too_few_or_too_many_and_lines_in_another_order_are_found(lesson, index):
    lines = [line for line in printed(lesson, index).splitlines() if line.strip()]
    for wrong in (lines[1:], [*lines, lines[-1]], [*lines[::-1]]):
        assert disagreements("\n".join(wrong), expected(lesson, index))


LINE = ["A1", Quantity("MSE of A1", 0.00768), "luma", Quantity("luma of A1", 0.00154)]


def test_a_line_that_agrees():
    assert disagreements("A1: MSE 0.00768, luma 0.0015\n\n", [LINE]) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("A1: MSE 0.00769, luma 0.0015", "0.00769 is printed, but MSE of A1 is 0.00768"),
        ("A2: MSE 0.00768, luma 0.0015", "the words 'A1' should stand in"),
        ("A11: MSE 0.00768, luma 0.0015", "the words 'A1' should stand in"),
        ("A1: MSE 0.00768, chroma 0.0015", "the words 'luma' should stand in"),
        ("A1: MSE 0.00768, luma", "a number: luma of A1 should stand in"),
        ("2 of A1: MSE 0.00768, luma 0.0015", "nothing says which number stands in '2 of '"),
        ("A1: MSE 0.00768, B 1, luma 0.0015", "nothing says which number stands in ', B 1, '"),
        ("A1: MSE 0.00768, luma 0.0015, 3", "nothing says which number stands in ', 3'"),
        ("", "0 lines are printed, but 1 are described"),
    ],
)
def test_a_line_that_does_not_agree(line, sentence):
    (found,) = disagreements(line, [LINE])
    assert sentence in found


@pytest.mark.parametrize("value", [0.0083249, 12.3456, -0.00175])
def test_a_number_agrees_to_the_digits_printed(value):
    for digits in (2, 4, 5):
        assert agrees(f"{value:.{digits}f}", value)
        assert not agrees(f"{value + 0.011:.{digits}f}", value)
        assert not agrees(f"{value + 10.0**-digits:.{digits}f}", value)
    assert agrees("8.32e-03", 0.0083249) and not agrees("8.34e-03", 0.0083249)
    assert agrees("30%", 0.304) and not agrees("30%", 0.306) and not agrees("30", 0.304)
    assert agrees("10,000", 10_000) and not agrees("10,000", 10)
