"""Tests of the tests: each lesson's checks against answers as students write them.

`answers/NN.py` holds `WRONG`, a list of (exercise, answer, part of the expected sentence), and
`RIGHT`, a list of (exercise, answer) that are right and written differently from ours.
"""

import pytest

import kept_answers
from course_lib import checks
from kept_answers import names_a_mistake, sentence

MODULES = {number: kept_answers.load(number) for number in kept_answers.LESSONS}
WRONG = [case for module in MODULES.values() for case in module.WRONG]
RIGHT = [case for module in MODULES.values() for case in module.RIGHT]
MIN_WRONG, MIN_RIGHT = 10, 6  # of every exercise
MIN_REFUSED, MIN_NAMED = 0.99, 0.85
said = {}  # each answer's sentence: name and place -> sentence, so that no answer runs twice


def label(value):
    return getattr(value, "__name__", str(value)).strip("<>")


@pytest.mark.parametrize("place", range(len(WRONG)), ids=lambda place: label(WRONG[place][1]))
def test_a_wrong_answer_is_told_what_is_wrong_with_it(place):
    name, answer, expected = WRONG[place]
    said[place] = sentence(name, answer)
    assert said[place] is not None and expected in said[place]


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=label)
def test_an_unusual_right_answer_passes(name, answer):
    assert sentence(name, answer) is None


def test_the_shares_that_the_course_promises_hold():
    """Each right answer has a test above, and each wrong one is refused there."""
    sentences = [(case[0], said.get(n) or sentence(*case[:2])) for n, case in enumerate(WRONG)]
    refused = [(name, says) for name, says in sentences if says is not None]
    named = [says for name, says in refused if names_a_mistake(name, says)]
    assert len(refused) >= MIN_REFUSED * len(WRONG)
    assert len(named) >= MIN_NAMED * len(WRONG)


@pytest.mark.parametrize("number", MODULES)
def test_there_are_enough_answers_to_every_exercise(number):
    for name in checks.of_lesson(number):
        wrong = [case for case in MODULES[number].WRONG if case[0] == name]
        right = [case for case in MODULES[number].RIGHT if case[0] == name]
        assert len(wrong) >= MIN_WRONG and len(right) >= MIN_RIGHT


def test_every_lesson_with_checks_has_answers():
    assert list(MODULES) == [f"{number:02}" for number in range(7)]
