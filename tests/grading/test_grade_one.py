"""One submission after the other through the real sandbox: what each trick costs, and whom."""

import functools
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import classroom
import needs
from course_lib import checks
from course_tools.grading import results
from course_tools.grading.marking import grade_one, judge
from course_tools.grading.sandbox import bubblewrap
from course_tools.grading.sandbox.protocol import SandboxLimits

pytestmark = needs.sandbox
QUICK = SandboxLimits(
    call_cpu_seconds=2,
    cell_cpu_seconds=4,
    call_wall_seconds=20,
    cell_wall_seconds=40,
    memory=600 << 20,
    printed=1 << 20,
)
ANSWER = """
def gray_pixel(red, green, blue):
    {}
    return 0.299 * red + 0.587 * green + 0.114 * blue
"""


def grade(notebook, tests=None, limits=QUICK):
    content = notebook if isinstance(notebook, bytes) else classroom.content(notebook)
    tests = tests or judge.Tests("01")
    return grade_one.grade(
        grade_one.GradingTask("ann", classroom.quick_assignment(), tests, content, limits=limits)
    )


def outcomes(result):
    return {exercise.name: exercise.outcome for exercise in result.exercises}


def sentence(result, name="gray_pixel"):
    return next(each.sentence for each in result.exercises if each.name == name)


@functools.cache
def others():
    """The outcomes of our answers, but for the first exercise."""
    right = outcomes(grade(classroom.quick()))
    assert set(right.values()) == {"right"} and len(right) == 6
    del right["gray_pixel"]
    return right


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ANSWER.format("quit()"), "SystemExit in line 2 of its cell: exit() and quit() end"),
        ("exit()", "Its cell stops with SystemExit in line 1: exit() and quit() end"),
        (ANSWER.format("raise SystemExit"), "SystemExit in line 2 of its cell: exit() and"),
        (ANSWER.format("raise KeyError"), "KeyError in line 2 of its cell."),
        (ANSWER.format("raise KeyError(7)"), "KeyError in line 2 of its cell: 7."),
    ],
)
def test_errors_are_said_in_whole_sentences(answer, said):
    assert sentence(grade(classroom.quick(gray_pixel=answer))).startswith(said)


def assert_it_costs_only_itself(result, *expected):
    found = outcomes(result)
    assert found.pop("gray_pixel") in expected, result.exercises[0]
    assert found == others()
    points = {each.name: each.points for each in result.exercises}
    assert points.pop("gray_pixel") == 0 and set(points.values()) == {1}


def attack(line):
    """Our answers, with this line in front of the first."""
    return classroom.quick(gray_pixel=ANSWER.format(line))


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("while True: pass", "timeout"),
        ("import sys; sys.exit()", "error"),
        ("quit()", "error"),
        ("import os; os._exit(0)", "killed"),
        ("import os; os.kill(os.getpid(), 9)", "killed"),
        ("import os; os.closerange(0, 99)\n    while True: pass", "timeout"),
        ("import ctypes; ctypes.string_at(0)", "killed"),
        ("bytearray(10**9)", "memory"),
        ("while True: print('flood' * 1000)", "output"),
        ("return np.zeros(10**8, bool)[:50_000_000]", "wrong"),
        ("return ['x' * 10**6] + [''] * 40_000", "wrong"),
        ("return [0] * 10**6", "wrong"),
        ("return gray_pixel(red, green, blue)", "error"),
    ],
)
def test_a_fault_costs_its_exercise_and_no_other(line, outcome):
    result = grade(attack(line))
    assert_it_costs_only_itself(result, outcome)
    assert sentence(result).endswith((".", ")"))


def test_sleeping_is_stopped_too():
    limits = SandboxLimits(call_wall_seconds=2, call_cpu_seconds=2)
    result = grade(attack("import time; time.sleep(1000)"), limits=limits)
    assert outcomes(result)["gray_pixel"] == "timeout"


def test_memory_is_counted_over_all_processes():
    line = (
        "import os, time\n"
        "    for _ in range(8):\n"
        "        if os.fork() == 0:\n"
        "            held = bytearray(os.urandom(1)) * 150_000_000\n"
        "            time.sleep(60)\n"
        "    time.sleep(60)"
    )
    assert_it_costs_only_itself(grade(attack(line)), "memory")


