"""Every gate refuses what it is there to refuse, and every committed lesson passes them all."""

import copy
import re

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_lib.files import CourseError
from course_tools.lessons import build, gates, lesson_source, run, student_edition

MAX_MEMORY_MB = 4000
LESSONS = lesson_source.all_lessons()
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


# ---- The lessons of this repository --------------------------------------------------------------


@every_lesson
def test_the_committed_notebook_passes_every_gate(lesson):
    assert lesson.notebook.exists(), f"run: course build {lesson.number}"
    notebook = nbformat.read(lesson.notebook, as_version=4)
    assert gates.source_problems(notebook, lesson_source.read(lesson)) == []
    assert gates.problems(notebook) == []


@every_lesson
def test_the_student_edition_runs_to_its_end_in_time_and_memory(lesson):
    """No cell fails for want of an answer; a laptop is enough."""
    solved = lesson_source.read(lesson)
    student = student_edition.student_edition(solved)
    assert gates.student_problems(solved, student) == []
    with run.PeakMemory() as peak:
        executed = build.execute(student, lesson, cell_timeout=120)
    assert gates.student_run_problems(executed) == []
    assert peak.bytes / 1e6 < MAX_MEMORY_MB


def test_no_notebook_is_without_a_source():
    built = sorted(path.stem for path in (lesson_source.ROOT / "notebooks").glob("*.ipynb"))
    assert built == [lesson.name for lesson in LESSONS]


# ---- The gates themselves ------------------------------------------------------------------------


@pytest.fixture
def good(tiny) -> NotebookNode:
    """The tiny lesson as if it had been executed, with one picture and one printed number."""
    notebook = lesson_source.read(tiny)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        if "widget" in lesson_source.tags(cell):
            alt = {"image/png": {"alt": "One pixel, gray"}}
            cell.outputs = [new_output("display_data", {"image/png": "AAAA"}, metadata=alt)]
        if "key-number" in lesson_source.tags(cell):
            cell.outputs = [new_output("stream", name="stdout", text="the answer: 42\n")]
    return notebook


def tagged(notebook: NotebookNode, tag: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if tag in lesson_source.tags(cell))


def retext(notebook: NotebookNode, old: str, new: str) -> None:
    """Replace text in the first cell that holds it."""
    cell = next(cell for cell in notebook.cells if old in cell.source)
    cell.source = cell.source.replace(old, new)


def swap(notebook: NotebookNode, one: str, other: str) -> None:
    """Exchange the texts of two cells, found by how they begin."""
    a, b = (
        next(cell for cell in notebook.cells if cell.source.startswith(text))
        for text in (one, other)
    )
    a.source, b.source = b.source, a.source


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", name=name, text=text)


def test_a_good_notebook_has_no_problem(good):
    assert gates.problems(good) == []


def _drop(notebook, beginning):
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith(beginning)]


