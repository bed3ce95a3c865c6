"""Tests of the tests: wrong answers meet their sentence, unusual right answers pass."""

from pathlib import Path

import numpy as np
import pytest

from course_lib import checks
from course_lib.checks import Check, CheckFailed
from course_lib.files import CourseError
from course_lib.grayscale import to_gray

LESSONS = sorted(path.stem[-2:] for path in Path(checks.__file__).parent.glob("checks_*.py"))
CHECKS = {name: check for n in LESSONS for name, check in checks.of_lesson(n).items()}
EXERCISES = sorted(CHECKS)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_passes_its_own_check(name, capsys):
    checks.check(name, CHECKS[name].reference)
    assert capsys.readouterr().out == f"ok  {name}\n"


@pytest.mark.parametrize("name", EXERCISES)
def test_every_misconception_meets_its_own_sentence(name):
    """So none is right by accident, and none hides behind another."""
    for sentence, wrong in CHECKS[name].misconceptions.items():
        with pytest.raises(CheckFailed) as failure:
            checks.check(name, wrong)
        assert str(failure.value) == sentence


@pytest.mark.parametrize("name", EXERCISES)
def test_sentences_are_sentences(name):
    assert len(CHECKS[name].misconceptions) >= 4
    for sentence in CHECKS[name].misconceptions:
        assert sentence[0].isupper() and sentence.endswith(".")


def fails(name, answer):
    with pytest.raises(CheckFailed) as failure:
        checks.check(name, answer)
    return str(failure.value)


# ---- Lesson 01, answers as students write them ---------------------------------------------------


def overflowing(rgb):
    gray = (rgb[..., 0] + rgb[..., 1] + rgb[..., 2]) // 3
    return (gray / 255)[..., None]


def truncating(rgb):
    gray = np.zeros(rgb.shape[:-1], dtype=np.uint8)
    for n, y, x in np.ndindex(gray.shape):
        r, g, b = (int(v) for v in rgb[n, y, x])
        gray[n, y, x] = 0.299 * r + 0.587 * g + 0.114 * b
    return gray[..., None].astype(np.float32) / 255


def first_axis(rgb):
    rgb = rgb / 255
    return 0.299 * rgb[:, 0] + 0.587 * rgb[:, 1] + 0.114 * rgb[:, 2]


def in_place(colour, change):
    colour[0] += change
    colour[1] -= 0.299 / 0.587 * change
    return colour


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("01.gray_pixel", lambda r, g, b: (r + g + b) / 3, "equal weight"),
        ("01.gray_pixel", lambda r, g, b: 0.114 * r + 0.587 * g + 0.299 * b, "BGR"),
        ("01.gray_pixel", lambda r, g, b: None, "return statement"),
        ("01.gray_pixel", lambda r, g, b: "0.5", "returns str, not numbers"),
        ("01.gray_pixel", lambda r, g, b: float("nan"), "NaN"),
        ("01.gray_pixel", lambda r, g, b: 0.3 * r + 0.6 * g + 0.1 * b, "should be 0.4559"),
        ("01.gray_batch", first_axis, "last axis"),
        ("01.gray_batch", truncating, "whole levels"),
        ("01.gray_batch", lambda rgb: to_gray(rgb / 255), "the shape is (3, 4, 5)"),
        ("01.gray_batch", lambda rgb: to_gray(rgb / 255, keepdims=True) * 255, "divide the bytes"),
        ("01.gray_batch", lambda rgb: rgb.mean(axis=-1, keepdims=True) / 255, "equal weight"),
        ("01.gray_batch", lambda rgb: rgb / 255, "(3, 4, 5, 3) and should be (3, 4, 5, 1)"),
        ("01.to_bytes", lambda gray: (gray * 255).astype("uint8"), "cut off"),
        ("01.to_bytes", lambda gray: np.round(gray * 255), "type is float"),
        ("01.same_gray", in_place, "work on a copy"),
        ("01.best_guess", lambda c, p: c[p.argmax()], "likeliest"),
        ("01.best_weights", lambda rgb: np.array([0.2, 0.5, 0.3]), "MSE with your weights is"),
        ("01.best_weights", lambda rgb: np.array([0.5, 0.5]), "Return three weights"),
    ],
)
def test_wrong_answers_are_named(name, answer, words):
    assert words in fails(name, answer)


def test_wrapped_bytes_are_named():
    """A floor division after the overflow is no listed mistake, but it is still told apart."""
    assert "should be" in fails("01.gray_batch", overflowing)
    assert "wraps around" in fails(
        "01.gray_batch", lambda rgb: rgb.sum(axis=-1, dtype=np.uint8) / 3 / 255
    )