def test_memory_without_a_process_cannot_be_had():
    line = "import os; os.memfd_create('hidden')"
    result = grade(attack(line))
    assert_it_costs_only_itself(result, "error")
    assert "PermissionError" in sentence(result)


def test_scratch_is_bounded():
    line = (
        "for n in range(9):\n"
        "        with open(f'/tmp/{n}', 'wb') as file: file.write(bytes(60_000_000))"
    )
    result = grade(attack(line))
    assert_it_costs_only_itself(result, "error")
    assert "No space left" in sentence(result)


def test_a_fork_bomb_starves_nobody():
    began = time.monotonic()
    line = "import os\n    while True:\n        try: os.fork()\n        except OSError: pass"
    result = grade(attack(line))
    assert_it_costs_only_itself(result, "timeout", "memory")
    assert time.monotonic() - began < 120
    os.waitpid(os.spawnlp(os.P_NOWAIT, "true", "true"), 0)  # processes can be had


def test_a_fork_bomb_next_door_costs_nothing():
    """Slots run side by side; each has its own count of processes."""
    bomb = attack(
        "import os\n    while True:\n        try: os.fork()\n        except OSError: pass"
    )
    line = "import subprocess\n    for _ in range(20): subprocess.run(['true'], check=True)"
    with ThreadPoolExecutor() as pool:
        neighbour = pool.submit(
            grade, bomb, limits=SandboxLimits(call_cpu_seconds=4, memory=600 << 20)
        )
        time.sleep(1)
        result = grade(attack(line), limits=SandboxLimits())
        assert outcomes(result)["gray_pixel"] == "right", sentence(result)
        assert_it_costs_only_itself(neighbour.result(), "timeout", "memory")


def marked(mark):
    """Processes of this machine whose command line holds `mark`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path)
        except OSError:
            continue
    return found


def test_no_process_is_left_behind():
    mark = f"4242{os.getpid()}"
    line = f"import subprocess; subprocess.Popen(['setsid', 'sleep', '{mark}'])"
    assert outcomes(grade(attack(line)))["gray_pixel"] == "right"
    assert not marked(mark)


def test_nothing_of_the_machine_can_be_read_or_written(tmp_path):
    (tmp_path / "gradebook.db").write_text("marks")
    library = Path(judge.checks.__file__).parents[1]
    secret = [tmp_path / "gradebook.db", Path(classroom.__file__), "/etc/passwd", "/etc/shadow"]
    written = [tmp_path / "x", "/usr/x", library / "x.py", sys.prefix + "/x", "/x", "/dev/x"]
    source = f"""
def gray_pixel(red, green, blue):
    import glob, os, pathlib, socket
    found = []
    for path in {[str(path) for path in secret]}:
        if os.path.exists(path): found.append(path)
    for path in {[str(path) for path in written]}:
        try: open(path, "w"); found.append(path)
        except OSError: pass
    for path in glob.glob("{library}/**/lesson_*", recursive=True):
        if pathlib.Path(path).read_bytes(): found.append(path)
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    if len(processes) > 4: found.append("processes")
    if os.getuid() == 0 or os.environ.get("MARK"): found.append("identity")
    if "lo" != " ".join(name for _, name in socket.if_nameindex()): found.append("network")
    try: socket.create_connection(("127.0.0.1", 1), 1)
    except ConnectionRefusedError: pass
    try: socket.getaddrinfo("example.org", 80); found.append("names")
    except OSError: pass
    try: os.unshare; found.append("unshare")
    except AttributeError: pass
    raise ValueError("found: " + " ".join(found))
"""
    os.environ["MARK"] = "1"
    try:
        result = grade(classroom.quick(gray_pixel=source))
    finally:
        del os.environ["MARK"]
    assert_it_costs_only_itself(result, "error")
    said = "ValueError in line 21 of its cell: found:. The check"  # nothing was found
    assert sentence(result).startswith(said), sentence(result)


def test_the_references_are_not_inside():
    source = """