# What is done to a good notebook, and what the gates must say then.
BREAKS = {
    "invalid": (lambda n: n.cells[0].pop("id"), "not valid nbformat"),
    "two ids": (lambda n: n.cells[2].update(id=n.cells[0].id), "is used twice"),
    "unknown tag": (
        lambda n: tagged(n, "key-number").metadata.tags.append("keynumber"),
        "unknown tag 'keynumber'",
    ),
    "no title": (
        lambda n: retext(n, "# 01 · Tiny", "# Tiny"),
        "is text; at the beginning must come a title such as",
    ),
    "no minutes": (lambda n: retext(n, "5 minutes", "A while"), "how many minutes"),
    "too long": (lambda n: retext(n, "5 minutes", "95 minutes"), "how many minutes"),
    "no aims": (lambda n: retext(n, "will be able to", "get"), "will be able to"),
    "parameters missing": (
        lambda n: tagged(n, "parameters").metadata.pop("tags"),
        "is code; after a title such as '# 01 · Name' must come the cell tagged parameters",
    ),
    "parameters of the full profile": (
        lambda n: retext(n, '"quick"', '"full"'),
        "the parameters must be",
    ),
    "more parameters": (
        lambda n: retext(n, "seed = 0\n", "seed = 0\nepochs = 3\n"),
        "must set profile, seed, device",
    ),
    "parameters that compute": (
        lambda n: retext(n, "seed = 0\n", "seed = int(0)\n"),
        "plain assignments",
    ),
    "two cells of parameters": (
        lambda n: tagged(n, "check").metadata.tags.append("parameters"),
        "is the cell tagged parameters; after an exercise must come a check",
    ),
    "no question": (
        lambda n: _drop(n, "## The question"),
        "is '## Exercises'; after code must come text or '## The question'",
    ),
    "no reading": (
        lambda n: _drop(n, "## Further reading"),
        "the lesson ends; after '## What we have seen' must come text or code or '## Further",
    ),
    "sections exchanged": (
        lambda n: swap(n, "## Results", "## What we"),
        "is '## What we have seen'; after a check must come text or '## Results'",
    ),
    "a section twice": (
        lambda n: retext(n, "## What we have seen", "## Results"),
        "is '## Results'; after code must come text or '## What we have seen'",
    ),
    "a step before the question": (
        lambda n: retext(n, "## The question", "## A step\n\n## The question"),
        "must begin a cell",
    ),
    "a step in a cell before the question": (
        lambda n: n.cells.insert(2, new_markdown_cell("## A step")),
        "is a step; after the cell tagged parameters must come text or code or '## The question'",
    ),
    "a heading below text": (
        lambda n: retext(n, "## The question", "Now:\n\n## The question"),
        "must begin a cell",
    ),
    "a step at the end": (
        lambda n: retext(n, "## What we have seen", "## What we have seen\n## One more step"),
        "must begin a cell",
    ),
    "a step in a cell at the end": (
        lambda n: n.cells.insert(-1, new_markdown_cell("## One more step")),
        "is a step; after '## What we have seen' must come text or code or '## Further reading'",
    ),
    "no text after a step": (
        lambda n: _drop(n, "One gray pixel."),
        "(ipywidgets.interact(lambda level: Image() is code; after code must come text",
    ),
    "no text at the end": (
        lambda n: n.cells.append(new_code_cell("1")),
        "the lesson ends; after code must come text",
    ),
    "a sum that shows as a list": (
        lambda n: retext(n, "The same pixel.", "The same pixel:\n+ 0.587 green"),
        "begins a list in the middle of text",
    ),
    "no check": (
        lambda n: _drop(n, "assert double_it"),
        "is '## Results'; after an exercise must come a check",
    ),
    "a check alone": (lambda n: _drop(n, "def double_it"), "is a check; after '## Exercises' must"),
    "an exercise among the steps": (
        lambda n: swap(n, "## Exercises", "## Results"),
        "is an exercise; after '## Results' must come text or code or '## What we have seen'",
    ),
    "no blank": (lambda n: retext(n, gates.BEGIN, "#"), "exactly one pair"),
    "a blank elsewhere": (
        lambda n: retext(n, "print(", f"{gates.BEGIN}\n{gates.END}\nprint("),
        "only exercises have them",
    ),
    "a blank outside a function": (
        lambda n: retext(n, f"    {gates.BEGIN}", gates.BEGIN),
        "inside a function body",
    ),
    "an exercise without a name": (
        lambda n: tagged(n, "exercise").metadata.pop("nbgrader"),
        "need names of their own",
    ),
    "13 lines": (
        lambda n: retext(n, 'print("profile:", profile)', "1\n" * 12),
        "13 lines of code, at most 12",
    ),
    "more than 72 cells": (
        lambda n: n.cells.extend(copy.deepcopy(n.cells[-1]) for _ in range(60)),
        "cells, at most 72",
    ),
    "too large": (
        lambda n: tagged(n, "widget").outputs[0].data.update({"text/plain": "x" * 3_000_000}),
        "MB, at most 3",
    ),
    "two key numbers": (
        lambda n: tagged(n, "widget").metadata.tags.append("key-number"),
        "at most one cell may be tagged key-number",
    ),
    "not run": (lambda n: tagged(n, "check").update(execution_count=None), "did not run once"),
    "run in another order": (lambda n: tagged(n, "check").update(execution_count=1), "did not run"),
    "an error": (
        lambda n: tagged(n, "check").outputs.append(
            new_output("error", ename="ValueError", evalue="", traceback=[])
        ),
        "ends in ValueError",
    ),
    "a warning": (
        lambda n: tagged(n, "check").outputs.append(printed("mind this", "stderr")),
        "writes to standard error: mind this",
    ),
    "an address": (
        lambda n: tagged(n, "check").outputs.append(printed("<function f at 0x7f5c2d3b>")),
        "memory address",
    ),
    "nothing to compare": (
        lambda n: tagged(n, "nbval-check-output").update(outputs=[]),
        "nbval-check-output and prints nothing",
    ),
    "a picture to compare": (
        lambda n: tagged(n, "widget").metadata.tags.append("nbval-check-output"),
        "compares a picture",
    ),
    "no key number": (
        lambda n: tagged(n, "key-number").update(outputs=[]),
        "key-number and prints nothing",
    ),
    "widget state": (lambda n: n.metadata.update(widgets={}), "holds widget state"),
    "widget view": (
        lambda n: tagged(n, "widget").outputs[0].data.update({build.WIDGET_VIEW: {}}),
        "holds a widget view",
    ),
    "no still": (lambda n: tagged(n, "widget").update(outputs=[]), "shows no still picture"),
    "papermill": (lambda n: n.metadata.update(papermill={}), "metadata holds 'papermill'"),
    "times": (
        lambda n: tagged(n, "check").metadata.update(execution={}),
        "holds 'execution' metadata",
    ),
    "no alt": (lambda n: tagged(n, "widget").outputs[0].update(metadata={}), "without alt text"),
    "alt of one word": (
        lambda n: tagged(n, "widget").outputs[0].metadata["image/png"].update(alt="Image"),
        "without alt text",
    ),
    "linked without alt": (
        lambda n: retext(n, "The same pixel.", "![](a.png)"),
        "links a picture without alt text",
    ),
    "html without alt": (
        lambda n: retext(n, "The same pixel.", '<img src="a.png">'),
        "links a picture without alt text",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_gate_refuses(good, name):
    damage, sentence = BREAKS[name]
    damage(good)
    assert any(sentence in problem for problem in gates.problems(good)), gates.problems(good)


@pytest.mark.parametrize(
    "path",
    [
        "/home/anna/course/x.py",
        "/root/course",
        "/Users/anna/x",
        "/tmp/ipykernel_12/3.py",
        "C:\\Users\\anna",
        "lib/python3.11/site-packages/torch",
    ],
)
def test_paths_of_a_machine_are_found_wherever_a_cell_prints_them(good, path):
    outputs = [
        printed(f"see {path}:3"),
        new_output("display_data", {"text/html": f"<b>{path}</b>"}),
        new_output("error", ename="E", evalue="", traceback=[f'File "{path}"']),
    ]
    for output in outputs:
        tagged(good, "check").outputs = [output]
        assert any("path of a machine" in problem for problem in gates.machine_problems(good))


@pytest.mark.parametrize(
    "text", ["https://example.org/home/page", "and/or", "~/.cache", "1/256", "a/home/b", "R/G/B"]
)
def test_other_slashes_are_no_paths_of_a_machine(good, text):
    tagged(good, "check").outputs = [printed(text)]
    assert gates.machine_problems(good) == []


def test_a_lesson_without_exercises_needs_no_section_for_them(good):
    _drop(good, "def double_it")
    _drop(good, "assert double_it")
    _drop(good, "## Exercises")
    assert gates.anatomy_problems(good) == []


def test_comments_and_blank_lines_are_no_code():
    assert gates.code_lines("# why\nx = 1  # here\n\n    # and\ny = 2") == 2


def test_inputs_that_differ_from_the_source_are_named(good, tiny):
    source = lesson_source.read(tiny)
    assert gates.source_problems(good, source) == []
    tagged(good, "check").source += "  # more"
    (problem,) = gates.source_problems(good, source)
    assert problem.startswith("cell 01-check-double-it differs from the source")
    good.cells.pop()
    assert "16 cells and its source 17" in gates.source_problems(good, source)[0]


def test_a_student_edition_that_is_not_the_solution_minus_blanks_is_refused(good):
    student = student_edition.student_edition(good)
    assert gates.student_problems(good, student) == []

    def says(change, sentence):
        changed = copy.deepcopy(student)
        change(changed)
        found = gates.student_problems(good, changed)
        assert any(re.search(sentence, problem) for problem in found), found

    says(lambda n: retext(n, "raise NotImplementedError", "pass"), "not the solution minus its")
    says(lambda n: retext(n, "    raise", "    twice = number + number\n    raise"), "still holds")
    says(lambda n: retext(n, "    raise", f"    {gates.BEGIN}\n    raise"), "a solution marker")
    says(lambda n: retext(n, "The same pixel.", "Another."), "not the solution minus its blank")
    says(lambda n: n.cells[3].update(id="other"), "not the cell of the solution")
    says(lambda n: n.cells.pop(), "another number of cells")
    says(lambda n: tagged(n, "check").outputs.append(printed("4")), "shows an output")


def test_a_student_run_may_fail_in_exercises_and_checks_alone(good):
    missing = new_output("error", ename="NotImplementedError", evalue="", traceback=[])
    other = new_output("error", ename="NameError", evalue="", traceback=[])

    def says(check, key_number):
        executed = copy.deepcopy(good)
        tagged(executed, "check").outputs = check
        tagged(executed, "key-number").outputs = key_number
        return gates.student_run_problems(executed)

    assert says([missing], []) == []
    assert says([printed("Not answered yet: 01.double_it.")], []) == []
    assert "passes without an answer" in says([], [])[0]
    assert "fails with NameError and not with NotImplementedError" in says([other], [])[0]
    assert "needs an answer: it fails with NotImplementedError" in says([missing], [missing])[0]
    tagged(good, "check").execution_count = None
    assert "did not run" in gates.student_run_problems(good)[0]


def test_the_tiny_student_edition_runs_to_its_end(tiny):
    student = student_edition.student_edition(lesson_source.read(tiny))
    executed = build.execute(student, tiny, allow_errors=True)
    assert gates.student_run_problems(executed) == []


def test_a_main_line_that_needs_an_answer_is_found_by_running_it(tiny):
    text = tiny.source.read_text()
    tiny.source.write_text(text.replace('"the answer:", 42', '"the answer:", double_it(21)'))
    student = student_edition.student_edition(lesson_source.read(tiny))
    (problem,) = gates.student_run_problems(build.execute(student, tiny, allow_errors=True))
    assert "needs an answer: it fails with NotImplementedError" in problem


def test_a_cell_that_takes_too_long_is_one_sentence(tiny):
    text = tiny.source.read_text()
    tiny.source.write_text(text.replace("# %%\nimport base64", "# %%\nimport time\ntime.sleep(9)"))
    with pytest.raises(CourseError, match="01_tiny could not be executed"):
        build.execute(lesson_source.read(tiny), tiny, cell_timeout=1)