def slow_but_right(rgb):
    rgb = np.asarray(rgb).astype(object)  # exact Python integers
    return ((299 * rgb[..., :1] + 587 * rgb[..., 1:2] + 114 * rgb[..., 2:]) / 255_000).astype(float)


def torch_gray(rgb):
    import torch

    image = torch.tensor(rgb / 255, requires_grad=True)
    return image @ torch.tensor([[0.299], [0.587], [0.114]], dtype=image.dtype)


def search(rgb):
    grid = np.arange(0, 1.01, 0.05)
    tries = [(r, g, 1 - r - g) for r in grid for g in grid if r + g <= 1]
    return min(tries, key=lambda w: ((rgb @ np.array(w)[:, None] - rgb) ** 2).mean())


def least_squares(rgb):
    pixels = rgb.reshape(-1, 3)
    return np.linalg.lstsq(np.tile(pixels, (3, 1)), pixels.T.ravel(), rcond=None)[0]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("01.gray_pixel", lambda *rgb: np.float32(np.dot(rgb, [0.299, 0.587, 0.114]))),
        ("01.gray_pixel", lambda r, g, b: [0.587 * g + 0.114 * b + 0.299 * r][0]),
        ("01.gray_batch", slow_but_right),
        ("01.gray_batch", torch_gray),
        (
            "01.gray_batch",
            lambda rgb: np.einsum("nhwc,cd->nhwd", rgb / 255, [[0.299], [0.587], [0.114]]),
        ),
        ("01.gray_batch", lambda rgb: to_gray(np.float32(rgb) / np.float32(255), keepdims=True)),
        ("01.to_bytes", lambda gray: (gray * 255 + 0.5).astype(np.uint8)),
        ("01.same_gray", lambda c, t: (c[0] + t, c[1] - t * 299 / 587, c[2])),
        ("01.best_guess", lambda c, p: [float(np.average(c[:, i], weights=p)) for i in range(3)]),
        ("01.best_weights", least_squares),
        ("01.best_weights", search),
    ],
)
def test_unusual_right_answers_pass(name, answer):
    checks.check(name, answer)


# ---- the machinery -------------------------------------------------------------------------------


def test_a_blank_says_so_and_stops_nothing_but_is_no_right_answer(capsys):
    def blank(*colour):
        raise NotImplementedError

    checks.check("01.gray_pixel", blank)
    assert capsys.readouterr().out.startswith("Not answered yet: 01.gray_pixel.")
    with pytest.raises(NotImplementedError) as failure:  # what grading sees
        checks.of_lesson("01")["01.gray_pixel"].outputs(blank)
    assert not hasattr(failure.value, "__notes__")


def test_the_student_sees_their_own_exception_and_what_caused_it():
    with pytest.raises(IndexError) as failure:
        checks.check("01.gray_batch", lambda rgb: rgb[..., 3])
    assert "shape (3, 4, 5, 3) and type uint8" in failure.value.__notes__[0]


def test_an_unknown_exercise_is_named():
    with pytest.raises(CourseError, match=r"no exercise '01\.gray'.*01\.gray_pixel"):
        checks.check("01.gray", max)
    with pytest.raises(CourseError, match="lesson '99'"):
        checks.check("99.gray", max)


def test_a_failed_check_shows_its_sentence_alone():
    assert CheckFailed("Round first.")._render_traceback_() == ["Not yet. Round first."]


def test_outputs_can_be_judged_apart_from_the_function():
    """Grading runs the answer in one process and judges its outputs in another."""
    double = Check(inputs=lambda: [(1,), (3,)], reference=lambda x: 2 * x, misconceptions={})
    assert double.verdict([2, 6]) is None
    assert double.verdict([2, 7]) == "For 3 the result is 7 and should be 6."


def test_differences_have_a_sign_even_between_bytes():
    one_less = Check(
        inputs=lambda: [(np.array([0, 5], np.uint8),)], reference=lambda x: x, misconceptions={}
    )
    assert "at index [0] is 255 and should be 0" in one_less.verdict([np.array([255, 5], np.uint8)])


def test_long_lists_are_described_by_their_shape():
    five = Check(lambda: [([1, 2, 3, 4, 5],)], reference=sum, misconceptions={})
    assert five.verdict([14]) == (
        "For an array of shape (5,) and type int64 the result is 14 and should be 15."
    )
