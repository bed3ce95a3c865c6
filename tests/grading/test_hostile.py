"""Submissions that attack the limits, the references or the seed: each gets what it deserves."""

import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

import attacks
import classroom
import course_lib
import needs
from course_lib import checks
from course_tools.grading.marking import grade_one, judge
from course_tools.grading.sandbox import bubblewrap, library, memory_group, seccomp, workspace
from course_tools.grading.sandbox.protocol import SandboxLimits

pytestmark = needs.sandbox
QUICK = SandboxLimits(
    call_cpu_seconds=4, call_wall_seconds=20, cell_wall_seconds=40, memory=600 << 20
)
RIGHT = "return 0.299 * red + 0.587 * green + 0.114 * blue"
MEMORY = ("SHARED_MEMORY", "SOCKET_BUFFERS", "EMPTY_FILES", "CHILDREN")


def grade(notebook, limits=QUICK, **tests):
    content = classroom.content(notebook)
    task = grade_one.GradingTask(
        "ann", classroom.quick_assignment(), judge.Tests("01", **tests), content, limits=limits
    )
    return grade_one.grade(task)


def attack(body, top=""):
    """Our answers, with these lines before the first one's function and in it."""
    lines = "\n    ".join(body.strip().splitlines())
    source = f"{top}\ndef gray_pixel(red, green, blue):\n    {lines}\n    {RIGHT}"
    return classroom.quick(gray_pixel=source)


def outcomes(result):
    return [exercise.outcome for exercise in result.exercises]


@pytest.mark.parametrize("has_group", [True, False])
@pytest.mark.parametrize("name", MEMORY)
def test_there_is_one_limit_for_all_memory(name, has_group, monkeypatch):
    if not has_group:
        monkeypatch.setattr(memory_group, "make", lambda limit: None)
    limits = msgspec.structs.replace(QUICK, call_cpu_seconds=20)
    result = grade(attack(getattr(attacks, name)), limits)
    first, *others = outcomes(result)
    assert first in ("memory", "error"), result.exercises[0]  # some calls end in ENOMEM
    assert first == "memory" or "Cannot allocate memory" in result.exercises[0].sentence
    assert others == ["right"] * 5


@pytest.mark.parametrize(
    "call",
    [
        "libc.semget(0, 32000, 0o600)",
        "libc.shmget(0, 4096, 0o600)",
        "libc.msgget(0, 0o600)",
        "libc.mq_open(b'/x', 0o102, 0o600, None)",
        "libc.vmsplice(1, None, 0, 0)",
        "libc.syscall(206, 1, None)",
    ],
)
def test_memory_of_the_kernel_is_refused(call):
    top = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)"
    body = f"assert {call} == -1 and ctypes.get_errno() == 1, ctypes.get_errno()"
    result = grade(attack(body, top))
    assert set(outcomes(result)) == {"right"}, result.exercises[0].sentence


def test_sockets_get_no_larger_buffers_and_are_told_they_do():
    body = """
import socket
one, other = socket.socketpair()
before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
for option in (socket.SO_SNDBUF, socket.SO_RCVBUF): one.setsockopt(socket.SOL_SOCKET, option, 1)
assert one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before
one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
"""
    assert set(outcomes(grade(attack(body)))) == {"right"}
    assert seccomp.program() is not None


def test_it_stays_the_first_to_go_when_the_machine_is_out_of_memory():
    body = """
for value in ("0", "-1000", "999"):
    try: open("/proc/self/oom_score_adj", "w").write(value)
    except OSError: pass
assert open("/proc/self/oom_score_adj").read() == "1000\\n"
"""
    result = grade(attack(body))
    assert set(outcomes(result)) == {"right"}, result.exercises[0].sentence


@pytest.mark.parametrize("work", ["time.sleep(0.1)", "sum(range(1000))"])
def test_what_trickles_in_does_not_stop_the_clock(work):
    limits = SandboxLimits(call_cpu_seconds=3, call_wall_seconds=8)
    began = time.monotonic()
    result = grade(attack(attacks.DRIBBLE.format(work)), limits)
    assert outcomes(result) == ["timeout", *["right"] * 5]
    assert time.monotonic() - began < 45


