"""Intervals, compared with numbers computed by hand."""

import math

import numpy as np
import pytest

from course_lib.files import CourseError
from course_lib.statistics import mean_interval, paired_difference


def test_student_interval_by_hand():
    # mean 2, standard deviation 1, t(0.975, 2 degrees of freedom) = 4.302653
    half_width = 4.302653 / math.sqrt(3)
    assert mean_interval([1, 2, 3]) == pytest.approx((2, 2 - half_width, 2 + half_width))


def test_confidence_sets_the_width():
    # t(0.75, 2 degrees of freedom) = sqrt(2/3)
    half_width = math.sqrt(2) / 3
    expected = (2, 2 - half_width, 2 + half_width)
    assert mean_interval([1, 2, 3], confidence=0.5) == pytest.approx(expected)


def test_equal_numbers_have_no_width():
    assert mean_interval([5.0, 5.0, 5.0]) == (5, 5, 5)


def test_one_seed_gets_no_interval():
    mean, low, high = mean_interval([0.25])
    assert mean == 0.25
    assert math.isnan(low) and math.isnan(high)


def test_student_interval_covers_as_often_as_it_says():
    runs = np.random.default_rng(0).normal(size=(2000, 3))
    intervals = [mean_interval(run)[1:] for run in runs]
    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)  # three standard errors


def test_pairing_shows_what_two_intervals_hide():
    random = np.random.default_rng(0)
    difficulty = random.exponential(size=200)  # some images are hard for both models
    a, b = difficulty, difficulty + random.normal(0.01, 0.02, size=200)
    (_, low_a, high_a), (_, low_b, high_b) = mean_interval(a), mean_interval(b)
    assert low_a < low_b < high_a < high_b  # the separate intervals overlap
    mean, low, high = paired_difference(a, b)
    assert low < mean < high < 0
    assert mean == pytest.approx(-0.01, abs=0.005)


def test_bootstrap_of_two_pairs_by_hand():
    # differences 0 and 1: a resample's mean is 0 or 1 with probability 1/4 each, else 1/2
    assert paired_difference([3, 4], [3, 3]) == (0.5, 0, 1)


def test_bootstrap_agrees_with_student_for_many_normal_differences():
    a = np.random.default_rng(0).normal(size=1000)
    mean, low, high = paired_difference(a, np.zeros(1000))
    _, student_low, student_high = mean_interval(a)
    assert mean == pytest.approx(a.mean())
    assert high - low == pytest.approx(student_high - student_low, rel=0.05)


def test_a_constant_difference_has_no_width():
    assert paired_difference([1.0, 2.0, 4.0], [0.5, 1.5, 3.5]) == (0.5, 0.5, 0.5)
    assert paired_difference([1.0, 2.0], [1.0, 2.0]) == (0, 0, 0)


def test_same_seed_same_interval():
    a, b = np.random.default_rng(0).random((2, 50))
    assert paired_difference(a, b, seed=1) == paired_difference(a, b, seed=1)
    assert paired_difference(a, b, seed=1) != paired_difference(a, b, seed=2)


def test_one_pair_gets_no_interval():
    mean, low, high = paired_difference([2], [1])
    assert mean == 1
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize("numbers", [[], [1, np.nan], [1, np.inf], [[1, 2], [3, 4]], "abc", 3.0])
def test_bad_numbers_get_one_sentence(numbers):
    with pytest.raises(CourseError, match="numbers must be a row"):
        mean_interval(numbers)
    with pytest.raises(CourseError, match="b must be a row"):
        paired_difference([1, 2], numbers)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.1, np.nan])
def test_bad_confidence(confidence):
    with pytest.raises(CourseError, match="confidence must be between 0 and 1"):
        mean_interval([1, 2], confidence)
    with pytest.raises(CourseError, match="confidence must be between 0 and 1"):
        paired_difference([1, 2], [1, 2], confidence)


def test_unequal_lengths():
    with pytest.raises(CourseError, match="a has 3 numbers and b 2"):
        paired_difference([1, 2, 3], [1, 2])
