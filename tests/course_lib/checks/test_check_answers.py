"""Tests of the tests: wrong answers meet their sentence, unusual right answers pass."""

import ast
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest

from course_lib import checks
from course_lib.checks import Check, CheckFailed
from course_lib.files import CourseError

LESSONS = sorted(path.stem[-2:] for path in Path(checks.__file__).parent.glob("lesson_*.py"))
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
        for answer in wrong if isinstance(wrong, tuple) else (wrong,):
            with pytest.raises(CheckFailed) as failure:
                checks.check(name, answer)
            assert str(failure.value) == sentence
            assert CHECKS[name].is_named(sentence)


@pytest.mark.parametrize("name", EXERCISES)
def test_sentences_are_sentences(name):
    check = CHECKS[name]
    assert len(check.misconceptions) >= 4
    for sentence in [*check.misconceptions, *check.signs, *check.otherwise, *check.refusals]:
        assert sentence[0].isupper() and sentence.endswith(".")


def stubs():
    """The arguments of each exercise's function, as the lesson calls them."""
    found = {}
    for source in Path(checks.__file__).parents[2].glob("notebooks/source/*.py"):
        functions = ast.walk(ast.parse(source.read_text()))
        named = {one.name: one for one in functions if isinstance(one, ast.FunctionDef)}
        for name in CHECKS.keys() & {f"{source.stem[:2]}.{function}" for function in named}:
            found[name] = [argument.arg for argument in named[name[3:]].args.args]
    return found


def test_a_message_calls_the_arguments_as_the_lesson_does():
    references = {}
    for name, check in CHECKS.items():
        parameters = inspect.signature(check.reference).parameters.values()
        references[name] = [one.name for one in parameters if one.default is one.empty]
    assert stubs() == references


@pytest.mark.parametrize("name", EXERCISES)
def test_an_expected_output_keeps_an_input_back(name):
    """So an answer that looks its results up in the picture fails."""
    check = CHECKS[name]
    shown, all_inputs = len(check.shown_cases()), len(check.inputs())
    assert 1 <= shown < all_inputs


def blank(*arguments):
    raise NotImplementedError


@pytest.mark.parametrize("name", EXERCISES)
def test_a_blank_says_so_and_stops_nothing(name, capsys):
    checks.check(name, blank)
    assert capsys.readouterr().out.startswith(f"Not answered yet: {name}.")


@pytest.mark.parametrize("name", EXERCISES)
def test_a_blank_never_counts_as_right_outside_the_kernel(name):
    """Not even if one output of many comes from it, and not after a pickle's journey."""
    check = CHECKS[name]
    given = pickle.loads(pickle.dumps(check.outputs(blank)))
    assert len(given) == len(check.inputs())
    assert check.verdict(given) == checks.NOT_ANSWERED
    right = check.outputs(check.reference)
    assert check.verdict(right) is None
    assert check.verdict([*right[:-1], NotImplemented]) == checks.NOT_ANSWERED


def test_a_library_that_implements_something_not_is_no_blank():
    """torch says which function is missing; whoever wrote the answer has to read it."""
    import torch

    with pytest.raises(NotImplementedError, match="forward") as failure:
        checks.check("01.gray_pixel", lambda *rgb: torch.nn.Module()(rgb))
    assert "red = 0.2, green = 0.5, blue = 0.9" in failure.value.__notes__[0]


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
    assert double.verdict([2, 7]) == "For x = 3 the result is 7 and should be 6."


def test_differences_have_a_sign_even_between_bytes():
    one_less = Check(
        inputs=lambda: [(np.array([0, 5], np.uint8),)], reference=lambda x: x, misconceptions={}
    )
    assert "at index [0] is 255 and should be 0" in one_less.verdict([np.array([255, 5], np.uint8)])


def test_arguments_have_names_and_short_arrays_are_shown_in_full():
    def total(losses, factor):
        return factor * np.sum(losses)

    losses = np.array([0.0125, 1e-7, 0.3])
    check = Check(lambda: [(losses, 2), ([1, 2, 3, 4, 5], 1)], total, misconceptions={})
    assert check.verdict([0.6250002, 14]) == (
        "For losses = [1, 2, 3, 4, 5], factor = 1 the result is 14 and should be 15."
    )
    assert check.verdict([1, 15]).startswith("For losses = [0.0125, 1e-07, 0.3], factor = 2 the")
    square = Check(lambda: [(np.eye(2),)], lambda rgb: rgb, misconceptions={})
    assert "For rgb = [[1, 0], [0, 1]] the" in square.verdict([np.eye(2) + 1])


def test_long_arrays_are_described_by_their_shape():
    long = Check(lambda: [(np.arange(33),)], np.cumsum, misconceptions={})
    assert long.verdict([np.zeros(33)]).startswith(
        "For a = an array of shape (33,) and type int64 the result at index [32] is 0"
    )


def test_a_missing_return_is_told_from_a_way_without_one():
    double = Check(lambda: [(1,), (3,)], lambda x: 2 * x, misconceptions={})
    assert double.verdict([None, None]) == (
        "Your function returns nothing; end it with a return statement."
    )
    assert double.verdict([2, None]).startswith(
        "Your function returns nothing for this case: x = 3."
    )
