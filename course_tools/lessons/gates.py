"""What a notebook must be before it is committed. Each gate returns problems, one sentence each."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import pairwise
from typing import ParamSpec

from nbformat import NotebookNode
from nbformat.validator import iter_validate

from course_lib.checks import NOT_ANSWERED
from course_tools.lessons.lesson_source import inputs, tags

MAX_CODE_LINES = 12
MAX_CELLS = 72
MAX_MINUTES = 90
MAX_BYTES = 3_000_000
MIN_ALT = 10
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
PARAMETERS = {"profile": ("quick",), "seed": (0,), "device": ("cpu", "auto")}
KNOWN_TAGS = {
    "parameters", "exercise", "check", "written", "needed", "lesson-only", "widget", "key-number",
    "results", "nbval-check-output", "nbval-ignore-output",
}  # fmt: skip
MACHINE_PATH = re.compile(
    r"(?<![\w.:/~-])/(?:home|root|Users|tmp|opt|usr|var|mnt|work|private|nix)/[\w.-]+"
    r"|\b[A-Za-z]:\\\w"
    r"|site-packages"
)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
P = ParamSpec("P")


def problems(notebook: NotebookNode) -> list[str]:
    """Everything wrong with an executed lesson taken by itself."""
    gates = (
        format_problems,
        anatomy_problems,
        list_problems,
        exercise_problems,
        budget_problems,
        output_problems,
        widget_problems,
        machine_problems,
        alt_problems,
    )
    return [problem for gate in gates for problem in gate(notebook)]


def _gate(find: Callable[P, Iterator[str]]) -> Callable[P, list[str]]:
    """A gate that returns every sentence that `find` yields."""

    @wraps(find)
    def gate(*args: P.args, **kwargs: P.kwargs) -> list[str]:
        return list(find(*args, **kwargs))

    return gate


# ---- Which cells follow which: this part, and nothing else, is the order of a lesson -------------

SECTIONS = {
    "The question": "Q",
    "Exercises": "X",
    "Results": "R",
    "What we have seen": "S",
    "Further reading": "F",
}
KINDS = {
    "T": "a title such as '# 01 · Name'",
    "P": "the cell tagged parameters",
    "t": "text",
    "c": "code",
    "e": "an exercise",
    "k": "a check",
    "H": "a step",  # any other heading
    **{letter: f"'## {name}'" for name, letter in SECTIONS.items()},
    "?": "text with a '## ' heading inside (a heading must begin a cell of its own)",
}
# A pattern over these letters. Code is followed by text, or by the heading of the next section; an
# exercise by its check. To let exercises stand among the steps, write (c | e k) for c in CODE.
CODE = "t* (c t+)* c?"
EXERCISES = "t* (c t+)* e k (t+ (c | e k))* t*"
ANATOMY = f"""
    T P {CODE}         # imports, if they come first
    Q {CODE}           # the question, with its baselines
    (H {CODE})*        # steps
    (X {EXERCISES})?   # one or more, in lessons that have some
    R {CODE}
    S {CODE}
    F t* (c t+)*       # nothing comes after it, so it ends with text
