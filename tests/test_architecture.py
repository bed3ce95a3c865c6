"""What import-linter cannot see: when a framework is loaded, and what lessons import.

The layers themselves are in pyproject.toml, and `lint-imports` holds them.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "course_lib").rglob("*.py"))
SOURCES = sorted((ROOT / "notebooks" / "source").glob("*.py"))
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras"}
MAY_LOAD_A_FRAMEWORK = {
    "models_torch.py",
    "models_keras.py",
    "training/acceleration.py",
    "training/augmentation.py",
    "training/keras_loop.py",
    "training/torch_loop.py",
}


def imported(path: Path, at_the_top_alone: bool = False) -> set[str]:
    """Dotted names that a module imports, anywhere in it or only when it is itself imported."""
    tree = ast.parse(path.read_text())
    names: set[str] = set()
    for node in tree.body if at_the_top_alone else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_a_module_loads_a_framework_only_if_it_is_about_one(path):
    tops = {name.split(".")[0] for name in imported(path, at_the_top_alone=True)}
    if str(path.relative_to(ROOT / "course_lib")) not in MAY_LOAD_A_FRAMEWORK:
        assert tops & FRAMEWORKS == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lessons_import_the_library_and_no_tools(path):
    assert not any(name.startswith("course_tools") for name in imported(path))
