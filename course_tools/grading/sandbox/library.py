"""The copy of our code that is in the sandbox: the library without its checks, and the runner.

References are not in the copy, so nothing has to be hidden, and whatever happens to the files of
the original while grading runs changes nothing inside.
"""

import compileall
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import course_lib
from course_tools.grading.sandbox import codec, kernel_shell, protocol, runner, workspace

LIBRARY = Path(course_lib.__file__).parent
TOOLS = Path(runner.__file__).parents[2]
CHECKS = "lesson_*"  # the modules that hold references
NO_CHECK = '''

def check(name, answer):
    """Does nothing here: answers are judged outside, with the inputs of the check."""
'''
_copying = threading.Lock()


@dataclass(frozen=True)
class Copy:
    """Where the copies lie.

    Attributes:
        data: folders of the library that hold no code. They are not copied: they are large.
    """

    library: Path
    tools: Path
    data: tuple[Path, ...]


def copy() -> Copy:
    """The copy that this process's sandboxes share; made when it is first asked for."""
    folder = workspace.folder()
    made = Copy(folder / LIBRARY.name, folder / TOOLS.name, _data())
    with _copying:
        if not made.tools.exists():
            _copy_library(made)
            _copy_tools(made.tools)
            for part in (made.library, made.tools):
                compileall.compile_dir(
                    part, quiet=2, stripdir=str(folder), prependdir=str(LIBRARY.parent)
                )
    return made


def _data() -> tuple[Path, ...]:
    folders = [path for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"]
    return tuple(path for path in folders if not any(path.rglob("*.py")))


def _copy_library(made: Copy) -> None:
    ignored = shutil.ignore_patterns(CHECKS, "__pycache__", *(path.name for path in made.data))
    shutil.copytree(LIBRARY, made.library, ignore=ignored, dirs_exist_ok=True)
    for path in made.data:
        (made.library / path.name).mkdir(exist_ok=True)
    with open(made.library / "checks" / "__init__.py", "a", encoding="utf-8") as file:
        file.write(NO_CHECK)


def _copy_tools(place: Path) -> None:
    """What the runner needs of these tools, and no more."""
    modules = [codec, kernel_shell, protocol, runner]
    files = [Path(str(module.__file__)) for module in modules]
    packages = [TOOLS, TOOLS / "grading", TOOLS / "grading" / "sandbox"]
    for file in [*files, *(package / "__init__.py" for package in packages)]:
        copied = place / file.relative_to(TOOLS)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copied)
