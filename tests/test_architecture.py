"""The house of DESIGN: floors, what may be imported where, and how much there may be."""

import ast
import io
import re
import tokenize
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "course_lib").rglob("*.py"))
TOOLS = sorted((ROOT / "course_tools").rglob("*.py"))
SOURCES = sorted((ROOT / "notebooks" / "source").glob("*.py"))
FLOORS = {
    5: ("plots", "widgets", "checks", "photos"),
    4: ("published",),
    3: ("schedules", "training", "experiments"),
    2: ("models_torch", "models_keras", "metrics", "statistics", "baselines"),
    1: ("data", "grayscale"),
    0: ("files", "profiles", "seeding"),
}
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras"}
MAY_LOAD_A_FRAMEWORK = {
    "acceleration",
    "models_torch",
    "models_keras",
    "training",
    "training_keras",
}
# Lines of code: without blank lines, comments and docstrings.
MAX_LIBRARY_LINES = 2000
MAX_WIDGETS_LINES = 700  # beside their scripts
MAX_TOOLS_LINES = 3000
MAX_GRADING_LINES = 2800  # beside drawings.py, which like a lesson's checks grows with exercises
MAX_GRADING_MODULE_LINES = 300
MAX_LESSON_CHECK_LINES = 200
MAX_MODULE_LINES = 350

every_module = pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)


def module(path: Path) -> str:
    """The module of course_lib that a file is, or is part of: a package counts as one."""
    return path.relative_to(ROOT / "course_lib").parts[0].removesuffix(".py")


MODULES = {module(path) for path in LIBRARY}


def imported(tree: ast.Module, at_the_top_alone: bool = False) -> set[str]:
    """Dotted names that a module imports, anywhere in it or only when it is itself imported."""
    nodes = tree.body if at_the_top_alone else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def library_modules(names: set[str]) -> set[str]:
    """Which modules of course_lib are among dotted names."""
    parts = (name.split(".") for name in names)
    return {part[1] for part in parts if part[0] == "course_lib" and len(part) > 1} & MODULES


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def floor(name: str) -> int:
    """The floor a module says it is on, in the first words of its docstring."""
    path = ROOT / "course_lib" / f"{name}.py"
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    found = re.match(r"Floor (\d): ", ast.get_docstring(parse(path)) or "")
    assert found, f'{name} must begin with """Floor N: ..."""'
    return int(found[1])


def code_lines(text: str) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings."""
    skip = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skip:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                lines -= set(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    return len(lines)


def test_code_lines_are_counted_as_said():
    documented = '"""Doc\nstring."""\n\nx = 1  # why\n# only a comment\n'
    function = 'def f():\n    """Doc."""\n    return """a\nb"""\n'
    assert code_lines(documented + function) == 1 + 3


@every_module
def test_a_module_imports_from_its_own_floor_or_below(path):
    names = library_modules(imported(parse(path)))
    if module(path) == "__init__":
        assert names == set()
        return
    here = floor(module(path))
    for number, known in FLOORS.items():
        if module(path) in known:
            assert here == number
    for name in names:
        assert floor(name) <= here, f"{module(path)} imports {name} above it"


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: set().union(
            *(library_modules(imported(parse(path))) for path in LIBRARY if module(path) == name)
        )
        - {name}
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@every_module
def test_a_module_loads_a_framework_only_if_it_is_about_one(path):
    tops = {name.split(".")[0] for name in imported(parse(path), at_the_top_alone=True)}
    if path.stem not in MAY_LOAD_A_FRAMEWORK:
        assert tops & FRAMEWORKS == set()


@every_module
def test_the_library_does_not_know_the_tools(path):
    assert not any(name.startswith("course_tools") for name in imported(parse(path)))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lessons_import_the_library_and_no_tools(path):
    assert not any(name.startswith("course_tools") for name in imported(parse(path)))


def test_the_house_stays_small():
    counts = {
        str(path.relative_to(ROOT / "course_lib")): code_lines(path.read_text()) for path in LIBRARY
    }
    checks = {
        name: lines for name, lines in counts.items() if re.fullmatch(r"checks_\d\d.py", name)
    }
    widgets = {name: lines for name, lines in counts.items() if name.startswith("widgets")}
    library = {name: counts[name] for name in counts.keys() - checks.keys() - widgets.keys()}
    tools = {
        str(path.relative_to(ROOT / "course_tools")): code_lines(path.read_text()) for path in TOOLS
    }
    grading = {name: lines for name, lines in tools.items() if name.startswith("grading")}
    tools = {name: tools[name] for name in tools.keys() - grading.keys()}
    assert sum(library.values()) <= MAX_LIBRARY_LINES, library
    assert sum(widgets.values()) <= MAX_WIDGETS_LINES, widgets
    assert max(checks.values()) <= MAX_LESSON_CHECK_LINES, checks
    assert sum(tools.values()) <= MAX_TOOLS_LINES, tools
    assert max(grading.values()) <= MAX_GRADING_MODULE_LINES, grading
    assert sum(grading.values()) - grading["grading/drawings.py"] <= MAX_GRADING_LINES, grading
    assert max(library.values()) <= MAX_MODULE_LINES, library