"""
# A lesson, or the beginning of one: where the cells end, every letter may be missing.
BEGINNING = re.sub("[A-Za-z]", r"(\g<0>|\\Z)", re.sub("#.*", "", ANATOMY))


def _kind(cell: NotebookNode) -> str:
    """The letter of a cell in `KINDS`."""
    if cell.cell_type != "markdown":
        tagged = {"parameters": "P", "exercise": "e", "check": "k"}
        return next((letter for tag, letter in tagged.items() if tag in tags(cell)), "c")
    text = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
    headings = re.findall(r"^## (.+?)\s*$", text, re.MULTILINE)
    if not headings:
        return "T" if re.match(r"# \d\d · \S", text) else "t"
    return SECTIONS.get(headings[0], "H") if re.match("## ", text) and len(headings) == 1 else "?"


def _order_problem(cells: list[NotebookNode]) -> Iterator[str]:
    """A sentence for the first cell that does not fit `ANATOMY`, or for what is missing at the end.

    It says which kinds of cells would fit in this place.
    """

    def begins(kinds: str) -> bool:
        return re.fullmatch(BEGINNING, kinds, re.VERBOSE) is not None

    kinds = "".join(map(_kind, cells))
    if re.fullmatch(ANATOMY, kinds, re.VERBOSE):
        return
    num_fitting = max(n for n in range(len(kinds) + 1) if begins(kinds[:n]))
    expected = [name for kind, name in KINDS.items() if begins(kinds[:num_fitting] + kind)]
    place = f"after {KINDS[kinds[num_fitting - 1]]}" if num_fitting else "at the beginning"
    found = "the lesson ends"
    if num_fitting < len(kinds):
        found = f"{_at(cells[num_fitting])} is {KINDS[kinds[num_fitting]]}"
    yield f"{found}; {place} must come {' or '.join(expected)}"


@_gate
def anatomy_problems(notebook: NotebookNode) -> Iterator[str]:
    """The order of the cells; minutes and aims in the title cell; the three parameters."""
    yield from _order_problem(notebook.cells)
    title = notebook.cells[0].source if notebook.cells else ""
    minutes = re.search(r"(\d+) minutes", title)
    if not minutes or not 5 <= int(minutes[1]) <= MAX_MINUTES:
        yield f"the title cell must say how many minutes it takes, 5 to {MAX_MINUTES}"
    if "you will be able to" not in title:
        yield "the title cell must say what 'you will be able to' do"
    for cell in notebook.cells:
        if "parameters" in tags(cell):
            yield from _parameter_problem(cell.source)


def _parameter_problem(source: str) -> Iterator[str]:
    try:
        assignments = [
            (node.targets[0].id, ast.literal_eval(node.value))  # type: ignore[attr-defined]
            for node in ast.parse(source).body
        ]
    except (SyntaxError, ValueError, AttributeError):
        yield "the parameters cell must hold plain assignments"
        return
    if [name for name, _ in assignments] != list(PARAMETERS):
        yield f"the parameters cell must set {', '.join(PARAMETERS)}, in this order, alone"
    elif any(value not in PARAMETERS[name] for name, value in assignments):
        yield 'the parameters must be profile = "quick", seed = 0, device = "cpu" or "auto"'


@_gate
def format_problems(notebook: NotebookNode) -> Iterator[str]:
    """nbformat's own schema, unique ids, and tags that mean something."""
    # nbformat.validate would repair the notebook instead of saying what is wrong.
    for error in iter_validate(notebook, version=4, version_minor=notebook.nbformat_minor):
        yield f"the notebook is not valid nbformat: {error.message[:100]}"
    ids = [cell.get("id") for cell in notebook.cells]
    for repeated in sorted({i for i in ids if ids.count(i) > 1}):
        yield f"cell id {repeated!r} is used twice"
    for cell in notebook.cells:
        for tag in tags(cell):
            if tag not in KNOWN_TAGS:
                yield f"{_at(cell)} has an unknown tag {tag!r}"


def source_problems(notebook: NotebookNode, source: NotebookNode) -> list[str]:
    """The notebook's inputs (id, type, text, metadata of each cell) are those of its source."""
    have, want = inputs(notebook), inputs(source)
    if len(have) != len(want):
        return [f"the notebook has {len(have)} cells and its source {len(want)}: build it again"]
    return [
        f"cell {ours['id']} differs from the source: build the notebook again"
        for ours, theirs in zip(have, want, strict=True)
        if ours != theirs
    ]


@_gate
def list_problems(notebook: NotebookNode) -> Iterator[str]:
    """A sum that is wrapped before its plus shows as a list; lists begin below an empty line."""
    for cell in notebook.cells:
        lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
        for before, line in pairwise(lines):
            inside = re.match(r"\s|[-+*] |\d+\. ", before) or not before.strip()
            if re.match(r"[-+*] ", line) and not inside:
                yield f"{_at(cell)} begins a list in the middle of text: {line[:40]!r}"


