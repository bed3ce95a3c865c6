"""A class with every fault in it that we know, and how each must end."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

import attacks
import classroom
from course_tools.grading.sandbox.protocol import SandboxLimits

NAME = "01_grayscale_conversion"
LIMITS = SandboxLimits(
    call_cpu_seconds=2,
    call_wall_seconds=30,
    cell_cpu_seconds=4,
    memory=600 << 20,
    printed=1 << 20,
    submission_wall_seconds=60,
)
RIGHT = "return 0.299 * red + 0.587 * green + 0.114 * blue"
FUNCTIONS = ("gray_pixel", "gray_batch", "to_bytes", "same_gray", "best_guess", "best_weights")
DUE = "2026-11-01 12:00:00 UTC"
LATE = "2026-11-02 12:00:00 UTC"


@dataclass(frozen=True)
class Fault:
    """One faulty submission.

    Attributes:
        make: puts it into the folder, given the folder and the student.
        status: of the result.
        outcome: of the first exercise; all others are right, unless `status` is another.
        remark: a part of the result's remark, or of the first exercise's sentence.
        spoils_others: whether the other exercises of the same submission may lose their marks.
    """

    make: Callable[[Path, str], object]
    status: str = "graded"
    outcome: str = "right"
    remark: str = ""
    spoils_others: bool = False


def code(line: str) -> Callable[[Path, str], object]:
    source = f"def gray_pixel(red, green, blue):\n    {line}\n    {RIGHT}"
    return notebook(lambda made: set_source(made, "gray_pixel", source))


def notebook(change: Callable) -> Callable[[Path, str], object]:
    def make(folder: Path, student: str) -> None:
        made = classroom.quick()
        change(made)
        classroom.submit(folder, student, NAME, made)

    return make


def attack(lines: str) -> Callable[[Path, str], object]:
    return code("\n    ".join(lines.strip().splitlines()))


def with_cell(cell: str, answer: str = RIGHT, times: int = 1) -> Callable[[Path, str], object]:
    """Added cells in front, which an answer may depend on."""

    def change(made: nbformat.NotebookNode) -> None:
        for _ in range(times):
            classroom.own_cell(made, cell, 1)
        set_source(made, "gray_pixel", f"def gray_pixel(red, green, blue):\n    {answer}")

    return notebook(change)


def file(content: bytes) -> Callable[[Path, str], object]:
    return lambda folder, student: classroom.submit(folder, student, NAME, content)


def set_source(made: nbformat.NotebookNode, name: str, source: str) -> None:
    classroom.cell_of(made, name).source = source


def delete(made: nbformat.NotebookNode) -> None:
    made.cells.remove(classroom.cell_of(made, "gray_pixel"))


def double(made: nbformat.NotebookNode) -> None:
    made.cells.append(json_copy(classroom.cell_of(made, "gray_pixel")))
    made.cells.append(json_copy(classroom.cell_of(made, "check-gray-pixel")))


def json_copy(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return nbformat.from_dict(json.loads(json.dumps(cell)))


def edit(made: nbformat.NotebookNode) -> None:
    set_source(made, "needed", "raise SystemExit")
    set_source(made, "check-gray-pixel", "print('ok')")


def use_again(made: nbformat.NotebookNode) -> None:
    place = made.cells.index(classroom.cell_of(made, "check-gray-pixel"))
    classroom.own_cell(made, "gray_pixel = gray_pixel(0.1, 0.2, 0.3)", place + 1)


def strip(made: nbformat.NotebookNode) -> None:
    made.metadata = nbformat.from_dict({})
    for cell in made.cells:
        cell.metadata = nbformat.from_dict({})


def huge_output(made: nbformat.NotebookNode) -> None:
    output = nbformat.v4.new_output("stream", text="flood\n" * 3_000_000)
    classroom.cell_of(made, "gray_pixel").outputs = [output]


def wrong_name(folder: Path, student: str) -> None:
    place = classroom.submit(folder, student, NAME, classroom.quick())
    place.rename(place.with_name("Copy of exercise.ipynb"))


def link(folder: Path, student: str) -> None:
    place = classroom.submit(folder, student, NAME, b"")
    place.unlink()
    place.symlink_to(folder / "source" / NAME / f"{NAME}.ipynb")


def late(folder: Path, student: str) -> None:
    place = classroom.submit(folder, student, NAME, classroom.quick())
    place.with_name("timestamp.txt").write_text(LATE)


def no_notebook(folder: Path, student: str) -> None:
    place = classroom.submit(folder, student, NAME, b"")
    place.rename(place.with_suffix(".txt"))


MARK = f"3141592{os.getpid()}"
LIBRARY = Path(classroom.lesson_source.__file__).parents[2] / "course_lib"
SPY = (
    "import pathlib\n"
    f"    text = pathlib.Path('{LIBRARY}/checks/lesson_01.py').read_text()\n"
    "    assert 'CHECKS' in text, 'nothing to read'"
)
FORGE = (
    "import os\n"
    '    for fd in range(3, 16):\n        try: os.write(fd, b\'[9,"end",{"outputs":[]}]\\n\')\n'
    "        except OSError: pass"
)
PATCH = (
    "import builtins; np.allclose = lambda *a, **k: True; builtins.all = np.allclose\n"
    "    get_ipython().run_cell = print; return 0"
)
CHILD = f"import subprocess; subprocess.Popen(['setsid', 'sleep', '{MARK}'])"
HOG = "import os\n    for _ in range(5): os.fork()\n    held = bytearray(b'x') * 10**8\n    input()"
BOMB = "import os\n    while True:\n        try: os.fork()\n        except OSError: pass"
FAULTS = {
    "loop": Fault(code("while True: pass"), outcome="timeout", remark="does not end"),
    "memory-hog": Fault(code("bytearray(10**10)"), outcome="memory", remark="memory"),
    "fork-bomb": Fault(code(BOMB), outcome="timeout", remark="does not end"),
    "flood": Fault(code("while True: print('x' * 999)"), outcome="output", remark="printed"),
    "killed": Fault(code("import os; os.kill(os.getpid(), 9)"), outcome="killed", remark="ended"),
    "sys-exit": Fault(code("import sys; sys.exit()"), outcome="error", remark="SystemExit"),
    "os-exit": Fault(code("import os; os._exit(0)"), outcome="killed", remark="ended"),
    "deleted": Fault(notebook(delete), outcome="missing", remark="not in the file"),
    "doubled": Fault(notebook(double), remark="answered in 2 cells"),
    "edited": Fault(notebook(edit), remark="edited and was restored"),
    "no-metadata": Fault(notebook(strip)),
    "corrupt": Fault(file(b'{"cells": [{"cell'), "failed", "missing", "damaged"),
    "empty": Fault(file(b""), "failed", "missing", "empty"),
    "wrong-name": Fault(wrong_name, remark="'Copy of exercise.ipynb'"),
    "link": Fault(link, "failed", "missing", "link"),
    "no-notebook": Fault(no_notebook, "failed", "missing", "no notebook"),
    "too-large": Fault(file(b" " * (51 << 20)), "failed", "missing", "larger than 50 MB"),
    "late": Fault(late),
    "huge-output": Fault(notebook(huge_output)),
    "spy": Fault(code(SPY), outcome="error", remark="No such file"),
    "forger": Fault(code(FORGE), outcome="killed", remark="does not count", spoils_others=True),
    "patcher": Fault(code(PATCH), outcome="wrong", spoils_others=True),
    "half-a-character": Fault(code("print('\\ud800')")),
    "half-in-error": Fault(code("raise OSError('\\udcff')"), outcome="error", remark="OSError"),
    "left-behind": Fault(code(CHILD)),
    "shared-memory": Fault(attack(attacks.SHARED_MEMORY), outcome="memory", remark="memory"),
    "children": Fault(attack(attacks.CHILDREN), outcome="memory", remark="memory"),
    "dribbler": Fault(
        attack(attacks.DRIBBLE.format("sum(range(1000))")), outcome="timeout", remark="does not end"
    ),
    "sleeper": Fault(
        with_cell("import time; time.sleep(9)", times=20),
        outcome="timeout",
        remark="whole file",
        spoils_others=True,
    ),
    "thief": Fault(with_cell(attacks.STEAL), outcome="timeout", spoils_others=True),
    "liar": Fault(
        with_cell(attacks.FORGED_RESULTS.replace("{}", '{"error": "text"}')),
        outcome="killed",
        remark="does not count",
        spoils_others=True,
    ),
    "magic": Fault(with_cell("%matplotlib inline\nhalf = 0.5", f"{RIGHT} * (half + half)")),
    "awaits": Fault(with_cell("import asyncio\nawait asyncio.sleep(0)\nk = 1", f"{RIGHT} * k")),
    "fraction": Fault(
        with_cell("from fractions import Fraction as F", "return F(" + RIGHT[7:] + ")")
    ),
    "used-again": Fault(notebook(use_again)),
    "absent": Fault(lambda *where: None, "missing", "missing", "Nothing was submitted"),
}


def honest(number: int) -> nbformat.NotebookNode:
    """A submission without faults: some exercises right, some blank, some wrong, by its number."""
    made = classroom.quick()
    blank = classroom.released(made)
    for place, name in enumerate(FUNCTIONS):
        kind = (number // 3**place) % 3
        if kind == 1:
            set_source(made, name, classroom.cell_of(blank, name).source)
        elif kind == 2:
            set_source(made, name, f"def {name}(*arguments):\n    return {number}")
    return made


def points_of(number: int) -> list[float]:
    """What `honest` deserves."""
    return [float((number // 3**place) % 3 == 0) for place in range(len(FUNCTIONS))]


def new_class(folder: Path, num_honest: int, faults: bool = True) -> None:
    """A class folder: so many honest students, and one for each fault."""
    classroom.new_class(folder, classroom.quick(), NAME)
    for number in range(num_honest):
        classroom.submit(folder, f"honest-{number:03}", NAME, honest(number))
    if faults:
        for student, fault in FAULTS.items():
            fault.make(folder, student)
        (folder / "students.csv").write_text("student\nabsent\n")


def assert_it_ended_well(folder: Path, num_honest: int, faults: bool = True) -> None:
    """Every honest student has the mark that they deserve; every fault its line, and no mark."""
    from course_tools.grading import results

    found = {result.student: result for result in results.read_all(folder, NAME)}
    for number in range(num_honest):
        result = found.pop(f"honest-{number:03}")
        assert [each.points for each in result.exercises] == points_of(number), result
        assert result.status == "graded" and result.remark == "" and not result.history
    assert found.keys() == (FAULTS.keys() if faults else set())
    for student, result in found.items():
        fault = FAULTS[student]
        first, *others = result.exercises
        about = (student, result.status, result.remark, first)
        assert result.status == fault.status, about
        assert first.outcome == fault.outcome, about
        assert fault.remark in f"{result.remark} {first.sentence}", about
        assert first.points == (fault.outcome == "right"), about
        if fault.status == "graded" and not fault.spoils_others:
            assert {each.outcome for each in others} == {"right"}, about
        elif fault.status != "graded":
            assert (result.points, result.max_points) == (0, 6), about
