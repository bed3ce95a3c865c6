"""A filter of system calls for the sandbox, in the form that `bwrap --seccomp` takes.

It closes what limits on memory do not reach: memory that belongs to a file without a name, to a
pipe or to no process at all, and new namespaces, in which a student's process could mount without
a limit. Larger buffers of sockets are not granted, though programs that ask are told they are.
"""

import errno
import platform
import struct

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
CALLS = {  # their numbers on these two
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "vmsplice": (278, 75),
    "io_setup": (206, 0),
    "ptrace": (101, 117),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
}
CLONE = (56, 220)
CLONE3 = (435, 435)  # hides its flags from a filter; told that there is none, programs take clone
SETSOCKOPT = (54, 208)
SOL_SOCKET, BUFFER_SIZES = 1, (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, and both with FORCE
X32 = 0x40000000  # the second set of calls that x86 has
NEW_USER_NAMESPACE = 0x10000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER_AT, ARCHITECTURE_AT, FLAGS_AT = 0, 4, 16
LEVEL_AT, OPTION_AT = 24, 32  # the second and the third argument


def program() -> bytes | None:
    """The filter for this machine's architecture; None for one whose numbers are not known."""
    if platform.machine() not in ARCHITECTURES:
        return None
    column, architecture = ARCHITECTURES[platform.machine()]
    steps = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, KILL),
        (EQUAL, 0, 1, CLONE3[column]),
        (RETURN, 0, 0, ERROR | errno.ENOSYS),
    ]
    for numbers in CALLS.values():
        steps += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ERROR | errno.EPERM)]
    steps += _no_larger_buffers(SETSOCKOPT[column])
    steps += [
        (EQUAL, 0, 3, CLONE[column]),
        (LOAD, 0, 0, FLAGS_AT),
        (ANY_BIT, 0, 1, NEW_USER_NAMESPACE),
        (RETURN, 0, 0, ERROR | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _no_larger_buffers(setsockopt: int) -> list[tuple[int, int, int, int]]:
    """Steps that answer "done" to a request for another buffer size, and do nothing."""
    count = len(BUFFER_SIZES)
    equal = [(EQUAL, count - place, 0, size) for place, size in enumerate(BUFFER_SIZES)]
    return [
        (EQUAL, 0, count + 5, setsockopt),
        (LOAD, 0, 0, LEVEL_AT),
        (EQUAL, 0, count + 1, SOL_SOCKET),
        (LOAD, 0, 0, OPTION_AT),
        *equal,
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, ERROR),
    ]
