"""A class of 200 with every fault in it, graded in one run, and graded with interruptions."""

import time

import pytest

import faults
import needs
from course_tools.grading import results
from tests.grading import test_grade_class

pytestmark = needs.sandbox
NUM_HONEST = 200 - len(faults.FAULTS)


@pytest.mark.timeout(3600)
def test_every_mark_of_200_is_the_one_it_has_alone(tmp_path):
    faults.new_class(tmp_path, NUM_HONEST)
    began = time.monotonic()
    test_grade_class.grade(tmp_path)
    print(f"200 submissions in {time.monotonic() - began:.0f} s")
    faults.assert_it_ended_well(tmp_path, NUM_HONEST)
    found = results.read_all(tmp_path, faults.NAME)
    assert len(found) == 200
    expected = {result.student: result.points for result in found if result.student != "absent"}
    assert test_grade_class.marks(tmp_path) == expected
    assert not test_grade_class.processes(faults.MARK)


@pytest.mark.timeout(3600)
def test_twenty_kills_lose_and_double_nothing(tmp_path):
    faults.new_class(tmp_path, NUM_HONEST, faults=False)
    assert test_grade_class.kill_and_start_again(tmp_path, 20, seed=2) > 5
    faults.assert_it_ended_well(tmp_path, NUM_HONEST, faults=False)
