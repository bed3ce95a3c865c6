"""What comes out of the sandbox has a shape that the runner writes, or is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import checks
from course_tools.grading.marking import judge
from course_tools.grading.sandbox import codec, protocol
from course_tools.grading.sandbox.protocol import (
    Begin,
    End,
    ErrorReport,
    Output,
    ProtocolError,
    Ready,
    StepResult,
    from_line,
    to_line,
)

SHAPES = (Ready, Begin, End)
SHORT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SHORT,
    lambda parts: st.lists(parts) | st.dictionaries(SHORT, parts),
    max_leaves=20,
)
ENCODED = JSON | st.recursive(
    st.floats() | st.none() | st.just({"other": "float"}),
    lambda parts: st.dictionaries(
        st.sampled_from(["list", "tuple", "dict", "array", "other", "set"]),
        st.lists(parts) | parts,
        max_size=2,
    ),
    max_leaves=10,
)
ERROR = st.builds(ErrorReport, SHORT, SHORT, st.none() | st.integers())
RESULT = st.builds(
    StepResult,
    st.lists(st.builds(Output, ENCODED, st.booleans()), max_size=6),
    st.none() | ERROR,
    *[st.booleans()] * 3,
    SHORT,
)


@given(st.integers(0, 99), RESULT)
def test_a_message_comes_out_as_it_went_in(step, result):
    message = End(step, "end", result)
    assert repr(from_line(to_line(message), End)) == repr(message)
    assert to_line(message).count(b"\n") == 1


@given(JSON | st.lists(JSON, max_size=4), st.sampled_from(SHAPES))
def test_other_json_is_refused_and_raises_nothing_else(value, shape):
    try:
        message = from_line(json.dumps(value), shape)
    except ProtocolError:
        return
    assert type(message) is shape and repr(from_line(to_line(message), shape)) == repr(message)


@given(st.binary(max_size=200), st.sampled_from(SHAPES))
def test_other_bytes_are_refused(line, shape):
    with pytest.raises(ProtocolError):
        from_line(line, shape)


END = '[0, "end", {}]'


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        "9" * 10_000,
        '[0, "end"]',
        '[0, "begin", {}]',
        '["0", "end", {}]',
        '[true, "end", {}]',
        '[0.5, "end", {}]',
        '[0, "end", {}, {}]',
        '[0, "end", []]',
        '[0, "end", {"outcome": "right"}]',
        '[0, "end", {"points": 1}]',
        '[0, "end", {"outputs": "right"}]',
        '[0, "end", {"outputs": {"0": {"value": 1}}}]',
        '[0, "end", {"outputs": [1]}]',
        '[0, "end", {"outputs": [{"value": 1, "right": true}]}]',
        '[0, "end", {"outputs": [{"is_blank": 1}]}]',
        '[0, "end", {"is_absent": "true"}]',
        '[0, "end", {"printed": 1}]',
        json.dumps([0, "end", {"printed": "x" * (protocol.MAX_PRINTED + 1)}]),
        '[0, "end", {"error": {}}]',
        '[0, "end", {"error": {"type": "E", "message": 1}}]',
        '[0, "end", {"error": {"type": "E", "message": "", "line": "1"}}]',
        '[0, "end", {"error": {"type": "E", "message": "", "line": true}}]',
        '[0, "end", {"error": {"type": "E", "message": "", "args": []}}]',
        json.dumps([0, "end", {"error": {"type": "E" * (codec.MAX_NAME + 1), "message": ""}}]),
        json.dumps([0, "end", {"error": {"type": "E", "message": "x" * 501}}]),
    ],
)
def test_a_forged_end_is_refused(line):
    assert from_line(END, End) == End(0, "end", StepResult())
    with pytest.raises(ProtocolError):
        from_line(line, End)


CASE = judge.Case(checks.of_lesson("01")["01.gray_pixel"], 0, True)


@given(RESULT)
def test_whatever_is_forged_is_judged_and_never_right(result):
    verdict = judge.judge(CASE, result)
    assert verdict.outcome in ("wrong", "blank", "error", "memory", "killed")
    assert verdict.sentence and len(verdict.sentence) <= judge.MAX_SENTENCE