def test_a_submission_has_a_limit_too():
    notebook = classroom.quick()
    for _ in range(10):
        classroom.own_cell(notebook, "import time; time.sleep(4)")
    limits = SandboxLimits(submission_wall_seconds=6)
    began = time.monotonic()
    result = grade(notebook, limits)
    assert time.monotonic() - began < 30
    assert set(outcomes(result)) == {"timeout"} and result.status == "graded"
    assert "the time for the whole file was up" in result.exercises[0].sentence


def test_cells_behind_the_last_exercise_cost_no_time():
    notebook = classroom.quick()
    classroom.own_cell(notebook, "import time; time.sleep(100)", len(notebook.cells))
    assert set(outcomes(grade(notebook, SandboxLimits(submission_wall_seconds=50)))) == {"right"}


def test_who_steals_requests_loses_no_more_than_the_time_for_one_submission():
    notebook = classroom.own_cell(classroom.quick(), attacks.STEAL, 1)
    began = time.monotonic()
    result = grade(notebook, SandboxLimits(submission_wall_seconds=8, cell_wall_seconds=5))
    assert result.status == "graded" and result.points < 6
    assert time.monotonic() - began < 40


@pytest.mark.parametrize(
    "payload",
    [
        '{"error": "text"}',
        '{"is_absent": True, "error": "no dictionary"}',
        '{"outputs": [{"value": {"array": ["<f8", [0, 4194304, 4194304, 4194304], ""]}}] * 9}',
        '{"outputs": [{"value": {"array": ["<f8", [1 << 70], ""]}}] * 9}',
        '{"outputs": [{"value": {"dict": [[{"list": []}, 1]]}}] * 9}',
        '{"outputs": [{"value": float("nan")}] * 9}',
        '{"error": {"type": "\\ud800", "message": "\\ud800"}}',
    ],
)
def test_whatever_is_forged_is_graded_with_a_sentence(payload):
    top = attacks.FORGED_RESULTS.replace("{}", payload)
    result = grade(classroom.own_cell(classroom.quick(), top, 1))
    assert result.status == "graded" and result.points == 0
    assert all(each.sentence for each in result.exercises)
    msgspec.json.encode(result)


# What is inside


def test_no_reference_is_mounted_anywhere():
    root = library.LIBRARY.parent
    source = f"""
def gray_pixel(*rgb):
    import os, pathlib, sys
    found = []
    for folder in {{"{root}", *sys.path, sys.prefix, sys.base_prefix, "/"}}:
        for place, folders, files in os.walk(folder):
            folders[:] = [one for one in folders if one not in ("proc", "sys")]
            if place.endswith("checks") or "course_" in place:
                found += [name for name in files if name.startswith("lesson_")]
            if ".git" in folders or "notebooks" in folders and place == "{root}":
                found.append(place)
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    found += [word for word in mounts.split() if "lesson_" in word]
    raise ValueError("found: " + " ".join(found))
"""
    result = grade(classroom.quick(gray_pixel=source), SandboxLimits())
    assert "found:. The check" in result.exercises[0].sentence, result.exercises[0].sentence


def test_files_replaced_while_grading_runs_change_nothing_inside(tmp_path):
    """The copy is made once: what is moved over the original later is not seen."""
    made = library.copy()
    assert not list(made.library.rglob("lesson_*"))
    assert (made.library / "checks" / "check_answers.py").exists()
    arguments = bubblewrap.command(1 << 20, [])
    sources = {arguments[n + 1] for n, word in enumerate(arguments) if word == "--ro-bind"}
    checks_folder = Path(course_lib.__file__).parent / "checks"
    assert not any(checks_folder.is_relative_to(source) for source in sources)
    assert not any(Path(source).is_relative_to(checks_folder) for source in sources)


def test_packages_in_the_environment_itself_are_left_out(tmp_path, monkeypatch):
    """As when the course is installed as a wheel."""
    packages = tmp_path / "site-packages"
    for name in ("course_lib/checks", "course_tools", "numpy"):
        (packages / name).mkdir(parents=True)
    (packages / "one.py").touch()
    monkeypatch.setattr(library, "LIBRARY", packages / "course_lib")
    monkeypatch.setattr(library, "TOOLS", packages / "course_tools")
    arguments = bubblewrap._without_course(tmp_path)
    mounted = {arguments[n + 1] for n, word in enumerate(arguments) if word == "--ro-bind"}
    assert mounted == {str(packages / "numpy"), str(packages / "one.py")}


