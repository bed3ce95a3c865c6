"""One list of types: the notebook's check and the grader take the same of them for numbers."""

import json
from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from course_lib import checks
from course_lib.checks import Check, CheckFailed, returned_numbers
from course_tools.grading.sandbox import codec

RIGHT = 0.25


def torch_tensor(value, **options):
    import torch

    return torch.tensor(value, **options)


def keras_tensor(value):
    from course_lib.models_keras import keras

    return keras.ops.convert_to_tensor(value)


def tensorflow_bfloat16(value):
    import tensorflow

    return tensorflow.constant(value, dtype=tensorflow.bfloat16)


def torch_bfloat16(value):
    import torch

    return torch.tensor(value, dtype=torch.bfloat16, requires_grad=True)


def bare_float(value):
    return type("MyFloat", (float,), {})(value)


# How one number is made of a Python float.
NUMBERS = {
    "float": float,
    "subclass of float": bare_float,
    "NumPy scalar": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "long double": np.longdouble,
    "0-d array": np.array,
    "array of one": lambda value: np.array([value]),
    "array of one by one": lambda value: np.array([[value]]),
    "list of one": lambda value: [value],
    "tuple of one": lambda value: (value,),
    "Fraction": Fraction,
    "Decimal": Decimal,
    "array of a Fraction": lambda value: np.array(Fraction(value), dtype=object),
    "torch tensor": torch_tensor,
    "torch tensor of one": lambda value: torch_tensor([value]),
    "torch tensor with a gradient": lambda value: 1 * torch_tensor(value, requires_grad=True),
    "torch bfloat16": torch_bfloat16,
    "Keras tensor": keras_tensor,
    "TensorFlow bfloat16": tensorflow_bfloat16,
    "generator": lambda value: (value for _ in range(1)),
}
# How several numbers are made of a list of floats.
ROWS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "list of NumPy scalars": lambda row: [np.float32(value) for value in row],
    "list of 0-d arrays": lambda row: [np.array(value) for value in row],
    "list of Fractions": lambda row: [Fraction(value) for value in row],
    "tuple of Decimals": lambda row: tuple(Decimal(value) for value in row),
    "mixed list": lambda row: [Fraction(row[0]), np.float64(row[1]), *map(Decimal, row[2:])],
    "array of Fractions": lambda row: np.array([Fraction(value) for value in row]),
    "big-endian array": lambda row: np.array(row, ">f8"),
    "masked array": np.ma.array,
    "torch tensor": torch_tensor,
    "torch tensor with a gradient": lambda row: 1 * torch_tensor(row, requires_grad=True),
    "list of torch tensors": lambda row: [torch_tensor(v, requires_grad=True) for v in row],
    "Keras tensor": keras_tensor,
    "list of Keras tensors": lambda row: [keras_tensor(value) for value in row],
    "generator": lambda row: (value for value in row),
    "generator of tensors": lambda row: (torch_tensor(value) for value in row),
    "map": lambda row: map(Fraction, row),
    "zip's columns": lambda row: next(zip(*[[row]], strict=True))[0],
    "values of a dict": lambda row: dict(enumerate(row)).values(),
    "deque": deque,
}
# What is no number, and a word of the sentence about it.
REFUSED = {
    "text": (lambda row: str(row), "str, not numbers"),
    "dict": (lambda row: dict(enumerate(row)), "dict, not numbers"),
    "set": (lambda row: set(row), "return a list"),
    "function": (lambda row: lambda: row, "call it"),
    "method": (lambda row: row.copy, "call it"),
    "dots": (lambda row: ..., "three dots"),
    "uneven rows": (lambda row: [row, row[:1]], "of equal length"),
    "complex": (lambda row: complex(row[0], 1), "real part"),
    "list with None": (lambda row: [None, *row[1:]], "list, not numbers"),
    "list of texts": (lambda row: [str(value) for value in row], "list, not numbers"),
    "tensor without numbers": (lambda row: torch_tensor(row, device="meta"), "Tensor, not"),
    "own class": (lambda row: type("Thing", (), {})(), "Thing, not numbers"),
}


def problem_in_notebook(check, answer):
    try:
        return check.verdict(check.outputs(answer))
    except CheckFailed as failure:
        return str(failure)


def problem_in_grading(check, answer):
    """As the grader does it: outputs travel as JSON, and are judged in another process."""
    coded = [json.loads(json.dumps(codec.encode(answer(*one)))) for one in check.inputs()]
    outputs = iter([codec.decode(code) for code in coded])
    return problem_in_notebook(check, lambda *arguments: next(outputs))


def checked(right):
    return Check(lambda: [(1,), (2,)], reference=lambda x: right, misconceptions={})


BOTH = pytest.mark.parametrize("judged", [problem_in_notebook, problem_in_grading])


@BOTH
@pytest.mark.parametrize("kind", NUMBERS)
def test_one_number_is_taken_in_each_of_its_types(kind, judged):
    assert judged(checked(RIGHT), lambda x: NUMBERS[kind](RIGHT)) is None
    assert judged(checked(RIGHT), lambda x: NUMBERS[kind](RIGHT + 1)) is not None


@BOTH
@pytest.mark.parametrize("kind", ROWS)
def test_a_row_of_numbers_is_taken_in_each_of_its_types(kind, judged):
    row = [0.5, 0.25, -2.0]
    assert judged(checked(np.array(row)), lambda x: ROWS[kind](row)) is None
    assert judged(checked(np.array(row)), lambda x: ROWS[kind]([0.5, 0.5, -2.0])) is not None


@BOTH
@pytest.mark.parametrize(
    "kind", [int, bool, np.bool_, np.int8, np.uint64, float, np.array, Fraction]
)
def test_whole_numbers_and_truth_values_are_taken(kind, judged):
    assert judged(checked(1), lambda x: kind(1)) is None


@BOTH
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_number_is_refused_with_the_same_sentence(kind, judged):
    make, words = REFUSED[kind]
    assert words in judged(checked(np.array([0.5, 0.25])), lambda x: make([0.5, 0.25]))


def test_a_generator_without_end_is_cut_off():
    def endless():
        while True:
            yield 1

    assert len(returned_numbers.plain(endless())) == returned_numbers.MAX_ITEMS


def test_an_output_is_kept_as_it_was_when_it_was_returned():
    """A list that the answer goes on to change counts as it was, as in grading."""
    kept = []

    def growing(x):
        kept.append(x)
        return kept

    check = Check(lambda: [(1,), (2,)], reference=lambda x: np.arange(1, x + 1), misconceptions={})
    assert problem_in_notebook(check, growing) is None


def test_every_exercise_takes_its_right_answer_through_the_codec():
    for number in range(7):
        for name, check in checks.of_lesson(f"{number:02}").items():
            assert problem_in_grading(check, check.reference) is None, name
