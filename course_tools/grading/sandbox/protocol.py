"""What the grader and the runner in the sandbox say to each other: one message a line, in JSON.

The grader sends a `Job`, then one request after the other, each of which is a step. The runner
answers `Ready`, then `Begin` and `End` for each step. All that comes from the runner is hostile:
`from_line` lets nothing through but these shapes, and what is typed `Any` in them is a value that
only `codec.decode` may read.
"""

import json
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from course_tools.grading.sandbox.codec import MAX_NAME

MAX_MESSAGE = 500
MAX_PRINTED = 2000
Shape = TypeVar("Shape")


class SandboxLimits(Struct, frozen=True):
    """What one process may use; processor seconds include those of all that it started."""

    cell_cpu_seconds: float = 40
    cell_wall_seconds: float = 240  # on a busy machine a framework may take a minute to load
    call_cpu_seconds: float = 10
    call_wall_seconds: float = 90
    submission_wall_seconds: float = 180  # of all steps, in all processes that they take
    start_wall_seconds: float = 120
    memory: int = 3 << 30  # bytes, of all processes together
    scratch: int = 256 << 20  # bytes of each scratch folder
    file: int = 64 << 20  # bytes of one file
    processes: int | None = 128  # and threads; None: as many as the machine allows
    files: int = 256  # open at a time
    line: int = 8 << 20  # bytes of one message from the runner
    printed: int = 20 << 20  # characters


class Job(Struct, frozen=True):
    """Within what limits all that follows runs."""

    limits: SandboxLimits


class RunCell(Struct, frozen=True, tag="cell"):
    """A cell to run."""

    source: str


class Remember(Struct, frozen=True, tag="remember"):
    """Keep what all names stand for now, under the name of this state."""

    state: str


class CallRequest(Struct, frozen=True, tag="call"):
    """A function to call, once for each encoded tuple of arguments.

    `state` is the name of the state in which it is called: as it was remembered; "" is as it is.
    """

    function: str
    arguments: list[Any]
    state: str = ""


Request = RunCell | Remember | CallRequest


class Ready(Struct, array_like=True, forbid_unknown_fields=True):
    """The runner has read its job and keeps within its limits."""

    event: Literal["ready"] = "ready"


class Begin(Struct, array_like=True, forbid_unknown_fields=True):
    """A step begins; steps are counted from 0."""

    step: int
    event: Literal["begin"] = "begin"


class ErrorReport(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An exception of the student's code; `line` is that of its cell, if it is known."""

    type: Annotated[str, Meta(max_length=MAX_NAME)]
    message: Annotated[str, Meta(max_length=MAX_MESSAGE)]
    line: int | None = None


class Output(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What one call returned, encoded; or that the function is still blank."""

    value: Any = None
    is_blank: bool = False


class StepResult(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a step gave. Of a cell: the error that it ended in. Of a call: the rest, too.

    Attributes:
        outputs: for each tuple of arguments, up to the first error.
        is_absent: there is no such function.
        is_too_large: the output that comes next exceeds what `codec` encodes.
        has_changed_inputs: the last of these calls has.
    """

    outputs: list[Output] = []
    error: ErrorReport | None = None
    is_absent: bool = False
    is_too_large: bool = False
    has_changed_inputs: bool = False
    printed: Annotated[str, Meta(max_length=MAX_PRINTED)] = ""


class End(Struct, array_like=True, forbid_unknown_fields=True):
    """A step has ended."""

    step: int
    event: Literal["end"]
    result: StepResult


class ProtocolError(ValueError):
    """A line that is no message of the expected shape."""


def to_line(message: Struct) -> bytes:
    """A message as one line. Python's JSON, unlike msgspec's, has words for NaN and infinity."""
    return json.dumps(msgspec.to_builtins(message)).encode() + b"\n"


def from_line(line: str | bytes, shape: type[Shape]) -> Shape:
    """The message in a line. Raises ProtocolError."""
    try:
        return msgspec.convert(json.loads(line), shape)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no {shape.__name__}: {error}") from error


def request_from_line(line: str | bytes) -> Request:
    """What the grader asks for. It is not hostile."""
    request: Request = msgspec.convert(json.loads(line), Request)
    return request
