"""Only plain data comes out of the sandbox, and never too much of it."""

import array as array_module
import base64
import json
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.checks import returned_numbers
from course_tools.grading.sandbox import codec

TEXT = st.text(max_size=codec.MAX_TEXT)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda parts: st.lists(parts) | st.tuples(parts) | st.dictionaries(TEXT, parts),
    max_leaves=10,
)


def through(value):
    return codec.decode(json.loads(json.dumps(codec.encode(value))))


@given(PLAIN)
def test_plain_values_come_out_as_they_went_in(value):
    out = through(value)
    assert repr(out) == repr(value)
    assert type(out) is type(value)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "<i8", ">i4", "<f2", "<f4", ">f8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_arrays_come_out_equal(dtype, shape):
    array = (np.random.default_rng(0).random(shape) * 100).astype(dtype)
    out = through(np.asarray(array))
    assert out.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(out, array)


def test_tensors_come_out_as_arrays():
    import torch

    weight = torch.ones(2, 3, requires_grad=True)
    np.testing.assert_array_equal(through([weight * 2])[0], np.full((2, 3), 2))


@pytest.mark.parametrize(
    "value",
    [
        Fraction(1, 3),
        Decimal("0.25"),
        [Fraction(1, 3), Decimal("0.25"), 1],
        np.array([Fraction(1, 3), 2], dtype=object),
        np.float32(0.1),
        np.int64(3),
        np.bool_(True),
        1 << 999,
        range(3),
        (number / 3 for number in range(3)),
        {0.5: 1}.keys(),
        array_module.array("d", [0.5]),
        np.ma.masked_array([1.0, 2.0]),
        np.longdouble(0.5),
    ],
)
def test_what_a_check_takes_as_numbers_crosses(value):
    value, ours = returned_numbers.plain(value), returned_numbers.as_array
    out = through(value)
    np.testing.assert_array_equal(ours(out), ours(value).astype(float))


def test_tensors_of_every_framework_cross():
    import tensorflow
    import torch
    from keras import ops

    for tensor in [
        torch.tensor([0.5, 0.25], dtype=torch.bfloat16),
        torch.tensor(0.5, requires_grad=True),
        tensorflow.constant([0.5, 0.25]),
        tensorflow.Variable([0.5, 0.25]),
        ops.convert_to_tensor([0.5, 0.25]),
    ]:
        np.testing.assert_array_equal(through([tensor])[0], returned_numbers.as_array(tensor))


@pytest.mark.parametrize(
    ("value", "crosses"),
    [
        ({np.int64(3): 1}, {3: 1}),
        ({(1, np.str_("a")): 1}, {(1, "a"): 1}),
        (np.str_("a"), "a"),
    ],
)
def test_names_and_keys_of_numpy_cross(value, crosses):
    assert through(value) == crosses


def test_a_dictionary_by_other_keys_is_named_only():
    assert type(through({frozenset(): 1})).__name__ == "dict"


class Evil:
    def __reduce__(self):
        return (print, ("run",))

    def __eq__(self, other):
        return True


@pytest.mark.parametrize(
    "value", [Evil(), object(), 1j, np.array(["a"]), np.array([None]), len, "long" * 99, 1 << 9999]
)
def test_of_anything_else_only_the_name_of_its_type_comes_out(value):
    out = through(value)
    assert type(out).__name__ == type(value).__name__
    assert type(out) is not type(value)
    assert not vars(type(out)).get("__reduce__")


@pytest.mark.parametrize(
    "value",
    [
        [[[[[[[[[[1]]]]]]]]]],
        [0] * (codec.MAX_ITEMS + 1),
        np.zeros(codec.MAX_BYTES + 1, np.uint8),
        [np.zeros(codec.MAX_BYTES // 2 + 1, np.uint8)] * 2,
    ],
)
def test_what_is_too_large_is_refused_on_both_sides(value):
    with pytest.raises(codec.TooLarge):
        codec.encode(value)


def array(dtype="<f8", shape=(1,), data=b"\0" * 8):
    return {"array": [dtype, list(shape), base64.b64encode(data).decode()]}


@pytest.mark.parametrize(
    "code",
    [
        [],
        {},
        {"list": 1},
        {"list": [], "tuple": []},
        {"set": []},
        {"dict": [[1]]},
        {"dict": [[{"list": []}, 1]]},
        {"array": []},
        array(dtype="|O"),
        array(dtype="<U1"),
        array(dtype=["<f8"]),
        array(shape=(2,)),
        array(shape=(-1,)),
        array(shape=(True,)),
        array(shape=(1.0,)),
        array(dtype="|b1", data=b"\x02"),
        {"array": ["<f8", [1], "?"]},
        {"array": ["<f8", [1], "é"]},
        {"array": ["<f8", [1], pickle.dumps(1).hex()]},
    ],
)
def test_what_encode_does_not_write_is_refused(code):
    with pytest.raises(codec.NotAValue):
        codec.decode(code)


@pytest.mark.parametrize(
    "code",
    [
        array(shape=(0, 1 << 62)),
        array(shape=(0, 1 << 22, 1 << 22, 1 << 22), data=b""),
        array(shape=(1,) * 33),
        {"list": [0] * (codec.MAX_ITEMS + 1)},
        {"list": [{"list": [{"list": [{"list": [{"list": [{"list": [{"list": [{"list": [
            {"list": [0]}]}]}]}]}]}]}]}]},
    ],
)  # fmt: skip
def test_what_is_too_large_is_not_decoded(code):
    with pytest.raises(codec.TooLarge):
        codec.decode(code)


@pytest.mark.parametrize("name", ["x y", "", "x" * 99, 3, None, "class.x"])
def test_a_name_that_is_none_becomes_object(name):
    assert type(codec.decode({"other": name})).__name__ == "object"
