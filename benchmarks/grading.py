"""How fast a class is graded: ours, sandbox included, and plain `nbgrader autograde`.

    .venv/bin/python benchmarks/grading.py [--rounds 4] [--size 10]

Both grade the same submissions, in turns, as whole commands; lessons 01 (NumPy) and 03 (PyTorch)
take turns too. A submission has right, blank and wrong answers. nbgrader compares in its check
cells with the course's own checks. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import classroom  # noqa: E402
from course_tools.grading import results  # noqa: E402
from course_tools.lessons import lesson_source  # noqa: E402

LESSONS = ("01", "03")
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'gray_to_color'\n"
RAISING = """
from course_lib import checks
check = checks.of_lesson("{number}")["{number}.{function}"]
problem = check.verdict(check.outputs({function}))
assert problem is None, problem
"""
WRONG = """
right = {function}
def {function}(*arguments):
    return np.asarray(right(*arguments)) + 1
"""


def solved(number: str) -> nbformat.NotebookNode:
    """The assignment with check cells that raise, without which nbgrader cannot tell."""
    notebook = classroom.solved(number)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            function = cell.metadata.nbgrader.grade_id.removeprefix("check-").replace("-", "_")
            cell.source = RAISING.format(number=number, function=function).strip()
    return notebook


def submit(notebook: nbformat.NotebookNode, number: int) -> nbformat.NotebookNode:
    """The answers of student `number`: each third one is wrong, each third one blank."""
    made = nbformat.from_dict(json.loads(json.dumps(notebook)))
    blank = classroom.released(made)
    exercises = [cell for cell in made.cells if "exercise" in lesson_source.tags(cell)]
    for place, cell in enumerate(exercises):
        kind = (number // 3**place) % 3
        if kind == 1:
            cell.source += WRONG.format(function=lesson_source.defined_name(cell.source))
        elif kind == 2:
            cell.source = next(other.source for other in blank.cells if other.id == cell.id)
    return made


def new_class(folder: Path, number: str, size: int, offset: int) -> str:
    """A class folder with submissions, known to nbgrader. Returns the assignment's name."""
    notebook, name = solved(number), lesson_source.find(number).name
    (folder / "nbgrader_config.py").write_text(CONFIG)
    classroom.new_class(folder, notebook, name)
    nbgrader(folder, "generate_assignment", name)
    for student in range(offset, offset + size):
        classroom.submit(folder, f"student-{student:03}", name, submit(notebook, student))
    return name


def nbgrader(folder: Path, *arguments: str) -> None:
    run(folder, [sys.executable, "-m", "nbgrader", *arguments])


def run(folder: Path, command: list[str]) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def ours(folder: Path, name: str) -> tuple[float, dict[str, dict[str, float]]]:
    """Seconds that our command takes, and its marks: student -> exercise -> points."""
    began = time.perf_counter()
    run(folder, [sys.executable, "-m", "course_tools.cli", "assignment", "grade", name])
    seconds = time.perf_counter() - began
    return seconds, {
        result.student: {each.grade_id: each.points for each in result.exercises}
        for result in results.read_all(folder, name)
        if result.status == "graded"
    }


def theirs(folder: Path, name: str) -> tuple[float, dict[str, dict[str, float]]]:
    """The same for nbgrader."""
    from nbgrader.api import Gradebook

    began = time.perf_counter()
    nbgrader(folder, "autograde", name, "--create")
    seconds = time.perf_counter() - began
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "gray_to_color") as book:
        return seconds, {
            notebook.student.id: {
                grade.name: grade.auto_score
                for grade in notebook.grades
                if grade.name.startswith("check-")
            }
            for notebook in book.notebook_submissions(name, name)
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--size", type=int, default=10)
    wanted = parser.parse_args()
    seconds = {"ours": 0.0, "nbgrader": 0.0}
    differ = lost = 0
    for number in range(wanted.rounds):
        lesson = LESSONS[number % len(LESSONS)]
        marks = {}
        turns = [("ours", ours), ("nbgrader", theirs)]
        for who, grade in turns if number % 4 < 2 else reversed(turns):
            with tempfile.TemporaryDirectory() as folder:
                name = new_class(Path(folder), lesson, wanted.size, number * wanted.size)
                took, marks[who] = grade(Path(folder), name)
            seconds[who] += took
            print(f"round {number + 1}, lesson {lesson}: {who:8} {took:6.1f} s", flush=True)
        lost += wanted.size - len(marks["ours"])
        for student, their_marks in marks["nbgrader"].items():
            differ += marks["ours"].get(student, their_marks) != their_marks
        lost_there = wanted.size - len(marks["nbgrader"])
        if lost_there:
            print(f"nbgrader lost {lost_there} submissions")
    count = wanted.rounds * wanted.size
    minutes = {who: took / 60 for who, took in seconds.items()}
    report = {
        "submissions": count,
        "cores": os.cpu_count(),
        "submissions_per_minute": {who: round(count / took, 1) for who, took in minutes.items()},
        "ratio": round(minutes["nbgrader"] / minutes["ours"], 2),
        "marks_that_differ": differ,
        "submissions_lost": lost,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