def test_a_students_own_check_does_not_stop_a_cell():
    source = 'from course_lib import checks\nchecks.check("01.gray_pixel", print)\nhalf = 0.5'
    notebook = classroom.own_cell(classroom.quick(), source)
    classroom.cell_of(notebook, "gray_pixel").source = (
        "def gray_pixel(red, green, blue):\n"
        "    return 2 * half * (0.299 * red + 0.587 * green + 0.114 * blue)"
    )
    assert set(outcomes(grade(notebook))) == {"right"}


# Hidden inputs


@functools.cache
def known():
    """The first argument of each public call."""
    return [arguments[0] for arguments in checks.of_lesson("01")["01.gray_pixel"].inputs()]


PRIVATE = """
from course_lib.checks import Check
CHECKS = {"01.gray_pixel": Check(
    inputs=lambda: [(0.123456, 0.0, 0.0)],
    reference=lambda r, g, b: 0.299 * r,
    misconceptions={},
)}
"""


def closed_list():
    """What a student may be told about hidden inputs: all of it written before anybody answered."""
    namespace = {}
    exec(PRIVATE, namespace)
    stopped = {text.format(what="Your function") for text in judge.STOPPED.values()}
    named = namespace["CHECKS"]["01.gray_pixel"].closed_list()
    assert not any("123456" in sentence for sentence in named)
    named = {judge.NAMED_UNSEEN.format(mistake=sentence) for sentence in named}
    return {judge.WRONG_UNSEEN, judge.ERROR_UNSEEN} | stopped | named


@pytest.mark.parametrize(
    "told",
    [
        "raise FloatingPointError(red)",
        "raise RuntimeWarning",
        "raise ascii.__class__",
        "raise type('Told_0_123456', (Exception,), {})",
        "raise MemoryError(red)",
        "print(red); return 0",
        "open('/tmp/told', 'w').write(str(red)); return 0",
        "return str(red)",
        "import os; os._exit(int(red * 100))",
        "while True: pass",
    ],
)
def test_nothing_a_student_says_about_hidden_inputs_is_repeated(told):
    spread = "\nimport os\nif os.path.exists('/tmp/told'): raise ValueError('told')\n"
    notebook = classroom.own_cell(classroom.quick(), spread, len(classroom.quick().cells))
    answer = f"def gray_pixel(red, green, blue):\n    if red not in {known()}:\n        {told}"
    classroom.cell_of(notebook, "gray_pixel").source = f"{answer}\n    {RIGHT}"
    result = grade(notebook, private=PRIVATE)
    first, *others = result.exercises
    assert first.sentence in closed_list() and first.points == 0
    assert not first.printed and {each.outcome for each in others} == {"right"}
    assert "123456" not in first.sentence + first.printed + result.remark


def test_time_on_hidden_inputs_is_not_told():
    result = grade(attack(f"import time\nif red not in {known()}: time.sleep(3)"), private=PRIVATE)
    assert set(outcomes(result)) == {"right"} and result.exercises[0].seconds < 2.5


def test_exercises_draw_from_seeds_of_their_own():
    names = list(checks.of_lesson("01"))
    seeds = {judge.exercise_seed(seed, name) for seed in (7, 8) for name in names}
    assert len(seeds) == 2 * len(names) and min(seeds) > 1 << 64
    drawn = [case for found in judge.cases(judge.Tests("01", seed=7)).values() for case in found]
    assert 7 not in {case.seed for case in drawn}
    assert len({case.seed for case in drawn if not case.shown}) == sum(not c.shown for c in drawn)


# What is left behind


HOLD = """
import sys, time
from course_tools.grading.sandbox import workspace
print(workspace.folder(), flush=True)
time.sleep(100)
"""


def test_what_a_killed_grader_leaves_is_removed_at_the_next_start():
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as held:
        folder = Path(held.stdout.readline().strip())
        workspace.remove_abandoned()
        assert folder.is_dir() and folder.name.startswith(workspace.PREFIX)  # it still lives
        os.kill(held.pid, signal.SIGKILL)
        held.wait()
    assert folder.is_dir()
    workspace.remove_abandoned()
    assert not folder.exists() and workspace.folder().is_dir()


def test_an_ordinary_end_leaves_nothing():
    code = HOLD.replace("time.sleep(100)", "")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    place = Path(done.stdout.strip())
    assert place.parent == Path(tempfile.gettempdir()) and not place.exists()