@_gate
def exercise_problems(notebook: NotebookNode) -> Iterator[str]:
    """Every exercise is one function with one blank and a check; no other cell holds a blank."""
    names = []
    for cell in notebook.cells:
        is_exercise = "exercise" in tags(cell)
        markers = (cell.source.count(BEGIN), cell.source.count(END))
        if markers != ((1, 1) if is_exercise else (0, 0)):
            rule = "an exercise has exactly one pair" if is_exercise else "only exercises have them"
            yield f"{_at(cell)} holds solution markers {markers}: {rule}"
        elif is_exercise and not re.search(rf"^[ \t]+{BEGIN}", cell.source, re.MULTILINE):
            yield f"{_at(cell)}: the solution must stand inside a function body"
        if _wants_answer(cell):
            names.append(cell.metadata.get("nbgrader", {}).get("grade_id"))
    if None in names or len(names) != len(set(names)):
        yield "exercises need names of their own, each followed by its check"


@_gate
def budget_problems(notebook: NotebookNode) -> Iterator[str]:
    """Cells of at most 12 lines of code, lessons of at most 72 cells and 3 MB."""
    for cell in notebook.cells:
        lines = code_lines(cell.source)
        exempt = cell.cell_type != "code" or {"exercise", "parameters"} & set(tags(cell))
        if lines > MAX_CODE_LINES and not exempt:
            yield f"{_at(cell)} has {lines} lines of code, at most {MAX_CODE_LINES}"
    if len(notebook.cells) > MAX_CELLS:
        yield f"the lesson has {len(notebook.cells)} cells, at most {MAX_CELLS}"
    size = len(json.dumps(notebook))
    if size > MAX_BYTES:
        yield f"the notebook has {size / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f}"
    if sum("key-number" in tags(cell) for cell in notebook.cells) > 1:
        yield "at most one cell may be tagged key-number"


def code_lines(source: str) -> int:
    """Lines that are neither blank nor only a comment."""
    lines = (line.strip() for line in source.splitlines())
    return sum(1 for line in lines if line and not line.startswith("#"))


@_gate
def output_problems(notebook: NotebookNode) -> Iterator[str]:
    """Every cell ran, in order, without an error or a warning; compared outputs are plain text."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "the cells did not run once each from top to bottom"
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{_at(cell)} ends in {output.ename}"
            if output.get("name") == "stderr":
                yield f"{_at(cell)} writes to standard error: {output.text.strip()[:80]}"
            if ADDRESS.search(_text(output)):
                yield f"{_at(cell)} prints a memory address"
        if "nbval-check-output" in tags(cell):
            if not cell.outputs:
                yield f"{_at(cell)} is tagged nbval-check-output and prints nothing"
            if any(mime.startswith("image/") for mime in _mimes(cell)):
                yield f"{_at(cell)} compares a picture: split it from the stable text"
        if "key-number" in tags(cell) and not key_number(notebook):
            yield f"{_at(cell)} is tagged key-number and prints nothing"


def key_number(notebook: NotebookNode) -> str:
    """The last line printed by the cell tagged `key-number`, or an empty string."""
    lines = [
        line.strip()
        for cell in notebook.cells
        if cell.cell_type == "code" and "key-number" in tags(cell)
        for output in cell.outputs
        for line in _text(output).splitlines()
        if output.get("name") != "stderr" and line.strip()
    ]
    return lines[-1] if lines else ""


@_gate
def widget_problems(notebook: NotebookNode) -> Iterator[str]:
    """No widget state and no widget view, which viewers would prefer to the picture."""
    if "widgets" in notebook.metadata:
        yield "the notebook holds widget state"
    for cell in notebook.cells:
        mimes = _mimes(cell)
        if any("widget" in mime for mime in mimes):
            yield f"{_at(cell)} holds a widget view"
        if "widget" in tags(cell) and "image/png" not in mimes:
            yield f"{_at(cell)} is tagged widget and shows no still picture"


@_gate
def machine_problems(notebook: NotebookNode) -> Iterator[str]:
    """No path of a machine, no papermill metadata, no times of execution."""
    for key in sorted(set(notebook.metadata) - {"kernelspec", "language_info"}):
        yield f"the notebook's metadata holds {key!r}"
    for cell in notebook.cells:
        for key in sorted({"papermill", "execution", "ExecuteTime"} & set(cell.metadata)):
            yield f"{_at(cell)} holds {key!r} metadata"
        for output in cell.get("outputs", []):
            if path := MACHINE_PATH.search(_text(output)):
                yield f"{_at(cell)} prints a path of a machine: {path[0]}"


@_gate
def alt_problems(notebook: NotebookNode) -> Iterator[str]:
    """Every picture, shown or linked, says in words what it shows."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for mime in output.get("data", {}):
                alt = output.get("metadata", {}).get(mime, {}).get("alt", "")
                if mime.startswith("image/") and len(alt.strip()) < MIN_ALT:
                    yield f"{_at(cell)} shows a picture without alt text"
        text = cell.source if cell.cell_type == "markdown" else ""
        linked = re.findall(r"!\[([^\]]*)\]\(", text)
        for tag in re.findall(r"<img\b[^>]*>", text):
            linked += re.findall(r"alt=[\"']([^\"']*)", tag)[:1] or [""]
        if any(len(alt.strip()) < MIN_ALT for alt in linked):
            yield f"{_at(cell)} links a picture without alt text"


