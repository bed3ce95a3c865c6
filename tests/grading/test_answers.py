"""Tests of the tests: each lesson's checks against answers as students write them.

`answers/NN.py` holds `WRONG`, a list of (exercise, answer, part of the expected sentence), and
`RIGHT`, a list of (exercise, answer) that are right and written differently from ours.
"""

import importlib.util
import re
from pathlib import Path

import pytest

from course_lib import checks
from course_lib.checks import CheckFailed

LESSONS = ("01", "02", "03", "04", "05", "06")
# A sentence that shows a case and names no thought, or is the same for every exercise.
BARE = re.compile(r"should be|return statement|not numbers|NaN|shape|work on a copy|at index")


def answers(number):
    path = Path(__file__).parent / "answers" / f"{number}.py"
    spec = importlib.util.spec_from_file_location(f"answers_{number}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = {number: answers(number) for number in LESSONS}
WRONG = [case for module in MODULES.values() for case in module.WRONG]
RIGHT = [case for module in MODULES.values() for case in module.RIGHT]


def label(value):
    return getattr(value, "__name__", str(value)).strip("<>")


@pytest.mark.parametrize(("name", "answer", "expected"), WRONG, ids=label)
def test_a_wrong_answer_is_told_what_is_wrong_with_it(name, answer, expected):
    with pytest.raises(CheckFailed) as failure:
        checks.check(name, answer)
    assert expected in str(failure.value)


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=label)
def test_an_unusual_right_answer_passes(name, answer):
    checks.check(name, answer)


@pytest.mark.parametrize("number", LESSONS)
def test_there_are_enough_answers_to_every_lesson(number):
    named = [expected for _, _, expected in MODULES[number].WRONG if not BARE.search(expected)]
    assert len(named) >= 6
    assert len(MODULES[number].RIGHT) >= 3
    exercises = set(checks.of_lesson(number))
    assert {name for name, *_ in MODULES[number].WRONG} == exercises
    assert {name for name, _ in MODULES[number].RIGHT} == exercises
