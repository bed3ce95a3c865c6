"""How certain a comparison is: confidence intervals."""

from typing import Any

import numpy as np
from scipy import stats

from course_lib.files import CourseError

NUM_RESAMPLES = 9999
NUMBERS_AT_ONCE = 1_000_000  # of the bootstrap, so that 10,000 images need little memory


def mean_interval(numbers: Any, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent numbers, one per seed, with Student's t interval.

    The interval says where the mean over all seeds may be, if the numbers are normally distributed.

    Args:
        numbers: N finite ones, such as the test MSE of N runs that differ in their seed only.
        confidence: between 0 and 1.

    Returns:
        (mean, low, high). One number alone says nothing about spread: low and high are then NaN,
        never an invented interval. `files.write_json` refuses NaN, so write null instead.

    Raises:
        CourseError: no numbers, not a row of finite numbers, wrong confidence.
    """
    numbers = _row_of_numbers(numbers, "numbers")
    _check_confidence(confidence)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return mean, np.nan, np.nan
    half_width = float(stats.t.ppf((1 + confidence) / 2, len(numbers) - 1) * stats.sem(numbers))
    return mean, mean - half_width, mean + half_width


def paired_difference(
    a: Any, b: Any, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of a - b over the same images, with a bootstrap interval over images.

    Some images are hard for every model. Subtracting image by image removes what they share, and
    shows differences that two separate intervals would hide. The interval treats the two models
    as given: it says nothing about other seeds.

    Args:
        a, b: one number per image, in the same order, such as `metrics.per_image(...)["mse"]`.
        confidence: between 0 and 1.
        seed: of the resampling (percentile bootstrap, 9,999 resamples, scipy.stats.bootstrap).

    Returns:
        (mean, low, high); below zero, a is the smaller one. With a single image low and high are
        NaN, as in `mean_interval`.

    Raises:
        CourseError: different lengths, no numbers, not a row of finite numbers, wrong confidence.
    """
    a, b = _row_of_numbers(a, "a"), _row_of_numbers(b, "b")
    _check_confidence(confidence)
    if len(a) != len(b):
        raise CourseError(
            f"a has {len(a)} numbers and b {len(b)}, but a paired difference needs both models on "
            "the same images, in the same order."
        )
    difference = a - b
    mean = float(difference.mean())
    if len(difference) < 2:
        return mean, np.nan, np.nan
    interval = stats.bootstrap(
        (difference,),
        np.mean,
        confidence_level=confidence,
        n_resamples=NUM_RESAMPLES,
        batch=max(1, NUMBERS_AT_ONCE // len(difference)),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return mean, float(interval.low), float(interval.high)


def _row_of_numbers(given: Any, name: str) -> np.ndarray:
    try:
        numbers = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CourseError(f"{name} must be a row of numbers: {error}") from error
    if numbers.ndim != 1 or numbers.size == 0 or not np.isfinite(numbers).all():
        raise CourseError(
            f"{name} must be a row of one or more finite numbers, not an array of shape "
            f"{numbers.shape} with {np.count_nonzero(~np.isfinite(numbers))} NaN or infinite ones."
        )
    return numbers


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise CourseError(f"confidence must be between 0 and 1, such as 0.95, not {confidence}.")