# ---- The student edition -------------------------------------------------------------------------


@_gate
def student_problems(solved: NotebookNode, student: NotebookNode) -> Iterator[str]:
    """The student edition is the solution minus the blanks, with no answer and no output left."""
    if len(solved.cells) != len(student.cells):
        yield "the student edition has another number of cells than the solution"
        return
    for ours, theirs in zip(solved.cells, student.cells, strict=True):
        if ours.id != theirs.id or ours.metadata != theirs.metadata:
            yield f"{_at(theirs)} is not the cell of the solution"
        if theirs.get("outputs"):
            yield f"{_at(theirs)} shows an output of the solution"
        if theirs.source != _minus_blank(ours):
            yield f"{_at(theirs)} is not the solution minus its blank"
        if "exercise" in tags(ours):
            for line in _answer_left(ours, theirs):
                yield f"{_at(theirs)} still holds the answer: {line}"


def _minus_blank(cell: NotebookNode) -> str:
    """The blank taken out line by line, and not with the expression that `student_edition` uses."""
    lines: list[str] = cell.source.split("\n")
    if "exercise" in tags(cell):
        begin, end = (
            next(i for i, line in enumerate(lines) if line.strip() == marker)
            for marker in (BEGIN, END)
        )
        lines[begin : end + 1] = [lines[begin].split("#")[0] + "raise NotImplementedError"]
    return "\n".join(lines)


def _answer_left(solved: NotebookNode, student: NotebookNode) -> Iterator[str]:
    answer = solved.source.split(BEGIN)[1].split(END)[0]
    for line in map(str.strip, answer.splitlines()):
        if len(line) > 8 and line in student.source:
            yield line
    if BEGIN in student.source or END in student.source:
        yield "a solution marker"


@_gate
def student_run_problems(executed: NotebookNode) -> Iterator[str]:
    """A run of the student edition: no cell needs an answer, and no check passes without one.

    A check says that there is no answer, as `checks.check` does, or fails with NotImplementedError.
    """
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        unanswered = any(_text(output).startswith(NOT_ANSWERED) for output in cell.outputs)
        if cell.execution_count is None:
            yield f"{_at(cell)} did not run"
        if errors and not _wants_answer(cell):
            yield f"{_at(cell)} needs an answer: it fails with {errors[0]}"
        elif any(name != "NotImplementedError" for name in errors):
            yield f"{_at(cell)} fails with {errors[0]} and not with NotImplementedError"
        elif "check" in tags(cell) and not errors and not unanswered:
            yield f"{_at(cell)} passes without an answer"


def _wants_answer(cell: NotebookNode) -> bool:
    """Whether a cell is an exercise or a check: no other may need an answer."""
    return bool({"exercise", "check"} & set(tags(cell)))


def _mimes(cell: NotebookNode) -> list[str]:
    return [mime for output in cell.get("outputs", []) for mime in output.get("data", {})]


def _text(output: NotebookNode) -> str:
    """What an output says in words, whatever its type."""
    parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
    parts += [
        str(value)
        for mime, value in output.get("data", {}).items()
        if not mime.startswith("image/") or mime == "image/svg+xml"
    ]
    return "\n".join(parts)


def _at(cell: NotebookNode) -> str:
    line = next((line.strip() for line in cell.source.splitlines() if line.strip()), "empty")
    return f"cell {cell.get('id', '?')} ({line[:40]})"
