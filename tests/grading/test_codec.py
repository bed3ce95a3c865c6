"""Only plain data comes out of the sandbox, and never too much of it."""

import base64
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


class Evil:
    def __reduce__(self):
        return (print, ("run",))

    def __eq__(self, other):
        return True


@pytest.mark.parametrize(
    "value", [Evil(), object(), 1j, np.array(["a"]), np.array([None]), len, "long" * 99, 1 << 999]
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