from course_lib import checks
from course_tools.grading import results
gray_pixel = lambda *rgb: checks.of_lesson("01")["01.gray_pixel"].reference(*rgb)
def gray_pixel_(): pass
"""
    result = grade(classroom.quick(gray_pixel=source))
    assert_it_costs_only_itself(result, "error")


FORGE = """
import gc, json, os, sys
def gray_pixel(*rgb):
    for number in range(30):
        lines = [json.dumps([number, event, {payload}]) for event in ("begin", "end")]
        lines += [json.dumps([number, "begin"]), '"right"', "null", "[]", "[" * 9000]
        for descriptor in range(3, 20):
            for line in lines:
                try: os.write(descriptor, (line + chr(10)).encode())
                except OSError: pass
    return 0
"""


@pytest.mark.parametrize(
    "payload",
    [
        '{"outputs": [], "printed": ""}',
        '{"outputs": "right", "outcome": "right", "points": 1}',
        '{"outputs": [{"value": {"array": ["|O", [1], ""]}}] * 4}',
        '{"outputs": [{"value": {"other": "__class__"}}] * 4}',
    ],
)
def test_a_forged_result_is_never_a_mark(payload):
    result = grade(classroom.quick(gray_pixel=FORGE.replace("{payload}", payload)))
    assert outcomes(result)["gray_pixel"] in ("killed", "wrong")
    assert all(each.points == 0 for each in result.exercises if each.outcome != "right")


def test_messages_that_run_ahead_of_the_requests_lose_nothing_and_win_nothing():
    """A process that answers everything at once, reads nothing and goes on."""
    payload = '{"outputs": [{"value": 1.0}] * 99, "printed": "", "x": "x" * 100_000}'
    result = grade(classroom.quick(gray_pixel=FORGE.replace("{payload}", payload)))
    assert result.status == "graded"
    assert outcomes(result)["gray_pixel"] != "right"


PATCHES = """
import builtins, numpy, sys
from course_lib import checks
from course_tools.grading import results
for name in ("allclose", "array_equal", "issubdtype", "abs", "isfinite"):
    setattr(numpy, name, lambda *arguments, **options: True)
builtins.all = builtins.any = lambda *arguments: True
checks.Check.verdict = lambda *arguments: None
checks.check = print
get_ipython().run_cell = lambda *arguments, **options: None
class Right:
    def __eq__(self, other): return True
    def __array__(self, *arguments, **options): raise SystemExit
def gray_pixel(*rgb): return Right()
"""


def test_patches_in_the_students_process_gain_nothing():
    result = grade(classroom.quick(gray_pixel=PATCHES))
    assert result.exercises[0].points == 0
    assert {each.outcome for each in result.exercises[1:]} <= {"right", "missing", "error"}


def test_a_function_that_reports_success_by_itself_gains_nothing():
    result = grade(attack("return 'right'"))
    assert_it_costs_only_itself(result, "wrong")
    assert "returns str, not numbers" in sentence(result)


@pytest.mark.parametrize("line", ["print('a\\ud800')", "raise ValueError('a\\ud800')"])
def test_half_a_character_can_be_written_to_disk(line, tmp_path):
    result = grade(attack(line))
    assert "a?" in result.exercises[0].printed + sentence(result)
    results.record(tmp_path, result, "tests", "", None)
    assert results.read(tmp_path, result.assignment, "ann").exercises == result.exercises


def test_a_misconception_is_named_and_a_blank_is_blank():
    blank = classroom.released(classroom.quick())
    classroom.cell_of(blank, "gray_pixel").source = "def gray_pixel(*rgb): return sum(rgb) / 3"
    result = grade(blank)
    first, *rest = result.exercises
    assert first.misconception == first.sentence
    assert first.sentence.startswith("You give the channels equal weight")
    assert {each.outcome for each in rest} == {"blank"}


def test_what_stderr_and_locked_cells_say_costs_nothing():
    notebook = classroom.own_cell(classroom.quick(), "import sys; print('oh', file=sys.stderr)")
    classroom.cell_of(notebook, "needed").source = "np = None"
    result = grade(notebook)
    assert set(outcomes(result).values()) == {"right"}
    assert result.remark == "A locked cell had been edited and was restored."


def test_a_hanging_cell_of_their_own_is_skipped_and_named():
    notebook = classroom.own_cell(classroom.quick(), "while True: pass")
    result = grade(notebook)
    assert set(outcomes(result).values()) == {"right"}
    assert "'while True: pass'" in result.remark


@pytest.mark.parametrize(
    ("source", "outcome", "said"),
    [
        ("def gray_pixel(r, g, b:\n    return r", "error", "SyntaxError in line 1"),
        ("def gray_pixel(r, g, b):\n    return colour", "error", "NameError"),
        ("1 / 0", "error", "ZeroDivisionError"),
        ("def other(r, g, b):\n    return r", "missing", "keep this name"),
        ("while True: pass", "timeout", "The cell of this exercise"),
        ("%cd /tmp\ndef gray_pixel(r, g, b): return None", "wrong", "returns nothing"),
    ],
)
def test_a_bad_cell_is_explained(source, outcome, said):
    result = grade(classroom.quick(gray_pixel=source))
    assert_it_costs_only_itself(result, outcome)
    assert said in sentence(result)


def test_a_seed_catches_answers_that_know_the_public_inputs():
    check = checks.of_lesson("01")["01.best_guess"]
    known = {
        repr(list(map(np.ravel, arguments))): check.reference(*arguments).tolist()
        for arguments in check.inputs()
    }
    source = f"""
