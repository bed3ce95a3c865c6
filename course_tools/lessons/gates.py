"""What a notebook must be before it is committed. Each gate returns problems, one sentence each."""

import ast
import json
import re

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
PARAMETERS = ("profile", "seed", "device")
SECTIONS = ("The question", "Exercises", "Results", "What we have seen", "Further reading")
KNOWN_TAGS = {
    "parameters",
    "exercise",
    "check",
    "key-number",
    "widget",
    "written",
    "needed",
    "lesson-only",
    "nbval-check-output",
    "results",
    "nbval-ignore-output",
}
MACHINE_PATH = re.compile(
    r"(?<![\w.:/~-])/(?:home|root|Users|tmp|opt|usr|var|mnt|work|private|nix)/[\w.-]+"
    r"|\b[A-Za-z]:\\\w"
    r"|site-packages"
)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")


def problems(notebook: NotebookNode) -> list[str]:
    """Everything wrong with an executed lesson taken by itself."""
    return [
        problem
        for gate in (
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
        for problem in gate(notebook)
    ]


def format_problems(notebook: NotebookNode) -> list[str]:
    """nbformat's own schema, unique ids, and tags that mean something."""
    # nbformat.validate would mend the notebook instead of saying what is wrong.
    found = [
        f"the notebook is not valid nbformat: {error.message[:100]}"
        for error in iter_validate(notebook, version=4, version_minor=notebook.nbformat_minor)
    ]
    ids = [cell.get("id") for cell in notebook.cells]
    found += [f"cell id {i!r} is used twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    for cell in notebook.cells:
        found += [
            f"{_at(cell)} has an unknown tag {t!r}" for t in tags(cell) if t not in KNOWN_TAGS
        ]
    return found


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


def anatomy_problems(notebook: NotebookNode) -> list[str]:
    """Title, minutes, aims; parameters; sections in order; every code cell followed by words."""
    cells = notebook.cells
    if len(cells) < 2:
        return ["a lesson needs a title cell and a parameters cell"]
    found = []
    title = cells[0].source
    if cells[0].cell_type != "markdown" or not re.match(r"# \d\d · \S", title):
        found.append("the first cell must be markdown that begins with a title like '# 01 · Name'")
    minutes = re.search(r"(\d+) minutes", title)
    if not minutes or not 5 <= int(minutes[1]) <= MAX_MINUTES:
        found.append(f"the title cell must say how many minutes it takes, 5 to {MAX_MINUTES}")
    if "you will be able to" not in title:
        found.append("the title cell must say what 'you will be able to' do")
    found += _parameter_problems(cells)
    found += _section_problems(notebook)
    for cell, after in zip(cells[1:], [*cells[2:], None], strict=True):
        if cell.cell_type != "code" or "parameters" in tags(cell):
            continue
        wants = "a check" if "exercise" in tags(cell) else "words"
        follows = "words" if after is not None and after.cell_type == "markdown" else "code"
        if after is not None and "check" in tags(after):
            follows = "a check"
        if follows != wants:
            found.append(f"{_at(cell)} must be followed by {wants}")
    return found


def list_problems(notebook: NotebookNode) -> list[str]:
    """A sum that is wrapped before its plus shows as a list; lists begin below an empty line."""
    found = []
    for cell in notebook.cells:
        before = ""
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            inside = re.match(r"\s|[-+*] |\d+\. ", before) or not before.strip()
            if re.match(r"[-+*] ", line) and not inside:
                found.append(f"{_at(cell)} begins a list in the midst of text: {line[:40]!r}")
            before = line
    return found


def _parameter_problems(cells: list[NotebookNode]) -> list[str]:
    tagged = [cell for cell in cells if "parameters" in tags(cell)]
    if len(tagged) != 1 or cells[1] is not tagged[0]:
        return ["the second cell, and no other, must be tagged parameters"]
    try:
        body = ast.parse(tagged[0].source).body
        values = {
            node.targets[0].id: ast.literal_eval(node.value)  # type: ignore[attr-defined]
            for node in body
            if isinstance(node, ast.Assign)
        }
    except (SyntaxError, ValueError, AttributeError):
        return ["the parameters cell must hold plain assignments"]
    if tuple(values) != PARAMETERS or len(body) != len(PARAMETERS):
        return [f"the parameters cell must set {', '.join(PARAMETERS)}, in this order, alone"]
    if (values["profile"], values["seed"]) != ("quick", 0) or values["device"] not in (
        "cpu",
        "auto",
    ):
        return ['the parameters must be profile = "quick", seed = 0, device = "cpu" or "auto"']
    return []


def _section_problems(notebook: NotebookNode) -> list[str]:
    found = []
    headings = []
    section = ""
    has_exercises = any("exercise" in tags(cell) for cell in notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
            here = re.findall(r"^## (.+?)\s*$", text, re.MULTILINE)
            if len(here) > 1 or (here and not text.startswith("## ")):
                found.append(f"{_at(cell)}: a '## ' heading must begin a cell of its own")
            headings += here
            section = here[-1] if here else section
        elif {"exercise", "check"} & set(tags(cell)) and section != "Exercises":
            found.append(f"{_at(cell)} must stand under '## Exercises'")
    wanted = [name for name in SECTIONS if has_exercises or name != "Exercises"]
    if [name for name in headings if name in SECTIONS] != wanted:
        found.append(f"the sections must be, each once and in this order: {', '.join(wanted)}")
    elif headings[0] != SECTIONS[0]:
        found.append("'## The question' must be the first section")
    elif headings[headings.index(wanted[1]) :] != wanted[1:]:
        found.append(f"steps must stand between 'The question' and '{wanted[1]}'")
    return found


def exercise_problems(notebook: NotebookNode) -> list[str]:
    """Every exercise is one function with one blank and a check; no other cell holds a blank."""
    found = []
    names = []
    for cell in notebook.cells:
        is_exercise = "exercise" in tags(cell)
        markers = (cell.source.count(BEGIN), cell.source.count(END))
        if markers != ((1, 1) if is_exercise else (0, 0)):
            place = (
                "an exercise has exactly one pair" if is_exercise else "only exercises have them"
            )
            found.append(f"{_at(cell)} holds solution markers {markers}: {place}")
        elif is_exercise and not re.search(rf"^[ \t]+{BEGIN}", cell.source, re.MULTILINE):
            found.append(f"{_at(cell)}: the solution must stand inside a function body")
        if {"exercise", "check"} & set(tags(cell)):
            names.append(cell.metadata.get("nbgrader", {}).get("grade_id"))
    if None in names or len(names) != len(set(names)):
        found.append("exercises need names of their own, each followed by its check")
    return found


def budget_problems(notebook: NotebookNode) -> list[str]:
    """Cells of at most 12 lines of code, lessons of at most 72 cells and 3 MB."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or {"exercise", "parameters"} & set(tags(cell)):
            continue
        lines = code_lines(cell.source)
        if lines > MAX_CODE_LINES:
            found.append(f"{_at(cell)} has {lines} lines of code, at most {MAX_CODE_LINES}")
    if len(notebook.cells) > MAX_CELLS:
        found.append(f"the lesson has {len(notebook.cells)} cells, at most {MAX_CELLS}")
    size = len(json.dumps(notebook))
    if size > MAX_BYTES:
        found.append(f"the notebook has {size / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f}")
    if sum("key-number" in tags(cell) for cell in notebook.cells) > 1:
        found.append("at most one cell may be tagged key-number")
    return found


def code_lines(source: str) -> int:
    """Lines that are neither blank nor only a comment."""
    lines = (line.strip() for line in source.splitlines())
    return sum(1 for line in lines if line and not line.startswith("#"))


def output_problems(notebook: NotebookNode) -> list[str]:
    """Every cell ran, in order, without an error or a warning; compared outputs are plain text."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        found.append("the cells did not run once each from top to bottom")
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{_at(cell)} ends in {output.ename}")
            if output.get("name") == "stderr":
                found.append(f"{_at(cell)} writes to standard error: {output.text.strip()[:80]}")
            if ADDRESS.search(_text(output)):
                found.append(f"{_at(cell)} prints a memory address")
        if "nbval-check-output" in tags(cell):
            if not cell.outputs:
                found.append(f"{_at(cell)} is tagged nbval-check-output and prints nothing")
            if any(
                mime.startswith("image/") for out in cell.outputs for mime in out.get("data", {})
            ):
                found.append(f"{_at(cell)} compares a picture: split it from the stable text")
        if "key-number" in tags(cell) and not key_number(notebook):
            found.append(f"{_at(cell)} is tagged key-number and prints nothing")
    return found


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


def widget_problems(notebook: NotebookNode) -> list[str]:
    """No widget state and no widget view, which viewers would prefer to the picture."""
    found = ["the notebook holds widget state"] if "widgets" in notebook.metadata else []
    for cell in notebook.cells:
        mimes = [mime for out in cell.get("outputs", []) for mime in out.get("data", {})]
        if any("widget" in mime for mime in mimes):
            found.append(f"{_at(cell)} holds a widget view")
        if "widget" in tags(cell) and "image/png" not in mimes:
            found.append(f"{_at(cell)} is tagged widget and shows no still picture")
    return found


def machine_problems(notebook: NotebookNode) -> list[str]:
    """No path of a machine, no papermill metadata, no times of execution."""
    found = [
        f"the notebook's metadata holds {key!r}"
        for key in notebook.metadata
        if key not in ("kernelspec", "language_info")
    ]
    for cell in notebook.cells:
        found += [
            f"{_at(cell)} holds {key!r} metadata"
            for key in ("papermill", "execution", "ExecuteTime")
            if key in cell.metadata
        ]
        for output in cell.get("outputs", []):
            path = MACHINE_PATH.search(_text(output))
            if path:
                found.append(f"{_at(cell)} prints a path of a machine: {path[0]}")
    return found


def alt_problems(notebook: NotebookNode) -> list[str]:
    """Every picture, shown or linked, says in words what it shows."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for mime in output.get("data", {}):
                if not mime.startswith("image/"):
                    continue
                alt = output.get("metadata", {}).get(mime, {}).get("alt", "")
                if len(alt.strip()) < MIN_ALT:
                    found.append(f"{_at(cell)} shows a picture without alt text")
        if cell.cell_type == "markdown":
            shown = re.findall(r"!\[([^\]]*)\]\(", cell.source)
            for tag in re.findall(r"<img\b[^>]*>", cell.source):
                alt_of_tag = re.search(r"alt=[\"']([^\"']*)", tag)
                shown.append(alt_of_tag[1] if alt_of_tag else "")
            if any(len(alt.strip()) < MIN_ALT for alt in shown):
                found.append(f"{_at(cell)} links a picture without alt text")
    return found


def student_problems(solved: NotebookNode, student: NotebookNode) -> list[str]:
    """The student edition is the solution minus the blanks, with no answer and no output left."""
    if len(solved.cells) != len(student.cells):
        return ["the student edition has another number of cells than the solution"]
    found = []
    for ours, theirs in zip(solved.cells, student.cells, strict=True):
        if ours.id != theirs.id or ours.metadata != theirs.metadata:
            found.append(f"{_at(theirs)} is not the cell of the solution")
        if theirs.get("outputs"):
            found.append(f"{_at(theirs)} shows an output of the solution")
        if theirs.source != _minus_blank(ours):
            found.append(f"{_at(theirs)} is not the solution minus its blank")
        if "exercise" in tags(ours):
            found += _answer_left(ours, theirs)
    return found


def _minus_blank(cell: NotebookNode) -> str:
    """The blank taken out line by line (and not with the expression that students.py uses)."""
    if "exercise" not in tags(cell):
        return cell.source
    lines = cell.source.split("\n")
    begin = next(i for i, line in enumerate(lines) if line.strip() == BEGIN)
    end = next(i for i, line in enumerate(lines) if line.strip() == END)
    indent = lines[begin][: lines[begin].index("#")]
    return "\n".join([*lines[:begin], f"{indent}raise NotImplementedError", *lines[end + 1 :]])


def _answer_left(solved: NotebookNode, student: NotebookNode) -> list[str]:
    answer = solved.source.split(BEGIN)[1].split(END)[0]
    left = [
        line.strip()
        for line in answer.splitlines()
        if len(line.strip()) > 8 and line.strip() in student.source
    ]
    if BEGIN in student.source or END in student.source:
        left.append("a solution marker")
    return [f"{_at(student)} still holds the answer: {line}" for line in left]


def student_run_problems(executed: NotebookNode) -> list[str]:
    """A run of the student edition: no cell needs an answer, and no check passes without one.

    A check says that there is no answer, as `checks.check` does, or fails with NotImplementedError.
    """
    found = []
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        errors = [out.ename for out in cell.outputs if out.output_type == "error"]
        if cell.execution_count is None:
            found.append(f"{_at(cell)} did not run")
        if errors and not {"exercise", "check"} & set(tags(cell)):
            found.append(f"{_at(cell)} needs an answer: it fails with {errors[0]}")
        elif any(name != "NotImplementedError" for name in errors):
            found.append(f"{_at(cell)} fails with {errors[0]} and not with NotImplementedError")
        elif "check" in tags(cell) and not errors and not _says_unanswered(cell):
            found.append(f"{_at(cell)} passes without an answer")
    return found


def _says_unanswered(cell: NotebookNode) -> bool:
    return any(_text(output).startswith(NOT_ANSWERED) for output in cell.outputs)


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