def best_guess(colours, probabilities):
    print("colours", colours)
    arguments = repr([np.ravel(colours), np.ravel(probabilities)])
    return {known}.get(arguments, [0, 0, 0])
"""
    notebook = classroom.quick(best_guess=source)
    assert outcomes(grade(notebook))["best_guess"] == "right"
    result = grade(notebook, judge.Tests("01", seed=7))
    assert outcomes(result)["best_guess"] == "wrong"
    assert "for inputs that the notebook's check does not have" in sentence(result, "best_guess")
    with checks.drawn_from(judge.exercise_seed(7, "01.best_guess")):
        hidden = f"{check.inputs()[0][0].flat[0]:.4f}"
    assert hidden not in str(result)


PRIVATE = """
from course_lib.checks import Check
CHECKS = {"01.gray_pixel": Check(
    inputs=lambda: [(0.123456, 0.0, 0.0)],
    reference=lambda r, g, b: 0.299 * r,
    misconceptions={"Red is not green.": lambda r, g, b: 0.587 * r},
)}
"""


def test_private_tests_count_and_do_not_show():
    tests = judge.Tests("01", private=PRIVATE)
    assert set(outcomes(grade(classroom.quick(), tests)).values()) == {"right"}
    result = grade(attack("if red == 0.123456: raise ValueError(str(red))"), tests)
    assert_it_costs_only_itself(result, "error")
    result = grade(attack("if red == 0.123456: print(red); return 0"), tests)
    assert_it_costs_only_itself(result, "wrong")
    assert "0.123" not in sentence(result) and "0.123" not in result.exercises[0].printed


PEEK = """
import gc, os
def gray_pixel(red, green, blue):
    for thing in gc.get_objects():
        if "".join(["0.12", "3456"]) in repr(thing)[:100_000]:
            print("seen")
    return 0.299 * red + 0.587 * green + 0.114 * blue
def best_weights(rgb):
    return (1 / 3, 1 / 3, 1 / 3)
"""


def test_private_inputs_are_not_there_before_what_students_see_is_over():
    result = grade(classroom.quick(gray_pixel=PEEK), judge.Tests("01", private=PRIVATE))
    assert "seen" not in str(result.exercises[0].printed)
    raising = "if red == 0.123456: raise type('Told_0_123456', (Exception,), {})"
    result = grade(attack(raising), judge.Tests("01", private=PRIVATE))
    assert sentence(result).startswith("Your function ends in an error for inputs")


def test_without_bubblewrap_grading_is_refused_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(bubblewrap.SandboxError, match="sudo apt install bubblewrap"):
        bubblewrap.require()


def test_unsafe_runs_without_a_sandbox():
    job = grade_one.GradingTask(
        "ann",
        classroom.quick_assignment(),
        judge.Tests("01"),
        classroom.content(attack("import os; os._exit(0)")),
        unsafe=True,
    )
    assert_it_costs_only_itself(grade_one.grade(job), "killed")
